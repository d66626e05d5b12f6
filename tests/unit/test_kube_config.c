#include "proget/kube/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../lib/kube/pod_config.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

/* A folder of its own for each case; all files in it are known by name. */
struct fixture {
    char folder[64];
};

static const char *const known_files[] = {"a", "b", "empty", "cert.pem", "key.pem", "token", "ca.crt", "namespace"};

static int set_up(void **state)
{
    struct fixture *fixture = xcalloc(1, sizeof(*fixture));
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/test-config-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    unsetenv("KUBECONFIG");
    unsetenv("KUBERNETES_SERVICE_HOST");
    unsetenv("KUBERNETES_SERVICE_PORT");
    unsetenv("POD_NAMESPACE");
    setenv("HOME", fixture->folder, 1);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < array_length(known_files); i++) {
        cleanup_free char *path = xasprintf("%s/%s", fixture->folder, known_files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(fixture->folder), 0);
    free(fixture);
    return 0;
}

/* The path, owned. */
static char *put(const struct fixture *fixture, const char *name, const char *content)
{
    char *path = xasprintf("%s/%s", fixture->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, strlen(content), file), strlen(content));
    assert_int_equal(fclose(file), 0);
    return path;
}

static struct kube_config *load(const char *path, const char *context)
{
    const struct kube_config_options options = {.kubeconfig = path, .context = context};
    struct kube_config *config = NULL;
    struct error err;
    if (kube_config_load(&options, &config, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return config;
}

static void expect_error(const char *path, const char *context, int code, const char *text)
{
    const struct kube_config_options options = {.kubeconfig = path, .context = context};
    struct kube_config *config = NULL;
    struct error err;
    assert_int_equal(kube_config_load(&options, &config, &err), code);
    assert_null(config);
    if (!strstr(err.text, text)) {
        fail_msg("\"%s\" is not in \"%s\"", text, err.text);
    }
    assert_null(strstr(err.text, "hush")); /* every credential of these tests */
}

static void test_everything_that_a_context_says(void **state)
{
    const struct fixture *fixture = *state;
    free(put(fixture, "cert.pem", "CERT"));
    cleanup_free char *path = put(fixture, "a",
                                  "apiVersion: v1\n"
                                  "kind: Config\n"
                                  "current-context: one\n"
                                  "preferences: {}\n"
                                  "clusters:\n"
                                  "- name: c1\n"
                                  "  cluster:\n"
                                  "    server: https://one.example:6443/prefix/\n"
                                  "    certificate-authority: ca.crt\n"
                                  "    tls-server-name: kubernetes\n"
                                  "    proxy-url: socks5://proxy:1080\n"
                                  "- name: c2\n"
                                  "  cluster: {server: 'https://two.example', insecure-skip-tls-verify: true}\n"
                                  "contexts:\n"
                                  "- name: one\n"
                                  "  context: {cluster: c1, user: u1, namespace: proget}\n"
                                  "- name: two\n"
                                  "  context: {cluster: c2, user: u2}\n"
                                  "- name: nobody\n"
                                  "  context: {cluster: c2}\n"
                                  "users:\n"
                                  "- name: u1\n"
                                  "  user: {client-certificate: cert.pem, client-key-data: S0VZ, as: somebody}\n"
                                  "- name: u2\n"
                                  "  user: {token: hush, tokenFile: /abs/token}\n");
    struct kube_config *one = load(path, NULL);
    cleanup_free char *ca = xasprintf("%s/ca.crt", fixture->folder);
    cleanup_free char *source = xasprintf("%s (context one)", path);
    assert_string_equal(one->server, "https://one.example:6443/prefix");
    assert_string_equal(one->ca_file, ca);
    assert_null(one->ca_data);
    assert_string_equal(one->tls_server_name, "kubernetes");
    assert_string_equal(one->proxy_url, "socks5://proxy:1080");
    assert_string_equal(one->client_certificate, "CERT");
    assert_string_equal(one->client_key, "KEY");
    assert_string_equal(one->impersonate_user, "somebody");
    assert_string_equal(one->namespace_name, "proget");
    assert_string_equal(one->source, source);
    assert_false(one->insecure);
    kube_config_free(one);
    struct kube_config *two = load(path, "two");
    assert_string_equal(two->server, "https://two.example");
    assert_true(two->insecure);
    assert_string_equal(two->token, "hush");
    assert_string_equal(two->token_file, "/abs/token");
    assert_string_equal(two->namespace_name, "default");
    kube_config_free(two);
    expect_error(path, "three", ERROR_BAD_INPUT, "there is no context \"three\" (there are: one, two, nobody)");
    struct kube_config *nobody = load(path, "nobody"); /* as for "kubectl proxy" */
    assert_null(nobody->token);
    assert_null(nobody->client_certificate);
    kube_config_free(nobody);
}

static void test_files_are_merged(void **state)
{
    const struct fixture *fixture = *state;
    cleanup_free char *a = put(fixture, "a",
                               "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
                               "clusters: [{name: c, cluster: {server: 'https://first'}}]\n");
    cleanup_free char *b = put(fixture, "b",
                               "current-context: x\n"
                               "contexts: [{name: x, context: {cluster: c, user: u, namespace: never}}]\n"
                               "clusters: [{name: c, cluster: {server: 'https://second', proxy-url: 'http://p'}}]\n"
                               "users: [{name: u, user: {tokenFile: token}}]\n");
    cleanup_free char *empty = put(fixture, "empty", "\n");
    cleanup_free char *list = xasprintf("/nowhere/at/all:%s::%s:%s", empty, a, b);
    cleanup_free char *token = xasprintf("%s/token", fixture->folder);
    setenv("KUBECONFIG", list, 1);
    struct kube_config *config = load(NULL, NULL);
    assert_string_equal(config->server, "https://first"); /* an entry is taken whole from the first that has it */
    assert_null(config->proxy_url);
    assert_string_equal(config->namespace_name, "default");
    assert_string_equal(config->token_file, token); /* counted from the file that names it */
    kube_config_free(config);
}

static void test_nothing_to_go_by(void **state)
{
    const struct fixture *fixture = *state;
    cleanup_free char *home = xasprintf("tried: %s/.kube/config", fixture->folder);
    expect_error(NULL, NULL, ERROR_NOT_FOUND, home);
    setenv("KUBECONFIG", "/nowhere/1:/nowhere/2", 1);
    expect_error(NULL, NULL, ERROR_NOT_FOUND, "KUBECONFIG: /nowhere/1:/nowhere/2");
    expect_error("/nowhere/3", NULL, ERROR_NOT_FOUND, "/nowhere/3");
}

#define CLUSTER               "clusters: [{name: c, cluster: {server: 'https://s'}}]\n"
#define CONTEXT               "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
#define USER(members)         CONTEXT CLUSTER "users: [{name: u, user: {" members "}}]\n"
#define WITH_CLUSTER(members) CONTEXT "clusters: [{name: c, cluster: {" members "}}]\nusers: [{name: u, user: {}}]\n"

#define EXEC(members) "exec: {command: c, apiVersion: client.authentication.k8s.io/v1, " members "}"

static void test_what_is_refused(void **state)
{
    static const struct {
        const char *content;
        const char *text;
        int code; /* 0: BAD_INPUT */
    } cases[] = {
        {"a: [", ":1:", 0},
        {"[]", "this is no kubeconfig", 0},
        {"just text", "this is no kubeconfig", 0},
        {"{}", "no current-context is set; name a context (there are: none)", 0},
        {"contexts: [{name: m}, {name: n2}]", "(there are: m, n2)", 0},
        {"current-context: x\ncontexts: {}", "contexts has to be a list", 0},
        {"current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n", "cluster \"c\" is not in", 0},
        {"current-context: x\ncontexts: [{name: x, context: []}]\n" CLUSTER, "context \"x\": has to be a mapping", 0},
        {CONTEXT CLUSTER, "user \"u\" is not in users", 0},
        {CONTEXT CLUSTER "users: [{name: u}, {name: u}]", "user \"u\": is there twice", 0},
        {WITH_CLUSTER("server: 7"), "cluster \"c\": server has to be a text", 0},
        {WITH_CLUSTER(""), "cluster \"c\": server has to be a URL that starts with https://", 0},
        {WITH_CLUSTER("server: 'host:6443'"), "has to be a URL that starts with https://", 0},
        {WITH_CLUSTER("server: 'https://s', insecure-skip-tls-verify: 'yes'"), "has to be true or false", 0},
        {WITH_CLUSTER("server: 'https://s', insecure-skip-tls-verify: true, certificate-authority: f"), "exclude each",
         0},
        {WITH_CLUSTER("server: 'https://s', certificate-authority-data: '*'"),
         "certificate-authority-data is no base64", 0},
        {WITH_CLUSTER("server: 'https://s', certificate-authority-data: 'QQ'"),
         "certificate-authority-data is no base64", 0},
        {WITH_CLUSTER("server: 'https://s', certificate-authority-data: 'AAAA'"), "is no base64 of a PEM text", 0},
        {WITH_CLUSTER("server: 'https://s', proxy-url: 'ftp://p'"), "proxy-url has to be a URL that starts with", 0},
        {USER("token: hush, username: u, password: hush"), "token and username exclude each other", 0},
        {USER("tokenFile: f, username: u"), "token and username exclude each other", 0},
        {USER("password: hush"), "username is missing beside password", 0},
        {USER("token: \"hush\\nX: y\""), "user \"u\": token holds a character that no token has", 0},
        {USER("client-certificate-data: QQ=="), "client-key is missing", 0},
        {USER("client-key: k"), "client-certificate is missing", 0},
        {USER("client-certificate-data: QQ==, client-key: nowhere.pem"), "client-key: ", ERROR_NOT_FOUND},
        {USER("as: \"a\\r\\nb\""), "as holds a control character", 0},
        {USER("as-groups: [g]"), "as-groups needs \"as\" beside it", 0},
        {USER("as-uid: '1'"), "as-uid needs \"as\"", 0},
        {USER("as-user-extra: {k: [v]}"), "as-user-extra needs \"as\"", 0},
        {USER("as: a, as-uid: \"1\\n\""), "as-uid holds a control character", 0},
        {USER("as: a, as-groups: g"), "as-groups has to be a list", 0},
        {USER("as: a, as-groups: [1]"), "as-groups has to be a list of texts", 0},
        {USER("as: a, as-groups: ['']"), "as-groups holds an empty text", 0},
        {USER("as: a, as-groups: [\"a\\rb\"]"), "as-groups holds a control character", 0},
        {USER("as: a, as-user-extra: [v]"), "as-user-extra has to be a mapping", 0},
        {USER("as: a, as-user-extra: {k: v}"), "as-user-extra k has to be a list of texts", 0},
        {USER("as: a, as-user-extra: {k: [1]}"), "as-user-extra k has to be a list of texts", 0},
        {USER("as: a, as-user-extra: {k: [\"a\\nb\"]}"), "without control characters", 0},
        {USER("as: a, as-user-extra: {'': [v]}"), "is no name of a key", 0},
        {USER("exec: hush"), "user \"u\": exec has to be a mapping", 0},
        {USER("exec: {args: [hush]}"), "user \"u\": exec command is missing", 0},
        {USER("exec: {command: c}"), "exec apiVersion has to be client.authentication.k8s.io/v1 or", 0},
        {USER("exec: {command: c, apiVersion: client.authentication.k8s.io/v1alpha1}"), "update the plugin", 0},
        {USER(EXEC("args: hush, interactiveMode: Never")), "exec args has to be a list", 0},
        {USER(EXEC("args: [hush, 5], interactiveMode: Never")), "exec args has to be a list of texts", 0},
        {USER(EXEC("args: [\"hush\\0\"], interactiveMode: Never")), "without NULs", 0},
        {USER(EXEC("env: {A: hush}, interactiveMode: Never")), "exec env has to be a list", 0},
        {USER(EXEC("env: [{value: hush}], interactiveMode: Never")), "exec env has to be a list of {name", 0},
        {USER(EXEC("env: [{name: 'A=', value: hush}], interactiveMode: Never")), "without a \"=\"", 0},
        {USER(EXEC("env: [{name: A, value: 5}], interactiveMode: Never")), "exec env has to be a list of {name", 0},
        {USER(EXEC("env: [hush], interactiveMode: Never")), "exec env has to be a list of {name", 0},
        {USER(EXEC("args: []")), "exec interactiveMode is missing: Never, IfAvailable or Always", 0},
        {USER(EXEC("interactiveMode: never")), "exec interactiveMode has to be Never, IfAvailable or Always", 0},
        {USER(EXEC("interactiveMode: Never, provideClusterInfo: 'yes'")), "provideClusterInfo has to be true", 0},
        {USER(EXEC("interactiveMode: Never, installHint: [x]")), "exec installHint has to be a text", 0},
        {USER(EXEC("interactiveMode: Never") ", token: hush"), "exec and a token exclude each other", 0},
        {USER(EXEC("interactiveMode: Never") ", tokenFile: f"), "exec and a token exclude each other", 0},
        {USER(EXEC("interactiveMode: Never") ", username: u, password: hush"), "exec and username exclude", 0},
        {CONTEXT "clusters: [{name: c, cluster: {server: 'http://s'}}]\nusers: [{name: u, user: {" EXEC(
             "interactiveMode: Never") "}}]\n",
         "credentials go over https:// only", 0},
        {WITH_CLUSTER("server: 'https://u:hush@s'"), "server has to be a URL that starts with https://, without", 0},
        {WITH_CLUSTER("server: 'https://s/?hush'"), "without user name, query", 0},
        {WITH_CLUSTER("server: 'https://'"), "server has to be a URL", 0},
        {WITH_CLUSTER("server: 'https://s', proxy-url: 'http://u:hush@p:port'"), "proxy-url has to be a URL", 0},
        {WITH_CLUSTER("server: 'https://s', disable-compression: 1"), "disable-compression has to be true", 0},
        {USER("auth-provider: {name: gcp, config: {access-token: hush}}"),
         "auth-provider is no longer supported by Kubernetes either: use exec", 0},
        {CONTEXT "clusters: [{name: c, cluster: {server: 'http://s'}}]\nusers: [{name: u, user: {token: hush}}]\n",
         "credentials go over https:// only", 0},
    };
    const struct fixture *fixture = *state;
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free char *path = put(fixture, "a", cases[i].content);
        int code = cases[i].code ? cases[i].code : ERROR_BAD_INPUT;
        expect_error(path, NULL, code, cases[i].text);
        expect_error(path, NULL, code, path);
    }
}

static void test_plugins_and_impersonation(void **state)
{
    const struct fixture *fixture = *state;
    cleanup_free char *path =
        put(fixture, "a",
            "current-context: one\n"
            "clusters:\n"
            "- name: c\n"
            "  cluster:\n"
            "    server: https://s\n"
            "    disable-compression: true\n"
            "    extensions:\n"
            "    - {name: other, extension: {x: 1}}\n"
            "    - {name: client.authentication.k8s.io/exec, extension: {audience: a, list: [1, true]}}\n"
            "contexts:\n"
            "- {name: one, context: {cluster: c, user: one, extensions: []}}\n"
            "- {name: two, context: {cluster: c, user: two}}\n"
            "- {name: three, context: {cluster: c, user: three}}\n"
            "users:\n"
            "- name: one\n"
            "  user:\n"
            "    as: jane\n"
            "    as-uid: '7'\n"
            "    as-groups: [g1, g2]\n"
            "    as-user-extra: {k1: [v1, ''], k2: [], k3: [v3]}\n"
            "    exec:\n"
            "      apiVersion: client.authentication.k8s.io/v1\n"
            "      command: bin/get-token\n"
            "      args: [--cluster, 'a b', '']\n"
            "      env: [{name: A, value: hush}, {name: B, value: ''}, {name: C}]\n"
            "      installHint: |\n"
            "        Get it.\n"
            "      provideClusterInfo: true\n"
            "      interactiveMode: Always\n"
            "- name: two\n"
            "  user:\n"
            "    client-certificate: cert.pem\n"
            "    client-key: key.pem\n"
            "    exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: get-token, args: null, env: null}\n"
            "- name: three\n"
            "  user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/x, interactiveMode: Never}}\n");
    cleanup_free char *command = xasprintf("%s/bin/get-token", fixture->folder);
    cleanup_free char *certificate = put(fixture, "cert.pem", "CERT");
    cleanup_free char *key = put(fixture, "key.pem", "KEY");
    struct kube_config *one = load(path, NULL);
    assert_true(one->disable_compression);
    assert_string_equal(one->exec->command, command);
    assert_string_equal(one->exec->api_version, "client.authentication.k8s.io/v1");
    assert_string_equal(one->exec->arguments[0], "--cluster");
    assert_string_equal(one->exec->arguments[1], "a b");
    assert_string_equal(one->exec->arguments[2], "");
    assert_null(one->exec->arguments[3]);
    assert_string_equal(one->exec->environment[0], "A=hush");
    assert_string_equal(one->exec->environment[1], "B=");
    assert_string_equal(one->exec->environment[2], "C=");
    assert_null(one->exec->environment[3]);
    assert_string_equal(one->exec->install_hint, "Get it.\n");
    assert_true(one->exec->provides_cluster_info);
    assert_int_equal(one->exec->interactive, KUBE_INTERACTIVE_ALWAYS);
    assert_string_equal(one->exec->cluster_config, "{\"audience\":\"a\",\"list\":[1,true]}");
    assert_string_equal(one->impersonate_user, "jane");
    assert_string_equal(one->impersonate_uid, "7");
    assert_string_equal(one->impersonate_groups[1], "g2");
    assert_null(one->impersonate_groups[2]);
    assert_int_equal(one->impersonate_extra_count, 3);
    assert_string_equal(one->impersonate_extra[1].key, "k1");
    assert_string_equal(one->impersonate_extra[1].value, "");
    assert_string_equal(one->impersonate_extra[2].key, "k3");
    kube_config_free(one);
    struct kube_config *two = load(path, "two");
    assert_string_equal(two->exec->command, "get-token"); /* PATH's affair */
    assert_int_equal(two->exec->interactive, KUBE_INTERACTIVE_IF_AVAILABLE);
    assert_null(two->exec->arguments[0]);
    assert_null(two->exec->environment[0]);
    assert_string_equal(two->client_certificate, "CERT");
    assert_string_equal(two->client_certificate_file, certificate);
    assert_string_equal(two->client_key, "KEY");
    assert_string_equal(two->client_key_file, key);
    assert_null(two->impersonate_groups);
    kube_config_free(two);
    struct kube_config *three = load(path, "three");
    assert_string_equal(three->exec->command, "/bin/x");
    assert_int_equal(three->exec->interactive, KUBE_INTERACTIVE_NEVER);
    assert_false(three->exec->provides_cluster_info);
    kube_config_free(three);
}

static void test_json_is_yaml_and_empty_lists_are_nothing(void **state)
{
    const struct fixture *fixture = *state;
    cleanup_free char *path = put(fixture, "a",
                                  "{\"current-context\":\"x\",\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":"
                                  "\"c\",\"user\":\"u\"}}],\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":"
                                  "\"http://127.0.0.1:8001\",\"certificate-authority\":\"\"}}],\"users\":[{\"name\":"
                                  "\"u\",\"user\":{\"as-groups\":[],\"exec\":null,\"token\":\"\"}}]}");
    struct kube_config *config = load(path, NULL);
    assert_string_equal(config->server, "http://127.0.0.1:8001");
    assert_null(config->token);
    assert_null(config->ca_file);
    kube_config_free(config);
}

static void test_inside_a_pod(void **state)
{
    static const struct {
        const char *host, *server;
    } hosts[] = {{"10.0.0.1", "https://10.0.0.1:443"}, {"fd00::1", "https://[fd00::1]:443"}};
    const struct fixture *fixture = *state;
    struct pod_config_environment environment = {.port = "443", .folder = fixture->folder};
    struct kube_config *config = NULL;
    struct error err;
    environment.host = "10.0.0.1";
    assert_int_equal(pod_config_read(&environment, &config, &err), ERROR_NOT_FOUND);
    assert_non_null(strstr(err.text, "automountServiceAccountToken"));
    cleanup_free char *token = put(fixture, "token", "");
    assert_int_equal(pod_config_read(&environment, &config, &err), ERROR_BAD_INPUT);
    assert_non_null(strstr(err.text, token));
    free(put(fixture, "token", "hush\n"));
    for (size_t i = 0; i < array_length(hosts); i++) {
        environment.host = hosts[i].host;
        assert_int_equal(pod_config_read(&environment, &config, &err), 0);
        assert_string_equal(config->server, hosts[i].server);
        assert_string_equal(config->token_file, token);
        assert_null(config->token);
        assert_null(config->ca_file);
        assert_string_equal(config->namespace_name, "default");
        assert_string_equal(config->source, "in-cluster");
        kube_config_free(config);
    }
    cleanup_free char *ca = put(fixture, "ca.crt", "x");
    free(put(fixture, "namespace", "from-file\n"));
    assert_int_equal(pod_config_read(&environment, &config, &err), 0);
    assert_string_equal(config->ca_file, ca);
    assert_string_equal(config->namespace_name, "from-file");
    kube_config_free(config);
    environment.namespace_name = "from-environment";
    assert_int_equal(pod_config_read(&environment, &config, &err), 0);
    assert_string_equal(config->namespace_name, "from-environment");
    kube_config_free(config);
    static const char *const bad_ports[] = {"0", "65536", "https", "443 "};
    for (size_t i = 0; i < array_length(bad_ports); i++) {
        environment.port = bad_ports[i];
        assert_int_equal(pod_config_read(&environment, &config, &err), ERROR_BAD_INPUT);
    }
    environment.port = "443";
    environment.host = "evil/x";
    assert_int_equal(pod_config_read(&environment, &config, &err), ERROR_BAD_INPUT);
}

static void test_pod_or_kubeconfig(void **state)
{
    const struct fixture *fixture = *state;
    cleanup_free char *path = put(fixture, "a", USER("token: hush"));
    setenv("KUBECONFIG", path, 1);
    setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
    kube_config_free(load(NULL, NULL)); /* without the port it is no pod */
    setenv("KUBERNETES_SERVICE_PORT", "no-port", 1);
    expect_error(NULL, NULL, ERROR_BAD_INPUT, "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT");
    kube_config_free(load(path, NULL)); /* an explicit file comes first, */
    kube_config_free(load(NULL, "x"));  /* and a context means a kubeconfig */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_everything_that_a_context_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_are_merged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_to_go_by, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plugins_and_impersonation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json_is_yaml_and_empty_lists_are_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_inside_a_pod, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pod_or_kubeconfig, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
