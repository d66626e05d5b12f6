/*
 * kubectl proget audit: input good and bad, exit statuses, both outputs.
 */
#include "audit_fixture.h"

#include <sys/stat.h>

#include "help_fixture.h"
#include "plugin.h"

#define FOUND_NONE "warning: found no ProGet, BuildMaster or Otter in the input\n"

static void test_statuses_and_fail_on(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    write_file(&run, "good.yaml", DEPLOYMENT("web", KEY)); /* warnings and infos */
    write_file(&run, "bad.yaml", DEPLOYMENT("web", ""));   /* an error too: no key */
    RUN(&run, "-f", "@/good.yaml");
    assert_int_equal(run.status, STATUS_DONE);
    RUN(&run, "-f", "@/good.yaml", "--fail-on", "warning");
    assert_int_equal(run.status, STATUS_FOUND);
    RUN(&run, "-f", "@/good.yaml", "--fail-on=info");
    assert_int_equal(run.status, STATUS_FOUND);
    RUN(&run, "-f", "@/bad.yaml");
    assert_int_equal(run.status, STATUS_FOUND);
    RUN(&run, "-f", "@/bad.yaml", "--fail-on", "never");
    assert_int_equal(run.status, STATUS_DONE);
    assert_contains(run.output, "EncryptionKeyMissing");
    run_end(&run);
}

static void test_usage(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    RUN(&run, "@");
    assert_int_equal(run.status, STATUS_UNUSABLE);
    assert_contains(run.errors, "-f");
    RUN(&run, "-f", "@", "--now", "yesterday");
    assert_int_equal(run.status, STATUS_UNUSABLE);
    assert_contains(run.errors, "--now: \"yesterday\" is not a time like 2026-");
    RUN(&run, "-f", "");
    assert_int_equal(run.status, STATUS_UNUSABLE);
    assert_string_equal(run.errors, "error: -f: \"\" is not a file, a folder or -; see kubectl proget audit --help\n");
    RUN(&run, "-f", "@", "");
    assert_int_equal(run.status, STATUS_UNUSABLE);
    assert_contains(run.errors, "error: \"\" is not a file, a folder or -;");
    RUN(&run, "-f", "@", "-o", "csv");
    assert_int_equal(run.status, STATUS_UNUSABLE);
    RUN(&run, "--frobnicate");
    assert_int_equal(run.status, STATUS_UNUSABLE);
    assert_string_equal(run.output, "");
    run_end(&run);
}

static void print_help(void)
{
    char *argv[] = {(char *) "audit", (char *) "--help", NULL};
    assert_int_equal(audit_main(2, argv, stdout, stderr), STATUS_DONE);
}

/* A misspelt code leaves nothing out, which is said, and is no reason to fail. */
static void test_settings_without_effect_are_named(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    write_file(&run, "a.yaml",
               "apiVersion: proget-operator.io/v1alpha1\nkind: ProGetCluster\nmetadata: {name: main}\n"
               "spec: {selector: {matchLabels: {app: web}}, ignore: [{code: SidecarMising, reason: none}]}\n"
               "---\n" DEPLOYMENT("web", KEY));
    RUN(&run, "-f", "@", "-o", "json");
    assert_int_equal(run.status, STATUS_DONE);
    assert_string_equal(run.errors, "warning: cluster default/main: spec.ignore names \"SidecarMising\", which is no "
                                    "code of this version, and leaves nothing out; did you mean SidecarMissing?\n");
    assert_contains(run.output, "\"SidecarMissing\"");
    run_end(&run);
}

static void test_help_says_each_thing_once(void **state)
{
    (void) state;
    cleanup_free char *help = help_caught(print_help);
    assert_help_says_once(help);
    assert_contains(help, "How to print the findings. (table, json, yaml, sarif or junit;");
    assert_false(text_ends_with(help, "\n\n"));
}

