#include <stdlib.h>
#include <string.h>

#include "assembly.h"
#include "cluster_fill.h"
#include "discovery.h"
#include "proget/core/json.h"
#include "proget/core/text.h"

/* --- which namespaces --- */

/* Every ProGetCluster, ordered by namespace and then by precedence. */
struct declared_list {
    const struct cluster_resource **items;
    size_t count;
};

static bool resource_is_discovered(const struct cluster_resource *resource)
{
    return text_equal(record_map_get(&resource->labels, CLUSTER_LABEL_DISCOVERED), "true");
}

/* A user's beats a discovered one, then the older one wins, then the first by name. Never applied: last. */
static int precedence_compare(const void *a, const void *b)
{
    const struct cluster_resource *left = *(const struct cluster_resource *const *) a;
    const struct cluster_resource *right = *(const struct cluster_resource *const *) b;
    int order = strcmp(object_namespace(&left->meta), object_namespace(&right->meta));
    if (order != 0) {
        return order;
    }
    if (resource_is_discovered(left) != resource_is_discovered(right)) {
        return resource_is_discovered(left) ? 1 : -1;
    }
    int64_t left_us = left->meta.created_us == 0 ? INT64_MAX : left->meta.created_us;
    int64_t right_us = right->meta.created_us == 0 ? INT64_MAX : right->meta.created_us;
    if (left_us != right_us) {
        return left_us < right_us ? -1 : 1;
    }
    return strcmp(left->meta.name, right->meta.name);
}

static struct declared_list declared_all(const struct model *model, struct model_arena *arena)
{
    const struct store *store = model_read(model, MODEL_CLUSTERS);
    struct declared_list list = {.items = model_arena_take(arena, store_count(store), sizeof(*list.items))};
    for (const struct store_entry *at = store_first(store, NULL); at != NULL; at = store_next(store, NULL, at)) {
        list.items[list.count++] = (const struct cluster_resource *) (const void *) at->object;
    }
    qsort(list.items, list.count, sizeof(*list.items), precedence_compare);
    return list;
}

static int name_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* Namespaces with a ProGetCluster or, where clusters are implied, with something of a product; sorted, each once. */
static const char **namespaces_of_interest(const struct model *model, const struct declared_list *declared,
                                           struct model_arena *arena, size_t *ret_count)
{
    const char **names = model_arena_take(arena, declared->count + map_count(model->product_like), sizeof(*names));
    size_t count = 0;
    for (size_t i = 0; i < declared->count; i++) {
        names[count++] = object_namespace(&declared->items[i]->meta);
    }
    if (model->options.discover) {
        for (const struct map_entry *at = map_first(model->product_like); at != NULL; at = map_next(at)) {
            names[count++] = map_key(at);
        }
    }
    qsort(names, count, sizeof(*names), name_compare);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !text_equal(names[kept - 1], names[i])) {
            names[kept++] = names[i];
        }
    }
    *ret_count = kept;
    return names;
}

/* --- one namespace --- */

static size_t count_in_namespace(const struct store *store, const char *namespace_name)
{
    size_t count = 0;
    for (const struct store_entry *at = store_first(store, namespace_name); at != NULL;
         at = store_next(store, namespace_name, at)) {
        count++;
    }
    return count;
}

static int pod_compare(const void *a, const void *b)
{
    const struct placed_pod *left = a;
    const struct placed_pod *right = b;
    return strcmp(left->pod->meta.name, right->pod->meta.name);
}

static void gather_pods(struct namespace_view *view)
{
    const struct store *store = model_read(view->model, MODEL_PODS);
    view->pods = model_arena_take(view->arena, count_in_namespace(store, view->name), sizeof(*view->pods));
    for (const struct store_entry *at = store_first(store, view->name); at != NULL;
         at = store_next(store, view->name, at)) {
        const struct pod *pod = (const struct pod *) (const void *) at->object;
        view->pods[view->pod_count++] = (struct placed_pod){
            .entry = at,
            .pod = pod,
            .top = workload_top_of_pod(view->model, pod, view->arena),
        };
    }
    qsort(view->pods, view->pod_count, sizeof(*view->pods), pod_compare);
}

static int placed_workload_compare(const void *a, const void *b)
{
    return workload_compare(((const struct placed_workload *) a)->workload,
                            ((const struct placed_workload *) b)->workload);
}

static void gather_workloads(struct namespace_view *view)
{
    size_t most = 0;
    for (size_t i = 0; i < WORKLOAD_KIND_COUNT; i++) {
        most += count_in_namespace(model_read(view->model, workload_kinds[i]), view->name);
    }
    view->workloads = model_arena_take(view->arena, most, sizeof(*view->workloads));
    for (size_t i = 0; i < WORKLOAD_KIND_COUNT; i++) {
        const struct store *store = model_read(view->model, workload_kinds[i]);
        for (const struct store_entry *at = store_first(store, view->name); at != NULL;
             at = store_next(store, view->name, at)) {
            const struct workload *workload = (const struct workload *) (const void *) at->object;
            if (workload_is_top(workload)) {
                view->workloads[view->workload_count++].workload = workload;
            }
        }
    }
    qsort(view->workloads, view->workload_count, sizeof(*view->workloads), placed_workload_compare);
}

