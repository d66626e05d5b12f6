#include <string.h>

#include "discovery.h"
#include "proget/core/json.h"
#include "proget/core/memory.h"
#include "proget/core/selector.h"
#include "proget/core/text.h"

/* A label and the values that it may have. */
struct chosen_label {
    const char *key;
    const char **values; /* sorted, each once */
    size_t value_count;
};

/* They differ between the pods of one workload, or from one revision to the next. */
static bool label_is_passing(const char *key)
{
    static const char *const passing[] = {
        "pod-template-hash",       "controller-revision-hash",     "rollouts-pod-template-hash",
        "pod-template-generation", "apps.kubernetes.io/pod-index", "statefulset.kubernetes.io/pod-name",
    };
    for (size_t i = 0; i < array_length(passing); i++) {
        if (text_equal(key, passing[i])) {
            return true;
        }
    }
    return false;
}

/* --- does it select just them --- */

struct trial { /* one of both */
    const struct selector *selector;
    const struct chosen_label *labels;
    size_t label_count;
};

static bool values_hold(const struct chosen_label *label, const char *value)
{
    for (size_t i = 0; value != NULL && i < label->value_count; i++) {
        if (text_equal(label->values[i], value)) {
            return true;
        }
    }
    return false;
}

static bool trial_matches(const struct trial *trial, const struct record_list *labels)
{
    if (trial->selector != NULL) {
        return selector_matches(trial->selector, labels);
    }
    for (size_t i = 0; i < trial->label_count; i++) {
        if (!values_hold(&trial->labels[i], record_map_get(labels, trial->labels[i].key))) {
            return false;
        }
    }
    return true;
}

/* Pods of Jobs are servers of nobody: they do not matter. */
static bool selects_just(const struct namespace_view *view, const struct implied_group *group,
                         const struct trial *trial)
{
    for (size_t i = 0; i < view->pod_count; i++) {
        const struct placed_pod *placed = &view->pods[i];
        bool is_member = placed->candidate != NULL && placed->candidate->group == group;
        if (!pod_is_of_job(placed->pod) && trial_matches(trial, &placed->pod->labels) != is_member) {
            return false;
        }
    }
    for (size_t i = 0; i < view->workload_count; i++) {
        const struct placed_workload *placed = &view->workloads[i];
        bool is_member = placed->candidate != NULL && placed->candidate->group == group;
        if (trial_matches(trial, &placed->workload->template_labels) != is_member) {
            return false;
        }
    }
    return true;
}

/* --- choosing labels --- */

static int text_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* The label with every member's value; false where one of them lacks it. */
static bool choose_label(const struct namespace_view *view, const struct implied_group *group, const char *key,
                         struct chosen_label *ret_label)
{
    size_t count = 0;
    for (const struct candidate *member = group->members; member != NULL; member = member->next_in_group) {
        if (record_map_get(member->labels, key) == NULL) {
            return false;
        }
        count++;
    }
    const char **values = model_arena_take(view->arena, count, sizeof(*values));
    size_t at = 0;
    for (const struct candidate *member = group->members; member != NULL; member = member->next_in_group) {
        values[at++] = record_map_get(member->labels, key);
    }
    qsort(values, count, sizeof(*values), text_compare);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !text_equal(values[kept - 1], values[i])) {
            values[kept++] = values[i];
        }
    }
    *ret_label = (struct chosen_label){.key = key, .values = values, .value_count = kept};
    return true;
}

static bool is_of_own_selector(const struct candidate *candidate, const char *key)
{
    return candidate->workload != NULL && candidate->workload->selector != NULL &&
           record_map_get(&candidate->workload->selector->labels, key) != NULL;
}

/*
 * Labels that all members have: what the first one's own selector goes by comes first, for nobody changes that in
 * passing. *ret_stable_count says how many those are.
 */
