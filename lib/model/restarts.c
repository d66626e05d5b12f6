#include "proget/model/restarts.h"

#include <stdlib.h>
#include <string.h>

#include "proget/core/clock.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { RESTARTS_TOLD_MAX = 2 }; /* by one status: that of its run, and that of the run before */

/* --- one status --- */

bool container_is_crash_looping(const struct container_status *status)
{
    return text_equal(status->state.waiting_reason, "CrashLoopBackOff");
}

static bool state_is_lost(const struct container_state *state)
{
    return state->is_terminated && text_equal(state->terminated_reason, "ContainerStatusUnknown");
}

bool container_is_lost(const struct container_status *status)
{
    return state_is_lost(&status->last_state);
}

const struct container_state *container_last_exit(const struct container_status *status)
{
    const struct container_state *state = status->state.is_terminated ? &status->state : &status->last_state;
    return state->is_terminated && !state_is_lost(state) ? state : NULL;
}

/* When the run began whose number is the count of restarts: the one under way, else the last one. */
static int64_t run_started_us(const struct container_status *status)
{
    if (status->state.is_terminated) {
        return status->state.started_us;
    }
    if (status->state.waiting_reason == NULL) {
        return status->state.running_since_us ? status->state.running_since_us : status->last_state.finished_us;
    }
    return status->last_state.started_us;
}

/* A run under way or just over has the one before it in its last state. */
static int64_t run_before_started_us(const struct container_status *status)
{
    return status->state.waiting_reason == NULL && !container_is_lost(status) ? status->last_state.started_us : 0;
}

/* Newest first; those of known time, and the newest in any case. */
static size_t restarts_told(const struct container_status *status, int64_t count, int64_t seen_ms,
                            struct restart ret_restarts[RESTARTS_TOLD_MAX])
{
    size_t told = 0;
    if (count > 0) {
        ret_restarts[told++] = (struct restart){.number = count, .time_us = run_started_us(status), .seen_ms = seen_ms};
    }
    int64_t before_us = run_before_started_us(status);
    if (count > 1 && before_us != 0) {
        ret_restarts[told++] = (struct restart){.number = count - 1, .time_us = before_us, .seen_ms = seen_ms};
    }
    return told;
}

static int64_t pod_started_us(const struct pod *pod)
{
    return pod->started_us ? pod->started_us : pod->meta.created_us;
}

/* All of them fit into the window, for the pod itself was no older at the newest. */
static bool is_frequent_by_age(const struct pod *pod, const struct restart *newest)
{
    int64_t started_us = pod_started_us(pod);
    return newest->number >= RESTARTS_TOO_MANY && started_us != 0 && newest->time_us != 0 &&
           (newest->time_us - started_us) / 1000 <= RESTARTS_WINDOW_MS;
}

/* --- memory --- */

static int64_t gap_ms(const struct restart *newer, const struct restart *older)
{
    if (newer->time_us != 0 && older->time_us != 0) {
        return (newer->time_us - older->time_us) / 1000;
    }
    return newer->seen_ms - older->seen_ms;
}

static void memory_note(struct restart_memory *memory, const struct restart *restart)
{
    if (memory->count > 0 && restart->number <= memory->newest[0].number) {
        return;
    }
    if (memory->count > 0 && gap_ms(restart, &memory->newest[0]) > RESTARTS_WINDOW_MS) {
        memory->is_frequent = false;
        memory->has_been_quiet = true;
    }
    size_t kept = memory->count < RESTARTS_TOO_MANY ? memory->count : RESTARTS_TOO_MANY - 1;
    memmove(&memory->newest[1], &memory->newest[0], kept * sizeof(memory->newest[0]));
    memory->newest[0] = *restart;
    memory->count = kept + 1;
    for (size_t i = 1; i < memory->count; i++) {
        bool is_near = gap_ms(restart, &memory->newest[i]) <= RESTARTS_WINDOW_MS;
        /* Between two known ones lie those that nobody saw. */
        if (is_near && restart->number - memory->newest[i].number + 1 >= RESTARTS_TOO_MANY) {
            memory->is_frequent = true;
        }
    }
}

