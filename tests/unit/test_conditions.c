/*
 * The conditions of a ProGetCluster's status.
 */
#include "checks_fixture.h"

#define SERVER(extra)                                                                                        \
    "apiVersion: v1\nkind: Pod\nmetadata: {namespace: ns, name: proget-0, uid: p0, labels: {app: proget}}\n" \
    "spec: {nodeName: a, containers: [{name: proget, image: 'inedo/proget:25.0.13'" extra "}]}\n"
#define CLUSTER                                                                                                     \
    "apiVersion: proget-operator.io/v1alpha1\nkind: ProGetCluster\nmetadata: {namespace: ns, name: main, uid: c}\n" \
    "spec: {selector: {matchLabels: {app: proget}}}\n"
#define KEY ", env: [{name: PROGET_ENCRYPTION_KEY, valueFrom: {secretKeyRef: {name: s, key: k}}}]"

struct judged {
    struct fixture fixture;
    struct evaluation_condition conditions[EVALUATION_CONDITION_COUNT];
};

static void judge(struct judged *judged, const char *yaml, int64_t healthy_servers)
{
    fixture_offline(&judged->fixture, yaml);
    assert_true(judged->fixture.result.clusters.count >= 1);
    const struct finding_list *list = &judged->fixture.result.findings[0];
    const struct finding **standing = xcalloc(list->count, sizeof *standing);
    for (size_t i = 0; i < list->count; i++) {
        standing[i] = &list->items[i];
    }
    evaluation_conditions(judged->fixture.model, &judged->fixture.result.clusters.items[0], list,
                          &(struct evaluation_standing){standing, list->count, healthy_servers}, judged->conditions);
    free(standing);
}

static void judged_clear(struct judged *judged)
{
    evaluation_conditions_clear(judged->conditions);
    fixture_clear(&judged->fixture);
}

static const struct evaluation_condition *condition_of(const struct judged *judged, const char *type)
{
    for (size_t i = 0; i < EVALUATION_CONDITION_COUNT; i++) {
        if (text_equal(judged->conditions[i].type, type)) {
            return &judged->conditions[i];
        }
    }
    fail_msg("no condition %s", type);
    return NULL;
}

static void assert_condition(const struct judged *judged, const char *type, const char *status, const char *reason)
{
    const struct evaluation_condition *condition = condition_of(judged, type);
    if (!text_equal(condition->status, status) || !text_equal(condition->reason, reason)) {
        fail_msg("%s is %s/%s (%s), not %s/%s", type, condition->status, condition->reason, condition->message, status,
                 reason);
    }
    assert_non_null(condition->message);
    assert_true(strlen(condition->message) > 0);
}

static void test_order_is_the_designs(void **state)
{
    (void) state;
    static const char *const order[] = {"EncryptionKeyInSync", "VersionInSync", "ServersSpread", "FixedSize",
                                        "EvictionResistant",   "Activated",     "Observed",      "Ready"};
    struct judged judged;
    judge(&judged, CLUSTER "---\n" SERVER(KEY), 1);
    for (size_t i = 0; i < array_length(order); i++) {
        assert_string_equal(judged.conditions[i].type, order[i]);
    }
    judged_clear(&judged);
}

/* An extension that is not installed is named, and is no lack. */
static void test_extensions_that_are_missing(void **state)
{
    (void) state;
    struct judged judged;
    judge(&judged, CLUSTER "---\n" SERVER(KEY), 1);
    struct finding_list nothing = {.arena = judged.fixture.result.findings[0].arena};
    struct evaluation_condition conditions[EVALUATION_CONDITION_COUNT];
    model_set_missing(judged.fixture.model, MODEL_SCALED_OBJECTS, true);
    evaluation_conditions(judged.fixture.model, &judged.fixture.result.clusters.items[0], &nothing,
                          &(struct evaluation_standing){NULL, 0, 1}, conditions);
    for (size_t i = 0; i < EVALUATION_CONDITION_COUNT; i++) {
        if (text_equal(conditions[i].type, "Observed")) {
            assert_string_equal(conditions[i].status, "True");
            assert_string_equal(conditions[i].message,
                                "Everything that the checks need is observed. Not installed here: scaledobjects.");
        }
    }
    evaluation_conditions_clear(conditions);
    judged_clear(&judged);
}

static void test_single_server(void **state)
{
    (void) state;
    struct judged judged;
    judge(&judged, CLUSTER "---\n" SERVER(KEY), 1);
    assert_condition(&judged, "EncryptionKeyInSync", "True", "NoFindings");
    assert_condition(&judged, "VersionInSync", "True", "NoFindings");
    assert_condition(&judged, "ServersSpread", "True", "NoFindings");
    assert_condition(&judged, "EvictionResistant", "False", "PriorityClassMissing");
    /* Nobody looks from inside: whether it is active is not known. */
    assert_condition(&judged, "Activated", "Unknown", "NotObserved");
    assert_condition(&judged, "Observed", "False", "NotObserved");
    assert_non_null(strstr(condition_of(&judged, "Observed")->message, "report of pod proget-0 (it has no sidecar)"));
    assert_condition(&judged, "Ready", "True", "AllServersHealthy");
    judged_clear(&judged);
}

