/*
 * AutoscalerTargets: an autoscaler changes the number of servers, or evicts them to change what they request.
 */
#include <inttypes.h>
#include <string.h>

#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"

/* --- what is targeted --- */

/* Controllers over a server, the pod's own first: ReplicaSet, Deployment, and what may own that. */
enum { OWNERS_MAX = 4 };

/* An unnamed group is taken as meant: the API server would tell its owner that it leads nowhere. */
static bool names(const struct scale_target *target, const char *api_version, const char *kind, const char *name)
{
    if (!text_equal(target->kind, kind) || !text_equal(target->name, name)) {
        return false;
    }
    if (!target->api_version || !*target->api_version || !api_version || !*api_version) {
        return true;
    }
    /* Of the group, whatever the version: "apps/v1" and "apps/v1beta1". */
    size_t group = strcspn(target->api_version, "/");
    return group == strcspn(api_version, "/") && strncmp(target->api_version, api_version, group) == 0;
}

static const struct object_owner *controller_of(const struct object_meta *meta)
{
    record_list_each (const struct object_owner *, owner, &meta->owners) {
        if (owner->controller) {
            return owner;
        }
    }
    return NULL;
}

/* The object that owns, where it is of a kind that is read. */
static const struct object_meta *owner_object(const struct model *model, const char *namespace_name,
                                              const struct object_owner *owner)
{
    enum model_kind kind = model_kind_of(owner->api_version, owner->kind);
    if (kind == MODEL_KIND_COUNT || !owner->name) {
        return NULL;
    }
    const struct store_entry *entry = store_get(model_read(model, kind), namespace_name, owner->name);
    return entry ? entry->object : NULL;
}

static bool is_owned_by_target(const struct model *model, const struct object_meta *meta,
                               const struct scale_target *target)
{
    const char *namespace_name = meta->namespace_name;
    for (int i = 0; meta && i < OWNERS_MAX; i++) {
        const struct object_owner *owner = controller_of(meta);
        if (owner && names(target, owner->api_version, owner->kind, owner->name)) {
            return true;
        }
        meta = owner ? owner_object(model, namespace_name, owner) : NULL;
    }
    return false;
}

static bool targets_a_server(const struct check_context *context, const struct scale_target *target)
{
    const struct cluster *cluster = context->cluster;
    for (size_t i = 0; i < cluster->workload_count; i++) {
        const struct workload *workload = cluster->workloads[i];
        if (names(target, "apps/v1", workload_kind(workload), workload->meta.name) ||
            is_owned_by_target(context->model, &workload->meta, target)) {
            return true;
        }
    }
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        if (server->live && ((!server->workload && names(target, NULL, server->workload_kind, server->workload_name)) ||
                             is_owned_by_target(context->model, &server->pod->meta, target))) {
            return true;
        }
    }
    return false;
}

/* --- saying so --- */

/* Items of a list carry neither. */
static struct object_reference reference_to(const struct object_meta *meta, enum model_kind kind, char **ret_owned)
{
    const struct model_kind_info *info = model_kind_info(kind);
    *ret_owned = xasprintf("%s/%s", info->group, info->version);
    return (struct object_reference){
        .api_version = text_is_empty(meta->api_version) ? *ret_owned : meta->api_version,
        .kind = info->kind,
        .namespace_name = meta->namespace_name,
        .name = meta->name,
        .uid = meta->uid,
    };
}

static void say_targets(const struct check_context *context, const struct object_meta *meta, enum model_kind kind,
                        const char *message, const char *action)
{
    cleanup_free char *api_version = NULL;
    finding_raise(context, &(struct finding_draft){.object = reference_to(meta, kind, &api_version),
                                                   .message = message,
                                                   .action = action,
                                                   .hold_ms = -1});
}

static void say_scales(const struct check_context *context, const struct object_meta *meta, enum model_kind kind,
                       const struct scale_target *target, const char *range, const char *action)
{
    cleanup_free char *message =
        xasprintf("%s %s changes the number of servers of %s %s (%s): each server that it adds needs a place in the "
                  "licence and an activation, and each that it takes away is a failover.",
                  model_kind_info(kind)->kind, meta->name, target->kind, target->name, range);
    say_targets(context, meta, kind, message, action);
}

