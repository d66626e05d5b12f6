/*
 * Says what a ledger has to say: creates the Event of each phase, and confirms what stands in the Event's series every
 * 30 minutes. Nothing is dropped: a limit per object delays, a failure is tried again, and a name that is there already
 * counts as said.
 */
#ifndef OPERATOR_PUBLISH_ANNOUNCER_H
#define OPERATOR_PUBLISH_ANNOUNCER_H

#include "proget/kube/client.h"
#include "publish/ledger.h"
#include "publish/tally.h"

struct announcer;

/*
 * The Event of a phase exists now (LEDGER_HOLDING: it was confirmed). `ledger_name` as given to announcer_run(); it and
 * `entry_id` are NULL when a request failed or what it was about is gone, and there may be room for another one.
 */
typedef void announcer_said_fn(const char *ledger_name, const char *entry_id, enum ledger_phase phase, void *userdata);
/* The ledger of that name; NULL when there is none any more. */
typedef struct ledger *announcer_ledger_fn(const char *ledger_name, void *userdata);

struct announcer_options {
    const char *instance; /* reportingInstance: the operator's pod or host; copied */
    announcer_said_fn *on_said;
    announcer_ledger_fn *find_ledger;
    void *userdata;
    struct tally *tally; /* where answers are counted; borrowed; NULL: nowhere */
};

struct announcer *announcer_new(struct kube_client *client, const struct announcer_options *options);
/* Requests under way are cancelled. NULL is allowed. */
void announcer_free(struct announcer *announcer);

/*
 * Sends what is due of one ledger. Returns the monotonic time at which something is due next (INT64_MAX: nothing
 * waits for time alone).
 */
int64_t announcer_run(struct announcer *announcer, struct ledger *ledger, const char *ledger_name, struct instant now);

size_t announcer_in_flight(const struct announcer *announcer);

#endif
