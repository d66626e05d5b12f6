/*
 * What is remembered of a cluster beyond what the API server holds now: evictions, activations, machines of nodes,
 * members. It lives in the ProGetCluster's status and nowhere else: loaded once, then moved on by observation. Pure.
 */
#ifndef PROGET_MODEL_HISTORY_H
#define PROGET_MODEL_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "proget/core/clock.h"
#include "proget/model/cluster_resource.h"
#include "proget/model/disruption.h"

struct cluster;
struct model;
struct report;

struct eviction {
    int64_t time_us;
    char *pod, *uid, *node, *cause, *message; /* cause: see disruption.h */
};
struct activation {
    char *machine, *major_version; /* "sha256:…", "2025" */
};
struct node_machine {
    char *node, *machine;
};
struct past_server { /* a member, live or gone */
    char *name, *uid, *os, *ip, *node, *version, *machine;
    int64_t last_heartbeat_us;
    int64_t gone_since_us; /* 0: live */
    char *gone_why;        /* "eviction (NodePressure)", "rollout", "scale-down", "deletion" */
};
struct size_change { /* of the number of servers that the workloads want */
    int64_t time_us;
    int64_t from, to;
};
struct unconfirmed_end { /* a server that was deleted while its node was unreachable: it may still run there */
    char *pod, *uid, *node;
    char *node_uid; /* NULL: not known */
    int64_t since_us;
};
struct remembered_finding {
    char *code, *cause, *object_uid, *object_name;
};
struct history {
    struct eviction *evictions; /* newest first, at most BOUND_EVICTIONS_KEPT */
    size_t eviction_count;
    /* Evictions that were new to history_observe(), by cause, for who counts them; there are more than are kept. */
    uint64_t evictions_noted[DISRUPTION_UNKNOWN + 1];
    struct activation *activations;
    size_t activation_count;
    struct node_machine *nodes;
    size_t node_count;
    struct past_server *members; /* in the order of their names */
    size_t member_count;
    struct size_change *size_changes; /* newest first, at most BOUND_SIZE_CHANGES_KEPT, none older than an hour */
    size_t size_change_count;
    struct record_optional_int64 replicas; /* what the workloads wanted when that was last known */
    struct unconfirmed_end *ends;          /* at most BOUND_ENDS_KEPT */
    size_t end_count;
    bool has_begun;                      /* this process has observed the cluster once */
    struct remembered_finding *findings; /* as loaded: what had been raised before this process */
    size_t finding_count;
};

struct history *history_new(void);
void history_free(struct history *history); /* NULL is allowed */
void history_load(struct history *history, const struct cluster_resource *resource);

/*
 * Moves it on by what is seen of the cluster now: disruptions carried out (once per pod uid), licences seen active
 * with their machine and major version, machines of nodes, members that came and went (design section 12; `forget`
 * honoured; gone_why from the eviction, else scale-down, rollout or deletion), changes of the number of servers (not by
 * the first observation of this process: the next one tells them), servers that were deleted while their node was
 * unreachable, until the node is reachable again or gone. Returns true when anything changed that belongs into the
 * status.
 */
bool history_observe(struct history *history, const struct model *model, const struct cluster *cluster,
                     struct instant now);

/* How long a change of the number of servers is kept. */
#define HISTORY_SIZE_CHANGE_KEPT_US ((int64_t) 3600 * CLOCK_US_PER_SECOND)

bool history_knows_activation(const struct history *history, const char *machine, const char *major_version);
/* "2025" of version "2025.13 (Build 2)" or release "25.0.13": what an activation depends on. Owned; NULL: not known. */
char *history_major_version(const struct report *report);
/* The member with that pod uid, live or gone; NULL: none, or no history. Borrowed until the history moves on. */
const struct past_server *history_member(const struct history *history, const char *pod_uid);
bool history_had_finding(const struct history *history, const char *code, const char *object_uid);
bool history_had_finding_of_cause(const struct history *history, const char *code, const char *cause,
                                  const char *object_uid);

#endif
