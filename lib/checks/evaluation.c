#include "proget/checks/evaluation.h"

#include "check_sink.h"

/* Of a cluster every watched kind that cannot be read is named, whether or not a check asked for it: the joins did. */
static void name_unobserved_kinds(const struct check_context *context)
{
    const struct model_options *options = model_options(context->model);
    if (options->offline && !options->whole) {
        return;
    }
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        const struct model_kind_info *info = model_kind_info((enum model_kind) kind);
        bool is_asked_for = info->watched || info->is_polled;
        const char *why = is_asked_for ? model_unobserved(context->model, (enum model_kind) kind) : NULL;
        if (why) {
            finding_unobserved(context, model_kind_title((enum model_kind) kind), why);
        }
    }
}

/* Live, what a row rests on and cannot be seen leaves its condition open, whatever the check makes of it. */
static void mark_unjudged(const struct check_context *context)
{
    const struct check_row *row = context->row;
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        if ((row->rests_on & CHECK_RESTS_ON_KIND(kind)) && model_unobserved(context->model, (enum model_kind) kind)) {
            finding_arena_mark_unjudged(context->sink->arena, row->condition);
        }
    }
}

static bool is_first_row_of_check(const struct check_row *rows, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (rows[i].check == rows[index].check) {
            return false;
        }
    }
    return true;
}

void evaluation_run(const struct model *model, const struct cluster *cluster, struct instant now,
                    struct finding_list *ret_findings)
{
    struct check_sink sink;
    check_sink_init(&sink);
    struct check_context context = {.model = model, .cluster = cluster, .now = now, .sink = &sink};
    if (!cluster->superseded_by) {
        name_unobserved_kinds(&context);
        size_t count;
        const struct check_row *rows = catalogue(&count);
        for (size_t i = 0; i < count; i++) {
            context.row = &rows[i];
            if (!model_options(model)->offline) {
                mark_unjudged(&context);
            }
            bool may_judge = !rows[i].is_live_only || !cluster->is_offline;
            if (may_judge && is_first_row_of_check(rows, i)) {
                rows[i].check(&context);
            }
        }
    }
    check_sink_finish(&sink, ret_findings);
}
