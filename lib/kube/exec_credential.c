#include "exec_credential.h"

#include <openssl/evp.h>
#include <string.h>

#include "certificate.h"
#include "kubeconfig.h"
#include "kubeconfig_entry.h"
#include "proget/core/clock.h"
#include "proget/core/json.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "token.h"

#define REQUEST_VARIABLE "KUBERNETES_EXEC_INFO"

void exec_credential_release(struct exec_credential *credential)
{
    memory_wipe_free(credential->token);
    memory_wipe_free(credential->certificate);
    memory_wipe_free(credential->key);
    *credential = (struct exec_credential){0};
}

/* *target (owned) stays where the member is absent or empty. */
static int take_text(struct json_object *status, const char *member, char **target, struct error *err)
{
    struct json_object *value = json_member(status, member);
    const char *text = entry_text_of(value);
    if (value && !text) {
        return error_set(err, ERROR_BAD_INPUT, "its status.%s is no text", member);
    }
    if (!text_is_empty(text)) {
        *target = xstrdup(text);
    }
    return 0;
}

static int check_status(const struct exec_credential *credential, struct error *err)
{
    if (!credential->certificate != !credential->key) {
        return error_set(err, ERROR_BAD_INPUT,
                         "it gave one of status.clientCertificateData and status.clientKeyData: both or neither");
    }
    if (!credential->token && !credential->certificate) {
        return error_set(err, ERROR_BAD_INPUT, "it gave neither a token nor a client certificate in status");
    }
    if (credential->token && token_check(credential->token, "", NULL) < 0) {
        return error_set(err, ERROR_BAD_INPUT, "its status.token holds a character that no token has");
    }
    return credential->certificate ? certificate_check_pair(credential->certificate, credential->key, err) : 0;
}

static int read_status(struct json_object *status, struct exec_credential *credential, struct error *err)
{
    cleanup_free char *expires = NULL;
    int result = take_text(status, "token", &credential->token, err);
    result = result < 0 ? result : take_text(status, "clientCertificateData", &credential->certificate, err);
    result = result < 0 ? result : take_text(status, "clientKeyData", &credential->key, err);
    result = result < 0 ? result : take_text(status, "expirationTimestamp", &expires, err);
    if (result == 0 && expires && clock_parse(expires, &credential->expires_us) < 0) {
        return error_set(err, ERROR_BAD_INPUT, "its status.expirationTimestamp is no RFC 3339 time");
    }
    return result < 0 ? result : check_status(credential, err);
}

static int read_object(struct json_object *object, const char *api_version, struct exec_credential *credential,
                       struct error *err)
{
    struct json_object *status = json_member(object, "status");
    if (!text_equal(json_text_at(object, "kind", NULL), "ExecCredential")) {
        return error_set(err, ERROR_BAD_INPUT, "what it wrote is no ExecCredential");
    }
    if (!text_equal(json_text_at(object, "apiVersion", NULL), api_version)) {
        return error_set(err, ERROR_BAD_INPUT,
                         "its ExecCredential is not of the apiVersion that the kubeconfig names, which is %s",
                         api_version);
    }
    if (!json_object_is_type(status, json_type_object)) {
        return error_set(err, ERROR_BAD_INPUT, "its ExecCredential has no status");
    }
    return read_status(status, credential, err);
}

int exec_credential_parse(const char *output, size_t length, const char *api_version, struct exec_credential *ret,
                          struct error *err)
{
    struct exec_credential credential = {0};
    struct json_object *object = NULL;
    struct error problem;
    if (json_parse(output, length, &object, &problem) < 0) {
        return error_set(err, ERROR_BAD_INPUT, "what it wrote is no JSON (%s)", problem.text);
    }
    int result = read_object(object, api_version, &credential, err);
    kubeconfig_wipe(object);
    if (result < 0) {
        exec_credential_release(&credential);
        return result;
    }
    *ret = credential;
    return 0;
}

static void add_cluster(struct json_object *spec, const struct kube_config *config, const char *ca)
{
    struct json_object *cluster = json_add_object(spec, "cluster");
    json_add_text(cluster, "server", config->server);
    json_add_text(cluster, "tls-server-name", config->tls_server_name);
    json_add_text(cluster, "proxy-url", config->proxy_url);
    if (config->insecure) {
        json_add_bool(cluster, "insecure-skip-tls-verify", true);
    }
    if (config->disable_compression) {
        json_add_bool(cluster, "disable-compression", true);
    }
    if (ca) {
        size_t length = strnlen(ca, BOUND_SMALL_FILE);
        cleanup_free char *encoded = xmalloc((length + 2) / 3 * 4 + 1);
        (void) EVP_EncodeBlock((unsigned char *) encoded, (const unsigned char *) ca, (int) length);
        json_add_text(cluster, "certificate-authority-data", encoded);
    }
    struct json_object *settings = NULL;
    const char *text = config->exec->cluster_config;
    if (text && json_parse(text, strlen(text), &settings, NULL) == 0) {
        json_object_object_add(cluster, "config", settings);
    }
}

char *exec_credential_request(const struct kube_config *config, const char *ca, bool is_interactive)
{
    struct json_object *object = json_object_new_object();
    json_add_text(object, "apiVersion", config->exec->api_version);
    json_add_text(object, "kind", "ExecCredential");
    struct json_object *spec = json_add_object(object, "spec");
    json_add_bool(spec, "interactive", is_interactive);
    if (config->exec->provides_cluster_info) {
        add_cluster(spec, config, ca);
    }
    char *text = xstrdup(json_text(object));
    /* json-c keeps the text that it made; it is wiped like the tree. */
    memory_wipe((void *) (uintptr_t) json_text(object), strlen(text));
    kubeconfig_wipe(object);
    return text;
}

static bool is_same_name(const char *a, const char *b)
{
    size_t length = strcspn(a, "=");
    return strncmp(a, b, length) == 0 && b[length] == '=' && a[length] == '=';
}

/* Puts a copy of `variable` in, in the place of one of that name. */
static size_t put_variable(char **environment, size_t count, const char *variable)
{
    for (size_t i = 0; i < count; i++) {
        if (is_same_name(environment[i], variable)) {
            memory_wipe_free(environment[i]);
            environment[i] = xstrdup(variable);
            return count;
        }
    }
    environment[count] = xstrdup(variable);
    return count + 1;
}

char **exec_environment_new(const char *const *ours, const struct kube_exec *exec, const char *request)
{
    size_t size = 2; /* the request and the end */
    size_t count = 0;
    for (const char *const *at = ours; *at; at++) {
        size++;
    }
    for (char **at = exec->environment; *at; at++) {
        size++;
    }
    char **environment = xcalloc(size, sizeof(*environment));
    for (const char *const *at = ours; *at; at++) {
        count = put_variable(environment, count, *at);
    }
    for (char **at = exec->environment; *at; at++) {
        count = put_variable(environment, count, *at);
    }
    char *variable = xasprintf("%s=%s", REQUEST_VARIABLE, request);
    (void) put_variable(environment, count, variable);
    memory_wipe_free(variable);
    return environment;
}

void exec_environment_free(char **environment)
{
    for (char **at = environment; at && *at; at++) {
        memory_wipe_free(*at);
    }
    free(environment);
}
