#include "proget/core/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proget/core/memory.h"

static struct json_object *parsed(const char *text)
{
    struct json_object *value = NULL;
    struct error err = {0};
    if (json_parse(text, strlen(text), &value, &err) != 0) {
        fail_msg("%s: %s", text, err.text);
    }
    return value;
}

static void takes_whole_values(void **state)
{
    (void) state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"null", "null"},
        {" true \n", "true"},
        {"12", "12"},
        {"-0.5 ", "-0.5"},
        {"12\n", "12"},
        {"\"\"", "\"\""},
        {"\t{}\r\n", "{}"},
        {"[]", "[]"},
        {"{\"a\":{\"b\":[1,2.50,\"x/y\"]}}", "{\"a\":{\"b\":[1,2.50,\"x/y\"]}}"},
        {"{\"a\":1,\"a\":2}", "{\"a\":2}"}, /* the last one counts */
        {"\"\\u00e4\\ud83d\\ude00\"", "\"\xc3\xa4\xf0\x9f\x98\x80\""},
        {"\"\xc3\xa4\xf0\x9f\x98\x80\"", "\"\xc3\xa4\xf0\x9f\x98\x80\""},
        {"9223372036854775807", "9223372036854775807"},
        {"{\"a\":\"\\u0000\"}", "{\"a\":\"\\u0000\"}"},
        {"{\"\\\\u0000\":\"\\\\\"}", "{\"\\\\u0000\":\"\\\\\"}"},
        {"[\"\\u0000\" ]", "[\"\\u0000\"]"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_json struct json_object *value = parsed(cases[i].text);
        assert_string_equal(json_text(value), cases[i].expected);
    }
}

static void refuses_what_is_not_json(void **state)
{
    (void) state;
#define CASE(text, why)             \
    {                               \
        text, sizeof(text) - 1, why \
    }
    static const struct {
        const char *text;
        size_t length;
        const char *why;
    } cases[] = {
        CASE("", "ends early, at byte 0"),
        CASE("  ", "ends early"),
        CASE("{", "ends early"),
        CASE("{\"a\":", "ends early"),
        CASE("[1,", "ends early"),
        CASE("\"abc", "ends early"),
        CASE("nul", "byte"),
        CASE("tru", "byte"),
        CASE("-", "byte"),
        CASE("1 2", "byte 2"),
        CASE("{} {}", "byte 3"),
        CASE("{}x", "byte 2"),
        CASE("[1,]", "byte 3"),
        CASE("{\"a\":1,}", "byte 7"),
        CASE("{'a':1}", "byte 1"),
        CASE("{a:1}", "byte 1"),
        CASE("[NaN]", "byte"),
        CASE("[Infinity]", "byte"),
        CASE("True", "byte"),
        CASE("/* x */ 1", "byte"),
        CASE("{\"a\":1}\0", "NUL byte at byte 7"),
        CASE("\"a\0b\"", "NUL byte at byte 2"),
        CASE("\"\xff\"", "invalid UTF-8 at byte 1"),
        CASE("\"\xc0\x80\"", "invalid UTF-8 at byte 1"),         /* overlong */
        CASE("\"\xe0\x9f\xbf\"", "invalid UTF-8 at byte 1"),     /* overlong */
        CASE("\"\xed\xa0\x80\"", "invalid UTF-8 at byte 1"),     /* surrogate */
        CASE("\"\xf4\x90\x80\x80\"", "invalid UTF-8 at byte 1"), /* above U+10FFFF */
        CASE("\"\xf0\x8f\xbf\xbf\"", "invalid UTF-8 at byte 1"), /* overlong */
        CASE("\"a\xc3", "invalid UTF-8 at byte 2"),
        CASE("\"\xe2\x82", "invalid UTF-8 at byte 1"),
        CASE("\"\xf0\x9f\x98", "invalid UTF-8 at byte 1"),
        CASE("{'a\\u0000':1}", "unexpected character at byte 1"),
        CASE("[01]", "malformed number at byte 1"),
        CASE("-01", "malformed number at byte 0"),
        CASE("[1.]", "malformed number"),
        CASE("[1e]", "malformed number"),
        CASE("[1.e1]", "malformed number"),
        CASE("[--1]", "malformed number"),
        CASE("1-2", "byte 1"),
        CASE("[1e+]", "malformed number"),
        CASE("[\"a\nb\"]", "control character in a string at byte 3"),
        CASE("]", "byte 0"),
        CASE("{\"metadata\\u0000x\":1}", "NUL in a member's name at byte 1"),
        CASE("{\"a\":\"\\\"\\u0000\",\"b\\u0000\" \n:1}", "NUL in a member's name at byte 16"),
    };
#undef CASE
    for (size_t i = 0; i < array_length(cases); i++) {
        struct json_object *untouched = (struct json_object *) &cases;
        struct error err = {0};
        int result = json_parse(cases[i].text, cases[i].length, &untouched, &err);
        if (result != ERROR_BAD_INPUT || strstr(err.text, cases[i].why) == NULL) {
            fail_msg("case %zu '%s': %d '%s'", i, cases[i].text, result, err.text);
        }
        assert_ptr_equal(untouched, &cases);
        assert_int_equal(err.code, ERROR_BAD_INPUT);
    }
}

