#include "model_fixture.h"

#define CLUSTER(name, more_meta, more_spec)                                                               \
    "{'metadata': {'namespace': 'proget', 'name': '" name "', 'uid': 'c-" name "', 'creationTimestamp': " \
    "'2026-11-22T05:00:00Z'" more_meta "}, 'spec': {'selector': {'matchLabels': {'app': 'proget'}}" more_spec "}}"
#define DISCOVERED ", 'labels': {'proget-operator.io/discovered': 'true'}"
#define OWNED_BY(api_version, kind, name)                                                        \
    ", 'ownerReferences': [{'apiVersion': '" api_version "', 'kind': '" kind "', 'name': '" name \
    "', 'uid': 'uid-" name "', 'controller': true}]"
#define TEMPLATE                                                                                                       \
    "'selector': {'matchLabels': {'app': 'proget'}}, 'template': {'metadata': {'labels': {'app': 'proget'}}, 'spec': " \
    "{'containers': [{'name': 'proget', 'image': 'x/proget:25.0.13'}]}}"

static void put_pod(struct model *model, const char *name, const char *more_meta, const char *more_spec,
                    const char *status)
{
    cleanup_free char *pod = fixture_pod(name, more_meta, more_spec, status);
    fixture_put(model, MODEL_PODS, pod);
}

static void assemble(struct model *model, struct cluster_list *ret_list)
{
    model_assemble(model, fixture_after(0), ret_list);
}

static const struct server *server_named(const struct cluster *cluster, const char *name)
{
    for (size_t i = 0; i < cluster->server_count; i++) {
        if (text_equal(cluster->servers[i].pod->meta.name, name)) {
            return &cluster->servers[i];
        }
    }
    fail_msg("no server %s", name);
    return NULL;
}

/* --- servers --- */

static void test_servers(void **state)
{
    (void) state;
    struct model *model = fixture_live();
    fixture_put(model, MODEL_CLUSTERS, CLUSTER("main", "", ""));
    fixture_put(model, MODEL_NODES, "{'metadata': {'name': 'node-a'}}");
    put_pod(model, "p2", "", ", 'nodeName': 'node-a'", "{'phase': 'Running'}");
    put_pod(model, "p1", ", 'deletionTimestamp': '2026-11-22T07:00:00Z'", "", "{'phase': 'Running'}");
    put_pod(model, "p0", OWNED_BY("batch/v1", "Job", "backup"), "", "{'phase': 'Running'}");
    put_pod(model, "p3", "", ", 'nodeName': 'node-b'", "{'phase': 'Failed'}");
    put_pod(model, "other", ", 'labels': {'app': 'other'}", ", 'containers': []", "{}");
    struct cluster_list list;
    assemble(model, &list);
    assert_int_equal(list.count, 1);
    const struct cluster *cluster = &list.items[0];
    assert_string_equal(cluster->namespace_name, "proget");
    assert_string_equal(cluster->name, "main");
    assert_non_null(cluster->resource);
    assert_non_null(cluster->history);
    assert_null(cluster->implied_spec);
    assert_int_equal(cluster->server_count, 4);
    assert_int_equal(cluster->live_count, 1);
    for (size_t i = 0; i < 4; i++) { /* by name */
        const char name[] = {'p', (char) ('0' + i), '\0'};
        assert_string_equal(cluster->servers[i].pod->meta.name, name);
        assert_int_equal(cluster->servers[i].live, i == 2);
    }
    assert_non_null(cluster->servers[2].node);
    assert_null(cluster->servers[3].node); /* not known */
    assert_string_equal(cluster->servers[2].product->name, "proget");
    assert_null(cluster->servers[2].sidecar);
    assert_int_equal(cluster->subject_count, 1);
    assert_ptr_equal(cluster->subjects[0].server, &cluster->servers[2]);
    assert_string_equal(cluster->subjects[0].kind, "Pod");
    assert_int_equal(cluster->subjects[0].servers, 1);
    assert_int_equal(cluster->intended, 1); /* no workload: the live ones */
    cluster_list_free(&list);
    model_free(model);
}

