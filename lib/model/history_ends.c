#include <string.h>

#include "history_private.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

static bool has_end(const struct history *history, const char *uid)
{
    for (size_t i = 0; i < history->end_count; i++) {
        if (text_equal(history->ends[i].uid, uid)) {
            return true;
        }
    }
    return false;
}

/* A node that cannot be seen is neither reachable nor not. */
static bool are_nodes_seen(const struct model *model)
{
    return model_unobserved(model, MODEL_NODES) == NULL && store_is_filled(model_read(model, MODEL_NODES));
}

static bool add_end(struct history *history, const struct model *model, const struct status_end *end)
{
    if (end->pod == NULL || end->uid == NULL || has_end(history, end->uid) || history->end_count == BOUND_ENDS_KEPT) {
        return false;
    }
    const struct store_entry *node = store_get(model_read(model, MODEL_NODES), NULL, end->node);
    history->ends = xrealloc(history->ends, BOUND_ENDS_KEPT, sizeof(*history->ends));
    history->ends[history->end_count++] = (struct unconfirmed_end){
        .pod = xstrdup(end->pod),
        .uid = xstrdup(end->uid),
        .node = xstrdup(end->node),
        .node_uid = node == NULL ? NULL : xstrdup(node->object->uid),
        .since_us = end->since_us,
    };
    return true;
}

bool history_note_end(struct history *history, const struct model *model, const struct past_server *member,
                      struct instant now)
{
    if (!are_nodes_seen(model) || !model_node_is_unreachable(model, member->node, NULL)) {
        return false;
    }
    return add_end(
        history, model,
        &(struct status_end){.pod = member->name, .uid = member->uid, .node = member->node, .since_us = now.wall_us});
}

/* Its containers were seen to end after all. */
static bool is_seen_to_end(const struct cluster *cluster, const char *uid)
{
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        if (text_equal(server->pod->meta.uid, uid)) {
            return !server_end_is_unconfirmed(server);
        }
    }
    return false;
}

bool history_observe_ends(struct history *history, const struct model *model, const struct cluster *cluster,
                          struct instant now)
{
    if (!are_nodes_seen(model)) {
        return false;
    }
    bool has_changed = false;
    for (size_t i = 0; i < history->end_count;) {
        struct unconfirmed_end *end = &history->ends[i];
        if (model_node_is_unreachable(model, end->node, end->node_uid) && !is_seen_to_end(cluster, end->uid)) {
            i++;
            continue;
        }
        unconfirmed_end_clear(end);
        history->end_count--;
        memmove(end, end + 1, (history->end_count - i) * sizeof(*end));
        has_changed = true;
    }
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct pod *pod = cluster->servers[i].pod;
        if (server_end_is_unconfirmed(&cluster->servers[i])) {
            has_changed = add_end(history, model,
                                  &(struct status_end){.pod = pod->meta.name,
                                                       .uid = pod->meta.uid,
                                                       .node = pod->spec.node_name,
                                                       .since_us = now.wall_us}) ||
                          has_changed;
        }
    }
    return has_changed;
}
