/*
 * kubectl proget explain: what a finding's code means and what to do, from docs/findings, without a file or a cluster.
 */
#ifndef PROGET_CLI_EXPLAIN_H
#define PROGET_CLI_EXPLAIN_H

#include <stdio.h>

/* The command line from argv[0] = "explain" on. Returns an exit status (audit.h). */
int explain_main(int argc, char *const *argv, FILE *output, FILE *errors);

#endif
