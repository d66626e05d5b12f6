/*
 * Looks, once and soon after the start, whether the admission policies that narrow the operator's and the sidecars'
 * permissions are in place, and says in the log where they are not. Design section 7.
 */
#ifndef OPERATOR_POLICIES_H
#define OPERATOR_POLICIES_H

#include "proget/kube/client.h"

struct policy_review;
struct policy_review *policy_review_start(struct kube_client *client);
void policy_review_free(struct policy_review *review); /* NULL is allowed */

#endif
