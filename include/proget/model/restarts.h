/*
 * Restarts of containers. The API server keeps no more than a count and how the last run ended, so that what passes by
 * is noted: a pod's status alone does not tell three restarts within an hour from three within a month, nor a
 * container that has recovered from one that is between two crashes. Pure.
 */
#ifndef PROGET_MODEL_RESTARTS_H
#define PROGET_MODEL_RESTARTS_H

#include "proget/core/map.h"
#include "proget/model/pod.h"

#define RESTARTS_WINDOW_MS ((int64_t) 60 * 60 * 1000) /* within which they are too many */
#define RESTARTS_RECOVERED_MS \
    ((int64_t) 10 * 60 * 1000) /* a run of this length ends a crash loop, to the kubelet too */

enum {
    RESTARTS_TOO_MANY = 3,        /* within the window */
    RESTARTS_FOLLOWED_MAX = 4096, /* containers; of more, those followed longest are forgotten */
};

struct restart {
    int64_t number;  /* the container's first is 1 */
    int64_t time_us; /* when it ran again, by its node's clock; 0: not told */
    int64_t seen_ms; /* monotonic: when this process saw it, so it happened no later */
};

/* What was seen of one container since its first restart, or crash loop, under the eyes of this process. */
struct restart_memory {
    struct restart newest[RESTARTS_TOO_MANY]; /* newest first */
    size_t count;
    int64_t lost;        /* counted by the kubelet, and none */
    bool is_looping;     /* in a crash loop, and no run was long enough since */
    bool is_frequent;    /* too many within the window, and no window without one since */
    bool has_run_long;   /* a run that ended was */
    bool has_been_quiet; /* two restarts in a row were further apart than the window */
};

/* What a status says, and what is remembered, of one container. */
struct restart_view {
    int64_t count;                                              /* without those that were none */
    bool has_newest;                                            /* `newest` is known */
    struct restart newest;                                      /* `seen_ms` only where it is remembered; else 0 */
    bool is_looping, is_frequent, has_run_long, has_been_quiet; /* as remembered; is_frequent also as the status says */
};

/* The kubelet puts off starting it again because it keeps ending. */
bool container_is_crash_looping(const struct container_status *status);
/*
 * What is left of the status of an evicted pod's container: counted as a restart by the kubelet, although nothing was
 * started again.
 */
bool container_is_lost(const struct container_status *status);
/* The state of the newest run that has ended: `state`, else `last_state`; NULL: none, or it is lost. */
const struct container_state *container_last_exit(const struct container_status *status);

/* `memory` may be NULL. */
void restart_view_make(const struct restart_memory *memory, const struct pod *pod,
                       const struct container_status *status, struct restart_view *ret_view);

/*
 * Notes what changed of a pod, in a map of struct restart_memory (map_new(free)) by pod uid and container. `before`
 * NULL: the pod is new; `after` NULL: it is gone, and so is what was noted. `seen_ms`: when `after` was seen,
 * monotonic.
 */
void restarts_follow(struct map *restarts, const struct pod *before, const struct pod *after, int64_t seen_ms);
/* NULL: nothing noted. Borrowed until the pod changes. */
const struct restart_memory *restarts_find(const struct map *restarts, const struct pod *pod, const char *container);

#endif
