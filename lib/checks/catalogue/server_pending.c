/*
 * ServerPending: a server that has never started: no node, or a container that waits for an image, a Secret, a volume.
 */
#include <string.h>

#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"
#include "proget/model/disruption.h"

/*
 * The kubelet tries again every two minutes at the latest, and says so less often the longer it takes. What it said
 * before that is taken as over.
 */
#define TRACE_COUNTS_US ((int64_t) 10 * 60 * CLOCK_US_PER_SECOND)

enum { QUOTED_BYTES = 400 };

enum obstacle_kind { OBSTACLE_NODE, OBSTACLE_IMAGE, OBSTACLE_CONFIGURATION, OBSTACLE_VOLUME, OBSTACLE_CONTAINER };

static const struct {
    const char *cause;  /* of the finding: it stays while the kubelet's reasons alternate */
    const char *action; /* ends before the command, which describes the pod */
} obstacles[] = {
    [OBSTACLE_NODE] = {"Unschedulable", "Make room on a node or correct what the pod asks for (requests, affinity, "
                                        "tolerations, claims); what it asks for"},
    [OBSTACLE_IMAGE] = {"Image", "Correct the image's name and tag, or give the pod what its registry asks for "
                                 "(imagePullSecrets); what the kubelet says"},
    [OBSTACLE_CONFIGURATION] = {"Configuration", "Create the Secret or ConfigMap that it names, with the key that it "
                                                 "names; what the kubelet says"},
    [OBSTACLE_VOLUME] = {"Volume", "See to the volume: its Secret or claim has to exist, and a volume for one node has "
                                   "to be released by the other; what the kubelet says"},
    [OBSTACLE_CONTAINER] = {"Container", "See what the container runtime says"},
};

struct obstacle { /* texts borrowed */
    enum obstacle_kind kind;
    const char *container; /* NULL: the whole pod waits */
    const char *reason, *message;
    int64_t since_us;
};

/* The kubelet has taken it up then; before that nothing of it can wait. */
static int64_t taken_up_us(const struct pod *pod)
{
    return pod->started_us ? pod->started_us : pod->meta.created_us;
}

static bool lacks_node(const struct pod *pod, struct obstacle *ret_obstacle)
{
    /* A manifest has no phase: nothing has been asked to start it. */
    if (!text_is_empty(pod->spec.node_name) || !text_equal(pod->phase, "Pending")) {
        return false;
    }
    const struct pod_condition *scheduled = pod_condition_get(pod, "PodScheduled");
    bool is_told = scheduled && text_equal(scheduled->status, "False");
    *ret_obstacle = (struct obstacle){
        .kind = OBSTACLE_NODE,
        .reason = is_told ? scheduled->reason : "no scheduler has looked at it",
        .message = is_told ? scheduled->message : NULL,
        .since_us = is_told && scheduled->changed_us ? scheduled->changed_us : pod->meta.created_us,
    };
    return true;
}

static bool event_is_about(const struct event *event, const struct pod *pod)
{
    if (!text_equal(event->object_kind, "Pod") || !text_equal(event->object_name, pod->meta.name)) {
        return false;
    }
    return text_is_empty(event->object_uid) || text_is_empty(pod->meta.uid) ||
           text_equal(event->object_uid, pod->meta.uid);
}

/* The newest that counts of one store; offline one store holds the Events of all reasons. */
static const struct event *newest_trace(const struct check_context *context, enum model_kind kind,
                                        const struct pod *pod, const struct event *newest)
{
    const struct store *events = model_read(context->model, kind);
    const char *namespace_name = pod->meta.namespace_name;
    for (const struct store_entry *at = store_first(events, namespace_name); at;
         at = store_next(events, namespace_name, at)) {
        const struct event *event = (const struct event *) at->object;
        bool is_of_volume = text_equal(event->reason, "FailedMount") || text_equal(event->reason, "FailedAttachVolume");
        int64_t time_us = disruption_event_time(event);
        if (is_of_volume && event_is_about(event, pod) && time_us > context->now.wall_us - TRACE_COUNTS_US &&
            (!newest || time_us > disruption_event_time(newest))) {
            newest = event;
        }
    }
    return newest;
}

/*
 * A container that is being created says nothing of a volume that it waits for; Events do. A pod with an address of its
 * own has its volumes: they come first.
 */
static bool lacks_volume(const struct check_context *context, const struct pod *pod, const char *container,
                         struct obstacle *ret_obstacle)
{
    static const enum model_kind kinds[] = {MODEL_EVENTS_FAILED_CREATE, MODEL_EVENTS_FAILED_MOUNT,
                                            MODEL_EVENTS_FAILED_ATTACH};
    if (!text_is_empty(pod->pod_ip) && !text_equal(pod->pod_ip, pod->host_ip)) {
        return false;
    }
    const struct event *newest = NULL;
    for (size_t i = 0; i < array_length(kinds); i++) {
        newest = newest_trace(context, kinds[i], pod, newest);
    }
    if (!newest) {
        return false;
    }
    int64_t over_in_ms = (disruption_event_time(newest) + TRACE_COUNTS_US - context->now.wall_us) / 1000;
    finding_wake_at(context, context->now.monotonic_ms + over_in_ms + 1);
    *ret_obstacle = (struct obstacle){.kind = OBSTACLE_VOLUME,
                                      .container = container,
                                      .reason = newest->reason,
                                      .message = newest->message,
                                      .since_us = taken_up_us(pod)};
    return true;
}

