/*
 * NoSpareNode: a server whose node, if it died, leaves no other node that would take it.
 */
#include "catalogue.h"
#include "node_match.h"
#include "node_room.h"
#include "phrase.h"
#include "proget/core/map.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

/* How many servers are where, so that a node is asked about without a walk over the servers. Counts, owned. */
struct occupancy {
    const char *topology_key;
    struct map *domains; /* by the label's value */
    struct map *nodes;   /* by name: a node without the label is its own domain */
};

static size_t *occupancy_slot(const struct occupancy *occupancy, const struct node *node, bool is_new)
{
    const char *domain = node_label(node, occupancy->topology_key);
    struct map *map = domain ? occupancy->domains : occupancy->nodes;
    const char *key = domain ? domain : node->meta.name;
    size_t *slot = map_get(map, key);
    if (!slot && is_new) {
        slot = xcalloc(1, sizeof *slot);
        map_put(map, key, slot);
    }
    return slot;
}

static void occupancy_init(struct occupancy *occupancy, const struct cluster *cluster)
{
    *occupancy = (struct occupancy){
        .topology_key = cluster->settings.topology_key, .domains = map_new(free), .nodes = map_new(free)};
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        if (server_node_name(server) && server->node) {
            ++*occupancy_slot(occupancy, server->node, /* is_new= */ true);
        }
    }
}

static void occupancy_clear(struct occupancy *occupancy)
{
    map_free(occupancy->domains);
    map_free(occupancy->nodes);
}

/* A server that stays where it is, on a node of this domain. */
static bool is_occupied(const struct occupancy *occupancy, const struct server *moving, const struct node *node)
{
    const size_t *slot = occupancy_slot(occupancy, node, /* is_new= */ false);
    size_t itself = moving->node && slot && slot == occupancy_slot(occupancy, moving->node, false) ? 1 : 0;
    return slot && *slot > itself;
}

static enum node_verdict judge(const struct check_context *context, const struct occupancy *occupancy,
                               const struct server *server, const struct node *node)
{
    return is_occupied(occupancy, server, node) ? NODE_OCCUPIED : node_judge(context->model, node, &server->pod->spec);
}

/*
 * One node that takes it is enough. Servers of one kind mostly have the same one: `taker` is what took the last, or
 * NULL, so that a large cluster is walked once for all of them.
 */
static bool has_spare(const struct check_context *context, const struct occupancy *occupancy,
                      const struct server *server, const struct node **taker, struct node_tally *ret_tally)
{
    const char *own = server_node_name(server);
    if (*taker && !text_equal((*taker)->meta.name, own) && judge(context, occupancy, server, *taker) == NODE_TAKES) {
        return true;
    }
    const struct store *nodes = model_read(context->model, MODEL_NODES);
    for (const struct store_entry *at = store_first(nodes, NULL); at; at = store_next(nodes, NULL, at)) {
        const struct node *node = (const struct node *) at->object;
        if (text_equal(node->meta.name, own)) {
            continue;
        }
        enum node_verdict verdict = judge(context, occupancy, server, node);
        ret_tally->counts[verdict]++;
        if (verdict == NODE_TAKES) {
            *taker = node;
            return true;
        }
    }
    return false;
}

static void say_no_spare(const struct check_context *context, const char *const *names, size_t count,
                         const struct node_tally *first)
{
    const struct cluster *cluster = context->cluster;
    cleanup_free char *servers = phrase_names(names, count);
    cleanup_free char *reasons = node_tally_text(first, "other ");
    cleanup_free char *message =
        count == 1 ? xasprintf("If the node of server %s of cluster %s died, no other node would take the server: %s. "
                               "The cluster would be a server short until that node is back.",
                               servers, cluster->name, reasons)
                   : xasprintf("If the node of one of the servers %s of cluster %s died, no other node would take the "
                               "server (for %s, %s). The cluster would be a server short until that node is back.",
                               servers, cluster->name, names[0], reasons);
    static const char action[] =
        "Keep a node more than servers that meets what the pods ask for and has room for one of them: add a node, "
        "uncordon one, or free room; kubectl describe nodes shows what is taken where "
        "(docs/findings/NoSpareNode.md).";
    raise_on_cluster(context, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
}

/* A DaemonSet's pod belongs to its node: none is to take it. */
static bool can_move(const struct server *server)
{
    return server_node_name(server) && !text_equal(server->workload_kind, "DaemonSet");
}

/* As long as more run than there are to be, as in a rollout, one that dies leaves the cluster none short. */
static bool has_servers_to_spare(const struct cluster *cluster)
{
    int64_t placed = 0;
    for (size_t i = 0; i < cluster->server_count; i++) {
        placed += server_node_name(&cluster->servers[i]) ? 1 : 0;
    }
    return placed > cluster->intended;
}

/* Names of the servers without one; `first` is why the first of them has none. */
static size_t find_without_spare(const struct check_context *context, const char **names, struct node_tally *first)
{
    const struct cluster *cluster = context->cluster;
    struct occupancy occupancy;
    occupancy_init(&occupancy, cluster);
    const struct node *taker = NULL;
    size_t count = 0;
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        struct node_tally tally = {0};
        if (can_move(server) && !has_spare(context, &occupancy, server, &taker, &tally)) {
            *first = count == 0 ? tally : *first;
            names[count++] = server->pod->meta.name;
        }
    }
    occupancy_clear(&occupancy);
    return count;
}

static bool can_any_move(const struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->server_count; i++) {
        if (can_move(&cluster->servers[i])) {
            return true;
        }
    }
    return false;
}

void check_no_spare_node(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    if (has_servers_to_spare(cluster) || !can_any_move(cluster) || node_room_is_unobserved(context)) {
        return;
    }
    const char **names = xcalloc(cluster->server_count, sizeof *names);
    struct node_tally first = {0};
    size_t count = find_without_spare(context, names, &first);
    if (count > 0) {
        say_no_spare(context, names, count, &first);
    }
    free(names);
}
