#include "proget/model/priority.h"

#include "proget/core/text.h"
#include "proget/model/model.h"

/* What users may give ends at 1,000,000,000. */
#define PRIORITY_OF_SYSTEM  INT64_C(2000000000)
#define PRIORITY_OF_CLUSTER PRIORITY_OF_SYSTEM
#define PRIORITY_OF_NODE    (PRIORITY_OF_SYSTEM + 1000)

bool priority_is_of_system(const struct pod_spec *spec)
{
    return text_equal(spec->priority_class_name, PRIORITY_CLASS_CLUSTER) ||
           text_equal(spec->priority_class_name, PRIORITY_CLASS_NODE) ||
           (spec->priority.is_set && spec->priority.value >= PRIORITY_OF_SYSTEM);
}

static const struct priority_class *class_named(const struct model *model, const char *name)
{
    const struct store_entry *entry = store_get(model_read(model, MODEL_PRIORITY_CLASSES), NULL, name);
    return entry == NULL ? NULL : (const struct priority_class *) (const void *) entry->object;
}

static const struct priority_class *class_by_default(const struct model *model)
{
    const struct priority_class *lowest = NULL;
    const struct store *classes = model_read(model, MODEL_PRIORITY_CLASSES);
    for (const struct store_entry *at = store_first(classes, NULL); at != NULL; at = store_next(classes, NULL, at)) {
        const struct priority_class *each = (const struct priority_class *) (const void *) at->object;
        if (each->global_default && (lowest == NULL || each->value < lowest->value)) {
            lowest = each;
        }
    }
    return lowest;
}

bool priority_of_class(const struct model *model, const char *class_name, int64_t *ret_priority)
{
    *ret_priority = 0;
    if (text_equal(class_name, PRIORITY_CLASS_CLUSTER) || text_equal(class_name, PRIORITY_CLASS_NODE)) {
        *ret_priority = text_equal(class_name, PRIORITY_CLASS_NODE) ? PRIORITY_OF_NODE : PRIORITY_OF_CLUSTER;
        return true;
    }
    bool names_one = !text_is_empty(class_name);
    const struct priority_class *found = names_one ? class_named(model, class_name) : class_by_default(model);
    if (found != NULL) {
        *ret_priority = found->value;
    }
    return found != NULL || !names_one;
}

bool priority_of_spec(const struct model *model, const struct pod_spec *spec, int64_t *ret_priority)
{
    if (spec->priority.is_set) {
        *ret_priority = spec->priority.value;
        return true;
    }
    return priority_of_class(model, spec->priority_class_name, ret_priority);
}

bool priority_preempts(const struct model *model, const struct pod_spec *spec)
{
    if (!text_is_empty(spec->preemption_policy)) {
        return !text_equal(spec->preemption_policy, "Never");
    }
    const struct priority_class *found = text_is_empty(spec->priority_class_name)
                                             ? class_by_default(model)
                                             : class_named(model, spec->priority_class_name);
    return found == NULL || !text_equal(found->preemption_policy, "Never");
}
