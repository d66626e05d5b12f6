#include "key_fact.h"

#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

#include "phrase.h"
#include "placeholder.h"
#include "secret_value.h"

static bool is_reference_to_variable(const char *value)
{
    const char *at = strstr(value, "$(");
    return at && strchr(at, ')');
}

static void setting_from_secret(const struct check_context *context, const char *namespace_name, const char *name,
                                const char *key, bool optional, struct key_setting *setting)
{
    setting->object_name = name;
    setting->object_key = key;
    enum secret_lookup found = secret_value(context->model, namespace_name, name, key, &setting->value);
    if (found == SECRET_VALUE_ABSENT && optional) {
        setting->kind = KEY_SETTING_NONE;
    } else if (found == SECRET_VALUE_FOUND) {
        setting->kind = text_is_empty(setting->value) ? KEY_SETTING_NONE : KEY_SETTING_SECRET;
    } else if (found == SECRET_VALUE_HIDDEN) {
        setting->kind = KEY_SETTING_SECRET;
    } else {
        setting->kind = optional ? KEY_SETTING_OPTIONAL : KEY_SETTING_SECRET;
    }
}

static void setting_from_variable(const struct check_context *context, const char *namespace_name,
                                  const struct env_variable *variable, struct key_setting *setting)
{
    if (!variable->has_value_from) {
        if (text_is_empty(variable->value)) {
            setting->kind = KEY_SETTING_NONE;
        } else if (is_reference_to_variable(variable->value) || placeholder_is_followed_in_container(variable->value)) {
            setting->kind = KEY_SETTING_OTHER;
        } else {
            setting->kind = KEY_SETTING_LITERAL;
            setting->value = xstrdup(variable->value);
        }
    } else if (variable->secret_name) {
        setting_from_secret(context, namespace_name, variable->secret_name, variable->secret_key, variable->optional,
                            setting);
    } else if (variable->config_map_name) {
        setting->kind = variable->optional ? KEY_SETTING_OPTIONAL : KEY_SETTING_CONFIG_MAP;
        setting->object_name = variable->config_map_name;
        setting->object_key = variable->config_map_key;
    } else {
        setting->kind = KEY_SETTING_OTHER;
    }
}

/* A later envFrom wins over an earlier one. A ConfigMap is never read, so it could bring anything. */
static void setting_from_env_from(const struct check_context *context, const char *namespace_name,
                                  const struct container *container, const char *name, struct key_setting *setting)
{
    record_list_each (const struct env_from *, from, &container->env_from) {
        const char *prefix = from->prefix ? from->prefix : "";
        if (!text_starts_with(name, prefix) || text_equal(name, prefix)) {
            continue;
        }
        struct key_setting candidate = {.kind = KEY_SETTING_ENV_FROM};
        if (from->secret_name) {
            const char *key = name + strlen(prefix);
            enum secret_lookup found =
                secret_value(context->model, namespace_name, from->secret_name, key, &candidate.value);
            if (found == SECRET_VALUE_ABSENT) {
                continue;
            }
            if (found == SECRET_VALUE_FOUND || found == SECRET_VALUE_HIDDEN) {
                bool is_empty = found == SECRET_VALUE_FOUND && text_is_empty(candidate.value);
                candidate.kind = is_empty ? KEY_SETTING_NONE : KEY_SETTING_SECRET;
                candidate.object_name = from->secret_name;
                candidate.object_key = key;
            }
        }
        memory_wipe_free(setting->value);
        *setting = candidate;
    }
}

void key_setting_read(const struct check_context *context, const struct subject *subject, const char *name,
                      struct key_setting *ret_setting)
{
    memset(ret_setting, 0, sizeof *ret_setting);
    const char *namespace_name = subject->meta->namespace_name;
    const struct env_variable *variable = container_variable(subject->product, name);
    if (variable) { /* wins over any envFrom, also where it is empty */
        setting_from_variable(context, namespace_name, variable, ret_setting);
    } else {
        setting_from_env_from(context, namespace_name, subject->product, name, ret_setting);
    }
}

void key_setting_clear(struct key_setting *setting)
{
    memory_wipe_free(setting->value);
    memset(setting, 0, sizeof *setting);
}

