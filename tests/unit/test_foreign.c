/*
 * kubectl proget audit: what people have beside their manifests, or in their place.
 */
#include "audit_fixture.h"

#include <sys/stat.h>

#include "foreign.h"

#define HELM_ADVICE "; {{ }} is of a template, which is YAML only once it is rendered: give what helm template prints\n"

static void make_folder(const struct run *run, const char *name)
{
    cleanup_free char *path = xasprintf("%s/%s", run->folder, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void test_parts_of_a_chart(void **state)
{
    (void) state;
    static const char *const parts[] = {"Chart.yaml",         "values.yaml", "values-live.yaml", "values.yml",
                                        "values.schema.json", "templates",   "charts",           "requirements.yaml"};
    static const char *const others[] = {"chart.yaml", "crds", "template", "deploy.yaml", "myvalues.yaml", ""};
    for (size_t i = 0; i < array_length(parts); i++) {
        assert_true(foreign_is_of_chart(parts[i]));
    }
    for (size_t i = 0; i < array_length(others); i++) {
        assert_false(foreign_is_of_chart(others[i]));
    }
}

/* One word for the whole chart, and none of its files is taken for a broken manifest. */
static void test_a_chart_is_named_once(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    make_folder(&run, "chart");
    make_folder(&run, "chart/templates");
    make_folder(&run, "chart/charts");
    make_folder(&run, "chart/crds");
    write_file(&run, "chart/Chart.yaml", "apiVersion: v2\nname: proget\nversion: 0.1.0\n");
    write_file(&run, "chart/values.yaml", "replicaCount: 3\n");
    write_file(&run, "chart/values-live.yaml", "replicaCount: 3\n");
    write_file(&run, "chart/templates/proget.yaml", "{{- if .Values.x }}\nkind: Deployment\n{{- end }}\n");
    write_file(&run, "chart/charts/sql.yaml", "name: {{ .Release.Name }}\n");
    write_file(&run, "chart/crds/seen.yaml", DEPLOYMENT("beside", KEY));
    write_file(&run, "whole.yaml", DEPLOYMENT("web", KEY));
    RUN(&run, "-f", "@", "-f", "@/chart");
    cleanup_free char *told =
        xasprintf("error: %s/chart: a Helm chart, and its templates are no manifests before they are rendered: "
                  "helm template %s/chart | kubectl-proget audit -f -\n",
                  run.folder, run.folder);
    assert_ptr_equal(strstr(run.errors, told), run.errors);
    assert_null(strstr(run.errors + strlen(told), "error: "));
    assert_null(strstr(run.errors, "values"));
    assert_int_equal(run.status, STATUS_UNUSABLE);
    assert_contains(run.output, "2 clusters, 2 servers: ");
    assert_contains(run.output, "part of the input was unusable");
    run_end(&run);
}

static void test_templates_are_told_from_broken_yaml(void **state)
{
    (void) state;
    static const struct {
        const char *text, *told;
    } cases[] = {
        {"metadata:\n  name: {{ .Release.Name }}\n", "in.yaml:2:10: a key that is no text" HELM_ADVICE},
        {"{{- if .Values.x }}\nkind: Pod\n{{- end }}\n", HELM_ADVICE},
        {"kind: Pod\n{{- if .Values.x }}\nspec: {}\n{{- end }}\n", HELM_ADVICE},
        {"metadata:\n  labels:\n    {{- include \"x\" . | nindent 4 }}\n", HELM_ADVICE},
        /* Text with braces is text, whatever else is wrong in the file. */
        {"data:\n  a: '{{ x }}'\n  a: '{{ y }}'\n", "in.yaml:3:3: duplicate key \"a\"\n"},
        {"data:\n  a: '{{ x }}'\n\n\n\n  ? [b]\n  : c\n", "in.yaml:6:5: a key that is no text\n"},
        {"data:\n  a: '{{ x }}'\n  ? [b]\n  : c\n", "in.yaml:3:5: a key that is no text\n"},
        {"data:\n  ? {b: c}\n  : d\n", "in.yaml:2:5: a key that is no text\n"},
        {"spec:\n\treplicas: 2\n", "in.yaml:2:1: a tab where YAML takes only spaces\n"},
        {"spec: @x\n", "in.yaml:1:7: found character that cannot start any token"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        struct run run;
        run_begin(&run);
        write_file(&run, "in.yaml", cases[i].text);
        RUN(&run, "-f", "@/in.yaml");
        assert_contains(run.errors, cases[i].told);
        assert_int_equal(run.status, STATUS_UNUSABLE);
        run_end(&run);
    }
}

/* Lines beyond those that are remembered give no advice, and no harm. */
static void test_more_templates_than_are_remembered(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    cleanup_buffer struct buffer text = BUFFER_INIT((size_t) 1024 * 1024);
    assert_int_equal(buffer_append_text(&text, "data:\n  ? [b]\n  : '{{ c }}'\n  d:\n"), 0);
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(buffer_append_text(&text, "  - '{{ c }}'\n"), 0);
    }
    write_file(&run, "in.yaml", buffer_text(&text));
    RUN(&run, "-f", "@/in.yaml");
    assert_contains(run.errors, "in.yaml:2:5: a key that is no text\n");
    run_end(&run);
}

static void test_utf_16_is_named(void **state)
{
    (void) state;
    static const char *const texts[] = {"\xff\xfe"
                                        "k",
                                        "\xfe\xff"
                                        "k"};
    for (size_t i = 0; i < array_length(texts); i++) {
        struct run run;
        run_begin(&run);
        write_file(&run, "in.yaml", texts[i]);
        RUN(&run, "-f", "@/in.yaml");
        assert_contains(run.errors, "in.yaml:1:1: UTF-16, as '>' of Windows PowerShell writes it: save it as UTF-8\n");
        run_end(&run);
    }
    struct run run;
    run_begin(&run);
    write_file(&run, "in.yaml", "a: \xff\xfe\n");
    RUN(&run, "-f", "@/in.yaml");
    assert_contains(run.errors, "in.yaml:1:4: invalid UTF-8\n");
    run_end(&run);
}

static void test_documents_that_are_no_objects(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    write_file(&run, "compose.yaml", "services:\n  proget: {image: 'inedo/proget:25.0.13'}\n");
    write_file(&run, "kustomization.yaml", "resources: [web.yaml]\n");
    write_file(&run, "services.yaml", "services: [a, b]\n");
    write_file(&run, "web.yaml", DEPLOYMENT("web", KEY));
    RUN(&run, "-f", "@");
    assert_contains(run.errors, "compose.yaml:1:1: not a Kubernetes object (a Compose file; kompose convert makes "
                                "manifests of it), passed over\n");
    assert_contains(run.errors, "services.yaml:1:1: not a Kubernetes object (no apiVersion and kind), passed over\n");
    assert_null(strstr(run.errors, "kustomization.yaml")); /* its folder is named instead */
    assert_int_equal(run.status, STATUS_DONE);
    run_end(&run);
}

/* What a controller renders inside the cluster is not there to be judged: silence would look like a good word. */
static void test_releases(void **state)
{
    (void) state;
    static const struct {
        const char *api_version, *kind, *spec, *by;
    } cases[] = {
        {"helm.toolkit.fluxcd.io/v2", "HelmRelease",
         "{'values':{'image':{'repository':'proget.inedo.com/productimages/inedo/proget'}}}", "Flux"},
        {"helm.toolkit.fluxcd.io/v2", "HelmRelease", "{'values':{'env':{'OTTER_ENCRYPTION_KEY':'x'}}}", "Flux"},
        {"helm.toolkit.fluxcd.io/v2", "HelmRelease", "{'chart':{'spec':{'chart':'nginx'}}}", NULL},
        {"helm.toolkit.fluxcd.io/v2", "HelmRelease", "{'values':{'index':'https://proget.example/helm'}}", NULL},
        {"helm.cattle.io/v1", "HelmChart", "{'valuesContent':'image:\\n  repository: inedo/proget:25.0.13\\n'}", "K3s"},
        {"argoproj.io/v1alpha1", "Application", "{'source':{'path':'apps/buildmaster'}}", "Argo CD"},
        {"argoproj.io/v1alpha1", "Rollout", "{'image':'inedo/proget'}", NULL},
        {"example.org/v1", "HelmRelease", "{'image':'inedo/proget'}", NULL},
        {"argoproj.io/v1alpha1", "Application", "7", NULL},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free char *text = xasprintf("{'apiVersion':'%s','kind':'%s','metadata':{'name':'x'},'spec':%s}",
                                            cases[i].api_version, cases[i].kind, cases[i].spec);
        for (char *at = text; *at; at++) {
            *at = *at == '\'' ? '"' : *at;
        }
        cleanup_json struct json_object *value = json_of(text);
        const char *by = foreign_release(value);
        if (!text_equal(by, cases[i].by)) {
            fail_msg("%s: %s", text, by ? by : "none");
        }
        struct run run;
        run_begin(&run);
        write_file(&run, "in.json", text);
        RUN(&run, "-f", "@/in.json");
        assert_int_equal(strstr(run.errors, " x is no server itself, but what ") != NULL, by != NULL);
        run_end(&run);
    }
}

/* As with kubectl apply, -n is for what names no namespace. */
static void test_namespace_of_those_without(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    write_file(&run, "a.yaml", DEPLOYMENT("web", KEY));
    write_file(&run, "b.yaml",
               "apiVersion: v1\nkind: Pod\nmetadata: {name: own, namespace: its}\n"
               "spec: {containers: [{name: proget, image: 'inedo/otter:25.0.13'}]}\n");
    RUN(&run, "-n", "tools", "-f", "@");
    assert_contains(run.output, "Cluster web in namespace tools: ");
    assert_contains(run.output, "Cluster own in namespace its: ");
    RUN(&run, "-f", "@");
    assert_contains(run.output, "Cluster web in namespace default: ");
    run_end(&run);
}

/* The heading and the findings count the same servers. */
static void test_servers_of_the_heading(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    write_file(&run, "dump.yaml", DUMP);
    RUN(&run, "-f", "@");
    assert_contains(run.output, "Cluster main in namespace ns: ProGet, 2 servers\n");
    write_file(&run, "dump.yaml",
               "apiVersion: proget-operator.io/v1alpha1\nkind: ProGetCluster\nmetadata: {name: main}\n"
               "spec: {servers: 3, selector: {matchLabels: {app: web}}}\n---\n" DEPLOYMENT("web", KEY));
    RUN(&run, "-f", "@");
    assert_contains(run.output, "Cluster main in namespace default: ProGet, 1 server (3 intended)\n");
    write_file(&run, "dump.yaml",
               "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, uid: d}\n"
               "spec:\n  replicas: 3\n  selector: {matchLabels: {app: web}}\n"
               "  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: p, image: inedo/proget}]}}\n"
               "---\napiVersion: apps/v1\nkind: ReplicaSet\nmetadata:\n  name: web-1\n  uid: r\n"
               "  ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: d, controller: true}]\n"
               "spec: {replicas: 3, selector: {matchLabels: {app: web}}}\n"
               "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: web-1-a\n  uid: p\n  labels: {app: web}\n"
               "  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, uid: r, controller: true}]\n"
               "spec: {containers: [{name: p, image: inedo/proget}]}\n");
    RUN(&run, "-f", "@");
    assert_contains(run.output, "Cluster web in namespace default: ProGet, 1 server (3 intended)\n");
    run_end(&run);
}

/* A server that is alone has no others to speak of. */
static void test_sentences_for_one_server(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    write_file(&run, "one.yaml",
               "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
               "spec:\n  replicas: 1\n  selector: {matchLabels: {app: web}}\n"
               "  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: p, image: inedo/proget}]}}\n");
    RUN(&run, "-f", "@", "-o", "json");
    assert_null(strstr(run.output, "other servers"));
    assert_contains(run.output, "a pod that takes its place, or a second server, has another one");
    assert_contains(run.output, "upgrade the database though nobody planned an upgrade");
    assert_contains(run.output, "every eviction is an outage");
    assert_contains(run.output, "Declare it: echo '{\\\"apiVersion\\\":\\\"proget-operator.io/v1alpha1\\\","
                                "\\\"kind\\\":\\\"ProGetCluster\\\",\\\"metadata\\\":{\\\"name\\\":\\\"web\\\","
                                "\\\"namespace\\\":\\\"default\\\"},\\\"spec\\\":{");
    write_file(&run, "one.yaml",
               "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
               "spec:\n  replicas: 2\n  selector: {matchLabels: {app: web}}\n"
               "  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: p, image: inedo/otter}]}}\n");
    RUN(&run, "-f", "@", "-o", "json");
    assert_contains(run.output, "the other servers cannot read its cookies");
    assert_contains(run.output, "under the other servers");
    assert_contains(run.output, "every eviction is a failover");
    assert_contains(run.output, "without one a server cannot start, or keeps a database of its own");
    assert_null(strstr(run.output, "An affinity stands"));
    write_file(
        &run, "one.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
        "spec:\n  replicas: 2\n  selector: {matchLabels: {app: web}}\n  template: {metadata: {labels: {app: web}}, "
        "spec: {containers: [{name: p, image: inedo/otter, affinity: {podAntiAffinity: {}}}]}}\n");
    RUN(&run, "-f", "@", "-o", "json");
    assert_contains(run.output, "An affinity stands in container p");
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_of_a_chart),
        cmocka_unit_test(test_a_chart_is_named_once),
        cmocka_unit_test(test_templates_are_told_from_broken_yaml),
        cmocka_unit_test(test_more_templates_than_are_remembered),
        cmocka_unit_test(test_utf_16_is_named),
        cmocka_unit_test(test_documents_that_are_no_objects),
        cmocka_unit_test(test_releases),
        cmocka_unit_test(test_namespace_of_those_without),
        cmocka_unit_test(test_servers_of_the_heading),
        cmocka_unit_test(test_sentences_for_one_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
