#include "publish/tally.h"

#include <assert.h>

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
