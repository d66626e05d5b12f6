#include "serve/metrics.h"

#include <stdio.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "serve/cluster_metrics.h"
#include "serve/process_figures.h"

/* What says how much was left out is never left out itself. */
enum { RESERVED_SAMPLES = 1, RESERVED_BYTES = 1024 };

static void add_one(struct exposition *exposition, const char *name, enum exposition_type type, const char *help,
                    double value)
{
    exposition_family(exposition, name, type, help);
    exposition_add(exposition, NULL, 0, value);
}

/* The names that every client library of Prometheus has for them: dashboards know these. */
static void add_process(struct exposition *exposition, int64_t started_us)
{
    const struct process_figures figures = process_figures_read();
    const struct {
        const char *name;
        enum exposition_type type;
        const char *help;
        double value;
    } rows[] = {
        {"process_cpu_seconds_total", EXPOSITION_COUNTER, "CPU time that the process took, user and system.",
         figures.cpu_seconds},
        {"process_resident_memory_bytes", EXPOSITION_GAUGE, "Memory of the process that is in RAM.",
         (double) figures.resident_bytes},
        {"process_virtual_memory_bytes", EXPOSITION_GAUGE, "Address space of the process.",
         (double) figures.virtual_bytes},
        {"process_open_fds", EXPOSITION_GAUGE, "Open file descriptors.", (double) figures.open_fds},
        {"process_max_fds", EXPOSITION_GAUGE, "Open file descriptors that it may have.", (double) figures.max_fds},
        {"process_start_time_seconds", EXPOSITION_GAUGE, "When the process started, since 1970 in UTC.",
         (double) started_us / (double) CLOCK_US_PER_SECOND},
    };
    for (size_t i = 0; i < array_length(rows); i++) {
        if (rows[i].value >= 0) {
            add_one(exposition, rows[i].name, rows[i].type, rows[i].help, rows[i].value);
        }
    }
}

static void add_leadership(struct exposition *exposition, const struct metrics_sources *sources)
{
    exposition_family(exposition, "proget_operator_build_info", EXPOSITION_GAUGE, "1; the version is the label.");
    EXPOSITION_ADD(exposition, 1, {"version", PROGET_VERSION});
    add_one(exposition, "proget_operator_leader", EXPOSITION_GAUGE,
            "1 for the operator that leads and publishes, 0 for one that stands by.",
            election_leads(sources->election) ? 1 : 0);
    add_one(exposition, "proget_operator_leader_changes_total", EXPOSITION_COUNTER,
            "How often this process began or ceased to lead.", (double) election_changes(sources->election));
}

static void add_api(struct exposition *exposition, const struct metrics_sources *sources)
{
    size_t count;
    const struct kube_client_count *counts = kube_client_counts(sources->client, &count);
    add_one(exposition, "proget_operator_api_up", EXPOSITION_GAUGE,
            "1 while the API server answers, asked every three seconds; else 0.",
            intake_is_connected(sources->intake) ? 1 : 0);
    exposition_family(exposition, "proget_operator_api_requests_total", EXPOSITION_COUNTER,
                      "Requests to the API server by verb and HTTP status; the code none is for no answer.");
    for (size_t i = 0; i < count; i++) {
        char code[16] = "none";
        if (counts[i].status) {
            (void) snprintf(code, sizeof code, "%d", counts[i].status);
        }
        EXPOSITION_ADD(exposition, (double) counts[i].count, {"verb", counts[i].verb}, {"code", code});
    }
}

/* As kubectl names it: "pods", "leases.coordination.k8s.io". Owned. */
static char *resource_name(const struct model_kind_info *info)
{
    return info->group[0] ? xasprintf("%s.%s", info->plural, info->group) : xstrdup(info->plural);
}

enum watch_part { WATCH_SILENCE, WATCH_STATE, WATCH_SKIPPED };

static void add_watch_states(struct exposition *exposition, const char *resource, const char *selector,
                             enum intake_state current)
{
    static const char *const names[INTAKE_STATE_COUNT] = {
        [INTAKE_SYNCED] = "synced", [INTAKE_ABSENT] = "absent",         [INTAKE_SYNCING] = "syncing",
        [INTAKE_BEHIND] = "behind", [INTAKE_UNOBSERVED] = "unobserved",
    };
    for (int state = 0; state < INTAKE_STATE_COUNT; state++) {
        EXPOSITION_ADD(exposition, (int) current == state ? 1 : 0, {"resource", resource}, {"selector", selector},
                       {"state", names[state]});
    }
}

