/*
 * A model filled from JSON as `kubectl get -o json` gives it. In the snippets ' stands for ".
 */
#ifndef TEST_MODEL_FIXTURE_H
#define TEST_MODEL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proget/core/json.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/model/disruption.h"
#include "proget/model/model.h"

#define UNUSED_MAYBE __attribute__((unused))

UNUSED_MAYBE static struct json_object *fixture_json(const char *quoted)
{
    cleanup_free char *text = xstrdup(quoted);
    for (char *at = text; *at != '\0'; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    struct json_object *json = NULL;
    struct error err = {0};
    if (json_parse(text, strlen(text), &json, &err) < 0) {
        fail_msg("%s in %s", err.text, text);
    }
    return json;
}

/* One record, alone. Owned. */
UNUSED_MAYBE static void *fixture_record(const struct record_type *type, const char *quoted)
{
    cleanup_json struct json_object *json = fixture_json(quoted);
    void *record = NULL;
    struct error err = {0};
    if (record_fill(type, json, &record, NULL, &err) < 0) {
        fail_msg("%s in %s", err.text, quoted);
    }
    return record;
}

/* 2026-11-22T07:00:00Z, and the monotonic clock at that time. */
static const int64_t fixture_wall_us = INT64_C(1795330800) * CLOCK_US_PER_SECOND;
static const int64_t fixture_monotonic_ms = INT64_C(1000000);

UNUSED_MAYBE static struct instant fixture_after(int64_t seconds)
{
    return (struct instant){.wall_us = fixture_wall_us + seconds * CLOCK_US_PER_SECOND,
                            .monotonic_ms = fixture_monotonic_ms + seconds * 1000};
}

UNUSED_MAYBE static void fixture_put_at(struct model *model, enum model_kind kind, int64_t seconds, const char *quoted)
{
    cleanup_json struct json_object *json = fixture_json(quoted);
    struct error err = {0};
    if (store_upsert(model_store(model, kind), json, fixture_after(seconds), &err) < 0) {
        fail_msg("%s in %s", err.text, quoted);
    }
}

UNUSED_MAYBE static void fixture_put(struct model *model, enum model_kind kind, const char *quoted)
{
    fixture_put_at(model, kind, 0, quoted);
}

UNUSED_MAYBE static void fixture_remove(struct model *model, enum model_kind kind, const char *namespace_name,
                                        const char *name)
{
    cleanup_free char *quoted = xasprintf("{'metadata': {'namespace': '%s', 'name': '%s'}}", namespace_name, name);
    cleanup_json struct json_object *json = fixture_json(quoted);
    store_remove(model_store(model, kind), json);
}

/* An operator that has synced: nothing is there, everything is observed. */
UNUSED_MAYBE static struct model *fixture_live(void)
{
    struct model *model = model_new(&(struct model_options){.discover = true});
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        store_mark_filled(model_store(model, (enum model_kind) kind));
    }
    return model;
}

UNUSED_MAYBE static struct model *fixture_offline(void)
{
    return model_new(&(struct model_options){.discover = true, .offline = true});
}

UNUSED_MAYBE static const struct cluster *fixture_cluster(const struct cluster_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (text_equal(list->items[i].name, name)) {
            return &list->items[i];
        }
    }
    fail_msg("no cluster %s among %zu", name, list->count);
    return NULL;
}

/*
 * A pod of namespace "proget" with label app=proget and the product's image; `more_meta` and `more_spec` go into those
 * objects (each starting with a comma, or empty), `status` is the whole of it. Its uid is "uid-" and its name. Owned.
 */
UNUSED_MAYBE static char *fixture_pod(const char *name, const char *more_meta, const char *more_spec,
                                      const char *status)
{
    return xasprintf(
        "{'metadata': {'namespace': 'proget', 'name': '%s', 'uid': 'uid-%s', 'creationTimestamp': "
        "'2026-11-22T06:00:00Z', 'labels': {'app': 'proget'} %s}, 'spec': {'containers': [{'name': 'proget', 'image': "
        "'proget.inedo.com/productimages/inedo/proget:25.0.13'}] %s}, 'status': %s}",
        name, name, more_meta, more_spec, status);
}

#endif
