#include "discovery.h"

#include <stdlib.h>
#include <string.h>

#include "database_source.h"
#include "proget/core/json.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/model/disruption.h"
#include "servers.h"

/* --- the index --- */

static bool kind_is_workload(enum model_kind kind)
{
    return kind == MODEL_STATEFUL_SETS || kind == MODEL_DEPLOYMENTS || kind == MODEL_REPLICA_SETS ||
           kind == MODEL_DAEMON_SETS;
}

static bool entry_is_product_like(enum model_kind kind, const struct store_entry *entry)
{
    if (entry == NULL) {
        return false;
    }
    const struct pod_spec *spec = NULL;
    if (kind == MODEL_PODS) {
        spec = &((const struct pod *) (const void *) entry->object)->spec;
    } else if (kind_is_workload(kind)) {
        spec = &((const struct workload *) (const void *) entry->object)->template_spec;
    }
    return spec != NULL && product_container(spec, NULL, PRODUCT_UNKNOWN, NULL) != NULL;
}

static void index_add(struct map *product_like, const char *namespace_name)
{
    size_t *count = map_get(product_like, namespace_name);
    if (count == NULL) {
        count = xcalloc(1, sizeof(*count));
        map_put(product_like, namespace_name, count);
    }
    (*count)++;
}

static void index_remove(struct map *product_like, const char *namespace_name)
{
    size_t *count = map_get(product_like, namespace_name);
    if (count != NULL && --*count == 0) {
        map_remove(product_like, namespace_name);
    }
}

void discovery_follow(struct map *product_like, enum model_kind kind, const struct store_entry *before,
                      const struct store_entry *after)
{
    bool was = entry_is_product_like(kind, before);
    bool is = entry_is_product_like(kind, after);
    if (is && !was) {
        index_add(product_like, object_namespace(after->object));
    } else if (was && !is) {
        index_remove(product_like, object_namespace(before->object));
    }
}

/* --- candidates --- */

struct search {
    struct namespace_view *view;
    struct map *by_key; /* of struct candidate */
    struct candidate *candidates;
    size_t candidate_count;
};

static char *candidate_key(const char *kind, const char *name, const struct workload *workload)
{
    return xasprintf("%s/%s/%s", workload == NULL ? "?" : "apps", kind, name);
}

static void candidate_add(struct search *search, const struct candidate *candidate)
{
    struct candidate *copy = model_arena_take(search->view->arena, 1, sizeof(*copy));
    *copy = *candidate;
    copy->next = search->candidates;
    search->candidates = copy;
    search->candidate_count++;
    cleanup_free char *key = candidate_key(copy->kind, copy->name, copy->workload);
    map_put(search->by_key, key, copy);
}

static void candidates_of_templates(struct search *search)
{
    for (size_t i = 0; i < search->view->workload_count; i++) {
        const struct workload *workload = search->view->workloads[i].workload;
        struct candidate candidate = {
            .kind = workload_kind(workload),
            .name = workload->meta.name,
            .workload = workload,
            .spec = &workload->template_spec,
            .labels = &workload->template_labels,
        };
        candidate.container = product_container(candidate.spec, NULL, PRODUCT_UNKNOWN, &candidate.product);
        if (candidate.container != NULL) {
            candidate_add(search, &candidate);
        }
    }
}

static struct candidate candidate_of_pod(const struct placed_pod *placed)
{
    bool is_bare = placed->top.name == NULL || placed->top.kind == NULL;
    return (struct candidate){
        .kind = is_bare ? "Pod" : placed->top.kind,
        .name = is_bare ? placed->pod->meta.name : placed->top.name,
        .workload = is_bare ? NULL : placed->top.workload,
        .spec = &placed->pod->spec,
        .labels = &placed->pod->labels,
    };
}

/* A bare pod that did its work is no server; one that was evicted was. */
static bool pod_is_over(const struct pod *pod)
{
    return pod_is_finished(pod) && disruption_of_pod(pod).cause == DISRUPTION_NONE;
}

/* What a template does not tell: pods without a known workload, and those that a webhook made the product's. */
static void candidates_of_pods(struct search *search)
{
    for (size_t i = 0; i < search->view->pod_count; i++) {
        const struct placed_pod *placed = &search->view->pods[i];
        if (pod_is_of_job(placed->pod) || pod_is_over(placed->pod)) {
            continue;
        }
        struct candidate candidate = candidate_of_pod(placed);
        cleanup_free char *key = candidate_key(candidate.kind, candidate.name, candidate.workload);
        candidate.container = product_container(candidate.spec, NULL, PRODUCT_UNKNOWN, &candidate.product);
        if (candidate.container != NULL && map_get(search->by_key, key) == NULL) {
            candidate_add(search, &candidate);
        }
    }
}

/* Every pod of a candidate is its own, whether it looks like it or not. What a ProGetCluster selects is declared. */
static void candidates_attach(struct search *search)
{
    struct namespace_view *view = search->view;
    for (size_t i = 0; i < view->workload_count; i++) {
        struct placed_workload *placed = &view->workloads[i];
        cleanup_free char *key =
            candidate_key(workload_kind(placed->workload), placed->workload->meta.name, placed->workload);
        placed->candidate = map_get(search->by_key, key);
        if (placed->candidate != NULL && placed->owner != NULL) {
            placed->candidate->is_selected = true;
        }
    }
    for (size_t i = 0; i < view->pod_count; i++) {
        struct placed_pod *placed = &view->pods[i];
        struct candidate wanted = candidate_of_pod(placed);
        cleanup_free char *key = candidate_key(wanted.kind, wanted.name, wanted.workload);
        placed->candidate = map_get(search->by_key, key);
        if (placed->candidate != NULL && placed->owner != NULL) {
            placed->candidate->is_selected = true;
        }
    }
}