struct container_case {
    const char *name;
    const char *cluster_spec;
    const char *spec;
    const char *product, *sidecar; /* NULL: none */
};

static const struct container_case container_cases[] = {
    {"by image", "", "'containers': [{'name': 'web'}, {'name': 'a', 'image': 'x:5000/y/proget:25.0.13'}]", "a", NULL},
    {"by the name that the cluster says", ", 'container': 'web'",
     "'containers': [{'name': 'web', 'image': 'own:1'}, {'name': 'a', 'image': 'proget'}]", "web", NULL},
    {"the name is not there: by image", ", 'container': 'gone'", "'containers': [{'name': 'a', 'image': 'proget'}]",
     "a", NULL},
    {"by variable", "",
     "'containers': [{'name': 'web'}, {'name': 'own', 'image': 'own:1', 'env': [{'name': 'PROGET_ENCRYPTION_KEY'}]}]",
     "own", NULL},
    {"image before variable", "",
     "'containers': [{'name': 'own', 'env': [{'name': 'PROGET_ENCRYPTION_KEY'}]}, {'name': 'a', 'image': 'proget'}]",
     "a", NULL},
    {"the cluster's product before others", "",
     "'containers': [{'name': 'o', 'image': 'otter'}, {'name': 'a', 'image': 'proget'}, {'name': 'b', 'image': "
     "'proget'}]",
     "a", NULL},
    {"another product when there is none", "", "'containers': [{'name': 'o', 'image': 'x/otter@sha256:1'}]", "o", NULL},
    {"the sidecar has the key too", "",
     "'containers': [{'name': 'proget-sidecar', 'env': [{'name': 'PROGET_ENCRYPTION_KEY'}]}, {'name': 'web'}]", NULL,
     "proget-sidecar"},
    {"native sidecar of another name", "",
     "'initContainers': [{'name': 's', 'image': 'r/proget-sidecar:0.1@sha256:1', 'restartPolicy': 'Always'}], "
     "'containers': [{'name': 'a', 'image': 'proget'}]",
     "a", "s"},
    {"init containers are never the product's", "",
     "'initContainers': [{'name': 'i', 'image': 'proget'}], 'containers': [{'name': 'web'}]", NULL, NULL},
};

static void test_containers(void **state)
{
    (void) state;
    for (size_t i = 0; i < array_length(container_cases); i++) {
        const struct container_case *c = &container_cases[i];
        struct model *model = fixture_live();
        cleanup_free char *cluster = xasprintf(
            "{'metadata': {'namespace': 'n', 'name': 'c'}, 'spec': {'selector': {'matchLabels': {'a': 'b'}}%s}}",
            c->cluster_spec);
        cleanup_free char *pod =
            xasprintf("{'metadata': {'namespace': 'n', 'name': 'p', 'labels': {'a': 'b'}}, 'spec': {%s}}", c->spec);
        fixture_put(model, MODEL_CLUSTERS, cluster);
        fixture_put(model, MODEL_PODS, pod);
        struct cluster_list list;
        assemble(model, &list);
        const struct server *server = &list.items[0].servers[0];
        if (!text_equal(server->product ? server->product->name : NULL, c->product) ||
            !text_equal(server->sidecar ? server->sidecar->name : NULL, c->sidecar)) {
            fail_msg("%s: %s, %s", c->name, server->product ? server->product->name : "none",
                     server->sidecar ? server->sidecar->name : "none");
        }
        cluster_list_free(&list);
        model_free(model);
    }
}

/* --- workloads --- */

