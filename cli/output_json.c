#include "output_json.h"

#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/core/yaml.h"

/* The members of one finding in the order of the design: the cluster after the severity, `since` last. */
static struct json_object *item_of(const struct cluster *cluster, const struct finding *finding)
{
    cleanup_json struct json_object *plain = finding_to_json(finding);
    struct json_object *item = json_object_new_object();
    json_object_object_foreach(plain, name, value)
    {
        json_object_object_add(item, name, json_object_get(value));
        if (text_equal(name, "severity")) {
            struct json_object *owner = json_add_object(item, "cluster");
            json_add_text(owner, "namespace", cluster->namespace_name);
            json_add_text(owner, "name", cluster->name);
        }
    }
    if (finding->true_since_us > 0) {
        json_add_time(item, "since", finding->true_since_us);
    } else {
        json_object_object_add(item, "since", NULL);
    }
    return item;
}

static void add_suppressed(struct json_object *target, const struct finding_list *list)
{
    for (size_t i = 0; i < list->suppressed_count; i++) {
        const struct suppressed_finding *suppressed = &list->suppressed[i];
        struct json_object *item = json_object_new_object();
        json_add_text(item, "code", suppressed->finding.code);
        json_object_object_add(item, "object", object_reference_to_json(&suppressed->finding.object));
        json_add_text(item, "reason", suppressed->reason);
        json_object_array_add(target, item);
    }
}

struct json_object *output_json_tree(const struct audit_result *result)
{
    struct json_object *tree = json_object_new_object();
    json_add_text(tree, "apiVersion", CLUSTER_API_VERSION);
    json_add_text(tree, "kind", "FindingList");
    struct json_object *items = json_add_array(tree, "items");
    struct json_object *suppressed = json_add_array(tree, "suppressed");
    struct json_object *unobserved = json_add_array(tree, "unobserved");
    for (size_t i = 0; i < result->clusters.count; i++) {
        const struct finding_list *list = &result->findings[i];
        for (size_t k = 0; k < list->count; k++) {
            json_object_array_add(items, item_of(&result->clusters.items[i], &list->items[k]));
        }
        add_suppressed(suppressed, list);
    }
    for (size_t i = 0; i < result->unobserved_count; i++) {
        struct json_object *item = json_object_new_object();
        json_add_text(item, "what", result->unobserved[i].what);
        json_add_text(item, "why", result->unobserved[i].why);
        json_object_array_add(unobserved, item);
    }
    return tree;
}

void output_json_value(struct json_object *tree, FILE *target)
{
    int flags = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE;
    (void) fprintf(target, "%s\n", json_object_to_json_string_ext(tree, flags));
}

void output_json(const struct audit_result *result, FILE *target)
{
    cleanup_json struct json_object *tree = output_json_tree(result);
    output_json_value(tree, target);
}

void output_yaml(const struct audit_result *result, FILE *target)
{
    cleanup_json struct json_object *tree = output_json_tree(result);
    yaml_print(tree, target);
}
