#include "proget/checks/idle_setting.h"

#include <string.h>

#include "proget/checks/check.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

/* --- the code that was meant --- */

/* NULL where none is near: a third of its letters may be wrong. */
static const char *nearest_code(const char *code)
{
    size_t count;
    const struct check_row *rows = catalogue(&count);
    const char *nearest = NULL;
    size_t shortest = strlen(code) / 3 + 1;
    for (size_t i = 0; i < count; i++) {
        size_t distance = text_distance_ignore_case(code, rows[i].code);
        if (distance < shortest) {
            shortest = distance;
            nearest = rows[i].code;
        }
    }
    return nearest;
}

/* --- the settings --- */

/* Takes the sentence over. What a template and its workload say alike is said once. */
static void add(struct idle_settings *settings, char *sentence)
{
    text_make_printable(sentence);
    for (size_t i = 0; i < settings->count; i++) {
        if (text_equal(settings->items[i], sentence)) {
            free(sentence);
            return;
        }
    }
    if (settings->count == IDLE_SETTINGS_MAX) {
        free(sentence);
        return;
    }
    settings->items = xrealloc(settings->items, settings->count + 1, sizeof *settings->items);
    settings->items[settings->count++] = sentence;
}

static void look_at_code(struct idle_settings *settings, const char *where, const char *code, const char *effect)
{
    if (!code || catalogue_find(code)) {
        return;
    }
    char shown[TEXT_DISTANCE_LENGTH_MAX];
    text_copy_cut(shown, sizeof shown, code);
    const char *nearest = nearest_code(code);
    add(settings, xasprintf("%s names \"%s\", which is no code of this version, and %s%s%s%s", where, shown, effect,
                            nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : ""));
}

static void look_at_annotations(struct idle_settings *settings, const struct record_list *annotations, const char *kind,
                                const char *name)
{
    record_list_each (const struct record_pair *, pair, annotations) {
        if (!text_starts_with(pair->key, IGNORE_ANNOTATION_PREFIX)) {
            continue;
        }
        const char *code = pair->key + strlen(IGNORE_ANNOTATION_PREFIX);
        cleanup_free char *where = xasprintf("an annotation " IGNORE_ANNOTATION_PREFIX "... of %s %s", kind, name);
        if (!text_equal(code, "all")) {
            look_at_code(settings, where, code, "leaves nothing out");
        }
    }
}

static void look_at_severity(struct idle_settings *settings, const struct code_severity *override)
{
    enum severity severity;
    look_at_code(settings, "spec.severity", override->code, "changes nothing");
    if (override->code && catalogue_find(override->code) && override->severity &&
        severity_from_name(override->severity, &severity) < 0) {
        char shown[TEXT_DISTANCE_LENGTH_MAX];
        text_copy_cut(shown, sizeof shown, override->severity);
        add(settings, xasprintf("spec.severity gives %s the severity \"%s\", which is none of error, warning and info, "
                                "and changes nothing",
                                override->code, shown));
    }
}

void idle_settings_take(const struct cluster *cluster, struct idle_settings *ret_settings)
{
    *ret_settings = (struct idle_settings){0};
    if (cluster->resource) {
        record_list_each (const struct code_reason *, ignore, &cluster->resource->ignore) {
            look_at_code(ret_settings, "spec.ignore", ignore->code, "leaves nothing out");
        }
        record_list_each (const struct code_severity *, override, &cluster->resource->severity) {
            look_at_severity(ret_settings, override);
        }
        look_at_annotations(ret_settings, &cluster->resource->annotations, CLUSTER_KIND, cluster->name);
    }
    for (size_t i = 0; i < cluster->workload_count; i++) {
        const struct workload *workload = cluster->workloads[i];
        const char *kind = workload_kind(workload);
        look_at_annotations(ret_settings, &workload->annotations, kind, workload->meta.name);
        look_at_annotations(ret_settings, &workload->template_annotations, kind, workload->meta.name);
    }
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        if (server->live && !server->workload) {
            look_at_annotations(ret_settings, &server->pod->annotations, "Pod", server->pod->meta.name);
        }
    }
}

void idle_settings_clear(struct idle_settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        free(settings->items[i]);
    }
    free(settings->items);
    *settings = (struct idle_settings){0};
}
