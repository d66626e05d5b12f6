/*
 * What a reflector does next: kube-algorithms section 1 as a pure state machine. It knows no socket, no clock and no
 * store; each step takes what happened, the time and a random fraction, and says what to do. The driver (reflector.c)
 * does it.
 */
#ifndef PROGET_KUBE_REFLECTOR_MACHINE_H
#define PROGET_KUBE_REFLECTOR_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "proget/core/rate.h"
#include "proget/kube/reflector.h"
#include "watch_event.h"

enum {
    REFLECTOR_PAGE_LIMIT = 500,        /* objects in one page of a list */
    REFLECTOR_WATCH_SECONDS_MIN = 300, /* how long a watch is asked for: uniform between these two */
    REFLECTOR_WATCH_SECONDS_MAX = 600,
    REFLECTOR_SETTLE_MS = 1000, /* a watch that was opened counts as in step after that long, or with its first event */
    REFLECTOR_SHORT_WATCH_MS = 1000,  /* a stream that ends sooner, without an event, is a failure */
    REFLECTOR_SHORT_WATCHES_MAX = 3,  /* of such length in a row, events or not, before there is a pause */
    REFLECTOR_PREMATURE_ENDS_MAX = 2, /* WatchLists cut before their end in a row, before a list is tried instead */
    REFLECTOR_ABSENT_GRACE_MS = 10 * 1000, /* a kind that was in step and is refused may be so by a server that is
                                              starting: that long it counts as behind, or as missing as before */
    REFLECTOR_CONTINUE_LENGTH_MAX = 2048,  /* bytes of a continue token: a key and a version in base64 */
};

/* Why a request or a stream came to nothing. */
struct reflector_failure {
    int status;             /* HTTP, or of the Status in an ERROR event; 0: no answer */
    bool refused;           /* the connection was refused */
    bool version_too_large; /* cause ResourceVersionTooLarge */
    bool answer_too_large;  /* a list that passes what is read of one answer */
    int64_t retry_after_ms; /* negative: not said */
    const char *why;        /* one sentence */
};

enum reflector_input_kind {
    REFLECTOR_INPUT_START,
    REFLECTOR_INPUT_TIMER,  /* the wait that was asked for is over */
    REFLECTOR_INPUT_OPENED, /* the stream was answered with 200 */
    REFLECTOR_INPUT_EVENT,
    REFLECTOR_INPUT_ERROR,   /* an ERROR event; `failure` */
    REFLECTOR_INPUT_GARBAGE, /* a frame that cannot be read; `failure.why` */
    REFLECTOR_INPUT_PAGE,    /* a page of a list came; its items are still to be stored */
    REFLECTOR_INPUT_ENDED,   /* the stream, once opened, is over: EOF, reset, GOAWAY, silence; `failure.why` */
    REFLECTOR_INPUT_FAILED,  /* a stream that was never opened, or a list; `failure` */
    REFLECTOR_INPUT_REWOUND, /* the server's state is an older one than was seen; `failure.why` */
};

/* Texts are borrowed for the step. */
struct reflector_input {
    enum reflector_input_kind kind;
    enum watch_event_type event;  /* EVENT: not ERROR */
    bool initial_events_end;      /* EVENT */
    const char *resource_version; /* EVENT, PAGE; "" where there is none */
    const char *continue_token;   /* PAGE; "" on the last */
    struct reflector_failure failure;
};

/* What to do to the store, in the order of the bits. */
enum reflector_store_action {
    REFLECTOR_STORE_ABORT = 1 << 0,  /* throw the open replacement away */
    REFLECTOR_STORE_BEGIN = 1 << 1,  /* open a replacement */
    REFLECTOR_STORE_UPSERT = 1 << 2, /* the event's object, or the page's items */
    REFLECTOR_STORE_REMOVE = 1 << 3, /* the event's object */
    REFLECTOR_STORE_COMMIT = 1 << 4, /* swap the replacement in */
    REFLECTOR_STORE_EMPTY = 1 << 5,  /* the kind is not observed: nothing is known of its objects */
};

enum reflector_next {
    REFLECTOR_NEXT_STAY,   /* whatever is under way goes on */
    REFLECTOR_NEXT_STREAM, /* close what is under way, open a stream */
    REFLECTOR_NEXT_LIST,   /* close what is under way, ask for a page */
    REFLECTOR_NEXT_WAIT,   /* close what is under way, wait for `wait_ms` */
};

/* Texts are borrowed from the machine until the next step. */
struct reflector_actions {
    unsigned store; /* bits of enum reflector_store_action */
    enum reflector_next next;
    bool initial_events;          /* STREAM: sendInitialEvents (a WatchList) */
    const char *resource_version; /* STREAM, LIST; "": leave it out */
    const char *continue_token;   /* LIST; "": the first page */
    int64_t limit;                /* LIST; 0: none */
    int64_t timeout_seconds;      /* STREAM: asked of the server */
    int64_t wait_ms;              /* WAIT */
    int64_t settle_ms;            /* STAY: come back with TIMER after that long; 0: no need */
    bool state_changed;           /* the owner is to be told */
};

enum reflector_phase {
    REFLECTOR_PHASE_IDLE,
    REFLECTOR_PHASE_SYNC_STREAM, /* 1a: a WatchList before its end bookmark */
    REFLECTOR_PHASE_SYNC_LIST,   /* 1b */
    REFLECTOR_PHASE_WATCH,       /* 1c */
    REFLECTOR_PHASE_WAIT_SYNC,   /* then 1a or 1b */
    REFLECTOR_PHASE_WAIT_WATCH,  /* then 1c from the same version */
};

struct reflector_machine {
    enum reflector_phase phase;
    enum reflector_state state;
    bool has_why;               /* the state has a reason to be told */
    char why[BOUND_ERROR_TEXT]; /* "" where all is well */
    bool is_missing;            /* the last refusal was that the server does not have the kind */
    bool was_synced;            /* the store was in step once since it was last emptied */
    bool version_unavailable;   /* the server no longer, or not yet, has last_version */
    bool paginated;             /* lists are to come in pages even from a version */
    bool no_watch_list;         /* the server said 422: remembered for the life of the process */
    bool list_is_full;          /* this list is the second try after its continue token expired */
    bool version_ordered;       /* versions seen on this stream may be remembered */
    int premature_ends;         /* WatchLists in a row that ended before their bookmark */
    int short_watches;          /* watches in a row that ended within a second */
    int64_t events;             /* on this stream */
    int64_t opened_ms;          /* this stream; negative: not yet */
    int64_t absent_since_ms;    /* refused or not there since then; negative: it is not */
    int64_t refused_since_ms;   /* is_missing was told, and refused since then; negative: it is not */
    char last_version[RESOURCE_VERSION_LENGTH_MAX + 1];
    char list_version[RESOURCE_VERSION_LENGTH_MAX + 1];  /* the list was asked for with */
    char first_version[RESOURCE_VERSION_LENGTH_MAX + 1]; /* of the list's first page */
    char continue_token[REFLECTOR_CONTINUE_LENGTH_MAX + 1];
    struct backoff backoff;
    struct backoff expiry_backoff; /* for versions that expired: the server is well and need not be spared as much */
    struct backoff absent_backoff;
};

void reflector_machine_init(struct reflector_machine *machine);
/* One step. `random_fraction` in [0,1). */
struct reflector_actions reflector_machine_step(struct reflector_machine *machine, const struct reflector_input *input,
                                                int64_t now_ms, double random_fraction);

#endif
