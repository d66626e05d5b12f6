/*
 * Feels whether the API server answers, by a small request now and then. A watch alone does not tell: a server that has
 * stopped without closing its connections looks like one with no news, and every heartbeat behind it would look stale.
 */
#ifndef OPERATOR_PULSE_H
#define OPERATOR_PULSE_H

#include <stdbool.h>

#include "proget/kube/client.h"

struct pulse;

/*
 * `since`: when the question was sent that got no answer, or when one came again. `why` there is none; NULL where there
 * is. Told on each change.
 */
typedef void pulse_fn(bool answers, struct instant since, const char *why, void *userdata);

struct pulse *pulse_start(struct kube_client *client, pulse_fn *on_change, void *userdata);
void pulse_stop(struct pulse *pulse); /* NULL is allowed */

#endif
