/*
 * What a user asked to leave out, and what that does not reach.
 */
#include "checks_fixture.h"

/* Three bare-bones servers of one StatefulSet; each hole takes annotations. */
static char *three_servers(const char *cluster, const char *workload, const char *template, const char *pods[3])
{
    cleanup_buffer struct buffer yaml = BUFFER_INIT((size_t) 64 * 1024);
    assert_int_equal(
        buffer_appendf(&yaml,
                       "apiVersion: proget-operator.io/v1alpha1\nkind: ProGetCluster\n"
                       "metadata: {namespace: ns, name: main, uid: c, annotations: {%s}}\n"
                       "spec: {selector: {matchLabels: {app: proget}}, ignore: [{code: QosNotGuaranteed}]}\n---\n"
                       "apiVersion: apps/v1\nkind: StatefulSet\n"
                       "metadata: {namespace: ns, name: proget, uid: w, annotations: {%s}}\n"
                       "spec:\n  replicas: 3\n  selector: {matchLabels: {app: proget}}\n"
                       "  template:\n    metadata: {labels: {app: proget}, annotations: {%s}}\n"
                       "    spec: {containers: [{name: proget, image: 'inedo/proget:25.0.13'}]}\n",
                       cluster, workload, template),
        0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            buffer_appendf(&yaml,
                           "---\napiVersion: v1\nkind: Pod\n"
                           "metadata:\n  namespace: ns\n  name: proget-%d\n  uid: p%d\n  labels: {app: proget}\n"
                           "  annotations: {%s}\n"
                           "  ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: proget, uid: w, "
                           "controller: true}]\n"
                           "spec: {containers: [{name: proget, image: 'inedo/proget:25.0.13'}]}\n",
                           i, i, pods[i]),
            0);
    }
    return buffer_take(&yaml);
}

#define IGNORE(code, why) "'ignore.proget-operator.io/" code "': '" why "'"

static const struct suppression_case {
    const char *cluster, *workload, *template;
    const char *pods[3];
    bool no_pod_ignores;
    const char *code, *name; /* what is looked for */
    const char *reason;      /* NULL: it is not left out */
} cases[] = {
    {"", "", "", {"", "", ""}, false, "SpreadNotEnforced", "main", NULL},
    /* The cluster's findings: by cluster, workload or template, not by one pod of three, but by all. */
    {IGNORE("SpreadNotEnforced", "c"), "", "", {"", "", ""}, false, "SpreadNotEnforced", "main", "c"},
    {"", IGNORE("SpreadNotEnforced", "w"), "", {"", "", ""}, false, "SpreadNotEnforced", "main", "w"},
    {"", "", IGNORE("SpreadNotEnforced", "t"), {"", "", ""}, false, "SpreadNotEnforced", "main", "t"},
    {"", "", "", {IGNORE("SpreadNotEnforced", "p"), "", ""}, false, "SpreadNotEnforced", "main", NULL},
    {"",
     "",
     "",
     {IGNORE("SpreadNotEnforced", "p"), IGNORE("SpreadNotEnforced", "q"), IGNORE("SpreadNotEnforced", "r")},
     false,
     "SpreadNotEnforced",
     "main",
     "p"},
    /* A pod's: by the pod, template, workload, cluster. */
    {"", "", "", {IGNORE("SidecarMissing", "p"), "", ""}, false, "SidecarMissing", "proget-0", "p"},
    {"", "", "", {IGNORE("SidecarMissing", "p"), "", ""}, false, "SidecarMissing", "proget-1", NULL},
    {"", "", IGNORE("SidecarMissing", "t"), {"", "", ""}, false, "SidecarMissing", "proget-1", "t"},
    {"", IGNORE("SidecarMissing", "w"), "", {"", "", ""}, false, "SidecarMissing", "proget-2", "w"},
    {IGNORE("SidecarMissing", "c"), "", "", {"", "", ""}, false, "SidecarMissing", "proget-2", "c"},
    /* The nearest reason is given, a code's own before /all. */
    {IGNORE("SidecarMissing", "c"), "", "", {IGNORE("all", "a"), "", ""}, false, "SidecarMissing", "proget-0", "a"},
    {"",
     "",
     "",
     {IGNORE("all", "a") ", " IGNORE("SidecarMissing", "p"), "", ""},
     false,
     "SidecarMissing",
     "proget-0",
     "p"},
    {"", IGNORE("SidecarMissing", ""), "", {"", "", ""}, false, "SidecarMissing", "proget-0", "no reason given"},
    /* Other codes are not touched, nor is a code that merely begins the same. */
    {"", IGNORE("Sidecar", "w"), "", {"", "", ""}, false, "SidecarMissing", "proget-0", NULL},
    {IGNORE("ALL", "c"), "", "", {"", "", ""}, false, "SidecarMissing", "proget-0", NULL},
    /* spec.ignore */
    {"", "", "", {"", "", ""}, false, "QosNotGuaranteed", "proget-0", "no reason given"},
    /* --no-pod-ignores refuses pods and templates, not workloads and clusters. */
    {"", "", IGNORE("SidecarMissing", "t"), {"", "", ""}, true, "SidecarMissing", "proget-0", NULL},
    {"", "", "", {IGNORE("all", "p"), "", ""}, true, "SidecarMissing", "proget-0", NULL},
    {"", IGNORE("SidecarMissing", "w"), "", {"", "", ""}, true, "SidecarMissing", "proget-0", "w"},
    {IGNORE("all", "c"), "", "", {"", "", ""}, true, "SidecarMissing", "proget-0", "c"},
};

static void test_cases(void **state)
{
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        const struct suppression_case *each = &cases[i];
        const char *pods[3] = {each->pods[0], each->pods[1], each->pods[2]};
        cleanup_free char *yaml = three_servers(each->cluster, each->workload, each->template, pods);
        struct fixture fixture;
        fixture_make(
            &fixture, yaml,
            &(struct model_options){.offline = true, .discover = true, .no_pod_ignores = each->no_pod_ignores});
        assert_int_equal(fixture.result.clusters.count, 1);
        const struct finding_list *list = &fixture.result.findings[0];
        const char *reason = suppressed_of(list, each->code, each->name);
        bool stands = finding_of(list, each->code, each->name) != NULL;
        if (!text_equal(reason, each->reason) || stands != (each->reason == NULL)) {
            fail_msg("case %zu: left out for \"%s\", stands: %d", i, reason ? reason : "-", stands);
        }
        fixture_clear(&fixture);
    }
}

/* An implied cluster has nothing but its workload to be annotated. */
static void test_implied_cluster_by_its_workload(void **state)
{
    (void) state;
    struct fixture fixture;
    fixture_offline(&fixture, "apiVersion: apps/v1\nkind: Deployment\n"
                              "metadata: {namespace: ns, name: web, annotations: {" IGNORE(
                                  "ClusterNotDeclared",
                                  "yes") "}}\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: web}}\n"
                                         "  template:\n    metadata: {labels: {app: web}}\n"
                                         "    spec: {containers: [{name: web, image: 'inedo/proget:25.0.13'}]}\n");
    assert_int_equal(fixture.result.clusters.count, 1);
    assert_string_equal(suppressed_of(&fixture.result.findings[0], "ClusterNotDeclared", "web"), "yes");
    assert_non_null(finding_of(&fixture.result.findings[0], "SidecarMissing", "web"));
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_implied_cluster_by_its_workload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
