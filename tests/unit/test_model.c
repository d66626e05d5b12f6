#include "model_fixture.h"

/* --- kinds --- */

static void test_kinds(void **state)
{
    (void) state;
    static const struct {
        const char *api_version, *kind;
        enum model_kind expected;
    } cases[] = {
        {"v1", "Pod", MODEL_PODS},
        {"v1", "Node", MODEL_NODES},
        {"coordination.k8s.io/v1", "Lease", MODEL_LEASES},
        {"scheduling.k8s.io/v1", "PriorityClass", MODEL_PRIORITY_CLASSES},
        {"apps/v1", "StatefulSet", MODEL_STATEFUL_SETS},
        {"apps/v1", "Deployment", MODEL_DEPLOYMENTS},
        {"apps/v1", "ReplicaSet", MODEL_REPLICA_SETS},
        {"apps/v1", "DaemonSet", MODEL_DAEMON_SETS},
        {"v1", "Service", MODEL_SERVICES},
        {"proget-operator.io/v1alpha1", "ProGetCluster", MODEL_CLUSTERS},
        {"v1", "Event", MODEL_EVENTS_FAILED_CREATE},
        {"events.k8s.io/v1", "Event", MODEL_EVENTS_FAILED_CREATE},
        {"v1", "Secret", MODEL_SECRETS},
        {"apps.kruise.io/v1", "StatefulSet", MODEL_KIND_COUNT},
        {"apps/v1beta1", "Deployment", MODEL_KIND_COUNT},
        {"autoscaling/v2", "HorizontalPodAutoscaler", MODEL_AUTOSCALERS},
        {"autoscaling/v1", "HorizontalPodAutoscaler", MODEL_AUTOSCALERS},
        {"autoscaling/v2beta2", "HorizontalPodAutoscaler", MODEL_KIND_COUNT},
        {"policy/v1beta1", "PodDisruptionBudget", MODEL_DISRUPTION_BUDGETS},
        {"apps", "Deployment", MODEL_KIND_COUNT},
        {"v1", "Pods", MODEL_KIND_COUNT},
        {"", "Pod", MODEL_KIND_COUNT},
        {NULL, "Pod", MODEL_KIND_COUNT},
        {"v1", NULL, MODEL_KIND_COUNT},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        assert_int_equal(model_kind_of(cases[i].api_version, cases[i].kind), cases[i].expected);
    }
}

static void test_kind_table(void **state)
{
    (void) state;
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        const struct model_kind_info *info = model_kind_info((enum model_kind) kind);
        assert_non_null(info->group);
        assert_non_null(info->version);
        assert_non_null(info->plural);
        assert_non_null(info->kind);
        assert_non_null(info->type);
        assert_int_equal(info->watched, kind != MODEL_SECRETS && kind != MODEL_NODE_METRICS);
    }
    assert_string_equal(model_kind_info(MODEL_LEASES)->label_selector, "app.kubernetes.io/managed-by=proget-sidecar");
    assert_string_equal(model_kind_info(MODEL_EVENTS_EVICTED)->field_selector, "reason=Evicted");
    assert_false(model_kind_info(MODEL_NODES)->namespaced);
    assert_false(model_kind_info(MODEL_PRIORITY_CLASSES)->namespaced);
    assert_true(model_kind_info(MODEL_PODS)->namespaced);
}

/* --- observed --- */

static void test_unobserved_live(void **state)
{
    (void) state;
    struct model *model = fixture_live();
    assert_null(model_unobserved(model, MODEL_NODES));
    assert_non_null(model_unobserved(model, MODEL_SECRETS));
    model_set_unobserved(model, MODEL_NODES, "nodes may not be read");
    assert_string_equal(model_unobserved(model, MODEL_NODES), "nodes may not be read");
    assert_true(model_take_changed(model));
    model_set_unobserved(model, MODEL_NODES, "nodes may not be read");
    assert_false(model_take_changed(model));
    model_set_unobserved(model, MODEL_NODES, NULL);
    assert_null(model_unobserved(model, MODEL_NODES));
    assert_true(model_take_changed(model));
    model_free(model);
}