/* --- groups --- */

static int candidate_compare(const void *a, const void *b)
{
    const struct candidate *left = *(const struct candidate *const *) a;
    const struct candidate *right = *(const struct candidate *const *) b;
    int order = strcmp(left->name, right->name);
    order = order != 0 ? order : strcmp(left->kind, right->kind);
    return order != 0 ? order : (left->workload == NULL) - (right->workload == NULL);
}

/* Those that no ProGetCluster selects, by name. */
static struct candidate **candidates_sorted(const struct search *search, size_t *ret_count)
{
    struct candidate **sorted = model_arena_take(search->view->arena, search->candidate_count, sizeof(*sorted));
    size_t count = 0;
    for (struct candidate *candidate = search->candidates; candidate != NULL; candidate = candidate->next) {
        if (!candidate->is_selected) {
            sorted[count++] = candidate;
        }
    }
    qsort(sorted, count, sizeof(*sorted), candidate_compare);
    *ret_count = count;
    return sorted;
}

static bool group_takes(const struct implied_group *group, const struct candidate *candidate)
{
    const struct candidate *first = group->members;
    if (first->product != candidate->product) {
        return false;
    }
    struct database_source ours = database_source_of(first->spec, first->container, first->product);
    struct database_source theirs = database_source_of(candidate->spec, candidate->container, candidate->product);
    return database_source_is_shared(&ours, &theirs);
}

static struct implied_group *group_new(const struct namespace_view *view, struct candidate *first)
{
    struct implied_group *group = model_arena_take(view->arena, 1, sizeof(*group));
    group->members = first;
    first->group = group;
    first->next_in_group = NULL;
    return group;
}

/* Groups in the order of their first members. */
static struct implied_group *groups_form(const struct namespace_view *view, struct candidate **sorted, size_t count)
{
    struct implied_group *groups = NULL;
    struct implied_group **end = &groups;
    for (size_t i = 0; i < count; i++) {
        struct implied_group *group = groups;
        while (group != NULL && !group_takes(group, sorted[i])) {
            group = group->next;
        }
        if (group == NULL) {
            *end = group_new(view, sorted[i]);
            end = &(*end)->next;
            continue;
        }
        struct candidate **last = &group->members;
        while (*last != NULL) {
            last = &(*last)->next_in_group;
        }
        *last = sorted[i];
        sorted[i]->group = group;
    }
    return groups;
}

/* --- drafts --- */

static bool name_is_taken(const struct namespace_view *view, const char *name)
{
    for (const struct cluster_draft *draft = view->drafts; draft != NULL; draft = draft->next) {
        if (text_equal(draft->name, name)) {
            return true;
        }
    }
    return false;
}

/* Named after its first; where another cluster has that name, with the kind behind it, then with a number. */
static const char *name_for(const struct namespace_view *view, const struct candidate *first)
{
    if (!name_is_taken(view, first->name)) {
        return first->name;
    }
    char *name = model_arena_textf(view->arena, "%s-%s", first->name, first->kind);
    for (char *at = name + strlen(first->name); *at != '\0'; at++) {
        *at = *at >= 'A' && *at <= 'Z' ? (char) (*at - 'A' + 'a') : *at;
    }
    const char *base = name;
    for (int number = 2; name_is_taken(view, name); number++) {
        name = model_arena_textf(view->arena, "%s-%d", base, number);
    }
    return name;
}

static void draft_group(struct namespace_view *view, const struct implied_group *group, struct json_object *selector)
{
    const char *name = name_for(view, group->members);
    struct cluster_draft *draft = namespace_view_add_draft(view);
    draft->name = name;
    draft->product = group->members->product;
    if (selector != NULL) {
        draft->implied_spec = json_object_new_object();
        json_add_text(draft->implied_spec, "product", product_names(draft->product)->name);
        json_object_object_add(draft->implied_spec, "selector", selector);
    }
    for (size_t i = 0; i < view->workload_count; i++) {
        struct placed_workload *placed = &view->workloads[i];
        if (placed->candidate != NULL && placed->candidate->group == group) {
            placed->owner = draft;
        }
    }
    for (size_t i = 0; i < view->pod_count; i++) {
        struct placed_pod *placed = &view->pods[i];
        if (placed->candidate != NULL && placed->candidate->group == group) {
            placed->owner = draft;
        }
    }
}

/* No expression selects just them: one each. */
static void draft_each(struct namespace_view *view, struct candidate *members)
{
    for (struct candidate *member = members; member != NULL;) {
        struct candidate *next = member->next_in_group;
        const struct implied_group *alone = group_new(view, member);
        draft_group(view, alone, implied_group_selector(view, alone));
        member = next;
    }
}

void discovery_find(struct namespace_view *view)
{
    struct search search = {.view = view, .by_key = map_new(NULL)};
    candidates_of_templates(&search);
    candidates_of_pods(&search);
    candidates_attach(&search);
    size_t count = 0;
    struct candidate **sorted = candidates_sorted(&search, &count);
    for (const struct implied_group *group = groups_form(view, sorted, count); group != NULL; group = group->next) {
        struct json_object *selector = implied_group_selector(view, group);
        if (selector == NULL && group->members->next_in_group != NULL) {
            draft_each(view, group->members);
        } else {
            draft_group(view, group, selector);
        }
    }
    map_free(search.by_key);
}