static void test_commands(void **state)
{
    (void) state;
    static const struct {
        const char *command, *text;
    } cases[] = {
        {"frobnicate", "error: there is no command \"frobnicate\"; see kubectl proget --help\n"},
        {"a\033[2Jb", "error: there is no command \"a?[2Jb\"; see kubectl proget --help\n"},
        {"explain ", "error: there is no command \"explain \"; see kubectl proget --help\n"},
        {"--frobnicate", "error: there is no option --frobnicate; see kubectl proget --help\n"},
        {NULL, "error: no command given; see kubectl proget --help\n"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        char *text;
        size_t size;
        FILE *errors = open_memstream(&text, &size);
        char *argv[] = {(char *) "kubectl-proget", (char *) cases[i].command, NULL};
        assert_int_equal(plugin_main(cases[i].command ? 2 : 1, argv, stdout, errors), STATUS_UNUSABLE);
        (void) fclose(errors);
        assert_ptr_equal(strstr(text, cases[i].text), text);
        free(text);
    }
}

static void test_nothing_to_read(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    RUN(&run, "-f", "@/not-there.yaml");
    assert_int_equal(run.status, STATUS_UNUSABLE);
    assert_contains(run.errors, "not-there.yaml: No such file");
    RUN(&run, "-f", "@");
    assert_int_equal(run.status, STATUS_UNUSABLE);
    assert_contains(run.errors, "no Kubernetes object");
    write_file(&run, "values.yaml", "replicas: 3\n---\n---\n");
    RUN(&run, "-f", "@");
    assert_int_equal(run.status, STATUS_UNUSABLE);
    assert_contains(run.errors, "values.yaml:1:1: not a Kubernetes object");
    write_file(&run, "map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n");
    RUN(&run, "-f", "@"); /* an object, if none of ours: nothing is wrong */
    assert_int_equal(run.status, STATUS_DONE);
    assert_contains(run.output, "0 clusters, 0 servers: 0 errors, 0 warnings, 0 infos\n");
    assert_string_equal(run.errors + strlen(run.errors) - strlen(FOUND_NONE), FOUND_NONE);
    RUN(&run, "-f", "@/map.yaml", "-o", "json");
    assert_int_equal(run.status, STATUS_DONE);
    assert_string_equal(run.errors, FOUND_NONE);
    assert_ptr_equal(strstr(run.output, "{\n"), run.output);
    run_end(&run);
}

/* "0 errors" of what could not be read would be a lie. */
static void test_nothing_judged_is_said(void **state)
{
    (void) state;
    static const char broken[] = "apiVersion: v1\nkind: Pod\nmetadata: {name: [x]}\n";
    struct run run;
    run_begin(&run);
    write_file(&run, "a.yaml", broken);
    RUN(&run, "-f", "@");
    assert_int_equal(run.status, STATUS_UNUSABLE);
    assert_contains(run.errors, "error: nothing was judged: ");
    assert_string_equal(run.output, "");
    RUN(&run, "-f", "@/not-there.yaml");
    assert_int_equal(run.status, STATUS_UNUSABLE);
    assert_contains(run.errors, "nothing was judged");
    assert_string_equal(run.output, "");
    write_file(&run, "b.yaml", DEPLOYMENT("web", KEY));
    RUN(&run, "-f", "@");
    assert_int_equal(run.status, STATUS_UNUSABLE);
    assert_null(strstr(run.errors, "nothing was judged"));
    assert_contains(run.output, "part of the input was unusable)\n");
    run_end(&run);
}

/* What is not in the input is not observed: it is not missing. */
static void test_clusters_alone_are_not_empty(void **state)
{
    (void) state;
    static const char list[] =
        "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{\"apiVersion\": \"proget-operator.io/v1alpha1\", "
        "\"kind\": \"ProGetCluster\", \"metadata\": {\"name\": \"main\", \"namespace\": \"ns\"}, "
        "\"spec\": {\"selector\": {\"matchLabels\": {\"app\": \"p\"}}}}]}";
    struct run run;
    run_begin(&run);
    write_file(&run, "a.json", list);
    RUN(&run, "-f", "@", "--fail-on=info");
    assert_int_equal(run.status, STATUS_DONE);
    assert_null(strstr(run.output, "ClusterEmpty"));
    assert_contains(run.output, "Not observed, so not judged:\n  pods (no pod and no workload is in the input)\n");
    assert_contains(run.output, "0 infos (1 kind not observed)\n");
    RUN(&run, "-f", "@", "-o", "json");
    assert_contains(run.output, "\"what\":\"pods\"");
    write_file(&run, "b.yaml", DEPLOYMENT("web", KEY)); /* in another namespace: something was looked at */
    RUN(&run, "-f", "@");
    assert_contains(run.output, "ClusterEmpty");
    run_end(&run);
}

static void test_kustomizations_are_named(void **state)
{
    (void) state;
    static const char *const names[] = {"kustomization.yaml", "kustomization.yml", "Kustomization"};
    for (size_t i = 0; i < array_length(names); i++) {
        struct run run;
        run_begin(&run);
        write_file(&run, "a.yaml", DEPLOYMENT("web", KEY));
        RUN(&run, "-f", "@");
        assert_string_equal(run.errors, "");
        cleanup_free char *below = xasprintf("%s/below", run.folder);
        assert_int_equal(mkdir(below, 0700), 0);
        cleanup_free char *name = xasprintf("below/%s", names[i]);
        write_file(&run, name, "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n");
        cleanup_free char *warning =
            xasprintf("warning: %s is a kustomization: its files are judged as they lie there. "
                      "Better: kubectl kustomize %s | kubectl-proget audit -f -\n",
                      below, below);
        RUN(&run, "-f", "@", "-f", "@/below", "-o", "json", "--fail-on=error");
        assert_int_equal(run.status, STATUS_DONE);
        assert_contains(run.errors, warning);
        assert_null(strstr(strstr(run.errors, warning) + strlen(warning), " is a kustomization")); /* once */
        assert_null(strstr(run.output, "kustomization"));
        run_end(&run);
    }
}

/* A mixed pipe: what several programs print, one behind the other. */
static void test_standard_input(void **state)
{
    (void) state;
    static const char text[] = "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"a\"}}\n"
                               "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\",\n \"metadata\": {\"name\": \"b\"}}\n"
                               "---\n# Source: chart/templates/web.yaml\n" DEPLOYMENT("web", "");
    struct run run;
    run_begin(&run);
    write_file(&run, "in", text);
    cleanup_free char *path = xasprintf("%s/in", run.folder);
    assert_non_null(freopen(path, "r", stdin));
    RUN(&run, "-f", "-", "-o", "junit");
    assert_string_equal(run.errors, "");
    assert_int_equal(run.status, STATUS_FOUND);
    assert_contains(run.output, "name=\"EncryptionKeyMissing\" file=\"standard input\" line=\"6\"");
    run_end(&run);
}

/* What is bad is named with its place; the rest is evaluated; the status says 2 all the same. */
static void test_bad_input_does_not_stop_the_rest(void **state)
{
    (void) state;
    static const struct {
        const char *text, *place;
    } cases[] = {
        {"a: [1, 2\nb: {", "broken.yaml:"},
        {"apiVersion: v1\nkind: Pod\nkind: Pod\nmetadata: {name: x}\n", "broken.yaml:3:1"},
        {"apiVersion: v1\nkind: Pod\nmetadata: {name: [x]}\n", "broken.yaml:1:1"},
        {"{\"apiVersion\": \"v1\", \"kind\": ", "broken.yaml:"},
        {"\xff\xfe\x00", "broken.yaml"},
        {"{\"kind\": \"A\"}\n{\"kind\": \"A\", \"kind\": \"B\"}\n{\"kind\": \"C\"}\n",
         "broken.yaml:2:15: duplicate key"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        struct run run;
        run_begin(&run);
        write_file(&run, "broken.yaml", cases[i].text);
        write_file(&run, "whole.yaml", DEPLOYMENT("web", ""));
        RUN(&run, "-f", "@/broken.yaml", "-f", "@/whole.yaml");
        assert_int_equal(run.status, STATUS_UNUSABLE);
        assert_contains(run.errors, "error: ");
        assert_contains(run.errors, cases[i].place);
        assert_contains(run.output, "EncryptionKeyMissing");
        run_end(&run);
    }
}

static void test_last_of_two_wins(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    write_file(&run, "a.yaml", DEPLOYMENT("web", ""));
    write_file(&run, "b.yaml", "# later\n" DEPLOYMENT("web", KEY));
    RUN(&run, "-f", "@");
    assert_int_equal(run.status, STATUS_DONE);
    assert_contains(run.errors, "warning: ");
    assert_contains(run.errors, "b.yaml:2:1: Deployment default/web is given again: the last one counts");
    RUN(&run, "-f", "@/b.yaml", "@/a.yaml"); /* as a shell spreads -f *.yaml */
    assert_int_equal(run.status, STATUS_FOUND);
    run_end(&run);
}

static void test_folders(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    static const char *const folders[] = {"b", "b/deep", ".hidden", "looks.yaml"};
    for (size_t i = 0; i < array_length(folders); i++) {
        cleanup_free char *path = xasprintf("%s/%s", run.folder, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    write_file(&run, "b/deep/1.yml", DEPLOYMENT("web", ""));
    write_file(&run, "c.json",
               "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{\"apiVersion\": \"v1\", \"kind\": "
               "\"Service\", \"metadata\": {\"name\": \"x\"}}]}");
    write_file(&run, "a.yaml", DEPLOYMENT("web", ""));
    write_file(&run, ".hidden/2.yaml", "kind: [");
    write_file(&run, "notes.txt", "kind: [");
    write_file(&run, "looks.yaml/d.yaml", DEPLOYMENT("other", ""));
    RUN(&run, "-f", "@");
    assert_int_equal(run.status, STATUS_FOUND);
    /* a.yaml came first */
    assert_contains(run.errors, "b/deep/1.yml:1:1: Deployment default/web is given again");
    assert_contains(run.output, "2 clusters, 2 servers: ");
    run_end(&run);
}

static void test_json_output(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    write_file(&run, "a.yaml",
               "apiVersion: v1\nkind: Pod\nmetadata: {name: proget-0, namespace: ns, uid: u, labels: {app: p}, "
               "annotations: {'ignore.proget-operator.io/QosNotGuaranteed': why not}}\n"
               "spec: {nodeName: a, initContainers: [{name: proget-sidecar, image: s, restartPolicy: Always}], "
               "containers: [{name: proget, image: 'inedo/proget:25.0.13'}]}\n"
               "---\napiVersion: proget-operator.io/v1alpha1\nkind: ProGetCluster\n"
               "metadata: {name: main, namespace: ns}\nspec: {selector: {matchLabels: {app: p}}}\n");
    RUN(&run, "-f", "@/a.yaml", "-o", "json", "--now", FIXTURE_NOW);
    assert_int_equal(run.status, STATUS_FOUND);
    struct error err;
    cleanup_json struct json_object *tree = NULL;
    assert_int_equal(json_parse(run.output, strlen(run.output), &tree, &err), 0);
    assert_string_equal(json_text_at(tree, "apiVersion", ""), "proget-operator.io/v1alpha1");
    assert_string_equal(json_text_at(tree, "kind", ""), "FindingList");
    struct json_object *item = json_object_array_get_idx(json_member(tree, "items"), 0);
    static const char *const members[] = {"code",  "severity", "cluster", "object", "related",
                                          "cause", "message",  "action",  "since"};
    size_t at = 0;
    json_object_object_foreach(item, name, value)
    {
        (void) value;
        assert_true(at < array_length(members));
        assert_string_equal(name, members[at++]);
    }
    assert_int_equal(at, array_length(members));
    assert_string_equal(json_text_at(item, "code", ""), "EncryptionKeyMissing");
    assert_string_equal(json_text_at(item, "cluster.namespace", ""), "ns");
    assert_string_equal(json_text_at(item, "cluster.name", ""), "main");
    struct json_object *left_out = json_object_array_get_idx(json_member(tree, "suppressed"), 0);
    assert_string_equal(json_text(left_out),
                        "{\"code\":\"QosNotGuaranteed\",\"object\":{\"apiVersion\":\"v1\",\"kind\":"
                        "\"Pod\",\"namespace\":\"ns\",\"name\":\"proget-0\"},\"reason\":\"why "
                        "not\"}");
    struct json_object *unobserved = json_object_array_get_idx(json_member(tree, "unobserved"), 0);
    assert_string_equal(json_text(unobserved), "{\"what\":\"horizontalpodautoscalers\",\"why\":\"not in the input\"}");
    RUN(&run, "-f", "@/a.yaml", "-o", "json", "--no-pod-ignores");
    assert_contains(run.output, "\"suppressed\":[\n  ]");
    run_end(&run);
}

static void test_table_output(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    write_file(&run, "a.yaml", DEPLOYMENT("web", ""));
    RUN(&run, "-f", "@");
    assert_contains(run.output, "Cluster web in namespace default: ProGet, 1 server\n");
    assert_contains(run.output, "ERROR    EncryptionKeyMissing       Deployment web\n");
    assert_contains(run.output, "To do: ");
    assert_null(strchr(run.output, '\033')); /* no terminal: no colours */
    for (const char *line = run.output; *line; line += strcspn(line, "\n") + 1) {
        size_t indent = strspn(line, " ");
        bool is_one_word = strcspn(line + indent, " \n") == strcspn(line + indent, "\n"); /* of a command to copy */
        assert_true(strcspn(line, "\n") <= 100 || is_one_word);
    }
    const char *last = strstr(run.output, "1 cluster, 1 server: 1 error, ");
    assert_non_null(last);
    assert_int_equal(last[strlen(last) - 1], '\n');
    assert_ptr_equal(strchr(last, '\n'), last + strlen(last) - 1);
    run_end(&run);
}

static void test_hostile_names_do_not_reach_the_terminal(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    write_file(&run, "a.yaml", DEPLOYMENT("\"a\\e[2Jb\"", ""));
    write_file(&run, "b.yaml", DEPLOYMENT("\"a\\e[2Jb\"", ""));
    RUN(&run, "-f", "@");
    assert_null(strchr(run.output, '\033'));
    assert_null(strchr(run.errors, '\033'));
    assert_contains(run.output, "a?[2Jb");
    run_end(&run);
}

/* A Secret in the input is judged; its value is nowhere. */
static void test_no_secret_is_printed(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    write_file(&run, "a.yaml",
               DEPLOYMENT("web", KEY) "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
                                      "stringData: {k: correct-horse-battery}\n");
    write_file(&run, "b.yaml", DEPLOYMENT("lit", ", env: [{name: PROGET_ENCRYPTION_KEY, value: staple-tree-pond}]"));
    static const char *const formats[] = {"table", "json", "yaml", "sarif", "junit"};
    for (size_t i = 0; i < array_length(formats); i++) {
        RUN(&run, "-f", "@", "-o", formats[i]);
        assert_contains(run.output, "EncryptionKeyMalformed");
        assert_contains(run.output, "EncryptionKeyExposed");
        assert_null(strstr(run.output, "battery"));
        assert_null(strstr(run.output, "staple"));
        assert_null(strstr(run.errors, "battery"));
    }
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses_and_fail_on),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_nothing_to_read),
        cmocka_unit_test(test_nothing_judged_is_said),
        cmocka_unit_test(test_clusters_alone_are_not_empty),
        cmocka_unit_test(test_kustomizations_are_named),
        cmocka_unit_test(test_settings_without_effect_are_named),
        cmocka_unit_test(test_help_says_each_thing_once),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_standard_input),
        cmocka_unit_test(test_bad_input_does_not_stop_the_rest),
        cmocka_unit_test(test_last_of_two_wins),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_json_output),
        cmocka_unit_test(test_table_output),
        cmocka_unit_test(test_hostile_names_do_not_reach_the_terminal),
        cmocka_unit_test(test_no_secret_is_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
