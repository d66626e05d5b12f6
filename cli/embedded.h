/*
 * Files of this repository that are part of the program: made at build time, see cmake/embed.cmake.
 */
#ifndef PROGET_CLI_EMBEDDED_H
#define PROGET_CLI_EMBEDDED_H

#include <stddef.h>

struct embedded_file {
    const char *name; /* without folder and ending: "CoScheduled" */
    const char *text; /* ends in a NUL that does not count */
    size_t length;
};

extern const struct embedded_file finding_pages[]; /* docs/findings, in the order of their names */
extern const size_t finding_pages_count;
extern const struct embedded_file sidecar_files[]; /* manifests/components/sidecar: "role", "workload" */
extern const size_t sidecar_files_count;

/* NULL: none of that name. */
const struct embedded_file *embedded_find(const struct embedded_file *files, size_t count, const char *name);

#endif
