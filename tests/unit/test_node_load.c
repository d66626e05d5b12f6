/* What pods request of their node, and the sums of them. */
#include "proget/model/node_load.h"

#include "model_fixture.h"
#include "proget/model/priority.h"

#define KI INT64_C(1024)
#define MI (KI * KI)

/* --- one pod --- */

struct requests_case {
    const char *spec;
    uint64_t cpu, memory, storage;
};

#define C(resources) "{'name': 'c', 'resources': {" resources "}}"
#define S(resources) "{'name': 's', 'restartPolicy': 'Always', 'resources': {" resources "}}"

static void test_requests_of_a_pod(void **state)
{
    (void) state;
    static const struct requests_case cases[] = {
        {"'containers': []", 0, 0, 0},
        /* A sum, in whatever units. */
        {"'containers': [" C("'requests': {'cpu': '500m', 'memory': '1Mi'}") ", " C(
             "'requests': {'cpu': 1.5, 'memory': '1048576000m', 'ephemeral-storage': '2Ki'}") "]",
         2000, 2 * MI, 2 * KI},
        /* A request that is not given is the limit; one of 0 is given. */
        {"'containers': [" C("'limits': {'cpu': '1', 'memory': '1Mi'}") ", " C(
             "'requests': {'cpu': '0'}, 'limits': {'cpu': '4'}") "]",
         1000, MI, 0},
        /* Init containers run one by one, before the others. */
        {"'initContainers': [" C("'requests': {'cpu': '3'}") ", " C(
             "'requests': {'cpu': '2', 'memory': '1Mi'}") "], "
                                                          "'containers': [" C(
                                                              "'requests': {'cpu': '1', 'memory': '3Mi'}") "]",
         3000, 3 * MI, 0},
        /* A native sidecar runs beside the main containers, and beside init containers that come later only. */
        {"'initContainers': [" C("'requests': {'cpu': '3'}") ", " S("'requests': {'cpu': '1'}") "], 'containers': [" C(
             "'requests': {'cpu': '1'}") "]",
         3000, 0, 0},
        {"'initContainers': [" S("'requests': {'cpu': '1'}") ", " C("'requests': {'cpu': '3'}") "], 'containers': [" C(
             "'requests': {'cpu': '1'}") "]",
         4000, 0, 0},
        {"'initContainers': [" S("'requests': {'cpu': '1'}") ", " S("'requests': {'cpu': '2'}") "], 'containers': [" C(
             "'requests': {'cpu': '1'}") "]",
         4000, 0, 0},
        /* The pod as a whole beats its containers, by what it says of. */
        {"'resources': {'requests': {'cpu': '1'}}, 'containers': [" C("'requests': {'cpu': '2', 'memory': '2Mi'}") "]",
         1000, 2 * MI, 0},
        {"'resources': {'limits': {'cpu': '5', 'memory': '5Mi'}}, 'containers': [" C("'requests': {'cpu': '2'}") "]",
         2000, 5 * MI, 0},
        /* Overhead comes on top of all. */
        {"'overhead': {'cpu': '250m', 'memory': '1Mi'}, 'resources': {'requests': {'cpu': '1'}}, 'containers': [" C(
             "'requests': {'memory': '1Mi'}") "]",
         1250, 2 * MI, 0},
        /* What nobody could mean. */
        {"'containers': [" C("'requests': {'cpu': '-1', 'memory': 'much'}") "]", 0, 0, 0},
        {"'containers': [" C("'requests': {'cpu': '9E', 'memory': '9E'}") ", " C(
             "'requests': {'cpu': '9E', 'memory': '9E'}") "]",
         UINT64_C(1) << 50, UINT64_C(1) << 50, 0},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free char *json = xasprintf("{'metadata': {'name': 'p'}, 'spec': {%s}}", cases[i].spec);
        cleanup_free struct pod *pod = fixture_record(&pod_type, json);
        struct resource_sums sums = pod_spec_requests(&pod->spec);
        if (sums.cpu_thousandths != cases[i].cpu || sums.memory_bytes != cases[i].memory ||
            sums.storage_bytes != cases[i].storage || sums.pods != 1) {
            fail_msg("%s: %llu %llu %llu", cases[i].spec, (unsigned long long) sums.cpu_thousandths,
                     (unsigned long long) sums.memory_bytes, (unsigned long long) sums.storage_bytes);
        }
    }
}

