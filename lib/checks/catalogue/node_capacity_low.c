/*
 * NodeCapacityLow: a server's node has hardly anything left to give, or to use.
 */
#include "catalogue.h"
#include "node_room.h"
#include "phrase.h"
#include "proget/core/text.h"
#include "proget/model/node_load.h"

/* Percentages as the sentence has them. */
enum { REQUESTED_MAX = 90, USED_MAX = 85 };
/* A measurement that has not been renewed for so long says nothing of now. */
#define MEASURED_WITHIN_MS ((int64_t) 5 * 60 * 1000)

/* Amounts are below 2^51 per pod and a node's own below 2^50: this does not overflow. */
static bool is_above(uint64_t amount, uint64_t whole, uint64_t percent)
{
    return whole > 0 && amount > whole / 100 * percent + whole % 100 * percent / 100;
}

static const struct node_metrics *recent_metrics(const struct check_context *context, const struct node *node)
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
    bool is_old = !context->cluster->is_offline && context->now.monotonic_ms - entry->changed_ms > MEASURED_WITHIN_MS;
    return is_old ? NULL : (const struct node_metrics *) entry->object;
}

/* "CPU", "memory", "CPU and memory"; NULL: neither. */
static const char *resources_above(const struct resource_sums *taken, const struct resource_amounts *whole,
                                   uint64_t percent)
{
    bool is_cpu = is_above(taken->cpu_thousandths, cpu_amount(whole->cpu), percent);
    bool is_memory = is_above(taken->memory_bytes, bytes_amount(whole->memory), percent);
    if (is_cpu && is_memory) {
        return "CPU and memory";
    }
    return is_cpu ? "CPU" : is_memory ? "memory" : NULL;
}

static void say_low(const struct check_context *context, const struct server *server, const char *requested,
                    const char *used)
{
    const char *node = server->node->meta.name;
    cleanup_free char *requests =
        requested ? xasprintf("its pods request more than %d %% of its %s", (int) REQUESTED_MAX, requested) : NULL;
    cleanup_free char *usage = used ? xasprintf("more than %d %% of its %s is in use", (int) USED_MAX, used) : NULL;
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
    const char *requested = resources_above(&requests, whole, REQUESTED_MAX);
    const struct node_metrics *metrics = recent_metrics(context, server->node);
    const char *used = NULL;
    if (metrics) {
        struct resource_sums usage = {.cpu_thousandths = cpu_amount(metrics->usage.cpu),
                                      .memory_bytes = bytes_amount(metrics->usage.memory)};
        used = resources_above(&usage, whole, USED_MAX);
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