static void test_unobserved_offline(void **state)
{
    (void) state;
    struct model *model = fixture_offline();
    assert_string_equal(model_unobserved(model, MODEL_PRIORITY_CLASSES), "not in the input");
    assert_non_null(model_unobserved(model, MODEL_EVENTS_TAINT));
    fixture_put(model, MODEL_PRIORITY_CLASSES, "{'metadata': {'name': 'high'}, 'value': 5}");
    fixture_put(model, MODEL_EVENTS_FAILED_CREATE, "{'metadata': {'namespace': 'a', 'name': 'e'}}");
    assert_null(model_unobserved(model, MODEL_PRIORITY_CLASSES));
    assert_null(model_unobserved(model, MODEL_EVENTS_TAINT));
    assert_non_null(model_unobserved(model, MODEL_AUTOSCALERS));
    assert_null(model_unobserved(model, MODEL_SCALED_OBJECTS)); /* an extension that most are without */
    assert_null(model_unobserved(model, MODEL_NODE_METRICS));
    model_free(model);
}

/* --- changed --- */

#define FOREIGN(ns, name, phase)                                                                                \
    "{'metadata': {'namespace': '" ns "', 'name': '" name "', 'labels': {'app': 'x'}}, 'spec': {'containers': " \
    "[{'name': 'm', 'image': 'nginx:1'}]}, 'status': {'phase': '" phase "'}}"
#define PRODUCT(ns, name)                                                                                       \
    "{'metadata': {'namespace': '" ns "', 'name': '" name "'}, 'spec': {'containers': [{'name': 'm', 'image': " \
    "'x/proget:25.0.13'}]}}"
#define CLUSTER                                                                                                        \
    "{'metadata': {'namespace': 'proget', 'name': 'main', 'uid': 'c1'}, 'spec': {'selector': {'matchLabels': {'app': " \
    "'proget'}}}}"

static void test_changed_by_pods(void **state)
{
    (void) state;
    struct model *model = fixture_live();
    assert_false(model_take_changed(model));
    fixture_put(model, MODEL_PODS, FOREIGN("other", "a", "Pending"));
    fixture_put(model, MODEL_PODS, FOREIGN("other", "a", "Running"));
    fixture_remove(model, MODEL_PODS, "other", "a");
    assert_false(model_take_changed(model));

    /* One of the product makes its namespace matter, until it has gone. */
    fixture_put(model, MODEL_PODS, PRODUCT("other", "p"));
    assert_true(model_take_changed(model));
    fixture_put(model, MODEL_PODS, FOREIGN("other", "a", "Running"));
    assert_true(model_take_changed(model));
    fixture_remove(model, MODEL_PODS, "other", "p");
    assert_true(model_take_changed(model));
    fixture_put(model, MODEL_PODS, FOREIGN("other", "a", "Failed"));
    assert_false(model_take_changed(model));

    fixture_put(model, MODEL_CLUSTERS, CLUSTER);
    assert_true(model_take_changed(model));
    fixture_put(model, MODEL_PODS, FOREIGN("proget", "a", "Running"));
    assert_true(model_take_changed(model));
    assert_false(model_take_changed(model));
    model_free(model);
}

static void test_changed_by_others(void **state)
{
    (void) state;
    struct model *model = fixture_live();
    fixture_put(model, MODEL_NODES, "{'metadata': {'name': 'a'}}");
    assert_true(model_take_changed(model));
    /* The kubelet's own heartbeat is no change. */
    fixture_put(model, MODEL_NODES, "{'metadata': {'name': 'a', 'resourceVersion': '7'}, 'status': {}}");
    assert_false(model_take_changed(model));
    fixture_put(model, MODEL_DEPLOYMENTS, "{'metadata': {'namespace': 'other', 'name': 'd'}}");
    assert_false(model_take_changed(model));
    fixture_put(model, MODEL_DEPLOYMENTS,
                "{'metadata': {'namespace': 'other', 'name': 'd'}, 'spec': {'template': {'spec': {'containers': "
                "[{'name': 'x', 'env': [{'name': 'OTTER_ENCRYPTION_KEY', 'value': 'k'}]}]}}}}");
    assert_true(model_take_changed(model));
    fixture_remove(model, MODEL_DEPLOYMENTS, "other", "d");
    assert_true(model_take_changed(model));
    fixture_put(model, MODEL_SERVICES, "{'metadata': {'namespace': 'other', 'name': 's'}}");
    assert_false(model_take_changed(model));
    model_free(model);
}

