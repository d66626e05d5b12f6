/* The checks about nodes: what scenarios, which are offline and see no sentence, cannot show. */
#include "proget/checks/evaluation.h"

#include "model_fixture.h"

enum { MINUTE_S = 60 };

#define CLUSTER                                                                                                        \
    "{'metadata': {'namespace': 'proget', 'name': 'main', 'uid': 'c1'}, 'spec': {'selector': {'matchLabels': {'app': " \
    "'proget'}}}}"
#define METRICS(cpu, time)                                                                                         \
    "{'metadata': {'name': 'node-a'}, 'timestamp': '2026-11-22T" time "Z', 'usage': {'cpu': '" cpu "', 'memory': " \
    "'1Gi'}}"

static void put_node(struct model *model, const char *name, const char *spec)
{
    cleanup_free char *json =
        xasprintf("{'metadata': {'name': '%s', 'labels': {'kubernetes.io/hostname': '%s'}}, 'spec': {%s}, 'status': "
                  "{'allocatable': {'cpu': '4', 'memory': '16Gi', 'pods': '110'}}}",
                  name, name, spec);
    fixture_put(model, MODEL_NODES, json);
}

static void put_server(struct model *model, const char *name, const char *node)
{
    cleanup_free char *spec = xasprintf(", 'nodeName': '%s', 'priorityClassName': 'servers', 'priority': 1000", node);
    cleanup_free char *pod = fixture_pod(name, "", spec, "{'phase': 'Running'}");
    fixture_put(model, MODEL_PODS, pod);
}

static struct model *world_of(const struct model_options *options)
{
    struct model *model = model_new(options);
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        store_mark_filled(model_store(model, (enum model_kind) kind));
    }
    fixture_put(model, MODEL_CLUSTERS, CLUSTER);
    put_node(model, "node-a", "");
    put_node(model, "node-b", "");
    put_server(model, "s0", "node-a");
    return model;
}

struct outcome {
    struct cluster_list clusters;
    struct finding_list findings;
};

static void evaluate(struct model *model, int64_t after_s, struct outcome *ret_outcome)
{
    model_assemble(model, fixture_after(after_s), &ret_outcome->clusters);
    assert_int_equal(ret_outcome->clusters.count, 1);
    evaluation_run(model, &ret_outcome->clusters.items[0], fixture_after(after_s), &ret_outcome->findings);
}

static void outcome_clear(struct outcome *outcome)
{
    finding_list_free(&outcome->findings);
    cluster_list_free(&outcome->clusters);
}

static const struct finding *found(const struct outcome *outcome, const char *code)
{
    for (size_t i = 0; i < outcome->findings.count; i++) {
        if (text_equal(outcome->findings.items[i].code, code)) {
            return &outcome->findings.items[i];
        }
    }
    return NULL;
}

static const char *why_unobserved(const struct outcome *outcome, const char *what)
{
    for (size_t i = 0; i < outcome->findings.unobserved_count; i++) {
        if (text_equal(outcome->findings.unobserved[i].what, what)) {
            return outcome->findings.unobserved[i].why;
        }
    }
    return NULL;
}

static void test_measurements_grow_old(void **state)
{
    (void) state;
    static const struct {
        int64_t now_s;
        bool expected;
    } cases[] = {{0, true}, {5 * MINUTE_S, true}, {5 * MINUTE_S + 1, false}};
    struct model *model = world_of(&(struct model_options){0});
    fixture_put(model, MODEL_NODE_METRICS, METRICS("3.9", "03:00:00")); /* its clock is hours behind */
    for (size_t i = 0; i < array_length(cases); i++) {
        struct outcome outcome;
        evaluate(model, cases[i].now_s, &outcome);
        const struct finding *finding = found(&outcome, "NodeCapacityLow");
        assert_int_equal(finding != NULL, cases[i].expected);
        if (finding) {
            assert_int_equal(finding->hold_ms, 10 * MINUTE_S * 1000);
            assert_non_null(strstr(finding->message, "node-a of server s0 is nearly full: more than 85 % of its CPU"));
            assert_true(outcome.findings.wake_at_ms <= fixture_after(5 * MINUTE_S + 1).monotonic_ms);
        }
        outcome_clear(&outcome);
    }
    fixture_put_at(model, MODEL_NODE_METRICS, 6 * MINUTE_S, METRICS("3.9", "03:01:00"));
    struct outcome outcome;
    evaluate(model, 6 * MINUTE_S, &outcome);
    assert_non_null(found(&outcome, "NodeCapacityLow"));
    outcome_clear(&outcome);
    model_free(model);
}