static void test_worst_finding_is_the_reason(void **state)
{
    (void) state;
    struct judged judged;
    judge(&judged, CLUSTER "---\n" SERVER(", env: [{name: PROGET_ENCRYPTION_KEY, value: short}]"), 0);
    assert_condition(&judged, "EncryptionKeyInSync", "False", "EncryptionKeyMalformed"); /* not the warning Exposed */
    const struct finding *worst = finding_of(&judged.fixture.result.findings[0], "EncryptionKeyMalformed", NULL);
    assert_string_equal(condition_of(&judged, "EncryptionKeyInSync")->message, worst->message);
    assert_condition(&judged, "Ready", "False", "EncryptionKeyMalformed");
    judged_clear(&judged);
}

static void test_unknown_key_source(void **state)
{
    (void) state;
    struct judged judged;
    judge(&judged, CLUSTER "---\n" SERVER(", envFrom: [{secretRef: {name: s}}]"), 1);
    assert_condition(&judged, "EncryptionKeyInSync", "Unknown", "NotObserved");
    assert_non_null(strstr(condition_of(&judged, "Observed")->message,
                           "encryption key of pod proget-0 (it may come from an envFrom or an optional reference)"));
    judged_clear(&judged);
    /* A template has no report that could tell. */
    judge(&judged,
          CLUSTER "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {namespace: ns, name: d}\nspec:\n"
                  "  replicas: 1\n  selector: {matchLabels: {app: proget}}\n  template: {metadata: {labels: {app: "
                  "proget}}, spec: {containers: [{name: proget, image: 'inedo/proget:25.0.13', envFrom: [{secretRef: "
                  "{name: s}}]}]}}\n",
          0);
    assert_condition(&judged, "EncryptionKeyInSync", "Unknown", "NotObserved");
    assert_non_null(strstr(condition_of(&judged, "Observed")->message, "encryption key of Deployment d (it may"));
    judged_clear(&judged);
}

static void test_digest_alone_says_no_version(void **state)
{
    (void) state;
    struct judged judged;
    judge(&judged,
          CLUSTER "---\napiVersion: v1\nkind: Pod\nmetadata: {namespace: ns, name: x, uid: x, labels: {app: proget}}\n"
                  "spec: {containers: [{name: proget, image: 'inedo/proget@sha256:00'}]}\n",
          1);
    assert_condition(&judged, "VersionInSync", "Unknown", "NotObserved");
    judged_clear(&judged);
}

/* A pod that waits runs nothing: that all run the same version would be said of nobody. */
static void test_no_version_without_a_running_server(void **state)
{
    (void) state;
    struct judged judged;
    judge(&judged, CLUSTER "---\n" SERVER(KEY) "status: {phase: Pending}\n", 0);
    assert_condition(&judged, "VersionInSync", "Unknown", "NoServers");
    judged_clear(&judged);
    judge(&judged, CLUSTER "---\n" SERVER(KEY) "status: {phase: Running}\n", 0);
    assert_condition(&judged, "VersionInSync", "True", "NoFindings");
    judged_clear(&judged);
}

/* Neither the image's tag nor the report names it. */
static void test_report_without_a_version(void **state)
{
    (void) state;
    struct judged judged;
    judge(&judged,
          CLUSTER "---\napiVersion: v1\nkind: Pod\nmetadata: {namespace: ns, name: x, uid: x, labels: {app: proget}}\n"
                  "spec: {containers: [{name: proget, image: 'inedo/proget@sha256:00'}, {name: proget-sidecar, image: "
                  "s}]}\n---\napiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata:\n  namespace: ns\n"
                  "  name: proget-x\n  labels: {app.kubernetes.io/managed-by: proget-sidecar}\n"
                  "  ownerReferences: [{apiVersion: v1, kind: Pod, name: x, uid: x}]\n  annotations:\n"
                  "    proget-operator.io/report: '{\"v\":1,\"product\":\"ProGet\"}'\n"
                  "spec: {holderIdentity: x, leaseDurationSeconds: 300, renewTime: '2026-11-22T11:59:40.000000Z'}\n",
          1);
    assert_condition(&judged, "VersionInSync", "Unknown", "NotObserved");
    assert_non_null(strstr(condition_of(&judged, "Observed")->message, "version of pod x (neither"));
    judged_clear(&judged);
}

static void test_too_few_healthy_servers(void **state)
{
    (void) state;
    struct judged judged;
    judge(&judged, CLUSTER "---\n" SERVER(KEY), 0);
    assert_condition(&judged, "Ready", "False", "ServersNotHealthy");
    assert_string_equal(condition_of(&judged, "Ready")->message, "0 of 1 servers are healthy.");
    judged_clear(&judged);
}