/* The ScaledObject of KEDA that made it, whatever its version; NULL: it is nobody's. */
static const struct object_owner *scaled_object_owner(const struct object_meta *meta)
{
    static const char group[] = "keda.sh/";
    record_list_each (const struct object_owner *, owner, &meta->owners) {
        if (owner->name && text_equal(owner->kind, model_kind_info(MODEL_SCALED_OBJECTS)->kind) && owner->api_version &&
            strncmp(owner->api_version, group, sizeof group - 1) == 0) {
            return owner;
        }
    }
    return NULL;
}

/* What the target wants now: of several workloads each has its own number. */
static int64_t present_number(const struct cluster *cluster, const struct scale_target *target)
{
    for (size_t i = 0; cluster->workload_count > 1 && i < cluster->workload_count; i++) {
        const struct workload *workload = cluster->workloads[i];
        if (names(target, "apps/v1", workload_kind(workload), workload->meta.name)) {
            return workload_servers(workload);
        }
    }
    return cluster->intended;
}

/*
 * What the number is to be: the declared one; else that of now, moved into the autoscaler's bounds, for those are what
 * somebody thought of, and a manifest may give no number or 0 because the autoscaler sets it. Never below 1.
 */
static int64_t fixed_number(const struct cluster *cluster, const struct scale_target *target, int64_t minimum,
                            int64_t maximum)
{
    const struct cluster_resource *resource = cluster->resource;
    if (cluster->workload_count <= 1 && resource && resource->servers.is_set && resource->servers.value > 0) {
        return resource->servers.value;
    }
    int64_t number = present_number(cluster, target);
    number = number > maximum ? maximum : number;
    number = number < minimum ? minimum : number;
    return number > 1 ? number : 1;
}

/* Owned. */
static char *scaled_object_action(const char *namespace_name, const char *name, int64_t number)
{
    return xasprintf("Delete it (kubectl -n %s delete scaledobject %s), or pause it: kubectl -n %s annotate "
                     "scaledobject %s %s=%" PRId64,
                     namespace_name, name, namespace_name, name, SCALED_OBJECT_PAUSED_REPLICAS, number);
}

/* Owned. */
static char *autoscaler_action(const struct object_meta *meta, const struct object_owner *owner, int64_t number)
{
    if (owner) {
        cleanup_free char *rest = scaled_object_action(meta->namespace_name, owner->name, number);
        return xasprintf("KEDA made it of ScaledObject %s, which was not seen here, and undoes what is changed in it: "
                         "change the ScaledObject. %s",
                         owner->name, rest);
    }
    return xasprintf("Delete it (kubectl -n %s delete hpa %s), or fix the number: kubectl -n %s patch hpa %s -p "
                     "'{\"spec\":{\"minReplicas\":%" PRId64 ",\"maxReplicas\":%" PRId64 "}}'",
                     meta->namespace_name, meta->name, meta->namespace_name, meta->name, number, number);
}

static void judge_autoscaler(const struct check_context *context, const struct object_meta *meta)
{
    const struct autoscaler *autoscaler = (const struct autoscaler *) meta;
    int64_t minimum = autoscaler->minimum.is_set ? autoscaler->minimum.value : 1;
    if (!autoscaler->maximum.is_set || minimum >= autoscaler->maximum.value) {
        return;
    }
    const struct object_owner *owner = scaled_object_owner(meta);
    if (owner && store_get(model_read(context->model, MODEL_SCALED_OBJECTS), meta->namespace_name, owner->name)) {
        return; /* the ScaledObject is told instead */
    }
    if (!targets_a_server(context, &autoscaler->target)) {
        return;
    }
    int64_t number = fixed_number(context->cluster, &autoscaler->target, minimum, autoscaler->maximum.value);
    cleanup_free char *range = xasprintf("%" PRId64 " to %" PRId64, minimum, autoscaler->maximum.value);
    cleanup_free char *action = autoscaler_action(meta, owner, number);
    say_scales(context, meta, MODEL_AUTOSCALERS, &autoscaler->target, range, action);
}

