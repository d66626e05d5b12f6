/*
 * ClusterOverlap: two ProGetClusters select one pod.
 */
#include "catalogue.h"
#include "phrase.h"

void check_cluster_overlap(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    if (!cluster->resource || cluster->overlap_count == 0) {
        return;
    }
    const char **names = xcalloc(cluster->overlap_count, sizeof *names);
    struct object_reference *related = xcalloc(cluster->overlap_count, sizeof *related);
    for (size_t i = 0; i < cluster->overlap_count; i++) {
        const struct object_meta *meta = &cluster->overlaps[i]->meta;
        names[i] = meta->name;
        related[i] =
            (struct object_reference){CLUSTER_API_VERSION, CLUSTER_KIND, meta->namespace_name, meta->name, meta->uid};
    }
    cleanup_free char *others = phrase_names(names, cluster->overlap_count);
    cleanup_free char *message =
        xasprintf("ProGetCluster %s selects pods that ProGetCluster %s selects as well: a pod belongs to one cluster, "
                  "the oldest keeps it, and both are judged by part of their servers.",
                  cluster->name, others);
    cleanup_free char *action =
        xasprintf("Narrow one of the selectors, or delete the one that is too much: kubectl -n %s get progetclusters "
                  "-o custom-columns=NAME:.metadata.name,SELECTOR:.spec.selector",
                  cluster->namespace_name);
    raise_on_cluster(context, (struct finding_draft){.related = related,
                                                     .related_count = cluster->overlap_count,
                                                     .message = message,
                                                     .action = action,
                                                     .hold_ms = -1});
    free(names);
    free(related);
}
