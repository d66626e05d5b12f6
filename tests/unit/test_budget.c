/*
 * PodDisruptionBudgets, counted as the disruption controller counts: what scenarios would say at too great a length.
 */
#include "checks_fixture.h"

#define CLUSTER                                                                                                     \
    "apiVersion: proget-operator.io/v1alpha1\nkind: ProGetCluster\nmetadata: {namespace: ns, name: main, uid: c}\n" \
    "spec: {selector: {matchLabels: {app: proget}}}\n---\n"
#define WORKLOAD(kind, more)                                                                                   \
    "apiVersion: apps/v1\nkind: " kind "\nmetadata: {namespace: ns, name: proget, uid: w}\nspec:\n"            \
    "  selector: {matchLabels: {app: proget}}\n" more "\n  template:\n    metadata: {labels: {app: proget}}\n" \
    "    spec: {containers: [{name: proget, image: 'inedo/proget:25.0.13'}]}\n---\n"
#define THREE WORKLOAD("StatefulSet", "  replicas: 3")
#define OWNED(version, kind, name) \
    ", ownerReferences: [{apiVersion: " version ", kind: " kind ", name: " name ", uid: o, controller: true}]"
#define POD(name, labels, owner)                                                                                      \
    "apiVersion: v1\nkind: Pod\nmetadata: {namespace: ns, name: " name ", uid: " name ", labels: {app: proget" labels \
    "}" owner "}\nspec: {containers: [{name: proget, image: 'inedo/proget:25.0.13'}]}\n---\n"
#define BUDGET(spec) \
    "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {namespace: ns, name: budget}\nspec: {" spec "}\n"
#define ALL ", selector: {matchLabels: {app: proget}}"

#define OF_HASH      OWNED("apps/v1", "ReplicaSet", "proget-5d9")
#define OF_ELSEWHERE OWNED("apps.kruise.io/v1", "StatefulSet", "proget")
#define REPLICA_SET(owner)                                                                                       \
    "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {namespace: ns, name: proget-5d9, uid: o" owner "}\n"      \
    "spec:\n  replicas: 2\n  selector: {matchLabels: {app: proget}}\n  template:\n    metadata: {labels: {app: " \
    "proget}}\n    spec: {containers: [{name: proget, image: 'inedo/proget:25.0.13'}]}\n---\n"
#define OF_SET ", ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: proget, uid: w, controller: true}]"
#define OF_DEPLOYMENT \
    ", ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: proget, uid: w, controller: true}]"
#define OF_ROLLOUT \
    ", ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: proget, uid: r, controller: true}]"

enum expected { FINE, BLOCKING, MISSING };

