/*
 * NoSpareNode: a server whose node, if it died, leaves no other node that would take it.
 */
#include "catalogue.h"
#include "node_match.h"
#include "node_room.h"
#include "phrase.h"
#include "proget/core/text.h"

/* A server that stays where it is, on a node of this domain. */
static bool is_occupied(const struct cluster *cluster, const struct server *moving, const struct node *node)
{
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *other = &cluster->servers[i];
        const char *name = server_node_name(other);
        if (other == moving || !name) {
            continue;
        }
        bool is_there = other->node ? node_shares_domain(other->node, node, cluster->settings.topology_key)
                                    : text_equal(name, node->meta.name);
        if (is_there) {
            return true;
        }
    }
    return false;
}

static struct node_tally tally_without(const struct check_context *context, const struct server *server)
{
    struct node_tally tally = {0};
    const struct store *nodes = model_read(context->model, MODEL_NODES);
    for (const struct store_entry *at = store_first(nodes, NULL); at; at = store_next(nodes, NULL, at)) {
        const struct node *node = (const struct node *) at->object;
        if (text_equal(node->meta.name, server_node_name(server))) {
            continue;
        }
        enum node_verdict verdict = is_occupied(context->cluster, server, node)
                                        ? NODE_OCCUPIED
                                        : node_judge(context->model, node, &server->pod->spec);
        tally.counts[verdict]++;
        if (verdict == NODE_TAKES) {
            break; /* one is enough */
        }
    }
    return tally;
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

void check_no_spare_node(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    if (has_servers_to_spare(cluster)) {
        return;
    }
    const char **names = xcalloc(cluster->server_count + 1, sizeof *names);
    size_t count = 0;
    bool is_asked = false;
    struct node_tally first = {0};
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        if (!can_move(server)) {
            continue;
        }
        if (!is_asked && node_room_is_unobserved(context)) {
            break;
        }
        is_asked = true;
        struct node_tally tally = tally_without(context, server);
        if (tally.counts[NODE_TAKES] == 0) {
            first = count == 0 ? tally : first;
            names[count++] = server->pod->meta.name;
        }
    }
    if (count > 0) {
        say_no_spare(context, names, count, &first);
    }
    free(names);
}