static void test_chains(void **state)
{
    (void) state;
    struct model *model = fixture_live();
    fixture_put(model, MODEL_CLUSTERS, CLUSTER("main", "", ""));
    fixture_put(model, MODEL_DEPLOYMENTS,
                "{'metadata': {'namespace': 'proget', 'name': 'd', 'uid': 'uid-d'}, 'spec': {'replicas': 2, " TEMPLATE
                "}}");
    fixture_put(model, MODEL_REPLICA_SETS,
                "{'metadata': {'namespace': 'proget', 'name': 'd-1', 'uid': 'uid-d-1'" OWNED_BY(
                    "apps/v1", "Deployment", "d") "}, 'spec': {'replicas': 2, " TEMPLATE "}}");
    fixture_put(model, MODEL_REPLICA_SETS,
                "{'metadata': {'namespace': 'proget', 'name': 'r-1', 'uid': 'uid-r-1'" OWNED_BY(
                    "argoproj.io/v1alpha1", "Rollout", "r") "}, 'spec': {'replicas': 1, " TEMPLATE "}}");
    fixture_put(model, MODEL_REPLICA_SETS,
                "{'metadata': {'namespace': 'proget', 'name': 'alone', 'uid': 'uid-alone'}, 'spec': {'replicas': "
                "1, " TEMPLATE "}}");
    fixture_put(model, MODEL_STATEFUL_SETS,
                "{'metadata': {'namespace': 'proget', 'name': 's', 'uid': 'uid-of-another'}, 'spec': {'replicas': "
                "5, " TEMPLATE "}}");
    put_pod(model, "of-deployment", OWNED_BY("apps/v1", "ReplicaSet", "d-1"), "", "{}");
    put_pod(model, "of-rollout", OWNED_BY("apps/v1", "ReplicaSet", "r-1"), "", "{}");
    put_pod(model, "of-replica-set", OWNED_BY("apps/v1", "ReplicaSet", "alone"), "", "{}");
    put_pod(model, "of-former-set", OWNED_BY("apps/v1", "StatefulSet", "s"), "", "{}");
    put_pod(model, "of-kruise", OWNED_BY("apps.kruise.io/v1beta1", "StatefulSet", "d"), "", "{}");
    put_pod(model, "bare", "", "", "{}");
    static const struct {
        const char *pod, *kind, *name;
        bool known;
    } expected[] = {
        {"of-deployment", "Deployment", "d", true},      {"of-rollout", "Rollout", "r", false},
        {"of-replica-set", "ReplicaSet", "alone", true}, {"of-former-set", "StatefulSet", "s", false},
        {"of-kruise", "StatefulSet", "d", false},        {"bare", NULL, NULL, false},
    };
    struct cluster_list list;
    assemble(model, &list);
    const struct cluster *cluster = fixture_cluster(&list, "main");
    for (size_t i = 0; i < array_length(expected); i++) {
        const struct server *server = server_named(cluster, expected[i].pod);
        if (!text_equal(server->workload_kind, expected[i].kind) ||
            !text_equal(server->workload_name, expected[i].name) || (server->workload != NULL) != expected[i].known) {
            fail_msg("%s: %s %s", expected[i].pod, server->workload_kind, server->workload_name);
        }
    }
    /* The StatefulSet has no pod here, but its template is selected. */
    assert_int_equal(cluster->workload_count, 3);
    assert_string_equal(cluster->workloads[0]->meta.name, "alone");
    assert_string_equal(cluster->workloads[1]->meta.name, "d");
    assert_string_equal(cluster->workloads[2]->meta.name, "s");
    assert_int_equal(cluster->intended, 8);
    assert_int_equal(cluster->subject_count, 7); /* six live pods and the template without */
    assert_string_equal(cluster->subjects[6].kind, "StatefulSet");
    assert_string_equal(cluster->subjects[6].api_version, "apps/v1");
    assert_int_equal(cluster->subjects[6].servers, 5);
    assert_non_null(cluster->subjects[6].product);
    cluster_list_free(&list);
    model_free(model);
}

