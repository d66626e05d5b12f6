/*
 * What is remembered of the number of servers, and of servers that may still run where nobody sees them.
 */
#include "history_fixture.h"

/* --- the number of servers --- */

static void put_workload(struct model *model, const char *replicas)
{
    cleanup_free char *workload = xasprintf(
        "{'metadata': {'namespace': 'proget', 'name': 'd', 'uid': 'ud', 'generation': 1}, 'spec': {'replicas': "
        "%s, 'template': {'metadata': {'labels': {'app': 'proget'}}}}, 'status': {'observedGeneration': 1}}",
        replicas);
    fixture_put(model, MODEL_DEPLOYMENTS, workload);
}

/* "from-to@seconds" of each, newest first. */
static void assert_changes(struct model *model, const char *expected)
{
    const struct history *history = history_of(model);
    cleanup_buffer struct buffer found = BUFFER_INIT(4096);
    for (size_t i = 0; i < history->size_change_count; i++) {
        const struct size_change *change = &history->size_changes[i];
        buffer_appendf(&found, "%s%d-%d@%d", i == 0 ? "" : " ", (int) change->from, (int) change->to,
                       (int) ((change->time_us - fixture_after(0).wall_us) / CLOCK_US_PER_SECOND));
    }
    assert_string_equal(buffer_text(&found), expected);
}

static void test_size_changes(void **state)
{
    (void) state;
    struct model *model = world_new(CLUSTER("", ", 'servers': 7", "")); /* what is declared is another matter */
    assert_false(observe(model, 0));
    put_workload(model, "3");
    assert_true(observe(model, 1)); /* first sight is no change */
    assert_changes(model, "");
    assert_false(observe(model, 2));
    put_workload(model, "5");
    assert_true(observe(model, 3));
    assert_false(observe(model, 4)); /* said once */
    fixture_remove(model, MODEL_DEPLOYMENTS, "proget", "d");
    assert_false(observe(model, 5)); /* not known is no number */
    put_workload(model, "5");
    assert_false(observe(model, 6));
    put_workload(model, "2");
    assert_true(observe(model, 7));
    assert_changes(model, "5-2@7 3-5@3");
    assert_false(observe(model, 3602));
    assert_true(observe(model, 3603)); /* an hour later */
    assert_changes(model, "5-2@7");
    model_free(model);
}

/* What was undone goes as a whole: its second half alone would read as a change. */
static void test_size_change_undone(void **state)
{
    (void) state;
    static const char *const replicas[] = {"3", "0", "3", "4"};
    struct model *model = world_new(CLUSTER("", "", ""));
    for (int i = 0; i < (int) array_length(replicas); i++) {
        put_workload(model, replicas[i]);
        assert_true(observe(model, 10 * i));
    }
    assert_changes(model, "3-4@30 0-3@20 3-0@10");
    assert_true(observe(model, 3610));
    assert_changes(model, "3-4@30");
    assert_true(observe(model, 3630));
    assert_changes(model, "");
    model_free(model);
}

static void test_size_over_a_restart(void **state)
{
    (void) state;
    static const char status[] = "'configuration': {'servers': 3, 'replicas': 3}, 'sizeChanges': [{'time': "
                                 "'2026-11-22T06:00:05Z', 'from': 1, 'to': 2}, {'time': '2026-11-22T06:59:00.5Z', "
                                 "'from': 2, 'to': 3}, {'from': 9, 'to': 8}]";
    struct model *model = world_new(CLUSTER("", "", "'configuration': {'replicas': 3}"));
    put_workload(model, "3");
    assert_false(observe(model, 0));
    assert_changes(model, "");
    model_free(model);

    model = world_new(CLUSTER("", "", "'configuration': {'servers': 3}")); /* as an older version wrote it */
    put_workload(model, "5");
    assert_true(observe(model, 0));
    assert_false(observe(model, 1));
    assert_changes(model, "");
    model_free(model);

    cleanup_free char *cluster = xasprintf(CLUSTER("", "", "%s"), status);
    model = world_new(cluster);
    put_workload(model, "5");
    assert_false(observe(model, 0)); /* the first look of a process tells nothing */
    assert_changes(model, "2-3@-59 1-2@-3595");
    assert_true(observe(model, 1)); /* it stands: the next one does */
    assert_changes(model, "3-5@1 2-3@-59 1-2@-3595");
    model_free(model);
}

