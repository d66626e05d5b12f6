/*
 * What this process takes of its machine, as Prometheus' own client libraries tell it.
 */
#ifndef OPERATOR_SERVE_PROCESS_FIGURES_H
#define OPERATOR_SERVE_PROCESS_FIGURES_H

#include <stdint.h>

/* Negative: not known. */
struct process_figures {
    double cpu_seconds; /* user and system, since the start */
    int64_t resident_bytes, virtual_bytes;
    int64_t open_fds, max_fds;
};

struct process_figures process_figures_read(void);

#endif
