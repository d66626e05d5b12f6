#include "command.h"

#include <stdlib.h>

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
    if (fflush(output) != 0 || ferror(output)) {
        (void) fprintf(errors, "error: the output could not be written\n");
        status = STATUS_UNUSABLE;
    }
    return status;
}