static void test_who_is_ordinary(void **state)
{
    (void) state;
    static const struct {
        const char *meta, *spec;
        bool expected;
    } cases[] = {
        {"", "'priority': 5", true},
        {"", "'priority': 1000000000, 'priorityClassName': 'high'", true},
        {"", "'priority': 2000000000", false},
        {"", "'priorityClassName': 'system-node-critical'", false},
        {"{'kind': 'ReplicaSet', 'controller': true}", "", true},
        {"{'kind': 'DaemonSet', 'controller': true}", "", false},
        {"{'kind': 'DaemonSet'}", "", true},
        {"{'kind': 'Node', 'controller': true}", "", false},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free char *json = xasprintf("{'metadata': {'name': 'p', 'ownerReferences': [%s]}, 'spec': {%s}}",
                                            cases[i].meta, cases[i].spec);
        cleanup_free struct pod *pod = fixture_record(&pod_type, json);
        assert_int_equal(pod_is_ordinary(pod), cases[i].expected);
    }
}

/* --- sums --- */

static void put_pod(struct model *model, const char *name, const char *node, const char *spec, const char *more)
{
    cleanup_free char *json = xasprintf("{'metadata': {'namespace': 'other', 'name': '%s', 'uid': '%s'%s}, 'spec': "
                                        "{'nodeName': '%s', %s}}",
                                        name, name, more, node, spec);
    fixture_put(model, MODEL_PODS, json);
}

#define CPU(amount) "'containers': [{'name': 'c', 'resources': {'requests': {'cpu': '" amount "'}}}]"

static uint64_t cpu_on(const struct model *model, const char *node)
{
    return node_load_total(model_node_load(model), node).cpu_thousandths;
}

static void test_sums_follow_the_pods(void **state)
{
    (void) state;
    struct model *model = fixture_live();
    put_pod(model, "a", "n1", CPU("1"), "");
    put_pod(model, "b", "n1", CPU("2"), "");
    put_pod(model, "waits", "", CPU("4"), "");
    assert_int_equal(cpu_on(model, "n1"), 3000);
    assert_int_equal(node_load_total(model_node_load(model), "n1").pods, 2);
    put_pod(model, "a", "n1", CPU("1500m"), ""); /* resized in place */
    assert_int_equal(cpu_on(model, "n1"), 3500);
    put_pod(model, "waits", "n2", CPU("4"), "");
    assert_int_equal(cpu_on(model, "n2"), 4000);
    put_pod(model, "b", "n1", CPU("2"), ", 'deletionTimestamp': '2026-11-22T07:00:00Z'");
    assert_int_equal(cpu_on(model, "n1"), 1500);
    fixture_remove(model, MODEL_PODS, "other", "b"); /* it counts no more, so it is not taken off twice */
    assert_int_equal(cpu_on(model, "n1"), 1500);
    fixture_put(model, MODEL_PODS,
                "{'metadata': {'namespace': 'other', 'name': 'a', 'uid': 'a'}, 'spec': {'nodeName': 'n1', " CPU(
                    "1500m") "}, 'status': {'phase': 'Succeeded'}}");
    size_t count;
    assert_null(node_load_shares(model_node_load(model), "n1", &count));
    assert_int_equal(count, 0);
    store_replace_commit(store_replace_begin(model_store(model, MODEL_PODS), NULL));
    assert_int_equal(cpu_on(model, "n2"), 0);
    model_free(model);
}

/* Another pod under the name is told as a removal and an addition. */
static void test_reborn_pod(void **state)
{
    (void) state;
    struct model *model = fixture_live();
    put_pod(model, "a", "n1", CPU("1"), "");
    fixture_put(
        model, MODEL_PODS,
        "{'metadata': {'namespace': 'other', 'name': 'a', 'uid': 'new'}, 'spec': {'nodeName': 'n2', " CPU("2") "}}");
    assert_int_equal(cpu_on(model, "n1"), 0);
    assert_int_equal(cpu_on(model, "n2"), 2000);
    model_free(model);
}

