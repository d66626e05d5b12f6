/*
 * ClusterEmpty: a ProGetCluster whose selector matches nothing, or whose workload has yet to make a pod, watches over
 * nothing.
 */
#include "catalogue.h"
#include "phrase.h"

/* Offline: what was not given cannot be missed. `kubectl get progetclusters -o yaml` alone tells of no server. */
static bool is_anything_in_input(const struct model *model)
{
    static const enum model_kind kinds[] = {
        MODEL_PODS, MODEL_STATEFUL_SETS, MODEL_DEPLOYMENTS, MODEL_REPLICA_SETS, MODEL_DAEMON_SETS,
    };
    for (size_t i = 0; i < array_length(kinds); i++) {
        if (!model_unobserved(model, kinds[i])) {
            return true;
        }
    }
    return false;
}

/*
 * The selector does match, and what there is to say is said elsewhere. Where others took its pods: by ClusterOverlap.
 * Where its workload was scaled to zero nothing is wrong; where it makes no pods though it is done: ServerCountWrong.
 */
static bool is_matched(const struct cluster *cluster)
{
    bool has_wish = !cluster->replicas.is_set || cluster->replicas.value > 0;
    bool is_waiting = !cluster->is_offline && cluster->rollout_under_way && has_wish;
    return cluster->server_count > 0 || cluster->overlap_count > 0 || (cluster->workload_count > 0 && !is_waiting);
}

static void say_podless(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    const char *namespace_name = cluster->namespace_name;
    cleanup_free char *target = phrase_cluster_target(cluster);
    cleanup_free char *message = xasprintf("ProGetCluster %s has no pod, and %s in namespace %s has yet to make one: "
                                           "nothing is watched over, and nobody is served.",
                                           cluster->name, target, namespace_name);
    cleanup_free char *action =
        xasprintf("See why no pod is created, such as a quota or a pod that is refused: kubectl -n %s describe %s",
                  namespace_name, target);
    raise_on_cluster(context, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
}

static void say_unmatched(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    cleanup_free char *message =
        xasprintf("The selector of ProGetCluster %s matches no pod and no workload in namespace %s: nothing is watched "
                  "over.",
                  cluster->name, cluster->namespace_name);
    cleanup_free char *action = xasprintf(
        "Compare its selector with the servers' labels: kubectl -n %s get pods --show-labels", cluster->namespace_name);
    raise_on_cluster(context, (struct finding_draft){
                                  .message = message,
                                  .action = action,
                                  .true_since_us = cluster->is_offline ? cluster->resource->meta.created_us : 0,
                                  .hold_ms = -1,
                              });
}

void check_cluster_empty(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    if (!cluster->resource || is_matched(cluster)) {
        return;
    }
    const char *unobserved = model_unobserved(context->model, MODEL_PODS);
    if (unobserved && !cluster->is_offline) {
        finding_unobserved(context, model_kind_info(MODEL_PODS)->plural, unobserved);
        return;
    }
    if (cluster->is_offline && !is_anything_in_input(context->model)) {
        finding_unobserved(context, model_kind_info(MODEL_PODS)->plural, "no pod and no workload is in the input");
        return;
    }
    if (cluster->workload_count > 0) {
        say_podless(context);
    } else {
        say_unmatched(context);
    }
}
