/*
 * What /metrics says: the operator's own figures, and the clusters' where this process publishes them. It keeps
 * nothing: each scrape is a walk over what is there. Which metrics there are and what they mean: docs/metrics.md.
 */
#ifndef OPERATOR_SERVE_METRICS_H
#define OPERATOR_SERVE_METRICS_H

#include "election.h"
#include "intake.h"
#include "publish/publisher.h"

struct metrics_sources {
    const struct kube_client *client;
    const struct intake *intake;
    const struct election *election;
    struct publisher *publisher; /* NULL: standing by, or taking over; then there is nothing of the clusters */
    const struct tally *tally;
    int64_t started_us; /* the process, wall clock */
};

/* Prometheus' text format (exposition.h), at most BOUND_METRICS_BYTES. Owned; never NULL. */
char *metrics_render(const struct metrics_sources *sources, struct instant now);

#endif
