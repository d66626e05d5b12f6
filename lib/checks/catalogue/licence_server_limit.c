/*
 * LicenceServerLimit: more servers than the licence covers, running or intended.
 */
#include <inttypes.h>

#include "catalogue.h"
#include "phrase.h"

/* What a roll-out starts before it stops another is not meant to stay. */
static int64_t servers_to_count(const struct cluster *cluster)
{
    int64_t live = (int64_t) cluster->live_count;
    return live > cluster->intended && !cluster->rollout_under_way ? live : cluster->intended;
}

void check_licence_server_limit(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    int64_t servers = servers_to_count(cluster);
    int64_t most = cluster->settings.max_servers;
    if (servers <= most) {
        return;
    }
    bool is_said = cluster->resource && cluster->resource->max_servers.is_set;
    cleanup_free char *target = phrase_cluster_target(cluster);
    cleanup_free char *message =
        xasprintf("Cluster %s %s %" PRId64 " servers, and its licence covers %" PRId64 " (%s): what runs beyond that "
                  "is not licensed, and may refuse to be activated.",
                  cluster->name, servers > cluster->intended ? "has" : "is meant to have", servers, most,
                  is_said ? "spec.licence.maxServers" : "the default of an Enterprise licence");
    cleanup_free char *action =
        xasprintf("Run no more than %" PRId64 " servers (%s in namespace %s), or, where the licence covers more, say "
                  "so: kubectl -n %s patch progetcluster %s --type merge -p "
                  "'{\"spec\":{\"licence\":{\"maxServers\":%" PRId64 "}}}'",
                  most, target, cluster->namespace_name, cluster->namespace_name, cluster->name, servers);
    raise_on_cluster(context, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
}
