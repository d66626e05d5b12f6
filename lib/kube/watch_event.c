#include "watch_event.h"

#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

static enum watch_event_type type_of(const char *name)
{
    static const struct {
        const char *name;
        enum watch_event_type type;
    } types[] = {
        {"ADDED", WATCH_EVENT_ADDED},       {"MODIFIED", WATCH_EVENT_MODIFIED}, {"DELETED", WATCH_EVENT_DELETED},
        {"BOOKMARK", WATCH_EVENT_BOOKMARK}, {"ERROR", WATCH_EVENT_ERROR},
    };
    for (size_t i = 0; i < array_length(types); i++) {
        if (text_equal(types[i].name, name)) {
            return types[i].type;
        }
    }
    return WATCH_EVENT_UNKNOWN;
}

int watch_event_read(struct json_object *frame, struct watch_event *ret_event, struct error *err)
{
    const char *type_name = json_text_at(frame, "type", NULL);
    struct json_object *object = json_member(frame, "object");
    if (!type_name) {
        return error_set(err, ERROR_BAD_INPUT, "a watch event without a type");
    }
    struct watch_event event = {.type = type_of(type_name), .object = object, .resource_version = ""};
    if (event.type != WATCH_EVENT_UNKNOWN && !json_object_is_type(object, json_type_object)) {
        return error_set(err, ERROR_BAD_INPUT, "a watch event without an object");
    }
    if (event.type != WATCH_EVENT_UNKNOWN && event.type != WATCH_EVENT_ERROR) {
        event.resource_version = json_text_at(object, "metadata.resourceVersion", "");
    }
    if (strlen(event.resource_version) > RESOURCE_VERSION_LENGTH_MAX) {
        return error_set(err, ERROR_BAD_INPUT, "a watch event whose resourceVersion is longer than %d bytes",
                         RESOURCE_VERSION_LENGTH_MAX);
    }
    if (event.type == WATCH_EVENT_BOOKMARK) {
        /* The name has dots and a slash in it, so it is no path. */
        struct json_object *mark = json_member(json_at(object, "metadata.annotations"), "k8s.io/initial-events-end");
        event.initial_events_end =
            json_object_is_type(mark, json_type_string) && text_equal(json_object_get_string(mark), "true");
    }
    *ret_event = event;
    return 0;
}
