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
#include "proget/model/node_load.h"

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

/* What is asked of the nodes about one server. */
struct question {
    const struct check_context *context;
    const struct occupancy *occupancy;
    const struct server *server;
    const size_t *own; /* the slot that counts it; NULL: its node is not known */
};

static enum node_verdict judge(const struct question *question, const struct node *node)
{
    /* Another server, that stays where it is, on a node of this domain. */
    const size_t *slot = occupancy_slot(question->occupancy, node, /* is_new= */ false);
    if (slot && *slot > (slot == question->own ? 1u : 0u)) {
        return NODE_OCCUPIED;
    }
    return node_judge(question->context->model, node, &question->server->pod->spec);
}

/* The first that takes it; NULL: none does, and `ret_tally` says of all why. */
static const struct node *find_taker(const struct question *question, struct node_tally *ret_tally)
{
    const struct store *nodes = model_read(question->context->model, MODEL_NODES);
    for (const struct store_entry *at = store_first(nodes, NULL); at; at = store_next(nodes, NULL, at)) {
        const struct node *node = (const struct node *) at->object;
        if (text_equal(node->meta.name, server_node_name(question->server))) {
            continue;
        }
        enum node_verdict verdict = judge(question, node);
        ret_tally->counts[verdict]++;
        if (verdict == NODE_TAKES) {
            return node;
        }
    }
    return NULL;
}

/* The server's node may share its domain with others: with it gone, these are free for it. */
static bool is_taken_next_door(const struct question *question)
{
    const struct server *server = question->server;
    const char *domain = server->node ? node_label(server->node, question->occupancy->topology_key) : NULL;
    if (!domain || !question->own || *question->own > 1) {
        return false; /* the node is the whole of its domain, or others stay in it */
    }
    const struct store *nodes = model_read(question->context->model, MODEL_NODES);
    for (const struct store_entry *at = store_first(nodes, NULL); at; at = store_next(nodes, NULL, at)) {
        const struct node *node = (const struct node *) at->object;
        if (node != server->node && text_equal(node_label(node, question->occupancy->topology_key), domain) &&
            judge(question, node) == NODE_TAKES) {
            return true;
        }
    }
    return false;
}

static const char *revision_of(const struct server *server)
{
    const char *revision = record_map_get(&server->pod->labels, "controller-revision-hash");
    return revision ? revision : record_map_get(&server->pod->labels, "pod-template-hash");
}

/* Of one template, and none was changed on its way: what a node says to the one it says to the other. */
static bool are_alike(const struct server *a, const struct server *b)
{
    const char *revision = revision_of(a);
    const struct pod_spec *x = &a->pod->spec;
    const struct pod_spec *y = &b->pod->spec;
    struct resource_sums first = pod_spec_requests(x);
    struct resource_sums second = pod_spec_requests(y);
    return a->workload && a->workload == b->workload && revision && text_equal(revision, revision_of(b)) &&
           x->priority.is_set == y->priority.is_set && x->priority.value == y->priority.value &&
           text_equal(x->preemption_policy, y->preemption_policy) && first.cpu_thousandths == second.cpu_thousandths &&
           first.memory_bytes == second.memory_bytes && first.storage_bytes == second.storage_bytes;
}

/* What was found for servers before this one, so that a large cluster is walked once for all that are alike. */
struct memory {
    const struct node *taker;    /* what took the last; NULL: nothing yet */
    const struct server *failed; /* the last that none takes; NULL: none yet */
};

static bool has_spare(const struct question *question, struct memory *memory, struct node_tally *ret_tally)
{
    const struct server *server = question->server;
    bool is_other = memory->taker && !text_equal(memory->taker->meta.name, server_node_name(server));
    if (is_other && judge(question, memory->taker) == NODE_TAKES) {
        return true;
    }
    if (memory->failed && are_alike(memory->failed, server)) {
        return is_taken_next_door(question);
    }
    const struct node *taker = find_taker(question, ret_tally);
    memory->taker = taker ? taker : memory->taker;
    memory->failed = taker ? memory->failed : server;
    return taker != NULL;
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
    struct memory memory = {0};
    size_t count = 0;
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        if (!can_move(server)) {
            continue;
        }
        struct question question = {.context = context, .occupancy = &occupancy, .server = server};
        question.own = server->node ? occupancy_slot(&occupancy, server->node, /* is_new= */ false) : NULL;
        struct node_tally tally = {0};
        if (!has_spare(&question, &memory, &tally)) {
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
