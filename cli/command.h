/*
 * What every command of the plugin does alike: its line is parsed, it runs, and what it printed has to arrive.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdio.h>

#include "proget/core/options.h"

enum { STATUS_DONE = 0, STATUS_FOUND = 1, STATUS_UNUSABLE = 2 }; /* exit statuses: design section 10 */

/* Borrows everything; returns an exit status. `line`: what the program's options were parsed into. */
typedef int command_fn(const struct option_list *operands, void *line, FILE *output, FILE *errors);

/*
 * Returns the exit status: that of `run`; 0 after --help or --version; 2 where the line is none, which `errors` is
 * told, or where `output` could not be written.
 */
int command_run(const struct program *program, int argc, char *const *argv, command_fn *run, void *line, FILE *output,
                FILE *errors);

#endif