static void memory_note_status(struct restart_memory *memory, const struct pod *pod,
                               const struct container_status *status, int64_t seen_ms)
{
    const struct container_state *ended = container_last_exit(status);
    if (ended != NULL && ended->started_us != 0 && ended->finished_us != 0 &&
        (ended->finished_us - ended->started_us) / 1000 >= RESTARTS_RECOVERED_MS) {
        memory->is_looping = false;
        memory->has_run_long = true;
    }
    memory->is_looping = memory->is_looping || container_is_crash_looping(status);
    struct restart told[RESTARTS_TOLD_MAX];
    size_t count = restarts_told(status, status->restart_count - memory->lost, seen_ms, told);
    for (size_t i = count; i > 0; i--) {
        memory_note(memory, &told[i - 1]);
    }
    if (count > 0 && is_frequent_by_age(pod, &told[0])) {
        memory->is_frequent = true;
    }
}

/* --- following --- */

static char *key_of(const struct pod *pod, const char *container)
{
    return xasprintf("%s/%s", pod->meta.uid, container);
}

static void follow_container(struct map *restarts, const struct pod *before, const struct pod *after,
                             const struct container_status *status, int64_t seen_ms)
{
    const struct container_status *previous = before == NULL ? NULL : pod_container_status(before, status->name);
    bool has_grown = previous != NULL && status->restart_count > previous->restart_count;
    bool is_looping = container_is_crash_looping(status) || (previous != NULL && container_is_crash_looping(previous));
    cleanup_free char *key = key_of(after, status->name);
    struct restart_memory *memory = map_get(restarts, key);
    if (memory == NULL && !has_grown && !is_looping) {
        return;
    }
    if (memory == NULL) {
        if (map_count(restarts) >= RESTARTS_FOLLOWED_MAX) {
            map_remove(restarts, map_key(map_first(restarts)));
        }
        memory = xcalloc(1, sizeof(*memory));
        map_put(restarts, key, memory);
        if (previous != NULL) {
            memory->lost = container_is_lost(previous) ? 1 : 0;
            memory_note_status(memory, before, previous, seen_ms);
        }
    }
    memory->lost += has_grown && container_is_lost(status) ? 1 : 0;
    memory_note_status(memory, after, status, seen_ms);
}

static void forget(struct map *restarts, const struct pod *pod)
{
    const struct record_list *const lists[] = {&pod->container_statuses, &pod->init_container_statuses};
    for (size_t i = 0; i < array_length(lists); i++) {
        record_list_each (const struct container_status *, status, lists[i]) {
            if (status->name != NULL) {
                cleanup_free char *key = key_of(pod, status->name);
                map_remove(restarts, key);
            }
        }
    }
}

void restarts_follow(struct map *restarts, const struct pod *before, const struct pod *after, int64_t seen_ms)
{
    bool is_same = before != NULL && after != NULL && text_equal(before->meta.uid, after->meta.uid);
    if (before != NULL && !is_same && !text_is_empty(before->meta.uid)) {
        forget(restarts, before);
    }
    if (after == NULL || text_is_empty(after->meta.uid)) {
        return;
    }
    const struct record_list *const lists[] = {&after->container_statuses, &after->init_container_statuses};
    for (size_t i = 0; i < array_length(lists); i++) {
        record_list_each (const struct container_status *, status, lists[i]) {
            if (status->name != NULL) {
                follow_container(restarts, is_same ? before : NULL, after, status, seen_ms);
            }
        }
    }
}

const struct restart_memory *restarts_find(const struct map *restarts, const struct pod *pod, const char *container)
{
    if (text_is_empty(pod->meta.uid) || container == NULL) {
        return NULL;
    }
    cleanup_free char *key = key_of(pod, container);
    return map_get(restarts, key);
}

void restart_view_make(const struct restart_memory *memory, const struct pod *pod,
                       const struct container_status *status, struct restart_view *ret_view)
{
    struct restart_view view = {0};
    int64_t lost = memory != NULL ? memory->lost : container_is_lost(status);
    view.count = status->restart_count > lost ? status->restart_count - lost : 0;
    if (memory != NULL) {
        view.is_looping = memory->is_looping;
        view.is_frequent = memory->is_frequent;
        view.has_run_long = memory->has_run_long;
        view.has_been_quiet = memory->has_been_quiet;
    }
    struct restart told[RESTARTS_TOLD_MAX];
    size_t count = restarts_told(status, view.count, 0, told);
    view.has_newest = count > 0 && told[0].time_us != 0;
    if (count > 0) {
        view.newest = told[0];
        view.is_frequent = view.is_frequent || is_frequent_by_age(pod, &told[0]);
    }
    if (memory != NULL && memory->count > 0 && memory->newest[0].number == view.newest.number) {
        view.newest = memory->newest[0];
        view.has_newest = true;
    }
    *ret_view = view;
}
