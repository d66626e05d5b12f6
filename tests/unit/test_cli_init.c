/*
 * kubectl proget init: what it finds, and that what it prints is what the API server would take.
 */
#include "cli_fixture.h"

#include "help_fixture.h"
#include "init.h"
#include "proget/core/yaml.h"

#define NAMESPACE "/namespaces/proget/"
#define WORKLOAD(kind_more, environment, pod_more)                                                                   \
    "{'metadata':{'namespace':'proget','name':'web'},'spec':{'replicas':2,'selector':{'matchLabels':{'app':'web'}}," \
    "'template':{'metadata':{'labels':{'app':'web'}},'spec':{'serviceAccountName':'robot','containers':[{'name':'"   \
    "main',"                                                                                                         \
    "'image':'inedo/" kind_more "','env':[" environment "]" pod_more "}}}}"
#define FROM_SECRET(variable) "{'name':'" variable "','valueFrom':{'secretKeyRef':{'name':'s1','key':'k1'}}}"

struct init {
    struct command command;
    struct fake_route routes[8];
    char *texts[8];
    size_t count;
};

static void init_answer(struct init *init, const char *request, const char *status, const char *body)
{
    cleanup_free char *json = json_of(body);
    init->texts[init->count] = fake_answer(status, "", json);
    init->routes[init->count] = (struct fake_route){request, init->texts[init->count]};
    init->count++;
}

/* Over one StatefulSet and what else was answered. Returns the exit status. */
static int init_start(struct init *init, const char *workload, const struct init_settings *settings)
{
    command_start(&init->command, NULL, 0);
    if (workload) {
        cleanup_free char *list = xasprintf("{'items':[%s]}", workload);
        init_answer(init, "GET /apis/apps/v1" NAMESPACE "statefulsets?", "200 OK", list);
        init_answer(init, "GET /apis/apps/v1" NAMESPACE "statefulsets/web ", "200 OK", workload);
    }
    init_answer(init, "/rolebindings/", "404 Not Found", "{}");
    init_answer(init, "GET ", "200 OK", "{'items':[]}");
    fake_server_route(init->command.api.server, init->routes, init->count);
    int status = init_run(&init->command.connection, settings, audit_instant(clock_now().wall_us),
                          init->command.output_file, init->command.errors_file);
    command_flush(&init->command);
    return status;
}

static void init_end(struct init *init)
{
    command_end(&init->command);
    for (size_t i = 0; i < init->count; i++) {
        free(init->texts[i]);
    }
}

static int collect(struct json_object *value, struct yaml_position at, void *userdata)
{
    (void) at;
    json_object_array_add(userdata, json_object_get(value));
    return 0;
}

static void no_problem(const struct error *err, struct yaml_position at, void *userdata)
{
    (void) at;
    (void) userdata;
    fail_msg("%s", err->text);
}

/* The documents that it printed, as an array. Owned. */
static struct json_object *documents(const char *text)
{
    struct json_object *all = json_object_new_array();
    struct yaml_reader *reader = yaml_reader_open_text(text, strlen(text), "output");
    assert_int_equal(yaml_read_objects(reader, collect, no_problem, all), 0);
    yaml_reader_free(reader);
    return all;
}

static const struct init_settings usual = {.namespace_name = "proget", .image = "registry.example.com/sidecar:1"};
static const struct init_settings bare = {
    .namespace_name = "proget", .image = "registry.example.com/sidecar:1", .only_sidecar = true};

static void test_declaration(void **state)
{
    (void) state;
    struct init init = {0};
    assert_int_equal(init_start(&init, WORKLOAD("proget:25.0.13", FROM_SECRET("PROGET_ENCRYPTION_KEY"), "}]"), &usual),
                     STATUS_DONE);
    assert_string_equal(init.command.errors, "");
    cleanup_json struct json_object *all = documents(init.command.output);
    assert_int_equal(json_object_array_length(all), 3);
    struct json_object *role = json_object_array_get_idx(all, 0);
    assert_string_equal(json_text_at(role, "kind", ""), "Role");
    assert_string_equal(json_text_at(role, "metadata.namespace", ""), "proget");
    struct json_object *binding = json_object_array_get_idx(all, 1);
    assert_string_equal(json_text_at(binding, "roleRef.name", ""), json_text_at(role, "metadata.name", "?"));
    assert_string_equal(json_text(json_member(binding, "subjects")),
                        "[{\"kind\":\"ServiceAccount\",\"name\":\"robot\",\"namespace\":\"proget\"}]");
    struct json_object *cluster = json_object_array_get_idx(all, 2);
    assert_string_equal(
        json_text(cluster),
        "{\"apiVersion\":\"proget-operator.io/v1alpha1\",\"kind\":\"ProGetCluster\",\"metadata\":{\"name\":"
        "\"web\",\"namespace\":\"proget\",\"labels\":{\"proget-operator.io/"
        "discovered\":\"false\"}},\"spec\":{\"product\":\"ProGet\",\"selector\":{\"matchLabels\":{"
        "\"app\":\"web\"}},\"servers\":2}}");
    assert_has(init.command.output,
               "\nmetadata:\n  name: web\n  namespace: proget\n  labels:\n"); /* nothing quoted without need */
    /* The patch is there, but only to be read: applied with the rest it would replace the pods. */
    assert_has(init.command.output, "\n#   kind: StatefulSet\n");
    assert_has(init.command.output, "REPLACES THE PODS");
    assert_has(init.command.output, "\n#   kubectl -n proget patch StatefulSet web --patch-file sidecar.yaml\n");
    init_end(&init);
}

