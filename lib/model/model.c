#include "proget/model/model.h"

#include <assert.h>

#include "discovery.h"
#include "heartbeats.h"
#include "model_private.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

/* --- what matters --- */

static bool namespace_matters(const struct model *model, const char *namespace_name)
{
    return store_first(model->stores[MODEL_CLUSTERS], namespace_name) != NULL ||
           map_get(model->product_like, namespace_name) != NULL;
}

static const char *history_key(const struct object_meta *meta, char **ret_owned)
{
    if (meta->uid != NULL) {
        return meta->uid;
    }
    *ret_owned = xasprintf("%s/%s", object_namespace(meta), meta->name);
    return *ret_owned;
}

static void forget_history(struct model *model, const struct object_meta *meta)
{
    cleanup_free char *owned = NULL;
    map_remove(model->histories, history_key(meta, &owned));
}

/*
 * Most changes in a busy API server are about namespaces without a cluster. Nothing there can change one, so they cost
 * two look-ups and no evaluation. The index of namespaces moves first or last, so that a namespace counts while it
 * had or has something.
 */
static bool change_matters(const struct model_listener *listener, const struct store_entry *before,
                           const struct store_entry *after)
{
    struct model *model = listener->model;
    const struct object_meta *object = after == NULL ? before->object : after->object;
    if (!model_kind_info(listener->kind)->namespaced) {
        return listener->kind != MODEL_NODE_METRICS;
    }
    const char *namespace_name = object_namespace(object);
    bool mattered = namespace_matters(model, namespace_name);
    discovery_follow(model->product_like, listener->kind, before, after);
    return mattered || namespace_matters(model, namespace_name);
}

/* What a pod's last status no longer tells is noted as it passes by. */
static void pod_on_change(struct model *model, const struct store_entry *before, const struct store_entry *after,
                          bool matters)
{
    const struct pod *old = before == NULL ? NULL : (const struct pod *) (const void *) before->object;
    const struct pod *new = after == NULL ? NULL : (const struct pod *) (const void *) after->object;
    if (matters && new != NULL) {
        disruptions_note(&model->disruptions, new);
    }
    if (matters || new == NULL) {
        restarts_follow(model->restarts, old, new, after == NULL ? 0 : after->changed_ms);
    }
}

static bool usage_on_change(const struct model *model, const struct store_entry *before,
                            const struct store_entry *after)
{
    const struct object_meta *object = after == NULL ? before->object : after->object;
    const struct store_entry *node = store_get(model->stores[MODEL_NODES], NULL, object->name);
    return node_usage_follow(node == NULL ? NULL : (const struct node *) (const void *) node->object, before, after);
}

static void follow_load(const struct model_listener *listener, const struct store_entry *before,
                        const struct store_entry *after)
{
    struct model *model = listener->model;
    bool is_load = listener->kind == MODEL_PODS           ? node_load_follow(model->node_load, before, after)
                   : listener->kind == MODEL_NODE_METRICS ? usage_on_change(model, before, after)
                                                          : false;
    model->has_load_changed = model->has_load_changed || is_load;
}

static void model_on_change(const struct store_entry *before, const struct store_entry *after, void *userdata)
{
    const struct model_listener *listener = userdata;
    struct model *model = listener->model;
    if (listener->kind == MODEL_CLUSTERS && after == NULL) {
        forget_history(model, before->object);
    }
    bool is_news = listener->kind != MODEL_LEASES || heartbeats_follow(model->heartbeats, before, after);
    bool matters = listener->kind == MODEL_CLUSTERS || change_matters(listener, before, after);
    model->has_changed = model->has_changed || (is_news && matters);
    follow_load(listener, before, after);
    if (listener->kind == MODEL_PODS) {
        pod_on_change(model, before, after, matters);
    }
}

/* --- the model --- */

static void free_history(void *history)
{
    history_free(history);
}

struct model *model_new(const struct model_options *options)
{
    struct model *model = xcalloc(1, sizeof(*model));
    model->options = *options;
    model->served_until_ms = INT64_MAX;
    model->heartbeats = map_new(heartbeat_slot_free);
    model->histories = map_new(free_history);
    model->product_like = map_new(free);
    model->restarts = map_new(free);
    model->node_load = node_load_new();
    for (size_t i = 0; i < MODEL_KIND_COUNT; i++) {
        enum model_kind kind = (enum model_kind) i;
        model->stores[i] = store_new(model_kind_info(kind)->type);
        model->listeners[i] = (struct model_listener){.model = model, .kind = kind};
        store_listen(model->stores[i], model_on_change, &model->listeners[i]);
    }
    return model;
}

