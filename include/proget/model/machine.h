/*
 * The machine as the product's licence sees it: vendor, family, model and stepping of the CPU.
 */
#ifndef PROGET_MODEL_MACHINE_H
#define PROGET_MODEL_MACHINE_H

#include <stddef.h>

#include "proget/core/error.h"

enum { MACHINE_ID_SIZE = sizeof "sha256:" + 64, MACHINE_CPU_SIZE = 128 };

struct machine {
    char
        id[MACHINE_ID_SIZE]; /* "sha256:…" over the four (on ARM: implementer, architecture, variant, part, revision) */
    char cpu[MACHINE_CPU_SIZE]; /* the same for people: "GenuineIntel/6/106/6" */
};

/* From the text of /proc/cpuinfo, first processor. ERROR_BAD_INPUT where it names none of them. */
int machine_parse(const char *cpuinfo, size_t length, struct machine *ret_machine, struct error *err);

#endif
