/*
 * Chains of controllers: which workload a pod belongs to, and whether that is rolling out.
 */
#ifndef PROGET_MODEL_WORKLOADS_H
#define PROGET_MODEL_WORKLOADS_H

#include "proget/model/model.h"

struct workload_top {
    const struct workload *workload; /* NULL: none, or not known */
    const char *kind, *name;         /* NULL: none */
};

/* The kinds of workloads, in the order in which ties are broken. */
enum { WORKLOAD_KIND_COUNT = 4 };
extern const enum model_kind workload_kinds[WORKLOAD_KIND_COUNT];

/* The owner with `controller: true`; NULL: none. */
const struct object_owner *object_controller(const struct object_meta *meta);
/* Owned by a Job (so by a CronJob too): such a pod is no server. */
bool pod_is_of_job(const struct pod *pod);

/* Texts are borrowed from the stores, or from `arena` where a name had to be made. */
struct model_arena;
struct workload_top workload_top_of_pod(const struct model *model, const struct pod *pod, struct model_arena *arena);
/* Nobody's controller is above it, as far as that is ours to follow: a ReplicaSet of a Deployment is none. */
bool workload_is_top(const struct workload *workload);

/* Pods are being replaced by newer ones. `has_leaving_pod`: one of its pods is terminating. */
bool workload_is_rolling_out(const struct workload *workload, bool has_leaving_pod);

/* By namespace-free name, then kind: a total order within one namespace. */
int workload_compare(const struct workload *a, const struct workload *b);

#endif
