/*
 * What is known of each Lease beyond its record.
 */
#ifndef PROGET_MODEL_HEARTBEATS_H
#define PROGET_MODEL_HEARTBEATS_H

#include "proget/core/map.h"
#include "proget/model/model.h"

struct heartbeat_slot {
    struct heartbeat heartbeat;
    /* Somebody saw it as anything but fresh when clusters were last assembled: then a renewal is news. */
    bool is_awaited;
};

void heartbeat_slot_free(void *slot); /* a map_value_free */

/*
 * A Lease came, changed or went (as a store_change_fn is told). Returns false when all that happened is a renewal of a
 * heartbeat that nobody awaits.
 */
bool heartbeats_follow(struct map *slots, const struct store_entry *before, const struct store_entry *after);

/* The clock of staleness stood still for that long before `until_ms`. */
void heartbeats_shift(struct map *slots, int64_t since_ms, int64_t until_ms);

/*
 * The state of a heartbeat. `slot` and `lease` belong together; `had_stale_finding`: it had been said before this
 * process that the heartbeat is stale. Pure.
 */
enum heartbeat_state heartbeat_judge(const struct heartbeat_slot *slot, const struct lease *lease,
                                     int64_t stale_after_ms, bool had_stale_finding, struct instant now);

#endif