static size_t common_labels(const struct namespace_view *view, const struct implied_group *group,
                            struct chosen_label *labels, size_t *ret_stable_count)
{
    const struct candidate *first = group->members;
    size_t count = 0;
    for (int pass = 0; pass < 2; pass++) {
        record_list_each (const struct record_pair *, pair, first->labels) {
            bool is_now = is_of_own_selector(first, pair->key) == (pass == 0);
            if (is_now && !label_is_passing(pair->key) && choose_label(view, group, pair->key, &labels[count])) {
                count++;
            }
        }
        if (pass == 0) {
            *ret_stable_count = count;
        }
    }
    return count;
}

static struct json_object *labels_to_json(const struct chosen_label *labels, size_t count)
{
    struct json_object *selector = json_object_new_object();
    struct json_object *match = NULL;
    struct json_object *expressions = NULL;
    for (size_t i = 0; i < count; i++) {
        if (labels[i].value_count == 1) {
            match = match == NULL ? json_add_object(selector, "matchLabels") : match;
            json_add_text(match, labels[i].key, labels[i].values[0]);
            continue;
        }
        expressions = expressions == NULL ? json_add_array(selector, "matchExpressions") : expressions;
        struct json_object *expression = json_object_new_object();
        json_object_array_add(expressions, expression);
        json_add_text(expression, "key", labels[i].key);
        json_add_text(expression, "operator", "In");
        struct json_object *values = json_add_array(expression, "values");
        for (size_t j = 0; j < labels[i].value_count; j++) {
            json_object_array_add(values, json_object_new_string(labels[i].values[j]));
        }
    }
    return selector;
}

/* One label, else all that the own selector goes by, else all. NULL: none of them selects just the group. */
static struct json_object *selector_by_labels(const struct namespace_view *view, const struct implied_group *group)
{
    if (group->members->labels->count == 0) {
        return NULL;
    }
    struct chosen_label *labels = model_arena_take(view->arena, group->members->labels->count, sizeof(*labels));
    size_t stable_count = 0;
    size_t count = common_labels(view, group, labels, &stable_count);
    for (size_t i = 0; i < count; i++) {
        if (selects_just(view, group, &(struct trial){.labels = &labels[i], .label_count = 1})) {
            return labels_to_json(&labels[i], 1);
        }
    }
    const size_t counts[] = {stable_count, count};
    for (size_t i = 0; i < array_length(counts); i++) {
        if (counts[i] > 1 && selects_just(view, group, &(struct trial){.labels = labels, .label_count = counts[i]})) {
            return labels_to_json(labels, counts[i]);
        }
    }
    return NULL;
}

static struct json_object *selector_to_json(const struct selector *selector)
{
    struct json_object *json = json_object_new_object();
    if (selector->labels.count > 0) {
        struct json_object *match = json_add_object(json, "matchLabels");
        record_list_each (const struct record_pair *, pair, &selector->labels) {
            json_add_text(match, pair->key, pair->value);
        }
    }
    if (selector->requirements.count == 0) {
        return json;
    }
    struct json_object *expressions = json_add_array(json, "matchExpressions");
    record_list_each (const struct selector_requirement *, requirement, &selector->requirements) {
        struct json_object *expression = json_object_new_object();
        json_object_array_add(expressions, expression);
        json_add_text(expression, "key", requirement->key);
        json_add_text(expression, "operator", requirement->operator_name);
        if (requirement->values.count == 0) {
            continue;
        }
        struct json_object *values = json_add_array(expression, "values");
        record_list_each (const char *const *, value, &requirement->values) {
            json_object_array_add(values, json_object_new_string(*value));
        }
    }
    return json;
}

struct json_object *implied_group_selector(const struct namespace_view *view, const struct implied_group *group)
{
    const struct candidate *first = group->members;
    const struct selector *own =
        first->next_in_group == NULL && first->workload != NULL ? first->workload->selector : NULL;
    if (own == NULL || selector_is_empty(own)) {
        return selector_by_labels(view, group);
    }
    if (selects_just(view, group, &(struct trial){.selector = own})) {
        return selector_to_json(own);
    }
    struct json_object *better = selector_by_labels(view, group);
    return better == NULL ? selector_to_json(own) : better;
}
