/*
 * What to send next for the pod's Lease: a pure state machine. docs/sidecar.md tells why it is the way it is.
 *
 *   ABSENT --create--> 201: HELD
 *                      409: TAKEN --look--> ours: HELD; another pod's: ABSENT, wait and create again
 *   HELD: apply when the report or the lease's duration changed, else renew once per interval
 *         404, 409, 422: the Lease is gone or another one: ABSENT
 *
 * The caller sends what beat_next() says, tells beat_sent() and, once per request, beat_answered().
 */
#ifndef SIDECAR_BEAT_H
#define SIDECAR_BEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "proget/core/rate.h"

enum beat_action {
    BEAT_WAIT,
    BEAT_CREATE, /* POST the whole Lease: sets the ownerReference, and fails where the name is taken */
    BEAT_LOOK,   /* an empty merge patch: changes nothing, and its answer shows whose Lease it is */
    BEAT_APPLY,  /* server-side apply of report and renewTime, pinned to the Lease's uid */
    BEAT_RENEW,  /* merge patch of renewTime, pinned to the Lease's uid */
};

enum beat_phase { BEAT_ABSENT, BEAT_TAKEN, BEAT_HELD };

enum beat_news {
    BEAT_NEWS_NONE,
    BEAT_NEWS_CREATED,
    BEAT_NEWS_TAKEN_OVER, /* this pod's Lease was there already: the container was restarted */
    BEAT_NEWS_RENEWED,
    BEAT_NEWS_FOREIGN, /* the name is another's, normally an earlier pod's: it will be collected */
    BEAT_NEWS_LOST,    /* the Lease that was held is gone */
    BEAT_NEWS_FAILED,  /* try again later */
};

/* What is wanted now. */
struct beat_wish {
    const char *report; /* as JSON; NULL: nothing to report yet. Borrowed */
    int64_t duration_seconds;
    int64_t interval_ms;
};

/* What an answer says. Texts are borrowed for the call. */
struct beat_answer {
    int code;              /* 0, or a negative enum error_code as kube/client.h names them */
    const char *lease_uid; /* NULL: the answer had none */
    const char *report;    /* the annotation in it; NULL: none */
    bool is_ours;          /* an ownerReference names this pod by its uid */
    bool is_labelled;      /* as a sidecar's */
};

struct beat {
    enum beat_phase phase;
    char *lease_uid;               /* owned; of the Lease that is held */
    char *report_acknowledged;     /* owned; what the Lease holds, as far as known */
    int64_t duration_acknowledged; /* seconds; 0: unknown */
    int64_t renewed_ms;            /* monotonic: when the last successful heartbeat was sent */
    int64_t retry_ms;              /* monotonic: nothing is sent before */
    double stretch;                /* of the interval now running: 0.9 to 1 */
    bool has_written;              /* a heartbeat succeeded since the Lease was last lost */
    struct backoff backoff;

    enum beat_action sent; /* under way; BEAT_WAIT: nothing is */
    int64_t sent_ms;
    char *report_sent; /* owned; what the request under way carries */
    int64_t duration_sent;
};

void beat_init(struct beat *beat);
void beat_clear(struct beat *beat);

enum beat_action beat_next(const struct beat *beat, const struct beat_wish *wish, int64_t now_ms);
/* Milliseconds until beat_next() may say something else than BEAT_WAIT; -1 while a request is under way. */
int64_t beat_wait_ms(const struct beat *beat, const struct beat_wish *wish, int64_t now_ms);
/* `action` as beat_next() said it. Copies what it needs of the wish. */
void beat_sent(struct beat *beat, enum beat_action action, const struct beat_wish *wish, int64_t now_ms);
/* `random_fraction` in [0,1): for back-off and jitter. */
enum beat_news beat_answered(struct beat *beat, const struct beat_answer *answer, int64_t now_ms,
                             double random_fraction);

#endif
