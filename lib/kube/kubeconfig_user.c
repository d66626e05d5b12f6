#include "kubeconfig_user.h"

#include <string.h>

#include "exec_credential.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "token.h"

#define EXEC_EXTENSION "client.authentication.k8s.io/exec"

static bool has_control_character(const char *text)
{
    for (const unsigned char *at = (const unsigned char *) text; at && *at; at++) {
        if (*at < ' ' || *at == 0x7f) {
            return true;
        }
    }
    return false;
}

/* Each becomes a line of the request's head. */
static int check_header(const struct entry *user, const char *member, const char *value, struct error *err)
{
    return has_control_character(value) ? entry_error(user, member, "holds a control character", err) : 0;
}

/* The values of one key. */
static int read_extra_key(const struct entry *extra, const char *key, struct json_object *values,
                          struct kube_config *config, struct error *err)
{
    char shown[ENTRY_NAME_LENGTH_MAX];
    text_copy_cut(shown, sizeof(shown), *key ? key : "\"\"");
    text_make_printable(shown);
    if (!*key) {
        return entry_error(extra, shown, "is no name of a key", err);
    }
    if (values && !json_object_is_type(values, json_type_array)) {
        return entry_error(extra, shown, "has to be a list of texts", err);
    }
    for (size_t i = 0; values && i < json_object_array_length(values); i++) {
        const char *value = entry_text_of(json_object_array_get_idx(values, i));
        size_t count = config->impersonate_extra_count;
        if (!value || has_control_character(value)) {
            return entry_error(extra, shown, "has to be a list of texts without control characters", err);
        }
        if (count == ENTRY_LIST_LENGTH_MAX) {
            return entry_error(extra, shown, "has too many values", err);
        }
        config->impersonate_extra = xrealloc(config->impersonate_extra, count + 1, sizeof(struct kube_extra));
        config->impersonate_extra[count] = (struct kube_extra){xstrdup(key), xstrdup(value)};
        config->impersonate_extra_count = count + 1;
    }
    return 0;
}