static void test_size_changes_are_bounded(void **state)
{
    (void) state;
    struct model *model = world_new(CLUSTER("", "", ""));
    put_workload(model, "0");
    assert_true(observe(model, 0));
    for (int i = 1; i <= 2 * BOUND_SIZE_CHANGES_KEPT; i++) {
        cleanup_free char *replicas = xasprintf("%d", i);
        put_workload(model, replicas);
        assert_true(observe(model, i));
    }
    const struct history *history = history_of(model);
    assert_int_equal(history->size_change_count, BOUND_SIZE_CHANGES_KEPT);
    assert_int_equal(history->size_changes[0].to, 2 * BOUND_SIZE_CHANGES_KEPT);
    assert_int_equal(history->size_changes[BOUND_SIZE_CHANGES_KEPT - 1].to, BOUND_SIZE_CHANGES_KEPT + 1);
    assert_int_equal(history->size_changes[BOUND_SIZE_CHANGES_KEPT - 1].from, 0); /* where it all began */
    model_free(model);
}

/* What a Rollout wants is not known, and a DaemonSet tells once its nodes are counted. */
static void test_size_that_is_not_known(void **state)
{
    (void) state;
    struct model *model = world_new(CLUSTER("", "", ""));
    put_workload(model, "3");
    put_pod(model, "p0", "u0",
            ", 'ownerReferences': [{'apiVersion': 'argoproj.io/v1alpha1', 'kind': 'Rollout', 'name': 'r', 'uid': 'ur', "
            "'controller': true}]",
            "", "{'phase': 'Running'}");
    (void) observe(model, 0);
    assert_false(history_of(model)->replicas.is_set);
    fixture_remove(model, MODEL_PODS, "proget", "p0");
    fixture_put(model, MODEL_DAEMON_SETS,
                "{'metadata': {'namespace': 'proget', 'name': 's', 'uid': 'us', 'generation': 1}, 'spec': {'template': "
                "{'metadata': {'labels': {'app': 'proget'}}}}}");
    (void) observe(model, 1);
    assert_false(history_of(model)->replicas.is_set);
    fixture_put(model, MODEL_DAEMON_SETS,
                "{'metadata': {'namespace': 'proget', 'name': 's', 'uid': 'us', 'generation': 1}, 'spec': {'template': "
                "{'metadata': {'labels': {'app': 'proget'}}}}, 'status': {'observedGeneration': 1, "
                "'desiredNumberScheduled': 4}}");
    assert_true(observe(model, 2));
    assert_int_equal(history_of(model)->replicas.value, 7);
    model_free(model);
}

/* --- servers that may still run --- */

static void put_node(struct model *model, const char *name, const char *uid, const char *ready, const char *taints)
{
    cleanup_free char *node = xasprintf("{'metadata': {'name': '%s', 'uid': '%s'}, 'spec': {'taints': [%s]}, 'status': "
                                        "{'conditions': [{'type': 'Ready', 'status': '%s'}]}}",
                                        name, uid, taints, ready);
    fixture_put(model, MODEL_NODES, node);
}

/* "pod=uid@node" of each. */
static void assert_ends(struct model *model, const char *expected)
{
    const struct history *history = history_of(model);
    cleanup_buffer struct buffer found = BUFFER_INIT(65536);
    for (size_t i = 0; i < history->end_count; i++) {
        const struct unconfirmed_end *end = &history->ends[i];
        buffer_appendf(&found, "%s%s=%s@%s", i == 0 ? "" : " ", end->pod, end->uid, end->node);
    }
    assert_string_equal(buffer_text(&found), expected);
}

static const char is_running[] = "{'phase': 'Running', 'startTime': '2026-11-22T06:00:00Z'}";
#define GOING  ", 'deletionTimestamp': '2026-11-22T07:00:00Z'"
#define ON_A   ", 'nodeName': 'a'"
#define SILENT "{'key': 'node.kubernetes.io/unreachable', 'effect': 'NoExecute'}"
#define IS_OFF "{'key': 'node.kubernetes.io/out-of-service', 'effect': 'NoExecute'}"

static void test_end_of_a_terminating_pod(void **state)
{
    (void) state;
    struct model *model = world_new(CLUSTER("", "", ""));
    put_node(model, "a", "ua", "True", "");
    put_pod(model, "p0", "u0", GOING, ON_A, is_running);
    (void) observe(model, 0);
    assert_ends(model, ""); /* a plain deletion */
    put_node(model, "a", "ua", "Unknown", SILENT);
    assert_true(observe(model, 1));
    assert_ends(model, "p0=u0@a");
    assert_false(observe(model, 2));
    assert_int_equal(history_of(model)->ends[0].since_us, fixture_after(1).wall_us);

    /* Deleted by force, and its successor runs elsewhere: nothing has been stopped. */
    put_node(model, "b", "ub", "True", "");
    put_pod(model, "p0", "u0-new", "", ", 'nodeName': 'b'", is_running);
    (void) observe(model, 3);
    assert_ends(model, "p0=u0@a");
    model_set_unobserved(model, MODEL_NODES, "may not be read");
    fixture_remove(model, MODEL_NODES, "", "a");
    assert_false(observe(model, 4));
    assert_ends(model, "p0=u0@a"); /* what cannot be seen is not gone */
    model_set_unobserved(model, MODEL_NODES, NULL);
    put_node(model, "a", "ua", "True", "");
    assert_true(observe(model, 5));
    assert_ends(model, ""); /* its kubelet is back */
    model_free(model);
}

