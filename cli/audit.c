#include "audit.h"

#include <string.h>

#include "audit_result.h"
#include "input.h"
#include "live.h"
#include "output_json.h"
#include "output_junit.h"
#include "output_sarif.h"
#include "output_table.h"
#include "proget/checks/idle_setting.h"
#include "proget/core/memory.h"
#include "proget/core/options.h"
#include "proget/core/text.h"

struct instant audit_instant(int64_t wall_us)
{
    return (struct instant){.wall_us = wall_us, .monotonic_ms = wall_us / 1000};
}

static bool reaches(const struct audit_result *result, enum audit_fail_on fail_on)
{
    size_t errors = audit_result_count(result, SEVERITY_ERROR);
    size_t warnings = audit_result_count(result, SEVERITY_WARNING);
    size_t infos = audit_result_count(result, SEVERITY_INFO);
    switch (fail_on) {
    case AUDIT_FAIL_ON_ERROR:
        return errors > 0;
    case AUDIT_FAIL_ON_WARNING:
        return errors + warnings > 0;
    case AUDIT_FAIL_ON_INFO:
        return errors + warnings + infos > 0;
    case AUDIT_FAIL_ON_NEVER:
        break;
    }
    return false;
}

/* An empty list of findings must not pass for a good one. */
static void tell_if_nothing_was_judged(struct input *input, const struct audit_result *result)
{
    if (input->object_count == 0) {
        input_fail(input, "there is no Kubernetes object in the input: nothing was judged");
    } else if (result->clusters.count == 0 && result->is_partial) {
        input_fail(input, "nothing was judged: there is no ProGet, BuildMaster or Otter in what could be read of the "
                          "input");
    } else if (result->clusters.count == 0) {
        (void) fprintf(input->errors, "warning: " AUDIT_FOUND_NONE "\n");
    }
}

static void print(const struct audit_result *result, enum audit_format format, FILE *output)
{
    switch (format) {
    case AUDIT_TABLE:
        output_table(result, table_style_of(output), output);
        break;
    case AUDIT_JSON:
        output_json(result, output);
        break;
    case AUDIT_YAML:
        output_yaml(result, output);
        break;
    case AUDIT_SARIF:
        output_sarif(result, output);
        break;
    case AUDIT_JUNIT:
        output_junit(result, output);
        break;
    }
}

/* Reports for other programs say themselves what was unusable, so they are written whatever became of the input. */
static bool is_report(enum audit_format format)
{
    return format == AUDIT_SARIF || format == AUDIT_JUNIT;
}

/* A misspelt code leaves nothing out: without a word its writer would take the finding for a bug. */
static void tell_idle_settings(const struct audit_result *result, FILE *errors)
{
    for (size_t i = 0; i < result->clusters.count; i++) {
        const struct cluster *cluster = &result->clusters.items[i];
        cleanup_idle_settings struct idle_settings settings;
        idle_settings_take(cluster, &settings);
        for (size_t k = 0; k < settings.count && !cluster->superseded_by; k++) {
            cleanup_free char *name = xasprintf("%s/%s", cluster->namespace_name, cluster->name);
            text_make_printable(name);
            (void) fprintf(errors, "warning: cluster %s: %s\n", name, settings.items[k]);
        }
    }
}

static int evaluate(struct input *input, const struct audit_settings *settings, FILE *output)
{
    struct audit_result result;
    audit_result_make(input->model, settings->now, &result);
    result.input = input;
    result.is_partial = input->has_problem;
    tell_if_nothing_was_judged(input, &result);
    tell_idle_settings(&result, input->errors);
    result.is_partial = input->has_problem; /* what was just told counts too */
    if (input->object_count > 0 || is_report(settings->format)) {
        print(&result, settings->format, output);
    }
    int status = reaches(&result, settings->fail_on) ? STATUS_FOUND : STATUS_DONE;
    audit_result_clear(&result);
    return input->has_problem ? STATUS_UNUSABLE : status;
}

int audit_run(const struct audit_settings *settings, FILE *output, FILE *errors)
{
    struct model *model = model_new(&(struct model_options){
        .offline = true,
        .whole = settings->cluster != NULL,
        .is_restricted = settings->cluster != NULL && settings->cluster->namespace_name != NULL,
        .no_pod_ignores = settings->no_pod_ignores,
        .discover = true,
    });
    struct input input;
    input_init(&input, model, errors, settings->now);
    input.namespace_name = settings->namespace_name ? settings->namespace_name : INPUT_NAMESPACE_DEFAULT;
    bool is_read = !settings->cluster || live_read(settings->cluster, &input) == 0;
    for (size_t i = 0; i < settings->path_count; i++) {
        input_read(&input, settings->paths[i]);
    }
    input_finish(&input);
    int status = is_read || is_report(settings->format) ? evaluate(&input, settings, output) : STATUS_UNUSABLE;
    input_clear(&input);
    model_free(model);
    return status;
}

/* What the command line fills in. */
struct audit_line {
    struct option_list files;
    struct connection_options cluster;
    const char *now;
    int format, fail_on;
    bool no_pod_ignores;
};

