/*
 * ServerMayStillRun: deleted while its node was unreachable, a server may go on running and writing where nobody sees
 * it.
 */
#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"

static void say_may_run(const struct check_context *context, const struct status_end *end)
{
    const struct cluster *cluster = context->cluster;
    const struct object_reference node = {.api_version = "v1", .kind = "Node", .name = end->node, .uid = end->node_uid};
    cleanup_free char *message =
        xasprintf("Server %s of cluster %s was deleted while its node %s was unreachable: nobody could tell its "
                  "containers to stop, so it may still run there and write to the database and the packages beside the "
                  "server that took its place.",
                  end->pod, cluster->name, end->node);
    cleanup_free char *action = xasprintf(
        "Bring the node back, or make sure that the machine is switched off and then say so: kubectl taint nodes %s "
        "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute (or kubectl delete node %s, if it will not return)",
        end->node, end->node);
    raise_on_cluster(context, (struct finding_draft){
                                  .related = &node,
                                  .related_count = 1,
                                  .occurrence = end->uid,
                                  .message = message,
                                  .action = action,
                                  .true_since_us = end->since_us,
                                  .hold_ms = -1,
                              });
}

static bool was_said(const struct cluster *cluster, const char *uid)
{
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        if (text_equal(server->pod->meta.uid, uid)) {
            return server_end_is_unconfirmed(server);
        }
    }
    return false;
}

/* Offline: the pods of the input, and what the operator wrote of those that are gone from it. */
static void say_of_input(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    const char *unobserved = model_unobserved(context->model, MODEL_NODES);
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct pod *pod = cluster->servers[i].pod;
        if (server_end_is_unconfirmed(&cluster->servers[i])) {
            say_may_run(context, &(struct status_end){.pod = pod->meta.name,
                                                      .uid = pod->meta.uid ? pod->meta.uid : pod->meta.name,
                                                      .node = pod->spec.node_name,
                                                      .node_uid = cluster->servers[i].node->meta.uid,
                                                      .since_us = pod->meta.deleted_us});
        } else if (unobserved && pod->meta.deleted_us) {
            finding_unobserved(context, model_kind_info(MODEL_NODES)->plural, unobserved);
        }
    }
    if (!cluster->resource) {
        return;
    }
    record_list_each (const struct status_end *, end, &cluster->resource->status.ends) {
        bool stands = end->pod && end->uid && end->node &&
                      (unobserved || model_node_is_unreachable(context->model, end->node, end->node_uid));
        if (stands && !was_said(cluster, end->uid)) {
            say_may_run(context, end);
        }
    }
}

void check_server_may_still_run(const struct check_context *context)
{
    const struct history *history = context->cluster->history;
    if (!history) {
        say_of_input(context);
        return;
    }
    for (size_t i = 0; i < history->end_count; i++) {
        const struct unconfirmed_end *end = &history->ends[i];
        say_may_run(context, &(struct status_end){.pod = end->pod,
                                                  .uid = end->uid,
                                                  .node = end->node,
                                                  .node_uid = end->node_uid,
                                                  .since_us = end->since_us});
    }
}
