/*
 * Which one of several processes may act: leader election on a Lease. kube-algorithms section 4.
 *
 * It tries by itself, from start to stop: a leader renews, everybody else watches the record and takes it over once it
 * has been empty, or unchanged for its whole duration on the clock of this process (suspend counts; timestamps within
 * the record are never compared). A leader that can no longer renew in time, or sees that the Lease names it no longer,
 * has lost: that is told, the request under way is cancelled, and it goes back to trying.
 *
 * A leader leads from its last successful write for `renew_ms` + `retry_ms`, counted from before that write was sent.
 * Others wait `lease_ms`, counted from when they saw it, which is later. So two never lead at once, as long as their
 * clocks run at about the same speed: up to a ratio of lease_ms / (renew_ms + retry_ms). The Lease is no fence for
 * writes that are under way: these need preconditions of their own.
 *
 * On the Lease it needs get, create and update; no patch, list or watch. What others put into the object (labels,
 * annotations, further members) is kept.
 */
#ifndef PROGET_KUBE_LEADER_H
#define PROGET_KUBE_LEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "proget/core/clock.h"
#include "proget/core/error.h"
#include "proget/kube/client.h"

enum {
    LEADER_IDENTITY_LENGTH_MAX = 255,      /* bytes */
    LEADER_LEASE_MS_MAX = 60 * 60 * 1000,  /* nor is a longer duration believed of others */
    LEADER_HEALTH_TOLERANCE_MS = 20 * 1000 /* a usual `tolerance_ms` */
};

struct leader;

struct leader_options {
    const char *namespace_name, *name; /* of the Lease; copied */
    /*
     * Tells one process from another; printable; copied. A process that finds its own identity in the Lease takes it up
     * again at once: so one that begins again under its predecessor's does not wait, and two that share one both lead.
     */
    const char *identity;
    /*
     * 15 s, 10 s and 2 s where 0. Asserted: lease > renew, renew > 1.2 * retry, lease > renew + retry, and at most
     * LEADER_LEASE_MS_MAX. A lease of no whole number of seconds is announced to others as the next longer one.
     */
    int64_t lease_ms, renew_ms, retry_ms;
    /*
     * Leadership began (`why` NULL) or ended (`why` is one sentence). Not told of what leader_release() ends. The
     * leader may be released or stopped from within. May be NULL.
     */
    void (*on_change)(bool leads, const char *why, void *userdata);
    /*
     * For the log: another process was seen to hold the Lease, or attempts began to fail, failed for another reason, or
     * work again; only on such a change. `holder` is printable, NULL where nobody else is known to hold it. `trouble`
     * NULL: there is none (any more). Must not release or stop the leader. May be NULL.
     */
    void (*on_observed)(const char *holder, const struct error *trouble, void *userdata);
    void *userdata;
};

/* The first attempt is made at once; callbacks come from the loop. `client` is borrowed and must outlive the leader. */
struct leader *leader_start(struct kube_client *client, const struct leader_options *options);
/* Frees without giving the Lease up: others wait for it to expire. Not from within on_observed. NULL is allowed. */
void leader_stop(struct leader *leader);

/*
 * Whether it leads at that very moment: `now` must come fresh from clock_now(), not from loop_now(). A process that was
 * stopped or suspended so learns before its next write that its time is over, though no timer has told it yet.
 */
bool leader_leads(const struct leader *leader, struct instant now);
/*
 * The epoch: leaseTransitions of the Lease as last held by this process; 0 before. Grows from leader to leader, unless
 * the Lease is deleted while nobody is there who remembers it.
 */
int64_t leader_transitions(const struct leader *leader);
/* Who holds the Lease, this process included, as last seen; printable, "" where nobody does. Borrowed until the loop
 * runs. */
const char *leader_holder(const struct leader *leader);
/*
 * False when it takes itself for the leader and the record has not been seen to change for the lease and `tolerance_ms`
 * more: its loop is wedged. `now` as above.
 */
bool leader_is_healthy(const struct leader *leader, struct instant now, int64_t tolerance_ms);

/*
 * Gives leadership up, for shutdown: once, and only after guarded work is finished, since leader_leads() is false from
 * here on and the next leader begins at once. Waits for a write under way, reads the Lease and, if it is ours, empties
 * it; tried again until it worked or `renew_ms` have passed. `on_released` runs once from the loop; where nothing of
 * ours can stand in the Lease, without a request. No other callback comes after this call. Then (also from within
 * on_released) it is to be freed with leader_stop().
 */
void leader_release(struct leader *leader, void (*on_released)(void *userdata), void *userdata);

#endif
