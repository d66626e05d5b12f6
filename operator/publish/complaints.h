/*
 * Says in the log, once each, what cannot be used and why: a report that cannot be read, a Lease under a pod's name
 * that is not that pod's, settings that name no code of the catalogue. The findings go on without them.
 */
#ifndef OPERATOR_PUBLISH_COMPLAINTS_H
#define OPERATOR_PUBLISH_COMPLAINTS_H

#include "proget/model/model.h"

struct complaints;
struct complaints *complaints_new(void);
void complaints_free(struct complaints *complaints); /* NULL is allowed */

/* Looks at the cluster's settings and at each server of it. Returns the monotonic time to look again (INT64_MAX: none).
 */
int64_t complaints_run(struct complaints *complaints, const struct cluster *cluster, struct instant now);
/* Ends an evaluation: what is no longer to be complained of is forgotten, and would be said anew. */
void complaints_sweep(struct complaints *complaints);

#endif
