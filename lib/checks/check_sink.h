/*
 * Where findings go while the checks of one cluster run.
 */
#ifndef PROGET_CHECKS_CHECK_SINK_H
#define PROGET_CHECKS_CHECK_SINK_H

#include "proget/checks/check.h"

#include "finding_arena.h"

struct check_sink {
    struct finding_arena *arena;
    struct finding *findings;
    size_t finding_count, finding_capacity;
    struct suppressed_finding *suppressed;
    size_t suppressed_count, suppressed_capacity;
    struct unobserved *unobserved;
    size_t unobserved_count, unobserved_capacity;
    int64_t wake_at_ms;
};

void check_sink_init(struct check_sink *sink);
/* Sorts, folds and bounds what was raised, and hands it out. The sink is empty then. */
void check_sink_finish(struct check_sink *sink, struct finding_list *ret_findings);

#endif