/* Not installed is no lack; refused is one. */
static void test_metrics_that_are_not_there(void **state)
{
    (void) state;
    struct model *model = world_of(&(struct model_options){0});
    struct outcome outcome;
    model_set_missing(model, MODEL_NODE_METRICS, true);
    evaluate(model, 0, &outcome);
    assert_null(why_unobserved(&outcome, "nodes.metrics.k8s.io"));
    outcome_clear(&outcome);
    model_set_missing(model, MODEL_NODE_METRICS, false);
    model_set_unobserved(model, MODEL_NODE_METRICS, "forbidden");
    evaluate(model, 0, &outcome);
    assert_string_equal(why_unobserved(&outcome, "nodes.metrics.k8s.io"), "forbidden");
    assert_null(why_unobserved(&outcome, "nodes"));
    outcome_clear(&outcome);
    model_free(model);
}

static void test_pods_of_others_that_are_not_watched(void **state)
{
    (void) state;
    struct model *model = world_of(&(struct model_options){.is_restricted = true});
    struct outcome outcome;
    evaluate(model, 0, &outcome);
    assert_non_null(why_unobserved(&outcome, "pods of other namespaces"));
    outcome_clear(&outcome);
    model_free(model);
    model = world_of(&(struct model_options){0});
    evaluate(model, 0, &outcome);
    assert_null(why_unobserved(&outcome, "pods of other namespaces"));
    outcome_clear(&outcome);
    model_free(model);
}

static void test_nodes_that_are_not_observed(void **state)
{
    (void) state;
    struct model *model = world_of(&(struct model_options){0});
    model_set_unobserved(model, MODEL_NODES, "forbidden");
    put_server(model, "s1", "node-a");
    struct outcome outcome;
    evaluate(model, 0, &outcome);
    assert_null(found(&outcome, "NoSpareNode"));
    assert_null(found(&outcome, "NodeCapacityLow"));
    assert_string_equal(why_unobserved(&outcome, "nodes"), "forbidden");
    outcome_clear(&outcome);
    model_free(model);
}

static void test_the_sentence_says_why_no_node_takes_it(void **state)
{
    (void) state;
    struct model *model = world_of(&(struct model_options){0});
    struct outcome outcome;
    evaluate(model, 0, &outcome);
    assert_null(found(&outcome, "NoSpareNode"));
    outcome_clear(&outcome);
    put_server(model, "s1", "node-b");
    put_node(model, "node-c", "'unschedulable': true");
    put_node(model, "node-d", "'taints': [{'key': 'k', 'effect': 'NoExecute'}]");
    evaluate(model, 0, &outcome);
    const struct finding *finding = found(&outcome, "NoSpareNode");
    assert_non_null(finding);
    assert_string_equal(
        finding->message,
        "If the node of one of the servers s0 and s1 of cluster main died, no other node would take "
        "the server (for s0, of the other nodes 1 runs a server of the cluster, 2 are cordoned, tainted or not "
        "ready). The cluster would be a server short until that node is back.");
    outcome_clear(&outcome);
    fixture_remove(model, MODEL_PODS, "proget", "s1");
    for (size_t i = 0; i < 3; i++) {
        static const char *const names[] = {"node-b", "node-c", "node-d"};
        cleanup_free char *quoted = xasprintf("{'metadata': {'name': '%s'}}", names[i]);
        cleanup_json struct json_object *json = fixture_json(quoted);
        store_remove(model_store(model, MODEL_NODES), json);
    }
    evaluate(model, 0, &outcome);
    finding = found(&outcome, "NoSpareNode");
    assert_non_null(finding);
    assert_non_null(strstr(finding->message, "no other node would take the server: there is no other node. "));
    outcome_clear(&outcome);
    model_free(model);
}

/* Of a Deployment whose pods are not there yet, no node runs one. */
static void test_a_place_in_thought_is_called_no_server_that_runs(void **state)
{
    (void) state;
    struct model *model = model_new(&(struct model_options){0});
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        store_mark_filled(model_store(model, (enum model_kind) kind));
    }
    fixture_put(model, MODEL_CLUSTERS,
                "{'metadata': {'namespace': 'proget', 'name': 'main', 'uid': 'c1'}, 'spec': {'selector': "
                "{'matchLabels': {'app': 'proget'}}}}");
    fixture_put(
        model, MODEL_DEPLOYMENTS,
        "{'metadata': {'namespace': 'proget', 'name': 'proget', 'uid': 'w1'}, 'spec': {'replicas': 2, "
        "'selector': {'matchLabels': {'app': 'proget'}}, 'template': {'metadata': {'labels': {'app': 'proget'}}, "
        "'spec': {'affinity': {'podAntiAffinity': {'requiredDuringSchedulingIgnoredDuringExecution': "
        "[{'topologyKey': 'rack', 'labelSelector': {'matchLabels': {'app': 'proget'}}}]}}, 'containers': "
        "[{'name': 'proget', 'image': 'inedo/proget:25.0.13'}]}}}}");
    fixture_put(model, MODEL_NODES, "{'metadata': {'name': 'node-a', 'labels': {'rack': 'one'}}}");
    fixture_put(model, MODEL_NODES, "{'metadata': {'name': 'node-b', 'labels': {'rack': 'two'}}}");
    struct outcome outcome;
    evaluate(model, 0, &outcome);
    const struct finding *finding = found(&outcome, "RolloutBlocked");
    assert_non_null(finding);
    assert_non_null(strstr(finding->message, "of the nodes 2 are where servers of the cluster run or are to run)"));
    outcome_clear(&outcome);
    model_free(model);
}

