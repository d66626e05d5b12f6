#include "beat.h"

#include <assert.h>
#include <stdlib.h>

#include "proget/core/error.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

/* Jittered up to the double: a server that comes back is found within 20 s at the latest. */
enum { RETRY_FIRST_MS = 800, RETRY_MAX_MS = 10000, RETRY_RESET_MS = 120000 };

/* Heartbeats are sent a little early, never late, and not all sidecars' at the same moment. */
static const double stretch_minimum = 0.9;

void beat_init(struct beat *beat)
{
    *beat = (struct beat){
        .stretch = 1.0,
        .backoff = {.initial_ms = RETRY_FIRST_MS, .maximum_ms = RETRY_MAX_MS, .reset_after_ms = RETRY_RESET_MS},
    };
}

static void replace_text(char **target, char *text)
{
    free(*target);
    *target = text;
}

void beat_clear(struct beat *beat)
{
    replace_text(&beat->lease_uid, NULL);
    replace_text(&beat->report_acknowledged, NULL);
    replace_text(&beat->report_sent, NULL);
}

/* Something is to be said that the Lease does not say yet. */
static bool needs_apply(const struct beat *beat, const struct beat_wish *wish)
{
    return wish->report && (!text_equal(wish->report, beat->report_acknowledged) ||
                            wish->duration_seconds != beat->duration_acknowledged);
}

static int64_t due_ms(const struct beat *beat, const struct beat_wish *wish)
{
    if (beat->phase != BEAT_HELD || needs_apply(beat, wish)) {
        return beat->retry_ms;
    }
    int64_t renew_ms = beat->renewed_ms + (int64_t) ((double) wish->interval_ms * beat->stretch);
    return renew_ms > beat->retry_ms ? renew_ms : beat->retry_ms;
}

int64_t beat_wait_ms(const struct beat *beat, const struct beat_wish *wish, int64_t now_ms)
{
    if (beat->sent != BEAT_WAIT) {
        return -1;
    }
    int64_t due = due_ms(beat, wish);
    return due > now_ms ? due - now_ms : 0;
}

enum beat_action beat_next(const struct beat *beat, const struct beat_wish *wish, int64_t now_ms)
{
    if (beat_wait_ms(beat, wish, now_ms) != 0) {
        return BEAT_WAIT;
    }
    switch (beat->phase) {
    case BEAT_ABSENT:
        return BEAT_CREATE;
    case BEAT_TAKEN:
        return BEAT_LOOK;
    case BEAT_HELD:
        break;
    }
    return needs_apply(beat, wish) ? BEAT_APPLY : BEAT_RENEW;
}

void beat_sent(struct beat *beat, enum beat_action action, const struct beat_wish *wish, int64_t now_ms)
{
    assert(action != BEAT_WAIT && beat->sent == BEAT_WAIT);
    beat->sent = action;
    beat->sent_ms = now_ms;
    /* Whoever wants quick heartbeats wants them quickly back, too. */
    int64_t retry_max_ms = wish->interval_ms > RETRY_FIRST_MS ? wish->interval_ms : RETRY_FIRST_MS;
    beat->backoff.maximum_ms = retry_max_ms < RETRY_MAX_MS ? retry_max_ms : RETRY_MAX_MS;
    if (action == BEAT_CREATE || action == BEAT_APPLY) {
        replace_text(&beat->report_sent, xstrdup(wish->report));
        beat->duration_sent = wish->duration_seconds;
    }
}

static enum beat_news fail(struct beat *beat, int64_t now_ms, double random_fraction)
{
    beat->retry_ms = now_ms + backoff_next(&beat->backoff, now_ms, random_fraction);
    return BEAT_NEWS_FAILED;
}

/* What was held is gone. The next one is created at once, unless that is all that ever happens. */
static void forget(struct beat *beat, int64_t now_ms, double random_fraction)
{
    beat->phase = BEAT_ABSENT;
    replace_text(&beat->lease_uid, NULL);
    replace_text(&beat->report_acknowledged, NULL);
    beat->duration_acknowledged = 0;
    beat->retry_ms = now_ms;
    if (!beat->has_written) {
        (void) fail(beat, now_ms, random_fraction);
    }
    beat->has_written = false;
}

