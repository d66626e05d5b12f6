#include "kubeconfig.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "token.h"

enum { NAMES_LENGTH_MAX = 256 };

/* One named entry of clusters, users or contexts, and the file that it stands in. */
struct entry {
    const struct kubeconfig_file *file;
    const char *kind; /* "cluster" */
    const char *name;
    struct json_object *body; /* NULL: empty */
};

void kubeconfig_paths_release(struct kubeconfig_paths *paths)
{
    free(paths->client_certificate);
    free(paths->client_key);
    *paths = (struct kubeconfig_paths){0};
}

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

static int entry_error(const struct entry *entry, const char *member, const char *why, struct error *err)
{
    char name[NAMES_LENGTH_MAX];
    text_copy_cut(name, sizeof(name), entry->name);
    text_make_printable(name);
    (void) error_set(err, ERROR_BAD_INPUT, "%s: %s \"%s\": %s%s%s", entry->file->path, entry->kind, name,
                     member ? member : "", member ? " " : "", why);
    return ERROR_BAD_INPUT; /* said here, and below, for analysers: they do not see what error_set() returns */
}

/* *ret_value NULL: absent or empty. Borrowed. */
static int entry_text(const struct entry *entry, const char *member, const char **ret_value, struct error *err)
{
    struct json_object *value = json_member(entry->body, member);
    if (value && !json_object_is_type(value, json_type_string)) {
        return entry_error(entry, member, "has to be a text", err);
    }
    const char *text = value ? json_object_get_string(value) : NULL;
    if (text && strlen(text) != (size_t) json_object_get_string_len(value)) {
        return entry_error(entry, member, "holds a NUL", err);
    }
    *ret_value = text_is_empty(text) ? NULL : text;
    return 0;
}

static int entry_copy(const struct entry *entry, const char *member, char **target, struct error *err)
{
    const char *value = NULL;
    int result = entry_text(entry, member, &value, err);
    if (result == 0) {
        *target = xstrdup(value);
    }
    return result;
}

static int entry_bool(const struct entry *entry, const char *member, bool *target, struct error *err)
{
    struct json_object *value = json_member(entry->body, member);
    if (value && !json_object_is_type(value, json_type_boolean)) {
        return entry_error(entry, member, "has to be true or false", err);
    }
    *target = value && json_object_get_boolean(value);
    return 0;
}

/* A path counts from the folder of the file that names it. */
static int entry_path(const struct entry *entry, const char *member, char **target, struct error *err)
{
    const char *value = NULL;
    int result = entry_text(entry, member, &value, err);
    if (result < 0 || !value) {
        return result;
    }
    const char *slash = strrchr(entry->file->path, '/');
    if (*value == '/' || !slash) {
        *target = xstrdup(value);
    } else {
        *target = xasprintf("%.*s/%s", (int) (slash - entry->file->path), entry->file->path, value);
    }
    return 0;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* The decoded text, or NULL. It must be text: PEM without a NUL. */
static char *decode_base64(const char *encoded)
{
    size_t length = 0;
    size_t size = strlen(encoded);
    if (size > BOUND_SMALL_FILE) {
        return NULL;
    }
    char *packed = xmalloc(size + 1);
    for (const char *at = encoded; *at; at++) {
        if (!is_space(*at)) {
            packed[length++] = *at;
        }
    }
    size_t padding = 0;
    while (padding < 2 && padding < length && packed[length - 1 - padding] == '=') {
        padding++;
    }
    char *decoded = xcalloc(length / 4 * 3 + 1, 1);
    int written = length && length % 4 == 0
                      ? EVP_DecodeBlock((unsigned char *) decoded, (unsigned char *) packed, (int) length)
                      : -1;
    memory_wipe(packed, size);
    free(packed);
    size_t used = written < (int) padding ? 0 : (size_t) written - padding;
    if (used == 0 || memchr(decoded, '\0', used)) {
        memory_wipe(decoded, length / 4 * 3);
        free(decoded);
        return NULL;
    }
    decoded[used] = '\0';
    return decoded;
}

/* "-data" beats the path. */
static int entry_pem(const struct entry *entry, const char *member, char **data, char **path, struct error *err)
{
    const char *encoded = NULL;
    cleanup_free char *data_member = xasprintf("%s-data", member);
    int result = entry_text(entry, data_member, &encoded, err);
    if (result < 0) {
        return result;
    }
    if (!encoded) {
        return entry_path(entry, member, path, err);
    }
    *data = decode_base64(encoded);
    return *data ? 0 : entry_error(entry, data_member, "is no base64 of a PEM text", err);
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
        return entry_error(&found, NULL, "is there twice", err);
    }
    if (found.body && !json_object_is_type(found.body, json_type_object)) {
        return entry_error(&found, NULL, "has to be a mapping", err);
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
static void list_contexts(const struct kubeconfig_file *files, size_t count, char target[NAMES_LENGTH_MAX])
{
    cleanup_buffer struct buffer names = BUFFER_INIT((size_t) NAMES_LENGTH_MAX * 4);
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
    text_copy_cut(target, NAMES_LENGTH_MAX, names.length ? buffer_text(&names) : "none");
    text_make_printable(target);
}

static int find_context(const struct kubeconfig_file *files, size_t count, const char *context_name,
                        struct entry *ret_entry, struct error *err)
{
    char names[NAMES_LENGTH_MAX];
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
        char shown[NAMES_LENGTH_MAX];
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
        cleanup_free char *why = xasprintf("names one that is not in %s", list_name);
        return entry_error(context, kind, why, err);
    }
    return result;
}

static bool has_scheme(const char *url, const char *const *schemes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text_starts_with(url, schemes[i])) {
            return true;
        }
    }
    return false;
}

