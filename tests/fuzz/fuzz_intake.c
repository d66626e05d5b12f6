/*
 * Objects of others: whatever an object of a kind holds, it is stored or refused, and clusters can be assembled and
 * followed with it. The first byte names the kind (modulo their number), the rest is the object as JSON.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proget/core/json.h"
#include "proget/core/memory.h"
#include "proget/model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

static const struct instant now = {.wall_us = INT64_C(1795330800) * CLOCK_US_PER_SECOND, .monotonic_ms = 1000000};

/* Something for the object to meet: two clusters, a workload, a pod and its heartbeat. */
static const struct {
    enum model_kind kind;
    const char *text;
} neighbours[] = {
    {MODEL_CLUSTERS, "{\"metadata\":{\"namespace\":\"n\",\"name\":\"main\",\"uid\":\"c\"},\"spec\":{\"servers\":2,"
                     "\"selector\":{\"matchLabels\":{\"app\":\"proget\"}}},\"status\":{\"members\":[{\"name\":\"gone\","
                     "\"uid\":\"ug\"}]}}"},
    {MODEL_STATEFUL_SETS,
     "{\"metadata\":{\"namespace\":\"n\",\"name\":\"s\",\"uid\":\"us\",\"generation\":1},\"spec\":{"
     "\"selector\":{\"matchLabels\":{\"app\":\"other\"}},\"template\":{\"metadata\":{\"labels\":{"
     "\"app\":\"other\"}},\"spec\":{\"containers\":[{\"image\":\"otter\"}]}}}}"},
    {MODEL_PODS, "{\"metadata\":{\"namespace\":\"n\",\"name\":\"p\",\"uid\":\"up\",\"labels\":{\"app\":\"proget\"},"
                 "\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\",\"name\":\"r-1\",\"uid\":"
                 "\"ur\",\"controller\":true}]},\"spec\":{\"nodeName\":\"a\",\"containers\":[{\"name\":\"c\",\"image\":"
                 "\"proget\"}]},\"status\":{\"phase\":\"Running\"}}"},
    {MODEL_LEASES, "{\"metadata\":{\"namespace\":\"n\",\"name\":\"proget-p\",\"ownerReferences\":[{\"kind\":\"Pod\","
                   "\"uid\":\"up\"}]},\"spec\":{\"renewTime\":\"2026-11-22T07:00:00.000000Z\"}}"},
};

static void put(struct model *model, enum model_kind kind, const char *text, size_t length, int must_work)
{
    cleanup_json struct json_object *object = NULL;
    struct error err;
    int result = json_parse(text, length, &object, &err);
    if (result == 0) {
        result = store_upsert(model_store(model, kind), object, now, &err);
    }
    require(!must_work || result == 1);
    require(result >= 0 || strlen(err.text) > 0);
}

static void follow(struct model *model)
{
    struct cluster_list list;
    model_assemble(model, now, &list);
    for (size_t i = 0; i < list.count; i++) {
        const struct cluster *cluster = &list.items[i];
        require(cluster->name != NULL && cluster->namespace_name != NULL);
        require(cluster->live_count <= cluster->server_count);
        if (cluster->history != NULL) {
            struct history *history = model_history(model, cluster->resource);
            (void) history_observe(history, model, cluster, now);
            require(!history_observe(history, model, cluster, now)); /* nothing happened since */
        }
    }
    cluster_list_free(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    enum model_kind kind = (enum model_kind)(data[0] % MODEL_KIND_COUNT);
    for (int offline = 0; offline < 2; offline++) {
        struct model *model = model_new(&(struct model_options){.discover = true, .offline = offline != 0});
        for (int i = 0; i < MODEL_KIND_COUNT; i++) {
            store_mark_filled(model_store(model, (enum model_kind) i));
        }
        for (size_t i = 0; i < array_length(neighbours); i++) {
            put(model, neighbours[i].kind, neighbours[i].text, strlen(neighbours[i].text), 1);
        }
        follow(model);
        put(model, kind, (const char *) data + 1, size - 1, 0);
        follow(model);
        model_free(model);
    }
    return 0;
}
