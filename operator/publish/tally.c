#include "publish/tally.h"

#include <assert.h>
#include <string.h>

#include "proget/core/memory.h"

const char *tally_target_name(enum tally_target target)
{
    static const char *const names[] = {
        [TALLY_STATUS] = "status",
        [TALLY_ANNOTATIONS] = "annotations",
        [TALLY_SETTINGS] = "settings",
        [TALLY_EVENT] = "event",
    };
    assert(target < TALLY_TARGET_COUNT);
    return names[target];
}

const char *tally_outcome_name(enum tally_outcome outcome)
{
    static const char *const names[] = {
        [TALLY_WRITTEN] = "written",
        [TALLY_OVERTAKEN] = "overtaken",
        [TALLY_FAILED] = "failed",
    };
    assert(outcome < TALLY_OUTCOME_COUNT);
    return names[outcome];
}

void tally_write(struct tally *tally, enum tally_target target, const struct error *err)
{
    assert(target < TALLY_TARGET_COUNT);
    enum tally_outcome outcome = !err                                                          ? TALLY_WRITTEN
                                 : err->code == ERROR_CONFLICT || err->code == ERROR_NOT_FOUND ? TALLY_OVERTAKEN
                                                                                               : TALLY_FAILED;
    if (tally) {
        tally->writes[target][outcome]++;
    }
}

void tally_clear(struct tally *tally)
{
    map_free(tally->evictions);
    tally->evictions = NULL;
}

void tally_take_evictions(struct tally *tally, const char *cluster_uid, struct history *history)
{
    if (!tally) {
        return;
    }
    if (!tally->evictions) {
        tally->evictions = map_new(free);
    }
    struct tally_evictions *of = map_get(tally->evictions, cluster_uid);
    if (!of) {
        of = xcalloc(1, sizeof *of);
        map_put(tally->evictions, cluster_uid, of);
    }
    _Static_assert(sizeof of->by_cause == sizeof history->evictions_noted, "the same causes");
    for (size_t i = 0; i < array_length(of->by_cause); i++) {
        of->by_cause[i] += history->evictions_noted[i];
    }
    memset(history->evictions_noted, 0, sizeof history->evictions_noted);
}

const struct tally_evictions *tally_evictions_of(const struct tally *tally, const char *cluster_uid)
{
    return tally && tally->evictions ? map_get(tally->evictions, cluster_uid) : NULL;
}

void tally_forget_evictions(struct tally *tally, const struct map *clusters)
{
    const struct map_entry *at = tally && tally->evictions ? map_first(tally->evictions) : NULL;
    while (at) {
        cleanup_free char *uid = xstrdup(map_key(at));
        at = map_next(at);
        if (!map_get(clusters, uid)) {
            map_remove(tally->evictions, uid);
        }
    }
}
