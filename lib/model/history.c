#include "proget/model/history.h"

#include <string.h>

#include "history_private.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

struct history *history_new(void)
{
    return xcalloc(1, sizeof(struct history));
}

void past_server_clear(struct past_server *member)
{
    free(member->name);
    free(member->uid);
    free(member->os);
    free(member->ip);
    free(member->node);
    free(member->version);
    free(member->machine);
    free(member->gone_why);
    *member = (struct past_server){0};
}

void unconfirmed_end_clear(struct unconfirmed_end *end)
{
    free(end->pod);
    free(end->uid);
    free(end->node);
    free(end->node_uid);
    *end = (struct unconfirmed_end){0};
}

static void history_clear(struct history *history)
{
    for (size_t i = 0; i < history->eviction_count; i++) {
        struct eviction *eviction = &history->evictions[i];
        free(eviction->pod);
        free(eviction->uid);
        free(eviction->node);
        free(eviction->cause);
        free(eviction->message);
    }
    for (size_t i = 0; i < history->activation_count; i++) {
        free(history->activations[i].machine);
        free(history->activations[i].major_version);
    }
    for (size_t i = 0; i < history->node_count; i++) {
        free(history->nodes[i].node);
        free(history->nodes[i].machine);
    }
    for (size_t i = 0; i < history->member_count; i++) {
        past_server_clear(&history->members[i]);
    }
    for (size_t i = 0; i < history->finding_count; i++) {
        free(history->findings[i].code);
        free(history->findings[i].cause);
        free(history->findings[i].object_uid);
        free(history->findings[i].object_name);
    }
    for (size_t i = 0; i < history->end_count; i++) {
        unconfirmed_end_clear(&history->ends[i]);
    }
    free(history->size_changes);
    free(history->ends);
    free(history->evictions);
    free(history->activations);
    free(history->nodes);
    free(history->members);
    free(history->findings);
    *history = (struct history){0};
}

void history_free(struct history *history)
{
    if (history != NULL) {
        history_clear(history);
        free(history);
    }
}

/* --- loading: what is incomplete is left out, what is too much is cut --- */

static int eviction_compare(const void *a, const void *b)
{
    const struct eviction *left = a;
    const struct eviction *right = b;
    if (left->time_us != right->time_us) {
        return left->time_us > right->time_us ? -1 : 1;
    }
    return strcmp(left->uid, right->uid);
}

static void load_evictions(struct history *history, const struct record_list *list)
{
    history->evictions = xcalloc(list->count + 1, sizeof(*history->evictions));
    record_list_each (const struct status_eviction *, from, list) {
        bool is_usable = from->uid != NULL && from->pod != NULL && from->cause != NULL;
        if (!is_usable || history->eviction_count == BOUND_EVICTIONS_KEPT || history_eviction(history, from->uid)) {
            continue;
        }
        history->evictions[history->eviction_count++] = (struct eviction){
            .time_us = from->time_us,
            .pod = xstrdup(from->pod),
            .uid = xstrdup(from->uid),
            .node = xstrdup(from->node),
            .cause = xstrdup(from->cause),
            .message = xstrdup(from->message),
        };
    }
    qsort(history->evictions, history->eviction_count, sizeof(*history->evictions), eviction_compare);
}

static void load_machines(struct history *history, const struct cluster_resource *resource)
{
    history->activations = xcalloc(resource->status.activations.count + 1, sizeof(*history->activations));
    record_list_each (const struct status_activation *, activation, &resource->status.activations) {
        bool is_usable = activation->machine != NULL && activation->major_version != NULL;
        if (is_usable && history->activation_count < BOUND_ACTIVATIONS_KEPT) {
            history->activations[history->activation_count++] = (struct activation){
                .machine = xstrdup(activation->machine), .major_version = xstrdup(activation->major_version)};
        }
    }
    history->nodes = xcalloc(resource->status.nodes.count + 1, sizeof(*history->nodes));
    record_list_each (const struct status_node *, node, &resource->status.nodes) {
        if (node->node != NULL && node->machine != NULL && history->node_count < BOUND_NODES_KEPT) {
            history->nodes[history->node_count++] =
                (struct node_machine){.node = xstrdup(node->node), .machine = xstrdup(node->machine)};
        }
    }
}

static int member_compare(const void *a, const void *b)
{
    return strcmp(((const struct past_server *) a)->name, ((const struct past_server *) b)->name);
}

static void load_members(struct history *history, const struct record_list *list)
{
    history->members = xcalloc(list->count + 1, sizeof(*history->members));
    record_list_each (const struct status_member *, from, list) {
        if (from->name == NULL || from->uid == NULL || history->member_count == BOUND_SERVERS_PER_CLUSTER) {
            continue;
        }
        history->members[history->member_count++] = (struct past_server){
            .name = xstrdup(from->name),
            .uid = xstrdup(from->uid),
            .os = xstrdup(from->os),
            .ip = xstrdup(from->ip),
            .node = xstrdup(from->node),
            .version = xstrdup(from->version),
            .machine = xstrdup(from->machine),
            .last_heartbeat_us = from->last_heartbeat_us,
            .gone_since_us = from->gone_since_us,
            .gone_why = xstrdup(from->gone_why),
        };
    }
    qsort(history->members, history->member_count, sizeof(*history->members), member_compare);
}

