#include "plugin.h"

#include "audit.h"
#include "proget/core/memory.h"
#include "proget/core/options.h"
#include "proget/core/text.h"

enum { COMMAND_SHOWN_BYTES = 64 };

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
static int run_without_command(int argc, char *const *argv, FILE *errors)
{
    struct error err;
    int outcome = options_parse(&plugin, argc, argv, NULL, &err);
    if (outcome == OPTIONS_DONE) {
        return STATUS_DONE;
    }
    (void) fprintf(errors, "error: %s\n", outcome < 0 ? err.text : "no command given; see kubectl proget --help");
    return STATUS_UNUSABLE;
}

int plugin_main(int argc, char *const *argv, FILE *output, FILE *errors)
{
    if (argc < 2 || argv[1][0] == '-') {
        return run_without_command(argc < 2 ? argc : 2, argv, errors);
    }
    if (text_equal(argv[1], "audit")) {
        return audit_main(argc - 1, argv + 1, output, errors);
    }
    char shown[COMMAND_SHOWN_BYTES];
    text_copy_cut(shown, sizeof shown, argv[1]);
    struct error err; /* makes it printable */
    (void) error_set(&err, ERROR_BAD_INPUT, "there is no command \"%s\"; see kubectl proget --help", shown);
    (void) fprintf(errors, "error: %s\n", err.text);
    return STATUS_UNUSABLE;
}