static const struct node_share *share_of(const struct model *model, int64_t priority)
{
    size_t count;
    const struct node_share *shares = node_load_shares(model_node_load(model), "n", &count);
    for (size_t i = 0; i < count; i++) {
        if (shares[i].priority.is_set && shares[i].priority.value == priority) {
            return &shares[i];
        }
    }
    return NULL;
}

static void test_shares_by_priority(void **state)
{
    (void) state;
    struct model *model = fixture_live();
    put_pod(model, "a", "n", "'priority': 0, " CPU("1"), "");
    put_pod(model, "b", "n", "'priority': 7, " CPU("2"), "");
    put_pod(model, "c", "n", "'priority': 7, " CPU("4"),
            ", 'ownerReferences': [{'kind': 'DaemonSet', 'name': 'd', 'controller': true}]");
    put_pod(model, "d", "n", "'priorityClassName': 'high', " CPU("8"), "");
    put_pod(model, "e", "n", CPU("16"), "");
    put_pod(model, "f", "n", "'priority': 9, 'priorityClassName': 'seven', " CPU("1"), "");
    put_pod(model, "g", "n", "'priority': 9, 'priorityClassName': 'other', " CPU("1"), "");
    size_t count;
    const struct node_share *shares = node_load_shares(model_node_load(model), "n", &count);
    assert_int_equal(count, 6); /* of one priority, the classes are told apart */
    assert_int_equal(share_of(model, 7)->requests.cpu_thousandths, 6000);
    assert_int_equal(share_of(model, 7)->requests.pods, 2);
    assert_int_equal(share_of(model, 7)->ordinary, 1);
    assert_int_equal(share_of(model, 0)->requests.cpu_thousandths, 1000);
    bool has_class = false;
    for (size_t i = 0; i < count; i++) {
        has_class = has_class || (!shares[i].priority.is_set && text_equal(shares[i].class_name, "high"));
    }
    assert_true(has_class);
    fixture_remove(model, MODEL_PODS, "other", "d");
    fixture_remove(model, MODEL_PODS, "other", "c");
    assert_int_equal(share_of(model, 7)->requests.cpu_thousandths, 2000);
    (void) node_load_shares(model_node_load(model), "n", &count);
    assert_int_equal(count, 5);
    model_free(model);
}

/* --- what is a change --- */

static void test_load_is_no_change_of_its_own(void **state)
{
    (void) state;
    struct model *model = fixture_live();
    put_pod(model, "a", "n", CPU("1"), "");
    assert_false(model_take_changed(model)); /* nobody's namespace */
    assert_true(model_take_load_changed(model));
    assert_false(model_take_load_changed(model));
    put_pod(model, "a", "n", CPU("1000m"), ", 'labels': {'a': 'b'}"); /* the same load */
    assert_false(model_take_load_changed(model));
    fixture_put(model, MODEL_NODES,
                "{'metadata': {'name': 'n'}, 'status': {'allocatable': {'cpu': '2', 'memory': '4Gi'}}}");
    assert_true(model_take_changed(model));
    assert_false(model_take_load_changed(model));
    model_free(model);
}

