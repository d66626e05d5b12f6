#include "proget/core/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proget/core/buffer.h"
#include "proget/core/memory.h"

struct probe {
    const char *port;
    int64_t period_seconds;
};
struct variable {
    const char *name;
    const char *value;
};
struct container {
    bool is_ready; /* a bool first and between, to try the alignment */
    const char *name;
    struct record_list variables;
    struct record_list arguments;
    bool is_tty;
    const struct probe *probe;
};
struct sample {
    const char *name;
    bool has_empty_dir;
    int64_t created_us;
    struct record_optional_int64 grace_seconds;
    struct record_optional_bool is_automounted;
    struct record_list labels;
    struct record_list annotations;
    struct record_list containers;
};

static const struct record_field probe_fields[] = {
    {"httpGet.port", RECORD_SCALAR_TEXT, offsetof(struct probe, port), NULL, NULL},
    {"periodSeconds", RECORD_INT64, offsetof(struct probe, period_seconds), NULL, NULL},
};
static const struct record_type probe_type = RECORD_TYPE("probe", struct probe, probe_fields);

static bool keep_proget_variable(const char *key, struct json_object *value)
{
    return key == NULL && strncmp(json_text_at(value, "name", ""), "PROGET_", 7) == 0;
}

static bool keep_own_annotation(const char *key, struct json_object *value)
{
    return value != NULL && strncmp(key, "proget-operator.io/", 19) == 0;
}

static const struct record_field variable_fields[] = {
    {"name", RECORD_TEXT, offsetof(struct variable, name), NULL, NULL},
    {"value", RECORD_TEXT, offsetof(struct variable, value), NULL, NULL},
};
static const struct record_type variable_type = RECORD_TYPE("variable", struct variable, variable_fields);

static const struct record_field container_fields[] = {
    {"ready", RECORD_BOOL, offsetof(struct container, is_ready), NULL, NULL},
    {"name", RECORD_TEXT, offsetof(struct container, name), NULL, NULL},
    {"env", RECORD_LIST, offsetof(struct container, variables), &variable_type, keep_proget_variable},
    {"args", RECORD_TEXT_LIST, offsetof(struct container, arguments), NULL, NULL},
    {"tty", RECORD_BOOL, offsetof(struct container, is_tty), NULL, NULL},
    {"livenessProbe", RECORD_OBJECT, offsetof(struct container, probe), &probe_type, NULL},
};
static const struct record_type container_type = RECORD_TYPE("container", struct container, container_fields);

static const struct record_field sample_fields[] = {
    {"metadata.name", RECORD_TEXT, offsetof(struct sample, name), NULL, NULL},
    {"metadata.creationTimestamp", RECORD_TIME, offsetof(struct sample, created_us), NULL, NULL},
    {"metadata.labels", RECORD_TEXT_MAP, offsetof(struct sample, labels), NULL, NULL},
    {"metadata.annotations", RECORD_TEXT_MAP, offsetof(struct sample, annotations), NULL, keep_own_annotation},
    {"spec.emptyDir", RECORD_PRESENT, offsetof(struct sample, has_empty_dir), NULL, NULL},
    {"spec.grace", RECORD_OPTIONAL_INT64, offsetof(struct sample, grace_seconds), NULL, NULL},
    {"spec.automount", RECORD_OPTIONAL_BOOL, offsetof(struct sample, is_automounted), NULL, NULL},
    {"spec.containers", RECORD_LIST, offsetof(struct sample, containers), &container_type, NULL},
};
static const struct record_type sample_type = RECORD_TYPE("Pod", struct sample, sample_fields);

static int try_fill(const char *text, struct sample **ret_sample, uint64_t *ret_hash, struct error *err)
{
    cleanup_json struct json_object *value = NULL;
    struct error parse_err = {0};
    if (json_parse(text, strlen(text), &value, &parse_err) != 0) {
        fail_msg("%s: %s", text, parse_err.text);
    }
    void *block = NULL;
    int result = record_fill(&sample_type, value, &block, ret_hash, err);
    if (result == 0) {
        *ret_sample = block;
    } else {
        assert_null(block);
    }
    return result;
}

static struct sample *filled(const char *text, uint64_t *ret_hash)
{
    struct sample *sample = NULL;
    struct error err = {0};
    if (try_fill(text, &sample, ret_hash, &err) != 0) {
        fail_msg("%s: %s", text, err.text);
    }
    return sample;
}

