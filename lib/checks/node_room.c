#include "node_room.h"

#include "node_match.h"
#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/model/node_load.h"
#include "proget/model/priority.h"

/* Of a manifest nobody has said otherwise. */
static bool is_ready(const struct node *node)
{
    const struct pod_condition *ready = node_condition_get(node, "Ready");
    return !ready || text_equal(ready->status, "True");
}

/* What pods that would stay request: those of lower priority make way. */
static struct resource_sums requests_that_stay(const struct model *model, const struct node *node,
                                               const struct pod_spec *spec)
{
    if (!priority_preempts(model, spec)) {
        return node_load_total(model_node_load(model), node->meta.name);
    }
    int64_t own = 0;
    (void) priority_of_spec(model, spec, &own);
    struct resource_sums sums = {0};
    size_t count;
    const struct node_share *shares = node_load_shares(model_node_load(model), node->meta.name, &count);
    for (size_t i = 0; i < count; i++) {
        int64_t priority = shares[i].priority.value;
        if (!shares[i].priority.is_set) {
            (void) priority_of_class(model, shares[i].class_name, &priority);
        }
        if (priority >= own) {
            sums.cpu_thousandths += shares[i].requests.cpu_thousandths;
            sums.memory_bytes += shares[i].requests.memory_bytes;
            sums.storage_bytes += shares[i].requests.storage_bytes;
            sums.pods += shares[i].requests.pods;
        }
    }
    return sums;
}

/* A node that does not say how much it has is not short of it; neither is one of what is not asked for. */
static bool is_enough(const char *allocatable, uint64_t has, uint64_t taken, uint64_t wanted)
{
    return !allocatable || wanted == 0 || (taken <= has && wanted <= has - taken);
}

static bool has_room(const struct model *model, const struct node *node, const struct pod_spec *spec)
{
    struct resource_sums wanted = pod_spec_requests(spec);
    struct resource_sums taken = requests_that_stay(model, node, spec);
    const struct resource_amounts *has = &node->allocatable;
    return is_enough(has->cpu, cpu_amount(has->cpu), taken.cpu_thousandths, wanted.cpu_thousandths) &&
           is_enough(has->memory, bytes_amount(has->memory), taken.memory_bytes, wanted.memory_bytes) &&
           is_enough(has->ephemeral_storage, bytes_amount(has->ephemeral_storage), taken.storage_bytes,
                     wanted.storage_bytes) &&
           is_enough(node->allocatable_pods, bytes_amount(node->allocatable_pods), taken.pods, wanted.pods);
}

enum node_verdict node_judge(const struct model *model, const struct node *node, const struct pod_spec *spec)
{
    if (!node_matches_spec(node, spec)) {
        return NODE_EXCLUDED;
    }
    if (!node_is_tolerated(node, spec) || !is_ready(node) || node->meta.deleted_us) {
        return NODE_CLOSED;
    }
    return has_room(model, node, spec) ? NODE_TAKES : NODE_FULL;
}

char *node_tally_text(const struct node_tally *tally, const char *which)
{
    static const struct {
        const char *one, *many;
    } phrases[NODE_VERDICT_COUNT] = {
        [NODE_OCCUPIED] = {"runs a server of the cluster", "run a server of the cluster"},
        [NODE_PROMISED] = {"is where a server of the cluster runs or is to run",
                           "are where servers of the cluster run or are to run"},
        [NODE_EXCLUDED] = {"is ruled out by the pod's node selector or affinity",
                           "are ruled out by the pod's node selector or affinity"},
        [NODE_CLOSED] = {"is cordoned, tainted or not ready", "are cordoned, tainted or not ready"},
        [NODE_FULL] = {"has no room for what it requests", "have no room for what it requests"},
    };
    cleanup_buffer struct buffer text = BUFFER_INIT(BOUND_SENTENCE_BYTES);
    for (size_t i = 0; i < NODE_VERDICT_COUNT; i++) {
        if (i != NODE_TAKES && tally->counts[i] > 0) {
            (void) buffer_appendf(&text, "%s%zu %s", text.length ? ", " : "", tally->counts[i],
                                  tally->counts[i] == 1 ? phrases[i].one : phrases[i].many);
        }
    }
    return text.length ? xasprintf("of the %snodes %s", which, buffer_text(&text))
                       : xasprintf("there is no %snode", which);
}

const char *server_node_name(const struct server *server)
{
    const char *name = server->pod->spec.node_name;
    return server->live && !text_is_empty(name) ? name : NULL;
}

bool node_room_is_unobserved(const struct check_context *context)
{
    const char *nodes = model_unobserved(context->model, MODEL_NODES);
    if (nodes) {
        finding_unobserved(context, model_kind_title(MODEL_NODES), nodes);
        return true;
    }
    if (model_options(context->model)->is_restricted) {
        finding_unobserved(context, "pods of other namespaces",
                           "only some namespaces are looked at, so what else runs on a node is not known");
    }
    return false;
}
