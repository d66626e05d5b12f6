/*
 * kubectl-proget: the kubectl plugin.
 */
#include <stdio.h>

#include "audit.h"
#include "proget/core/memory.h"
#include "proget/core/options.h"
#include "proget/core/text.h"

static const struct program plugin = {
    .name = "kubectl proget",
    .environment_prefix = "KUBECTL_PROGET_",
    .usage = "COMMAND [OPTION]...",
    .summary = "Finds what is wrong with ProGet, BuildMaster and Otter clusters on Kubernetes.",
    .epilogue = "Commands:\n"
                "  audit    check manifests or kubectl get output, without a cluster\n"
                "\n"
                "kubectl proget COMMAND --help tells more.\n",
};

/* Without a command only --help and --version make sense. */
static int run_without_command(int argc, char *const *argv)
{
    struct error err;
    int outcome = options_parse(&plugin, argc, argv, NULL, &err);
    if (outcome == OPTIONS_DONE) {
        return STATUS_DONE;
    }
    (void) fprintf(stderr, "error: %s\n", outcome < 0 ? err.text : "no command given; see kubectl proget --help");
    return STATUS_UNUSABLE;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argv[1][0] == '-') {
        return run_without_command(argc < 2 ? argc : 2, argv);
    }
    if (text_equal(argv[1], "audit")) {
        return audit_main(argc - 1, argv + 1, stdout, stderr);
    }
    (void) fprintf(stderr, "error: there is no command of that name; see kubectl proget --help\n");
    return STATUS_UNUSABLE;
}
