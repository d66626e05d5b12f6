/*
 * ClusterNotDeclared: the cluster was found, not written down; its settings are all defaults.
 */
#include <string.h>

#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"

/* A longer one would be cut, in the middle of a quotation. */
enum { SPEC_BYTES_MAX = 600 };

/*
 * Whether it can stand between quotation marks of a shell. What it is made of comes from a file that anybody may have
 * written, and people paste what they are told.
 */
static bool is_pasteable(const struct cluster *cluster)
{
    static const char of_names[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
    const char *spec = cluster->implied_spec ? json_text(cluster->implied_spec) : "'";
    return strspn(cluster->name, of_names) == strlen(cluster->name) &&
           strspn(cluster->namespace_name, of_names) == strlen(cluster->namespace_name) && !strchr(spec, '\'') &&
           strlen(spec) <= SPEC_BYTES_MAX;
}

/* A command to paste; in words where there is none. Owned. */
static char *say_declaration(const struct cluster *cluster)
{
    if (!is_pasteable(cluster)) {
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
