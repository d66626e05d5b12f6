/*
 * Events of events.k8s.io/v1: building them. kube-algorithms section 5. Sending is kube_client_send()'s.
 */
#ifndef PROGET_KUBE_EVENT_H
#define PROGET_KUBE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "proget/core/json.h"
#include "proget/kube/client.h"

extern const struct kube_resource kube_events_resource; /* events.k8s.io/v1 */

/* Texts are borrowed for the call; NULL where a member is to be left out. */
struct kube_object_reference {
    const char *api_version, *kind, *namespace_name, *name, *uid;
};

struct kube_event {
    const char *name; /* a DNS subdomain, at most 253 bytes */
    struct kube_object_reference regarding;
    struct kube_object_reference related; /* kind NULL: none */
    bool warning;                         /* type Warning, else Normal */
    const char *reason;                   /* at most 128 bytes */
    const char *action;                   /* at most 128 bytes */
    const char *note;                     /* cut at 1024 bytes */
    const char *controller;               /* reportingController, a qualified name */
    const char *instance;                 /* reportingInstance */
    int64_t time_us;
};

/* The namespace an Event about the object has to be in: the object's, else "default". */
const char *kube_event_namespace(const struct kube_object_reference *regarding);
/* The Event as JSON, owned by the caller. */
struct json_object *kube_event_build(const struct kube_event *event);
/* The strategic merge patch that confirms it: series {count, lastObservedTime}. `count` is 2 or more. Owned. */
struct json_object *kube_event_series_patch(int64_t count, int64_t last_observed_us);

#endif