static void fills_each_kind(void **state)
{
    (void) state;
    cleanup_free struct sample *sample =
        filled("{\"metadata\":{\"name\":\"p\",\"creationTimestamp\":\"2026-11-22T07:00:00Z\",\"unknown\":[{}],"
               "\"labels\":{\"z\":\"26\",\"a\":\"1\",\"m\":\"\",\"n\":null},"
               "\"annotations\":{\"other\":5,\"proget-operator.io/x\":\"y\"}},"
               "\"spec\":{\"emptyDir\":{},\"grace\":0,\"automount\":false,\"containers\":["
               "{\"name\":\"one\",\"ready\":true,\"tty\":true,\"env\":[{\"name\":\"PATH\",\"value\":7},"
               "{\"name\":\"PROGET_A\",\"value\":\"1\"},{\"name\":\"PROGET_B\"}],\"args\":[\"x\",\"\",null],"
               "\"livenessProbe\":{\"httpGet\":{\"port\":8080},\"periodSeconds\":-3}},"
               "{\"name\":\"two\",\"livenessProbe\":{\"httpGet\":{\"port\":\"web\"}}},null,{\"livenessProbe\":{}}]}}",
               NULL);
    assert_string_equal(sample->name, "p");
    assert_int_equal(sample->created_us, INT64_C(1795330800) * 1000000);
    assert_true(sample->has_empty_dir);
    assert_true(sample->grace_seconds.is_set);
    assert_int_equal(sample->grace_seconds.value, 0);
    assert_true(sample->is_automounted.is_set);
    assert_false(sample->is_automounted.value);

    assert_int_equal(sample->labels.count, 4);
    const struct record_pair *labels = sample->labels.items;
    assert_string_equal(labels[0].key, "a");
    assert_string_equal(labels[3].key, "z");
    assert_string_equal(record_map_get(&sample->labels, "z"), "26");
    assert_string_equal(record_map_get(&sample->labels, "m"), "");
    assert_string_equal(record_map_get(&sample->labels, "n"), "");
    assert_null(record_map_get(&sample->labels, "b"));
    assert_int_equal(sample->annotations.count, 1);
    assert_string_equal(record_map_get(&sample->annotations, "proget-operator.io/x"), "y");

    assert_int_equal(sample->containers.count, 4);
    const struct container *containers = sample->containers.items;
    assert_true(containers[0].is_ready && containers[0].is_tty);
    assert_int_equal(containers[0].variables.count, 2);
    const struct variable *variables = containers[0].variables.items;
    assert_string_equal(variables[0].name, "PROGET_A");
    assert_string_equal(variables[0].value, "1");
    assert_null(variables[1].value);
    const char *const *arguments = containers[0].arguments.items;
    assert_int_equal(containers[0].arguments.count, 3);
    assert_string_equal(arguments[0], "x");
    assert_string_equal(arguments[1], "");
    assert_string_equal(arguments[2], "");
    assert_string_equal(containers[0].probe->port, "8080");
    assert_int_equal(containers[0].probe->period_seconds, -3);
    assert_string_equal(containers[1].name, "two");
    assert_string_equal(containers[1].probe->port, "web");
    assert_null(containers[2].name);
    assert_null(containers[2].probe);
    assert_non_null(containers[3].probe);
    assert_null(containers[3].probe->port);

    size_t walked = 0;
    record_list_each (const struct container *, container, &sample->containers) {
        assert_ptr_equal(container, &containers[walked]);
        walked++;
    }
    assert_int_equal(walked, 4);
}

static void leaves_what_is_absent_zeroed(void **state)
{
    (void) state;
    static const char *const cases[] = {
        "{}",
        "{\"metadata\":null,\"spec\":null}",
        "{\"metadata\":{\"name\":null,\"creationTimestamp\":null,\"labels\":{},\"annotations\":{\"a\":\"b\"}}}",
        "{\"spec\":{\"emptyDir\":null,\"grace\":null,\"automount\":null,\"containers\":[]}}",
    };
    struct sample zero;
    memset(&zero, 0, sizeof(zero));
    uint64_t hashes[array_length(cases)];
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free struct sample *sample = filled(cases[i], &hashes[i]);
        assert_memory_equal(sample, &zero, sizeof(zero));
        record_list_each (const struct container *, container, &sample->containers) {
            fail_msg("walked %p of an empty list", (const void *) container);
        }
        assert_null(record_map_get(&sample->labels, ""));
        assert_int_equal(hashes[i], hashes[0]);
    }
}