/* An input of Deployments and pods: the ReplicaSet between them is not in it. */
static void test_chain_without_replica_set(void **state)
{
    (void) state;
    struct model *model = fixture_offline();
    fixture_put(model, MODEL_DEPLOYMENTS,
                "{'metadata': {'namespace': 'proget', 'name': 'd', 'uid': 'uid-d'}, 'spec': {'replicas': 1, " TEMPLATE
                "}}");
    put_pod(model, "d-7d9f-x",
            ", 'labels': {'app': 'proget', 'pod-template-hash': '7d9f'}" OWNED_BY("apps/v1", "ReplicaSet", "d-7d9f"),
            "", "{}");
    struct cluster_list list;
    assemble(model, &list);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].name, "d");
    assert_string_equal(list.items[0].servers[0].workload_kind, "Deployment");
    assert_non_null(list.items[0].servers[0].workload);
    assert_int_equal(list.items[0].subject_count, 1);
    assert_true(list.items[0].is_offline);
    assert_null(list.items[0].history);
    cluster_list_free(&list);
    model_free(model);
}

/* --- rollouts --- */

struct rollout_case {
    const char *name;
    enum model_kind kind;
    const char *meta, *spec, *status;
    bool leaving; /* one of its pods is terminating */
    bool expected;
};

static const struct rollout_case rollout_cases[] = {
    {"never applied", MODEL_DEPLOYMENTS, "", "'replicas': 3", "{}", false, false},
    {"Deployment at rest", MODEL_DEPLOYMENTS, ", 'generation': 2", "'replicas': 3",
     "{'observedGeneration': 2, 'replicas': 3, 'updatedReplicas': 3, 'availableReplicas': 3}", false, false},
    {"not observed yet", MODEL_DEPLOYMENTS, ", 'generation': 3", "'replicas': 3",
     "{'observedGeneration': 2, 'replicas': 3, 'updatedReplicas': 3, 'availableReplicas': 3}", false, true},
    {"old pods are left", MODEL_DEPLOYMENTS, ", 'generation': 2", "'replicas': 3",
     "{'observedGeneration': 2, 'replicas': 4, 'updatedReplicas': 3, 'availableReplicas': 3}", false, true},
    {"updated ones are not available", MODEL_DEPLOYMENTS, ", 'generation': 2", "'replicas': 3",
     "{'observedGeneration': 2, 'replicas': 3, 'updatedReplicas': 3, 'availableReplicas': 2}", false, true},
    {"pods are missing for another reason", MODEL_DEPLOYMENTS, ", 'generation': 2", "'replicas': 3",
     "{'observedGeneration': 2, 'replicas': 2, 'updatedReplicas': 2, 'availableReplicas': 2}", false, false},
    {"Recreate: old ones leave", MODEL_DEPLOYMENTS, ", 'generation': 2", "'replicas': 3",
     "{'observedGeneration': 2, 'updatedReplicas': 0}", true, true},
    {"StatefulSet at rest", MODEL_STATEFUL_SETS, ", 'generation': 1", "'replicas': 3",
     "{'observedGeneration': 1, 'replicas': 3, 'updatedReplicas': 3, 'currentRevision': 'a', 'updateRevision': 'a'}",
     false, false},
    {"StatefulSet on its way", MODEL_STATEFUL_SETS, ", 'generation': 1", "'replicas': 3",
     "{'observedGeneration': 1, 'replicas': 3, 'updatedReplicas': 1, 'currentRevision': 'a', 'updateRevision': 'b'}",
     false, true},
    {"StatefulSet not observed yet", MODEL_STATEFUL_SETS, ", 'generation': 2", "'replicas': 3",
     "{'observedGeneration': 1, 'replicas': 3, 'updatedReplicas': 3, 'currentRevision': 'a', 'updateRevision': 'a'}",
     false, true},
    {"OnDelete", MODEL_STATEFUL_SETS, ", 'generation': 1", "'replicas': 3, 'updateStrategy': {'type': 'OnDelete'}",
     "{'observedGeneration': 1, 'replicas': 3, 'updatedReplicas': 1, 'currentRevision': 'a', 'updateRevision': 'b'}",
     false, false},
    {"partition, all above it updated", MODEL_STATEFUL_SETS, ", 'generation': 1",
     "'replicas': 3, 'updateStrategy': {'type': 'RollingUpdate', 'rollingUpdate': {'partition': 2}}",
     "{'observedGeneration': 1, 'replicas': 3, 'updatedReplicas': 1, 'currentRevision': 'a', 'updateRevision': 'b'}",
     false, false},
    {"partition, on its way", MODEL_STATEFUL_SETS, ", 'generation': 1",
     "'replicas': 3, 'updateStrategy': {'type': 'RollingUpdate', 'rollingUpdate': {'partition': 1}}",
     "{'observedGeneration': 1, 'replicas': 3, 'updatedReplicas': 1, 'currentRevision': 'a', 'updateRevision': 'b'}",
     false, true},
    {"StatefulSet, a pod is replaced", MODEL_STATEFUL_SETS, ", 'generation': 1", "'replicas': 3",
     "{'observedGeneration': 1, 'replicas': 3, 'updatedReplicas': 2, 'currentRevision': 'a', 'updateRevision': 'a'}",
     true, true},
    {"DaemonSet at rest", MODEL_DAEMON_SETS, ", 'generation': 1", "'minReadySeconds': 0",
     "{'observedGeneration': 1, 'desiredNumberScheduled': 2, 'updatedNumberScheduled': 2, 'numberAvailable': 2}", false,
     false},
    {"DaemonSet on its way", MODEL_DAEMON_SETS, ", 'generation': 1", "'minReadySeconds': 0",
     "{'observedGeneration': 1, 'desiredNumberScheduled': 2, 'updatedNumberScheduled': 1, 'numberAvailable': 2}", false,
     true},
    {"DaemonSet OnDelete", MODEL_DAEMON_SETS, ", 'generation': 1", "'updateStrategy': {'type': 'OnDelete'}",
     "{'observedGeneration': 1, 'desiredNumberScheduled': 2, 'updatedNumberScheduled': 1, 'numberAvailable': 2}", false,
     false},
    {"ReplicaSet", MODEL_REPLICA_SETS, ", 'generation': 2", "'replicas': 3", "{'observedGeneration': 1}", false, false},
};

