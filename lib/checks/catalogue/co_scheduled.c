/*
 * CoScheduled: two live servers of one cluster in one domain of placement.topologyKey.
 */
#include "catalogue.h"
#include "node_match.h"
#include "phrase.h"
#include "proget/core/text.h"

#define ROLLOUT_HOLD_MS ((int64_t) 5 * 60 * 1000)

/* One domain in which server `self` is, and who else is there. */
struct sharing {
    const struct server **others;
    size_t count;
};

static const char *node_name_of(const struct server *server)
{
    const char *name = server->pod->spec.node_name;
    return server->live && !text_is_empty(name) ? name : NULL;
}

static const char *domain_of(const struct cluster *cluster, const struct server *server)
{
    return server->node ? node_label(server->node, cluster->settings.topology_key) : NULL;
}

/* A node without the label is its own domain; one node is one domain whatever its labels. */
static bool shares_domain(const struct cluster *cluster, const struct server *a, const struct server *b)
{
    if (text_equal(node_name_of(a), node_name_of(b))) {
        return true;
    }
    const char *domain = domain_of(cluster, a);
    return domain && text_equal(domain, domain_of(cluster, b));
}

/* The kubelet takes a pod up as soon as it is bound. */
static int64_t placed_us(const struct server *server)
{
    return server->pod->started_us ? server->pod->started_us : server->pod->meta.created_us;
}

/* Since the second of the two came; 0 where a pod does not tell. */
static int64_t sharing_since(const struct server *self, const struct sharing *sharing)
{
    int64_t first_other = placed_us(sharing->others[0]);
    for (size_t i = 1; i < sharing->count; i++) {
        int64_t placed = placed_us(sharing->others[i]);
        first_other = placed < first_other ? placed : first_other;
    }
    int64_t own = placed_us(self);
    if (own == 0 || first_other == 0) {
        return 0;
    }
    return own > first_other ? own : first_other;
}

static struct object_reference node_reference(const struct server *server)
{
    if (server->node) {
        return reference_to_node(server->node);
    }
    return (struct object_reference){.api_version = "v1", .kind = "Node", .name = server->pod->spec.node_name};
}

/* The others, and the nodes of all of them. Owned. */
static struct object_reference *related_of(const struct server *self, const struct sharing *sharing, size_t *ret_count)
{
    struct object_reference *related = xcalloc(2 * sharing->count + 1, sizeof *related);
    size_t count = 0;
    related[count++] = node_reference(self);
    for (size_t i = 0; i < sharing->count; i++) {
        related[count++] = reference_to_server(sharing->others[i]);
        related[count++] = node_reference(sharing->others[i]);
    }
    *ret_count = count;
    return related;
}

static void say_shared(const struct check_context *context, const struct server *self, const struct sharing *sharing)
{
    const struct cluster *cluster = context->cluster;
    const char **names = xcalloc(sharing->count, sizeof *names);
    bool same_node = true;
    for (size_t i = 0; i < sharing->count; i++) {
        names[i] = sharing->others[i]->pod->meta.name;
        same_node = same_node && text_equal(node_name_of(self), node_name_of(sharing->others[i]));
    }
    cleanup_free char *others = phrase_names(names, sharing->count);
    free(names);
    const char *domain = domain_of(cluster, self);
    cleanup_free char *where = same_node ? xasprintf("node %s", node_name_of(self))
                                         : xasprintf("%s %s (node %s)", cluster->settings.topology_key,
                                                     domain ? domain : "?", node_name_of(self));
    cleanup_free char *message =
        xasprintf("Server %s runs on %s together with %s of the same cluster %s: they share its network card, which is "
                  "the bottleneck, and one failure takes them all.",
                  self->pod->meta.name, where, others, cluster->name);
    cleanup_free char *action = xasprintf(
        "Enforce the spread (see SpreadNotEnforced), make sure that another node has room; only if they "
        "still share a node afterwards, delete one of the pods so that it is placed anew: kubectl -n %s delete pod %s",
        cluster->namespace_name, self->pod->meta.name);
    size_t related_count;
    struct object_reference *related = related_of(self, sharing, &related_count);
    finding_raise(context, &(struct finding_draft){.object = reference_to_server(self),
                                                   .related = related,
                                                   .related_count = related_count,
                                                   .message = message,
                                                   .action = action,
                                                   .true_since_us = sharing_since(self, sharing),
                                                   .hold_ms = cluster->rollout_under_way ? ROLLOUT_HOLD_MS : 0});
    free(related);
}

void check_co_scheduled(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    struct sharing sharing = {.others = xcalloc(cluster->server_count, sizeof *sharing.others)};
    size_t placed = 0;
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *self = &cluster->servers[i];
        if (!node_name_of(self)) {
            continue;
        }
        placed++;
        sharing.count = 0;
        for (size_t k = 0; k < cluster->server_count; k++) {
            const struct server *other = &cluster->servers[k];
            if (k != i && node_name_of(other) && shares_domain(cluster, self, other)) {
                sharing.others[sharing.count++] = other;
            }
        }
        if (sharing.count > 0) {
            say_shared(context, self, &sharing);
        }
    }
    free(sharing.others);
    const char *nodes = model_unobserved(context->model, MODEL_NODES);
    if (nodes && placed > 1 && !text_equal(cluster->settings.topology_key, "kubernetes.io/hostname")) {
        finding_unobserved(context, model_kind_info(MODEL_NODES)->plural, nodes);
    }
}
