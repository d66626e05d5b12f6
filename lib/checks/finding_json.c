#include "proget/checks/evaluation.h"

struct json_object *object_reference_to_json(const struct object_reference *reference)
{
    struct json_object *object = json_object_new_object();
    json_add_text(object, "apiVersion", reference->api_version);
    json_add_text(object, "kind", reference->kind);
    json_add_text(object, "namespace", reference->namespace_name);
    json_add_text(object, "name", reference->name);
    return object;
}

struct json_object *finding_to_json(const struct finding *finding)
{
    struct json_object *object = json_object_new_object();
    json_add_text(object, "code", finding->code);
    json_add_text(object, "severity", severity_name(finding->severity));
    json_object_object_add(object, "object", object_reference_to_json(&finding->object));
    struct json_object *related = json_add_array(object, "related");
    for (size_t i = 0; i < finding->related_count; i++) {
        json_object_array_add(related, object_reference_to_json(&finding->related[i]));
    }
    json_object_object_add(object, "cause", finding->cause ? json_object_new_string(finding->cause) : NULL);
    json_add_text(object, "message", finding->message);
    json_add_text(object, "action", finding->action);
    return object;
}