/* Every minute each node is measured anew: that alone is no reason to look at the clusters again. */
static void test_usage_is_a_change_where_the_answer_changes(void **state)
{
    (void) state;
    static const struct {
        int at_minute;
        const char *node, *cpu, *memory;
        bool expected;
    } steps[] = {
        {0, "n", "1", "1Gi", false},         {1, "n", "1500m", "3Gi", false},
        {2, "n", "1700m", "1Gi", false}, /* 85 % is not above it */
        {3, "n", "1701m", "1Gi", true},      {4, "n", "1900000000n", "1Gi", false},
        {5, "n", "1900m", "3900Mi", true},   {6, "n", "10m", "3900Mi", true},
        {7, "n", "10m", "3901Mi", false},    {12, "n", "11m", "3900Mi", false},
        {18, "n", "10m", "3900Mi", true}, /* it had grown old */
        {19, "n", "10m", "10Mi", true},      {30, "n", "11m", "10Mi", false},
        {31, "unknown", "64", "1Ti", false},
    };
    struct model *model = fixture_live();
    fixture_put(model, MODEL_NODES,
                "{'metadata': {'name': 'n'}, 'status': {'allocatable': {'cpu': '2', 'memory': '4Gi'}}}");
    (void) model_take_changed(model);
    for (size_t i = 0; i < array_length(steps); i++) {
        cleanup_free char *json =
            xasprintf("{'metadata': {'name': '%s'}, 'timestamp': '2026-11-22T03:%02d:00Z', 'usage': {'cpu': '%s', "
                      "'memory': '%s'}}",
                      steps[i].node, steps[i].at_minute, steps[i].cpu, steps[i].memory);
        fixture_put_at(model, MODEL_NODE_METRICS, (int64_t) steps[i].at_minute * 60, json);
        assert_false(model_take_changed(model));
        assert_int_equal(model_take_load_changed(model), steps[i].expected);
    }
    fixture_put(model, MODEL_NODE_METRICS, "{'metadata': {'name': 'n'}, 'usage': {'cpu': '2', 'memory': '1Gi'}}");
    assert_true(model_take_load_changed(model));
    cleanup_json struct json_object *gone = fixture_json("{'metadata': {'name': 'n'}}");
    store_remove(model_store(model, MODEL_NODE_METRICS), gone);
    assert_true(model_take_load_changed(model));
    model_free(model);
}

/* --- priorities --- */

static void test_priorities(void **state)
{
    (void) state;
    static const struct {
        const char *spec;
        bool is_known;
        int64_t priority;
        bool preempts;
    } cases[] = {
        {"'priority': 12, 'priorityClassName': 'high'", true, 12, true},
        {"'priority': -3", true, -3, true},
        {"'priorityClassName': 'high'", true, 1000, true},
        {"'priorityClassName': 'polite'", true, 500, false},
        {"'priorityClassName': 'polite', 'preemptionPolicy': 'PreemptLowerPriority'", true, 500, true},
        {"'priorityClassName': 'high', 'preemptionPolicy': 'Never'", true, 1000, false},
        {"'priority': 7, 'priorityClassName': 'unheard', 'preemptionPolicy': 'Never'", true, 7, false},
        {"'priorityClassName': 'unheard'", false, 0, true},
        {"'priorityClassName': 'system-cluster-critical'", true, 2000000000, true},
        {"'priorityClassName': 'system-node-critical'", true, 2000001000, true},
        {"'nodeName': 'n'", true, 20, true}, /* the lower default */
    };
    struct model *model = fixture_live();
    struct model *bare = fixture_live();
    fixture_put(model, MODEL_PRIORITY_CLASSES, "{'metadata': {'name': 'high'}, 'value': 1000}");
    fixture_put(model, MODEL_PRIORITY_CLASSES,
                "{'metadata': {'name': 'polite'}, 'value': 500, 'preemptionPolicy': 'Never'}");
    fixture_put(model, MODEL_PRIORITY_CLASSES, "{'metadata': {'name': 'd1'}, 'value': 30, 'globalDefault': true}");
    fixture_put(model, MODEL_PRIORITY_CLASSES, "{'metadata': {'name': 'd2'}, 'value': 20, 'globalDefault': true}");
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free char *json = xasprintf("{'metadata': {'name': 'p'}, 'spec': {%s}}", cases[i].spec);
        cleanup_free struct pod *pod = fixture_record(&pod_type, json);
        int64_t priority = -1;
        assert_int_equal(priority_of_spec(model, &pod->spec, &priority), cases[i].is_known);
        assert_int_equal(priority, cases[i].priority);
        assert_int_equal(priority_preempts(model, &pod->spec), cases[i].preempts);
    }
    int64_t priority = -1;
    assert_true(priority_of_class(bare, NULL, &priority));
    assert_int_equal(priority, 0);
    model_free(model);
    model_free(bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_of_a_pod),
        cmocka_unit_test(test_who_is_ordinary),
        cmocka_unit_test(test_sums_follow_the_pods),
        cmocka_unit_test(test_reborn_pod),
        cmocka_unit_test(test_shares_by_priority),
        cmocka_unit_test(test_load_is_no_change_of_its_own),
        cmocka_unit_test(test_usage_is_a_change_where_the_answer_changes),
        cmocka_unit_test(test_priorities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
