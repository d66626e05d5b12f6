#include "proget/checks/idle_setting.h"

#include <string.h>

#include "proget/checks/check.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { CODE_LENGTH_MAX = 64 };

/* --- the code that was meant --- */

static char lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char) (character - 'A' + 'a') : character;
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

/* Letters to add, drop or change (Levenshtein); case does not count. Both at most CODE_LENGTH_MAX long. */
static size_t distance_of(const char *a, const char *b)
{
    size_t row[CODE_LENGTH_MAX + 1];
    size_t length = strlen(b);
    for (size_t k = 0; k <= length; k++) {
        row[k] = k;
    }
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < length; k++) {
            size_t changed = diagonal + (lower(a[i]) != lower(b[k]));
            diagonal = row[k + 1];
            row[k + 1] = least(changed, row[k] + 1, diagonal + 1);
        }
    }
    return row[length];
}

/* NULL where none is near: a third of its letters may be wrong. */
static const char *nearest_code(const char *code)
{
    if (strlen(code) > CODE_LENGTH_MAX) {
        return NULL;
    }
    size_t count;
    const struct check_row *rows = catalogue(&count);
    const char *nearest = NULL;
    size_t shortest = strlen(code) / 3 + 1;
    for (size_t i = 0; i < count; i++) {
        size_t distance = distance_of(code, rows[i].code);
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
    char shown[CODE_LENGTH_MAX];
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
        char shown[CODE_LENGTH_MAX];
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
