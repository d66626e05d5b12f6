#include "node_match.h"

#include "proget/core/text.h"

#define TAINT_UNSCHEDULABLE "node.kubernetes.io/unschedulable"

const char *node_label(const struct node *node, const char *key)
{
    return record_map_get(&node->labels, key);
}

static bool values_contain(const struct record_list *values, const char *value)
{
    record_list_each (const char *const *, each, values) {
        if (text_equal(*each, value)) {
            return true;
        }
    }
    return false;
}

static bool compares(const struct selector_requirement *requirement, const char *value, bool greater)
{
    int64_t left;
    int64_t right;
    const char *const *bound = requirement->values.items;
    if (!value || requirement->values.count != 1 || text_parse_int64(value, INT64_MIN, INT64_MAX, &left) < 0 ||
        text_parse_int64(bound[0], INT64_MIN, INT64_MAX, &right) < 0) {
        return false;
    }
    return greater ? left > right : left < right;
}

static bool requirement_matches(const struct selector_requirement *requirement, const char *value)
{
    const char *name = requirement->operator_name;
    if (text_equal(name, "In")) {
        return value && values_contain(&requirement->values, value);
    }
    if (text_equal(name, "NotIn")) {
        return !value || !values_contain(&requirement->values, value);
    }
    if (text_equal(name, "Exists")) {
        return value;
    }
    if (text_equal(name, "DoesNotExist")) {
        return !value;
    }
    if (text_equal(name, "Gt") || text_equal(name, "Lt")) {
        return compares(requirement, value, text_equal(name, "Gt"));
    }
    return false;
}

static bool term_matches(const struct node_selector_term *term, const struct node *node)
{
    if (term->expressions.count == 0 && term->fields.count == 0) {
        return false; /* an empty term matches nothing */
    }
    record_list_each (const struct selector_requirement *, requirement, &term->expressions) {
        if (!requirement_matches(requirement, node_label(node, requirement->key))) {
            return false;
        }
    }
    record_list_each (const struct selector_requirement *, requirement, &term->fields) {
        if (!text_equal(requirement->key, "metadata.name") || !requirement_matches(requirement, node->meta.name)) {
            return false;
        }
    }
    return true;
}

bool node_matches_spec(const struct node *node, const struct pod_spec *spec)
{
    record_list_each (const struct record_pair *, pair, &spec->node_selector) {
        if (!text_equal(node_label(node, pair->key), pair->value)) {
            return false;
        }
    }
    if (!spec->has_required_node_affinity) {
        return true;
    }
    record_list_each (const struct node_selector_term *, term, &spec->node_terms) {
        if (term_matches(term, node)) {
            return true;
        }
    }
    return false;
}

static bool is_tolerated(const struct taint *taint, const struct pod_spec *spec)
{
    record_list_each (const struct toleration *, toleration, &spec->tolerations) {
        bool exists = text_equal(toleration->operator_name, "Exists");
        if (!text_is_empty(toleration->effect) && !text_equal(toleration->effect, taint->effect)) {
            continue;
        }
        if (text_is_empty(toleration->key)) {
            if (exists) {
                return true;
            }
            continue;
        }
        const char *wanted = toleration->value ? toleration->value : "";
        const char *value = taint->value ? taint->value : "";
        if (text_equal(toleration->key, taint->key) && (exists || text_equal(wanted, value))) {
            return true;
        }
    }
    return false;
}

bool node_is_tolerated(const struct node *node, const struct pod_spec *spec)
{
    const struct taint cordon = {.key = TAINT_UNSCHEDULABLE, .effect = "NoSchedule"};
    if (node->unschedulable && !is_tolerated(&cordon, spec)) {
        return false;
    }
    record_list_each (const struct taint *, taint, &node->taints) {
        bool keeps_away = text_equal(taint->effect, "NoSchedule") || text_equal(taint->effect, "NoExecute");
        if (keeps_away && !is_tolerated(taint, spec)) {
            return false;
        }
    }
    return true;
}
