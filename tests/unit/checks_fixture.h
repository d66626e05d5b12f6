/*
 * What the tests of the checks share: a model from YAML, and its first cluster with its findings.
 */
#ifndef PROGET_TESTS_CHECKS_FIXTURE_H
#define PROGET_TESTS_CHECKS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "audit.h"
#include "audit_result.h"
#include "proget/checks/evaluation.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/core/yaml.h"

#define FIXTURE_NOW "2026-11-22T12:00:00Z"

struct fixture {
    struct model *model;
    struct instant now;
    struct audit_result result;
};

static inline int fixture_take(struct json_object *value, struct yaml_position at, void *userdata)
{
    (void) at;
    struct fixture *fixture = userdata;
    enum model_kind kind = model_kind_of(json_text_at(value, "apiVersion", NULL), json_text_at(value, "kind", NULL));
    assert_true(kind < MODEL_KIND_COUNT);
    struct error err;
    if (store_upsert(model_store(fixture->model, kind), value, fixture->now, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return 0;
}

static inline void fixture_fail(const struct error *err, struct yaml_position at, void *userdata)
{
    (void) at;
    (void) userdata;
    fail_msg("%s", err->text);
}

static inline void fixture_make(struct fixture *fixture, const char *yaml, const struct model_options *options)
{
    *fixture = (struct fixture){.model = model_new(options)};
    int64_t now_us;
    assert_int_equal(clock_parse(FIXTURE_NOW, &now_us), 0);
    fixture->now = audit_instant(now_us);
    struct yaml_reader *reader = yaml_reader_open_text(yaml, strlen(yaml), "fixture");
    assert_int_equal(yaml_read_objects(reader, fixture_take, fixture_fail, fixture), 0);
    yaml_reader_free(reader);
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        store_mark_filled(model_store(fixture->model, (enum model_kind) kind));
    }
    audit_result_make(fixture->model, fixture->now, &fixture->result);
}

static inline void fixture_offline(struct fixture *fixture, const char *yaml)
{
    fixture_make(fixture, yaml, &(struct model_options){.offline = true, .discover = true});
}

static inline void fixture_clear(struct fixture *fixture)
{
    audit_result_clear(&fixture->result);
    model_free(fixture->model);
}

/* NULL: not found. */
static inline const struct finding *finding_of(const struct finding_list *list, const char *code, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (text_equal(list->items[i].code, code) && (!name || text_equal(list->items[i].object.name, name))) {
            return &list->items[i];
        }
    }
    return NULL;
}

static inline const char *suppressed_of(const struct finding_list *list, const char *code, const char *name)
{
    for (size_t i = 0; i < list->suppressed_count; i++) {
        const struct finding *finding = &list->suppressed[i].finding;
        if (text_equal(finding->code, code) && (!name || text_equal(finding->object.name, name))) {
            return list->suppressed[i].reason;
        }
    }
    return NULL;
}

#endif
