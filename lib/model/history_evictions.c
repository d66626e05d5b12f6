#include <string.h>

#include "history_private.h"
#include "model_private.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/model/disruption.h"

/* How far an Event without a uid may be from the moment at which its pod was missed. */
static const int64_t trace_distance_us = 600 * CLOCK_US_PER_SECOND;

static enum disruption_cause cause_of(const char *name)
{
    enum disruption_cause cause = DISRUPTION_UNKNOWN;
    while (cause != DISRUPTION_NONE && !text_equal(disruption_cause_name(cause), name)) {
        cause--;
    }
    return cause == DISRUPTION_NONE ? DISRUPTION_UNKNOWN : cause;
}

/* Newest first; what is older than all that are kept is not kept. One pod is evicted once, whatever traces it leaves.
 */
static bool add_eviction(struct history *history, const struct status_eviction *eviction)
{
    if (eviction->uid == NULL || eviction->pod == NULL || history_eviction(history, eviction->uid) != NULL) {
        return false;
    }
    size_t at = 0;
    while (at < history->eviction_count && history->evictions[at].time_us >= eviction->time_us) {
        at++;
    }
    if (at == BOUND_EVICTIONS_KEPT) {
        return false;
    }
    if (history->eviction_count == BOUND_EVICTIONS_KEPT) {
        struct eviction *oldest = &history->evictions[--history->eviction_count];
        free(oldest->pod);
        free(oldest->uid);
        free(oldest->node);
        free(oldest->cause);
        free(oldest->message);
    }
    history->evictions = xrealloc(history->evictions, history->eviction_count + 1, sizeof(*history->evictions));
    struct eviction *place = &history->evictions[at];
    memmove(place + 1, place, (history->eviction_count - at) * sizeof(*place));
    history->eviction_count++;
    history->evictions_noted[cause_of(eviction->cause)]++;
    char message[BOUND_SENTENCE_BYTES] = "";
    if (eviction->message != NULL) {
        text_copy_cut(message, sizeof(message), eviction->message);
        text_make_printable(message);
    }
    *place = (struct eviction){
        .time_us = eviction->time_us,
        .pod = xstrdup(eviction->pod),
        .uid = xstrdup(eviction->uid),
        .node = xstrdup(eviction->node),
        .cause = xstrdup(eviction->cause),
        .message = eviction->message == NULL ? NULL : xstrdup(message),
    };
    return true;
}

static bool observe_server(struct history *history, const struct pod *pod, struct instant now)
{
    struct disruption disruption = disruption_of_pod(pod);
    if (disruption.cause == DISRUPTION_NONE) {
        return false;
    }
    return add_eviction(history, &(struct status_eviction){
                                     .time_us = disruption.time_us == 0 ? now.wall_us : disruption.time_us,
                                     .pod = pod->meta.name,
                                     .uid = pod->meta.uid,
                                     .node = pod->spec.node_name,
                                     .cause = disruption_cause_name(disruption.cause),
                                     .message = disruption.message,
                                 });
}

/* --- what passed by between two evaluations --- */

/* The member that it was: by its uid, else by its name (a StatefulSet's pod that never lived). */
static bool is_of_member(const struct history *history, const struct noted_disruption *noted)
{
    for (size_t i = 0; i < history->member_count; i++) {
        if (text_equal(history->members[i].uid, noted->uid) || text_equal(history->members[i].name, noted->pod)) {
            return true;
        }
    }
    return false;
}

static bool observe_noted(struct history *history, const struct model *model, const struct cluster *cluster,
                          struct instant now)
{
    bool has_changed = false;
    for (size_t i = 0; i < model->disruptions.count; i++) {
        const struct noted_disruption *noted = &model->disruptions.items[i];
        if (!text_equal(noted->namespace_name, cluster->namespace_name) || !is_of_member(history, noted)) {
            continue;
        }
        struct status_eviction eviction = {
            .time_us = noted->time_us == 0 ? now.wall_us : noted->time_us,
            .pod = noted->pod,
            .uid = noted->uid,
            .node = noted->node,
            .cause = disruption_cause_name(noted->cause),
            .message = noted->message,
        };
        has_changed = add_eviction(history, &eviction) || has_changed;
    }
    return has_changed;
}

