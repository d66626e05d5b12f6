/*
 * kubectl proget: which command is meant.
 */
#ifndef PROGET_CLI_PLUGIN_H
#define PROGET_CLI_PLUGIN_H

#include <stdio.h>

/* The whole command line. Returns an exit status (audit.h). --help and --version go to stdout. */
int plugin_main(int argc, char *const *argv, FILE *output, FILE *errors);

#endif
