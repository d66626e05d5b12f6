#include "heartbeats.h"

#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

static const char *const state_names[] = {
    [HEARTBEAT_UNKNOWN] = "Unknown",
    [HEARTBEAT_FRESH] = "Fresh",
    [HEARTBEAT_STALE] = "Stale",
    [HEARTBEAT_MISSING] = "Missing",
};

const char *heartbeat_state_name(enum heartbeat_state state)
{
    return (size_t) state < array_length(state_names) ? state_names[state] : state_names[HEARTBEAT_UNKNOWN];
}

static void heartbeat_drop_report(struct heartbeat *heartbeat)
{
    report_clear(&heartbeat->report);
    heartbeat->has_report = false;
    free(heartbeat->report_problem);
    heartbeat->report_problem = NULL;
}

void heartbeat_slot_free(void *slot)
{
    if (slot != NULL) {
        heartbeat_drop_report(&((struct heartbeat_slot *) slot)->heartbeat);
        free(slot);
    }
}

static const struct lease *lease_of(const struct store_entry *entry)
{
    return entry == NULL ? NULL : (const struct lease *) (const void *) entry->object;
}

static const char *lease_report(const struct lease *lease)
{
    return lease == NULL ? NULL : record_map_get(&lease->annotations, REPORT_ANNOTATION);
}

static void heartbeat_read_report(struct heartbeat *heartbeat, const char *text)
{
    heartbeat_drop_report(heartbeat);
    if (text == NULL) {
        return;
    }
    struct error err;
    if (report_parse(text, strlen(text), &heartbeat->report, &err) < 0) {
        heartbeat->report_problem = xstrdup(err.text);
    } else {
        heartbeat->has_report = true;
    }
}

static bool pairs_equal(const struct record_list *a, const struct record_list *b)
{
    const struct record_pair *left = a->items;
    const struct record_pair *right = b->items;
    bool equal = a->count == b->count;
    for (size_t i = 0; equal && i < a->count; i++) {
        equal = text_equal(left[i].key, right[i].key) && text_equal(left[i].value, right[i].value);
    }
    return equal;
}

static bool owners_equal(const struct record_list *a, const struct record_list *b)
{
    const struct object_owner *left = a->items;
    const struct object_owner *right = b->items;
    bool equal = a->count == b->count;
    for (size_t i = 0; equal && i < a->count; i++) {
        equal = text_equal(left[i].uid, right[i].uid) && text_equal(left[i].kind, right[i].kind);
    }
    return equal;
}

/* Nothing but the time of renewal differs. */
static bool is_plain_renewal(const struct lease *before, const struct lease *after)
{
    return before->renewed_us != after->renewed_us && before->meta.deleted_us == after->meta.deleted_us &&
           text_equal(before->holder, after->holder) && before->duration_s.is_set == after->duration_s.is_set &&
           before->duration_s.value == after->duration_s.value &&
           owners_equal(&before->meta.owners, &after->meta.owners) &&
           pairs_equal(&before->annotations, &after->annotations);
}

bool heartbeats_follow(struct map *slots, const struct store_entry *before, const struct store_entry *after)
{
    if (after == NULL) {
        map_remove(slots, before->key);
        return true;
    }
    const struct lease *lease = lease_of(after);
    struct heartbeat_slot *slot = map_get(slots, after->key);
    if (before == NULL || slot == NULL) {
        slot = xcalloc(1, sizeof(*slot));
        slot->heartbeat.renewed_ms = after->changed_ms;
        slot->heartbeat.renewed_since_start = after->changed_since && lease->renewed_us != 0;
        heartbeat_read_report(&slot->heartbeat, lease_report(lease));
        map_put(slots, after->key, slot);
        return true;
    }
    if (lease_of(before)->renewed_us != lease->renewed_us) {
        slot->heartbeat.renewed_ms = after->changed_ms;
        slot->heartbeat.renewed_since_start = true;
    }
    if (is_plain_renewal(lease_of(before), lease)) {
        return slot->is_awaited;
    }
    if (!text_equal(lease_report(lease_of(before)), lease_report(lease))) {
        heartbeat_read_report(&slot->heartbeat, lease_report(lease));
    }
    return true;
}

void heartbeats_shift(struct map *slots, int64_t since_ms, int64_t until_ms)
{
    for (const struct map_entry *at = map_first(slots); at != NULL; at = map_next(at)) {
        struct heartbeat *heartbeat = &((struct heartbeat_slot *) map_value(at))->heartbeat;
        if (heartbeat->renewed_ms <= since_ms) {
            heartbeat->renewed_ms += until_ms - since_ms;
        }
    }
}

enum heartbeat_state heartbeat_judge(const struct heartbeat_slot *slot, const struct lease *lease,
                                     int64_t stale_after_ms, bool had_stale_finding, struct instant now)
{
    const struct heartbeat *heartbeat = &slot->heartbeat;
    bool is_overdue = now.monotonic_ms - heartbeat->renewed_ms >= stale_after_ms;
    if (heartbeat->renewed_since_start) {
        return is_overdue ? HEARTBEAT_STALE : HEARTBEAT_FRESH;
    }
    if (is_overdue || had_stale_finding) {
        return HEARTBEAT_STALE;
    }
    /* Not seen renewed yet. The wall clocks may believe, but not accuse: the next renewal tells soon. */
    bool looks_recent = lease->renewed_us != 0 && (now.wall_us - lease->renewed_us) / 1000 < stale_after_ms;
    return looks_recent ? HEARTBEAT_FRESH : HEARTBEAT_UNKNOWN;
}
