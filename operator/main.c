#include <stdio.h>

#include "proget/core/memory.h"

#include "operator.h"
#include "options.h"

int main(int argc, char **argv)
{
    memory_stay_small();
    struct operator_options options;
    struct error err;
    int outcome = operator_options_parse(&options, argc, argv, &err);
    if (outcome < 0) {
        (void) fprintf(stderr, "proget-operator: %s\n", err.text);
        operator_options_clear(&options);
        return 2;
    }
    int status = 0;
    if (outcome == OPTIONS_RUN) {
        log_configure(options.log_format, options.log_level, -1);
        if (operator_run(&options, &err) < 0) {
            log_error(LOG_NONE, "cannot run: %s", err.text);
            status = 2;
        }
    }
    operator_options_clear(&options);
    return status;
}