/* --- heartbeats --- */

#define LEASE(renewed, report)                                                                              \
    "{'metadata': {'namespace': 'proget', 'name': 'proget-p0', 'uid': 'l0', 'annotations': {" report        \
    "}, 'ownerReferences': [{'apiVersion': 'v1', 'kind': 'Pod', 'name': 'p0', 'uid': 'uid-p0'}]}, 'spec': " \
    "{'holderIdentity': 'p0', 'leaseDurationSeconds': 300, 'renewTime': '" renewed "'}}"
#define REPORT_A "'proget-operator.io/report': '{\\\"v\\\":1,\\\"version\\\":\\\"2025.13\\\"}'"
#define REPORT_B "'proget-operator.io/report': '{\\\"v\\\":1,\\\"version\\\":\\\"2025.14\\\"}'"
#define BROKEN   "'proget-operator.io/report': '{\\\"v\\\":7}'"

/* The state of the only server, and its report's version ("-": none). */
static void assert_heartbeat(struct model *model, int64_t seconds, enum heartbeat_state expected, const char *version)
{
    struct cluster_list list;
    model_assemble(model, fixture_after(seconds), &list);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].server_count, 1);
    const struct server *server = &list.items[0].servers[0];
    assert_string_equal(heartbeat_state_name(server->heartbeat_state), heartbeat_state_name(expected));
    assert_string_equal(server->report == NULL || server->report->version == NULL ? "-" : server->report->version,
                        version);
    cluster_list_free(&list);
}

static struct model *model_with_pod(const char *more_spec)
{
    struct model *model = fixture_live();
    fixture_put(model, MODEL_CLUSTERS, CLUSTER);
    cleanup_free char *pod = fixture_pod("p0", "", more_spec, "{'phase': 'Running'}");
    fixture_put(model, MODEL_PODS, pod);
    return model;
}

#define SIDECAR ", 'initContainers': [{'name': 'proget-sidecar', 'restartPolicy': 'Always'}]"

static void test_heartbeat_states(void **state)
{
    (void) state;
    struct model *model = model_with_pod("");
    assert_heartbeat(model, 0, HEARTBEAT_UNKNOWN, "-"); /* no sidecar, nothing to miss */
    model_free(model);

    model = model_with_pod(SIDECAR);
    assert_heartbeat(model, 0, HEARTBEAT_MISSING, "-");
    fixture_put_at(model, MODEL_LEASES, 0, LEASE("2020-01-01T00:00:00.000000Z", REPORT_A));
    assert_heartbeat(model, 1, HEARTBEAT_FRESH, "2025.13"); /* clocks do not matter: it was seen to be written */
    assert_heartbeat(model, 299, HEARTBEAT_FRESH, "2025.13");
    assert_heartbeat(model, 300, HEARTBEAT_STALE, "-");
    fixture_put_at(model, MODEL_LEASES, 310, LEASE("2020-01-01T00:00:30.000000Z", REPORT_B));
    assert_heartbeat(model, 310, HEARTBEAT_FRESH, "2025.14");
    fixture_put_at(model, MODEL_LEASES, 320, LEASE("2020-01-01T00:00:30.000000Z", BROKEN));
    assert_heartbeat(model, 609, HEARTBEAT_FRESH, "-");
    assert_heartbeat(model, 610, HEARTBEAT_STALE, "-"); /* a change that renews nothing keeps nothing fresh */
    model_set_unobserved(model, MODEL_LEASES, "may not be read");
    assert_heartbeat(model, 611, HEARTBEAT_UNKNOWN, "-");
    model_free(model);
}

static void test_heartbeat_of_another_pod(void **state)
{
    (void) state;
    struct model *model = model_with_pod(SIDECAR);
    fixture_put(model, MODEL_LEASES,
                "{'metadata': {'namespace': 'proget', 'name': 'proget-p0', 'ownerReferences': [{'apiVersion': 'v1', "
                "'kind': 'Pod', 'name': 'p0', 'uid': 'uid-of-its-predecessor'}]}, 'spec': {'renewTime': "
                "'2026-11-22T07:00:00.000000Z'}}");
    assert_heartbeat(model, 0, HEARTBEAT_MISSING, "-");
    model_free(model);
}