void model_free(struct model *model)
{
    if (model == NULL) {
        return;
    }
    for (size_t i = 0; i < MODEL_KIND_COUNT; i++) {
        store_free(model->stores[i]);
        free(model->unobserved[i]);
    }
    map_free(model->heartbeats);
    map_free(model->histories);
    map_free(model->product_like);
    map_free(model->restarts);
    node_load_free(model->node_load);
    disruptions_clear(&model->disruptions);
    free(model);
}

const struct model_options *model_options(const struct model *model)
{
    return &model->options;
}

struct store *model_store(struct model *model, enum model_kind kind)
{
    assert(kind < MODEL_KIND_COUNT);
    return model->stores[kind];
}

const struct store *model_read(const struct model *model, enum model_kind kind)
{
    assert(kind < MODEL_KIND_COUNT);
    return model->stores[kind];
}

void model_set_unobserved(struct model *model, enum model_kind kind, const char *why)
{
    assert(kind < MODEL_KIND_COUNT);
    if (text_equal(model->unobserved[kind], why)) {
        return;
    }
    free(model->unobserved[kind]);
    model->unobserved[kind] = xstrdup(why);
    model->has_changed = true;
}

void model_set_missing(struct model *model, enum model_kind kind, bool is_missing)
{
    assert(kind < MODEL_KIND_COUNT);
    model->has_changed = model->has_changed || model->is_missing[kind] != is_missing;
    model->is_missing[kind] = is_missing;
}

bool model_is_missing(const struct model *model, enum model_kind kind)
{
    assert(kind < MODEL_KIND_COUNT);
    return model->is_missing[kind];
}

static bool kind_is_event(enum model_kind kind)
{
    return model_kind_info(kind)->type == &event_type;
}

/*
 * Offline all Events are in one store: whichever reason was asked for. Few have the extensions: an input without any of
 * their objects lacks nothing.
 */
static bool is_told_by_input(const struct model *model, enum model_kind kind)
{
    return model_kind_info(kind)->is_of_application || model_kind_info(kind)->is_extension ||
           store_count(model->stores[kind_is_event(kind) ? MODEL_EVENTS_FAILED_CREATE : kind]) > 0;
}

const char *model_unobserved(const struct model *model, enum model_kind kind)
{
    assert(kind < MODEL_KIND_COUNT);
    if (model->unobserved[kind] != NULL) {
        return model->unobserved[kind];
    }
    const struct model_kind_info *info = model_kind_info(kind);
    if (model->options.offline && !model->options.whole) {
        return is_told_by_input(model, kind) ? NULL : "not in the input";
    }
    return info->watched || info->is_polled ? NULL : "may not be read";
}

void model_set_behind(struct model *model, bool is_behind, struct instant now)
{
    if (is_behind == model->is_behind) {
        return;
    }
    if (model->is_behind) {
        heartbeats_shift(model->heartbeats, model->behind_since_ms, now.monotonic_ms);
    }
    model->is_behind = is_behind;
    model->behind_since_ms = now.monotonic_ms;
    model->has_changed = true;
}

void model_set_served(struct model *model, struct instant until)
{
    model->served_until_ms = until.monotonic_ms;
    model->has_changed = model->has_changed || model->awaits_answer;
}

void model_skip_time(struct model *model, struct instant since, struct instant until)
{
    heartbeats_shift(model->heartbeats, since.monotonic_ms, until.monotonic_ms);
    model->has_changed = true;
}

bool model_take_changed(struct model *model)
{
    bool has_changed = model->has_changed;
    model->has_changed = false;
    return has_changed;
}

bool model_take_load_changed(struct model *model)
{
    bool has_changed = model->has_load_changed;
    model->has_load_changed = false;
    return has_changed;
}

const struct node_load *model_node_load(const struct model *model)
{
    return model->node_load;
}

struct history *model_history(struct model *model, const struct cluster_resource *resource)
{
    cleanup_free char *owned = NULL;
    const char *key = history_key(&resource->meta, &owned);
    struct history *history = map_get(model->histories, key);
    if (history == NULL) {
        history = history_new();
        history_load(history, resource);
        map_put(model->histories, key, history);
    }
    return history;
}

void model_forget_histories(struct model *model)
{
    map_free(model->histories);
    model->histories = map_new(free_history);
    model->has_changed = true;
}

bool model_node_is_unreachable(const struct model *model, const char *name, const char *uid)
{
    const struct store_entry *entry = name == NULL ? NULL : store_get(model_read(model, MODEL_NODES), NULL, name);
    bool is_same = entry != NULL && (uid == NULL || entry->object->uid == NULL || text_equal(entry->object->uid, uid));
    return is_same && node_is_unreachable((const struct node *) (const void *) entry->object);
}
