/*
 * The machine that the pod runs on, from /proc/cpuinfo.
 */
#ifndef SIDECAR_MACHINE_SOURCE_H
#define SIDECAR_MACHINE_SOURCE_H

#include "proget/core/error.h"
#include "proget/model/machine.h"

/* `path` NULL: /proc/cpuinfo. NOT_FOUND, DENIED, IO, or ERROR_BAD_INPUT where it names no CPU. */
int machine_source_read(const char *path, struct machine *ret_machine, struct error *err);

#endif