static void error_text_has_no_content(void **state)
{
    (void) state;
    const char *text = "{\"password\":\"hunter2\" hunter2}";
    struct json_object *value = NULL;
    struct error err = {0};
    assert_int_equal(json_parse(text, strlen(text), &value, &err), ERROR_BAD_INPUT);
    assert_null(strstr(err.text, "hunter2"));
    assert_int_equal(json_parse(text, strlen(text), &value, NULL), ERROR_BAD_INPUT);
}

static int parse_nested(size_t depth, char opener, const char *inner)
{
    struct buffer text = BUFFER_INIT(4096);
    for (size_t i = 0; i < depth; i++) {
        buffer_append_text(&text, opener == '[' ? "[" : "{\"a\":");
    }
    buffer_append_text(&text, inner);
    for (size_t i = 0; i < depth; i++) {
        buffer_append_text(&text, opener == '[' ? "]" : "}");
    }
    struct json_object *value = NULL;
    int result = json_parse(text.data, text.length, &value, NULL);
    json_object_put(value);
    buffer_free(&text);
    return result;
}

static void bounds_the_depth(void **state)
{
    (void) state;
    assert_int_equal(parse_nested(BOUND_JSON_DEPTH, '[', ""), 0);
    assert_int_equal(parse_nested(BOUND_JSON_DEPTH, '[', "1"), 0);
    assert_int_equal(parse_nested(BOUND_JSON_DEPTH, '{', "1"), 0);
    assert_int_equal(parse_nested(BOUND_JSON_DEPTH + 1, '[', ""), ERROR_BAD_INPUT);
    assert_int_equal(parse_nested(BOUND_JSON_DEPTH + 1, '{', "1"), ERROR_BAD_INPUT);
    assert_int_equal(parse_nested(1000, '[', ""), ERROR_BAD_INPUT);
}

/* Each prefix of a document is refused: whole input or nothing. */
static void refuses_each_prefix(void **state)
{
    (void) state;
    const char *text = "{\"a\": [1, -2.5e3, true, null, \"x\\n\\u00e4\", {}], \"b\": {\"c\": \"\"}}";
    for (size_t length = 0; length < strlen(text); length++) {
        char *copy = xmalloc(length); /* exactly sized, so that reading past it is found */
        memcpy(copy, text, length);
        struct json_object *value = NULL;
        assert_int_equal(json_parse(copy, length, &value, NULL), ERROR_BAD_INPUT);
        assert_null(value);
        free(copy);
    }
    cleanup_json struct json_object *value = parsed(text);
    assert_non_null(value);
}

static void finds_members_by_path(void **state)
{
    (void) state;
    cleanup_json struct json_object *value = parsed(
        "{\"spec\":{\"name\":\"x\",\"names\":\"y\",\"count\":3,\"on\":true,\"none\":null,\"list\":[1]},\"a\":1}");
    assert_string_equal(json_text_at(value, "spec.name", "-"), "x");
    assert_string_equal(json_text_at(value, "spec.nam", "-"), "-");
    assert_string_equal(json_text_at(value, "spec.count", "-"), "-");
    assert_string_equal(json_text_at(value, "spec.none", "-"), "-");
    assert_null(json_text_at(value, "a.b.c", NULL));
    assert_int_equal(json_int64_at(value, "spec.count", -1), 3);
    assert_int_equal(json_int64_at(value, "spec.name", -1), -1);
    assert_true(json_bool_at(value, "spec.on", false));
    assert_true(json_bool_at(value, "spec.count", true));
    assert_null(json_at(value, "spec.none"));
    assert_null(json_at(value, "spec.list.a"));
    assert_ptr_equal(json_at(value, ""), value);
    assert_null(json_member(NULL, "a"));
    assert_null(json_member(json_at(value, "spec.list"), "a"));
    assert_null(json_at(NULL, "a.b"));
}

static void builds_trees(void **state)
{
    (void) state;
    cleanup_json struct json_object *value = json_object_new_object();
    json_add_text(value, "text", "a/b");
    json_add_text(value, "absent", NULL);
    json_add_int64(value, "number", INT64_MIN);
    json_add_bool(value, "truth", false);
    json_add_time(value, "time", INT64_C(1795330800) * 1000000);
    json_add_time(value, "never", 0);
    json_add_text(json_add_object(value, "object"), "a", "b");
    json_object_array_add(json_add_array(value, "array"), json_object_new_int(1));
    assert_string_equal(json_text(value), "{\"text\":\"a/b\",\"number\":-9223372036854775808,\"truth\":false,"
                                          "\"time\":\"2026-11-22T07:00:00Z\",\"object\":{\"a\":\"b\"},\"array\":[1]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_whole_values),
        cmocka_unit_test(refuses_what_is_not_json),
        cmocka_unit_test(error_text_has_no_content),
        cmocka_unit_test(bounds_the_depth),
        cmocka_unit_test(refuses_each_prefix),
        cmocka_unit_test(finds_members_by_path),
        cmocka_unit_test(builds_trees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
