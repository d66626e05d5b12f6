/*
 * ClusterEmpty: a ProGetCluster whose selector matches no pod watches over nothing.
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

void check_cluster_empty(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    /* Where others took its pods its selector does match: ClusterOverlap says that. */
    if (!cluster->resource || cluster->server_count > 0 || cluster->overlap_count > 0 ||
        (cluster->is_offline && cluster->workload_count > 0)) {
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
    cleanup_free char *message =
        xasprintf("The selector of ProGetCluster %s matches no pod%s in namespace %s: nothing is watched over.",
                  cluster->name, cluster->is_offline ? " and no workload" : "", cluster->namespace_name);
    cleanup_free char *action = xasprintf(
        "Compare its selector with the servers' labels: kubectl -n %s get pods --show-labels", cluster->namespace_name);
    raise_on_cluster(context, (struct finding_draft){
                                  .message = message,
                                  .action = action,
                                  .true_since_us = cluster->is_offline ? cluster->resource->meta.created_us : 0,
                                  .hold_ms = -1,
                              });
}
