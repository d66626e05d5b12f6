/*
 * NodeCapacityLow: a server's node has hardly anything left to give, or to use.
 */
#include "catalogue.h"
#include "node_room.h"
#include "phrase.h"
#include "proget/core/text.h"
#include "proget/model/node_load.h"

/* `ret_until_ms`: monotonic, when it is old unless it is renewed. */
static const struct node_metrics *recent_metrics(const struct check_context *context, const struct node *node,
                                                 int64_t *ret_until_ms)
{
    if (model_unobserved(context->model, MODEL_NODE_METRICS)) {
        return NULL;
    }
    const struct store *store = model_read(context->model, MODEL_NODE_METRICS);
    const struct store_entry *entry = store_get(store, NULL, node->meta.name);
    if (!entry) {
        return NULL;
    }
    /* Live it is when we saw it renewed that counts: clocks differ. A dump was taken when it was taken. */
    bool is_old =
        !context->cluster->is_offline && context->now.monotonic_ms - entry->changed_ms > NODE_MEASURED_WITHIN_MS;
    if (is_old) {
        return NULL;
    }
    *ret_until_ms = entry->changed_ms + NODE_MEASURED_WITHIN_MS;
    return (const struct node_metrics *) entry->object;
}

/* "CPU", "memory", "CPU and memory"; NULL: neither. */
static const char *fullness_phrase(struct node_fullness fullness)
{
    if (fullness.is_cpu && fullness.is_memory) {
        return "CPU and memory";
    }
    return fullness.is_cpu ? "CPU" : fullness.is_memory ? "memory" : NULL;
}

static void say_low(const struct check_context *context, const struct server *server, const char *requested,
                    const char *used)
{
    const char *node = server->node->meta.name;
    cleanup_free char *requests =
        requested ? xasprintf("its pods request more than %d %% of its %s", (int) NODE_REQUESTED_MAX, requested) : NULL;
    cleanup_free char *usage =
        used ? xasprintf("more than %d %% of its %s is in use", (int) NODE_USED_MAX, used) : NULL;
    cleanup_free char *message = xasprintf(
        "Node %s of server %s is nearly full: %s%s%s. When it runs short, the server slows down or is "
        "evicted.",
        node, server->pod->meta.name, requests ? requests : "", requests && usage ? ", and " : "", usage ? usage : "");
    cleanup_free char *action =
        xasprintf("See what takes it (kubectl describe node %s; kubectl top pods -A shows usage) and move other pods "
                  "away from it, rather than the server.",
                  node);
    struct object_reference related = reference_to_node(server->node);
    finding_raise(context, &(struct finding_draft){.object = reference_to_server(server),
                                                   .related = &related,
                                                   .related_count = 1,
                                                   .message = message,
                                                   .action = action,
                                                   .hold_ms = -1});
}

static void judge(const struct check_context *context, const struct server *server)
{
    const struct resource_amounts *whole = &server->node->allocatable;
    struct resource_sums requests = node_load_total(model_node_load(context->model), server->node->meta.name);
    const char *requested = fullness_phrase(node_fullness(&requests, whole, NODE_REQUESTED_MAX));
    int64_t until_ms = 0;
    const struct node_metrics *metrics = recent_metrics(context, server->node, &until_ms);
    const char *used = NULL;
    if (metrics) {
        struct resource_sums usage = node_usage(metrics);
        used = fullness_phrase(node_fullness(&usage, whole, NODE_USED_MAX));
    }
    if (used) {
        finding_wake_at(context, until_ms + 1);
    }
    if (requested || used) {
        say_low(context, server, requested, used);
    }
}

void check_node_capacity_low(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    bool is_asked = false;
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        if (!server_node_name(server)) {
            continue;
        }
        if (!is_asked && node_room_is_unobserved(context)) {
            return;
        }
        is_asked = true;
        if (server->node) {
            judge(context, server);
        }
    }
}