static enum obstacle_kind kind_of_reason(const char *reason)
{
    if (text_equal(reason, "CreateContainerConfigError")) {
        return OBSTACLE_CONFIGURATION;
    }
    static const char *const images[] = {"ErrImagePull",      "ImagePullBackOff",         "InvalidImageName",
                                         "ErrImageNeverPull", "ImageInspectError",        "RegistryUnavailable",
                                         "ErrInvalidImage",   "SignatureValidationFailed"};
    for (size_t i = 0; i < array_length(images); i++) {
        if (text_equal(reason, images[i])) {
            return OBSTACLE_IMAGE;
        }
    }
    return OBSTACLE_CONTAINER;
}

/* Once it has run, what keeps it is ContainerRestarting's. */
static bool has_never_run(const struct container_status *status)
{
    return status->restart_count == 0 && !status->last_state.is_terminated && !status->state.is_terminated &&
           status->state.running_since_us == 0;
}

static bool container_waits(const struct check_context *context, const struct pod *pod,
                            const struct container_status *status, struct obstacle *ret_obstacle)
{
    const char *reason = status->state.waiting_reason;
    /* Behind an init container that is at work is where a container has to wait. */
    if (!has_never_run(status) || text_is_empty(reason) || text_equal(reason, "PodInitializing") ||
        text_equal(reason, "CrashLoopBackOff")) {
        return false;
    }
    if (text_equal(reason, "ContainerCreating")) {
        return lacks_volume(context, pod, status->name, ret_obstacle);
    }
    *ret_obstacle = (struct obstacle){.kind = kind_of_reason(reason),
                                      .container = status->name,
                                      .reason = reason,
                                      .message = status->state.waiting_message,
                                      .since_us = taken_up_us(pod)};
    return true;
}

/*
 * The first that holds up the others: init containers and native sidecars start one after the other, before the rest.
 * Until the first of them begins, they all wait as PodInitializing, and where volumes are missing that is all there is.
 */
static bool find_obstacle(const struct check_context *context, const struct pod *pod, struct obstacle *ret_obstacle)
{
    if (lacks_node(pod, ret_obstacle)) {
        return true;
    }
    bool has_begun = false;
    record_list_each (const struct container_status *, init, &pod->init_container_statuses) {
        has_begun = has_begun || !has_never_run(init);
        if (container_waits(context, pod, init, ret_obstacle)) {
            return true;
        }
    }
    record_list_each (const struct container_status *, status, &pod->container_statuses) {
        has_begun = has_begun || !has_never_run(status);
        if (container_waits(context, pod, status, ret_obstacle)) {
            return true;
        }
    }
    bool is_being_set_up = !has_begun && pod->init_container_statuses.count > 0;
    return is_being_set_up && lacks_volume(context, pod, NULL, ret_obstacle);
}

/* `: "what somebody else wrote"`, cut and made printable; "" where there is nothing. Owned. */
static char *quote(const char *text)
{
    char cut[QUOTED_BYTES];
    text_copy_cut(cut, sizeof cut, text ? text : "");
    text_make_printable(cut);
    for (size_t end = strlen(cut); end > 0 && cut[end - 1] == ' '; end--) {
        cut[end - 1] = '\0';
    }
    return text_is_empty(cut) ? xstrdup("") : xasprintf(": \"%s\"", cut);
}

static bool product_runs(const struct server *server)
{
    record_list_each (const struct container_status *, status, &server->pod->container_statuses) {
        if (server->product && text_equal(status->name, server->product->name)) {
            return status->state.running_since_us != 0;
        }
    }
    return false;
}

static void say_pending(const struct check_context *context, const struct subject *subject,
                        const struct obstacle *obstacle)
{
    const char *pod = subject->meta->name;
    char reason[64];
    text_copy_cut(reason, sizeof reason, text_is_empty(obstacle->reason) ? "no reason given" : obstacle->reason);
    text_make_printable(reason);
    cleanup_free char *quoted = quote(obstacle->message);
    cleanup_free char *what =
        obstacle->container
            ? xasprintf("Container %s of pod %s does not start", obstacle->container, pod)
            : xasprintf("Pod %s %s", pod, obstacle->kind == OBSTACLE_NODE ? "has no node to run on" : "does not start");
    cleanup_free char *message =
        xasprintf("%s (%s%s): %s.", what, reason, quoted,
                  product_runs(subject->server) ? "the server runs without what that container is for"
                                                : "the cluster is short of a server meanwhile");
    cleanup_free char *action = xasprintf("%s: kubectl -n %s describe pod %s", obstacles[obstacle->kind].action,
                                          subject->meta->namespace_name, pod);
    raise_on_subject(context, subject,
                     (struct finding_draft){
                         .cause = obstacles[obstacle->kind].cause,
                         .message = message,
                         .action = action,
                         .true_since_us = obstacle->since_us,
                         .hold_ms = -1,
                     });
}

void check_server_pending(const struct check_context *context)
{
    subject_each(subject, context->cluster)
    {
        struct obstacle obstacle;
        if (subject->server && find_obstacle(context, subject->server->pod, &obstacle)) {
            say_pending(context, subject, &obstacle);
        }
    }
}
