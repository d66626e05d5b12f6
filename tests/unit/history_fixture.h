/*
 * What the tests of histories share: one declared cluster "main" of namespace "proget", followed as the operator does
 * it: assemble, observe.
 */
#ifndef TEST_HISTORY_FIXTURE_H
#define TEST_HISTORY_FIXTURE_H

#include "model_fixture.h"

#include "proget/core/buffer.h"

#define CLUSTER(annotations, spec, status)                                                           \
    "{'metadata': {'namespace': 'proget', 'name': 'main', 'uid': 'c1', 'annotations': {" annotations \
    "}}, 'spec': {'selector': {'matchLabels': {'app': 'proget'}}" spec "}, 'status': {" status "}}"

UNUSED_MAYBE static void put_pod(struct model *model, const char *name, const char *uid, const char *more_meta,
                                 const char *more_spec, const char *status)
{
    cleanup_free char *meta = xasprintf(", 'uid': '%s' %s", uid, more_meta);
    cleanup_free char *pod = fixture_pod(name, meta, more_spec, status);
    fixture_put(model, MODEL_PODS, pod);
}

UNUSED_MAYBE static struct model *world_new(const char *cluster)
{
    struct model *model = fixture_live();
    fixture_put(model, MODEL_CLUSTERS, cluster);
    return model;
}

UNUSED_MAYBE static bool observe(struct model *model, int64_t seconds)
{
    struct cluster_list list;
    model_assemble(model, fixture_after(seconds), &list);
    const struct cluster *cluster = fixture_cluster(&list, "main");
    struct history *history = model_history(model, cluster->resource);
    bool has_changed = history_observe(history, model, cluster, fixture_after(seconds));
    cluster_list_free(&list);
    return has_changed;
}

UNUSED_MAYBE static const struct history *history_of(struct model *model)
{
    const struct store_entry *entry = store_get(model_read(model, MODEL_CLUSTERS), "proget", "main");
    return model_history(model, (const struct cluster_resource *) (const void *) entry->object);
}

#endif
