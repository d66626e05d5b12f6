#include "node_state.h"

#include "proget/core/memory.h"
#include "proget/core/text.h"

/* DeletionCandidateOfClusterAutoscaler is none of them: that node is only being thought about. */
static const char *const removal_taints[] = {
    "ToBeDeletedByClusterAutoscaler",
    "karpenter.sh/disrupted",
    "karpenter.sh/disruption",
};

const struct pod_condition *node_condition(const struct node *node, const char *type)
{
    record_list_each (const struct pod_condition *, condition, &node->conditions) {
        if (text_equal(condition->type, type)) {
            return condition;
        }
    }
    return NULL;
}

const char *node_removal_taint(const struct node *node)
{
    record_list_each (const struct taint *, taint, &node->taints) {
        for (size_t i = 0; i < array_length(removal_taints); i++) {
            if (text_equal(taint->key, removal_taints[i])) {
                return removal_taints[i];
            }
        }
    }
    return NULL;
}

const struct node *node_of_live(const struct check_context *context, const struct server *server)
{
    if (!server->live || server->node || text_is_empty(server->pod->spec.node_name)) {
        return server->live ? server->node : NULL;
    }
    const char *unobserved = model_unobserved(context->model, MODEL_NODES);
    if (unobserved) {
        finding_unobserved(context, model_kind_info(MODEL_NODES)->plural, unobserved);
    }
    return NULL;
}

void raise_on_server_of_node(const struct check_context *context, const struct server *server,
                             struct finding_draft draft)
{
    const struct object_reference node = reference_to_node(server->node);
    draft.object = reference_to_server(server);
    draft.related = &node;
    draft.related_count = 1;
    finding_raise(context, &draft);
}
