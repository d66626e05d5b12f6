#include "proget/kube/event.h"

#include <assert.h>
#include <string.h>

#include "proget/core/clock.h"
#include "proget/core/text.h"

enum { NAME_LENGTH_MAX = 253, WORD_LENGTH_MAX = 128, NOTE_LENGTH_MAX = 1024 };

const struct kube_resource kube_events_resource = {.group = "events.k8s.io", .version = "v1", .plural = "events"};

const char *kube_event_namespace(const struct kube_object_reference *regarding)
{
    return text_is_empty(regarding->namespace_name) ? "default" : regarding->namespace_name;
}

/*
 * Without the object's resourceVersion, which client-go puts in: with it each change of the object would be another
 * "regarding", and no two Events the same.
 */
static void add_reference(struct json_object *event, const char *name, const struct kube_object_reference *reference)
{
    struct json_object *target = json_add_object(event, name);
    json_add_text(target, "apiVersion", reference->api_version);
    json_add_text(target, "kind", reference->kind);
    json_add_text(target, "namespace", reference->namespace_name);
    json_add_text(target, "name", reference->name);
    json_add_text(target, "uid", reference->uid);
}

static void add_micro_time(struct json_object *object, const char *name, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format_micros(wall_us, text);
    json_add_text(object, name, text);
}

static bool is_word(const char *text)
{
    return !text_is_empty(text) && strlen(text) <= WORD_LENGTH_MAX;
}

struct json_object *kube_event_build(const struct kube_event *event)
{
    assert(!text_is_empty(event->name) && strlen(event->name) <= NAME_LENGTH_MAX);
    assert(is_word(event->reason) && is_word(event->action));
    assert(is_word(event->controller) && is_word(event->instance));
    char note[NOTE_LENGTH_MAX + 1];
    text_copy_cut(note, sizeof(note), event->note ? event->note : "");
    struct json_object *object = json_object_new_object();
    json_add_text(object, "apiVersion", "events.k8s.io/v1");
    json_add_text(object, "kind", "Event");
    struct json_object *metadata = json_add_object(object, "metadata");
    json_add_text(metadata, "name", event->name);
    json_add_text(metadata, "namespace", kube_event_namespace(&event->regarding));
    add_micro_time(object, "eventTime", event->time_us);
    json_add_text(object, "type", event->warning ? "Warning" : "Normal");
    json_add_text(object, "reason", event->reason);
    json_add_text(object, "action", event->action);
    json_add_text(object, "note", event->note ? note : NULL);
    json_add_text(object, "reportingController", event->controller);
    json_add_text(object, "reportingInstance", event->instance);
    add_reference(object, "regarding", &event->regarding);
    if (event->related.kind) {
        add_reference(object, "related", &event->related);
    }
    return object;
}

struct json_object *kube_event_series_patch(int64_t count, int64_t last_observed_us)
{
    assert(count >= 2);
    struct json_object *patch = json_object_new_object();
    struct json_object *series = json_add_object(patch, "series");
    json_add_int64(series, "count", count);
    add_micro_time(series, "lastObservedTime", last_observed_us);
    return patch;
}