static int read_cluster(const struct entry *cluster, struct kube_config *config, struct error *err)
{
    static const char *const server_schemes[] = {"https://", "http://"};
    static const char *const proxy_schemes[] = {"http://", "https://", "socks5://", "socks5h://"};
    int result = entry_copy(cluster, "server", &config->server, err);
    result = result < 0 ? result : entry_pem(cluster, "certificate-authority", &config->ca_data, &config->ca_file, err);
    result = result < 0 ? result : entry_bool(cluster, "insecure-skip-tls-verify", &config->insecure, err);
    result = result < 0 ? result : entry_copy(cluster, "tls-server-name", &config->tls_server_name, err);
    result = result < 0 ? result : entry_copy(cluster, "proxy-url", &config->proxy_url, err);
    if (result < 0) {
        return result;
    }
    if (!config->server || !has_scheme(config->server, server_schemes, array_length(server_schemes))) {
        return entry_error(cluster, "server", "has to be a URL that starts with https://", err);
    }
    size_t length = strlen(config->server);
    while (length && config->server[length - 1] == '/') {
        config->server[--length] = '\0';
    }
    if (config->insecure && (config->ca_data || config->ca_file)) {
        return entry_error(cluster, "insecure-skip-tls-verify", "and a certificate-authority exclude each other", err);
    }
    if (config->proxy_url && !has_scheme(config->proxy_url, proxy_schemes, array_length(proxy_schemes))) {
        return entry_error(cluster, "proxy-url", "has to start with http://, https:// or socks5://", err);
    }
    return 0;
}

static int refuse_members(const struct entry *user, struct error *err)
{
    static const struct {
        const char *member;
        const char *why;
    } refused[] = {
        {"exec", "is not supported here: let the plugin make a token, and give that as token or tokenFile"},
        {"auth-provider", "is no longer supported by Kubernetes either: use a token or a client certificate"},
        {"as-uid", "is not supported: only \"as\" is"},
        {"as-groups", "is not supported: only \"as\" is"},
        {"as-user-extra", "is not supported: only \"as\" is"},
    };
    for (size_t i = 0; i < array_length(refused); i++) {
        struct json_object *value = json_member(user->body, refused[i].member);
        bool is_empty = json_object_is_type(value, json_type_array) && json_object_array_length(value) == 0;
        if (value && !is_empty) {
            return entry_error(user, refused[i].member, refused[i].why, err);
        }
    }
    return 0;
}

static int check_user(const struct entry *user, const struct kube_config *config, const struct kubeconfig_paths *paths,
                      struct error *err)
{
    bool has_certificate = config->client_certificate || paths->client_certificate;
    bool has_key = config->client_key || paths->client_key;
    bool has_token = config->token || config->token_file;
    if (has_certificate != has_key) {
        return entry_error(user, has_key ? "client-certificate" : "client-key", "is missing: both or neither", err);
    }
    if (has_token && config->username) {
        return entry_error(user, NULL, "token and username exclude each other", err);
    }
    if (config->password && !config->username) {
        return entry_error(user, "username", "is missing beside password", err);
    }
    if (config->token && token_check(config->token, "", NULL) < 0) {
        return entry_error(user, "token", "holds a character that no token has", err);
    }
    for (const unsigned char *at = (const unsigned char *) config->impersonate_user; at && *at; at++) {
        if (*at < ' ' || *at == 0x7f) {
            return entry_error(user, "as", "holds a control character", err);
        }
    }
    bool has_any = has_token || config->username || has_certificate || config->impersonate_user;
    if (has_any && !text_starts_with(config->server, "https://")) {
        return entry_error(user, NULL, "credentials go over https:// only", err);
    }
    return 0;
}

static int read_user(const struct entry *user, struct kube_config *config, struct kubeconfig_paths *paths,
                     struct error *err)
{
    int result = refuse_members(user, err);
    result = result < 0
                 ? result
                 : entry_pem(user, "client-certificate", &config->client_certificate, &paths->client_certificate, err);
    result = result < 0 ? result : entry_pem(user, "client-key", &config->client_key, &paths->client_key, err);
    result = result < 0 ? result : entry_copy(user, "token", &config->token, err);
    result = result < 0 ? result : entry_path(user, "tokenFile", &config->token_file, err);
    result = result < 0 ? result : entry_copy(user, "username", &config->username, err);
    result = result < 0 ? result : entry_copy(user, "password", &config->password, err);
    result = result < 0 ? result : entry_copy(user, "as", &config->impersonate_user, err);
    return result < 0 ? result : check_user(user, config, paths, err);
}

int kubeconfig_resolve(const struct kubeconfig_file *files, size_t count, const char *context_name,
                       struct kube_config **ret_config, struct kubeconfig_paths *ret_paths, struct error *err)
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
    result = result < 0 ? result : follow(files, count, &context, "user", "users", &user, err);
    if (result < 0) {
        return result;
    }
    struct kube_config *config = xcalloc(1, sizeof(*config));
    struct kubeconfig_paths paths = {0};
    result = read_cluster(&cluster, config, err);
    result = result < 0 ? result : read_user(&user, config, &paths, err);
    if (result < 0) {
        kubeconfig_paths_release(&paths);
        kube_config_free(config);
        return result;
    }
    config->namespace_name = xstrdup(namespace_name ? namespace_name : "default");
    config->source = xasprintf("%s (context %s)", context.file->path, context.name);
    text_make_printable(config->source);
    *ret_config = config;
    *ret_paths = paths;
    return 0;
}
