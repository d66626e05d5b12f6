#include "kubeconfig.h"

#include <assert.h>
#include <curl/curl.h>
#include <string.h>

#include "kubeconfig_entry.h"
#include "kubeconfig_user.h"
#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

static void wipe_texts(struct json_object *tree)
{
    if (json_object_is_type(tree, json_type_string)) {
        /* The only way to the bytes that json-c holds; nobody else reads this tree any more. */
        memory_wipe((void *) (uintptr_t) json_object_get_string(tree), (size_t) json_object_get_string_len(tree));
    } else if (json_object_is_type(tree, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(tree); i++) {
            wipe_texts(json_object_array_get_idx(tree, i));
        }
    } else if (json_object_is_type(tree, json_type_object)) {
        json_object_object_foreach(tree, name, value)
        {
            (void) name;
            wipe_texts(value);
        }
    }
}

void kubeconfig_wipe(struct json_object *tree)
{
    wipe_texts(tree);
    json_object_put(tree);
}

/* The entry of that name in one file; 1 found, 0 not. Two of one name in one file are an error. */
static int find_in_file(const struct kubeconfig_file *file, const char *list_name, const char *kind, const char *name,
                        struct entry *ret_entry, struct error *err)
{
    struct json_object *list = json_member(file->tree, list_name);
    if (list && !json_object_is_type(list, json_type_array)) {
        (void) error_set(err, ERROR_BAD_INPUT, "%s: %s has to be a list", file->path, list_name);
        return ERROR_BAD_INPUT;
    }
    size_t count = list ? json_object_array_length(list) : 0;
    if (count > KUBECONFIG_ENTRIES_MAX) {
        (void) error_set(err, ERROR_TOO_LARGE, "%s: %s has more than %d entries", file->path, list_name,
                         KUBECONFIG_ENTRIES_MAX);
        return ERROR_TOO_LARGE;
    }
    struct entry found = {.file = file, .kind = kind, .name = name};
    int matches = 0;
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        if (text_equal(json_text_at(item, "name", NULL), name)) {
            found.body = json_member(item, kind);
            matches++;
        }
    }
    if (matches > 1) {
        (void) entry_error(&found, NULL, "is there twice", err);
        return ERROR_BAD_INPUT; /* said here, and below, for analysers: they do not see what entry_error() returns */
    }
    if (found.body && !json_object_is_type(found.body, json_type_object)) {
        (void) entry_error(&found, NULL, "has to be a mapping", err);
        return ERROR_BAD_INPUT;
    }
    if (matches) {
        *ret_entry = found;
    }
    return matches;
}

