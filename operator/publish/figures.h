/*
 * What the metrics tell of the clusters: assembled when asked for, from what the model and the ledgers hold then.
 */
#ifndef OPERATOR_PUBLISH_FIGURES_H
#define OPERATOR_PUBLISH_FIGURES_H

#include "proget/model/model.h"
#include "publish/ledger.h"
#include "publish/tally.h"

/* Findings of one code and severity. A code that the catalogue does not have counts as "Other". */
struct finding_count {
    const char *code; /* static */
    enum severity severity;
    size_t count;
};
struct finding_counts {
    struct finding_count *items;
    size_t count;
};
/* Those that stand. */
void finding_counts_add_ledger(struct finding_counts *counts, struct ledger *ledger);
/* Those that were left out. */
void finding_counts_add_suppressed(struct finding_counts *counts, const struct finding_list *findings);
void finding_counts_clear(struct finding_counts *counts);

struct cluster_figures {
    const struct cluster *cluster; /* in `clusters` below */
    struct finding_counts standing;
    const struct finding_counts *suppressed; /* of the last evaluation; borrowed */
    const struct tally_evictions *evictions; /* NULL: nobody counts; borrowed */
    size_t waiting;                          /* findings for which the status has no room */
    int64_t healthy;
    bool is_in_maintenance;
};

struct figures {
    struct cluster_list clusters;
    struct cluster_figures *items; /* declared clusters that were evaluated, in the order of namespace and name */
    size_t count;
    size_t pending[TALLY_TARGET_COUNT]; /* writes wished for or under way */
};
/* Before the model or a ledger changes. */
void figures_clear(struct figures *figures);

#endif
