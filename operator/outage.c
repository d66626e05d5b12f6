#include "outage.h"

#include "proget/core/log.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

/* A watch that expired is back within a second; a server that starts refuses kinds for up to ten (reflector.h). */
enum { WHOLE_HOLD_MS = 2500, PART_HOLD_MS = 12 * 1000 };

struct outage {
    struct loop_timer *timer;
    bool is_whole, is_said, is_start_said, is_started;
    char why[BOUND_ERROR_TEXT];
};

static void say(void *userdata)
{
    struct outage *outage = userdata;
    if (!outage->is_started) {
        outage_at_start(outage, outage->why);
        return;
    }
    outage->is_said = true;
    log_warning(LOG_FIELDS({"error", outage->why}), "%s: keeping what is known, trying again",
                outage->is_whole ? "the API server is out of reach" : "the API server does not serve everything");
}

struct outage *outage_new(struct loop *loop)
{
    struct outage *outage = xcalloc(1, sizeof *outage);
    outage->timer = loop_timer_new(loop, say, outage);
    return outage;
}

void outage_free(struct outage *outage)
{
    if (outage) {
        loop_timer_free(outage->timer);
        free(outage);
    }
}

void outage_settle(struct outage *outage, bool is_silent, size_t behind, size_t total, const char *why)
{
    if (!is_silent && behind == 0) {
        loop_timer_stop(outage->timer);
        if (outage->is_said) {
            log_info(LOG_NONE, "the API server is back, and everything is up to date again");
        }
        outage->is_said = false;
        return;
    }
    if (why) {
        text_copy_cut(outage->why, sizeof outage->why, why);
    }
    bool is_whole = is_silent || behind == total;
    bool has_grown = is_whole && !outage->is_whole;
    outage->is_whole = is_whole;
    if (!outage->is_said && (has_grown || !loop_timer_is_set(outage->timer))) {
        loop_timer_set_after(outage->timer, is_whole ? WHOLE_HOLD_MS : PART_HOLD_MS);
    }
}

void outage_drop(struct outage *outage)
{
    outage->is_said = false;
}

void outage_started(struct outage *outage)
{
    outage->is_started = true;
}

void outage_at_start(struct outage *outage, const char *why)
{
    if (!outage->is_start_said) {
        outage->is_start_said = true;
        log_warning(LOG_FIELDS({"error", why}), "cannot get in step with the API server yet, trying again");
    }
}
