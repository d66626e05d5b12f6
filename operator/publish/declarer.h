/*
 * Declares what nobody declared: creates a ProGetCluster for each implied cluster, once. Design section 11.
 */
#ifndef OPERATOR_PUBLISH_DECLARER_H
#define OPERATOR_PUBLISH_DECLARER_H

#include "proget/kube/client.h"
#include "proget/model/model.h"

struct declarer;

/* `on_progress`: a request has its answer; call declarer_run() again soon. */
struct declarer *declarer_new(struct kube_client *client, void (*on_progress)(void *userdata), void *userdata);
void declarer_free(struct declarer *declarer); /* NULL is allowed */

/*
 * Wants the implied cluster declared. May be called as often as one likes: a few seconds after the first time it is
 * created, one request at a time, back-off after a failure, and another name where the workload's is taken. Returns the
 * monotonic time of the next try (INT64_MAX: none).
 */
int64_t declarer_run(struct declarer *declarer, const struct cluster *implied, struct instant now);

/* Ends an evaluation: what was not wanted by declarer_run() since the last call is forgotten. */
void declarer_sweep(struct declarer *declarer);
/* The server answers again: what failed is due now. */
void declarer_hurry(struct declarer *declarer);

#endif