static void test_rollouts(void **state)
{
    (void) state;
    for (size_t i = 0; i < array_length(rollout_cases); i++) {
        const struct rollout_case *c = &rollout_cases[i];
        struct model *model = fixture_live();
        cleanup_free char *workload =
            xasprintf("{'metadata': {'namespace': 'proget', 'name': 'w', 'uid': 'uid-w'%s}, 'spec': {%s, " TEMPLATE
                      "}, 'status': %s}",
                      c->meta, c->spec, c->status);
        fixture_put(model, MODEL_CLUSTERS, CLUSTER("main", "", ""));
        fixture_put(model, c->kind, workload);
        if (c->leaving && c->kind == MODEL_STATEFUL_SETS) {
            put_pod(model, "w-0",
                    ", 'deletionTimestamp': '2026-11-22T07:00:00Z'" OWNED_BY("apps/v1", "StatefulSet", "w"), "", "{}");
        } else if (c->leaving) {
            fixture_put(model, MODEL_REPLICA_SETS,
                        "{'metadata': {'namespace': 'proget', 'name': 'w-1', 'uid': 'uid-w-1'" OWNED_BY(
                            "apps/v1", "Deployment", "w") "}}");
            put_pod(model, "w-1-a",
                    ", 'deletionTimestamp': '2026-11-22T07:00:00Z'" OWNED_BY("apps/v1", "ReplicaSet", "w-1"), "", "{}");
        }
        struct cluster_list list;
        assemble(model, &list);
        if (fixture_cluster(&list, "main")->rollout_under_way != c->expected) {
            fail_msg("%s: %s", c->name, c->expected ? "not seen" : "seen");
        }
        cluster_list_free(&list);
        model_free(model);
    }
}

/* --- settings --- */