static void type_errors_name_the_place(void **state)
{
    (void) state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"[]", "Pod: is not an object"},
        {"{\"metadata\":{\"name\":5}}", "Pod: metadata.name is not a text"},
        {"{\"metadata\":{\"name\":\"a\\u0000b\"}}", "metadata.name has a NUL in it"},
        {"{\"metadata\":5}", "Pod: metadata is not an object"},
        {"{\"metadata\":{\"namespace\":\"n\",\"name\":\"p\"},\"spec\":[]}", "Pod n/p: spec is not an object"},
        {"{\"metadata\":{\"name\":\"p\"},\"spec\":{\"grace\":\"5\"}}", "Pod p: spec.grace is not an integer"},
        {"{\"spec\":{\"grace\":1.5}}", "Pod: spec.grace is not an integer"},
        {"{\"spec\":{\"grace\":9223372036854775808}}", "Pod: spec.grace is larger than 64 bits hold"},
        {"{\"spec\":{\"automount\":\"true\"}}", "Pod: spec.automount is not true or false"},
        {"{\"metadata\":{\"creationTimestamp\":\"yesterday\"}}", "Pod: metadata.creationTimestamp is not a time"},
        {"{\"metadata\":{\"creationTimestamp\":5}}", "Pod: metadata.creationTimestamp is not a time"},
        {"{\"metadata\":{\"labels\":[]}}", "Pod: metadata.labels is not a map of texts"},
        {"{\"metadata\":{\"labels\":{\"a/b.c\":true}}}", "Pod: metadata.labels[a/b.c] is not a text"},
        {"{\"metadata\":{\"labels\":{\"a\\nb\":true}}}", "Pod: metadata.labels[a?b] is not a text"},
        {"{\"spec\":{\"containers\":{}}}", "Pod: spec.containers is not a list"},
        {"{\"metadata\":{\"namespace\":\"proget\",\"name\":\"proget-0\"},"
         "\"spec\":{\"containers\":[{},{},{\"name\":1}]}}",
         "Pod proget/proget-0: spec.containers[2].name is not a text"},
        {"{\"spec\":{\"containers\":[5]}}", "Pod: spec.containers[0] is not an object"},
        {"{\"spec\":{\"containers\":[{},{\"env\":[{\"name\":\"A\"},{\"name\":\"PROGET_B\",\"value\":1}]}]}}",
         "Pod: spec.containers[1].env[1].value is not a text"},
        {"{\"spec\":{\"containers\":[{\"args\":[\"a\",{}]}]}}", "Pod: spec.containers[0].args[1] is not a text"},
        {"{\"spec\":{\"containers\":[{\"livenessProbe\":{\"httpGet\":[]}}]}}",
         "Pod: spec.containers[0].livenessProbe.httpGet is not an object"},
        {"{\"spec\":{\"containers\":[{\"livenessProbe\":{\"httpGet\":{\"port\":true}}}]}}",
         "Pod: spec.containers[0].livenessProbe.httpGet.port is no text and no number"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        struct sample *sample = NULL;
        struct error err = {0};
        assert_int_equal(try_fill(cases[i].text, &sample, NULL, &err), ERROR_BAD_INPUT);
        if (strstr(err.text, cases[i].expected) == NULL) {
            fail_msg("%s: '%s'", cases[i].text, err.text);
        }
    }
}

static void index_in_error_counts_what_is_not_kept(void **state)
{
    (void) state;
    struct sample *sample = NULL;
    struct error err = {0};
    const char *text = "{\"spec\":{\"containers\":[{\"env\":[{},{},{\"name\":\"PROGET_X\",\"value\":[]}]}]}}";
    assert_int_equal(try_fill(text, &sample, NULL, &err), ERROR_BAD_INPUT);
    assert_non_null(strstr(err.text, "spec.containers[0].env[2].value"));
}

