/*
 * The metrics of the clusters. Pure. Which there are and what they mean: docs/metrics.md.
 */
#ifndef OPERATOR_SERVE_CLUSTER_METRICS_H
#define OPERATOR_SERVE_CLUSTER_METRICS_H

#include "publish/figures.h"
#include "serve/exposition.h"

/* The few samples of each cluster come first, those of each server last: where there is no room, these are left out. */
void cluster_metrics_add(struct exposition *exposition, const struct figures *figures, struct instant now);

#endif
