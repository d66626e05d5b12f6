/*
 * PriorityClassNotFound: the template names a class that does not exist, so no new pod can be created.
 */
#include <string.h>

#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"

static bool always_exists(const char *name)
{
    return text_equal(name, "system-cluster-critical") || text_equal(name, "system-node-critical");
}

/* The controller that creates the pods: the workload, or a ReplicaSet of it. */
static bool event_is_about(const struct model *model, const struct event *event, const struct workload *workload)
{
    const struct object_meta *meta = &workload->meta;
    if (text_equal(event->object_kind, meta->kind) && text_equal(event->object_name, meta->name)) {
        return text_is_empty(event->object_uid) || text_is_empty(meta->uid) || text_equal(event->object_uid, meta->uid);
    }
    if (!text_equal(event->object_kind, "ReplicaSet")) {
        return false;
    }
    const struct store_entry *entry =
        store_get(model_read(model, MODEL_REPLICA_SETS), meta->namespace_name, event->object_name);
    if (!entry) {
        return false;
    }
    record_list_each (const struct object_owner *, owner, &entry->object->owners) {
        if (owner->controller && text_equal(owner->kind, meta->kind) && text_equal(owner->name, meta->name)) {
            return true;
        }
    }
    return false;
}

/*
 * The one message of a server that is read, for nothing else tells: only its sentence about the very class that the
 * template names now, only while pods are still missing (an Event stays for an hour after what it tells was mended),
 * and only where the classes themselves are not observed.
 */
static bool event_says_so(const struct model *model, const struct workload *workload, const char *class_name)
{
    if (workload->status.replicas >= workload_servers(workload)) {
        return false;
    }
    cleanup_free char *sentence = xasprintf("no PriorityClass with name %s was found", class_name);
    const struct store *events = model_read(model, MODEL_EVENTS_FAILED_CREATE);
    const char *namespace_name = workload->meta.namespace_name;
    for (const struct store_entry *at = store_first(events, namespace_name); at;
         at = store_next(events, namespace_name, at)) {
        const struct event *event = (const struct event *) at->object;
        if (text_equal(event->reason, "FailedCreate") && event->message && strstr(event->message, sentence) &&
            event_is_about(model, event, workload)) {
            return true;
        }
    }
    return false;
}

static void say_not_found(const struct check_context *context, const struct workload *workload, const char *class_name)
{
    cleanup_free char *message =
        xasprintf("%s %s names PriorityClass %s, which does not exist: the API server refuses every new pod of it, so "
                  "a server that goes down does not come back.",
                  workload_kind(workload), workload->meta.name, class_name);
    cleanup_free char *action = xasprintf("Create the class (kubectl create priorityclass %s --value=1000000), or name "
                                          "one of those that exist: kubectl get priorityclasses",
                                          class_name);
    finding_raise(context,
                  &(struct finding_draft){
                      .object = reference_to_workload(workload), .message = message, .action = action, .hold_ms = -1});
}

void check_priority_class_not_found(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    const struct store *classes = model_read(context->model, MODEL_PRIORITY_CLASSES);
    const char *unobserved = model_unobserved(context->model, MODEL_PRIORITY_CLASSES);
    for (size_t i = 0; i < cluster->workload_count; i++) {
        const struct workload *workload = cluster->workloads[i];
        const char *class_name = workload->template_spec.priority_class_name;
        if (text_is_empty(class_name) || always_exists(class_name)) {
            continue;
        }
        bool missing = unobserved ? event_says_so(context->model, workload, class_name)
                                  : store_get(classes, NULL, class_name) == NULL;
        if (missing) {
            say_not_found(context, workload, class_name);
        }
        if (unobserved) {
            finding_unobserved(context, model_kind_info(MODEL_PRIORITY_CLASSES)->plural, unobserved);
        }
    }
}
