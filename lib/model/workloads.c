#include "workloads.h"

#include <string.h>

#include "model_arena.h"
#include "proget/core/memory.h"
#include "proget/core/selector.h"
#include "proget/core/text.h"

#define POD_TEMPLATE_HASH "pod-template-hash"

const enum model_kind workload_kinds[WORKLOAD_KIND_COUNT] = {
    MODEL_STATEFUL_SETS,
    MODEL_DEPLOYMENTS,
    MODEL_REPLICA_SETS,
    MODEL_DAEMON_SETS,
};

const struct object_owner *object_controller(const struct object_meta *meta)
{
    record_list_each (const struct object_owner *, owner, &meta->owners) {
        if (owner->controller) {
            return owner;
        }
    }
    return NULL;
}

/* Others have kinds of the same names: "StatefulSet" of apps.kruise.io is not ours to read. */
static bool owner_is(const struct object_owner *owner, const char *group_slash, const char *kind)
{
    return owner->api_version != NULL && text_starts_with(owner->api_version, group_slash) &&
           text_equal(owner->kind, kind);
}

bool pod_is_of_job(const struct pod *pod)
{
    const struct object_owner *owner = object_controller(&pod->meta);
    return owner != NULL && owner_is(owner, "batch/", "Job");
}

/* The owner itself, not another one that has its name now. */
static const struct workload *workload_of_owner(const struct model *model, enum model_kind kind,
                                                const char *namespace_name, const struct object_owner *owner)
{
    const struct store_entry *entry =
        owner->name == NULL ? NULL : store_get(model_read(model, kind), namespace_name, owner->name);
    if (entry == NULL ||
        (entry->object->uid != NULL && owner->uid != NULL && !text_equal(entry->object->uid, owner->uid))) {
        return NULL;
    }
    return (const struct workload *) (const void *) entry->object;
}

/*
 * The Deployment of a ReplicaSet that is not at hand (an input of Deployments and pods alone): the ReplicaSet's name is
 * the Deployment's, a '-' and the hash that its pods carry as a label.
 */
static struct workload_top top_by_hash(const struct model *model, const struct pod *pod,
                                       const struct object_owner *owner, struct model_arena *arena)
{
    struct workload_top top = {.kind = owner->kind, .name = owner->name};
    const char *hash = record_map_get(&pod->labels, POD_TEMPLATE_HASH);
    size_t length = owner->name == NULL ? 0 : strlen(owner->name);
    size_t tail = hash == NULL ? 0 : strlen(hash) + 1;
    if (tail <= 1 || length <= tail || owner->name[length - tail] != '-' ||
        !text_equal(owner->name + length - tail + 1, hash)) {
        return top;
    }
    const char *name = model_arena_textf(arena, "%.*s", (int) (length - tail), owner->name);
    const struct store_entry *entry = store_get(model_read(model, MODEL_DEPLOYMENTS), pod->meta.namespace_name, name);
    const struct workload *deployment = entry == NULL ? NULL : (const struct workload *) (const void *) entry->object;
    if (deployment != NULL && deployment->selector != NULL && selector_matches(deployment->selector, &pod->labels)) {
        top = (struct workload_top){.workload = deployment, .kind = "Deployment", .name = deployment->meta.name};
    }
    return top;
}

static struct workload_top top_of_replica_set(const struct model *model, const struct pod *pod,
                                              const struct object_owner *owner, struct model_arena *arena)
{
    const struct workload *set = workload_of_owner(model, MODEL_REPLICA_SETS, pod->meta.namespace_name, owner);
    if (set == NULL) {
        return top_by_hash(model, pod, owner, arena);
    }
    const struct object_owner *above = object_controller(&set->meta);
    if (above == NULL) {
        return (struct workload_top){.workload = set, .kind = owner->kind, .name = owner->name};
    }
    struct workload_top top = {.kind = above->kind, .name = above->name};
    if (owner_is(above, "apps/", "Deployment")) {
        top.workload = workload_of_owner(model, MODEL_DEPLOYMENTS, pod->meta.namespace_name, above);
    }
    return top;
}

struct workload_top workload_top_of_pod(const struct model *model, const struct pod *pod, struct model_arena *arena)
{
    const struct object_owner *owner = object_controller(&pod->meta);
    if (owner == NULL) {
        return (struct workload_top){0};
    }
    if (owner_is(owner, "apps/", "ReplicaSet")) {
        return top_of_replica_set(model, pod, owner, arena);
    }
    struct workload_top top = {.kind = owner->kind, .name = owner->name};
    if (owner_is(owner, "apps/", "StatefulSet")) {
        top.workload = workload_of_owner(model, MODEL_STATEFUL_SETS, pod->meta.namespace_name, owner);
    } else if (owner_is(owner, "apps/", "DaemonSet")) {
        top.workload = workload_of_owner(model, MODEL_DAEMON_SETS, pod->meta.namespace_name, owner);
    }
    return top;
}

const struct workload *model_workload_of_pod(const struct model *model, const struct pod *pod)
{
    struct model_arena *arena = model_arena_new();
    const struct workload *workload = workload_top_of_pod(model, pod, arena).workload;
    model_arena_free(arena);
    return workload;
}

bool workload_is_top(const struct workload *workload)
{
    return !workload->is_replica_set || object_controller(&workload->meta) == NULL;
}

/*
 * Fewer updated pods than wanted is a roll-out only while an older pod is there or leaving: else pods are missing for
 * another reason (a quota, a scale-up), which must not be hushed up as one.
 */
static bool deployment_is_rolling_out(const struct workload *workload, bool has_leaving_pod)
{
    int64_t updated = workload->status.updated_replicas;
    return workload->status.replicas > updated || (updated < workload_servers(workload) && has_leaving_pod) ||
           workload->status.available_replicas < updated;
}

static bool stateful_set_is_rolling_out(const struct workload *workload, bool has_leaving_pod)
{
    int64_t wanted = workload_servers(workload) - (workload->partition > 0 ? workload->partition : 0);
    bool lacks_updated = workload->status.updated_replicas < wanted;
    if (workload->status.update_revision != NULL &&
        !text_equal(workload->status.current_revision, workload->status.update_revision)) {
        /* A partition keeps two revisions for good: then it is over once all above it are updated. */
        return workload->partition <= 0 || lacks_updated;
    }
    return lacks_updated && has_leaving_pod;
}

bool workload_is_rolling_out(const struct workload *workload, bool has_leaving_pod)
{
    /* Without a generation it was never applied: a manifest. */
    if (workload->generation == 0 || workload->is_replica_set) {
        return false;
    }
    bool by_deletion_only = text_equal(workload->strategy, "OnDelete");
    if (workload->status.observed_generation < workload->generation) {
        return !by_deletion_only;
    }
    if (workload->is_deployment) {
        return deployment_is_rolling_out(workload, has_leaving_pod);
    }
    if (by_deletion_only) {
        return false;
    }
    if (workload->is_daemon_set) {
        return workload->status.updated_scheduled < workload->status.desired_scheduled ||
               workload->status.available_replicas < workload->status.updated_scheduled;
    }
    return stateful_set_is_rolling_out(workload, has_leaving_pod);
}

int workload_compare(const struct workload *a, const struct workload *b)
{
    int order = strcmp(a->meta.name, b->meta.name);
    return order != 0 ? order : strcmp(workload_kind(a), workload_kind(b));
}
