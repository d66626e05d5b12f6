/* proget-sidecar: see sidecar.h and docs/sidecar.md. */
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proget/core/log.h"
#include "proget/core/memory.h"
#include "proget/core/options.h"
#include "sidecar.h"

enum { EXIT_DONE = 0, EXIT_UNUSABLE = 2 };

/* Until it is wiped, the key lies in this process's environment: no core file and no debugger of the same user. */
static void keep_memory_private(void)
{
    const struct rlimit none = {0, 0};
    (void) setrlimit(RLIMIT_CORE, &none);
    (void) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int main(int argc, char **argv)
{
    memory_stay_small();
    struct sidecar_options options = {0};
    struct error err = {0};
    keep_memory_private();
    int outcome = sidecar_options_parse(argc, argv, environ, &options, &err);
    if (outcome < 0) {
        (void) fprintf(stderr, "proget-sidecar: %s\n", err.text);
        return EXIT_UNUSABLE;
    }
    if (outcome == OPTIONS_DONE) {
        return EXIT_DONE;
    }
    log_configure((enum log_format) options.log_format, (enum log_level) options.log_level, STDERR_FILENO);
    int result = sidecar_run(&options, &err);
    sidecar_options_clear(&options);
    if (result < 0) {
        log_error(LOG_FIELDS({"error", err.text}), "cannot run");
        return EXIT_UNUSABLE;
    }
    return EXIT_DONE;
}