static void hold(struct beat *beat, const char *lease_uid)
{
    beat->phase = BEAT_HELD;
    replace_text(&beat->lease_uid, xstrdup(lease_uid));
}

/* A heartbeat arrived. */
static void acknowledge(struct beat *beat, const struct beat_answer *answer, double random_fraction)
{
    if (beat->sent == BEAT_CREATE || beat->sent == BEAT_APPLY) {
        replace_text(&beat->report_acknowledged, memory_take(&beat->report_sent));
        beat->duration_acknowledged = beat->duration_sent;
    } else if (!answer->is_labelled || !text_equal(answer->report, beat->report_acknowledged)) {
        /* Somebody took away what we applied: say it again. Judged on renewals alone, so that a server that changes
         * what we send costs one more request per interval, no endless row of them. */
        replace_text(&beat->report_acknowledged, NULL);
    }
    beat->renewed_ms = beat->sent_ms;
    beat->retry_ms = 0;
    beat->stretch = stretch_minimum + (1.0 - stretch_minimum) * random_fraction;
    beat->has_written = true;
    backoff_reset(&beat->backoff);
}

static enum beat_news create_answered(struct beat *beat, const struct beat_answer *answer, int64_t now_ms,
                                      double random_fraction)
{
    if (answer->code == ERROR_EXISTS) {
        beat->phase = BEAT_TAKEN;
        return BEAT_NEWS_NONE;
    }
    if (answer->code != 0 || !answer->lease_uid) {
        return fail(beat, now_ms, random_fraction);
    }
    hold(beat, answer->lease_uid);
    acknowledge(beat, answer, random_fraction);
    return BEAT_NEWS_CREATED;
}

static enum beat_news look_answered(struct beat *beat, const struct beat_answer *answer, int64_t now_ms,
                                    double random_fraction)
{
    switch (answer->code) {
    case 0:
        break;
    case ERROR_NOT_FOUND: /* it went in between: create it */
        forget(beat, now_ms, random_fraction);
        return BEAT_NEWS_NONE;
    case ERROR_DENIED: /* the admission policy lets nobody touch another pod's Lease: the same as seeing that it is */
    case ERROR_BAD_INPUT:
    case ERROR_CONFLICT:
        beat->phase = BEAT_ABSENT;
        (void) fail(beat, now_ms, random_fraction);
        return BEAT_NEWS_FOREIGN;
    default:
        return fail(beat, now_ms, random_fraction);
    }
    if (!answer->is_ours || !answer->lease_uid) {
        beat->phase = BEAT_ABSENT;
        (void) fail(beat, now_ms, random_fraction);
        return BEAT_NEWS_FOREIGN;
    }
    hold(beat, answer->lease_uid);
    beat->renewed_ms = 0; /* the first heartbeat is due now */
    beat->stretch = 0.0;
    return BEAT_NEWS_TAKEN_OVER;
}

static enum beat_news write_answered(struct beat *beat, const struct beat_answer *answer, int64_t now_ms,
                                     double random_fraction)
{
    switch (answer->code) {
    case 0:
        acknowledge(beat, answer, random_fraction);
        return BEAT_NEWS_RENEWED;
    case ERROR_NOT_FOUND: /* gone */
    case ERROR_CONFLICT:  /* an apply with the uid of what is gone */
    case ERROR_BAD_INPUT: /* another Lease has come under the name: metadata.uid is immutable (422) */
        forget(beat, now_ms, random_fraction);
        return BEAT_NEWS_LOST;
    default:
        return fail(beat, now_ms, random_fraction);
    }
}

enum beat_news beat_answered(struct beat *beat, const struct beat_answer *answer, int64_t now_ms,
                             double random_fraction)
{
    enum beat_news news = BEAT_NEWS_NONE;
    switch (beat->sent) {
    case BEAT_WAIT:
        assert(false);
        break;
    case BEAT_CREATE:
        news = create_answered(beat, answer, now_ms, random_fraction);
        break;
    case BEAT_LOOK:
        news = look_answered(beat, answer, now_ms, random_fraction);
        break;
    case BEAT_APPLY:
    case BEAT_RENEW:
        news = write_answered(beat, answer, now_ms, random_fraction);
        break;
    }
    beat->sent = BEAT_WAIT;
    replace_text(&beat->report_sent, NULL);
    return news;
}