/* A mapping of keys, each with a list of texts. */
static int read_extra(const struct entry *user, struct kube_config *config, struct error *err)
{
    static const char member[] = "as-user-extra";
    struct entry extra = *user;
    extra.part = "as-user-extra ";
    extra.body = json_member(user->body, member);
    if (!extra.body) {
        return 0;
    }
    if (!json_object_is_type(extra.body, json_type_object)) {
        return entry_error(user, member, "has to be a mapping of keys to lists of texts", err);
    }
    json_object_object_foreach(extra.body, key, values)
    {
        int result = read_extra_key(&extra, key, values, config, err);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static int read_impersonation(const struct entry *user, struct kube_config *config, struct error *err)
{
    int result = entry_copy(user, "as", &config->impersonate_user, err);
    result = result < 0 ? result : entry_copy(user, "as-uid", &config->impersonate_uid, err);
    result = result < 0 ? result : entry_texts(user, "as-groups", &config->impersonate_groups, err);
    result = result < 0 ? result : read_extra(user, config, err);
    result = result < 0 ? result : check_header(user, "as", config->impersonate_user, err);
    result = result < 0 ? result : check_header(user, "as-uid", config->impersonate_uid, err);
    for (char **group = config->impersonate_groups; result == 0 && group && *group; group++) {
        result = **group ? check_header(user, "as-groups", *group, err)
                         : entry_error(user, "as-groups", "holds an empty text", err);
    }
    if (result < 0 || config->impersonate_user) {
        return result;
    }
    const char *alone = config->impersonate_uid           ? "as-uid"
                        : config->impersonate_groups      ? "as-groups"
                        : config->impersonate_extra_count ? "as-user-extra"
                                                          : NULL;
    return alone ? entry_error(user, alone, "needs \"as\" beside it: the name of the user to act as", err) : 0;
}

static int read_interactive(const struct entry *exec, struct kube_exec *target, struct error *err)
{
    static const struct {
        const char *name;
        enum kube_interactive value;
    } modes[] = {
        {"Never", KUBE_INTERACTIVE_NEVER},
        {"IfAvailable", KUBE_INTERACTIVE_IF_AVAILABLE},
        {"Always", KUBE_INTERACTIVE_ALWAYS},
    };
    const char *name = NULL;
    int result = entry_text(exec, "interactiveMode", &name, err);
    if (result < 0) {
        return result;
    }
    if (!name && text_equal(target->api_version, EXEC_CREDENTIAL_V1BETA1)) {
        target->interactive = KUBE_INTERACTIVE_IF_AVAILABLE;
        return 0;
    }
    for (size_t i = 0; name && i < array_length(modes); i++) {
        if (text_equal(name, modes[i].name)) {
            target->interactive = modes[i].value;
            return 0;
        }
    }
    return entry_error(exec, "interactiveMode",
                       name ? "has to be Never, IfAvailable or Always" : "is missing: Never, IfAvailable or Always",
                       err);
}

static int read_environment(const struct entry *exec, struct kube_exec *target, struct error *err)
{
    struct json_object *list = NULL;
    int result = entry_list(exec, "env", &list, err);
    if (result < 0) {
        return result;
    }
    size_t count = list ? json_object_array_length(list) : 0;
    target->environment = xcalloc(count + 1, sizeof(char *));
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        struct json_object *value_member = json_member(item, "value");
        const char *name = entry_text_of(json_member(item, "name"));
        const char *value = value_member ? entry_text_of(value_member) : "";
        if (text_is_empty(name) || strchr(name, '=') || !value) {
            return entry_error(exec, "env", "has to be a list of {name: TEXT, value: TEXT}, the name without a \"=\"",
                               err);
        }
        target->environment[i] = xasprintf("%s=%s", name, value);
    }
    return 0;
}

/* What the cluster's entry has for plugins. */
static int read_cluster_config(const struct entry *cluster, struct kube_exec *target, struct error *err)
{
    struct json_object *list = NULL;
    int result = entry_list(cluster, "extensions", &list, err);
    for (size_t i = 0; result == 0 && list && i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        struct json_object *extension = json_member(item, "extension");
        if (text_equal(json_text_at(item, "name", NULL), EXEC_EXTENSION) && extension && !target->cluster_config) {
            target->cluster_config = xstrdup(json_text(extension));
        }
    }
    return result;
}

static int read_command(const struct entry *exec, struct kube_exec *target, struct error *err)
{
    const char *command = NULL;
    int result = entry_text(exec, "command", &command, err);
    if (result < 0) {
        return result;
    }
    if (!command) {
        return entry_error(exec, "command", "is missing: the program to run", err);
    }
    /* A bare name is looked up in PATH. */
    target->command = strchr(command, '/') ? entry_resolve(exec, command) : xstrdup(command);
    return 0;
}

static int read_exec(const struct entry *user, const struct entry *cluster, struct kube_config *config,
                     struct error *err)
{
    struct json_object *body = json_member(user->body, "exec");
    if (!body) {
        return 0;
    }
    if (!json_object_is_type(body, json_type_object)) {
        return entry_error(user, "exec", "has to be a mapping", err);
    }
    struct entry exec = *user;
    exec.part = "exec ";
    exec.body = body;
    struct kube_exec *target = config->exec = xcalloc(1, sizeof(*target));
    int result = read_command(&exec, target, err);
    result = result < 0 ? result : entry_copy(&exec, "apiVersion", &target->api_version, err);
    if (result == 0 && !text_equal(target->api_version, EXEC_CREDENTIAL_V1) &&
        !text_equal(target->api_version, EXEC_CREDENTIAL_V1BETA1)) {
        return entry_error(&exec, "apiVersion",
                           "has to be " EXEC_CREDENTIAL_V1 " or " EXEC_CREDENTIAL_V1BETA1
                           ": update the plugin, or have its kubeconfig written anew",
                           err);
    }
    result = result < 0 ? result : entry_texts(&exec, "args", &target->arguments, err);
    result = result < 0 ? result : read_environment(&exec, target, err);
    result = result < 0 ? result : entry_copy(&exec, "installHint", &target->install_hint, err);
    result = result < 0 ? result : entry_bool(&exec, "provideClusterInfo", &target->provides_cluster_info, err);
    result = result < 0 ? result : read_interactive(&exec, target, err);
    if (!target->arguments) {
        target->arguments = xcalloc(1, sizeof(char *));
    }
    return result < 0 ? result : read_cluster_config(cluster, target, err);
}

static int check_user(const struct entry *user, const struct kube_config *config, struct error *err)
{
    bool has_certificate = config->client_certificate || config->client_certificate_file;
    bool has_key = config->client_key || config->client_key_file;
    bool has_token = config->token || config->token_file;
    if (has_certificate != has_key) {
        return entry_error(user, has_key ? "client-certificate" : "client-key", "is missing: both or neither", err);
    }
    if (has_token && config->username) {
        return entry_error(user, NULL, "token and username exclude each other: keep one of them", err);
    }
    if (config->exec && (has_token || config->username)) {
        return entry_error(user, "exec",
                           has_token ? "and a token exclude each other: keep one of them"
                                     : "and username exclude each other: keep one of them",
                           err);
    }
    if (config->password && !config->username) {
        return entry_error(user, "username", "is missing beside password", err);
    }
    if (config->token && token_check(config->token, "", NULL) < 0) {
        return entry_error(user, "token", "holds a character that no token has", err);
    }
    bool has_any = has_token || config->username || has_certificate || config->exec || config->impersonate_user;
    if (has_any && !text_starts_with(config->server, "https://")) {
        return entry_error(user, NULL, "credentials go over https:// only", err);
    }
    return 0;
}

int kubeconfig_read_user(const struct entry *user, const struct entry *cluster, struct kube_config *config,
                         struct error *err)
{
    if (json_member(user->body, "auth-provider")) {
        return entry_error(user, "auth-provider",
                           "is no longer supported by Kubernetes either: use exec, a token or a client certificate",
                           err);
    }
    int result =
        entry_pem(user, "client-certificate", &config->client_certificate, &config->client_certificate_file, err);
    result = result < 0 ? result : entry_pem(user, "client-key", &config->client_key, &config->client_key_file, err);
    result = result < 0 ? result : entry_copy(user, "token", &config->token, err);
    result = result < 0 ? result : entry_path(user, "tokenFile", &config->token_file, err);
    result = result < 0 ? result : entry_copy(user, "username", &config->username, err);
    result = result < 0 ? result : entry_copy(user, "password", &config->password, err);
    result = result < 0 ? result : read_exec(user, cluster, config, err);
    result = result < 0 ? result : read_impersonation(user, config, err);
    return result < 0 ? result : check_user(user, config, err);
}
