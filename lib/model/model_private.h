/*
 * What the parts of the model share.
 */
#ifndef PROGET_MODEL_PRIVATE_H
#define PROGET_MODEL_PRIVATE_H

#include "disruptions.h"
#include "proget/core/map.h"
#include "proget/model/model.h"
#include "proget/model/restarts.h"

struct model_listener { /* one per store, so that a listener knows which kind it hears of */
    struct model *model;
    enum model_kind kind;
};

struct model {
    struct model_options options;
    struct store *stores[MODEL_KIND_COUNT];
    struct model_listener listeners[MODEL_KIND_COUNT];
    char *unobserved[MODEL_KIND_COUNT];
    bool is_missing[MODEL_KIND_COUNT];
    struct map *heartbeats;   /* of struct heartbeat_slot, by the Lease's key in its store */
    struct map *histories;    /* of struct history, by the ProGetCluster's uid */
    struct map *product_like; /* of size_t: pods and workloads with one of the products in them, by namespace */
    struct disruptions disruptions;
    struct map *restarts; /* of struct restart_memory: restarts_follow() */
    bool is_behind;       /* Leases cannot be seen since behind_since_ms */
    int64_t behind_since_ms;
    int64_t served_until_ms; /* monotonic; INT64_MAX: nobody told */
    bool awaits_answer;      /* a heartbeat is overdue that was not called stale yet, for want of an answer */
    bool has_changed;
    struct node_load *node_load;
    bool has_load_changed;
};

/* "" where a manifest names none: to a store, NULL would be all of them. */
static inline const char *object_namespace(const struct object_meta *meta)
{
    return meta->namespace_name == NULL ? "" : meta->namespace_name;
}

#endif
