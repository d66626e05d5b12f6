#include "../../lib/kube/exec_credential.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_server.h"
#include "proget/core/json.h"
#include "proget/core/memory.h"

#define HEAD           "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" EXEC_CREDENTIAL_V1 "\","
#define STATUS(status) HEAD "\"status\":{" status "}}"

static void test_what_is_refused(void **state)
{
    static const struct {
        const char *output, *text;
    } cases[] = {
        {"", "is no JSON"},
        {"hush", "is no JSON"},
        {"null", "no ExecCredential"},
        {"[\"hush\"]", "no ExecCredential"},
        {"{\"kind\":\"Secret\",\"apiVersion\":\"" EXEC_CREDENTIAL_V1 "\"}", "no ExecCredential"},
        {"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" EXEC_CREDENTIAL_V1BETA1 "\",\"status\":{\"token\":\"hush\"}}",
         "not of the apiVersion that the kubeconfig names, which is " EXEC_CREDENTIAL_V1},
        {"{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"hush\"}}", "not of the apiVersion"},
        {HEAD "\"spec\":{}}", "has no status"},
        {HEAD "\"status\":\"hush\"}", "has no status"},
        {STATUS(""), "neither a token nor a client certificate"},
        {STATUS("\"token\":\"\""), "neither a token nor"},
        {STATUS("\"token\":7"), "status.token is no text"},
        {STATUS("\"token\":\"hush hush\""), "status.token holds a character"},
        {STATUS("\"token\":\"hush\\r\\nX: y\""), "status.token holds a character"},
        {STATUS("\"token\":\"hush\\u0000\""), "status.token is no text"},
        {STATUS("\"token\":\"hush\",\"clientKeyData\":\"hush\""), "both or neither"},
        {STATUS("\"clientCertificateData\":\"hush\""), "both or neither"},
        {STATUS("\"clientCertificateData\":\"hush\",\"clientKeyData\":\"hush\""), "no PEM certificate"},
        {STATUS("\"token\":\"hush\",\"expirationTimestamp\":\"tomorrow\""), "no RFC 3339 time"},
        {STATUS("\"token\":\"hush\",\"expirationTimestamp\":5}"), "is no"},
        {STATUS("\"token\":\"hush\"") "x", "is no JSON"},
    };
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        struct exec_credential credential = {0};
        struct error err;
        assert_int_equal(
            exec_credential_parse(cases[i].output, strlen(cases[i].output), EXEC_CREDENTIAL_V1, &credential, &err),
            ERROR_BAD_INPUT);
        if (!strstr(err.text, cases[i].text)) {
            fail_msg("%s: %s", cases[i].output, err.text);
        }
        assert_null(strstr(err.text, "hush"));
        assert_null(credential.token);
    }
}