/* The first file that has the entry wins it as a whole. */
static int find(const struct kubeconfig_file *files, size_t count, const char *list_name, const char *kind,
                const char *name, struct entry *ret_entry, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        int result = find_in_file(&files[i], list_name, kind, name, ret_entry, err);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* What contexts there are, for a message. */
static void list_contexts(const struct kubeconfig_file *files, size_t count, char target[ENTRY_NAME_LENGTH_MAX])
{
    cleanup_buffer struct buffer names = BUFFER_INIT((size_t) ENTRY_NAME_LENGTH_MAX * 4);
    for (size_t i = 0; i < count; i++) {
        struct json_object *list = json_member(files[i].tree, "contexts");
        size_t length = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
        for (size_t k = 0; k < length; k++) {
            const char *name = json_text_at(json_object_array_get_idx(list, k), "name", NULL);
            if (name && buffer_appendf(&names, "%s%s", names.length ? ", " : "", name) < 0) {
                break;
            }
        }
    }
    text_copy_cut(target, ENTRY_NAME_LENGTH_MAX, names.length ? buffer_text(&names) : "none");
    text_make_printable(target);
}

static int find_context(const struct kubeconfig_file *files, size_t count, const char *context_name,
                        struct entry *ret_entry, struct error *err)
{
    char names[ENTRY_NAME_LENGTH_MAX];
    const char *name = context_name;
    for (size_t i = 0; text_is_empty(name) && i < count; i++) {
        name = json_text_at(files[i].tree, "current-context", NULL);
    }
    list_contexts(files, count, names);
    if (text_is_empty(name)) {
        (void) error_set(err, ERROR_BAD_INPUT, "%s: no current-context is set; name a context (there are: %s)",
                         files[0].path, names);
        return ERROR_BAD_INPUT;
    }
    int result = find(files, count, "contexts", "context", name, ret_entry, err);
    if (result == 0) {
        char shown[ENTRY_NAME_LENGTH_MAX];
        text_copy_cut(shown, sizeof(shown), name);
        text_make_printable(shown);
        (void) error_set(err, ERROR_BAD_INPUT, "%s: there is no context \"%s\" (there are: %s)", files[0].path, shown,
                         names);
        return ERROR_BAD_INPUT;
    }
    return result;
}

/* Follows the context's "cluster" or "user". */
static int follow(const struct kubeconfig_file *files, size_t count, const struct entry *context, const char *kind,
                  const char *list_name, struct entry *ret_entry, struct error *err)
{
    const char *name = NULL;
    int result = entry_text(context, kind, &name, err);
    if (result < 0) {
        return result;
    }
    if (!name) {
        return entry_error(context, kind, "is missing", err);
    }
    result = find(files, count, list_name, kind, name, ret_entry, err);
    if (result == 0) {
        cleanup_free char *why = xasprintf("\"%.100s\" is not in %s", name, list_name);
        text_make_printable(why);
        return entry_error(context, kind, why, err);
    }
    return result;
}

/* Whether `url` is of one of these schemes, and for a server has neither a user name nor a query. */
static bool is_url(const char *url, const char *const *schemes, size_t count, bool is_proxy)
{
    static const CURLUPart unwanted[] = {CURLUPART_QUERY, CURLUPART_FRAGMENT, CURLUPART_USER, CURLUPART_PASSWORD};
    bool has_scheme = false;
    for (size_t i = 0; i < count; i++) {
        has_scheme = has_scheme || text_starts_with(url, schemes[i]);
    }
    CURLU *parsed = curl_url();
    bool is_good = has_scheme && curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
    for (size_t i = 0; is_good && !is_proxy && i < array_length(unwanted); i++) {
        char *part = NULL;
        is_good = curl_url_get(parsed, unwanted[i], &part, 0) != CURLUE_OK;
        curl_free(part);
    }
    curl_url_cleanup(parsed);
    return is_good;
}

static int check_cluster(const struct entry *cluster, struct kube_config *config, struct error *err)
{
    static const char *const server_schemes[] = {"https://", "http://"};
    static const char *const proxy_schemes[] = {"http://", "https://", "socks5://", "socks5h://"};
    if (!config->server || !is_url(config->server, server_schemes, array_length(server_schemes), false)) {
        return entry_error(cluster, "server",
                           "has to be a URL that starts with https://, without user name, query and fragment", err);
    }
    size_t length = strlen(config->server);
    while (length && config->server[length - 1] == '/') {
        config->server[--length] = '\0';
    }
    if (config->insecure && (config->ca_data || config->ca_file)) {
        return entry_error(cluster, "insecure-skip-tls-verify",
                           "and a certificate-authority exclude each other: keep the latter", err);
    }
    if (config->proxy_url && !is_url(config->proxy_url, proxy_schemes, array_length(proxy_schemes), true)) {
        return entry_error(cluster, "proxy-url", "has to be a URL that starts with http://, https:// or socks5://",
                           err);
    }
    return 0;
}

static int read_cluster(const struct entry *cluster, struct kube_config *config, struct error *err)
{
    int result = entry_copy(cluster, "server", &config->server, err);
    result = result < 0 ? result : entry_pem(cluster, "certificate-authority", &config->ca_data, &config->ca_file, err);
    result = result < 0 ? result : entry_bool(cluster, "insecure-skip-tls-verify", &config->insecure, err);
    result = result < 0 ? result : entry_bool(cluster, "disable-compression", &config->disable_compression, err);
    result = result < 0 ? result : entry_copy(cluster, "tls-server-name", &config->tls_server_name, err);
    result = result < 0 ? result : entry_copy(cluster, "proxy-url", &config->proxy_url, err);
    return result < 0 ? result : check_cluster(cluster, config, err);
}

int kubeconfig_resolve(const struct kubeconfig_file *files, size_t count, const char *context_name,
                       struct kube_config **ret_config, struct error *err)
{
    assert(count > 0);
    struct entry context;
    struct entry cluster;
    struct entry user;
    const char *namespace_name = NULL;
    for (size_t i = 0; i < count; i++) {
        if (files[i].tree && !json_object_is_type(files[i].tree, json_type_object)) {
            return error_set(err, ERROR_BAD_INPUT, "%s: this is no kubeconfig: it has to be a mapping", files[i].path);
        }
    }
    int result = find_context(files, count, context_name, &context, err);
    result = result < 0 ? result : entry_text(&context, "namespace", &namespace_name, err);
    result = result < 0 ? result : follow(files, count, &context, "cluster", "clusters", &cluster, err);
    const char *user_name = NULL;
    result = result < 0 ? result : entry_text(&context, "user", &user_name, err);
    if (result >= 0 && user_name) {
        result = follow(files, count, &context, "user", "users", &user, err);
    }
    if (result < 0) {
        return result;
    }
    struct kube_config *config = xcalloc(1, sizeof(*config));
    result = read_cluster(&cluster, config, err);
    if (result >= 0 && user_name) { /* without one: no credentials, as for "kubectl proxy" */
        result = kubeconfig_read_user(&user, &cluster, config, err);
    }
    if (result < 0) {
        kube_config_free(config);
        return result;
    }
    config->namespace_name = xstrdup(namespace_name ? namespace_name : "default");
    config->source = xasprintf("%s (context %s)", context.file->path, context.name);
    text_make_printable(config->source);
    *ret_config = config;
    return 0;
}
