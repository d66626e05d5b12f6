#include "secret_value.h"

#include <openssl/evp.h>
#include <string.h>

#include "placeholder.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

/* Longer ones are no keys. */
enum { SECRET_BASE64_MAX = 64 * 1024 };

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* NULL for what is no base64, or holds a NUL byte. */
static char *base64_decode(const char *text)
{
    size_t length = strnlen(text, SECRET_BASE64_MAX + 1);
    if (length > SECRET_BASE64_MAX) {
        return NULL;
    }
    char *dense = xmalloc(length + 1);
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        if (!is_space(text[i])) {
            dense[count++] = text[i];
        }
    }
    dense[count] = '\0';
    size_t padding = 0;
    while (padding < 2 && padding < count && dense[count - 1 - padding] == '=') {
        padding++;
    }
    char *decoded = xcalloc(count + 1, 1);
    int decoded_length = EVP_DecodeBlock((unsigned char *) decoded, (const unsigned char *) dense, (int) count);
    memory_wipe(dense, count);
    free(dense);
    if (decoded_length < 0 || count % 4 != 0 || strlen(decoded) < (size_t) decoded_length - padding) {
        memory_wipe(decoded, count);
        free(decoded);
        return NULL;
    }
    decoded[(size_t) decoded_length - padding] = '\0';
    return decoded;
}

enum secret_lookup secret_value(const struct model *model, const char *namespace_name, const char *name,
                                const char *key, char **ret_value)
{
    const struct store_entry *entry =
        name && key ? store_get(model_read(model, MODEL_SECRETS), namespace_name, name) : NULL;
    if (!entry) {
        return SECRET_VALUE_UNKNOWN;
    }
    const struct secret *secret = (const struct secret *) entry->object;
    const char *plain = record_map_get(&secret->string_data, key); /* the API server lets it win */
    const char *encoded = record_map_get(&secret->data, key);
    if (placeholder_is(plain ? plain : encoded)) {
        return SECRET_VALUE_HIDDEN;
    }
    char *value = plain ? xstrdup(plain) : (encoded ? base64_decode(encoded) : NULL);
    if (!value) {
        return plain || encoded ? SECRET_VALUE_UNKNOWN : SECRET_VALUE_ABSENT;
    }
    if (placeholder_is(value)) {
        memory_wipe_free(value);
        return SECRET_VALUE_HIDDEN;
    }
    *ret_value = value;
    return SECRET_VALUE_FOUND;
}

/* What is left of `path` below `folder`; NULL where it is not there, "" for the folder itself. */
static const char *path_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') {
        length--;
    }
    if (strncmp(path, folder, length) != 0) {
        return NULL;
    }
    const char *rest = path + length;
    if (*rest != '\0' && *rest != '/') {
        return NULL;
    }
    while (*rest == '/') {
        rest++;
    }
    return rest;
}

static const struct volume *volume_of(const struct pod_spec *spec, const char *name)
{
    record_list_each (const struct volume *, volume, &spec->volumes) {
        if (text_equal(volume->name, name)) {
            return volume;
        }
    }
    return NULL;
}

bool secret_file_source(const struct subject *subject, const char *path, struct secret_file_source *ret_source)
{
    const struct volume_mount *best = NULL;
    record_list_each (const struct volume_mount *, mount, &subject->product->mounts) {
        if (mount->path && path_below(path, mount->path) && (!best || strlen(mount->path) > strlen(best->path))) {
            best = mount;
        }
    }
    const struct volume *volume = best ? volume_of(subject->spec, best->name) : NULL;
    if (!volume) {
        return false;
    }
    const char *rest = path_below(path, best->path);
    *ret_source = (struct secret_file_source){
        .secret_name = volume->secret_name,
        .key = *rest ? rest : best->sub_path,
        .volume_text = volume->claim_name ? volume->claim_name : volume->name,
    };
    if (volume->secret_name && !ret_source->key) {
        ret_source->key = "";
    }
    return true;
}

enum secret_lookup secret_file_value(const struct model *model, const struct subject *subject, const char *path,
                                     char **ret_value)
{
    struct secret_file_source source;
    if (!secret_file_source(subject, path, &source) || !source.secret_name) {
        return SECRET_VALUE_UNKNOWN;
    }
    enum secret_lookup found =
        secret_value(model, subject->meta->namespace_name, source.secret_name, source.key, ret_value);
    /* A volume may rename its keys (items): an absent one tells nothing. */
    return found == SECRET_VALUE_ABSENT ? SECRET_VALUE_UNKNOWN : found;
}
