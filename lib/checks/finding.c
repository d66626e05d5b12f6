#include "proget/checks/finding.h"

#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

#include "finding_arena.h"
#include "finding_order.h"

static const char *const severity_names[] = {
    [SEVERITY_INFO] = "info",
    [SEVERITY_WARNING] = "warning",
    [SEVERITY_ERROR] = "error",
};

const char *severity_name(enum severity severity)
{
    return severity_names[severity];
}

int severity_from_name(const char *name, enum severity *ret_severity)
{
    for (size_t i = 0; i < array_length(severity_names); i++) {
        if (text_equal(name, severity_names[i])) {
            *ret_severity = (enum severity) i;
            return 0;
        }
    }
    return ERROR_BAD_INPUT;
}

static int text_order(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

int object_reference_order(const struct object_reference *a, const struct object_reference *b)
{
    int order = text_order(a->kind, b->kind);
    order = order ? order : text_order(a->namespace_name, b->namespace_name);
    order = order ? order : text_order(a->name, b->name);
    return order ? order : text_order(a->uid, b->uid);
}

bool object_reference_equal(const struct object_reference *a, const struct object_reference *b)
{
    return object_reference_order(a, b) == 0;
}

int finding_order(const struct finding *a, const struct finding *b)
{
    if (a->severity != b->severity) {
        return a->severity > b->severity ? -1 : 1;
    }
    int order = text_order(a->code, b->code);
    order = order ? order : object_reference_order(&a->object, &b->object);
    return order ? order : text_order(a->key, b->key);
}

void finding_list_free(struct finding_list *list)
{
    if (!list) {
        return;
    }
    finding_arena_free(list->arena);
    memset(list, 0, sizeof *list);
}

/* Room for the key of a finding with BOUND_RELATED objects of the longest names. */
#define KEY_BYTES_MAX ((size_t) 128 * 1024)

static void key_append_reference(struct buffer *key, const struct object_reference *reference)
{
    (void) buffer_appendf(key, " %s/%s/%s/%s", reference->kind ? reference->kind : "",
                          reference->namespace_name ? reference->namespace_name : "",
                          reference->name ? reference->name : "", reference->uid ? reference->uid : "");
}

static int reference_compare(const void *a, const void *b)
{
    return object_reference_order(a, b);
}

char *finding_key(const char *code, const struct object_reference *object, const struct object_reference *related,
                  size_t related_count, const char *cause, const char *occurrence)
{
    struct buffer key = BUFFER_INIT(KEY_BYTES_MAX);
    (void) buffer_appendf(&key, "%s %s %s", code, cause ? cause : "-", occurrence ? occurrence : "-");
    if (occurrence) {
        return buffer_take(&key);
    }
    key_append_reference(&key, object);
    if (related_count) {
        cleanup_free struct object_reference *sorted = xcalloc(related_count, sizeof *sorted);
        memcpy(sorted, related, related_count * sizeof *sorted);
        qsort(sorted, related_count, sizeof *sorted, reference_compare);
        for (size_t i = 0; i < related_count; i++) {
            key_append_reference(&key, &sorted[i]);
        }
    }
    return buffer_take(&key);
}
