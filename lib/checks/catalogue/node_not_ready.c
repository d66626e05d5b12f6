/*
 * NodeNotReady: a server's node does not work, or nobody hears of it.
 */
#include "catalogue.h"
#include "node_state.h"
#include "phrase.h"
#include "proget/core/text.h"

static void say_not_ready(const struct check_context *context, const struct server *server,
                          const struct pod_condition *ready)
{
    const char *node = server->node->meta.name;
    const char *pod = server->pod->meta.name;
    bool is_silent = !text_equal(ready->status, "False");
    cleanup_free char *reason = text_is_empty(ready->reason) ? xstrdup("") : xasprintf(" (%s)", ready->reason);
    cleanup_free char *message =
        is_silent ? xasprintf("Nobody hears of node %s%s, on which server %s runs: after some minutes Kubernetes gives "
                              "the pod up (a Deployment starts another, a StatefulSet waits), while its containers may "
                              "still run and write.",
                              node, reason, pod)
                  : xasprintf("Node %s says that it is not ready%s, and server %s runs on it: it gets no requests, and "
                              "Kubernetes moves it after some minutes, perhaps to where it has to be activated anew.",
                              node, reason, pod);
    cleanup_free char *action =
        is_silent ? xasprintf("Look whether the machine is up and reaches the API server (kubectl describe node %s); "
                              "where it is lost for good, make sure that it is switched off, then kubectl delete node "
                              "%s",
                              node, node)
                  : xasprintf("See what its kubelet says: kubectl describe node %s", node);
    raise_on_server_of_node(
        context, server,
        (struct finding_draft){
            .message = message, .action = action, .true_since_us = ready->changed_us, .hold_ms = -1});
}

void check_node_not_ready(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct node *node = node_of_live(context, &cluster->servers[i]);
        /* A node without the condition has not been looked at yet, or is a manifest. */
        const struct pod_condition *ready = node ? node_condition(node, "Ready") : NULL;
        if (ready && !text_equal(ready->status, "True")) {
            say_not_ready(context, &cluster->servers[i], ready);
        }
    }
}
