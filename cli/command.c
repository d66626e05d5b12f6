#include "command.h"

#include <stdlib.h>
#include <sys/stat.h>

/* Nobody misses what a closed pipe did not take: its reader had enough, as `head` has. */
static bool is_pipe(FILE *output)
{
    struct stat status;
    int descriptor = fileno(output);
    return descriptor >= 0 && fstat(descriptor, &status) == 0 && S_ISFIFO(status.st_mode);
}

int command_run(const struct program *program, int argc, char *const *argv, command_fn *run, void *line, FILE *output,
                FILE *errors)
{
    struct option_list operands = {0};
    struct error err;
    int status = STATUS_DONE;
    int outcome = options_parse(program, argc, argv, &operands, &err);
    if (outcome < 0) {
        (void) fprintf(errors, "error: %s\n", err.text);
        status = STATUS_UNUSABLE;
    } else if (outcome == OPTIONS_RUN) {
        status = run(&operands, line, output, errors);
    }
    free(operands.items);
    if ((fflush(output) != 0 || ferror(output)) && !is_pipe(output)) {
        (void) fprintf(errors, "error: the output could not be written\n");
        status = STATUS_UNUSABLE;
    }
    return status;
}
