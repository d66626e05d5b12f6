#include "connection_string.h"

#include <string.h>

#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { SETTINGS_MAX = 64, STRING_BYTES_MAX = 64 * 1024 }; /* anything longer is compared as it is */

struct setting {
    char *key;   /* lower case, without spaces */
    char *value; /* without the quotes and the spaces around it */
};
struct setting_list {
    struct setting items[SETTINGS_MAX];
    size_t count;
};

static void setting_list_clear(struct setting_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        memory_wipe_free(list->items[i].key);
        memory_wipe_free(list->items[i].value);
    }
    list->count = 0;
}
#define cleanup_settings __attribute__((cleanup(setting_list_clear)))

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char *trimmed(const char *start, const char *end)
{
    while (start < end && is_space(*start)) {
        start++;
    }
    while (end > start && is_space(end[-1])) {
        end--;
    }
    return xstrndup(start, (size_t) (end - start));
}

static void make_lower(char *text)
{
    for (char *at = text; *at; at++) {
        *at = *at >= 'A' && *at <= 'Z' ? (char) (*at - 'A' + 'a') : *at;
    }
}

static char *key_of(const char *start, const char *end)
{
    char *key = trimmed(start, end);
    size_t length = 0;
    for (const char *at = key; *at; at++) {
        if (!is_space(*at)) {
            key[length++] = *at;
        }
    }
    key[length] = '\0';
    make_lower(key);
    return key;
}

/* A quoted value may hold what would else end it. */
static char *value_of(const char *start, const char *end)
{
    char *value = trimmed(start, end);
    size_t length = strlen(value);
    if (length >= 2 && (value[0] == '"' || value[0] == '\'') && value[length - 1] == value[0]) {
        memmove(value, value + 1, length - 2);
        value[length - 2] = '\0';
    }
    return value;
}

/* The ';' that ends the setting, or the end of the text. A quote counts only right behind the '='. */
static const char *setting_end(const char *start, const char **ret_equals)
{
    const char *equals = NULL;
    char quote = '\0';
    bool may_quote = false;
    for (const char *at = start;; at++) {
        if (*at == '\0' || (*at == ';' && !quote)) {
            *ret_equals = equals;
            return at;
        }
        if (quote) {
            quote = *at == quote ? '\0' : quote;
        } else if (*at == '=' && !equals) {
            equals = at;
            may_quote = true;
        } else if (may_quote && (*at == '"' || *at == '\'')) {
            quote = *at;
            may_quote = false;
        } else if (!is_space(*at)) {
            may_quote = false;
        }
    }
}

/* Of a key given twice the last counts, as it does to the drivers. */
static void setting_list_put(struct setting_list *list, char *key, char *value)
{
    for (size_t i = 0; i < list->count; i++) {
        if (text_equal(list->items[i].key, key)) {
            memory_wipe_free(key);
            memory_wipe_free(list->items[i].value);
            list->items[i].value = value;
            return;
        }
    }
    list->items[list->count++] = (struct setting){key, value};
}

/* false: no list of settings, or a longer one than is taken apart. */
static bool settings_read(const char *text, struct setting_list *list)
{
    for (const char *at = text; *at;) {
        const char *equals = NULL;
        const char *end = setting_end(at, &equals);
        if (equals) {
            if (list->count == SETTINGS_MAX) {
                return false;
            }
            setting_list_put(list, key_of(at, equals), value_of(equals + 1, end));
        } else {
            cleanup_free char *rest = trimmed(at, end);
            bool is_blank = *rest == '\0';
            memory_wipe(rest, strlen(rest));
            if (!is_blank) {
                return false;
            }
        }
        at = *end ? end + 1 : end;
    }
    return list->count > 0;
}

static const char *setting_among(const struct setting_list *list, const char *const *keys, size_t key_count)
{
    for (size_t i = 0; i < list->count; i++) {
        for (size_t k = 0; k < key_count; k++) {
            if (text_equal(list->items[i].key, keys[k]) && !text_is_empty(list->items[i].value)) {
                return list->items[i].value;
            }
        }
    }
    return NULL;
}

/* SQL Server: "tcp:host,1433". The port that is meant anyway says nothing. Owned. */
static char *server_of(const char *server, const char *port, bool is_postgres)
{
    cleanup_free char *host = xstrdup(server);
    make_lower(host);
    if (is_postgres) {
        return xasprintf("%s:%s", host, port ? port : "5432");
    }
    const char *start = text_starts_with(host, "tcp:") ? host + strlen("tcp:") : host;
    return text_ends_with(start, ",1433") ? xstrndup(start, strlen(start) - strlen(",1433")) : xstrdup(start);
}

/* NULL: it does not name both. Owned. */
static char *database_of(const struct setting_list *list, bool is_postgres)
{
    static const char *const server_keys[] = {"server", "datasource", "host", "address", "addr", "networkaddress"};
    static const char *const database_keys[] = {"database", "initialcatalog", "db"};
    static const char *const port_keys[] = {"port"};
    const char *server = setting_among(list, server_keys, array_length(server_keys));
    const char *database = setting_among(list, database_keys, array_length(database_keys));
    if (!server || !database) {
        return NULL;
    }
    char *where = server_of(server, setting_among(list, port_keys, array_length(port_keys)), is_postgres);
    cleanup_free char *name = xstrdup(database);
    if (!is_postgres) {
        make_lower(name); /* to SQL Server they are one unless it was set up otherwise */
    }
    char *result = xasprintf("%s/%s", where, name);
    memory_wipe(name, strlen(name));
    memory_wipe_free(where);
    return result;
}

static int setting_compare(const void *a, const void *b)
{
    return strcmp(((const struct setting *) a)->key, ((const struct setting *) b)->key);
}

/* "key=value;key=value" by key. Owned. */
static char *settings_in_order(struct setting_list *list)
{
    qsort(list->items, list->count, sizeof list->items[0], setting_compare);
    size_t size = 1;
    for (size_t i = 0; i < list->count; i++) {
        size += strlen(list->items[i].key) + strlen(list->items[i].value) + 2;
    }
    char *text = xcalloc(size, 1); /* of the right size at once: no copy of it is left behind */
    char *at = text;
    for (size_t i = 0; i < list->count; i++) {
        size_t key_length = strlen(list->items[i].key);
        size_t value_length = strlen(list->items[i].value);
        memcpy(at, list->items[i].key, key_length);
        at[key_length] = '=';
        memcpy(at + key_length + 1, list->items[i].value, value_length);
        at[key_length + 1 + value_length] = ';';
        at += key_length + value_length + 2;
    }
    return text;
}

char *connection_string_database(const char *text, bool is_postgres)
{
    size_t length = strlen(text);
    cleanup_settings struct setting_list list = {.count = 0};
    if (length > STRING_BYTES_MAX || !settings_read(text, &list)) {
        return trimmed(text, text + length);
    }
    char *database = database_of(&list, is_postgres);
    return database ? database : settings_in_order(&list);
}
