/*
 * Asks the product's /health, over curl on the loop: GET /health, and after a plain answer GET /health?format=json,
 * which knows the version and the components. Local: no proxy, no redirect, no credentials; like the kubelet's probes
 * it does not verify a certificate, for it asks its own pod and tells it nothing.
 */
#ifndef SIDECAR_HEALTH_PROBER_H
#define SIDECAR_HEALTH_PROBER_H

#include <stdbool.h>
#include <stdint.h>

#include "health_answer.h"
#include "proget/core/loop.h"

struct health_prober;

/* `answer` may be taken (left zeroed); what is left is freed after the call. */
typedef void health_prober_fn(struct health_answer *answer, void *userdata);

/* `base_url` is borrowed for the prober's life. `timeout_ms` is for each of the two requests. */
struct health_prober *health_prober_new(struct loop *loop, const char *base_url, int64_t timeout_ms,
                                        health_prober_fn *on_answer, void *userdata);
void health_prober_free(struct health_prober *prober); /* cancels; NULL is allowed */

/* Starts a probe unless one is under way. The answer comes from the loop, exactly once per probe. */
void health_prober_start(struct health_prober *prober);
bool health_prober_is_busy(const struct health_prober *prober);

#endif
