/*
 * Tries whether a connection can be made, and closes it again: TCP for http://, TCP and TLS for https://. Nothing is
 * sent and no certificate is verified: the question is whether there is a way, not whom to trust.
 */
#ifndef SIDECAR_CONNECTOR_H
#define SIDECAR_CONNECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "proget/core/loop.h"

struct connector;

/* `why` is NULL when it was reached, else one sentence. */
typedef void connector_fn(bool is_reached, const char *why, void *userdata);

struct connector *connector_new(struct loop *loop, connector_fn *on_result, void *userdata);
void connector_free(struct connector *connector); /* cancels; NULL is allowed */

/* Starts a try unless one is under way. `uses_proxy`: by the proxy that the environment names, if it does. */
void connector_start(struct connector *connector, const char *url, bool uses_proxy, int64_t timeout_ms);
void connector_cancel(struct connector *connector);
bool connector_is_busy(const struct connector *connector);

#endif
