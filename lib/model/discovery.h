/*
 * Clusters that nobody declared: design section 11.
 */
#ifndef PROGET_MODEL_DISCOVERY_H
#define PROGET_MODEL_DISCOVERY_H

#include "assembly.h"

/*
 * Keeps the index of namespaces in which something runs one of the products: counts by namespace, none that is 0. As a
 * store_change_fn is told.
 */
void discovery_follow(struct map *product_like, enum model_kind kind, const struct store_entry *before,
                      const struct store_entry *after);

/* Adds a draft per implied cluster, and sets `owner` of what belongs to it. Declared ones have taken theirs before. */
void discovery_find(struct namespace_view *view);

/* --- shared with the choice of selectors --- */

struct implied_group;

/* What may imply a cluster: the top of a chain of controllers, or a bare pod. */
struct candidate {
    const char *kind, *name;         /* "Pod" for a bare pod */
    const struct workload *workload; /* NULL: a bare pod, or of a kind that is not read */
    const struct pod_spec *spec;
    const struct container *container;
    const struct record_list *labels; /* of the template, or of one of its pods */
    enum product product;
    bool is_selected; /* a ProGetCluster selects some of it */
    struct implied_group *group;
    struct candidate *next_in_group;
    struct candidate *next;
};

/* Candidates that are one cluster. */
struct implied_group {
    struct candidate *members; /* the first names it */
    struct implied_group *next;
};

/*
 * A selector (as JSON, owned) that selects what belongs to the group in this namespace. Several candidates: just them
 * and nothing else, or NULL. One: its workload's own, unless that selects others' pods too and a better one exists;
 * NULL for a bare pod that its labels do not tell from others.
 */
struct json_object *implied_group_selector(const struct namespace_view *view, const struct implied_group *group);

#endif