/* KEDA reads the one as strconv.ParseBool does; the other counts whatever its value. */
static bool is_paused(const struct scaled_object *scaled)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    const char *paused = record_map_get(&scaled->annotations, SCALED_OBJECT_PAUSED);
    for (size_t i = 0; i < array_length(yes); i++) {
        if (text_equal(paused, yes[i])) {
            return true;
        }
    }
    return record_map_get(&scaled->annotations, SCALED_OBJECT_PAUSED_REPLICAS) != NULL;
}

static void judge_scaled_object(const struct check_context *context, const struct object_meta *meta)
{
    const struct scaled_object *scaled = (const struct scaled_object *) meta;
    struct scale_target target = scaled->target;
    target.api_version = text_is_empty(target.api_version) ? "apps/v1" : target.api_version;
    target.kind = text_is_empty(target.kind) ? "Deployment" : target.kind;
    int64_t minimum = scaled->minimum.is_set ? scaled->minimum.value : 0;
    int64_t maximum = scaled->maximum.is_set ? scaled->maximum.value : 100;
    bool is_fixed = minimum == maximum && !scaled->idle.is_set;
    if (is_fixed || is_paused(scaled) || !targets_a_server(context, &target)) {
        return;
    }
    int64_t least = scaled->idle.is_set && scaled->idle.value < minimum ? scaled->idle.value : minimum;
    cleanup_free char *range = xasprintf("%" PRId64 " to %" PRId64, least, maximum);
    int64_t number = fixed_number(context->cluster, &target, minimum, maximum);
    cleanup_free char *action = scaled_object_action(meta->namespace_name, meta->name, number);
    say_scales(context, meta, MODEL_SCALED_OBJECTS, &target, range, action);
}

static bool evicts(const struct vertical_autoscaler *vertical)
{
    static const char *const evicting[] = {"Auto", "Recreate", "InPlaceOrRecreate"};
    for (size_t i = 0; i < array_length(evicting); i++) {
        if (text_equal(vertical->update_mode, evicting[i])) {
            return true;
        }
    }
    return text_is_empty(vertical->update_mode);
}

static void judge_vertical_autoscaler(const struct check_context *context, const struct object_meta *meta)
{
    const struct vertical_autoscaler *vertical = (const struct vertical_autoscaler *) meta;
    if (!evicts(vertical) || !targets_a_server(context, &vertical->target)) {
        return;
    }
    cleanup_free char *message =
        xasprintf("VerticalPodAutoscaler %s evicts servers of %s %s whenever it wants them to request something else "
                  "(update mode %s): each eviction is a failover, and the server may come up on a machine on which it "
                  "has to be activated.",
                  meta->name, vertical->target.kind, vertical->target.name,
                  text_is_empty(vertical->update_mode) ? "Auto, as none is given" : vertical->update_mode);
    cleanup_free char *action =
        xasprintf("Let it recommend only, and set requests yourself: kubectl -n %s patch vpa %s --type merge -p "
                  "'{\"spec\":{\"updatePolicy\":{\"updateMode\":\"Off\"}}}'",
                  meta->namespace_name, meta->name);
    say_targets(context, meta, MODEL_VERTICAL_AUTOSCALERS, message, action);
}

typedef void judge_fn(const struct check_context *context, const struct object_meta *meta);

static const struct {
    enum model_kind kind;
    judge_fn *judge;
} judges[] = {
    {MODEL_AUTOSCALERS, judge_autoscaler},
    {MODEL_SCALED_OBJECTS, judge_scaled_object},
    {MODEL_VERTICAL_AUTOSCALERS, judge_vertical_autoscaler},
};

void check_autoscaler_targets(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    for (size_t i = 0; cluster->subject_count > 0 && i < array_length(judges); i++) {
        enum model_kind kind = judges[i].kind;
        const char *unobserved = model_unobserved(context->model, kind);
        if (unobserved) {
            finding_unobserved(context, model_kind_title(kind), unobserved);
        }
        const struct store *store = model_read(context->model, kind);
        for (const struct store_entry *at = store_first(store, cluster->namespace_name); at;
             at = store_next(store, cluster->namespace_name, at)) {
            judges[i].judge(context, at->object);
        }
    }
}