void key_fact_read(const struct check_context *context, const struct subject *subject, struct key_fact *ret_fact)
{
    memset(ret_fact, 0, sizeof *ret_fact);
    const struct product_names *names = phrase_product(context->cluster);
    key_setting_read(context, subject, names->key_variable, &ret_fact->variable);
    key_setting_read(context, subject, names->key_file_variable, &ret_fact->file);
    ret_fact->report = subject->server ? subject->server->report : NULL;
    if (ret_fact->variable.kind != KEY_SETTING_NONE) {
        ret_fact->key = xstrdup(ret_fact->variable.value);
    } else if (ret_fact->file.kind == KEY_SETTING_LITERAL) {
        (void) secret_file_value(context->model, subject, ret_fact->file.value, &ret_fact->key);
    }
    /* What a pod has been given is no manifest any more: there it would be the key itself, and a bad one. */
    if (!subject->server && placeholder_is(ret_fact->key)) {
        memory_wipe_free(memory_take(&ret_fact->key));
    }
}

void key_fact_clear(struct key_fact *fact)
{
    key_setting_clear(&fact->variable);
    key_setting_clear(&fact->file);
    memory_wipe_free(fact->key);
    memset(fact, 0, sizeof *fact);
}

bool key_setting_is_certain(const struct key_setting *setting)
{
    return key_setting_is_possible(setting) && setting->kind != KEY_SETTING_OPTIONAL &&
           setting->kind != KEY_SETTING_ENV_FROM;
}

bool key_setting_is_possible(const struct key_setting *setting)
{
    return setting->kind != KEY_SETTING_NONE;
}

enum key_form key_fact_spec_form(const struct key_fact *fact)
{
    return fact->key ? key_form_of(fact->key) : KEY_UNKNOWN;
}

enum key_form key_fact_worst_form(const struct key_fact *fact)
{
    enum key_form spec = key_fact_spec_form(fact);
    enum key_form reported = fact->report ? fact->report->key.form : KEY_UNKNOWN;
    if (spec == KEY_MALFORMED || reported == KEY_MALFORMED) {
        return KEY_MALFORMED;
    }
    return reported == KEY_PUBLIC ? KEY_PUBLIC : spec;
}

bool key_fact_has_drifted(const struct key_fact *fact)
{
    const struct report *report = fact->report;
    return report && report->key.current && report->key.fingerprint &&
           !text_equal(report->key.current, report->key.fingerprint);
}

static const struct container_status *status_of(const struct server *server, const struct container *container)
{
    return container ? pod_container_status(server->pod, container->name) : NULL;
}

bool key_fact_is_uncertain(const struct key_fact *fact, const struct subject *subject)
{
    if (!key_fact_has_drifted(fact) || text_equal(fact->report->key.source, "process")) {
        return false;
    }
    const struct container_status *product = status_of(subject->server, subject->product);
    const struct container_status *sidecar = status_of(subject->server, subject->sidecar);
    /* In a pod that never restarted its product, both read the Secret at the pod's start. */
    return product && sidecar && product->restart_count > 0 &&
           product->state.running_since_us > sidecar->state.running_since_us;
}

char *key_fact_source(const struct key_fact *fact, const struct subject *subject)
{
    const struct key_setting *variable = &fact->variable;
    if (variable->kind == KEY_SETTING_SECRET || variable->kind == KEY_SETTING_CONFIG_MAP) {
        return xasprintf("%s %s, key %s", variable->kind == KEY_SETTING_SECRET ? "Secret" : "ConfigMap",
                         variable->object_name, variable->object_key ? variable->object_key : "?");
    }
    if (variable->kind == KEY_SETTING_LITERAL) {
        char fingerprint[KEY_FINGERPRINT_SIZE];
        if (key_fingerprint(variable->value, subject->meta->namespace_name, fingerprint) == 0) {
            return xasprintf("a literal in the spec (%s)", fingerprint);
        }
        return NULL; /* malformed: told apart from nothing without showing it */
    }
    if (variable->kind == KEY_SETTING_NONE && fact->file.kind == KEY_SETTING_LITERAL) {
        struct secret_file_source source;
        if (secret_file_source(subject, fact->file.value, &source)) {
            return source.secret_name ? xasprintf("Secret %s, key %s", source.secret_name, source.key)
                                      : xasprintf("file %s of volume %s", fact->file.value, source.volume_text);
        }
        return xasprintf("file %s", fact->file.value);
    }
    return NULL;
}

char *key_fact_fingerprint(const struct key_fact *fact, const struct subject *subject)
{
    if (key_fact_is_uncertain(fact, subject)) {
        return NULL;
    }
    if (fact->report && fact->report->key.fingerprint) {
        return xstrdup(fact->report->key.fingerprint);
    }
    char fingerprint[KEY_FINGERPRINT_SIZE];
    if (fact->key && key_fingerprint(fact->key, subject->meta->namespace_name, fingerprint) == 0) {
        return xstrdup(fingerprint);
    }
    return NULL;
}