static void hash_covers_what_is_kept(void **state)
{
    (void) state;
    static const char *const different[] = {
        "{}",
        "{\"metadata\":{\"name\":\"\"}}",
        "{\"metadata\":{\"name\":\"a\"}}",
        "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}",
        "{\"metadata\":{\"labels\":{\"b\":\"a\"}}}",
        "{\"metadata\":{\"labels\":{\"a\":\"\",\"b\":\"\"}}}",
        "{\"metadata\":{\"labels\":{\"a\":\"\"}}}",
        "{\"metadata\":{\"annotations\":{\"proget-operator.io/a\":\"b\"}}}",
        "{\"metadata\":{\"creationTimestamp\":\"2026-11-22T07:00:00Z\"}}",
        "{\"spec\":{\"emptyDir\":{}}}",
        "{\"spec\":{\"grace\":0}}",
        "{\"spec\":{\"grace\":1}}",
        "{\"spec\":{\"automount\":false}}",
        "{\"spec\":{\"automount\":true}}",
        "{\"spec\":{\"containers\":[{}]}}",
        "{\"spec\":{\"containers\":[{},{}]}}",
        "{\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]}}",
        "{\"spec\":{\"containers\":[{\"name\":\"b\"},{\"name\":\"a\"}]}}",
        "{\"spec\":{\"containers\":[{\"ready\":true}]}}",
        "{\"spec\":{\"containers\":[{\"tty\":true}]}}",
        "{\"spec\":{\"containers\":[{\"args\":[\"ab\",\"c\"]}]}}",
        "{\"spec\":{\"containers\":[{\"args\":[\"a\",\"bc\"]}]}}",
        "{\"spec\":{\"containers\":[{\"args\":[\"a\"]}]}}",
        "{\"spec\":{\"containers\":[{\"livenessProbe\":{}}]}}",
        "{\"spec\":{\"containers\":[{\"livenessProbe\":{\"periodSeconds\":1}}]}}",
        "{\"spec\":{\"containers\":[{\"livenessProbe\":{\"httpGet\":{\"port\":1}}}]}}",
        "{\"spec\":{\"containers\":[{\"env\":[{\"name\":\"PROGET_A\"}]}]}}",
        "{\"spec\":{\"containers\":[{\"env\":[{\"name\":\"PROGET_A\",\"value\":\"\"}]}]}}",
    };
    uint64_t hashes[array_length(different)];
    for (size_t i = 0; i < array_length(different); i++) {
        free(filled(different[i], &hashes[i]));
        for (size_t j = 0; j < i; j++) {
            if (hashes[i] == hashes[j]) {
                fail_msg("%s and %s have one hash", different[i], different[j]);
            }
        }
    }

    static const char *const same[][2] = {
        {"{\"metadata\":{\"labels\":{\"a\":\"1\",\"b\":\"2\"},\"name\":\"x\"}}",
         "{\"metadata\":{\"name\":\"x\",\"labels\":{\"b\":\"2\",\"a\":\"1\"},\"resourceVersion\":\"7\"}}"},
        {"{\"metadata\":{\"annotations\":{\"other\":\"b\"}}}", "{}"},
        {"{\"spec\":{\"containers\":[{\"livenessProbe\":{\"httpGet\":{\"port\":1}}}]}}",
         "{\"spec\":{\"containers\":[{\"livenessProbe\":{\"httpGet\":{\"port\":\"1\"}}}]}}"},
    };
    for (size_t i = 0; i < array_length(same); i++) {
        uint64_t a = 0, b = 1;
        free(filled(same[i][0], &a));
        free(filled(same[i][1], &b));
        assert_int_equal(a, b);
    }
}

static void holds_its_bounds(void **state)
{
    (void) state;
    struct buffer text = BUFFER_INIT((size_t) BOUND_RECORD_BYTES + 64 * BOUND_LIST_ITEMS);
    for (size_t count = BOUND_LIST_ITEMS; count <= BOUND_LIST_ITEMS + 1; count++) {
        buffer_reset(&text, SIZE_MAX);
        buffer_append_text(&text, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[");
        for (size_t i = 0; i < count; i++) {
            buffer_append_text(&text, i == 0 ? "{}" : ",{}");
        }
        buffer_append_text(&text, "]}}");
        struct sample *sample = NULL;
        struct error err = {0};
        int result = try_fill(buffer_text(&text), &sample, NULL, &err);
        char expected[64];
        snprintf(expected, sizeof(expected), "Pod p: spec.containers has %zu elements, more than", count);
        assert_int_equal(result, count > BOUND_LIST_ITEMS ? ERROR_TOO_LARGE : 0);
        assert_true(result == 0 || strstr(err.text, expected) != NULL);
        free(sample);
    }

    buffer_reset(&text, SIZE_MAX);
    buffer_append_text(&text, "{\"metadata\":{\"name\":\"");
    for (size_t i = 0; i < BOUND_RECORD_BYTES; i++) {
        buffer_append_text(&text, "x");
    }
    buffer_append_text(&text, "\"}}");
    struct sample *sample = NULL;
    struct error err = {0};
    assert_int_equal(try_fill(buffer_text(&text), &sample, NULL, &err), ERROR_TOO_LARGE);
    assert_int_equal(try_fill(buffer_text(&text), &sample, NULL, NULL), ERROR_TOO_LARGE);
    buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_each_kind),
        cmocka_unit_test(leaves_what_is_absent_zeroed),
        cmocka_unit_test(type_errors_name_the_place),
        cmocka_unit_test(index_in_error_counts_what_is_not_kept),
        cmocka_unit_test(hash_covers_what_is_kept),
        cmocka_unit_test(holds_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
