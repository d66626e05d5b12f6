/*
 * What AutoscalerTargets advises: which number, and which object to change.
 */
#include "checks_fixture.h"

/* Of a Deployment: more of its spec, of the ProGetCluster's, and the autoscaler. */
static char *input_of(const char *replicas, const char *servers, const char *autoscaler)
{
    return xasprintf("apiVersion: proget-operator.io/v1alpha1\n"
                     "kind: ProGetCluster\n"
                     "metadata: {namespace: proget, name: main, uid: um}\n"
                     "spec: {product: ProGet, selector: {matchLabels: {app: proget}}%s}\n"
                     "---\n"
                     "apiVersion: apps/v1\n"
                     "kind: Deployment\n"
                     "metadata: {namespace: proget, name: proget, uid: ud, generation: 1}\n"
                     "spec:\n"
                     "  selector: {matchLabels: {app: proget}}\n"
                     "  template:\n"
                     "    metadata: {labels: {app: proget}}\n"
                     "    spec:\n"
                     "      containers:\n"
                     "      - {name: proget, image: 'proget.inedo.com/productimages/inedo/proget:25.0.13'}\n"
                     "%s"
                     "---\n"
                     "%s",
                     servers, replicas, autoscaler);
}

#define TARGET "scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: proget}"
#define HPA_OWNED(owners, bounds)                                      \
    "apiVersion: autoscaling/v2\n"                                     \
    "kind: HorizontalPodAutoscaler\n"                                  \
    "metadata: {namespace: proget, name: scaler, uid: us" owners "}\n" \
    "spec: {" bounds ", " TARGET "}\n"
#define HPA(bounds) HPA_OWNED("", bounds)
#define SCALED(bounds)                                       \
    "apiVersion: keda.sh/v1alpha1\n"                         \
    "kind: ScaledObject\n"                                   \
    "metadata: {namespace: proget, name: scaler, uid: us}\n" \
    "spec: {" bounds TARGET ", triggers: [{type: cpu, metadata: {value: '60'}}]}\n"

struct advice_case {
    const char *replicas, *servers, *autoscaler;
    const char *advised, *not_advised; /* the latter may be NULL */
};

static void assert_advice(const struct advice_case *wanted)
{
    cleanup_free char *input = input_of(wanted->replicas, wanted->servers, wanted->autoscaler);
    struct fixture fixture;
    fixture_offline(&fixture, input);
    assert_int_equal(fixture.result.clusters.count, 1);
    const struct finding *finding = finding_of(&fixture.result.findings[0], "AutoscalerTargets", "scaler");
    assert_non_null(finding);
    if (!strstr(finding->action, wanted->advised)) {
        fail_msg("\"%s\" is not in: %s", wanted->advised, finding->action);
    }
    if (wanted->not_advised && strstr(finding->action, wanted->not_advised)) {
        fail_msg("\"%s\" is in: %s", wanted->not_advised, finding->action);
    }
    fixture_clear(&fixture);
}

#define FIXED(number)  "\"minReplicas\":" number ",\"maxReplicas\":" number "}"
#define PAUSED(number) "scaledobject scaler autoscaling.keda.sh/paused-replicas=" number

static void test_fixed_number(void **state)
{
    (void) state;
    static const struct advice_case cases[] = {
        {"  replicas: 3\n", "", HPA("minReplicas: 2, maxReplicas: 5"), FIXED("3"), NULL},
        {"", "", HPA("minReplicas: 2, maxReplicas: 5"), FIXED("2"), NULL},
        {"  replicas: 0\n", "", HPA("minReplicas: 2, maxReplicas: 5"), FIXED("2"), NULL},
        {"  replicas: 0\n", "", HPA("maxReplicas: 5"), FIXED("1"), NULL},
        {"  replicas: 9\n", "", HPA("minReplicas: 2, maxReplicas: 5"), FIXED("5"), NULL},
        {"  replicas: 0\n", ", servers: 4", HPA("minReplicas: 2, maxReplicas: 5"), FIXED("4"), NULL},
        {"  replicas: 3\n", ", servers: 7", HPA("minReplicas: 2, maxReplicas: 5"), FIXED("7"), NULL},
        {"  replicas: 3\n", "", SCALED(""), PAUSED("3"), NULL},
        {"", "", SCALED("minReplicaCount: 2, maxReplicaCount: 5, "), PAUSED("2"), NULL},
        {"  replicas: 0\n", "", SCALED(""), PAUSED("1"), NULL},
        {"  replicas: 0\n", ", servers: 3", SCALED("idleReplicaCount: 0, minReplicaCount: 2, "), PAUSED("3"), NULL},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        assert_advice(&cases[i]);
    }
}

#define OWNED_BY(api_version, kind) \
    ", ownerReferences: [{apiVersion: " api_version ", kind: " kind ", name: queue, uid: uq, controller: true}]"
#define BOUNDS                "minReplicas: 2, maxReplicas: 5"
#define SCALED_OBJECT_OF_KEDA "annotate scaledobject queue autoscaling.keda.sh/paused-replicas=3"

/* Its ScaledObject is not in the input: KEDA would undo a change of the HorizontalPodAutoscaler. */
static void test_owner_that_is_not_seen(void **state)
{
    (void) state;
    static const struct advice_case cases[] = {
        {"  replicas: 3\n", "", HPA_OWNED(OWNED_BY("keda.sh/v1alpha1", "ScaledObject"), BOUNDS), SCALED_OBJECT_OF_KEDA,
         " hpa "},
        {"  replicas: 3\n", "", HPA_OWNED(OWNED_BY("keda.sh/v2", "ScaledObject"), BOUNDS),
         "kubectl -n proget delete scaledobject queue", " hpa "},
        {"  replicas: 3\n", "", HPA_OWNED(OWNED_BY("keda.sh.example.org/v1", "ScaledObject"), BOUNDS),
         "delete hpa scaler", "scaledobject"},
        {"  replicas: 3\n", "", HPA_OWNED(OWNED_BY("keda.sh/v1alpha1", "ScaledJob"), BOUNDS), "delete hpa scaler",
         "scaledobject"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        assert_advice(&cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_number),
        cmocka_unit_test(test_owner_that_is_not_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
