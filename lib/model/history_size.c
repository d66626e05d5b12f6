#include <string.h>

#include "history_private.h"
#include "proget/core/memory.h"

/*
 * Together with those after it that brought its number back: of a change that was undone no half stays behind, which
 * would read as a change.
 */
static void drop_oldest(struct history *history)
{
    size_t kept = history->size_change_count - 1;
    int64_t began = history->size_changes[kept].from;
    for (size_t i = 0; i < kept; i++) {
        if (history->size_changes[i].to == began) {
            kept = i;
        }
    }
    history->size_change_count = kept;
}

static bool drop_old(struct history *history, struct instant now)
{
    size_t before = history->size_change_count;
    while (history->size_change_count > 0 &&
           now.wall_us - history->size_changes[history->size_change_count - 1].time_us >= HISTORY_SIZE_CHANGE_KEPT_US) {
        drop_oldest(history);
    }
    return history->size_change_count < before;
}

/* Newest first; of too many the two oldest become one. */
static void add_change(struct history *history, int64_t to, struct instant now)
{
    history->size_changes = xrealloc(history->size_changes, BOUND_SIZE_CHANGES_KEPT, sizeof(*history->size_changes));
    size_t kept = history->size_change_count;
    if (kept == BOUND_SIZE_CHANGES_KEPT) {
        kept--;
        history->size_changes[kept - 1].from = history->size_changes[kept].from;
    }
    memmove(&history->size_changes[1], history->size_changes, kept * sizeof(*history->size_changes));
    history->size_changes[0] = (struct size_change){.time_us = now.wall_us, .from = history->replicas.value, .to = to};
    history->size_change_count = kept + 1;
}

bool history_observe_size(struct history *history, const struct cluster *cluster, struct instant now)
{
    bool dropped = drop_old(history, now);
    bool is_same = history->replicas.is_set && history->replicas.value == cluster->replicas.value;
    if (!cluster->replicas.is_set || is_same) {
        return dropped;
    }
    if (history->replicas.is_set) {
        if (!history->has_begun) {
            return dropped; /* what a process finds at its start has to stand until it looks again */
        }
        add_change(history, cluster->replicas.value, now);
    }
    history->replicas = cluster->replicas;
    return true;
}
