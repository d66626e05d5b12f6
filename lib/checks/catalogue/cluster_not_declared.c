/*
 * ClusterNotDeclared: the cluster was found, not written down; its settings are all defaults.
 */
#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"

void check_cluster_not_declared(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    if (cluster->resource && !cluster->discovered) {
        return;
    }
    cleanup_free char *target = phrase_cluster_target(cluster);
    cleanup_free char *message =
        xasprintf("Nobody declared the cluster %s (%s): it was found by its image or variables, and is judged by "
                  "defaults for its size, its placement and its heartbeats.",
                  cluster->name, target);
    cleanup_free char *action = NULL;
    if (cluster->resource) {
        action = xasprintf("Look through its settings and make them yours: kubectl -n %s edit progetcluster %s; then "
                           "kubectl -n %s label progetcluster %s " CLUSTER_LABEL_DISCOVERED "-",
                           cluster->namespace_name, cluster->name, cluster->namespace_name, cluster->name);
    } else {
        action = xasprintf("Declare it with kubectl apply: apiVersion " CLUSTER_API_VERSION ", kind " CLUSTER_KIND
                           ", name %s, namespace %s, spec %s",
                           cluster->name, cluster->namespace_name,
                           cluster->implied_spec ? json_text(cluster->implied_spec) : "with a selector of its pods");
    }
    raise_on_cluster(context, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
}