static void test_end_of_a_pod_that_is_gone(void **state)
{
    (void) state;
    static const struct {
        const char *ready, *taints;
        const char *expected;
    } cases[] = {
        {"Unknown", SILENT, "p0=u0@a"}, {"Unknown", "", "p0=u0@a"}, {"False", "", "p0=u0@a"},
        {"True", SILENT, "p0=u0@a"},    {"True", "", ""},           {"Unknown", SILENT ", " IS_OFF, ""},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        struct model *model = world_new(CLUSTER("", "", ""));
        put_node(model, "a", "ua", "True", "");
        put_pod(model, "p0", "u0", "", ON_A, is_running);
        (void) observe(model, 0);
        put_node(model, "a", "ua", cases[i].ready, cases[i].taints);
        fixture_remove(model, MODEL_PODS, "proget", "p0");
        assert_true(observe(model, 1));
        assert_ends(model, cases[i].expected);
        model_free(model);
    }
}

/* The node that is remembered is gone, or its machine is off: then so is the server. */
static void test_end_that_is_confirmed(void **state)
{
    (void) state;
    static const struct {
        const char *uid, *ready, *taints; /* uid NULL: no such node */
        const char *expected;
    } cases[] = {
        {"ua", "Unknown", "", "p0=u0@a"},  {"ua", "Unknown", IS_OFF, ""},
        {"another", "Unknown", "", ""},    {NULL, "", "", ""},
        {"ua", "True", SILENT, "p0=u0@a"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        struct model *model =
            world_new(CLUSTER("", "",
                              "'unconfirmedEnds': [{'pod': 'p0', 'uid': 'u0', 'node': 'a', 'nodeUid': 'ua', 'since': "
                              "'2026-11-22T06:00:00Z'}, {'pod': 'no node', 'uid': 'x'}]"));
        if (cases[i].uid) {
            put_node(model, "a", cases[i].uid, cases[i].ready, cases[i].taints);
        }
        (void) observe(model, 0);
        assert_ends(model, cases[i].expected);
        model_free(model);
    }
}

/* Nothing ran, or it was seen to end. */
static void test_end_of_what_does_not_run(void **state)
{
    (void) state;
    static const struct {
        const char *more_meta, *more_spec, *status;
    } cases[] = {
        {GOING, "", "{'phase': 'Pending'}"},
        {GOING, ON_A, "{'phase': 'Pending'}"}, /* its kubelet never took it up */
        {GOING, ON_A, "{'phase': 'Failed', 'startTime': '2026-11-22T06:00:00Z'}"},
        {GOING, ON_A,
         "{'phase': 'Running', 'startTime': '2026-11-22T06:00:00Z', 'containerStatuses': [{'name': 'proget', 'state': "
         "{'terminated': {'exitCode': 0}}}]}"},
        {GOING
         ", 'ownerReferences': [{'apiVersion': 'batch/v1', 'kind': 'Job', 'name': 'j', 'uid': 'uj', 'controller': "
         "true}]",
         ON_A, is_running},
        {"", ON_A, is_running}, /* not deleted */
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        struct model *model = world_new(CLUSTER("", "", ""));
        put_node(model, "a", "ua", "Unknown", SILENT);
        put_pod(model, "p0", "u0", cases[i].more_meta, cases[i].more_spec, cases[i].status);
        (void) observe(model, 0);
        assert_ends(model, "");
        model_free(model);
    }
}

static void test_ends_are_bounded(void **state)
{
    (void) state;
    struct model *model = world_new(CLUSTER("", "", ""));
    put_node(model, "a", "ua", "Unknown", SILENT);
    for (int i = 0; i < BOUND_ENDS_KEPT + 3; i++) {
        cleanup_free char *name = xasprintf("p%d", i);
        put_pod(model, name, name, GOING, ON_A, is_running);
    }
    assert_true(observe(model, 0));
    assert_int_equal(history_of(model)->end_count, BOUND_ENDS_KEPT);
    assert_false(observe(model, 1));
    model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size_changes),
        cmocka_unit_test(test_size_change_undone),
        cmocka_unit_test(test_size_over_a_restart),
        cmocka_unit_test(test_size_changes_are_bounded),
        cmocka_unit_test(test_size_that_is_not_known),
        cmocka_unit_test(test_end_of_a_terminating_pod),
        cmocka_unit_test(test_end_of_a_pod_that_is_gone),
        cmocka_unit_test(test_end_that_is_confirmed),
        cmocka_unit_test(test_end_of_what_does_not_run),
        cmocka_unit_test(test_ends_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