/* The cluster's setting wins over the Lease's, which wins over the default. */
static void test_heartbeat_settings(void **state)
{
    (void) state;
    struct model *model = model_with_pod(SIDECAR);
    fixture_put(model, MODEL_LEASES,
                "{'metadata': {'namespace': 'proget', 'name': 'proget-p0', 'ownerReferences': [{'kind': 'Pod', 'uid': "
                "'uid-p0'}]}, 'spec': {'leaseDurationSeconds': 60, 'renewTime': '2026-11-22T07:00:00.000000Z'}}");
    assert_heartbeat(model, 59, HEARTBEAT_FRESH, "-");
    assert_heartbeat(model, 60, HEARTBEAT_STALE, "-");
    fixture_put(model, MODEL_CLUSTERS,
                "{'metadata': {'namespace': 'proget', 'name': 'main', 'uid': 'c1'}, 'spec': {'selector': "
                "{'matchLabels': {'app': 'proget'}}, 'heartbeat': {'staleAfterSeconds': 90}}}");
    assert_heartbeat(model, 89, HEARTBEAT_FRESH, "-");
    assert_heartbeat(model, 90, HEARTBEAT_STALE, "-");
    model_free(model);
}

/* Loaded with the first list, not seen renewed: the wall clock may believe, but not accuse. */
static void load_lease(struct model *model, const char *lease)
{
    cleanup_json struct json_object *json = fixture_json(lease);
    struct store *store = model_store(model, MODEL_LEASES);
    struct error err;
    struct store_replacement *replacement = store_replace_begin(store, NULL);
    assert_int_equal(store_replace_upsert(replacement, json, fixture_after(0), &err), 1);
    store_replace_commit(replacement);
}

static struct model *model_starting(const char *cluster)
{
    struct model *model = model_new(&(struct model_options){0});
    store_mark_filled(model_store(model, MODEL_PODS));
    fixture_put(model, MODEL_CLUSTERS, cluster);
    cleanup_free char *pod = fixture_pod("p0", "", SIDECAR, "{'phase': 'Running'}");
    fixture_put(model, MODEL_PODS, pod);
    return model;
}

static void test_heartbeat_after_restart(void **state)
{
    (void) state;
    struct model *model = model_starting(CLUSTER);
    assert_heartbeat(model, 0, HEARTBEAT_UNKNOWN, "-"); /* Leases are not listed yet */
    load_lease(model, LEASE("2026-11-22T06:59:40.000000Z", REPORT_A));
    assert_heartbeat(model, 0, HEARTBEAT_FRESH, "2025.13");
    assert_heartbeat(model, 300, HEARTBEAT_STALE, "-");
    model_free(model);

    model = model_starting(CLUSTER);
    load_lease(model, LEASE("2026-11-22T06:00:00.000000Z", REPORT_A));
    assert_heartbeat(model, 0, HEARTBEAT_UNKNOWN, "-");
    fixture_put_at(model, MODEL_LEASES, 10, LEASE("2026-11-22T06:00:30.000000Z", REPORT_A));
    assert_heartbeat(model, 10, HEARTBEAT_FRESH, "2025.13");
    model_free(model);

    /* It had been said that it is stale: that stands until a renewal is seen. */
    model = model_starting("{'metadata': {'namespace': 'proget', 'name': 'main', 'uid': 'c1'}, 'spec': {'selector': "
                           "{'matchLabels': {'app': 'proget'}}}, 'status': {'findings': [{'code': 'HeartbeatStale', "
                           "'object': {'kind': 'Pod', 'name': 'p0', 'uid': 'uid-p0'}}]}}");
    load_lease(model, LEASE("2026-11-22T06:59:59.000000Z", REPORT_A));
    assert_heartbeat(model, 0, HEARTBEAT_STALE, "-");
    fixture_put_at(model, MODEL_LEASES, 10, LEASE("2026-11-22T07:00:10.000000Z", REPORT_A));
    assert_heartbeat(model, 10, HEARTBEAT_FRESH, "2025.13");
    model_free(model);
}

