/*
 * One frame of a watch, understood: what kind of event it is, of which version, about which object.
 */
#ifndef PROGET_KUBE_WATCH_EVENT_H
#define PROGET_KUBE_WATCH_EVENT_H

#include <stdbool.h>

#include "proget/core/error.h"
#include "proget/core/json.h"

enum { RESOURCE_VERSION_LENGTH_MAX = 256 }; /* bytes; real ones are numbers of 64 bits */

enum watch_event_type {
    WATCH_EVENT_ADDED,
    WATCH_EVENT_MODIFIED,
    WATCH_EVENT_DELETED,
    WATCH_EVENT_BOOKMARK,
    WATCH_EVENT_ERROR,   /* the object is a Status */
    WATCH_EVENT_UNKNOWN, /* of a newer server: to be passed over */
};

/* Borrows from the frame's tree. */
struct watch_event {
    enum watch_event_type type;
    const char *resource_version; /* "" where there is none */
    bool initial_events_end;      /* a BOOKMARK that ends the first part of a WatchList */
    struct json_object *object;
};

/* ERROR_BAD_INPUT when it is no watch event; the text says why. */
int watch_event_read(struct json_object *frame, struct watch_event *ret_event, struct error *err);

#endif
