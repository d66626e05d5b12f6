#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "proget/core/memory.h"
#include "serve/http.h"

enum { NAMESPACE_BYTES_MAX = 63 };

static const char *const formats[] = {"text", "json", NULL};
static const char *const levels[] = {"debug", "info", "warning", "error", NULL};

/* A DNS label, as the API server wants it. No watch would ever see anything of another. */
static bool is_namespace(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= NAMESPACE_BYTES_MAX && name[0] != '-' && name[length - 1] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

int operator_options_parse(struct operator_options *options, int argc, char *const *argv, struct error *err)
{
    *options = (struct operator_options){
        .listen = "0.0.0.0:8080", .discover = true, .leader_elect = getenv("KUBERNETES_SERVICE_HOST") != NULL};
    int format = LOG_FORMAT_TEXT;
    int level = LOG_INFO;
    const struct option table[] = {
        {.name = "kubeconfig",
         .kind = OPTION_TEXT,
         .target = &options->kubeconfig,
         .value_name = "FILE",
         .help = "How to reach the API server. Default: in-cluster inside a pod, else $KUBECONFIG or ~/.kube/config."},
        {.name = "context",
         .kind = OPTION_TEXT,
         .target = &options->context,
         .value_name = "NAME",
         .help = "Context of the kubeconfig to use instead of its current one."},
        {.name = "namespace",
         .letter = 'n',
         .kind = OPTION_TEXT_LIST,
         .target = &options->namespaces,
         .value_name = "NS",
         .help = "Watch this namespace only. Default: all namespaces.",
         .is_valid = is_namespace,
         .expected = "a namespace's name (lower-case letters, digits and '-', at most 63)"},
        {.name = "listen",
         .kind = OPTION_TEXT,
         .target = &options->listen,
         .value_name = "ADDR:PORT",
         .help = "Where /healthz, /readyz and /metrics are served.",
         .is_valid = http_address_is_valid,
         .expected = "ADDRESS:PORT with an IP address, such as 0.0.0.0:8080 or [::]:8080"},
        {.name = "leader-elect",
         .kind = OPTION_FLAG,
         .target = &options->leader_elect,
         .help = "Publish only while holding the Lease proget-operator in the operator's namespace, so that several "
                 "can run and one acts. Default: true inside a pod, else false."},
        {.name = "log-format",
         .kind = OPTION_CHOICE,
         .target = &format,
         .value_name = "FORMAT",
         .help = "Form of the log on stderr.",
         .choices = formats},
        {.name = "log-level",
         .kind = OPTION_CHOICE,
         .target = &level,
         .value_name = "LEVEL",
         .help = "Least level that is logged.",
         .choices = levels},
        {.name = "discover",
         .kind = OPTION_FLAG,
         .target = &options->discover,
         .help = "Declare a ProGetCluster for servers that none selects."},
        {.name = "no-pod-ignores",
         .kind = OPTION_FLAG,
         .target = &options->no_pod_ignores,
         .help = "Do not let annotations of pods and pod templates leave findings out."},
    };
    const struct program program = {
        .name = "proget-operator",
        .environment_prefix = "PROGET_OPERATOR_",
        .usage = "[OPTION]...",
        .summary = "Watches ProGet, BuildMaster and Otter clusters on Kubernetes and reports what is wrong with them. "
                   "It observes and explains. It never deletes, evicts, restarts or edits a workload.",
        .epilogue = "Exit status: 0 after SIGTERM or SIGINT; 2 for a usage error or when it cannot start.",
        .options = table,
        .option_count = array_length(table),
    };
    int outcome = options_parse(&program, argc, argv, NULL, err);
    options->log_format = (enum log_format) format;
    options->log_level = (enum log_level) level;
    return outcome;
}

void operator_options_clear(struct operator_options *options)
{
    free(options->namespaces.items);
    options->namespaces = (struct option_list){0};
}