static void test_renewals_are_quiet(void **state)
{
    (void) state;
    struct model *model = model_with_pod(SIDECAR);
    fixture_put_at(model, MODEL_LEASES, 0, LEASE("2026-11-22T07:00:00.000000Z", REPORT_A));
    assert_true(model_take_changed(model));
    assert_heartbeat(model, 0, HEARTBEAT_FRESH, "2025.13");
    fixture_put_at(model, MODEL_LEASES, 30, LEASE("2026-11-22T07:00:30.000000Z", REPORT_A));
    assert_false(model_take_changed(model)); /* fresh stays fresh */
    assert_heartbeat(model, 329, HEARTBEAT_FRESH, "2025.13");
    fixture_put_at(model, MODEL_LEASES, 330, LEASE("2026-11-22T07:05:00.000000Z", REPORT_B));
    assert_true(model_take_changed(model)); /* the report is another one */
    assert_heartbeat(model, 700, HEARTBEAT_STALE, "-");
    fixture_put_at(model, MODEL_LEASES, 710, LEASE("2026-11-22T07:10:00.000000Z", REPORT_B));
    assert_true(model_take_changed(model)); /* stale becomes fresh */
    fixture_remove(model, MODEL_LEASES, "proget", "proget-p0");
    assert_true(model_take_changed(model));
    assert_heartbeat(model, 720, HEARTBEAT_MISSING, "-");
    model_free(model);
}

/* While Leases cannot be seen nobody grows stale, and afterwards the time does not count. */
static void test_behind(void **state)
{
    (void) state;
    struct model *model = model_with_pod(SIDECAR);
    fixture_put_at(model, MODEL_LEASES, 0, LEASE("2026-11-22T07:00:00.000000Z", REPORT_A));
    model_set_behind(model, true, fixture_after(100));
    model_set_behind(model, true, fixture_after(200));
    assert_heartbeat(model, 1000, HEARTBEAT_FRESH, "2025.13");
    model_set_behind(model, false, fixture_after(1000));
    assert_heartbeat(model, 1199, HEARTBEAT_FRESH, "2025.13");
    assert_heartbeat(model, 1200, HEARTBEAT_STALE, "-");
    model_free(model);
}

/* Overdue is not yet stale: the API server may have been unable to take the renewal. */
static void test_stale_only_once_served(void **state)
{
    (void) state;
    struct model *model = model_with_pod(SIDECAR);
    fixture_put_at(model, MODEL_LEASES, 0, LEASE("2026-11-22T07:00:00.000000Z", REPORT_A));
    fixture_put_at(model, MODEL_LEASES, 1, LEASE("2026-11-22T07:00:01.000000Z", REPORT_A));
    model_set_served(model, fixture_after(290));
    (void) model_take_changed(model);
    assert_heartbeat(model, 302, HEARTBEAT_FRESH, "2025.13");
    assert_false(model_take_changed(model));
    model_set_served(model, fixture_after(300));
    assert_true(model_take_changed(model)); /* somebody waits for it */
    assert_heartbeat(model, 303, HEARTBEAT_FRESH, "2025.13");
    model_set_served(model, fixture_after(301));
    assert_heartbeat(model, 304, HEARTBEAT_STALE, "-");
    (void) model_take_changed(model);
    model_set_served(model, fixture_after(304));
    assert_false(model_take_changed(model)); /* nobody waits any more */
    model_free(model);
}

static void test_time_that_does_not_count(void **state)
{
    (void) state;
    struct model *model = model_with_pod(SIDECAR);
    fixture_put_at(model, MODEL_LEASES, 0, LEASE("2026-11-22T07:00:00.000000Z", REPORT_A));
    fixture_put_at(model, MODEL_LEASES, 1, LEASE("2026-11-22T07:00:01.000000Z", REPORT_A));
    model_skip_time(model, fixture_after(100), fixture_after(104));
    assert_heartbeat(model, 304, HEARTBEAT_FRESH, "2025.13");
    assert_heartbeat(model, 305, HEARTBEAT_STALE, "-");
    model_free(model);
}

