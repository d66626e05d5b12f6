#include "proget/core/selector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proget/core/memory.h"

static void *filled(const struct record_type *type, const char *text)
{
    cleanup_json struct json_object *value = NULL;
    struct error err = {0};
    void *block = NULL;
    if (json_parse(text, strlen(text), &value, &err) != 0 || record_fill(type, value, &block, NULL, &err) != 0) {
        fail_msg("%s: %s", text, err.text);
    }
    return block;
}

struct labelled {
    struct record_list labels;
};
static const struct record_field labelled_fields[] = {
    {"", RECORD_TEXT_MAP, offsetof(struct labelled, labels), NULL, NULL},
};
static const struct record_type labelled_type = RECORD_TYPE("labels", struct labelled, labelled_fields);

static void matches_labels(void **state)
{
    (void) state;
    static const struct {
        const char *selector, *labels;
        bool expected;
    } cases[] = {
        {"{}", "{}", true},
        {"{}", "{\"a\":\"1\"}", true},
        {"{\"matchLabels\":{\"a\":\"1\"}}", "{\"a\":\"1\",\"b\":\"2\"}", true},
        {"{\"matchLabels\":{\"a\":\"1\"}}", "{\"a\":\"2\"}", false},
        {"{\"matchLabels\":{\"a\":\"1\"}}", "{}", false},
        {"{\"matchLabels\":{\"a\":\"\"}}", "{\"a\":\"\"}", true},
        {"{\"matchLabels\":{\"a\":\"\"}}", "{}", false},
        {"{\"matchLabels\":{\"b\":\"2\",\"a\":\"1\"}}", "{\"c\":\"3\",\"b\":\"2\",\"a\":\"1\"}", true},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"1\",\"2\"]}]}", "{\"a\":\"2\"}",
         true},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"1\",\"2\"]}]}", "{\"a\":\"3\"}",
         false},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"1\"]}]}", "{}", false},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\"}]}", "{\"a\":\"1\"}", false},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"NotIn\",\"values\":[\"1\"]}]}", "{\"a\":\"2\"}", true},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"NotIn\",\"values\":[\"1\"]}]}", "{}", true},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"NotIn\",\"values\":[\"1\"]}]}", "{\"a\":\"1\"}", false},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"NotIn\"}]}", "{}", false},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\"}]}", "{\"a\":\"\"}", true},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\"}]}", "{\"b\":\"\"}", false},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\",\"values\":[\"1\"]}]}", "{\"a\":\"1\"}", false},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"DoesNotExist\"}]}", "{\"b\":\"\"}", true},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"DoesNotExist\"}]}", "{\"a\":\"\"}", false},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Gt\",\"values\":[\"1\"]}]}", "{\"a\":\"2\"}", false},
        {"{\"matchExpressions\":[{\"key\":\"a\"}]}", "{\"a\":\"2\"}", false},
        {"{\"matchExpressions\":[{\"operator\":\"DoesNotExist\"}]}", "{}", false},
        {"{\"matchLabels\":{\"a\":\"1\"},\"matchExpressions\":[{\"key\":\"b\",\"operator\":\"Exists\"}]}",
         "{\"a\":\"1\"}", false},
        {"{\"matchLabels\":{\"a\":\"1\"},\"matchExpressions\":[{\"key\":\"b\",\"operator\":\"Exists\"}]}",
         "{\"a\":\"1\",\"b\":\"\"}", true},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free struct selector *selector = filled(&selector_type, cases[i].selector);
        cleanup_free struct labelled *labelled = filled(&labelled_type, cases[i].labels);
        if (selector_matches(selector, &labelled->labels) != cases[i].expected) {
            fail_msg("%s over %s is not %d", cases[i].selector, cases[i].labels, cases[i].expected);
        }
    }
}

static void knows_when_it_is_empty(void **state)
{
    (void) state;
    static const struct {
        const char *selector;
        bool expected;
    } cases[] = {
        {"{}", true},
        {"{\"matchLabels\":{},\"matchExpressions\":[]}", true},
        {"{\"matchLabels\":{\"a\":\"1\"}}", false},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\"}]}", false},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free struct selector *selector = filled(&selector_type, cases[i].selector);
        assert_int_equal(selector_is_empty(selector), cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_labels),
        cmocka_unit_test(knows_when_it_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
