/*
 * ServerCountChanged: the number of servers that the workloads want was changed. A moment, not a state: it is told for
 * an hour and goes without a word.
 */
#include <inttypes.h>

#include "catalogue.h"
#include "phrase.h"

enum { LOOK_AGAIN_MS = 1000 };

/* How to take it back where one command can. Owned. */
static char *way_back(const struct cluster *cluster, int64_t replicas)
{
    cleanup_free char *target = phrase_cluster_target(cluster);
    bool is_one = cluster->workload_count == 1 && !cluster->workloads[0]->is_daemon_set;
    return is_one ? xasprintf("kubectl -n %s scale %s --replicas=%" PRId64, cluster->namespace_name, target, replicas)
                  : xasprintf("kubectl -n %s describe %s", cluster->namespace_name, target);
}

static void say_changed(const struct check_context *context, const struct size_change *change)
{
    const struct cluster *cluster = context->cluster;
    char occurrence[CLOCK_TEXT_SIZE];
    clock_format_micros(change->time_us, occurrence);
    cleanup_free char *message =
        xasprintf("The workload of cluster %s wants %" PRId64 " servers now, %" PRId64 " before: %s is meant to run on "
                  "a fixed number of servers, each of which has to be activated, and traffic moves faster than any "
                  "scaling follows it.",
                  cluster->name, change->to, change->from, phrase_product(cluster)->name);
    cleanup_free char *back = way_back(cluster, change->from);
    cleanup_free char *action = xasprintf("If nobody meant it, see whether an autoscaler did it (kubectl -n %s get "
                                          "horizontalpodautoscalers), and take it back: %s",
                                          cluster->namespace_name, back);
    raise_on_cluster(context, (struct finding_draft){
                                  .occurrence = occurrence,
                                  .message = message,
                                  .action = action,
                                  .true_since_us = change->time_us,
                                  .hold_ms = -1,
                              });
}

void check_server_count_changed(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    const struct history *history = cluster->history;
    if (!history) {
        return;
    }
    for (size_t i = 0; i < history->size_change_count; i++) {
        const struct size_change *change = &history->size_changes[i];
        int64_t age_us = context->now.wall_us - change->time_us;
        if (age_us < HISTORY_SIZE_CHANGE_KEPT_US) {
            say_changed(context, change);
            finding_wake_at(context, context->now.monotonic_ms + (HISTORY_SIZE_CHANGE_KEPT_US - age_us) / 1000 + 1);
        }
    }
    bool is_pending =
        history->replicas.is_set && cluster->replicas.is_set && history->replicas.value != cluster->replicas.value;
    if (is_pending) { /* the first look of this process: the next one tells */
        finding_wake_at(context, context->now.monotonic_ms + LOOK_AGAIN_MS);
    }
}