static void test_heartbeat_offline(void **state)
{
    (void) state;
    struct model *model = fixture_offline();
    cleanup_free char *pod = fixture_pod("p0", "", SIDECAR, "{'phase': 'Running'}");
    fixture_put(model, MODEL_PODS, pod);
    assert_heartbeat(model, 0, HEARTBEAT_UNKNOWN, "-"); /* no Lease in the input: not observed */
    fixture_put(model, MODEL_LEASES, "{'metadata': {'namespace': 'proget', 'name': 'proget-p1'}}");
    assert_heartbeat(model, 0, HEARTBEAT_MISSING, "-");
    fixture_put(model, MODEL_LEASES, LEASE("2026-11-22T07:00:00.000000Z", REPORT_A));
    assert_heartbeat(model, 299, HEARTBEAT_FRESH, "2025.13");
    assert_heartbeat(model, 300, HEARTBEAT_STALE, "-");
    model_free(model);
}

/* --- histories --- */

static void test_histories(void **state)
{
    (void) state;
    struct model *model = model_with_pod("");
    struct cluster_list list;
    model_assemble(model, fixture_after(0), &list);
    const struct history *first = list.items[0].history;
    assert_non_null(first);
    assert_ptr_equal(model_history(model, list.items[0].resource), first);
    cluster_list_free(&list);

    /* What the operator writes itself is not loaded again. */
    fixture_put(model, MODEL_CLUSTERS,
                "{'metadata': {'namespace': 'proget', 'name': 'main', 'uid': 'c1'}, 'spec': {'selector': "
                "{'matchLabels': {'app': 'proget'}}}, 'status': {'activations': [{'machine': 'm', 'majorVersion': "
                "'2025'}]}}");
    model_assemble(model, fixture_after(0), &list);
    assert_ptr_equal(list.items[0].history, first);
    assert_false(history_knows_activation(first, "m", "2025"));
    cluster_list_free(&list);

    /* But by a process that begins to publish again: somebody else may have written it meanwhile. */
    model_forget_histories(model);
    assert_true(model_take_changed(model));
    model_assemble(model, fixture_after(0), &list);
    assert_true(history_knows_activation(list.items[0].history, "m", "2025"));
    cluster_list_free(&list);

    /* Another one of the same name has its own. */
    fixture_put(model, MODEL_CLUSTERS,
                "{'metadata': {'namespace': 'proget', 'name': 'main', 'uid': 'c2'}, 'spec': {'selector': "
                "{'matchLabels': {'app': 'proget'}}}, 'status': {'activations': [{'machine': 'm', 'majorVersion': "
                "'2025'}]}}");
    model_assemble(model, fixture_after(0), &list);
    assert_true(history_knows_activation(list.items[0].history, "m", "2025"));
    cluster_list_free(&list);
    model_free(model);
}

static void test_free_null(void **state)
{
    (void) state;
    model_free(NULL);
    cluster_list_free(NULL);
    history_free(NULL);
    struct model *model = model_new(&(struct model_options){.offline = true});
    assert_true(model_options(model)->offline);
    struct cluster_list list;
    model_assemble(model, fixture_after(0), &list);
    assert_int_equal(list.count, 0);
    cluster_list_free(&list);
    cluster_list_free(&list);
    model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_kind_table),
        cmocka_unit_test(test_unobserved_live),
        cmocka_unit_test(test_unobserved_offline),
        cmocka_unit_test(test_changed_by_pods),
        cmocka_unit_test(test_changed_by_others),
        cmocka_unit_test(test_heartbeat_states),
        cmocka_unit_test(test_heartbeat_of_another_pod),
        cmocka_unit_test(test_heartbeat_settings),
        cmocka_unit_test(test_heartbeat_after_restart),
        cmocka_unit_test(test_renewals_are_quiet),
        cmocka_unit_test(test_behind),
        cmocka_unit_test(test_stale_only_once_served),
        cmocka_unit_test(test_time_that_does_not_count),
        cmocka_unit_test(test_heartbeat_offline),
        cmocka_unit_test(test_histories),
        cmocka_unit_test(test_free_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
