#include "plugin.h"

#include "audit.h"
#include "explain.h"
#include "forget.h"
#include "init.h"
#include "proget/core/memory.h"
#include "proget/core/options.h"
#include "proget/core/text.h"
#include "status_command.h"

enum { COMMAND_SHOWN_BYTES = 64 };

struct command {
    const char *name;
    int (*run)(int argc, char *const *argv, FILE *output, FILE *errors);
};
/* In the order of the help. */
static const struct command commands[] = {
    {"status", status_main}, {"explain", explain_main}, {"audit", audit_main},
    {"forget", forget_main}, {"init", init_main},
};

static const struct program plugin = {
    .name = "kubectl proget",
    .environment_prefix = "KUBECTL_PROGET_",
    .usage = "COMMAND [OPTION]...",
    .summary = "Finds what is wrong with ProGet, BuildMaster and Otter clusters on Kubernetes.",
    .epilogue = "Commands:\n"
                "  status   what the operator says of the ProGetClusters: servers, findings, what to do\n"
                "  explain  what a finding means, what it costs and what to do\n"
                "  audit    check manifests, kubectl get output, or what a cluster holds now; needs no operator\n"
                "  forget   have a server forgotten that is gone and not meant to come back\n"
                "  init     print what declares the servers that run, and what gives them a sidecar\n"
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
    for (size_t i = 0; i < array_length(commands); i++) {
        if (text_equal(argv[1], commands[i].name)) {
            return commands[i].run(argc - 1, argv + 1, output, errors);
        }
    }
    char shown[COMMAND_SHOWN_BYTES];
    text_copy_cut(shown, sizeof shown, argv[1]);
    struct error err; /* makes it printable */
    (void) error_set(&err, ERROR_BAD_INPUT, "there is no command \"%s\"; see kubectl proget --help", shown);
    (void) fprintf(errors, "error: %s\n", err.text);
    return STATUS_UNUSABLE;
}
