/*
 * Trouble with the API server, said once until it changes or is over.
 */
#ifndef SIDECAR_TROUBLE_H
#define SIDECAR_TROUBLE_H

#include <stdint.h>

#include "proget/core/error.h"

enum trouble_kind {
    TROUBLE_NONE,
    TROUBLE_CONFIGURATION, /* no usable configuration to reach it with */
    TROUBLE_AWAY,          /* no answer, an answer too late, or one that says "later" */
    TROUBLE_DENIED,        /* 401, 403 */
    TROUBLE_FOREIGN,       /* the Lease's name is taken by another pod's */
    TROUBLE_LOST,          /* the Lease is gone, or is another one now */
    TROUBLE_REFUSED,       /* anything else */
};

struct trouble {
    enum trouble_kind kind;
    int64_t since_ms; /* monotonic: since when something is wrong, whatever kind it had */
};

enum trouble_kind trouble_kind_of(const struct error *err); /* of a request that failed; NULL is TROUBLE_REFUSED */
/* Logs it unless the same kind stands already. Returns 1 when it was logged, else 0. `err` may be NULL. */
int trouble_say(struct trouble *trouble, enum trouble_kind kind, const struct error *err, int64_t now_ms);
/* Logs that it is over, if there was any. Returns 1 when it was logged, else 0. */
int trouble_is_over(struct trouble *trouble, int64_t now_ms);

#endif
