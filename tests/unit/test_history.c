#include "history_fixture.h"

static void put_lease(struct model *model, const char *pod, const char *uid, int64_t seconds, const char *report)
{
    char renewed[CLOCK_TEXT_SIZE];
    clock_format_micros(fixture_after(seconds).wall_us, renewed);
    cleanup_json struct json_object *lease = fixture_json("{'metadata': {'namespace': 'proget'}, 'spec': {}}");
    struct json_object *meta = json_at(lease, "metadata");
    cleanup_free char *name = xasprintf("proget-%s", pod);
    json_add_text(meta, "name", name);
    cleanup_free char *report_text = xstrdup(report);
    for (char *at = report_text; *at != '\0'; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    json_add_text(json_add_object(meta, "annotations"), REPORT_ANNOTATION, report_text);
    struct json_object *owner = json_object_new_object();
    json_add_text(owner, "kind", "Pod");
    json_add_text(owner, "uid", uid);
    json_object_array_add(json_add_array(meta, "ownerReferences"), owner);
    json_add_text(json_at(lease, "spec"), "renewTime", renewed);
    struct error err;
    assert_true(store_upsert(model_store(model, MODEL_LEASES), lease, fixture_after(seconds), &err) >= 0);
}

/* "name=uid" of each member, with "!why" where it is gone. */
static void assert_members(struct model *model, const char *expected)
{
    const struct history *history = history_of(model);
    cleanup_buffer struct buffer found = BUFFER_INIT(65536);
    for (size_t i = 0; i < history->member_count; i++) {
        const struct past_server *member = &history->members[i];
        buffer_appendf(&found, "%s%s=%s", i == 0 ? "" : " ", member->name, member->uid);
        if (member->gone_since_us != 0) {
            buffer_appendf(&found, "!%s", member->gone_why);
        }
    }
    assert_string_equal(buffer_text(&found), expected);
}

/* --- loading --- */

static const char loaded[] = CLUSTER(
    "", "",
    "'findings': [{'code': 'HeartbeatStale', 'object': {'name': 'p0', 'uid': 'u0'}}, {'code': 'Evicted', 'cleared': "
    "'2026-11-22T07:00:00Z', 'object': {'uid': 'u0'}}, {'object': {'uid': 'u0'}}, {'code': "
    "'ContainerRestarting', 'cause': 'Sidecar', 'object': {'uid': 'u0'}}], 'evictions': [{'time': "
    "'2026-11-22T06:00:00Z', 'pod': 'a', 'uid': 'ua', 'cause': 'Api'}, {'time': '2026-11-22T06:30:00Z', 'pod': 'b', "
    "'uid': 'ub', 'cause': 'Taint', 'node': 'n', 'message': 'm'}, {'pod': 'again', 'uid': 'ua', 'cause': 'Api'}, "
    "{'pod': 'no uid'}], 'activations': [{'machine': 'm1', 'majorVersion': '2025'}, {'machine': 'm2'}], 'nodes': "
    "[{'node': 'node-a', 'machine': 'm1'}, {'node': 'node-b'}], 'members': [{'name': 'z', 'uid': 'uz', 'os': 'o', "
    "'gone': {'since': '2026-11-22T06:00:00Z', 'why': 'rollout'}}, {'name': 'a', 'uid': 'ua', 'lastHeartbeat': "
    "'2026-11-22T06:00:00Z'}, {'name': 'no uid'}]");

static void test_load(void **state)
{
    (void) state;
    cleanup_free struct cluster_resource *resource = fixture_record(&cluster_resource_type, loaded);
    struct history *history = history_new();
    history_load(history, resource);
    history_load(history, resource); /* replaces */
    assert_int_equal(history->eviction_count, 2);
    assert_string_equal(history->evictions[0].pod, "b"); /* newest first */
    assert_string_equal(history->evictions[0].node, "n");
    assert_int_equal(history->activation_count, 1);
    assert_int_equal(history->node_count, 1);
    assert_int_equal(history->member_count, 2);
    assert_string_equal(history->members[0].name, "a"); /* by name */
    assert_string_equal(history->members[1].gone_why, "rollout");
    assert_true(history_knows_activation(history, "m1", "2025"));
    assert_false(history_knows_activation(history, "m1", "2026"));
    assert_false(history_knows_activation(history, NULL, "2025"));
    assert_true(history_had_finding(history, "HeartbeatStale", "u0"));
    assert_false(history_had_finding(history, "Evicted", "u0")); /* it was over */
    assert_false(history_had_finding(history, "HeartbeatStale", NULL));
    assert_true(history_had_finding_of_cause(history, "HeartbeatStale", NULL, "u0"));
    assert_false(history_had_finding_of_cause(history, "HeartbeatStale", "Sidecar", "u0"));
    assert_true(history_had_finding_of_cause(history, "ContainerRestarting", "Sidecar", "u0"));
    assert_false(history_had_finding_of_cause(history, "ContainerRestarting", "Server", "u0"));
    assert_false(history_had_finding_of_cause(history, "ContainerRestarting", "Sidecar", NULL));
    history_free(history);
}

/* --- evictions --- */

static void test_evictions(void **state)
{
    (void) state;
    struct model *model = world_new(CLUSTER("", "", ""));
    put_pod(model, "p0", "u0", "", ", 'nodeName': 'node-a'", "{'phase': 'Running'}");
    assert_true(observe(model, 0)); /* a member came */
    assert_int_equal(history_of(model)->eviction_count, 0);
    put_pod(model, "p0", "u0", ", 'deletionTimestamp': '2026-11-22T07:01:00Z'", ", 'nodeName': 'node-a'",
            "{'phase': 'Running', 'conditions': [{'type': 'DisruptionTarget', 'status': 'True', 'reason': "
            "'EvictionByEvictionAPI', 'message': 'evicting', 'lastTransitionTime': '2026-11-22T06:59:00Z'}]}");
    assert_true(observe(model, 0));
    assert_false(observe(model, 1)); /* once per pod */
    const struct eviction *eviction = history_of(model)->evictions;
    assert_int_equal(history_of(model)->eviction_count, 1);
    assert_string_equal(eviction->pod, "p0");
    assert_string_equal(eviction->uid, "u0");
    assert_string_equal(eviction->node, "node-a");
    assert_string_equal(eviction->cause, "Api");
    assert_string_equal(eviction->message, "evicting");
    assert_int_equal(eviction->time_us, fixture_wall_us - 60 * CLOCK_US_PER_SECOND); /* the object's, not the clock's */
    /* The same pod leaves further traces. */
    put_pod(model, "p0", "u0", "", "", "{'phase': 'Failed', 'reason': 'Evicted'}");
    fixture_put(model, MODEL_EVENTS_EVICTED,
                "{'metadata': {'namespace': 'proget', 'name': 'e'}, 'reason': 'Evicted', 'involvedObject': {'kind': "
                "'Pod', 'name': 'p0', 'uid': 'u0'}}");
    (void) observe(model, 2);
    fixture_remove(model, MODEL_PODS, "proget", "p0");
    (void) observe(model, 3);
    assert_int_equal(history_of(model)->eviction_count, 1);
    model_free(model);
}

#define EVENT(kind_of, name, reason, object, uid, time)                                                  \
    "{'metadata': {'namespace': 'proget', 'name': '" name "'}, 'reason': '" reason "', 'message': 'x', " \
    "'lastTimestamp': '" time "', 'involvedObject': {'kind': '" kind_of "', 'name': '" object "'" uid "}}"

/* Traces of pods that were members and went while nobody watched. */
static void test_evictions_by_events(void **state)
{
    (void) state;
    struct model *model = world_new(
        CLUSTER("", ", 'servers': 5",
                "'members': [{'name': 'p0', 'uid': 'u0', 'node': 'node-a'}, {'name': 'p1', 'uid': 'u1'}, {'name': "
                "'p2', 'uid': 'u2'}, {'name': 'p3', 'uid': 'u3'}]"));
    put_pod(model, "p3", "u3", "", "", "{'phase': 'Running'}");
    put_pod(model, "p1", "u1-reborn", "", "", "{'phase': 'Running'}");
    fixture_put(model, MODEL_EVENTS_EVICTED,
                EVENT("Pod", "e0", "Evicted", "p0", ", 'uid': 'u0'", "2026-11-22T06:50:00Z"));
    fixture_put(model, MODEL_EVENTS_PREEMPTED,
                EVENT("Pod", "e1", "Preempted", "p1", ", 'uid': 'u1'", "2026-11-22T06:51:00Z"));
    /* The taint manager's has no uid. */
    fixture_put(model, MODEL_EVENTS_TAINT,
                EVENT("Pod", "e2", "TaintManagerEviction", "p2", "", "2026-11-22T06:52:00Z"));
    fixture_put(model, MODEL_EVENTS_TAINT,
                EVENT("Pod", "e3", "TaintManagerEviction", "p3", "", "2026-11-22T06:52:00Z"));
    fixture_put(model, MODEL_EVENTS_EVICTED,
                EVENT("Pod", "e4", "Evicted", "stranger", ", 'uid': 'us'", "2026-11-22T06:53:00Z"));
    assert_true(observe(model, 0));
    const struct history *history = history_of(model);
    assert_int_equal(history->eviction_count, 3);
    assert_string_equal(history->evictions[0].uid, "u2");
    assert_string_equal(history->evictions[0].cause, "Taint");
    assert_string_equal(history->evictions[1].cause, "Preemption");
    assert_string_equal(history->evictions[2].node, "node-a");
    assert_int_equal(history->evictions[2].time_us, fixture_wall_us - 600 * CLOCK_US_PER_SECOND);
    assert_members(model, "p0=u0!eviction (LocalStorage) p1=u1-reborn p2=u2!eviction (Taint) p3=u3");
    assert_false(observe(model, 1));
    model_free(model);
}

static void test_old_taint_event(void **state)
{
    (void) state;
    struct model *model = world_new(CLUSTER("", ", 'servers': 5", "'members': [{'name': 'p2', 'uid': 'u2'}]"));
    fixture_put(model, MODEL_EVENTS_TAINT,
                EVENT("Pod", "e2", "TaintManagerEviction", "p2", "", "2026-11-22T06:49:00Z"));
    assert_true(observe(model, 0));
    assert_int_equal(history_of(model)->eviction_count, 0); /* eleven minutes before it was missed */
    assert_members(model, "p2=u2!deletion");
    model_free(model);
}

static void test_evictions_are_bounded(void **state)
{
    (void) state;
    struct model *model = world_new(CLUSTER("", "", ""));
    for (int i = 0; i < BOUND_EVICTIONS_KEPT + 5; i++) {
        cleanup_free char *name = xasprintf("p%d", i);
        cleanup_free char *uid = xasprintf("u%d", i);
        cleanup_free char *status =
            xasprintf("{'phase': 'Failed', 'conditions': [{'type': 'DisruptionTarget', 'status': 'True', 'reason': "
                      "'DeletionByPodGC', 'lastTransitionTime': '2026-11-22T06:%02d:00Z'}]}",
                      i);
        put_pod(model, name, uid, "", "", status);
    }
    assert_true(observe(model, 0));
    const struct history *history = history_of(model);
    assert_int_equal(history->eviction_count, BOUND_EVICTIONS_KEPT);
    assert_string_equal(history->evictions[0].uid, "u24");
    assert_string_equal(history->evictions[BOUND_EVICTIONS_KEPT - 1].uid, "u5");
    assert_false(observe(model, 1)); /* what is too old does not come back */
    model_free(model);
}

/* --- activations and nodes --- */

#define REPORT(license, machine, versions) \
    "{'v':1," versions "'health':{'state':'ok','license':'" license "'},'machine':{'id':'" machine "'}}"

static void test_machines(void **state)
{
    (void) state;
    struct model *model = world_new(CLUSTER("", "", ""));
    put_pod(model, "p0", "u0", "", ", 'nodeName': 'node-a'", "{'phase': 'Running'}");
    put_lease(model, "p0", "u0", 0, REPORT("Error", "m1", "'release':'25.0.13',"));
    assert_true(observe(model, 0));
    const struct history *history = history_of(model);
    assert_int_equal(history->activation_count, 0);
    assert_int_equal(history->node_count, 1);
    assert_string_equal(history->nodes[0].node, "node-a");
    assert_string_equal(history->nodes[0].machine, "m1");
    put_lease(model, "p0", "u0", 1, REPORT("OK", "m1", "'release':'25.0.13',"));
    assert_true(observe(model, 1));
    assert_true(history_knows_activation(history, "m1", "2025"));
    assert_false(observe(model, 2));
    put_lease(model, "p0", "u0", 3, REPORT("OK", "m2", "'version':'2026.1 (Build 3)','release':'26.0.1',"));
    assert_true(observe(model, 3));
    assert_int_equal(history->activation_count, 2);
    assert_true(history_knows_activation(history, "m2", "2026"));
    assert_int_equal(history->node_count, 1);
    assert_string_equal(history->nodes[0].machine, "m2");
    assert_string_equal(history->members[0].version, "2026.1 (Build 3)");
    assert_string_equal(history->members[0].machine, "m2");
    /* A stale report says nothing; what was seen active stays seen. */
    put_lease(model, "p0", "u0", 4, REPORT("OK", "m3", "'release':'26.0.1',"));
    assert_true(observe(model, 1000)); /* the last heartbeat */
    assert_false(history_knows_activation(history, "m3", "2026"));
    assert_string_equal(history->members[0].machine, "m2");
    model_free(model);
}

static void test_activations_are_bounded(void **state)
{
    (void) state;
    struct model *model = world_new(CLUSTER("", "", ""));
    put_pod(model, "p0", "u0", "", ", 'nodeName': 'node-a'", "{'phase': 'Running'}");
    for (int i = 0; i < BOUND_ACTIVATIONS_KEPT + 3; i++) {
        cleanup_free char *report = xasprintf(REPORT("OK", "m%d", "'release':'25.0.13',"), i);
        put_lease(model, "p0", "u0", i, report);
        assert_true(observe(model, i));
    }
    const struct history *history = history_of(model);
    assert_int_equal(history->activation_count, BOUND_ACTIVATIONS_KEPT);
    assert_false(history_knows_activation(history, "m2", "2025"));
    assert_true(history_knows_activation(history, "m3", "2025"));
    assert_true(history_knows_activation(history, "m66", "2025"));
    model_free(model);
}

static void test_major_version(void **state)
{
    (void) state;
    static const struct {
        const char *version, *release, *expected;
    } versions[] = {
        {"2025.13 (Build 2)", "25.0.13", "2025"},
        {NULL, "25.0.13", "2025"},
        {"2025.13", NULL, "2025"},
        {"6.0.12", "6.0.12", "6"},
        {"nightly", "26.1.0", "2026"},
        {NULL, "2026.1", "2026"},
        {"nightly", NULL, NULL},
        {NULL, NULL, NULL},
        {"", "99999999999999999999.1", NULL},
    };
    for (size_t i = 0; i < array_length(versions); i++) {
        const struct report report = {.version = (char *) versions[i].version, .release = (char *) versions[i].release};
        cleanup_free char *found = history_major_version(&report);
        if (!text_equal(found, versions[i].expected)) {
            fail_msg("%zu: %s", i, found ? found : "none");
        }
    }
}

/* --- members --- */

static void test_members(void **state)
{
    (void) state;
    struct model *model = world_new(CLUSTER("", ", 'servers': 3", ""));
    fixture_put(model, MODEL_NODES, "{'metadata': {'name': 'node-a'}, 'status': {'nodeInfo': {'osImage': 'Debian'}}}");
    put_pod(model, "p1", "u1", "", "", "{'phase': 'Running'}");
    put_pod(model, "p0", "u0", "", ", 'nodeName': 'node-a'", "{'phase': 'Running', 'podIP': '10.1.0.7'}");
    put_pod(model, "p2", "u2", "", "", "{'phase': 'Running'}");
    put_pod(model, "job", "uj", ", 'ownerReferences': [{'apiVersion': 'batch/v1', 'kind': 'Job', 'controller': true}]",
            "", "{'phase': 'Running'}");
    assert_true(observe(model, 0));
    assert_members(model, "p0=u0 p1=u1 p2=u2");
    const struct past_server *member = history_of(model)->members;
    assert_string_equal(member->os, "Debian");
    assert_string_equal(member->ip, "10.1.0.7");
    assert_string_equal(member->node, "node-a");
    assert_false(observe(model, 1));

    /* Terminating: it is still there. Then it is gone, and fewer are live than intended. */
    put_pod(model, "p0", "u0", ", 'deletionTimestamp': '2026-11-22T07:01:00Z'", ", 'nodeName': 'node-a'",
            "{'phase': 'Running', 'podIP': '10.1.0.7'}");
    assert_false(observe(model, 2));
    fixture_remove(model, MODEL_PODS, "proget", "p0");
    assert_true(observe(model, 3));
    assert_members(model, "p0=u0!deletion p1=u1 p2=u2");
    assert_int_equal(history_of(model)->members[0].gone_since_us, fixture_after(3).wall_us);
    assert_false(observe(model, 4));

    /* A new pod takes its place, whatever its name is. */
    put_pod(model, "p9", "u9", "", "", "{'phase': 'Running'}");
    assert_true(observe(model, 5));
    assert_members(model, "p1=u1 p2=u2 p9=u9");
    model_free(model);
}

static void test_place_of_the_same_name(void **state)
{
    (void) state;
    struct model *model = world_new(
        CLUSTER("", ", 'servers': 3",
                "'members': [{'name': 'p0', 'uid': 'u0', 'gone': {'since': '2026-11-22T05:00:00Z', 'why': 'rollout'}}, "
                "{'name': 'p1', 'uid': 'u1', 'gone': {'since': '2026-11-22T06:00:00Z', 'why': 'rollout'}}, {'name': "
                "'p2', 'uid': 'u2', 'gone': {'since': '2026-11-22T04:00:00Z', 'why': 'rollout'}}]"));
    put_pod(model, "p0", "u0-new", "", "", "{'phase': 'Running'}");
    assert_true(observe(model, 0));
    assert_members(model, "p0=u0-new p1=u1!rollout p2=u2!rollout"); /* the same name first */
    put_pod(model, "q", "uq", "", "", "{'phase': 'Running'}");
    assert_true(observe(model, 0));
    assert_members(model, "p0=u0-new p2=u2!rollout q=uq"); /* else the newest */
    model_free(model);
}

static void test_surplus(void **state)
{
    (void) state;
    static const char members[] =
        "'members': [{'name': 'p0', 'uid': 'u0', 'gone': {'since': '2026-11-22T05:00:00Z', 'why': 'rollout'}}, "
        "{'name': "
        "'p1', 'uid': 'u1', 'gone': {'since': '2026-11-22T06:00:00Z', 'why': 'rollout'}}, {'name': 'p2', 'uid': 'u2'}]";
    static const struct {
        int servers;
        const char *expected;
    } cases[] = {
        {3, "p0=u0!rollout p1=u1!rollout p2=u2"},
        {2, "p1=u1!rollout p2=u2"}, /* one is missing: the newest */
        {1, "p2=u2"},               /* none is */
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free char *cluster = xasprintf(CLUSTER("", ", 'servers': %d", "%s"), cases[i].servers, members);
        struct model *model = world_new(cluster);
        put_pod(model, "p2", "u2", "", "", "{'phase': 'Running'}");
        (void) observe(model, 0);
        assert_members(model, cases[i].expected);
        model_free(model);
    }
}

static void test_why(void **state)
{
    (void) state;
    static const struct {
        const char *workload;
        const char *expected;
    } cases[] = {
        {"'spec': {'replicas': 3}, 'status': {'observedGeneration': 1, 'replicas': 2, 'updatedReplicas': 2, "
         "'availableReplicas': 2}",
         "p0=u0!deletion p1=u1"},
        {"'spec': {'replicas': 1}, 'status': {'observedGeneration': 1, 'replicas': 1, 'updatedReplicas': 1, "
         "'availableReplicas': 1}",
         "p0=u0!scale-down p1=u1"},
        {"'spec': {'replicas': 3}, 'status': {'observedGeneration': 1, 'replicas': 3, 'updatedReplicas': 1}",
         "p0=u0!rollout p1=u1"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        struct model *model = world_new(
            CLUSTER("", ", 'servers': 3", "'members': [{'name': 'p0', 'uid': 'u0'}, {'name': 'p1', 'uid': 'u1'}]"));
        cleanup_free char *workload = xasprintf(
            "{'metadata': {'namespace': 'proget', 'name': 'd', 'uid': 'ud', 'generation': 1}, %s}", cases[i].workload);
        fixture_put(model, MODEL_DEPLOYMENTS, workload);
        fixture_put(
            model, MODEL_REPLICA_SETS,
            "{'metadata': {'namespace': 'proget', 'name': 'd-1', 'uid': 'ud-1', 'ownerReferences': "
            "[{'apiVersion': 'apps/v1', 'kind': 'Deployment', 'name': 'd', 'uid': 'ud', 'controller': true}]}}");
        put_pod(model, "p1", "u1",
                ", 'ownerReferences': [{'apiVersion': 'apps/v1', 'kind': 'ReplicaSet', 'name': 'd-1', 'uid': 'ud-1', "
                "'controller': true}]",
                "", "{'phase': 'Running'}");
        assert_true(observe(model, 0));
        assert_members(model, cases[i].expected);
        model_free(model);
    }
}

/* A pod that was evicted stays as an object: its member is gone since then. */
static void test_evicted_member(void **state)
{
    (void) state;
    struct model *model = world_new(CLUSTER("", ", 'servers': 2", ""));
    put_pod(model, "p0", "u0", "", "", "{'phase': 'Running'}");
    assert_true(observe(model, 0));
    put_pod(model, "p0", "u0", "", "",
            "{'phase': 'Failed', 'reason': 'Evicted', 'conditions': [{'type': 'DisruptionTarget', 'status': 'True', "
            "'reason': 'TerminationByKubelet', 'lastTransitionTime': '2026-11-22T06:59:59Z'}]}");
    assert_true(observe(model, 1));
    assert_members(model, "p0=u0!eviction (NodePressure)");
    assert_int_equal(history_of(model)->members[0].gone_since_us, fixture_after(-1).wall_us);
    assert_false(observe(model, 2));
    model_free(model);
}

static void test_forget(void **state)
{
    (void) state;
    static const char members[] =
        "'members': [{'name': 'p0', 'uid': 'u0', 'gone': {'since': '2026-11-22T05:00:00Z', 'why': 'rollout'}}, "
        "{'name': "
        "'p1', 'uid': 'u1', 'gone': {'since': '2026-11-22T06:00:00Z', 'why': 'rollout'}}, {'name': 'p2', 'uid': 'u2'}]";
    static const struct {
        const char *forget, *expected;
    } cases[] = {
        {"u0", "p1=u1!rollout p2=u2"},
        {"p0", "p1=u1!rollout p2=u2"},
        {"u1, p0", "p2=u2"},
        {"u2,p2", "p0=u0!rollout p1=u1!rollout p2=u2"}, /* it lives */
        {"u", "p0=u0!rollout p1=u1!rollout p2=u2"},
        {"", "p0=u0!rollout p1=u1!rollout p2=u2"},
        {",,", "p0=u0!rollout p1=u1!rollout p2=u2"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free char *cluster =
            xasprintf(CLUSTER("'proget-operator.io/forget': '%s'", ", 'servers': 5", "%s"), cases[i].forget, members);
        struct model *model = world_new(cluster);
        put_pod(model, "p2", "u2", "", "", "{'phase': 'Running'}");
        (void) observe(model, 0);
        assert_members(model, cases[i].expected);
        model_free(model);
    }
}

/* What cannot be seen is not gone. */
static void test_unobserved_pods(void **state)
{
    (void) state;
    struct model *model = world_new(CLUSTER("", ", 'servers': 3", "'members': [{'name': 'p0', 'uid': 'u0'}]"));
    model_set_unobserved(model, MODEL_PODS, "may not be read");
    assert_false(observe(model, 0));
    assert_members(model, "p0=u0");
    model_set_unobserved(model, MODEL_PODS, NULL);
    assert_true(observe(model, 1));
    assert_members(model, "p0=u0!deletion");
    model_free(model);
}

/* Its pods are another cluster's now: they did not go. */
static void test_superseded_members(void **state)
{
    (void) state;
    struct model *model = world_new("{'metadata': {'namespace': 'proget', 'name': 'main', 'uid': 'c1', 'labels': "
                                    "{'proget-operator.io/discovered': 'true'}}, 'spec': {'servers': 2, 'selector': "
                                    "{'matchLabels': {'app': 'proget'}}}}");
    put_pod(model, "p0", "u0", "", "", "{'phase': 'Running'}");
    assert_true(observe(model, 0));
    fixture_put(model, MODEL_CLUSTERS,
                "{'metadata': {'namespace': 'proget', 'name': 'mine', 'uid': 'c2'}, 'spec': {'selector': "
                "{'matchLabels': {'app': 'proget'}}}}");
    assert_true(observe(model, 1));
    assert_members(model, "");
    model_free(model);
}

/* A heartbeat is no status write: the last one moves every five minutes, and when it was the last. */
static void test_last_heartbeat(void **state)
{
    (void) state;
    struct model *model = world_new(CLUSTER("", "", ""));
    put_pod(model, "p0", "u0", "", "", "{'phase': 'Running'}");
    put_lease(model, "p0", "u0", 0, "{'v':1}");
    assert_true(observe(model, 0));
    assert_int_equal(history_of(model)->members[0].last_heartbeat_us, fixture_after(0).wall_us);
    put_lease(model, "p0", "u0", 299, "{'v':1}");
    assert_false(observe(model, 299));
    put_lease(model, "p0", "u0", 300, "{'v':1}");
    assert_true(observe(model, 300));
    put_lease(model, "p0", "u0", 330, "{'v':1}");
    assert_false(observe(model, 330));
    assert_true(observe(model, 630)); /* stale now */
    assert_int_equal(history_of(model)->members[0].last_heartbeat_us, fixture_after(330).wall_us);
    assert_false(observe(model, 631));
    model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_evictions),
        cmocka_unit_test(test_evictions_by_events),
        cmocka_unit_test(test_old_taint_event),
        cmocka_unit_test(test_evictions_are_bounded),
        cmocka_unit_test(test_machines),
        cmocka_unit_test(test_activations_are_bounded),
        cmocka_unit_test(test_major_version),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_place_of_the_same_name),
        cmocka_unit_test(test_surplus),
        cmocka_unit_test(test_why),
        cmocka_unit_test(test_evicted_member),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_unobserved_pods),
        cmocka_unit_test(test_superseded_members),
        cmocka_unit_test(test_last_heartbeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
