/* The command line of init. */
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "init.h"
#include "proget/core/memory.h"
#include "proget/core/options.h"
#include "proget/core/text.h"

enum { IMAGE_BYTES_MAX = 255 };

struct init_line {
    struct connection_options connection;
    const char *image;
    bool is_all, only_sidecar;
};

static bool image_is_valid(const char *image)
{
    return !text_is_empty(image) && strlen(image) <= IMAGE_BYTES_MAX && !strpbrk(image, " \t\r\n\"'");
}

static int run_line(const struct option_list *operands, void *userdata, FILE *output, FILE *errors)
{
    const struct init_line *line = userdata;
    if (operands->count > 1 || (operands->count == 1 && !connection_name_is_valid(operands->items[0]))) {
        (void) fprintf(errors, "error: init wants the name of one workload, or none; see kubectl proget init --help\n");
        return STATUS_UNUSABLE;
    }
    struct error err;
    cleanup_connection struct connection connection = {0};
    if (connection_open(&line->connection, &connection, &err) < 0) {
        connection_tell_unopened(&err, errors);
        return STATUS_UNUSABLE;
    }
    const struct init_settings settings = {
        .namespace_name = line->is_all ? NULL : connection.namespace_name,
        .name = operands->count ? operands->items[0] : NULL,
        .image = line->image,
        .only_sidecar = line->only_sidecar,
    };
    return init_run(&connection, &settings, audit_instant(clock_now().wall_us), output, errors);
}

int init_main(int argc, char *const *argv, FILE *output, FILE *errors)
{
    struct init_line line = {.image = "proget-sidecar:" PROGET_VERSION};
    const struct option options[] = {
        CONNECTION_OPTIONS(&line.connection, "Namespace to look at. Default: the context's."),
        {.name = "all-namespaces",
         .letter = 'A',
         .kind = OPTION_FLAG,
         .target = &line.is_all,
         .help = "Look at all namespaces."},
        {.name = "sidecar",
         .kind = OPTION_FLAG,
         .target = &line.only_sidecar,
         .help = "Print the sidecar's patches alone, for kubectl patch or kustomize."},
        {.name = "image",
         .kind = OPTION_TEXT,
         .target = &line.image,
         .value_name = "IMAGE",
         .help = "The sidecar's image in your registry.",
         .is_valid = image_is_valid,
         .expected = "an image such as registry.example.com/proget-sidecar:" PROGET_VERSION},
    };
    const struct program program = {
        .name = "kubectl proget init",
        .environment_prefix = "KUBECTL_PROGET_",
        .usage = "[NAME] [OPTION]...",
        .summary = "Finds the ProGet, BuildMaster and Otter servers that run, and prints as YAML what declares them "
                   "(a ProGetCluster), what lets their sidecars report (Role and RoleBinding), and, as a comment, the "
                   "patch that adds the sidecar. It writes nothing to the cluster. NAME: a workload or cluster.",
        .epilogue = "Applying what it prints restarts nothing; applying the sidecar's patch replaces the pods.\n"
                    "Exit status: 0; 2 where nothing was found or the cluster cannot be asked.\n"
                    "\n"
                    "Examples:\n"
                    "  kubectl proget init -n proget > proget-cluster.yaml    # look through it, then:\n"
                    "  kubectl apply -f proget-cluster.yaml\n"
                    "  kubectl proget init proget -n proget --sidecar > sidecar.yaml\n"
                    "  kubectl -n proget patch statefulset proget --patch-file sidecar.yaml\n",
        .options = options,
        .option_count = array_length(options),
    };
    return command_run(&program, argc, argv, run_line, &line, output, errors);
}
