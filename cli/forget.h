/*
 * kubectl proget forget: a server that is gone and not meant to come back leaves the members of its ProGetCluster.
 */
#ifndef PROGET_CLI_FORGET_H
#define PROGET_CLI_FORGET_H

#include "connection.h"

/* The command line from argv[0] = "forget" on. Returns an exit status (audit.h). */
int forget_main(int argc, char *const *argv, FILE *output, FILE *errors);

/*
 * Over an open connection. `server`: its name or uid; `cluster`: NULL where one alone has it. Only what is gone is
 * forgotten, by its uid, so that a server reborn under its name is not forgotten on sight.
 */
int forget_run(struct connection *connection, const char *server, const char *cluster, FILE *output, FILE *errors);

#endif