/* One that the operator declared becomes the user's; one of the user's is left alone. */
static void test_declared_before(void **state)
{
    (void) state;
    static const char declared[] =
        "{'items':[{'metadata':{'namespace':'proget','name':'web','uid':'c'%s},'spec':{'product':'ProGet','selector':"
        "{'matchLabels':{'app':'web'},'matchExpressions':[{'key':'tier','operator':'NotIn','values':['test']}]}}}]}";
    static const struct {
        const char *labels;
        size_t documents;
        const char *printed;
    } cases[] = {
        {",'labels':{'proget-operator.io/discovered':'true'}", 3,
         "  labels:\n    proget-operator.io/discovered: \"false\"\n"},
        {"", 2, "# ProGetCluster web in namespace proget is declared already (StatefulSet web): nothing to do.\n"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        struct init init = {0};
        cleanup_free char *list = xcalloc(2048, 1);
        const char *at = strstr(declared, "%s");
        (void) snprintf(list, 2048, "%.*s%s%s", (int) (at - declared), declared, cases[i].labels, at + 2);
        init_answer(&init, "/progetclusters?", "200 OK", list);
        assert_int_equal(init_start(&init, WORKLOAD("proget:25.0.13", "", "}]"), &usual), STATUS_DONE);
        assert_has(init.command.output, cases[i].printed);
        cleanup_json struct json_object *all = documents(init.command.output);
        assert_int_equal(json_object_array_length(all), cases[i].documents);
        if (cases[i].documents == 3) {
            assert_has(init.command.output,
                       "    matchExpressions:\n    - key: tier\n      operator: NotIn\n      values:\n"
                       "      - test\n");
        }
        init_end(&init);
    }
}

struct patch_case {
    const char *workload;
    const char *variable, *source; /* of the key, as JSON without quotes turned */
    const char *volume;            /* of the key, as JSON; NULL: none */
    const char *note;              /* part of the comment; NULL: none */
    const char *more;              /* anywhere in the patch as JSON; NULL: nothing */
};

static const struct patch_case patches[] = {
    {WORKLOAD("proget:25.0.13", FROM_SECRET("PROGET_ENCRYPTION_KEY"), "}]"), "PROGET_ENCRYPTION_KEY",
     "{'secretKeyRef':{'name':'s1','key':'k1','optional':true}}",
     "'secret':{'secretName':'s1','defaultMode':292,'optional':true,'items':[{'key':'k1','path':'key'}]}", NULL, NULL},
    {WORKLOAD("buildmaster:25.0",
              FROM_SECRET("BUILDMASTER_ENCRYPTION_KEY") ",{'name':'ASPNETCORE_URLS','value':'http://*:8080'}", "}]"),
     "BUILDMASTER_ENCRYPTION_KEY", "{'secretKeyRef':{'name':'s1','key':'k1','optional':true}}", "'secretName':'s1'",
     NULL,
     "{'name':'PROGET_SIDECAR_PRODUCT','value':'BuildMaster'},{'name':'ASPNETCORE_URLS','value':'http://*:8080'}"},
    {WORKLOAD("proget:25.0.13",
              "{'name':'PROGET_ENCRYPTION_KEY','valueFrom':{'configMapKeyRef':{'name':'c1','key':'k1'}}}", "}]"),
     "PROGET_ENCRYPTION_KEY", "{'configMapKeyRef':{'name':'c1','key':'k1','optional':true}}",
     "'configMap':{'name':'c1'", NULL, NULL},
    {WORKLOAD("proget:25.0.13", "{'name':'PROGET_ENCRYPTION_KEY_FILE','value':'/run/key/file'}",
              ",'volumeMounts':[{'name':'deep','mountPath':'/run/key'},{'name':'root','mountPath':'/run'}]}]"),
     "PROGET_ENCRYPTION_KEY_FILE", NULL, NULL, "has to be able to read /run/key/file",
     "{'name':'deep','mountPath':'/run/key','readOnly':true}"},
    {WORKLOAD("proget:25.0.13", "{'name':'PROGET_ENCRYPTION_KEY_FILE','value':'/elsewhere/file'}",
              ",'volumeMounts':[{'name':'deep','mountPath':'/else'}]}]"),
     "PROGET_ENCRYPTION_KEY", "{'secretKeyRef':{'name':'proget-encryption-key','key':'key','optional':true}}",
     "'secretName':'proget-encryption-key'", "could not be told", NULL},
    {WORKLOAD("proget:25.0.13", "{'name':'PROGET_ENCRYPTION_KEY','value':'00112233445566778899aabbccddeeff'}", "}]"),
     "PROGET_ENCRYPTION_KEY", "{'secretKeyRef':{'name':'proget-encryption-key','key':'key','optional':true}}",
     "'secretName':'proget-encryption-key'", "The key is written out in the spec", NULL},
    {WORKLOAD("proget:25.0.13", "", "}]"), "PROGET_ENCRYPTION_KEY",
     "{'secretKeyRef':{'name':'proget-encryption-key','key':'key','optional':true}}",
     "'secretName':'proget-encryption-key'", "could not be told", NULL},
};

static void assert_patch(const struct patch_case *expected, const char *output)
{
    cleanup_json struct json_object *all = documents(output);
    assert_int_equal(json_object_array_length(all), 1);
    struct json_object *patch = json_object_array_get_idx(all, 0);
    assert_string_equal(json_text_at(patch, "kind", ""), "StatefulSet");
    assert_string_equal(json_text_at(patch, "metadata.name", ""), "web");
    assert_string_equal(json_text_at(patch, "metadata.namespace", ""), "proget");
    struct json_object *sidecar = json_object_array_get_idx(json_at(patch, "spec.template.spec.initContainers"), 0);
    assert_string_equal(json_text_at(sidecar, "image", ""), "registry.example.com/sidecar:1");
    const char *text = json_text(patch);
    cleanup_free char *variable = json_of(expected->variable);
    cleanup_free char *named = xasprintf("\"name\":\"%s\"", variable);
    assert_has(text, named);
    if (expected->source) {
        cleanup_free char *source = json_of(expected->source);
        assert_has(text, source);
    }
    if (expected->volume) {
        cleanup_free char *volume = json_of(expected->volume);
        assert_has(text, volume);
        assert_has(text, "--key-file=/var/run/secrets/proget-sidecar/key");
    } else {
        assert_has_not(text, "proget-sidecar-key");
        assert_has(text, "[\"--key-file=/run/key/file\"]");
    }
    if (expected->more) {
        cleanup_free char *more = json_of(expected->more);
        assert_has(text, more);
    }
}

static void test_patches(void **state)
{
    (void) state;
    for (size_t i = 0; i < array_length(patches); i++) {
        struct init init = {0};
        assert_int_equal(init_start(&init, patches[i].workload, &bare), STATUS_DONE);
        assert_patch(&patches[i], init.command.output);
        if (patches[i].note) {
            cleanup_free char *flat = xstrdup(init.command.output);
            for (char *at = flat; *at; at++) { /* the comment is wrapped */
                if (text_starts_with(at, "\n# ")) {
                    memmove(at, at + 2, strlen(at + 2) + 1);
                }
            }
            assert_has(flat, patches[i].note);
        }
        assert_has_not(init.command.output, "00112233"); /* no key is ever printed */
        init_end(&init);
    }
}

static void test_sidecar_that_is_there(void **state)
{
    (void) state;
    struct init init = {0};
    assert_int_equal(
        init_start(&init, WORKLOAD("proget:25.0.13", "", "},{'name':'proget-sidecar','image':'x'}]"), &usual),
        STATUS_DONE);
    assert_has(init.command.output, "# StatefulSet web has its sidecar already.\n");
    cleanup_json struct json_object *all = documents(init.command.output);
    assert_int_equal(json_object_array_length(all), 1); /* no permission that nobody needs */
    init_end(&init);
}

/* Who is bound already stays bound. */
static void test_binding_that_is_there(void **state)
{
    (void) state;
    static const struct {
        const char *status, *body, *subjects, *printed;
    } cases[] = {
        {"200 OK",
         "{'subjects':[{'kind':'ServiceAccount','name':'other','namespace':'proget'},{'kind':'ServiceAccount','name':"
         "'robot','namespace':'proget'},{'kind':'Group','name':'g','apiGroup':'rbac.authorization.k8s.io'}]}",
         "robot other g", ""},
        {"403 Forbidden", "{}", "robot", "# You may not read RoleBindings"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        struct init init = {0};
        init_answer(&init, "GET /apis/rbac.authorization.k8s.io/v1" NAMESPACE "rolebindings/proget-sidecar ",
                    cases[i].status, cases[i].body);
        assert_int_equal(init_start(&init, WORKLOAD("proget:25.0.13", "", "}]"), &usual), STATUS_DONE);
        cleanup_json struct json_object *all = documents(init.command.output);
        struct json_object *subjects = json_member(json_object_array_get_idx(all, 1), "subjects");
        cleanup_buffer struct buffer names = BUFFER_INIT(256);
        for (size_t k = 0; k < json_object_array_length(subjects); k++) {
            (void) buffer_appendf(&names, "%s%s", k ? " " : "",
                                  json_text_at(json_object_array_get_idx(subjects, k), "name", "?"));
        }
        assert_string_equal(buffer_text(&names), cases[i].subjects);
        assert_has(init.command.output, cases[i].printed);
        init_end(&init);
    }
}

static void test_nothing_found(void **state)
{
    (void) state;
    struct init init = {0};
    assert_int_equal(init_start(&init, NULL, &usual), STATUS_UNUSABLE);
    assert_string_equal(init.command.output, "");
    assert_has(init.command.errors,
               "error: found no ProGet, BuildMaster or Otter in namespace proget; kubectl proget init -A");
    init_end(&init);

    struct init_settings other = usual;
    other.name = "other";
    struct init named = {0};
    assert_int_equal(init_start(&named, WORKLOAD("proget:25.0.13", "", "}]"), &other), STATUS_UNUSABLE);
    assert_has(named.command.errors, "Otter named other in namespace proget");
    init_end(&named);
}

/* Nothing that an API server says gets out of a comment or a text. */
static void test_hostile_names(void **state)
{
    (void) state;
    static const char workload[] =
        "{'metadata':{'namespace':'proget','name':'web\\n---\\nkind: "
        "Evil'},'spec':{'replicas':1,'selector':{'matchLabels':"
        "{'a: b':'x\\n- y'}},'template':{'metadata':{'labels':{'a: b':'x\\n- y'}},'spec':{'containers':[{'name':'main',"
        "'image':'inedo/proget:1'}]}}}}";
    struct init init = {0};
    assert_int_equal(init_start(&init, workload, &usual), STATUS_DONE);
    cleanup_json struct json_object *all = documents(init.command.output);
    for (size_t i = 0; i < json_object_array_length(all); i++) {
        assert_string_not_equal(json_text_at(json_object_array_get_idx(all, i), "kind", ""), "Evil");
    }
    assert_has_not(init.command.output, "\nkind: Evil");
    init_end(&init);
}

static void test_usage(void **state)
{
    (void) state;
    struct command command;
    assert_int_equal(COMMAND_LINE(&command, init_main, "a", "b"), STATUS_UNUSABLE);
    command_end(&command);
    assert_int_equal(COMMAND_LINE(&command, init_main, "--image", "a b"), STATUS_UNUSABLE);
    assert_has(command.errors, "is not an image such as registry.example.com/");
    command_end(&command);
    assert_int_equal(COMMAND_LINE(&command, init_main, "--kubeconfig", "/nonexistent/kubeconfig"), STATUS_UNUSABLE);
    assert_has(command.errors, "To do: Name a kubeconfig");
    command_end(&command);
}

static void print_help(void)
{
    char *argv[] = {(char *) "init", (char *) "--help", NULL};
    assert_int_equal(init_main(2, argv, stdout, stderr), STATUS_DONE);
}

static void test_help(void **state)
{
    (void) state;
    cleanup_free char *help = help_caught(print_help);
    assert_help_says_once(help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_declaration),
        cmocka_unit_test(test_declared_before),
        cmocka_unit_test(test_patches),
        cmocka_unit_test(test_sidecar_that_is_there),
        cmocka_unit_test(test_binding_that_is_there),
        cmocka_unit_test(test_nothing_found),
        cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
