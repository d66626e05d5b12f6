/*
 * NodeNotActivated: where nothing can activate itself, a node that a server may move to has to be activated beforehand.
 */
#include "catalogue.h"
#include "licence.h"
#include "node_match.h"
#include "phrase.h"
#include "proget/core/text.h"

/* What is known of the machines in this cluster. Texts borrowed, but the versions. */
struct machine_knowledge {
    char **versions; /* major versions that the servers run, as far as reported; each once */
    size_t version_count;
    bool has_any; /* of any machine at all */
};

static void machine_knowledge_clear(struct machine_knowledge *knowledge)
{
    for (size_t i = 0; i < knowledge->version_count; i++) {
        free(knowledge->versions[i]);
    }
    free(knowledge->versions);
}

static void machine_knowledge_take(const struct check_context *context, struct machine_knowledge *knowledge)
{
    const struct cluster *cluster = context->cluster;
    const struct cluster_resource *resource = cluster->resource;
    knowledge->versions = xcalloc(cluster->subject_count, sizeof *knowledge->versions);
    knowledge->has_any = cluster->history ? cluster->history->node_count > 0 || cluster->history->activation_count > 0
                                          : resource->status.nodes.count > 0 || resource->status.activations.count > 0;
    subject_each(subject, cluster)
    {
        const struct report *report = report_or_unobserved(context, subject);
        cleanup_free char *version = report ? history_major_version(report) : NULL;
        knowledge->has_any = knowledge->has_any || (report && report->machine.id);
        for (size_t i = 0; version && i < knowledge->version_count; i++) {
            if (text_equal(knowledge->versions[i], version)) {
                free(memory_take(&version));
            }
        }
        if (version) {
            knowledge->versions[knowledge->version_count++] = memory_take(&version);
        }
    }
}

/* Whether that one is active is said of the server's own pod. */
static bool has_live_server(const struct cluster *cluster, const char *node)
{
    for (size_t i = 0; i < cluster->server_count; i++) {
        if (cluster->servers[i].live && text_equal(cluster->servers[i].pod->spec.node_name, node)) {
            return true;
        }
    }
    return false;
}

/* The machine of a node, as a server on it reported; NULL: none ever did. */
static const char *machine_of(const struct cluster *cluster, const char *node)
{
    if (!cluster->history) {
        record_list_each (const struct status_node *, each, &cluster->resource->status.nodes) {
            if (text_equal(each->node, node)) {
                return each->machine;
            }
        }
        return NULL;
    }
    for (size_t i = 0; i < cluster->history->node_count; i++) {
        if (text_equal(cluster->history->nodes[i].node, node)) {
            return cluster->history->nodes[i].machine;
        }
    }
    return NULL;
}

/* The versions of no report: then any version's activation counts, for what would be needed is not known. */
static bool was_ever_active(const struct cluster *cluster, const char *machine)
{
    if (!cluster->history) {
        record_list_each (const struct status_activation *, each, &cluster->resource->status.activations) {
            if (text_equal(each->machine, machine)) {
                return true;
            }
        }
        return false;
    }
    for (size_t i = 0; i < cluster->history->activation_count; i++) {
        if (text_equal(cluster->history->activations[i].machine, machine)) {
            return true;
        }
    }
    return false;
}

static bool is_active_now(const struct cluster *cluster, const char *machine)
{
    subject_each(subject, cluster)
    {
        const struct report *report = subject->server ? subject->server->report : NULL;
        if (report && licence_is_ok(report) && text_equal(report->machine.id, machine)) {
            return true;
        }
    }
    return false;
}

/* In the course of an upgrade either version will do. */
static bool was_active(const struct cluster *cluster, const struct machine_knowledge *knowledge, const char *machine)
{
    if (is_active_now(cluster, machine)) {
        return true;
    }
    for (size_t i = 0; i < knowledge->version_count; i++) {
        if (licence_was_active(cluster, machine, knowledge->versions[i])) {
            return true;
        }
    }
    return knowledge->version_count == 0 && was_ever_active(cluster, machine);
}

/* The scheduler may put a server there. A DaemonSet's pods each name one node: its template does not. */
static bool could_take_server(const struct cluster *cluster, const struct node *node)
{
    subject_each(subject, cluster)
    {
        const struct pod_spec *spec = subject->workload ? &subject->workload->template_spec : subject->spec;
        if (!node->unschedulable && node_matches_spec(node, spec) && node_is_tolerated(node, spec)) {
            return true;
        }
    }
    return false;
}

static void say_not_activated(const struct check_context *context, const struct machine_knowledge *knowledge,
                              const struct node *node, bool is_known)
{
    const struct cluster *cluster = context->cluster;
    const struct product_names *names = phrase_product(cluster);
    cleanup_free char *what =
        is_known ? xasprintf("on its CPU %s%s%s was never seen active", names->name,
                             knowledge->version_count == 1 ? " " : "",
                             knowledge->version_count == 1 ? knowledge->versions[0] : "")
                 : xasprintf("no server was ever seen there, so that it is not known whether %s is activated for its "
                             "CPU",
                             names->name);
    cleanup_free char *message =
        xasprintf("Node %s could take a server of cluster %s, and %s: a server that moves there all but stops working "
                  "until somebody activates it by hand, since %s cannot be reached from this site.",
                  node->meta.name, cluster->name, what, cluster->settings.activation_host);
    cleanup_free char *action = xasprintf(
        "Activate it at a time of your choosing: cordon the nodes that are activated already, delete one "
        "server's pod so that it starts on %s, activate it there (Admin > License Key & Activation), uncordon "
        "them; or keep the servers off it with a node affinity (docs/findings/NodeNotActivated.md has both); "
        "the node: kubectl describe node %s",
        node->meta.name, node->meta.name);
    struct object_reference related = reference_to_node(node);
    raise_on_cluster(context,
                     (struct finding_draft){
                         .message = message, .action = action, .related = &related, .related_count = 1, .hold_ms = -1});
}

static void look_at(const struct check_context *context, const struct machine_knowledge *knowledge,
                    const struct node *node)
{
    const struct cluster *cluster = context->cluster;
    if (has_live_server(cluster, node->meta.name) || !could_take_server(cluster, node)) {
        return;
    }
    const char *machine = machine_of(cluster, node->meta.name);
    if (machine) {
        if (!was_active(cluster, knowledge, machine)) {
            say_not_activated(context, knowledge, node, true);
        }
        return;
    }
    if (cluster->history && cluster->history->node_count >= BOUND_NODES_KEPT) {
        finding_unobserved(context, "machines of the nodes", "there are more nodes than are remembered");
        return;
    }
    say_not_activated(context, knowledge, node, false);
}

void check_node_not_activated(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    if (!cluster->resource || !text_equal(cluster->settings.internet_access, "Blocked")) {
        return;
    }
    const char *nodes = model_unobserved(context->model, MODEL_NODES);
    if (nodes) {
        finding_unobserved(context, model_kind_info(MODEL_NODES)->plural, nodes);
        return;
    }
    __attribute__((cleanup(machine_knowledge_clear))) struct machine_knowledge knowledge = {0};
    machine_knowledge_take(context, &knowledge);
    if (!knowledge.has_any) {
        finding_unobserved(context, "machines of the nodes", "no server has ever reported one");
        return;
    }
    const struct store *store = model_read(context->model, MODEL_NODES);
    for (const struct store_entry *at = store_first(store, NULL); at; at = store_next(store, NULL, at)) {
        look_at(context, &knowledge, (const struct node *) (const void *) at->object);
    }
}
