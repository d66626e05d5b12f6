#include "database_fact.h"

#include <string.h>

#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

#include "connection_string.h"
#include "key_fact.h"
#include "phrase.h"
#include "secret_value.h"

#define CONFIG_FOLDER "SharedConfig" /* holds ProGet.config, which may name the database too */

enum { SOURCE_BYTES_MAX = 8 * 1024 };

struct connection_variable {
    const char *name; /* behind the product's prefix, where it has one */
    bool has_prefix, is_file, is_postgres;
};

static const struct connection_variable variables[] = {
    {"POSTGRES_CONNECTION_STRING", true, false, true}, {"POSTGRES_CONNECTION_STRING_FILE", true, true, true},
    {"SQL_CONNECTION_STRING", true, false, false},     {"SQL_CONNECTION_STRING_FILE", true, true, false},
    {"SQL_CONNECTION_STRING", false, false, false}, /* of older images */
    {"PROGET_DATABASE", false, false, true}, /* of still older ones, PostgreSQL unless PROGET_DB_TYPE says else */
};

void database_fact_clear(struct database_fact *fact)
{
    memory_wipe_free(fact->database);
    free(fact->source);
    memset(fact, 0, sizeof *fact);
}

/* The text behind the setting, as far as it is known: a literal, or what lies in the input. NULL: not known. Owned. */
static char *value_behind(const struct check_context *context, const struct subject *subject,
                          const struct connection_variable *variable, const struct key_setting *setting)
{
    if (!variable->is_file || !setting->value) {
        return xstrdup(setting->value);
    }
    char *content = NULL;
    (void) secret_file_value(context->model, subject, setting->value, &content);
    return content;
}

/* NULL: not known. Owned. */
static char *source_behind(const struct subject *subject, const struct connection_variable *variable,
                           const struct key_setting *setting)
{
    if (variable->is_file) {
        struct secret_file_source source;
        if (setting->kind != KEY_SETTING_LITERAL || !secret_file_source(subject, setting->value, &source)) {
            return NULL;
        }
        return source.secret_name ? xasprintf("Secret %s, key %s", source.secret_name, source.key)
                                  : xasprintf("file %s of volume %s", setting->value, source.volume_text);
    }
    if (setting->kind == KEY_SETTING_SECRET || setting->kind == KEY_SETTING_CONFIG_MAP) {
        return xasprintf("%s %s, key %s", setting->kind == KEY_SETTING_SECRET ? "Secret" : "ConfigMap",
                         setting->object_name, setting->object_key ? setting->object_key : "?");
    }
    return setting->kind == KEY_SETTING_LITERAL ? xstrdup("a literal in the spec") : NULL;
}

/* Adds one of several to a fact; once one is not known, the whole is not. `part` is taken over. */
static void join(char **whole, char *part, bool is_first)
{
    char *before = *whole;
    *whole = is_first ? xstrdup(part) : (before && part ? xasprintf("%s; %s", before, part) : NULL);
    memory_wipe_free(before);
    memory_wipe_free(part);
}

static void take_variable(const struct check_context *context, const struct subject *subject,
                          const struct connection_variable *variable, struct database_fact *fact)
{
    const char *prefix = variable->has_prefix ? phrase_product(context->cluster)->prefix : "";
    cleanup_free char *name = xasprintf("%s%s", prefix, variable->name);
    cleanup_key_setting struct key_setting setting;
    key_setting_read(context, subject, name, &setting);
    if (!key_setting_is_certain(&setting)) {
        fact->is_possible = fact->is_possible || key_setting_is_possible(&setting);
        return;
    }
    char *value = value_behind(context, subject, variable, &setting);
    char *database = value ? connection_string_database(value, variable->is_postgres) : NULL;
    char *kind_and_database =
        database ? xasprintf("%s %s", variable->is_postgres ? "PostgreSQL" : "SQL Server", database) : NULL;
    memory_wipe_free(value);
    memory_wipe_free(database);
    join(&fact->database, kind_and_database, !fact->is_set);
    join(&fact->source, source_behind(subject, variable, &setting), !fact->is_set);
    fact->is_set = true;
}

/* "/usr/share/Inedo/SharedConfig", or a file in it. */
static bool is_config_mount(const struct volume_mount *mount)
{
    const char *at = mount->path ? strstr(mount->path, "/" CONFIG_FOLDER) : NULL;
    const char *end = at ? at + strlen("/" CONFIG_FOLDER) : NULL;
    return end && (*end == '\0' || *end == '/');
}

void database_fact_read(const struct check_context *context, const struct subject *subject,
                        struct database_fact *ret_fact)
{
    memset(ret_fact, 0, sizeof *ret_fact);
    for (size_t i = 0; i < array_length(variables); i++) {
        take_variable(context, subject, &variables[i], ret_fact);
    }
    record_list_each (const struct volume_mount *, mount, &subject->product->mounts) {
        ret_fact->is_possible = ret_fact->is_possible || is_config_mount(mount);
    }
}
