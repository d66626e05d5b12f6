/*
 * ClusterNotDeclared: the cluster was found, not written down; its settings are all defaults.
 */
#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"

/* A command to paste; in words where no selector is known. Owned. */
static char *say_declaration(const struct cluster *cluster)
{
    if (!cluster->implied_spec) {
        return xasprintf("Declare it with kubectl apply: apiVersion " CLUSTER_API_VERSION ", kind " CLUSTER_KIND
                         ", name %s, namespace %s, spec with a selector of its pods",
                         cluster->name, cluster->namespace_name);
    }
    return xasprintf("Declare it: echo '{\"apiVersion\":\"" CLUSTER_API_VERSION "\",\"kind\":\"" CLUSTER_KIND
                     "\",\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\"},\"spec\":%s}' | kubectl apply -f -",
                     cluster->name, cluster->namespace_name, json_text(cluster->implied_spec));
}

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
        action = say_declaration(cluster);
    }
    raise_on_cluster(context, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
}
