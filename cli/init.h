/*
 * kubectl proget init: what declares the servers that run, and what gives them a sidecar, as YAML.
 */
#ifndef PROGET_CLI_INIT_H
#define PROGET_CLI_INIT_H

#include "connection.h"
#include "proget/core/clock.h"

/* The command line from argv[0] = "init" on. Returns an exit status (audit.h). */
int init_main(int argc, char *const *argv, FILE *output, FILE *errors);

struct init_settings {
    const char *namespace_name; /* NULL: all */
    const char *name;           /* of a workload or cluster; NULL: all of them */
    const char *image;          /* of the sidecar */
    bool only_sidecar;          /* the sidecar's patches alone, bare */
};
/* Over an open connection; only reads. */
int init_run(struct connection *connection, const struct init_settings *settings, struct instant now, FILE *output,
             FILE *errors);

#endif
