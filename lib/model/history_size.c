#include <string.h>

#include "history_private.h"
#include "proget/core/memory.h"

static bool drop_old(struct history *history, struct instant now)
{
    size_t before = history->size_change_count;
    while (history->size_change_count > 0 &&
           now.wall_us - history->size_changes[history->size_change_count - 1].time_us >= HISTORY_SIZE_CHANGE_KEPT_US) {
        history->size_change_count--;
    }
    return history->size_change_count < before;
}

/* Newest first; of too many the oldest goes. */
static void add_change(struct history *history, int64_t to, struct instant now)
{
    history->size_changes = xrealloc(history->size_changes, BOUND_SIZE_CHANGES_KEPT, sizeof(*history->size_changes));
    size_t kept =
        history->size_change_count < BOUND_SIZE_CHANGES_KEPT ? history->size_change_count : BOUND_SIZE_CHANGES_KEPT - 1;
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
