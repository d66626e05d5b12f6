/*
 * What an assembly works on: one namespace at a time. Everything lives in the arena of the result.
 */
#ifndef PROGET_MODEL_ASSEMBLY_H
#define PROGET_MODEL_ASSEMBLY_H

#include "model_arena.h"
#include "model_private.h"
#include "workloads.h"

struct candidate; /* discovery.c */

/* A cluster before its servers are filled in. */
struct cluster_draft {
    const struct cluster_resource *resource; /* NULL: implied */
    bool is_discovered;                      /* the operator's own */
    const struct cluster_resource *superseded_by;
    const struct cluster_resource **overlaps; /* NULL until there is one */
    size_t overlap_count;
    const char *name;
    enum product product;
    struct json_object *implied_spec; /* handed on to the cluster */
    struct cluster_draft *next;
};

struct placed_pod {
    const struct store_entry *entry;
    const struct pod *pod;
    struct workload_top top;
    struct cluster_draft *owner; /* NULL: no cluster's */
    struct candidate *candidate; /* NULL: of nothing that implies a cluster */
};

struct placed_workload { /* tops of chains only */
    const struct workload *workload;
    struct cluster_draft *owner; /* whose selector its template matches */
    struct candidate *candidate;
};

struct namespace_view {
    struct model *model;
    struct model_arena *arena;
    const char *name;
    struct placed_pod *pods;
    size_t pod_count;
    struct placed_workload *workloads; /* sorted */
    size_t workload_count;
    struct cluster_draft *drafts; /* declared ones first, in the order of precedence */
    struct cluster_draft **drafts_end;
};

struct cluster_draft *namespace_view_add_draft(struct namespace_view *view);

#endif
