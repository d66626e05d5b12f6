#include "check_sink.h"

#include <inttypes.h>
#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

#include "finding_order.h"
#include "suppression.h"

void check_sink_init(struct check_sink *sink)
{
    memset(sink, 0, sizeof *sink);
    sink->arena = finding_arena_new();
    sink->wake_at_ms = INT64_MAX;
}

static void *array_grow(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return items;
    }
    *capacity = *capacity ? *capacity * 2 : 16;
    return xrealloc(items, *capacity, size);
}

static struct object_reference reference_copy(struct finding_arena *arena, const struct object_reference *reference)
{
    return (struct object_reference){
        .api_version = finding_arena_text(arena, reference->api_version),
        .kind = finding_arena_text(arena, reference->kind),
        .namespace_name = finding_arena_text(arena, reference->namespace_name),
        .name = finding_arena_text(arena, reference->name),
        .uid = finding_arena_text(arena, reference->uid),
    };
}

static int reference_compare(const void *a, const void *b)
{
    return object_reference_order(a, b);
}

static void related_copy(struct finding_arena *arena, const struct finding_draft *draft, struct finding *finding)
{
    if (draft->related_count == 0) {
        return;
    }
    struct object_reference *sorted = xcalloc(draft->related_count, sizeof *sorted);
    memcpy(sorted, draft->related, draft->related_count * sizeof *sorted);
    qsort(sorted, draft->related_count, sizeof *sorted, reference_compare);
    size_t kept = draft->related_count < BOUND_RELATED ? draft->related_count : BOUND_RELATED;
    finding->related = finding_arena_take(arena, kept, sizeof *finding->related);
    for (size_t i = 0; i < draft->related_count && finding->related_count < kept; i++) {
        if (i == 0 || !object_reference_equal(&sorted[i], &sorted[i - 1])) {
            finding->related[finding->related_count++] = reference_copy(arena, &sorted[i]);
        }
    }
    free(sorted);
}

static const char *key_make(struct finding_arena *arena, const struct finding *finding)
{
    cleanup_free char *key = finding_key(finding->code, &finding->object, finding->related, finding->related_count,
                                         finding->cause, finding->occurrence);
    return finding_arena_text(arena, key);
}

static enum severity severity_of(const struct cluster *cluster, const struct check_row *row)
{
    enum severity severity = row->severity;
    if (cluster->resource) {
        record_list_each (const struct code_severity *, override, &cluster->resource->severity) {
            if (text_equal(override->code, row->code)) {
                (void) severity_from_name(override->severity, &severity);
            }
        }
    }
    return severity;
}

/* Offline there is no ledger of holds: the objects tell, or the hold is taken as over. */
static bool hold_is_over(const struct check_context *context, const struct finding_draft *draft, int64_t hold_ms)
{
    if (!model_options(context->model)->offline || draft->true_since_us == 0) {
        return true;
    }
    return (context->now.wall_us - draft->true_since_us) / 1000 >= hold_ms;
}

void finding_raise(const struct check_context *context, const struct finding_draft *draft)
{
    const struct check_row *row = draft->code ? catalogue_find(draft->code) : context->row;
    int64_t hold_ms = draft->hold_ms < 0 ? row->hold_ms : draft->hold_ms;
    if (!hold_is_over(context, draft, hold_ms)) {
        return;
    }
    struct check_sink *sink = context->sink;
    struct finding finding = {
        .code = row->code,
        .severity = severity_of(context->cluster, row),
        .object = reference_copy(sink->arena, &draft->object),
        .cause = finding_arena_text(sink->arena, draft->cause),
        .occurrence = finding_arena_text(sink->arena, draft->occurrence),
        .message = finding_arena_text_cut(sink->arena, draft->message, BOUND_SENTENCE_BYTES),
        .action = finding_arena_text_cut(sink->arena, draft->action, BOUND_SENTENCE_BYTES),
        .true_since_us = draft->true_since_us,
        .hold_ms = hold_ms,
    };
    related_copy(sink->arena, draft, &finding);
    finding.key = key_make(sink->arena, &finding);
    const char *reason =
        suppression_reason(context->model, context->cluster, row->code, &draft->object, draft->about_cluster);
    if (reason) {
        sink->suppressed =
            array_grow(sink->suppressed, sink->suppressed_count, &sink->suppressed_capacity, sizeof *sink->suppressed);
        sink->suppressed[sink->suppressed_count++] = (struct suppressed_finding){
            .finding = finding,
            .reason = finding_arena_text_cut(sink->arena, reason, BOUND_SENTENCE_BYTES),
        };
        return;
    }
    sink->findings = array_grow(sink->findings, sink->finding_count, &sink->finding_capacity, sizeof *sink->findings);
    sink->findings[sink->finding_count++] = finding;
}

