#include "proget/model/disruption.h"

#include "proget/core/memory.h"
#include "proget/core/text.h"

static const char *const cause_names[] = {
    [DISRUPTION_NODE_PRESSURE] = "NodePressure",
    [DISRUPTION_LOCAL_STORAGE] = "LocalStorage",
    [DISRUPTION_PREEMPTION] = "Preemption",
    [DISRUPTION_TAINT] = "Taint",
    [DISRUPTION_API] = "Api",
    [DISRUPTION_NODE_SHUTDOWN] = "NodeShutdown",
    [DISRUPTION_NODE_GONE] = "NodeGone",
    [DISRUPTION_ADMISSION] = "Admission",
    [DISRUPTION_UNKNOWN] = "Unknown",
};

const char *disruption_cause_name(enum disruption_cause cause)
{
    return (size_t) cause < array_length(cause_names) ? cause_names[cause] : NULL;
}

/*
 * An evicted container may have lost its real status: it then waits again, with a restart counted and a last state
 * "ContainerStatusUnknown". It did run.
 */
static bool container_ever_ran(const struct container_status *status)
{
    return status->state.is_terminated || status->state.running_since_us != 0 || status->last_state.is_terminated ||
           status->restart_count > 0;
}

static bool containers_ever_ran(const struct pod *pod)
{
    record_list_each (const struct container_status *, status, &pod->container_statuses) {
        if (container_ever_ran(status)) {
            return true;
        }
    }
    record_list_each (const struct container_status *, init_status, &pod->init_container_statuses) {
        if (container_ever_ran(init_status)) {
            return true;
        }
    }
    return false;
}

/* The kubelet has one condition for three things; the pod's reason tells which. */
static enum disruption_cause cause_by_kubelet(const struct pod *pod)
{
    if (text_equal(pod->reason, "Evicted")) {
        return DISRUPTION_NODE_PRESSURE;
    }
    if (text_equal(pod->reason, "Preempting")) {
        return DISRUPTION_PREEMPTION;
    }
    if (text_equal(pod->reason, "Terminated") || text_equal(pod->reason, "NodeShutdown")) {
        return DISRUPTION_NODE_SHUTDOWN;
    }
    /* Containers that exit with 0 at a shutdown leave the pod Succeeded and, depending on the version, no reason. */
    return text_equal(pod->phase, "Succeeded") ? DISRUPTION_NODE_SHUTDOWN : DISRUPTION_UNKNOWN;
}

static enum disruption_cause cause_by_condition(const struct pod *pod, const char *reason)
{
    static const struct {
        const char *reason;
        enum disruption_cause cause;
    } causes[] = {
        {"EvictionByEvictionAPI", DISRUPTION_API},        {"DeletionByTaintManager", DISRUPTION_TAINT},
        {"PreemptionByScheduler", DISRUPTION_PREEMPTION}, {"PreemptionByKubeScheduler", DISRUPTION_PREEMPTION},
        {"DeletionByPodGC", DISRUPTION_NODE_GONE},
    };
    for (size_t i = 0; i < array_length(causes); i++) {
        if (text_equal(reason, causes[i].reason)) {
            return causes[i].cause;
        }
    }
    return text_equal(reason, "TerminationByKubelet") ? cause_by_kubelet(pod) : DISRUPTION_UNKNOWN;
}

/* Older kubelets, limits of local storage, and refusals at admission set no condition. */
static enum disruption_cause cause_by_reason(const struct pod *pod)
{
    if (!text_equal(pod->phase, "Failed")) {
        return DISRUPTION_NONE;
    }
    if (text_equal(pod->reason, "Evicted")) {
        return containers_ever_ran(pod) ? DISRUPTION_LOCAL_STORAGE : DISRUPTION_ADMISSION;
    }
    if (text_equal(pod->reason, "NodeShutdown")) {
        return containers_ever_ran(pod) ? DISRUPTION_NODE_SHUTDOWN : DISRUPTION_ADMISSION;
    }
    if (text_equal(pod->reason, "Terminated")) {
        return DISRUPTION_NODE_SHUTDOWN;
    }
    return text_equal(pod->reason, "Preempting") ? DISRUPTION_PREEMPTION : DISRUPTION_NONE;
}

static int64_t last_container_end(const struct record_list *statuses)
{
    int64_t last_us = 0;
    record_list_each (const struct container_status *, status, statuses) {
        last_us = status->state.finished_us > last_us ? status->state.finished_us : last_us;
    }
    return last_us;
}

/* Without a condition: the end of its containers; deletionTimestamp lies ahead by the grace period, so it comes last.
 */
static int64_t time_without_condition(const struct pod *pod)
{
    const struct pod_condition *ready = pod_condition_get(pod, "Ready");
    int64_t end_us = last_container_end(&pod->container_statuses);
    if (end_us != 0) {
        return end_us;
    }
    if (ready != NULL && text_equal(ready->status, "False") && ready->changed_us != 0) {
        return ready->changed_us;
    }
    return pod->meta.deleted_us != 0 ? pod->meta.deleted_us : pod->started_us;
}

struct disruption disruption_of_pod(const struct pod *pod)
{
    const struct pod_condition *target = pod_condition_get(pod, "DisruptionTarget");
    if (target == NULL || !text_equal(target->status, "True")) {
        enum disruption_cause cause = cause_by_reason(pod);
        if (cause == DISRUPTION_NONE) {
            return (struct disruption){0};
        }
        return (struct disruption){.cause = cause, .time_us = time_without_condition(pod), .message = pod->message};
    }
    if (pod->meta.deleted_us == 0 && !pod_is_finished(pod)) {
        return (struct disruption){0}; /* announced; taken back after about two minutes if it does not come */
    }
    return (struct disruption){
        .cause = cause_by_condition(pod, target->reason),
        .time_us = target->changed_us != 0 ? target->changed_us : time_without_condition(pod),
        .message = text_is_empty(target->message) ? pod->message : target->message,
    };
}

static enum disruption_cause cause_of_event(const struct event *event)
{
    if (text_equal(event->reason, "Evicted")) {
        return event->names_starved_resource ? DISRUPTION_NODE_PRESSURE : DISRUPTION_LOCAL_STORAGE;
    }
    if (text_equal(event->reason, "Preempted") || text_equal(event->reason, "Preempting")) {
        return DISRUPTION_PREEMPTION;
    }
    bool is_mark = text_equal(event->reason, "TaintManagerEviction") && !disruption_event_is_cancellation(event);
    return is_mark ? DISRUPTION_TAINT : DISRUPTION_NONE;
}

/* The one message that is read: nothing else tells the mark from its withdrawal (pkg/controller/tainteviction). */
bool disruption_event_is_cancellation(const struct event *event)
{
    return text_equal(event->reason, "TaintManagerEviction") && event->message != NULL &&
           text_starts_with(event->message, "Cancelling deletion");
}

int64_t disruption_event_time(const struct event *event)
{
    const int64_t times[] = {event->last_us, event->event_time_us, event->first_us, event->meta.created_us};
    int64_t time_us = 0;
    for (size_t i = 0; i < array_length(times) && time_us == 0; i++) {
        time_us = times[i];
    }
    return time_us;
}

struct disruption disruption_of_event(const struct event *event)
{
    enum disruption_cause cause = cause_of_event(event);
    if (cause == DISRUPTION_NONE || (event->object_kind != NULL && !text_equal(event->object_kind, "Pod"))) {
        return (struct disruption){0};
    }
    return (struct disruption){.cause = cause, .time_us = disruption_event_time(event), .message = event->message};
}