/* Of one template in two zones: the node next to s0 is free for it alone. */
static void test_servers_that_are_alike_have_each_their_own_place(void **state)
{
    (void) state;
    static const struct {
        const char *server, *node;
    } places[] = {{"s0", "node-b"}, {"s1", "node-a"}};
    struct model *model = model_new(&(struct model_options){0});
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        store_mark_filled(model_store(model, (enum model_kind) kind));
    }
    fixture_put(model, MODEL_CLUSTERS,
                "{'metadata': {'namespace': 'proget', 'name': 'main', 'uid': 'c1'}, 'spec': {'placement': "
                "{'topologyKey': 'zone'}, 'selector': {'matchLabels': {'app': 'proget'}}}}");
    fixture_put(model, MODEL_STATEFUL_SETS,
                "{'metadata': {'namespace': 'proget', 'name': 'proget', 'uid': 'w1'}, 'spec': {'replicas': 2}}");
    fixture_put(model, MODEL_NODES, "{'metadata': {'name': 'node-a', 'labels': {'zone': 'one'}}}");
    fixture_put(model, MODEL_NODES, "{'metadata': {'name': 'node-a2', 'labels': {'zone': 'one'}}}");
    fixture_put(model, MODEL_NODES, "{'metadata': {'name': 'node-b', 'labels': {'zone': 'two'}}}");
    for (size_t i = 0; i < array_length(places); i++) {
        cleanup_free char *pod = xasprintf(
            "{'metadata': {'namespace': 'proget', 'name': '%s', 'uid': '%s', 'labels': {'app': 'proget', "
            "'controller-revision-hash': 'r1'}, 'ownerReferences': [{'apiVersion': 'apps/v1', 'kind': 'StatefulSet', "
            "'name': 'proget', 'uid': 'w1', 'controller': true}]}, 'spec': {'nodeName': '%s', 'containers': "
            "[{'name': 'proget', 'image': 'inedo/proget:25.0.13'}]}, 'status': {'phase': 'Running'}}",
            places[i].server, places[i].server, places[i].node);
        fixture_put(model, MODEL_PODS, pod);
    }
    struct outcome outcome;
    evaluate(model, 0, &outcome);
    const struct finding *finding = found(&outcome, "NoSpareNode");
    assert_non_null(finding);
    assert_non_null(strstr(finding->message, "the node of server s0 of cluster main died"));
    outcome_clear(&outcome);
    cleanup_json struct json_object *gone = fixture_json("{'metadata': {'name': 'node-a2'}}");
    store_remove(model_store(model, MODEL_NODES), gone);
    evaluate(model, 0, &outcome);
    assert_non_null(strstr(found(&outcome, "NoSpareNode")->message, "one of the servers s0 and s1 of cluster"));
    outcome_clear(&outcome);
    model_free(model);
}

static void test_classes_are_named_in_an_order_of_their_own(void **state)
{
    (void) state;
    struct model *model = world_of(&(struct model_options){0});
    static const char *const pods[] = {"'priorityClassName': 'zeta', 'priority': 2000", "'priority': 3000",
                                       "'priorityClassName': 'alpha', 'priority': 5000",
                                       "'priorityClassName': 'zeta', 'priority': 2000"};
    for (size_t i = 0; i < array_length(pods); i++) {
        cleanup_free char *json = xasprintf("{'metadata': {'namespace': 'other', 'name': 'p%zu', 'uid': '%zu'}, "
                                            "'spec': {'nodeName': 'node-a', %s}, 'status': {'phase': 'Running'}}",
                                            i, i, pods[i]);
        fixture_put(model, MODEL_PODS, json);
    }
    struct outcome outcome;
    evaluate(model, 0, &outcome);
    const struct finding *finding = found(&outcome, "PriorityClassLow");
    assert_non_null(finding);
    assert_int_equal(finding->related_count, 0); /* pods that come and go make it no other finding */
    assert_non_null(strstr(finding->message, "pods of PriorityClass alpha (5000), PriorityClass zeta (2000) and "
                                             "priority 3000: "));
    outcome_clear(&outcome);
    model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measurements_grow_old),
        cmocka_unit_test(test_metrics_that_are_not_there),
        cmocka_unit_test(test_pods_of_others_that_are_not_watched),
        cmocka_unit_test(test_nodes_that_are_not_observed),
        cmocka_unit_test(test_the_sentence_says_why_no_node_takes_it),
        cmocka_unit_test(test_a_place_in_thought_is_called_no_server_that_runs),
        cmocka_unit_test(test_servers_that_are_alike_have_each_their_own_place),
        cmocka_unit_test(test_classes_are_named_in_an_order_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
