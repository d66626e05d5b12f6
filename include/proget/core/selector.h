/*
 * Label selectors (metav1.LabelSelector) over label maps.
 */
#ifndef PROGET_CORE_SELECTOR_H
#define PROGET_CORE_SELECTOR_H

#include <stdbool.h>

#include "proget/core/record.h"

struct selector_requirement {
    const char *key;
    const char *operator_name; /* In, NotIn, Exists, DoesNotExist */
    struct record_list values; /* of const char * */
};
struct selector {
    struct record_list labels;       /* matchLabels: struct record_pair, sorted by key */
    struct record_list requirements; /* matchExpressions: struct selector_requirement */
};
extern const struct record_type selector_type;

/* No requirement at all: matches everything. The caller decides what an absent selector (NULL) means. */
bool selector_is_empty(const struct selector *selector);
/* `labels`: struct record_pair sorted by key. An unknown operator matches nothing. */
bool selector_matches(const struct selector *selector, const struct record_list *labels);

#endif