static int size_change_compare(const void *a, const void *b)
{
    int64_t left_us = ((const struct size_change *) a)->time_us;
    int64_t right_us = ((const struct size_change *) b)->time_us;
    return left_us == right_us ? 0 : (left_us > right_us ? -1 : 1);
}

static void load_size(struct history *history, const struct cluster_resource *resource)
{
    history->replicas = resource->status.replicas;
    history->size_changes = xcalloc(BOUND_SIZE_CHANGES_KEPT, sizeof(*history->size_changes));
    record_list_each (const struct status_size_change *, from, &resource->status.size_changes) {
        if (from->time_us != 0 && history->size_change_count < BOUND_SIZE_CHANGES_KEPT) {
            history->size_changes[history->size_change_count++] =
                (struct size_change){.time_us = from->time_us, .from = from->from, .to = from->to};
        }
    }
    qsort(history->size_changes, history->size_change_count, sizeof(*history->size_changes), size_change_compare);
}

static void load_ends(struct history *history, const struct record_list *list)
{
    history->ends = xcalloc(BOUND_ENDS_KEPT, sizeof(*history->ends));
    record_list_each (const struct status_end *, from, list) {
        bool is_usable = from->pod != NULL && from->uid != NULL && from->node != NULL;
        if (is_usable && history->end_count < BOUND_ENDS_KEPT) {
            history->ends[history->end_count++] = (struct unconfirmed_end){
                .pod = xstrdup(from->pod),
                .uid = xstrdup(from->uid),
                .node = xstrdup(from->node),
                .node_uid = xstrdup(from->node_uid),
                .since_us = from->since_us,
            };
        }
    }
}

static void load_findings(struct history *history, const struct record_list *list)
{
    history->findings = xcalloc(list->count + 1, sizeof(*history->findings));
    record_list_each (const struct status_finding *, from, list) {
        if (from->code == NULL || from->cleared_us != 0) {
            continue;
        }
        history->findings[history->finding_count++] = (struct remembered_finding){
            .code = xstrdup(from->code),
            .cause = xstrdup(from->cause),
            .object_uid = xstrdup(from->object.uid),
            .object_name = xstrdup(from->object.name),
        };
    }
}

void history_load(struct history *history, const struct cluster_resource *resource)
{
    history_clear(history);
    load_evictions(history, &resource->status.evictions);
    load_machines(history, resource);
    load_members(history, &resource->status.members);
    load_size(history, resource);
    load_ends(history, &resource->status.ends);
    load_findings(history, &resource->status.findings);
}

/* --- questions --- */

const struct eviction *history_eviction(const struct history *history, const char *uid)
{
    for (size_t i = 0; uid != NULL && i < history->eviction_count; i++) {
        if (text_equal(history->evictions[i].uid, uid)) {
            return &history->evictions[i];
        }
    }
    return NULL;
}

bool history_knows_activation(const struct history *history, const char *machine, const char *major_version)
{
    for (size_t i = 0; machine != NULL && major_version != NULL && i < history->activation_count; i++) {
        if (text_equal(history->activations[i].machine, machine) &&
            text_equal(history->activations[i].major_version, major_version)) {
            return true;
        }
    }
    return false;
}

bool history_had_finding(const struct history *history, const char *code, const char *object_uid)
{
    for (size_t i = 0; object_uid != NULL && i < history->finding_count; i++) {
        if (text_equal(history->findings[i].code, code) && text_equal(history->findings[i].object_uid, object_uid)) {
            return true;
        }
    }
    return false;
}

bool history_had_finding_of_cause(const struct history *history, const char *code, const char *cause,
                                  const char *object_uid)
{
    for (size_t i = 0; object_uid != NULL && i < history->finding_count; i++) {
        const struct remembered_finding *finding = &history->findings[i];
        if (text_equal(finding->code, code) && text_equal(finding->cause, cause) &&
            text_equal(finding->object_uid, object_uid)) {
            return true;
        }
    }
    return false;
}

bool history_set_text(char **field, const char *text)
{
    if (text == NULL || text_equal(*field, text)) {
        return false;
    }
    free(*field);
    *field = xstrdup(text);
    return true;
}

/* --- moving on --- */

bool history_observe(struct history *history, const struct model *model, const struct cluster *cluster,
                     struct instant now)
{
    /* Each part runs whatever the others say. */
    bool evictions = history_observe_evictions(history, model, cluster, now);
    bool machines = history_observe_machines(history, cluster);
    bool members = history_observe_members(history, model, cluster, now);
    bool size = history_observe_size(history, cluster, now);
    bool ends = history_observe_ends(history, model, cluster, now);
    history->has_begun = true;
    return evictions || machines || members || size || ends;
}