struct cluster_draft *namespace_view_add_draft(struct namespace_view *view)
{
    struct cluster_draft *draft = model_arena_take(view->arena, 1, sizeof(*draft));
    *view->drafts_end = draft;
    view->drafts_end = &draft->next;
    return draft;
}

static void draft_declared(struct namespace_view *view, const struct declared_list *declared)
{
    for (size_t i = 0; i < declared->count; i++) {
        const struct cluster_resource *resource = declared->items[i];
        if (!text_equal(object_namespace(&resource->meta), view->name)) {
            continue;
        }
        struct cluster_draft *draft = namespace_view_add_draft(view);
        draft->resource = resource;
        draft->is_discovered = resource_is_discovered(resource);
        draft->name = resource->meta.name;
        draft->product = resource->product == NULL ? PRODUCT_PROGET : product_from_name(resource->product);
    }
}

/* --- who has what --- */

/* An empty selector is refused by the API server; here it selects nothing rather than everything. */
static bool draft_selects(const struct cluster_draft *draft, const struct record_list *labels)
{
    const struct selector *selector = draft->resource == NULL ? NULL : draft->resource->selector;
    return selector != NULL && !selector_is_empty(selector) && selector_matches(selector, labels);
}

static void draft_add_overlap(const struct namespace_view *view, struct cluster_draft *draft,
                              const struct cluster_resource *other)
{
    if (draft->overlaps == NULL) {
        draft->overlaps = model_arena_take(view->arena, BOUND_RELATED, sizeof(*draft->overlaps));
    }
    for (size_t i = 0; i < draft->overlap_count; i++) {
        if (draft->overlaps[i] == other) {
            return;
        }
    }
    if (draft->overlap_count < BOUND_RELATED) {
        draft->overlaps[draft->overlap_count++] = other;
    }
}

/* Both select the same; `owner` has it. */
static void draft_meet(const struct namespace_view *view, struct cluster_draft *owner, struct cluster_draft *other)
{
    if (!owner->is_discovered && !other->is_discovered) {
        draft_add_overlap(view, owner, other->resource);
        draft_add_overlap(view, other, owner->resource);
    } else if (!owner->is_discovered && other->superseded_by == NULL) {
        other->superseded_by = owner->resource;
    }
}

/* The first in the order of precedence that selects these labels; NULL: none. The others meet it. */
static struct cluster_draft *draft_owning(const struct namespace_view *view, const struct record_list *labels)
{
    struct cluster_draft *owner = NULL;
    for (struct cluster_draft *draft = view->drafts; draft != NULL; draft = draft->next) {
        if (!draft_selects(draft, labels)) {
            continue;
        }
        if (owner == NULL) {
            owner = draft;
        } else {
            draft_meet(view, owner, draft);
        }
    }
    return owner;
}

static void place(struct namespace_view *view)
{
    for (size_t i = 0; i < view->pod_count; i++) {
        view->pods[i].owner = draft_owning(view, &view->pods[i].pod->labels);
    }
    for (size_t i = 0; i < view->workload_count; i++) {
        view->workloads[i].owner = draft_owning(view, &view->workloads[i].workload->template_labels);
    }
}

/* --- the whole --- */

static int cluster_compare(const void *a, const void *b)
{
    const struct cluster *left = a;
    const struct cluster *right = b;
    int order = strcmp(left->namespace_name, right->namespace_name);
    return order != 0 ? order : strcmp(left->name, right->name);
}

static struct namespace_view *view_new(struct model *model, struct model_arena *arena, const char *name,
                                       const struct declared_list *declared)
{
    struct namespace_view *view = model_arena_take(arena, 1, sizeof(*view));
    view->model = model;
    view->arena = arena;
    view->name = name;
    view->drafts_end = &view->drafts;
    gather_pods(view);
    gather_workloads(view);
    draft_declared(view, declared);
    place(view);
    if (model->options.discover) {
        discovery_find(view);
    }
    return view;
}

void model_assemble(struct model *model, struct instant now, struct cluster_list *ret_clusters)
{
    struct model_arena *arena = model_arena_new();
    model->awaits_answer = false;
    struct declared_list declared = declared_all(model, arena);
    size_t namespace_count = 0;
    const char **names = namespaces_of_interest(model, &declared, arena, &namespace_count);
    struct namespace_view **views = model_arena_take(arena, namespace_count, sizeof(struct namespace_view *));
    size_t count = 0;
    for (size_t i = 0; i < namespace_count; i++) {
        views[i] = view_new(model, arena, names[i], &declared);
        for (const struct cluster_draft *draft = views[i]->drafts; draft != NULL; draft = draft->next) {
            count++;
        }
    }
    struct cluster *clusters = model_arena_take(arena, count, sizeof(*clusters));
    size_t at = 0;
    for (size_t i = 0; i < namespace_count; i++) {
        for (const struct cluster_draft *draft = views[i]->drafts; draft != NULL; draft = draft->next) {
            cluster_fill(views[i], draft, now, &clusters[at++]);
        }
    }
    qsort(clusters, count, sizeof(*clusters), cluster_compare);
    *ret_clusters = (struct cluster_list){.items = clusters, .count = count, .arena = arena};
}

void cluster_list_free(struct cluster_list *clusters)
{
    if (clusters == NULL) {
        return;
    }
    for (size_t i = 0; i < clusters->count; i++) {
        json_object_put(clusters->items[i].implied_spec);
    }
    model_arena_free(clusters->arena);
    *clusters = (struct cluster_list){0};
}
