/*
 * The sidecar: probes, settings and the heartbeat, wired to one loop.
 */
#ifndef SIDECAR_SIDECAR_H
#define SIDECAR_SIDECAR_H

#include "proget/core/error.h"
#include "sidecar_options.h"

/*
 * Runs until SIGTERM or SIGINT. `options` is borrowed. The key variables of this process are wiped on the way.
 * Returns 0, or ERROR_IO where the system refuses the loop itself; nothing that ProGet or the API server does ends it.
 */
int sidecar_run(const struct sidecar_options *options, struct error *err);

#endif
