#include "publish/figures.h"

#include "proget/checks/check.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

/* There are as many as the catalogue has codes, at three severities at the most: whoever may write a status makes no
 * more of them. */
static void count_one(struct finding_counts *counts, const struct finding *finding)
{
    const struct check_row *row = catalogue_find(finding->code);
    const char *code = row ? row->code : "Other";
    for (size_t i = 0; i < counts->count; i++) {
        struct finding_count *count = &counts->items[i];
        if (count->severity == finding->severity && text_equal(count->code, code)) {
            count->count++;
            return;
        }
    }
    counts->items = xrealloc(counts->items, counts->count + 1, sizeof *counts->items);
    counts->items[counts->count++] = (struct finding_count){.code = code, .severity = finding->severity, .count = 1};
}

void finding_counts_add_ledger(struct finding_counts *counts, struct ledger *ledger)
{
    size_t count;
    struct ledger_entry *const *entries = ledger_published(ledger, &count);
    for (size_t i = 0; i < count; i++) {
        if (entries[i]->phase == LEDGER_RAISED) {
            count_one(counts, &entries[i]->finding);
        }
    }
}

void finding_counts_add_suppressed(struct finding_counts *counts, const struct finding_list *findings)
{
    for (size_t i = 0; i < findings->suppressed_count; i++) {
        count_one(counts, &findings->suppressed[i].finding);
    }
}

void finding_counts_clear(struct finding_counts *counts)
{
    free(counts->items);
    *counts = (struct finding_counts){0};
}

void figures_clear(struct figures *figures)
{
    for (size_t i = 0; i < figures->count; i++) {
        finding_counts_clear(&figures->items[i].standing);
    }
    free(figures->items);
    cluster_list_free(&figures->clusters);
    *figures = (struct figures){0};
}
