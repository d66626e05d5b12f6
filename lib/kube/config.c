#include "proget/kube/config.h"

#include <string.h>

#include "kubeconfig.h"
#include "pod_config.h"
#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/core/yaml.h"

/* The files of one search, as read. */
struct file_list {
    struct kubeconfig_file files[KUBECONFIG_FILES_MAX];
    size_t count;
};

static void file_list_release(struct file_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->files[i].path);
        kubeconfig_wipe(list->files[i].tree);
    }
    list->count = 0;
}
#define cleanup_file_list __attribute__((cleanup(file_list_release)))

/* Ends with NULL. */
static void wipe_free_texts(char **texts)
{
    for (char **text = texts; text && *text; text++) {
        memory_wipe_free(*text);
    }
    free(texts);
}

static void exec_free(struct kube_exec *exec)
{
    if (!exec) {
        return;
    }
    free(exec->command);
    wipe_free_texts(exec->arguments);
    wipe_free_texts(exec->environment);
    free(exec->api_version);
    free(exec->install_hint);
    memory_wipe_free(exec->cluster_config);
    free(exec);
}

void kube_config_free(struct kube_config *config)
{
    if (!config) {
        return;
    }
    free(config->server);
    free(config->ca_file);
    free(config->ca_data);
    free(config->tls_server_name);
    memory_wipe_free(config->proxy_url); /* may carry a password */
    memory_wipe_free(config->token);
    free(config->token_file);
    free(config->client_certificate);
    memory_wipe_free(config->client_key);
    memory_wipe_free(config->username);
    memory_wipe_free(config->password);
    free(config->client_certificate_file);
    free(config->client_key_file);
    exec_free(config->exec);
    free(config->impersonate_user);
    free(config->impersonate_uid);
    wipe_free_texts(config->impersonate_groups);
    for (size_t i = 0; i < config->impersonate_extra_count; i++) {
        free(config->impersonate_extra[i].key);
        memory_wipe_free(config->impersonate_extra[i].value);
    }
    free(config->impersonate_extra);
    free(config->namespace_name);
    free(config->source);
    free(config);
}

/* Adds a file to the list. ERROR_NOT_FOUND where there is none. */
static int add_file(struct file_list *list, const char *path, struct error *err)
{
    if (list->count == KUBECONFIG_FILES_MAX) {
        return error_set(err, ERROR_TOO_LARGE, "more than %d kubeconfig files", KUBECONFIG_FILES_MAX);
    }
    cleanup_buffer struct buffer content = BUFFER_SECRET_INIT(BOUND_INPUT_FILE);
    struct json_object *tree = NULL;
    int result = buffer_read_file(&content, path, err);
    if (result < 0) {
        return result;
    }
    bool is_blank = strspn(buffer_text(&content), " \t\r\n") == content.length;
    result = is_blank ? 0 : yaml_parse(buffer_text(&content), content.length, path, &tree, err);
    if (result < 0) {
        return result;
    }
    list->files[list->count++] = (struct kubeconfig_file){.path = xstrdup(path), .tree = tree};
    return 0;
}

/* Reads a PEM file that a user entry names. */
static int read_pem(const char *path, const char *member, char **target, struct error *err)
{
    if (!path) {
        return 0;
    }
    cleanup_buffer struct buffer content = BUFFER_SECRET_INIT(BOUND_SMALL_FILE);
    struct error problem;
    int result = buffer_read_file(&content, path, &problem);
    if (result < 0) {
        return error_set(err, problem.code, "%s: %s", member, problem.text);
    }
    *target = xstrdup(buffer_text(&content));
    return 0;
}

static int resolve(const struct file_list *list, const char *context, struct kube_config **ret_config,
                   struct error *err)
{
    struct kube_config *config = NULL;
    int result = kubeconfig_resolve(list->files, list->count, context, &config, err);
    if (result < 0) {
        return result;
    }
    result = read_pem(config->client_certificate_file, "client-certificate", &config->client_certificate, err);
    result = result < 0 ? result : read_pem(config->client_key_file, "client-key", &config->client_key, err);
    if (result < 0) {
        error_wrap(err, "%s", config->source);
        kube_config_free(config);
        return result;
    }
    *ret_config = config;
    return 0;
}

/* Adds the files of a list such as $KUBECONFIG; those that are not there are passed over. */
static int add_search_list(struct file_list *list, const char *paths, struct error *err)
{
    for (const char *at = paths; *at;) {
        size_t length = strcspn(at, ":");
        cleanup_free char *path = xstrndup(at, length);
        at += length;
        at += *at == ':';
        if (!*path) {
            continue;
        }
        int result = add_file(list, path, err);
        if (result < 0 && result != ERROR_NOT_FOUND) {
            return result;
        }
    }
    return 0;
}

static int load_files(const struct kube_config_options *options, struct kube_config **ret_config, struct error *err)
{
    cleanup_file_list struct file_list list = {0};
    const char *variable = getenv("KUBECONFIG");
    const char *home = getenv("HOME");
    cleanup_free char *path = xasprintf("%s/.kube/config", text_is_empty(home) ? "" : home);
    const char *search = variable == NULL || *variable == '\0' ? path : variable;
    int result;
    if (!text_is_empty(options->kubeconfig)) {
        result = add_file(&list, options->kubeconfig, err);
        if (result < 0) {
            return result;
        }
    } else {
        result = add_search_list(&list, search, err);
        if (result < 0) {
            return result;
        }
        if (list.count == 0) {
            return error_set(err, ERROR_NOT_FOUND,
                             "no cluster to go by: this is no pod (KUBERNETES_SERVICE_HOST is not set) and there is no "
                             "kubeconfig (%s: %s)",
                             search == path ? "tried" : "KUBECONFIG", search);
        }
    }
    return resolve(&list, options->context, ret_config, err);
}

int kube_config_load(const struct kube_config_options *options, struct kube_config **ret_config, struct error *err)
{
    struct pod_config_environment environment = {
        .host = getenv("KUBERNETES_SERVICE_HOST"),
        .port = getenv("KUBERNETES_SERVICE_PORT"),
        .namespace_name = getenv("POD_NAMESPACE"),
        .folder = POD_CONFIG_FOLDER,
    };
    bool is_pod = !text_is_empty(environment.host) && !text_is_empty(environment.port);
    /* A context is something of a kubeconfig, so who names one means that. */
    bool names_file = !text_is_empty(options->kubeconfig) || !text_is_empty(options->context);
    return is_pod && !names_file ? pod_config_read(&environment, ret_config, err)
                                 : load_files(options, ret_config, err);
}