static const struct budget_case {
    const char *name, *objects;
    enum expected expected;
    const char *part; /* of the message or the action; NULL: any */
} cases[] = {
    {"33 % of 3 is 0.99: one", THREE BUDGET("maxUnavailable: 33%" ALL), FINE, NULL},
    {"34 % of 3 is 1.02: two", THREE BUDGET("maxUnavailable: 34%" ALL), FINE, NULL},
    {"67 % of 3 is 2.01: all three", THREE BUDGET("maxUnavailable: 67%" ALL), MISSING, "lets 3 go at once"},
    {"66 % of 3 is 1.98: two stay", THREE BUDGET("minAvailable: 66%" ALL), FINE, NULL},
    {"67 % of 3 stay: all", THREE BUDGET("minAvailable: 67%" ALL), BLOCKING, "3 have to stay of the 3"},
    {"0 % stay", THREE BUDGET("minAvailable: 0%" ALL), MISSING, "lets 3 go at once"},
    {"two of three may go", THREE BUDGET("maxUnavailable: 2" ALL), FINE, NULL},
    {"three of three may go", THREE BUDGET("maxUnavailable: 3" ALL), MISSING, "\"maxUnavailable\":1"},
    {"one hundred may go", THREE BUDGET("maxUnavailable: 100" ALL), MISSING, NULL},
    {"more than there are have to stay", THREE BUDGET("minAvailable: 2147483647" ALL), BLOCKING, "2147483647"},

    {"no number", THREE BUDGET("maxUnavailable: many" ALL), MISSING, "the API server refuses"},
    {"half a percent", THREE BUDGET("maxUnavailable: 0.5%" ALL), MISSING, "the API server refuses"},
    {"below zero", THREE BUDGET("minAvailable: -1" ALL), MISSING, "the API server refuses"},
    {"more than all", THREE BUDGET("minAvailable: 101%" ALL), MISSING, "the API server refuses"},
    {"out of bounds", THREE BUDGET("minAvailable: 2147483648" ALL), MISSING, "the API server refuses"},
    {"nothing but a sign", THREE BUDGET("minAvailable: '%'" ALL), MISSING, "the API server refuses"},
    {"both", THREE BUDGET("minAvailable: 1, maxUnavailable: 1" ALL), MISSING, "Correct the manifest"},

    {"a surge leaves no room for long",
     WORKLOAD("Deployment", "  replicas: 2") POD("a", "", OF_HASH) POD("b", "", OF_HASH) POD("c", "", OF_HASH)
         REPLICA_SET(OF_DEPLOYMENT) BUDGET("minAvailable: 2" ALL),
     BLOCKING, "2 have to stay of the 2"},
    {"a ReplicaSet of another controller counts by itself",
     REPLICA_SET(OF_ROLLOUT) POD("a", "", OF_HASH) POD("b", "", OF_HASH) BUDGET("maxUnavailable: 1" ALL), FINE, NULL},
    {"an unknown controller counts with its pods",
     POD("a", "", OF_ELSEWHERE) POD("b", "", OF_ELSEWHERE) BUDGET("maxUnavailable: 50%" ALL), FINE, NULL},
    {"and blocks by them", POD("a", "", OF_ELSEWHERE) POD("b", "", OF_ELSEWHERE) BUDGET("minAvailable: 100%" ALL),
     BLOCKING, NULL},
    {"a label that a webhook gives all pods selects the whole",
     THREE POD("a", ", team: x", OF_SET) POD("b", ", team: x", OF_SET)
         BUDGET("maxUnavailable: 1, selector: {matchLabels: {team: x}}"),
     FINE, NULL},
    {"one that only some have selects a part",
     THREE POD("a", ", team: x", OF_SET) POD("b", "", OF_SET) POD("c", "", OF_SET)
         BUDGET("maxUnavailable: 1, selector: {matchLabels: {team: x}}"),
     BLOCKING, "selects a part of a workload only, so that of its 1 pods 2 would have to stay"},
    {"a DaemonSet's manifest does not tell how many", WORKLOAD("DaemonSet", "") BUDGET("minAvailable: 1" ALL), FINE,
     NULL},
    {"its size cannot be asked for", WORKLOAD("DaemonSet", "") BUDGET("maxUnavailable: 1" ALL), BLOCKING,
     "pods of DaemonSet proget, a kind without a scale"},
    {"a Job's pod comes and goes: it is nobody's reserve",
     THREE POD("a", "", OF_SET) POD("b", "", OF_SET) POD("j", "", OWNED("batch/v1", "Job", "migrate"))
         BUDGET("minAvailable: 3" ALL),
     BLOCKING, "3 have to stay of the 3"},
    {"bare pods need a number", POD("a", "", "") POD("b", "", "") BUDGET("maxUnavailable: 1" ALL), BLOCKING,
     "\"maxUnavailable\":null,\"minAvailable\":1"},
    {"bare pods without a budget", POD("a", "", "") POD("b", "", ""), MISSING,
     "create poddisruptionbudget main-servers --selector=app=proget --min-available=1"},
    {"a workload without one", THREE, MISSING,
     "create poddisruptionbudget main-servers --selector=app=proget --max-unavailable=1"},
};

