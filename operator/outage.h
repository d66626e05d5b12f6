/*
 * Says in the log, once each, that the API server is out of reach or does not serve some kinds, and when that is over.
 * What passes within moments is not worth a line.
 */
#ifndef OPERATOR_OUTAGE_H
#define OPERATOR_OUTAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "proget/core/loop.h"

struct outage;
struct outage *outage_new(struct loop *loop);
void outage_free(struct outage *outage); /* NULL is allowed */

/*
 * How it stands: the server does not answer at all; or `behind` of `total` watches are behind. `why` (copied): the
 * newest trouble; NULL: none is new. May be told as often as one likes.
 */
void outage_settle(struct outage *outage, bool is_silent, size_t behind, size_t total, const char *why);

/* What was behind is not observed from now on, which is told by others: there is no return to speak of. */
void outage_drop(struct outage *outage);

/* Nothing was ever in step: the reason is said once, and it is tried again. */
void outage_at_start(struct outage *outage, const char *why);
/* The first kind is in step: before, nothing is known that could be kept. */
void outage_started(struct outage *outage);

#endif