static void test_settings(void **state)
{
    (void) state;
    struct model *model = fixture_live();
    fixture_put(model, MODEL_CLUSTERS, CLUSTER("a", "", ""));
    fixture_put(model, MODEL_CLUSTERS,
                CLUSTER("b", "",
                        ", 'product': 'BuildMaster', 'servers': 4, 'heartbeat': {'intervalSeconds': 10, "
                        "'staleAfterSeconds': 9223372036854775807, 'webStaleAfterHours': 2}, 'licence': {'maxServers': "
                        "7}, 'messenger': {'port': 5}, 'activation': {'internetAccess': 'Blocked', 'host': 'h'}, "
                        "'placement': {'topologyKey': 'zone'}"));
    struct cluster_list list;
    assemble(model, &list);
    assert_int_equal(list.count, 2);
    const struct cluster_settings *defaults = &list.items[0].settings;
    assert_int_equal(list.items[0].product, PRODUCT_PROGET);
    assert_int_equal(defaults->interval_ms, 30000);
    assert_int_equal(defaults->stale_after_ms, 300000);
    assert_int_equal(defaults->web_stale_after_ms, 24 * 3600 * 1000);
    assert_int_equal(defaults->max_servers, 5);
    assert_int_equal(defaults->messenger_port, 33237);
    assert_string_equal(defaults->internet_access, "Auto");
    assert_string_equal(defaults->activation_host, "my.inedo.com");
    assert_string_equal(defaults->topology_key, "kubernetes.io/hostname");
    const struct cluster_settings *own = &list.items[1].settings;
    assert_int_equal(list.items[1].product, PRODUCT_BUILDMASTER);
    assert_int_equal(list.items[1].intended, 4);
    assert_int_equal(own->interval_ms, 10000);
    assert_true(own->stale_after_ms > 0);
    assert_int_equal(own->web_stale_after_ms, 2 * 3600 * 1000);
    assert_int_equal(own->max_servers, 7);
    assert_int_equal(own->messenger_port, 5);
    assert_string_equal(own->internet_access, "Blocked");
    assert_string_equal(own->activation_host, "h");
    assert_string_equal(own->topology_key, "zone");
    cluster_list_free(&list);
    model_free(model);
}

/* --- two want one pod --- */

static void test_overlap(void **state)
{
    (void) state;
    struct model *model = fixture_live();
    fixture_put(model, MODEL_CLUSTERS, CLUSTER("a", "", ""));
    fixture_put(model, MODEL_CLUSTERS,
                "{'metadata': {'namespace': 'proget', 'name': 'b', 'creationTimestamp': '2026-11-22T04:00:00Z'}, "
                "'spec': {'selector': {'matchExpressions': [{'key': 'app', 'operator': 'Exists'}]}}}");
    fixture_put(model, MODEL_CLUSTERS,
                "{'metadata': {'namespace': 'elsewhere', 'name': 'c'}, 'spec': {'selector': {'matchLabels': {'app': "
                "'proget'}}}}");
    fixture_put(model, MODEL_CLUSTERS, "{'metadata': {'namespace': 'proget', 'name': 'd'}, 'spec': {'selector': {}}}");
    put_pod(model, "p0", "", "", "{}");
    put_pod(model, "p1", "", "", "{}");
    struct cluster_list list;
    assemble(model, &list);
    assert_int_equal(list.count, 4);
    assert_string_equal(list.items[0].name, "c"); /* by namespace, then name */
    assert_int_equal(list.items[0].server_count, 0);
    const struct cluster *a = &list.items[1];
    const struct cluster *b = &list.items[2];
    assert_int_equal(b->server_count, 2); /* the older one keeps them */
    assert_int_equal(a->server_count, 0);
    assert_int_equal(a->overlap_count, 1);
    assert_ptr_equal(a->overlaps[0], b->resource);
    assert_int_equal(b->overlap_count, 1);
    assert_ptr_equal(b->overlaps[0], a->resource);
    assert_null(a->superseded_by);
    assert_int_equal(list.items[3].server_count, 0); /* an empty selector selects nothing */
    assert_int_equal(list.items[3].overlap_count, 0);
    cluster_list_free(&list);
    model_free(model);
}

