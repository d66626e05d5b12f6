/*
 * Evictions as they look on the wire, told apart: kube-algorithms section 12. Pure.
 */
#ifndef PROGET_MODEL_DISRUPTION_H
#define PROGET_MODEL_DISRUPTION_H

#include "proget/model/objects.h"

enum disruption_cause {
    DISRUPTION_NONE, /* none, or announced and not carried out, or a plain deletion, or an OOM kill */
    DISRUPTION_NODE_PRESSURE,
    DISRUPTION_LOCAL_STORAGE,
    DISRUPTION_PREEMPTION, /* by the scheduler, or by the kubelet for a critical pod */
    DISRUPTION_TAINT,
    DISRUPTION_API,
    DISRUPTION_NODE_SHUTDOWN,
    DISRUPTION_NODE_GONE,
    DISRUPTION_ADMISSION,
    DISRUPTION_UNKNOWN,
};

struct disruption {
    enum disruption_cause cause;
    int64_t time_us;     /* when it was carried out, as the object tells */
    const char *message; /* of the server, borrowed from the pod; may be NULL */
};

const char *disruption_cause_name(enum disruption_cause cause); /* "NodePressure", ...; NONE gives NULL */
/* One pod as it is now. Messages are for people: none is parsed. */
struct disruption disruption_of_pod(const struct pod *pod);
/* A trace left in an Event about a pod that is gone (reasons Evicted, Preempted, Preempting, TaintManagerEviction). */
struct disruption disruption_of_event(const struct event *event);

/* The taint manager took its mark back: the pod was not evicted. */
bool disruption_event_is_cancellation(const struct event *event);
/* When what the Event tells of happened, for the last time; 0: it does not tell. */
int64_t disruption_event_time(const struct event *event);

#endif