static void parse(const char *output, const char *api_version, struct exec_credential *credential)
{
    struct error err;
    if (exec_credential_parse(output, strlen(output), api_version, credential, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

static void test_what_is_taken(void **state)
{
    struct fake_identity identity = fake_identity_new("test CA", "DNS:user", 3600);
    struct fake_identity other = fake_identity_new("other CA", "DNS:user", 3600);
    struct exec_credential credential;
    struct error err;
    (void) state;
    parse(STATUS("\"token\":\"abc\",\"extra\":[1]") "\n", EXEC_CREDENTIAL_V1, &credential);
    assert_string_equal(credential.token, "abc");
    assert_null(credential.certificate);
    assert_int_equal(credential.expires_us, 0);
    exec_credential_release(&credential);
    assert_null(credential.token);
    parse("{\"kind\":\"ExecCredential\",\"apiVersion\":\"" EXEC_CREDENTIAL_V1BETA1
          "\",\"status\":{\"token\":\"abc\",\"expirationTimestamp\":\"1970-01-01T00:00:07Z\"}}",
          EXEC_CREDENTIAL_V1BETA1, &credential);
    assert_int_equal(credential.expires_us, 7000000);
    exec_credential_release(&credential);
    for (int fits = 0; fits <= 1; fits++) {
        cleanup_json struct json_object *object = NULL;
        assert_int_equal(json_parse(HEAD "\"a\":1}", strlen(HEAD "\"a\":1}"), &object, &err), 0);
        struct json_object *status = json_add_object(object, "status");
        json_add_text(status, "clientCertificateData", identity.certificate);
        json_add_text(status, "clientKeyData", fits ? identity.key : other.key);
        const char *text = json_text(object);
        if (!fits) {
            assert_int_equal(exec_credential_parse(text, strlen(text), EXEC_CREDENTIAL_V1, &credential, &err),
                             ERROR_BAD_INPUT);
            assert_non_null(strstr(err.text, "does not belong to the client certificate"));
            continue;
        }
        parse(text, EXEC_CREDENTIAL_V1, &credential);
        assert_string_equal(credential.certificate, identity.certificate);
        assert_string_equal(credential.key, identity.key);
        assert_null(credential.token);
        exec_credential_release(&credential);
    }
    fake_identity_free(&identity);
    fake_identity_free(&other);
}

static void test_request(void **state)
{
    char version[] = EXEC_CREDENTIAL_V1;
    char settings[] = "{\"audience\":[\"a\"]}";
    char server[] = "https://s:6443/x";
    char name[] = "kubernetes";
    char proxy[] = "http://user:pass@p:1";
    struct kube_exec exec = {.api_version = version, .cluster_config = settings};
    struct kube_config config = {
        .server = server, .tls_server_name = name, .proxy_url = proxy, .disable_compression = true, .exec = &exec};
    (void) state;
    char *text = exec_credential_request(&config, "CA", /* is_interactive= */ true);
    assert_string_equal(text, "{\"apiVersion\":\"" EXEC_CREDENTIAL_V1
                              "\",\"kind\":\"ExecCredential\",\"spec\":{\"interactive\":true}}");
    free(text);
    exec.provides_cluster_info = true;
    text = exec_credential_request(&config, "CA", /* is_interactive= */ false);
    assert_string_equal(text, "{\"apiVersion\":\"" EXEC_CREDENTIAL_V1
                              "\",\"kind\":\"ExecCredential\",\"spec\":{\"interactive\":false,\"cluster\":{\"server\":"
                              "\"https://s:6443/x\",\"tls-server-name\":\"kubernetes\",\"proxy-url\":"
                              "\"http://user:pass@p:1\",\"disable-compression\":true,\"certificate-authority-data\":"
                              "\"Q0E=\",\"config\":{\"audience\":[\"a\"]}}}}");
    free(text);
    exec.cluster_config = NULL;
    config = (struct kube_config){.server = server, .insecure = true, .exec = &exec};
    text = exec_credential_request(&config, NULL, /* is_interactive= */ false);
    assert_string_equal(text, "{\"apiVersion\":\"" EXEC_CREDENTIAL_V1
                              "\",\"kind\":\"ExecCredential\",\"spec\":{\"interactive\":false,\"cluster\":{\"server\":"
                              "\"https://s:6443/x\",\"insecure-skip-tls-verify\":true}}}");
    free(text);
}

static void test_environment(void **state)
{
    static const char *const ours[] = {"PATH=/bin", "A=ours", "AB=2", "KUBERNETES_EXEC_INFO=old", NULL};
    static const char *const expected[] = {"PATH=/bin", "A=second", "AB=2", "KUBERNETES_EXEC_INFO={}", "B=", NULL};
    char first[] = "A=first";
    char other[] = "B=";
    char second[] = "A=second";
    char info[] = "KUBERNETES_EXEC_INFO=own";
    char *own[] = {first, other, second, info, NULL};
    struct kube_exec exec = {.environment = own};
    (void) state;
    char **environment = exec_environment_new(ours, &exec, "{}");
    for (size_t i = 0; i < array_length(expected); i++) {
        if (expected[i]) {
            assert_string_equal(environment[i], expected[i]);
        } else {
            assert_null(environment[i]);
        }
    }
    exec_environment_free(environment);
    exec_environment_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_what_is_taken),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