static void test_superseded(void **state)
{
    (void) state;
    struct model *model = fixture_live();
    fixture_put(model, MODEL_CLUSTERS,
                "{'metadata': {'namespace': 'proget', 'name': 'mine', 'creationTimestamp': '2026-11-22T06:00:00Z'}, "
                "'spec': {'selector': {'matchLabels': {'app': 'proget'}}}}");
    fixture_put(model, MODEL_CLUSTERS, CLUSTER("found", DISCOVERED, ""));
    put_pod(model, "p0", "", "", "{}");
    struct cluster_list list;
    assemble(model, &list);
    const struct cluster *found = fixture_cluster(&list, "found");
    const struct cluster *mine = fixture_cluster(&list, "mine");
    assert_true(found->discovered);
    assert_ptr_equal(found->superseded_by, mine->resource);
    assert_int_equal(found->server_count, 0);
    assert_int_equal(found->overlap_count, 0);
    assert_false(mine->discovered);
    assert_int_equal(mine->server_count, 1); /* the younger one, but a user's */
    assert_int_equal(mine->overlap_count, 0);
    assert_null(mine->superseded_by);
    cluster_list_free(&list);

    /* The same while the workload has no pods. */
    fixture_remove(model, MODEL_PODS, "proget", "p0");
    fixture_put(model, MODEL_STATEFUL_SETS,
                "{'metadata': {'namespace': 'proget', 'name': 's'}, 'spec': {'replicas': 0, " TEMPLATE "}}");
    assemble(model, &list);
    assert_non_null(fixture_cluster(&list, "found")->superseded_by);
    assert_int_equal(fixture_cluster(&list, "found")->workload_count, 0);
    assert_int_equal(fixture_cluster(&list, "mine")->workload_count, 1);
    cluster_list_free(&list);
    model_free(model);
}

/* --- too many --- */

static void test_too_many_pods(void **state)
{
    (void) state;
    struct model *model = fixture_live();
    fixture_put(model, MODEL_CLUSTERS, CLUSTER("main", "", ""));
    for (int i = 0; i < BOUND_SERVERS_PER_CLUSTER + 10; i++) {
        cleanup_free char *name = xasprintf("p%04d", i);
        put_pod(model, name, "", "", i < 20 ? "{'phase': 'Failed'}" : "{'phase': 'Running'}");
    }
    struct cluster_list list;
    assemble(model, &list);
    const struct cluster *cluster = &list.items[0];
    assert_int_equal(cluster->server_count, BOUND_SERVERS_PER_CLUSTER);
    assert_int_equal(cluster->servers_dropped, 10);
    assert_int_equal(cluster->live_count, BOUND_SERVERS_PER_CLUSTER - 10); /* none of those that live */
    cluster_list_free(&list);
    model_free(model);
}

/* Manifests may name no namespace. */
static void test_without_namespace(void **state)
{
    (void) state;
    struct model *model = fixture_offline();
    fixture_put(model, MODEL_CLUSTERS,
                "{'metadata': {'name': 'main'}, 'spec': {'selector': {'matchLabels': {'app': 'proget'}}}}");
    fixture_put(model, MODEL_DEPLOYMENTS, "{'metadata': {'name': 'd'}, 'spec': {" TEMPLATE "}}");
    fixture_put(model, MODEL_DEPLOYMENTS, "{'metadata': {'namespace': 'n', 'name': 'e'}, 'spec': {" TEMPLATE "}}");
    struct cluster_list list;
    assemble(model, &list);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].namespace_name, "");
    assert_string_equal(list.items[0].name, "main");
    assert_int_equal(list.items[0].workload_count, 1);
    assert_int_equal(list.items[0].intended, 1);
    assert_string_equal(list.items[1].name, "e");
    cluster_list_free(&list);
    model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_servers),       cmocka_unit_test(test_containers),
        cmocka_unit_test(test_chains),        cmocka_unit_test(test_chain_without_replica_set),
        cmocka_unit_test(test_rollouts),      cmocka_unit_test(test_settings),
        cmocka_unit_test(test_overlap),       cmocka_unit_test(test_superseded),
        cmocka_unit_test(test_too_many_pods), cmocka_unit_test(test_without_namespace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
