/*
 * TopologyUnknown: nodes that could take a server do not say which physical server they are.
 */
#include <string.h>

#include "catalogue.h"
#include "node_match.h"
#include "phrase.h"
#include "proget/core/text.h"

/* One that is closed for now takes no server, whatever its labels. */
static bool could_take_a_server(const struct cluster *cluster, const struct node *node)
{
    subject_each(subject, cluster)
    {
        if (node_matches_spec(node, subject->spec) && node_is_tolerated(node, subject->spec)) {
            return true;
        }
    }
    return false;
}

struct unlabelled {
    const struct node **nodes;
    size_t count;
};

/* Offline there is no memory of how long it has been so: a node that has just joined gets its labels yet. */
static bool has_just_joined(const struct check_context *context, const struct node *node)
{
    int64_t age_us = context->now.wall_us - node->meta.created_us;
    return context->cluster->is_offline && node->meta.created_us && age_us / 1000 < context->row->hold_ms;
}

static int name_order(const void *a, const void *b)
{
    const struct node *left = *(const struct node *const *) a;
    const struct node *right = *(const struct node *const *) b;
    return strcmp(left->meta.name, right->meta.name);
}

static void find_unlabelled(const struct check_context *context, struct unlabelled *ret_found)
{
    const struct cluster *cluster = context->cluster;
    const struct store *nodes = model_read(context->model, MODEL_NODES);
    ret_found->nodes = xcalloc(store_count(nodes) + 1, sizeof(struct node *));
    for (const struct store_entry *at = store_first(nodes, NULL); at; at = store_next(nodes, NULL, at)) {
        const struct node *node = (const struct node *) at->object;
        if (!node_label(node, cluster->settings.topology_key) && !has_just_joined(context, node) &&
            could_take_a_server(cluster, node)) {
            ret_found->nodes[ret_found->count++] = node;
        }
    }
    if (ret_found->count > 0) {
        qsort(ret_found->nodes, ret_found->count, sizeof(struct node *), name_order);
    }
}

static void say_unknown(const struct check_context *context, const struct unlabelled *found)
{
    const struct cluster *cluster = context->cluster;
    const char *key = cluster->settings.topology_key;
    const char **names = xcalloc(found->count, sizeof *names);
    for (size_t i = 0; i < found->count; i++) {
        names[i] = found->nodes[i]->meta.name;
    }
    cleanup_free char *list = phrase_names(names, found->count);
    bool is_one = found->count == 1;
    cleanup_free char *message =
        xasprintf("Node%s %s could take a server of cluster %s and %s no label %s: rules that keep the servers apart "
                  "by that label do not work there, so two servers may end up on one physical server unseen.",
                  is_one ? "" : "s", list, cluster->name, is_one ? "has" : "have", key);
    cleanup_free char *action =
        xasprintf("Label each of them with the physical server that it is on (kubectl label node %s %s=<name>), or "
                  "choose a label that all nodes have as placement.topologyKey in the ProGetCluster.",
                  names[0], key);
    free(names);
    /* The nodes are no part of what it is: where they come and go, each set would have to stand for ten minutes. */
    raise_on_cluster(context, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
}

void check_topology_unknown(const struct check_context *context)
{
    const char *nodes = model_unobserved(context->model, MODEL_NODES);
    if (nodes) {
        /* The kubelet itself gives every node its host's name. */
        if (!text_equal(context->cluster->settings.topology_key, "kubernetes.io/hostname")) {
            finding_unobserved(context, model_kind_title(MODEL_NODES), nodes);
        }
        return;
    }
    struct unlabelled found = {0};
    find_unlabelled(context, &found);
    if (found.count > 0) {
        say_unknown(context, &found);
    }
    free(found.nodes);
}
