/*
 * The evictions of a cluster that are younger than a day: from its history, offline from the ProGetCluster's status,
 * and from the pods themselves. One per pod uid, newest first. Pure.
 */
#ifndef PROGET_CHECKS_RECENT_EVICTION_H
#define PROGET_CHECKS_RECENT_EVICTION_H

#include "proget/checks/check.h"

#define EVICTION_STANDS_MS ((int64_t) 24 * 60 * 60 * 1000)

struct recent_eviction { /* texts borrowed */
    const char *pod, *uid, *node, *cause, *message;
    int64_t time_us;             /* 0: the pod does not tell */
    const struct server *server; /* NULL: the pod is gone */
};
struct recent_eviction_list {
    struct recent_eviction *items;
    size_t count;
};

void recent_eviction_collect(const struct check_context *context, struct recent_eviction_list *ret_list);
void recent_eviction_clear(struct recent_eviction_list *list);
#define cleanup_recent_evictions __attribute__((cleanup(recent_eviction_clear)))

#endif
