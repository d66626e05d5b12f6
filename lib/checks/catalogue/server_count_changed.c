/*
 * ServerCountChanged: the number of servers that the workloads want was changed. A moment, not a state: it is told for
 * an hour and goes without a word. Several changes are one: from before the first to what is wanted now.
 */
#include <inttypes.h>

#include "catalogue.h"
#include "phrase.h"

enum { LOOK_AGAIN_MS = 1000 };

/* What to do about it, were it not meant. Nobody is told to stop every server. Owned. */
static char *way_back(const struct cluster *cluster, int64_t before)
{
    const char *namespace_name = cluster->namespace_name;
    if (before <= 0) {
        return xasprintf("If it was meant, there is nothing to do. Otherwise see whether an autoscaler did it: "
                         "kubectl -n %s get horizontalpodautoscalers",
                         namespace_name);
    }
    cleanup_free char *target = phrase_cluster_target(cluster);
    bool is_one = cluster->workload_count == 1 && !cluster->workloads[0]->is_daemon_set;
    cleanup_free char *command =
        is_one ? xasprintf("kubectl -n %s scale %s --replicas=%" PRId64, namespace_name, target, before)
               : xasprintf("kubectl -n %s describe %s", namespace_name, target);
    return xasprintf("If nobody meant it, see whether an autoscaler did it (kubectl -n %s get "
                     "horizontalpodautoscalers), and take it back: %s",
                     namespace_name, command);
}

static void say_changed(const struct check_context *context, int64_t time_us, int64_t before, int64_t servers)
{
    const struct cluster *cluster = context->cluster;
    char occurrence[CLOCK_TEXT_SIZE];
    clock_format_micros(time_us, occurrence);
    cleanup_free char *message = xasprintf(
        "The workload of cluster %s wants %" PRId64 " server%s now, %" PRId64 " before: %s is meant to run on "
        "a fixed number of servers, each of which has to be activated, and traffic moves faster than any "
        "scaling follows it.",
        cluster->name, servers, servers == 1 ? "" : "s", before, phrase_product(cluster)->name);
    cleanup_free char *action = way_back(cluster, before);
    raise_on_cluster(context, (struct finding_draft){
                                  .occurrence = occurrence,
                                  .message = message,
                                  .action = action,
                                  .true_since_us = time_us,
                                  .hold_ms = -1,
                              });
}

static void judge_changes(const struct check_context *context, const struct history *history)
{
    const struct cluster *cluster = context->cluster;
    const struct size_change *oldest = NULL;
    for (size_t i = 0; i < history->size_change_count; i++) {
        const struct size_change *change = &history->size_changes[i];
        int64_t age_us = context->now.wall_us - change->time_us;
        if (age_us < HISTORY_SIZE_CHANGE_KEPT_US) {
            oldest = change;
            finding_wake_at(context, context->now.monotonic_ms + (HISTORY_SIZE_CHANGE_KEPT_US - age_us) / 1000 + 1);
        }
    }
    const struct size_change *newest = history->size_changes;
    int64_t servers = 0;
    if (oldest) {
        servers = cluster->replicas.is_set ? cluster->replicas.value : newest->to;
    }
    if (oldest && servers != oldest->from) { /* back where it began, there is nothing to say */
        say_changed(context, newest->time_us, oldest->from, servers);
    }
}

void check_server_count_changed(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    const struct history *history = cluster->history;
    if (!history) {
        return;
    }
    judge_changes(context, history);
    bool is_pending =
        history->replicas.is_set && cluster->replicas.is_set && history->replicas.value != cluster->replicas.value;
    if (is_pending) { /* the first look of this process: the next one tells */
        finding_wake_at(context, context->now.monotonic_ms + LOOK_AGAIN_MS);
    }
}
