/*
 * kubectl proget status: what the operator says of the ProGetClusters of a namespace, once or at each change.
 */
#ifndef PROGET_CLI_STATUS_COMMAND_H
#define PROGET_CLI_STATUS_COMMAND_H

#include "connection.h"

/* The command line from argv[0] = "status" on. Returns an exit status (audit.h). */
int status_main(int argc, char *const *argv, FILE *output, FILE *errors);

struct status_request {
    const char *namespace_name; /* NULL: all */
    const char *name;           /* NULL: all of them */
};
/* Over an open connection. SIGINT and SIGTERM end the watch, with 0. */
int status_once(struct connection *connection, const struct status_request *request, FILE *output, FILE *errors);
int status_watch(struct connection *connection, const struct status_request *request, FILE *output, FILE *errors);

#endif
