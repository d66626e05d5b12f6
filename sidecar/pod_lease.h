/*
 * The pod's Lease as JSON: what is sent, and what an answer says.
 */
#ifndef SIDECAR_POD_LEASE_H
#define SIDECAR_POD_LEASE_H

#include <stdint.h>

#include "beat.h"
#include "proget/core/json.h"
#include "proget/kube/client.h"
#include "sidecar_options.h"

#define POD_LEASE_FIELD_MANAGER "proget-sidecar"

extern const struct kube_resource pod_lease_resource; /* coordination.k8s.io/v1 leases */

/* What a body carries. Texts are borrowed for the call. */
struct pod_lease_content {
    const struct pod_identity *pod;
    const char *lease_name;
    const char *lease_uid;    /* of the Lease that is held; not for BEAT_CREATE and BEAT_LOOK */
    const char *report;       /* NULL: none yet */
    int64_t duration_seconds; /* the stale timer */
    int64_t now_us;           /* wall clock */
};

/* The body for an action other than BEAT_WAIT. Owned. */
struct json_object *pod_lease_body(enum beat_action action, const struct pod_lease_content *content);

/* Reads a Lease (NULL: no answer). Fills all but `code`; texts are borrowed from `lease`. */
void pod_lease_read(struct json_object *lease, const struct pod_identity *pod, struct beat_answer *answer);

/* The Lease's annotations; NULL when it has none. Borrowed. */
struct json_object *pod_lease_annotations(struct json_object *lease);

#endif