static void test_cases(void **state)
{
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free char *yaml = xasprintf("%s%s", CLUSTER, cases[i].objects);
        struct fixture fixture;
        fixture_offline(&fixture, yaml);
        assert_int_equal(fixture.result.clusters.count, 1);
        const struct finding_list *list = &fixture.result.findings[0];
        const struct finding *blocking = finding_of(list, "DisruptionBudgetBlocking", "budget");
        const struct finding *missing = finding_of(list, "DisruptionBudgetMissing", "main");
        const struct finding *found = cases[i].expected == BLOCKING ? blocking : missing;
        /* A part of the servers is a part of the protection too. */
        bool is_partial = cases[i].part && strstr(cases[i].part, "part of a workload");
        if ((blocking != NULL) != (cases[i].expected == BLOCKING) ||
            (missing != NULL && !is_partial) != (cases[i].expected == MISSING)) {
            fail_msg("%s: blocking: %s; missing: %s", cases[i].name, blocking ? blocking->message : "-",
                     missing ? missing->message : "-");
        }
        if (cases[i].part && !strstr(found->message, cases[i].part) && !strstr(found->action, cases[i].part)) {
            fail_msg("%s: \"%s\" is not in: %s %s", cases[i].name, cases[i].part, found->message, found->action);
        }
        fixture_clear(&fixture);
    }
}

/* What cannot be seen is not missing. */
static void test_budgets_that_cannot_be_read(void **state)
{
    (void) state;
    struct fixture fixture;
    fixture_make(&fixture, CLUSTER THREE POD("a", "", OF_SET) POD("b", "", OF_SET),
                 &(struct model_options){.discover = true});
    assert_non_null(finding_of(&fixture.result.findings[0], "DisruptionBudgetMissing", "main"));
    audit_result_clear(&fixture.result);
    model_set_unobserved(fixture.model, MODEL_DISRUPTION_BUDGETS, "forbidden");
    audit_result_make(fixture.model, fixture.now, &fixture.result);
    const struct finding_list *list = &fixture.result.findings[0];
    assert_null(finding_of(list, "DisruptionBudgetMissing", NULL));
    bool is_named = false;
    for (size_t i = 0; i < list->unobserved_count; i++) {
        is_named = is_named || text_equal(list->unobserved[i].what, "poddisruptionbudgets");
    }
    assert_true(is_named);
    fixture_clear(&fixture);
}

/* Offline they come with the application: none in the input means none. Nodes, say, do not. */
static void test_none_in_the_input(void **state)
{
    (void) state;
    struct fixture fixture;
    fixture_offline(&fixture, CLUSTER THREE);
    assert_null(model_unobserved(fixture.model, MODEL_DISRUPTION_BUDGETS));
    assert_string_equal(model_unobserved(fixture.model, MODEL_NODES), "not in the input");
    fixture_clear(&fixture);
}

/* A finding about a budget is left out with the cluster's, and its reference can be looked up. */
static void test_reference_and_leaving_out(void **state)
{
    (void) state;
    struct fixture fixture;
    fixture_offline(&fixture, CLUSTER THREE BUDGET("maxUnavailable: 0" ALL));
    const struct finding *finding = finding_of(&fixture.result.findings[0], "DisruptionBudgetBlocking", "budget");
    assert_non_null(finding);
    assert_string_equal(finding->object.api_version, "policy/v1");
    assert_string_equal(finding->object.kind, "PodDisruptionBudget");
    assert_string_equal(finding->object.namespace_name, "ns");
    fixture_clear(&fixture);
    fixture_offline(&fixture,
                    "apiVersion: proget-operator.io/v1alpha1\nkind: ProGetCluster\n"
                    "metadata: {namespace: ns, name: main, uid: c, annotations: "
                    "{ignore.proget-operator.io/DisruptionBudgetBlocking: by hand only}}\n"
                    "spec: {selector: {matchLabels: {app: proget}}}\n---\n" THREE BUDGET("maxUnavailable: 0" ALL));
    assert_string_equal(suppressed_of(&fixture.result.findings[0], "DisruptionBudgetBlocking", "budget"),
                        "by hand only");
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_budgets_that_cannot_be_read),
        cmocka_unit_test(test_none_in_the_input),
        cmocka_unit_test(test_reference_and_leaving_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
