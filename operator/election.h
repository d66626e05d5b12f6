/*
 * Whether this process is the one that publishes: leader election on the operator's Lease, in its own namespace. The
 * others keep their models warm and stand by.
 */
#ifndef OPERATOR_ELECTION_H
#define OPERATOR_ELECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "proget/kube/client.h"

struct election;

struct election_options {
    struct kube_client *client; /* borrowed */
    bool is_held;               /* false: there is no election, and this process always leads */
    const char *instance;       /* the pod or host, for the Lease; borrowed for the call */
    /* election_leads() may say otherwise now. */
    void (*on_change)(void *userdata);
    void *userdata;
};

struct election *election_start(const struct election_options *options);
void election_stop(struct election *election); /* without giving the Lease up; NULL is allowed */

/* At this very moment, however long the process may have been stopped before. */
bool election_leads(const struct election *election);
/* How often this process has begun or ceased to lead; what it gives up at its end does not count. */
uint64_t election_changes(const struct election *election);
/* False when it takes itself for the leader though the Lease has not been renewed for long: the loop is wedged. */
bool election_is_healthy(const struct election *election);

/* Gives the Lease up, so that another process takes over at once. `on_released` runs once, from the loop. */
void election_release(struct election *election, void (*on_released)(void *userdata), void *userdata);

#endif
