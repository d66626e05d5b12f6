#include "proget/core/selector.h"

#include <stddef.h>
#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

static const struct record_field requirement_fields[] = {
    {"key", RECORD_TEXT, offsetof(struct selector_requirement, key), NULL, NULL},
    {"operator", RECORD_TEXT, offsetof(struct selector_requirement, operator_name), NULL, NULL},
    {"values", RECORD_TEXT_LIST, offsetof(struct selector_requirement, values), NULL, NULL},
};
static const struct record_type requirement_type =
    RECORD_TYPE("selector requirement", struct selector_requirement, requirement_fields);

static const struct record_field selector_fields[] = {
    {"matchLabels", RECORD_TEXT_MAP, offsetof(struct selector, labels), NULL, NULL},
    {"matchExpressions", RECORD_LIST, offsetof(struct selector, requirements), &requirement_type, NULL},
};
const struct record_type selector_type = RECORD_TYPE("selector", struct selector, selector_fields);

bool selector_is_empty(const struct selector *selector)
{
    return selector->labels.count == 0 && selector->requirements.count == 0;
}

static bool values_contain(const struct record_list *values, const char *text)
{
    record_list_each (const char *const *, value, values) {
        if (strcmp(*value, text) == 0) {
            return true;
        }
    }
    return false;
}

/* What the API server would refuse (In without values, Exists with some) selects nothing, as in apimachinery. */
static bool requirement_matches(const struct selector_requirement *requirement, const struct record_list *labels)
{
    if (text_is_empty(requirement->key)) {
        return false;
    }
    const char *label = record_map_get(labels, requirement->key);
    bool has_values = requirement->values.count > 0;
    if (text_equal(requirement->operator_name, "In")) {
        return has_values && label != NULL && values_contain(&requirement->values, label);
    }
    if (text_equal(requirement->operator_name, "NotIn")) {
        return has_values && (label == NULL || !values_contain(&requirement->values, label));
    }
    if (text_equal(requirement->operator_name, "Exists")) {
        return !has_values && label != NULL;
    }
    if (text_equal(requirement->operator_name, "DoesNotExist")) {
        return !has_values && label == NULL;
    }
    return false;
}

bool selector_matches(const struct selector *selector, const struct record_list *labels)
{
    record_list_each (const struct record_pair *, wanted, &selector->labels) {
        if (!text_equal(record_map_get(labels, wanted->key), wanted->value)) {
            return false;
        }
    }
    record_list_each (const struct selector_requirement *, requirement, &selector->requirements) {
        if (!requirement_matches(requirement, labels)) {
            return false;
        }
    }
    return true;
}
