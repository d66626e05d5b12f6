#include "proget/checks/check.h"

#include "proget/core/text.h"

struct object_reference reference_to_subject(const struct subject *subject)
{
    return (struct object_reference){
        .api_version = subject->api_version,
        .kind = subject->kind,
        .namespace_name = subject->meta->namespace_name,
        .name = subject->meta->name,
        .uid = subject->meta->uid,
    };
}

struct object_reference reference_to_server(const struct server *server)
{
    const struct object_meta *meta = &server->pod->meta;
    return (struct object_reference){
        .api_version = "v1",
        .kind = "Pod",
        .namespace_name = meta->namespace_name,
        .name = meta->name,
        .uid = meta->uid,
    };
}

struct object_reference reference_to_node(const struct node *node)
{
    return (struct object_reference){
        .api_version = "v1",
        .kind = "Node",
        .name = node->meta.name,
        .uid = node->meta.uid,
    };
}

struct object_reference reference_to_workload(const struct workload *workload)
{
    const struct object_meta *meta = &workload->meta;
    return (struct object_reference){
        .api_version = text_is_empty(meta->api_version) ? "apps/v1" : meta->api_version,
        .kind = workload_kind(workload), /* items of a list carry none */
        .namespace_name = meta->namespace_name,
        .name = meta->name,
        .uid = meta->uid,
    };
}

struct object_reference reference_to_cluster(const struct cluster *cluster)
{
    if (!cluster->resource && cluster->workload_count > 0) {
        return reference_to_workload(cluster->workloads[0]);
    }
    if (!cluster->resource) {
        for (size_t i = 0; i < cluster->server_count; i++) {
            if (cluster->servers[i].live || cluster->live_count == 0) {
                return reference_to_server(&cluster->servers[i]);
            }
        }
    }
    return (struct object_reference){
        .api_version = CLUSTER_API_VERSION,
        .kind = CLUSTER_KIND,
        .namespace_name = cluster->namespace_name,
        .name = cluster->name,
        .uid = cluster->resource ? cluster->resource->meta.uid : NULL,
    };
}