/* More may run than are intended: "2 of 1" would say nothing. */
static void test_more_servers_than_intended(void **state)
{
    (void) state;
    static const struct {
        const char *spec;
        int64_t healthy;
        const char *status, *message;
    } cases[] = {
        {", servers: 1", 2, "True", "2 of 2 servers are healthy; 1 is intended."},
        {", servers: 1", 1, "True", "1 of 2 servers are healthy; 1 is intended."},
        {", servers: 0", 2, "True", "2 of 2 servers are healthy; 0 are intended."},
        {", servers: 2", 2, "True", "2 of 2 servers are healthy."},
        {", servers: 3", 2, "False", "2 of 3 servers are healthy."},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free char *yaml =
            xasprintf("apiVersion: proget-operator.io/v1alpha1\nkind: ProGetCluster\n"
                      "metadata: {namespace: ns, name: main, uid: c}\n"
                      "spec: {selector: {matchLabels: {app: proget}}, ignore: [{code: "
                      "DatabaseEmbedded, reason: x}, {code: StorageNotShared, reason: x}]%s}\n"
                      "---\n" SERVER(KEY) "---\napiVersion: v1\nkind: Pod\n"
                                          "metadata: {namespace: ns, name: proget-1, uid: p1, labels: {app: "
                                          "proget}}\nspec: {nodeName: b, containers: [{name: proget, "
                                          "image: 'inedo/proget:25.0.13'" KEY "}]}\n---\n"
                                          "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n"
                                          "metadata: {namespace: other, name: a}\n",
                      cases[i].spec);
        struct judged judged;
        judge(&judged, yaml, cases[i].healthy);
        assert_string_equal(condition_of(&judged, "Ready")->status, cases[i].status);
        assert_string_equal(condition_of(&judged, "Ready")->message, cases[i].message);
        bool is_right = text_equal(cases[i].spec, ", servers: 2");
        assert_condition(&judged, "FixedSize", is_right ? "True" : "False",
                         is_right ? "NoFindings" : "ServerCountWrong");
        judged_clear(&judged);
    }
}

static void test_empty_cluster_is_unknown(void **state)
{
    (void) state;
    struct judged judged;
    judge(&judged, CLUSTER, 0);
    assert_condition(&judged, "EncryptionKeyInSync", "Unknown", "NoServers");
    assert_condition(&judged, "ServersSpread", "Unknown", "NoServers");
    assert_condition(&judged, "Activated", "Unknown", "NoServers");
    assert_condition(&judged, "Observed", "False", "NotObserved"); /* no pod in the input at all */
    assert_condition(&judged, "Ready", "Unknown", "NotObserved");
    judged_clear(&judged);
}

static void test_superseded_says_nothing_else(void **state)
{
    (void) state;
    struct judged judged;
    judge(&judged,
          "apiVersion: proget-operator.io/v1alpha1\nkind: ProGetCluster\n"
          "metadata: {namespace: ns, name: a, uid: d, labels: {proget-operator.io/discovered: 'true'}}\n"
          "spec: {selector: {matchLabels: {app: proget}}}\n---\n" CLUSTER "---\n" SERVER(KEY),
          0);
    assert_string_equal(judged.fixture.result.clusters.items[0].name, "a");
    assert_int_equal(judged.fixture.result.findings[0].count, 0);
    for (size_t i = 0; i < EVALUATION_CONDITION_COUNT; i++) {
        assert_condition(&judged, judged.conditions[i].type, "Unknown", "Superseded");
        assert_non_null(strstr(judged.conditions[i].message, "ProGetCluster main"));
    }
    judged_clear(&judged);
}

static void test_only_standing_findings_count(void **state)
{
    (void) state;
    struct fixture fixture;
    fixture_offline(&fixture, CLUSTER "---\n" SERVER(KEY) "---\napiVersion: v1\nkind: Node\nmetadata: {name: a}\n");
    struct evaluation_condition conditions[EVALUATION_CONDITION_COUNT];
    evaluation_conditions(fixture.model, &fixture.result.clusters.items[0], &fixture.result.findings[0],
                          &(struct evaluation_standing){NULL, 0, 1}, conditions);
    assert_string_equal(conditions[4].type, "EvictionResistant");
    assert_string_equal(conditions[4].status, "True"); /* QosNotGuaranteed has not stood for long enough */
    evaluation_conditions_clear(conditions);
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_is_the_designs),         cmocka_unit_test(test_single_server),
        cmocka_unit_test(test_extensions_that_are_missing),  cmocka_unit_test(test_worst_finding_is_the_reason),
        cmocka_unit_test(test_unknown_key_source),           cmocka_unit_test(test_digest_alone_says_no_version),
        cmocka_unit_test(test_too_few_healthy_servers),      cmocka_unit_test(test_empty_cluster_is_unknown),
        cmocka_unit_test(test_more_servers_than_intended),   cmocka_unit_test(test_superseded_says_nothing_else),
        cmocka_unit_test(test_only_standing_findings_count), cmocka_unit_test(test_no_version_without_a_running_server),
        cmocka_unit_test(test_report_without_a_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