static void add_watch_part(struct exposition *exposition, const struct intake *intake, enum watch_part part)
{
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        struct intake_watch watch;
        if (!intake_watch(intake, (enum model_kind) kind, &watch)) {
            continue;
        }
        const struct model_kind_info *info = model_kind_info((enum model_kind) kind);
        cleanup_free char *resource = resource_name(info);
        switch (part) {
        case WATCH_SILENCE:
            if (watch.silent_ms >= 0) {
                EXPOSITION_ADD(exposition, (double) watch.silent_ms / 1000, {"resource", resource},
                               {"selector", info->field_selector});
            }
            break;
        case WATCH_STATE:
            add_watch_states(exposition, resource, info->field_selector, watch.state);
            break;
        case WATCH_SKIPPED:
            EXPOSITION_ADD(exposition, (double) watch.skipped, {"resource", resource},
                           {"selector", info->field_selector});
            break;
        }
    }
}

static void add_watches(struct exposition *exposition, const struct intake *intake)
{
    exposition_family(exposition, "proget_operator_watch_lag_seconds", EXPOSITION_GAUGE,
                      "Time since a watch last gave a sign of life; the API server gives one about each minute.");
    add_watch_part(exposition, intake, WATCH_SILENCE);
    exposition_family(exposition, "proget_operator_watch_state", EXPOSITION_GAUGE,
                      "1 for the state of a watch, 0 for the others.");
    add_watch_part(exposition, intake, WATCH_STATE);
    exposition_family(exposition, "proget_operator_objects_skipped_total", EXPOSITION_COUNTER,
                      "Objects that could not be read and were left out; the log names them.");
    add_watch_part(exposition, intake, WATCH_SKIPPED);
}

static void add_work(struct exposition *exposition, const struct tally *tally, const struct figures *figures)
{
    add_one(exposition, "proget_operator_evaluations_total", EXPOSITION_COUNTER,
            "Evaluations of all clusters by all checks.", (double) tally->evaluations);
    add_one(exposition, "proget_operator_evaluation_seconds_total", EXPOSITION_COUNTER, "Time that these took.",
            (double) tally->evaluation_ns / 1e9);
    exposition_family(exposition, "proget_operator_writes_total", EXPOSITION_COUNTER,
                      "Writes by what was written and how it ended.");
    for (int target = 0; target < TALLY_TARGET_COUNT; target++) {
        for (int outcome = 0; outcome < TALLY_OUTCOME_COUNT; outcome++) {
            EXPOSITION_ADD(exposition, (double) tally->writes[target][outcome],
                           {"target", tally_target_name((enum tally_target) target)},
                           {"outcome", tally_outcome_name((enum tally_outcome) outcome)});
        }
    }
    exposition_family(exposition, "proget_operator_writes_pending", EXPOSITION_GAUGE,
                      "Writes that are due or under way.");
    for (int target = 0; target < TALLY_TARGET_COUNT; target++) {
        EXPOSITION_ADD(exposition, (double) figures->pending[target],
                       {"target", tally_target_name((enum tally_target) target)});
    }
}

char *metrics_render(const struct metrics_sources *sources, struct instant now)
{
    cleanup_exposition struct exposition exposition =
        exposition_new(BOUND_METRICS_SAMPLES - RESERVED_SAMPLES, BOUND_METRICS_BYTES - RESERVED_BYTES);
    struct figures figures = {0};
    if (sources->publisher) {
        publisher_figures(sources->publisher, now, &figures);
    }
    add_leadership(&exposition, sources);
    add_api(&exposition, sources);
    add_watches(&exposition, sources->intake);
    add_work(&exposition, sources->tally, &figures);
    add_process(&exposition, sources->started_us);
    cluster_metrics_add(&exposition, &figures, now);
    figures_clear(&figures);
    exposition.samples_max += RESERVED_SAMPLES;
    exposition.text.limit += RESERVED_BYTES;
    add_one(&exposition, "proget_operator_metrics_left_out", EXPOSITION_GAUGE,
            "Samples that this scrape leaves out because there are too many.", (double) exposition.left_out);
    return buffer_take(&exposition.text);
}
