/*
 * A Lease (coordination.k8s.io/v1) as leader election reads and writes it.
 */
#ifndef PROGET_KUBE_LEASE_RECORD_H
#define PROGET_KUBE_LEASE_RECORD_H

#include <stdint.h>

#include "proget/core/error.h"
#include "proget/core/json.h"
#include "proget/kube/client.h"
#include "proget/kube/leader.h"
#include "watch_event.h"

extern const struct kube_resource lease_resource;

enum {
    LEASE_HOLDER_LENGTH_MAX = 511, /* bytes kept of a holder; a longer one is cut and still longer than any of ours */
    LEASE_DURATION_SECONDS_MAX = LEADER_LEASE_MS_MAX / 1000,
    LEASE_TRANSITIONS_MAX = INT32_MAX, /* the server keeps 32 bits */
};

struct lease_record {
    char holder[LEASE_HOLDER_LENGTH_MAX + 1];               /* as it is, not made printable; "": nobody */
    int64_t duration_seconds;                               /* 1 to LEASE_DURATION_SECONDS_MAX; 0: not said */
    int64_t acquired_us, renewed_us;                        /* wall clock; 0: not said */
    int64_t transitions;                                    /* 0 to LEASE_TRANSITIONS_MAX */
    char resource_version[RESOURCE_VERSION_LENGTH_MAX + 1]; /* "" in a record that is to be created */
    uint64_t spec_hash; /* of the whole spec: differs when anything in it, known to us or not, does */
};

/*
 * What is missing is as if not said; numbers out of range become the nearest in range (a duration of 0 or less is not
 * said); a timestamp that cannot be read is not said. ERROR_BAD_INPUT, naming the member, where it is no Lease, has no
 * resourceVersion to write against, or a member is of another type. `*ret_record` is untouched then.
 */
int lease_record_read(struct json_object *lease, struct lease_record *ret_record, struct error *err);

/*
 * The object to send, owned by the caller: `base` (the Lease last read, borrowed and left as it is; NULL: a new one)
 * with the spec of `record` and its resourceVersion.
 */
struct json_object *lease_record_build(const struct lease_record *record, struct json_object *base,
                                       const char *namespace_name, const char *name);

#endif
