/*
 * NodeDraining: a server's node is being emptied, or is about to be.
 */
#include "catalogue.h"
#include "node_state.h"
#include "phrase.h"

static void say_draining(const struct check_context *context, const struct server *server, const char *taint)
{
    const struct cluster *cluster = context->cluster;
    const char *node = server->node->meta.name;
    const char *pod = server->pod->meta.name;
    cleanup_free char *message =
        taint ? xasprintf("Node %s is being removed (taint %s) with server %s on it: the pod is evicted and starts on "
                          "another node, a failover, perhaps on a CPU where it has to be activated anew.",
                          node, taint, pod)
              : xasprintf("Node %s is cordoned with server %s on it: a drain evicts the pod, and without one it cannot "
                          "come back here once it stops, but moves, perhaps to where it has to be activated anew.",
                          node, pod);
    cleanup_free char *action =
        taint ? xasprintf("Wait until the new pod is ready before another server's node goes, and keep the autoscaler "
                          "off nodes with servers (annotation cluster-autoscaler.kubernetes.io/safe-to-evict: "
                          "\"false\", or karpenter.sh/do-not-disrupt: \"true\"): kubectl -n %s get pods -o wide",
                          cluster->namespace_name)
              : xasprintf("Where no work on it is under way: kubectl uncordon %s; else drain one node at a time and "
                          "wait until the server is ready elsewhere: kubectl -n %s get pods -o wide",
                          node, cluster->namespace_name);
    raise_on_server_of_node(context, server,
                            (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
}

void check_node_draining(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct node *node = node_of_live(context, &cluster->servers[i]);
        const char *taint = node ? node_removal_taint(node) : NULL;
        if (node && (taint || node->unschedulable)) {
            say_draining(context, &cluster->servers[i], taint);
        }
    }
}
