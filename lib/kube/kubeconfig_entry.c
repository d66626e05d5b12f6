#include "kubeconfig_entry.h"

#include <openssl/evp.h>
#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

int entry_error(const struct entry *entry, const char *member, const char *why, struct error *err)
{
    char name[ENTRY_NAME_LENGTH_MAX];
    text_copy_cut(name, sizeof(name), entry->name);
    text_make_printable(name);
    (void) error_set(err, ERROR_BAD_INPUT, "%s: %s \"%s\": %s%s%s%s", entry->file->path, entry->kind, name,
                     entry->part ? entry->part : "", member ? member : "", member ? " " : "", why);
    return ERROR_BAD_INPUT; /* said here, and below, for analysers: they do not see what error_set() returns */
}

const char *entry_text_of(struct json_object *value)
{
    if (!json_object_is_type(value, json_type_string)) {
        return NULL;
    }
    const char *text = json_object_get_string(value);
    return strlen(text) == (size_t) json_object_get_string_len(value) ? text : NULL;
}

int entry_text(const struct entry *entry, const char *member, const char **ret_value, struct error *err)
{
    struct json_object *value = json_member(entry->body, member);
    const char *text = entry_text_of(value);
    if (value && !text) {
        bool is_text = json_object_is_type(value, json_type_string);
        return entry_error(entry, member, is_text ? "holds a NUL" : "has to be a text", err);
    }
    if (!text_is_empty(text)) {
        *ret_value = text;
    }
    return 0;
}

int entry_copy(const struct entry *entry, const char *member, char **target, struct error *err)
{
    const char *value = NULL;
    int result = entry_text(entry, member, &value, err);
    if (result == 0 && value) {
        *target = xstrdup(value);
    }
    return result;
}

int entry_bool(const struct entry *entry, const char *member, bool *target, struct error *err)
{
    struct json_object *value = json_member(entry->body, member);
    if (value && !json_object_is_type(value, json_type_boolean)) {
        return entry_error(entry, member, "has to be true or false", err);
    }
    if (value) {
        *target = json_object_get_boolean(value);
    }
    return 0;
}

char *entry_resolve(const struct entry *entry, const char *path)
{
    const char *slash = strrchr(entry->file->path, '/');
    if (*path == '/' || !slash) {
        return xstrdup(path);
    }
    return xasprintf("%.*s/%s", (int) (slash - entry->file->path), entry->file->path, path);
}

int entry_path(const struct entry *entry, const char *member, char **target, struct error *err)
{
    const char *value = NULL;
    int result = entry_text(entry, member, &value, err);
    if (result == 0 && value) {
        *target = entry_resolve(entry, value);
    }
    return result;
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

int entry_pem(const struct entry *entry, const char *member, char **data, char **path, struct error *err)
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

int entry_list(const struct entry *entry, const char *member, struct json_object **ret_list, struct error *err)
{
    struct json_object *list = json_member(entry->body, member);
    if (list && !json_object_is_type(list, json_type_array)) {
        return entry_error(entry, member, "has to be a list", err);
    }
    if (list && json_object_array_length(list) > ENTRY_LIST_LENGTH_MAX) {
        cleanup_free char *why = xasprintf("has more than %d elements", ENTRY_LIST_LENGTH_MAX);
        return entry_error(entry, member, why, err);
    }
    *ret_list = list;
    return 0;
}

int entry_texts(const struct entry *entry, const char *member, char ***target, struct error *err)
{
    struct json_object *list = NULL;
    int result = entry_list(entry, member, &list, err);
    size_t count = list ? json_object_array_length(list) : 0;
    if (result < 0 || count == 0) {
        return result;
    }
    for (size_t i = 0; i < count; i++) {
        if (!entry_text_of(json_object_array_get_idx(list, i))) {
            return entry_error(entry, member, "has to be a list of texts without NULs: put numbers in quotes", err);
        }
    }
    char **texts = xcalloc(count + 1, sizeof(*texts));
    for (size_t i = 0; i < count; i++) {
        texts[i] = xstrdup(entry_text_of(json_object_array_get_idx(list, i)));
    }
    *target = texts;
    return 0;
}
