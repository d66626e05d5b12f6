/*
 * What has been said of a cluster's findings, and what is still to be said: the state of each finding between its
 * first sight and the announcement of its end. Pure: clock, findings and acknowledgements are passed in.
 *
 *   (seen) HOLDING --hold over--> RAISED --no longer true--> CLEARED --resolution announced--> (dropped)
 *
 * The order that makes a kill at any moment harmless (design section 5): a RAISED entry goes into the status first;
 * once the server has that status, its Event is created under a name that follows from identity, since and phase; then
 * it is "announced". A CLEARED entry goes the same way and is dropped at the end.
 *
 * Statuses are told apart by sequence numbers: every change of phase takes the next one, and a status that was built at
 * number n holds every change up to n.
 */
#ifndef OPERATOR_PUBLISH_LEDGER_H
#define OPERATOR_PUBLISH_LEDGER_H

#include <stdbool.h>
#include <stddef.h>

#include "proget/checks/finding.h"
#include "proget/core/clock.h"
#include "proget/model/cluster_resource.h"

enum ledger_phase { LEDGER_HOLDING, LEDGER_RAISED, LEDGER_CLEARED };

enum { LEDGER_ID_SIZE = 2 * 16 + 1 };

struct ledger_entry {
    char id[LEDGER_ID_SIZE]; /* digest of the finding's key: what it is known by here and in the status */
    struct finding finding;  /* a copy of its own; the texts follow the newest evaluation */
    enum ledger_phase phase;
    int64_t first_true_ms;     /* monotonic, for the hold */
    int64_t since_us;          /* 0 while HOLDING */
    int64_t cleared_us;        /* 0 unless CLEARED */
    uint64_t sequence;         /* of the last change of phase */
    bool announced;            /* the Event of RAISED exists */
    bool event_in_flight;      /* set and cleared by the announcer, as are the next two */
    int64_t retry_at_ms;       /* monotonic: not before then */
    int64_t retry_delay_ms;    /* of the last failure; 0: none */
    int64_t confirm_at_ms;     /* monotonic: when the series of its Event is due; INT64_MAX before it is announced */
    uint64_t evaluation;       /* private: number of the last evaluation that saw it; 0: none of this process */
    uint64_t first_evaluation; /* private: of the first */
};

/* What happened to an entry, for the log. */
enum ledger_change { LEDGER_CHANGE_RAISED, LEDGER_CHANGE_RESOLVED, LEDGER_CHANGE_DROPPED };
typedef void ledger_change_fn(const struct ledger_entry *entry, enum ledger_change change, const char *why,
                              void *userdata);
/* Whether the object of a finding is still there. */
typedef bool ledger_exists_fn(const struct object_reference *object, void *userdata);

/* Whether it cannot be told now if a finding is still true: then it stands until it is disproved. */
typedef bool ledger_unknown_fn(const struct finding *finding, void *userdata);

struct ledger_callbacks {
    ledger_change_fn *on_change;
    ledger_exists_fn *exists;
    ledger_unknown_fn *is_unknown; /* NULL: it can always be told */
    bool is_superseded;            /* another ProGetCluster watches over the same servers: what stood goes silently */
    void *userdata;
};

struct ledger;
struct ledger *ledger_new(void);
void ledger_free(struct ledger *ledger); /* NULL is allowed */

/*
 * Takes over what the status says: RAISED or CLEARED, all of it persisted. Entries without id, object or a usable code
 * are left.
 */
void ledger_load(struct ledger *ledger, const struct cluster_resource *resource, struct instant now);

/*
 * Moves on by one evaluation. Entries that end without an announcement (the object was deleted, left out by the user,
 * a moment (check_row) grown old, never sent, or the same goes on with others involved, whose Event tells it) are
 * dropped at once. What returns within a minute of its end has to stand for five seconds. No more than
 * BOUND_FINDINGS_PUBLISHED are RAISED or CLEARED: what is due beyond stays HOLDING until there is room. Returns the
 * monotonic time at which the next hold ends (INT64_MAX: none).
 */
int64_t ledger_update(struct ledger *ledger, const struct finding_list *findings, struct instant now,
                      const struct ledger_callbacks *callbacks);

/* Entries that are RAISED or CLEARED, sorted by severity (worst first), code, object. Borrowed until the next change.
 */
struct ledger_entry *const *ledger_published(struct ledger *ledger, size_t *ret_count);
/* Findings that are due and wait for room, since the last update. */
size_t ledger_waiting(const struct ledger *ledger);
/* By id; NULL when absent. */
struct ledger_entry *ledger_find(const struct ledger *ledger, const char *id);

/* A change of phase waits to be sent; or was sent and not acknowledged. */
bool ledger_has_unsent(const struct ledger *ledger);
bool ledger_has_unacknowledged(const struct ledger *ledger);
/* The number a status built now is known by; it counts as sent from here on. */
uint64_t ledger_send(struct ledger *ledger);
/* The server has the status of that number. */
void ledger_acknowledge(struct ledger *ledger, uint64_t sequence);
bool ledger_is_persisted(const struct ledger *ledger, const struct ledger_entry *entry);

/* The phase whose Event is to be created now; LEDGER_HOLDING: none. */
enum ledger_phase ledger_due(const struct ledger *ledger, const struct ledger_entry *entry);
/*
 * The Event of that phase exists. LEDGER_CLEARED drops the entry. Returns false when the entry is gone. The status has
 * to be written anew afterwards.
 */
bool ledger_announced(struct ledger *ledger, const char *id, enum ledger_phase phase, struct instant now);

/* The server answers again: Events that failed are due now. */
void ledger_hurry(struct ledger *ledger);

/* Deterministic name of the Event of a phase: "<object>.<hash>", a DNS subdomain of at most 253 bytes. Owned. */
char *ledger_event_name(const struct ledger_entry *entry, enum ledger_phase phase);

enum { LEDGER_CONFIRM_INTERVAL_MS = 30 * 60 * 1000 };

#endif