void finding_unobserved(const struct check_context *context, const char *what, const char *why)
{
    struct check_sink *sink = context->sink;
    finding_arena_mark_unjudged(sink->arena, context->row ? context->row->condition : NULL);
    for (size_t i = 0; i < sink->unobserved_count; i++) {
        if (text_equal(sink->unobserved[i].what, what)) {
            return;
        }
    }
    sink->unobserved =
        array_grow(sink->unobserved, sink->unobserved_count, &sink->unobserved_capacity, sizeof *sink->unobserved);
    sink->unobserved[sink->unobserved_count++] = (struct unobserved){
        .what = finding_arena_text(sink->arena, what),
        .why = finding_arena_text_cut(sink->arena, why, BOUND_SENTENCE_BYTES),
    };
}

void finding_wake_at(const struct check_context *context, int64_t monotonic_ms)
{
    if (monotonic_ms < context->sink->wake_at_ms) {
        context->sink->wake_at_ms = monotonic_ms;
    }
}

static int finding_compare(const void *a, const void *b)
{
    return finding_order(a, b);
}

static int suppressed_compare(const void *a, const void *b)
{
    const struct suppressed_finding *left = a;
    const struct suppressed_finding *right = b;
    return finding_order(&left->finding, &right->finding);
}

static int unobserved_compare(const void *a, const void *b)
{
    const struct unobserved *left = a;
    const struct unobserved *right = b;
    return strcmp(left->what, right->what);
}

/* Moves an array under the arena's roof. */
static void *array_settle(struct finding_arena *arena, void *items, size_t count, size_t size)
{
    void *settled = NULL;
    if (count > 0) {
        settled = finding_arena_take(arena, count, size);
        memcpy(settled, items, count * size);
    }
    free(items);
    return settled;
}

/* Equal keys lie side by side after the sort. */
static size_t finding_fold(struct finding *items, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !text_equal(items[i].key, items[kept - 1].key)) {
            items[kept++] = items[i];
        }
    }
    return kept;
}

void check_sink_finish(struct check_sink *sink, struct finding_list *ret_findings)
{
    if (sink->finding_count > 0) {
        qsort(sink->findings, sink->finding_count, sizeof *sink->findings, finding_compare);
    }
    if (sink->suppressed_count > 0) {
        qsort(sink->suppressed, sink->suppressed_count, sizeof *sink->suppressed, suppressed_compare);
    }
    if (sink->unobserved_count > 0) {
        qsort(sink->unobserved, sink->unobserved_count, sizeof *sink->unobserved, unobserved_compare);
    }
    size_t kept = finding_fold(sink->findings, sink->finding_count);
    size_t bounded = kept < BOUND_FINDINGS_PER_CLUSTER ? kept : BOUND_FINDINGS_PER_CLUSTER;
    size_t suppressed =
        sink->suppressed_count < BOUND_FINDINGS_PER_CLUSTER ? sink->suppressed_count : BOUND_FINDINGS_PER_CLUSTER;
    *ret_findings = (struct finding_list){
        .items = array_settle(sink->arena, sink->findings, bounded, sizeof *sink->findings),
        .count = bounded,
        .suppressed = array_settle(sink->arena, sink->suppressed, suppressed, sizeof *sink->suppressed),
        .suppressed_count = suppressed,
        .unobserved = array_settle(sink->arena, sink->unobserved, sink->unobserved_count, sizeof *sink->unobserved),
        .unobserved_count = sink->unobserved_count,
        .wake_at_ms = sink->wake_at_ms,
        .dropped = (kept - bounded) + (sink->suppressed_count - suppressed),
        .arena = sink->arena,
    };
    memset(sink, 0, sizeof *sink);
}