static const char *const format_choices[] = {"table", "json", "yaml", "sarif", "junit", NULL};
static const char *const fail_on_choices[] = {"error", "warning", "info", "never", NULL};

#define EXPECTED_PATH "a file, a folder or -"

static const char epilogue[] =
    "Of a folder the *.yaml, *.yml and *.json are read, recursively and in order; '-' is standard input.\n"
    "What follows -f may also be given as further arguments.\n"
    "Without -f the cluster is only read, and Secrets never; what you may not read is named as not observed.\n"
    "\n"
    "Exit status: 0 nothing found (as far as --fail-on asks); 1 there are findings; 2 unusable input or usage,\n"
    "also where the rest of the input was evaluated.\n"
    "\n"
    "Examples:\n"
    "  kubectl proget audit -n proget\n"
    "  kubectl proget audit -f manifests/\n"
    "  kubectl get pods,nodes,pvc,statefulsets,hpa,pdb,priorityclasses,leases,progetclusters -A -o yaml |\n"
    "    kubectl proget audit -f -\n"
    "  helm template . | kubectl proget audit -n proget -f - -o sarif >audit.sarif\n";

static bool is_path(const char *value)
{
    return !text_is_empty(value);
}

static bool is_time(const char *value)
{
    int64_t time_us;
    return clock_parse(value, &time_us) == 0;
}

static int run_line(const struct option_list *operands, void *userdata, FILE *output, FILE *errors)
{
    const struct audit_line *line = userdata;
    int64_t now_us = clock_now().wall_us;
    if (line->now) {
        (void) clock_parse(line->now, &now_us); /* looked at before */
    }
    size_t count = line->files.count + operands->count;
    if (line->files.count == 0 && count > 0) {
        (void) fprintf(errors, "error: files are given with -f; see kubectl proget audit --help\n");
        return STATUS_UNUSABLE;
    }
    for (size_t i = 0; i < operands->count; i++) {
        if (!is_path(operands->items[i])) {
            (void) fprintf(errors, "error: \"\" is not " EXPECTED_PATH "; see kubectl proget audit --help\n");
            return STATUS_UNUSABLE;
        }
    }
    const char **paths = xcalloc(count, sizeof *paths);
    for (size_t i = 0; i < count; i++) {
        paths[i] = i < line->files.count ? line->files.items[i] : operands->items[i - line->files.count];
    }
    int status = audit_run(
        &(struct audit_settings){
            .paths = paths,
            .path_count = count,
            .cluster = count == 0 ? &line->cluster : NULL,
            .namespace_name = line->cluster.namespace_name,
            .now = audit_instant(now_us),
            .format = (enum audit_format) line->format,
            .fail_on = (enum audit_fail_on) line->fail_on,
            .no_pod_ignores = line->no_pod_ignores,
        },
        output, errors);
    free(paths);
    return status;
}

int audit_main(int argc, char *const *argv, FILE *output, FILE *errors)
{
    struct audit_line line = {.format = AUDIT_TABLE, .fail_on = AUDIT_FAIL_ON_ERROR};
    const struct option options[] = {
        {.name = "filename",
         .letter = 'f',
         .kind = OPTION_TEXT_LIST,
         .target = &line.files,
         .value_name = "FILE|DIR|-",
         .help = "What to read: manifests or kubectl get output, YAML or JSON; or a folder.",
         .is_valid = is_path,
         .expected = EXPECTED_PATH},
        {.name = "now",
         .kind = OPTION_TEXT,
         .target = &line.now,
         .value_name = "RFC3339",
         .help = "The time by which heartbeats and evictions are judged. Default: the clock.",
         .is_valid = is_time,
         .expected = "a time like 2026-11-22T07:00:00Z"},
        {.name = "output",
         .letter = 'o',
         .kind = OPTION_CHOICE,
         .target = &line.format,
         .value_name = "FORMAT",
         .help = "How to print the findings.",
         .choices = format_choices},
        {.name = "fail-on",
         .kind = OPTION_CHOICE,
         .target = &line.fail_on,
         .value_name = "SEVERITY",
         .help = "Exit with 1 from this severity on.",
         .choices = fail_on_choices},
        {.name = "no-pod-ignores",
         .kind = OPTION_FLAG,
         .target = &line.no_pod_ignores,
         .help = "Let annotations of pods and their templates leave nothing out."},
        CONNECTION_OPTIONS(&line.cluster,
                           "Without -f: look at this namespace only, instead of at all of them. With -f: the "
                           "namespace of objects that name none, not \"default\"."),
    };
    const struct program program = {
        .name = "kubectl proget audit",
        .environment_prefix = "KUBECTL_PROGET_",
        .usage = "[-f FILE|DIR|-]... [OPTION]...",
        .summary = "Checks ProGet, BuildMaster and Otter servers in Kubernetes manifests or dumps, without a cluster; "
                   "without -f, those that the current context's cluster holds now.",
        .epilogue = epilogue,
        .options = options,
        .option_count = array_length(options),
    };
    int status = command_run(&program, argc, argv, run_line, &line, output, errors);
    free(line.files.items);
    return status;
}
