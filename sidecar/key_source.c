#include "key_source.h"

#include <stdlib.h>
#include <string.h>

#include "proget/core/buffer.h"
#include "proget/core/log.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum {
    KEY_FILE_BYTES_MAX = 4096, /* a key has 32 digits; what is larger is none */
    CONFIG_BYTES_MAX = 256 * 1024,
};

/* Form and fingerprint of a key's text. */
static void judge(const char *key, const char *namespace_name, struct key_facts *facts)
{
    facts->form = key_form_of(key);
    if (facts->form == KEY_OK || facts->form == KEY_PUBLIC) {
        (void) key_fingerprint(key, namespace_name, facts->fingerprint);
    }
}

enum key_form key_source_read_file(const char *path, const char *namespace_name, char target[KEY_FINGERPRINT_SIZE])
{
    cleanup_buffer struct buffer content = BUFFER_SECRET_INIT(KEY_FILE_BYTES_MAX);
    struct error err = {0};
    struct key_facts facts = {0};
    target[0] = '\0';
    int result = buffer_read_file(&content, path, &err);
    if (result == ERROR_TOO_LARGE) {
        return KEY_MALFORMED;
    }
    if (result < 0) {
        log_debug(LOG_FIELDS({"error", err.text}), "the key's file cannot be read");
        return KEY_UNREADABLE;
    }
    if (content.length > 0 && memchr(content.data, '\0', content.length)) {
        return KEY_MALFORMED;
    }
    judge(buffer_text(&content), namespace_name, &facts);
    memcpy(target, facts.fingerprint, KEY_FINGERPRINT_SIZE);
    return facts.form;
}

/* A variable that is set to something; the product takes an empty one for an absent one. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return text_is_empty(value) ? NULL : value;
}

/* Each source fills `facts` and returns true when it has something to tell. */
typedef bool key_source_fn(const struct key_place *place, struct key_facts *facts);

/* Both given: the product refuses that and does not start. */
static bool read_conflict(const struct key_place *place, struct key_facts *facts)
{
    const struct product_names *names = product_names(place->product);
    if (!variable(names->key_variable) || !variable(names->key_file_variable)) {
        return false;
    }
    facts->source = "env";
    facts->form = KEY_CONFLICT;
    return true;
}

static bool read_file(const struct key_place *place, struct key_facts *facts)
{
    const char *path = variable(product_names(place->product)->key_file_variable);
    if (!path) {
        return false;
    }
    facts->source = "file";
    facts->form = key_source_read_file(path, place->namespace_name, facts->fingerprint);
    return true;
}

static bool read_variable(const struct key_place *place, struct key_facts *facts)
{
    const char *key = variable(product_names(place->product)->key_variable);
    if (!key) {
        return false;
    }
    facts->source = "env";
    judge(key, place->namespace_name, facts);
    return true;
}

/* Text between <EncryptionKey> and its end, outside comments. Cut in place; NULL when there is none. */
static char *find_configured_key(char *xml)
{
    static const char opening[] = "<EncryptionKey>";
    static const char closing[] = "</EncryptionKey>";
    for (char *at = strchr(xml, '<'); at; at = strchr(at, '<')) {
        if (text_starts_with(at, "<!--")) {
            at = strstr(at, "-->");
            if (!at) {
                return NULL;
            }
        } else if (text_starts_with(at, opening)) {
            char *key = at + strlen(opening);
            char *end = strstr(key, closing);
            if (end) {
                *end = '\0';
            }
            return end ? key : NULL;
        } else {
            at++;
        }
    }
    return NULL;
}

static bool read_config(const struct key_place *place, struct key_facts *facts)
{
    cleanup_buffer struct buffer content = BUFFER_SECRET_INIT(CONFIG_BYTES_MAX);
    struct error err = {0};
    if (!place->config_file) {
        return false;
    }
    if (buffer_read_file(&content, place->config_file, &err) < 0) {
        log_debug(LOG_FIELDS({"error", err.text}), "the configuration cannot be read");
        return false;
    }
    char *key = content.data ? find_configured_key(content.data) : NULL;
    if (!key || key_form_of(key) == KEY_ABSENT) {
        return false;
    }
    facts->source = "config";
    judge(key, place->namespace_name, facts);
    return true;
}

static key_source_fn *const sources[] = {read_conflict, read_file, read_variable, read_config};

struct key_facts key_source_read(const struct key_place *place)
{
    for (size_t i = 0; i < array_length(sources); i++) {
        struct key_facts facts = {.source = "none", .form = KEY_ABSENT};
        if (sources[i](place, &facts)) {
            return facts;
        }
    }
    return (struct key_facts){.source = "none", .form = KEY_ABSENT};
}

void key_source_wipe_environment(void)
{
    for (int product = PRODUCT_PROGET; product <= PRODUCT_OTTER; product++) {
        char *value = getenv(product_names((enum product) product)->key_variable);
        if (value) {
            memory_wipe(value, strlen(value));
        }
    }
}