/* --- traces of pods that are gone --- */

/*
 * The taint manager's Event has no uid. It counts for a gone member of that name, near the time at which it was
 * missed.
 */
static bool event_is_about(const struct event *event, int64_t event_us, const struct past_server *member,
                           struct instant now)
{
    if (!text_is_empty(event->object_uid)) {
        return text_equal(event->object_uid, member->uid);
    }
    int64_t gone_us = member->gone_since_us == 0 ? now.wall_us : member->gone_since_us;
    return text_equal(event->object_name, member->name) && event_us >= gone_us - trace_distance_us &&
           event_us <= gone_us + trace_distance_us;
}

/* A later withdrawal voids a mark: the pod stayed where it was. */
static bool mark_was_cancelled(const struct model *model, const struct event *mark)
{
    const struct store *store = model_read(model, MODEL_EVENTS_TAINT);
    const char *namespace_name = mark->object_namespace;
    for (const struct store_entry *at = store_first(store, namespace_name); at != NULL;
         at = store_next(store, namespace_name, at)) {
        const struct event *event = (const struct event *) (const void *) at->object;
        if (disruption_event_is_cancellation(event) && text_equal(event->object_name, mark->object_name) &&
            disruption_event_time(event) >= disruption_event_time(mark)) {
            return true;
        }
    }
    return false;
}

static bool observe_event(struct history *history, const struct model *model, const struct cluster *cluster,
                          const struct event *event, struct instant now)
{
    struct disruption disruption = disruption_of_event(event);
    if (disruption.cause == DISRUPTION_NONE ||
        (disruption.cause == DISRUPTION_TAINT && mark_was_cancelled(model, event))) {
        return false;
    }
    int64_t time_us = disruption.time_us == 0 ? now.wall_us : disruption.time_us;
    for (size_t i = 0; i < history->member_count; i++) {
        const struct past_server *member = &history->members[i];
        if (event_is_about(event, time_us, member, now) &&
            !pod_exists(model, cluster->namespace_name, member->name, member->uid)) {
            return add_eviction(history, &(struct status_eviction){
                                             .time_us = time_us,
                                             .pod = member->name,
                                             .uid = member->uid,
                                             .node = member->node,
                                             .cause = disruption_cause_name(disruption.cause),
                                             .message = disruption.message,
                                         });
        }
    }
    return false;
}

bool history_observe_evictions(struct history *history, const struct model *model, const struct cluster *cluster,
                               struct instant now)
{
    static const enum model_kind kinds[] = {
        MODEL_EVENTS_FAILED_CREATE, /* offline holds them all */
        MODEL_EVENTS_EVICTED,
        MODEL_EVENTS_PREEMPTED,
        MODEL_EVENTS_TAINT,
    };
    bool has_changed = false;
    for (size_t i = 0; i < cluster->server_count; i++) {
        has_changed = observe_server(history, cluster->servers[i].pod, now) || has_changed;
    }
    has_changed = observe_noted(history, model, cluster, now) || has_changed;
    if (model_unobserved(model, MODEL_PODS) != NULL || !store_is_filled(model_read(model, MODEL_PODS))) {
        return has_changed; /* then no pod is known to be gone */
    }
    for (size_t i = 0; i < array_length(kinds); i++) {
        const struct store *store = model_read(model, kinds[i]);
        for (const struct store_entry *at = store_first(store, cluster->namespace_name); at != NULL;
             at = store_next(store, cluster->namespace_name, at)) {
            const struct event *event = (const struct event *) (const void *) at->object;
            has_changed = observe_event(history, model, cluster, event, now) || has_changed;
        }
    }
    return has_changed;
}
