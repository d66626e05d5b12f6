#include "proget/core/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proget/core/buffer.h"
#include "proget/core/memory.h"

/* What was read, one line per value: "<line>:<column> <json>", or "! <problem>". */
struct record_of_reading {
    struct buffer heard;
    size_t stop_after; /* values; 0: never */
    size_t values;
};

static int hear_object(struct json_object *value, struct yaml_position at, void *userdata)
{
    struct record_of_reading *reading = userdata;
    buffer_appendf(&reading->heard, "%zu:%zu ", at.line, at.column);
    buffer_append_text(&reading->heard, json_text(value));
    buffer_append_text(&reading->heard, "\n");
    return ++reading->values == reading->stop_after ? -99 : 0;
}

static void hear_problem(const struct error *err, struct yaml_position at, void *userdata)
{
    struct record_of_reading *reading = userdata;
    cleanup_free char *place = xasprintf("in:%zu:%zu: ", at.line, at.column);
    assert_ptr_equal(strstr(err->text, place), err->text);
    buffer_appendf(&reading->heard, "! %s\n", err->text);
    assert_true(err->code == ERROR_BAD_INPUT || err->code == ERROR_IO);
}

/* Reads from a copy of the exact size, so that reading past the end is found. */
static int read_text(const char *text, size_t length, struct record_of_reading *reading)
{
    char *copy = xmalloc(length);
    memcpy(copy, text, length);
    struct yaml_reader *reader = yaml_reader_open_text(copy, length, "in");
    int result = yaml_read_objects(reader, hear_object, hear_problem, reading);
    yaml_reader_free(reader);
    free(copy);
    return result;
}

/* The same through a stream, which has to give the same. */
static int read_stream(const char *text, size_t length, struct record_of_reading *reading)
{
    FILE *stream = tmpfile();
    assert_non_null(stream);
    assert_int_equal(fwrite(text, 1, length, stream), length);
    rewind(stream);
    struct yaml_reader *reader = yaml_reader_open_file(stream, "in");
    int result = yaml_read_objects(reader, hear_object, hear_problem, reading);
    yaml_reader_free(reader);
    fclose(stream);
    return result;
}

static void assert_reads_bytes(const char *text, size_t length, const char *expected, int expected_result)
{
    for (int from_stream = 0; from_stream <= 1; from_stream++) {
        struct record_of_reading reading = {.heard = BUFFER_INIT((size_t) 4 * 1024 * 1024)};
        int result = from_stream ? read_stream(text, length, &reading) : read_text(text, length, &reading);
        if (strcmp(buffer_text(&reading.heard), expected) != 0 || result != expected_result) {
            fail_msg("---- read:\n%s---- gave %d:\n%s---- expected %d:\n%s", text, result, buffer_text(&reading.heard),
                     expected_result, expected);
        }
        buffer_free(&reading.heard);
    }
}

static void assert_reads(const char *text, const char *expected, int expected_result)
{
    assert_reads_bytes(text, strlen(text), expected, expected_result);
}

static struct json_object *parsed(const char *text)
{
    struct json_object *value = NULL;
    struct error err = {0};
    if (yaml_parse(text, strlen(text), "in", &value, &err) != 0) {
        fail_msg("%s: %s", text, err.text);
    }
    return value;
}

static void resolves_scalars(void **state)
{
    (void) state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"yes", "true"},
        {"Yes", "true"},
        {"yEs", "\"yEs\""},
        {"y", "true"},
        {"ON", "true"},
        {"true", "true"},
        {"no", "false"},
        {"N", "false"},
        {"off", "false"},
        {"FALSE", "false"},
        {"'yes'", "\"yes\""},
        {"\"no\"", "\"no\""},
        {"", "null"},
        {"~", "null"},
        {"null", "null"},
        {"Null", "null"},
        {"nULL", "\"nULL\""},
        {"''", "\"\""},
        {"'null'", "\"null\""},
        {"0", "0"},
        {"-0", "0"},
        {"42", "42"},
        {"+42", "42"},
        {"-42", "-42"},
        {"1_000", "1000"},
        {"010", "8"},
        {"0o17", "15"},
        {"08", "8"},
        {"0x1F", "31"},
        {"-0x1f", "-31"},
        {"0b101", "5"},
        {"0x", "\"0x\""},
        {"0xg", "\"0xg\""},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"9223372036854775808", "9223372036854775808"},
        {"18446744073709551615", "18446744073709551615"},
        {"18446744073709551616", "18446744073709551616.0"},
        {"'42'", "\"42\""},
        {"1.5", "1.5"},
        {"1.50", "1.5"},
        {"-.5", "-0.5"},
        {".5", "0.5"},
        {"5.", "5"},
        {"3.0", "3"},
        {"1e3", "1000"},
        {"2.5e-3", "2.5e-3"},
        {"1e999", "\"1e999\""},
        {"1e", "\"1e\""},
        {"1.2.3", "\"1.2.3\""},
        {"..5", "\"..5\""},
        {"[-]", "[\"-\"]"},
        {"+", "\"+\""},
        {".", "\".\""},
        {"1:30", "\"1:30\""},
        {"100m", "\"100m\""},
        {"2Gi", "\"2Gi\""},
        {"2026-11-22", "\"2026-11-22\""},
        {"2026-11-22T07:00:00Z", "\"2026-11-22T07:00:00Z\""},
        {"!!str 5", "\"5\""},
        {"!!int '5'", "5"},
        {"!!float 5", "5"},
        {"!!bool yes", "true"},
        {"!!null ~", "null"},
        {"!custom 5", "\"5\""},
        {"! 5", "\"5\""},
        {"<<", "\"<<\""},
        {"=", "\"=\""},
        {"\"a\\0b\"", "\"a\\u0000b\""},
        {"\"\\u00e4\\U0001F600\"", "\"\xc3\xa4\xf0\x9f\x98\x80\""},
        {"a: b", "{\"a\":\"b\"}"},
        {"{\"a\":[1,\"1\",true,null,{\"b\":\"\\/\\n\"}]}", "{\"a\":[1,\"1\",true,null,{\"b\":\"/\\n\"}]}"},
        {"{\"a\": yes}", "{\"a\":true}"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        struct buffer text = BUFFER_INIT(4096), expected = BUFFER_INIT(4096);
        buffer_appendf(&text, "-\n  %s\n", cases[i].text);
        buffer_appendf(&expected, "[%s]", cases[i].expected);
        cleanup_json struct json_object *value = NULL;
        struct error err = {0};
        int result = yaml_parse(text.data, text.length, "in", &value, &err);
        if (result != 0 || strcmp(json_text(value), expected.data) != 0) {
            fail_msg("'%s': %d %s %s, not %s", cases[i].text, result, err.text, json_text(value), expected.data);
        }
        buffer_free(&text);
        buffer_free(&expected);
    }
}

static void reads_each_style(void **state)
{
    (void) state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"a: |\n  one\n  two\nb: >-\n  one\n  two\n", "{\"a\":\"one\\ntwo\\n\",\"b\":\"one two\"}"},
        {"a:\n- b: 1\n  c: 2\n- d\n", "{\"a\":[{\"b\":1,\"c\":2},\"d\"]}"},
        {"# comment\n%YAML 1.1\n---\na: 1 # one\n", "{\"a\":1}"},
        {"\xef\xbb\xbf---\r\na: 1\r\nb: x\r\n", "{\"a\":1,\"b\":\"x\"}"},
        {"\xef\xbb\xbf"
         "a: 1\n",
         "{\"a\":1}"},
        {"a: 1\n...\n# done\n", "{\"a\":1}"},
        {"8080: a\ntrue: b\n1.5: c\n", "{\"8080\":\"a\",\"true\":\"b\",\"1.5\":\"c\"}"},
        {"? a\n: b\n", "{\"a\":\"b\"}"},
        {"a: &x [1, 2]\nb: *x\nc: {d: *x}\n", "{\"a\":[1,2],\"b\":[1,2],\"c\":{\"d\":[1,2]}}"},
        {"a: &x one\n*x : 2\n", "{\"a\":\"one\",\"one\":2}"},
        {"a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":1,\"b\":2,\"c\":2}"},
        {"a: &x [&x 1, 2]\nb: *x\n", "{\"a\":[1,2],\"b\":1}"},
        {"---\n---\na: 1\n---\n", "{\"a\":1}"},
        {"items: [1, 2]\nkind: List\n", "{\"items\":[1,2],\"kind\":\"List\"}"}, /* whole, not one by one */
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_json struct json_object *value = parsed(cases[i].text);
        if (strcmp(json_text(value), cases[i].expected) != 0) {
            fail_msg("%s: %s", cases[i].text, json_text(value));
        }
    }
}

/* Checked against sigs.k8s.io/yaml 1.6: what is merged counts from where it stands. */
static void merges_as_the_api_server_does(void **state)
{
    (void) state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"{a: &x {k: 1, z: 2}, b: {<<: *x, k: 6}}", "{\"k\":6,\"z\":2}"},
        {"{a: &x {k: 1, z: 2}, b: {k: 6, <<: *x}}", "{\"k\":1,\"z\":2}"},
        {"{a: &x {k: 1}, y: &y {k: 2, m: 3}, b: {<<: [*x, *y]}}", "{\"k\":1,\"m\":3}"},
        {"{b: {<<: {k: 1}, l: 2}}", "{\"k\":1,\"l\":2}"},
        {"{b: {'<<': {k: 1}}}", "{\"<<\":{\"k\":1}}"},
        {"{b: {<<: {k: 1}, <<: {l: 2}, m: 3}}", "{\"k\":1,\"l\":2,\"m\":3}"},
        {"{b: {<<: []}}", "{}"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_json struct json_object *value = parsed(cases[i].text);
        struct json_object *merged = json_member(value, "b");
        /* The order of members is of no matter to JSON. */
        cleanup_json struct json_object *expected = NULL;
        assert_int_equal(json_parse(cases[i].expected, strlen(cases[i].expected), &expected, NULL), 0);
        if (!json_object_equal(merged, expected)) {
            fail_msg("%s: %s", cases[i].text, json_text(value));
        }
    }
}

static void refuses_with_a_position(void **state)
{
    (void) state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", "in:1:1: no document"},
        {"# nothing\n---\n", "in:1:1: no document"},
        {"a: 1\nb: 2\na: 3\n", "in:3:1: duplicate key \"a\""},
        {"a:\n  b: 1\n  \"b\": 2\n", "in:3:3: duplicate key"},
        {"1: a\n'1': b\n", "in:2:1: duplicate key"},
        {"y: a\ntrue: b\n", "in:2:1: duplicate key"},
        {"{a: &x {k: 1}, b: {k: 1, <<: *x, k: 2}}", "in:1:34: duplicate key"},
        {"{b: {<<: {k: 1}, k: 1, k: 2}}", "in:1:24: duplicate key"},
        {"~: a\n", "in:1:1: a key that is no text"},
        {"? [a]\n: b\n", "in:1:3: a key that is no text"},
        {"? {a: b}\n: b\n", "in:1:3: a key that is no text"},
        {"\"a\\0b\": 1\n", "in:1:1: a key that is no text"},
        {"a: *x\n", "in:1:4: alias of an unknown anchor"},
        {"a: &x [*x]\n", "in:1:8: an anchor's value contains itself"},
        {"a: &x 1\nb: &x [*x]\n", "in:2:8: an anchor's value contains itself"},
        {"a: {<<: 5}\n", "in:1:9: only mappings can be merged"},
        {"a: {<<: [{}, 5]}\n", "in:1:9: only mappings can be merged"},
        {"a: .inf\n", "in:1:4: JSON has no infinity"},
        {"a: -.INF\n", "in:1:4: JSON has no infinity"},
        {"a: .NaN\n", "in:1:4: JSON has no infinity"},
        {"a: !!int x\n", "in:1:4: the value does not fit its tag"},
        {"a: !!bool 1\n", "in:1:4: the value does not fit its tag"},
        {"a: !!binary aGk=\n", "in:1:4: the tag !!binary is not supported"},
        {"a: 1\n---\nb: 2\n", "in:3:1: a second document"},
        {"a: 'b\n", "in:2:1: found unexpected end of stream while scanning a quoted scalar that began at line 1"},
        {"a: b: c\n", "in:1:5: mapping values are not allowed"},
        {"a:\n\tb: 1\n", "in:2:1: a tab where YAML takes only spaces"},
        {"a: [1\n", "in:2:1: did not find expected"},
        {"a: %x\n", "in:1:4: found character that cannot start any token"},
        {"a: 1\nb: \xff\n", "in:2:4: invalid UTF-8"},
        {"a: 1\nb: \xc3\xa4\xed\xa0\x80\n", "in:2:5: invalid UTF-8"},
        {"a: \xc0\x80\n", "in:1:4: invalid UTF-8"},
        {"a: x\xc3", "in:1:5: invalid UTF-8"},
        {"a: \x01\n", "in:1:4: control character"},
        {"\xff\xfe"
         "a",
         "in:1:1: UTF-16"},
        {"a: \xef\xbf\xbe\n", "control characters are not allowed"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        struct json_object *untouched = (struct json_object *) &cases;
        struct error err = {0};
        int result = yaml_parse(cases[i].text, strlen(cases[i].text), "in", &untouched, &err);
        if (result != ERROR_BAD_INPUT || strstr(err.text, cases[i].expected) == NULL || err.code != ERROR_BAD_INPUT) {
            fail_msg("%s: %d '%s', not '%s'", cases[i].text, result, err.text, cases[i].expected);
        }
        assert_ptr_equal(untouched, &cases);
        assert_int_equal(yaml_parse(cases[i].text, strlen(cases[i].text), "in", &untouched, NULL), ERROR_BAD_INPUT);
    }
    struct json_object *value = NULL;
    assert_int_equal(yaml_parse("a: \0", 4, "in", &value, NULL), ERROR_BAD_INPUT);
}

static void hands_out_documents_and_items(void **state)
{
    (void) state;
    assert_reads("", "", 0);
    assert_reads("\n# nothing\n", "", 0);
    assert_reads("a: 1", "1:1 {\"a\":1}\n", 0);
    assert_reads("---\na: 1\n---\n---\n# none\n---\n\n  b: 2\n--- {c: 3}\n---\t[4]\n...\n---\n5\n",
                 "2:1 {\"a\":1}\n8:3 {\"b\":2}\n9:5 {\"c\":3}\n10:5 [4]\n13:1 5\n", 0);
    assert_reads("a: |\n  ---\n  x\n", "1:1 {\"a\":\"---\\nx\\n\"}\n", 0);
    assert_reads("a: ---\n", "1:1 {\"a\":\"---\"}\n", 0);
    assert_reads("---a: 1\n", "1:1 {\"---a\":1}\n", 0);
    assert_reads("a: 1\n...\n%YAML 1.1\n---\nb: 2\n...\n", "1:1 {\"a\":1}\n5:1 {\"b\":2}\n", 0);
    assert_reads("apiVersion: v1\nitems:\n- a: 1\n-\n  b: 2\n- 5\nkind: List\nmetadata: {}\n",
                 "3:3 {\"a\":1}\n5:3 {\"b\":2}\n6:3 5\n", 0);
    assert_reads("{\"items\":[{\"a\":1},{\"b\":[2]}],\"kind\":\"List\"}\n", "1:11 {\"a\":1}\n1:19 {\"b\":[2]}\n", 0);
    assert_reads("kind: PodList\nitems: []\n", "", 0);
    assert_reads("kind: PodList\nitems:\n", "", 0);
    assert_reads("kind: PodList\n", "", 0);
    assert_reads("kind: ConfigMap\nitems: {a: 1}\n", "1:1 {\"kind\":\"ConfigMap\",\"items\":{\"a\":1}}\n", 0);
    assert_reads("spec:\n  items: [1, 2]\n", "1:1 {\"spec\":{\"items\":[1,2]}}\n", 0);
    assert_reads("x: &x [1, {a: 2}]\nitems: *x\n", "1:1 1\n1:1 {\"a\":2}\n", 0);
    assert_reads("items: &x [1, 2]\n", "1:1 1\n1:1 2\n", 0);
    assert_reads("items:\n- &x {a: 1}\n- b: *x\n", "2:3 {\"a\":1}\n3:3 {\"b\":{\"a\":1}}\n", 0);
    assert_reads("items: [1]\n---\nitems: [2]\n", "1:9 1\n3:9 2\n", 0);
}

static void items_of_typed_lists_get_their_kind(void **state)
{
    (void) state;
    assert_reads("{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"items\":[{\"a\":1},{\"kind\":\"Node\"},5]}",
                 "1:46 {\"a\":1,\"kind\":\"Pod\",\"apiVersion\":\"v1\"}\n1:54 {\"kind\":\"Node\"}\n1:70 5\n", 0);
    assert_reads("{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[{\"a\":1}]}", "1:43 {\"a\":1}\n", 0);
}

static void goes_on_behind_what_is_unusable(void **state)
{
    (void) state;
    assert_reads("a: 1\n---\nb: 2\nb: 3\nc: 4\n---\nd: 5\n",
                 "1:1 {\"a\":1}\n! in:4:1: duplicate key \"b\"\n7:1 {\"d\":5}\n", 1);
    assert_reads("a: 'x\n---\nb: 2\n",
                 "! in:2:1: found unexpected end of stream while scanning a quoted scalar that began at line 1\n"
                 "3:1 {\"b\":2}\n",
                 1);
    assert_reads("a: [\n---\nb: 2\n---\nc: }\n---\nd: 3\n",
                 "! in:2:1: did not find expected node content while parsing a flow node that began at line 2\n"
                 "3:1 {\"b\":2}\n"
                 "! in:5:4: did not find expected node content while parsing a block node that began at line 5\n"
                 "7:1 {\"d\":3}\n",
                 1);
    assert_reads("a: 1\n---\nb: \xff\nc: 'x\n---\nd: 3\n---\ne: \x02\n---\nf: 4",
                 "1:1 {\"a\":1}\n! in:3:4: invalid UTF-8\n6:1 {\"d\":3}\n! in:8:4: control character\n10:1 {\"f\":4}\n",
                 1);
    assert_reads("items:\n- a: 1\n- b: 2\n  b: 3\n- c: 4\n---\nd: 5\n",
                 "2:3 {\"a\":1}\n! in:4:3: duplicate key \"b\"\n7:1 {\"d\":5}\n", 1);
    assert_reads("items: [1]\nkind: List\nitems: [2]\n", "1:9 1\n! in:3:1: duplicate key \"items\"\n", 1);
    assert_reads("x: *a\n...\n---\nb: 1\n", "! in:1:4: alias of an unknown anchor\n4:1 {\"b\":1}\n", 1);
    /* An anchor is of its document alone. */
    assert_reads("a: &x 1\n---\nb: *x\n", "1:1 {\"a\":1}\n! in:3:4: alias of an unknown anchor\n", 1);
    assert_reads_bytes("a: 1\n---\nb: \0\n---\nc: 3\n", 23,
                       "1:1 {\"a\":1}\n! in:3:4: control character\n5:1 {\"c\":3}\n", 1);
}

static void ends_when_told_to(void **state)
{
    (void) state;
    static const char *const cases[] = {"items:\n- 1\n- 2\n- 3\n", "1\n---\n2\n---\n3\n", "items: &x [1, 2, 3]\n",
                                        "[\n---\n1\n---\n2\n---\n]"};
    for (size_t i = 0; i < array_length(cases); i++) {
        struct record_of_reading reading = {.heard = BUFFER_INIT(4096), .stop_after = 2};
        assert_int_equal(read_text(cases[i], strlen(cases[i]), &reading), -99);
        assert_int_equal(reading.values, 2);
        buffer_free(&reading.heard);
    }
}

static int parse_nested(size_t depth, const char *opener, const char *closer)
{
    struct buffer text = BUFFER_INIT((size_t) 1024 * 1024);
    for (size_t i = 0; i < depth; i++) {
        buffer_append_text(&text, opener);
    }
    for (size_t i = 0; i < depth; i++) {
        buffer_append_text(&text, closer);
    }
    struct json_object *value = NULL;
    int result = yaml_parse(text.data, text.length, "in", &value, NULL);
    json_object_put(value);
    buffer_free(&text);
    return result;
}

static void bounds_the_depth(void **state)
{
    (void) state;
    assert_int_equal(parse_nested(BOUND_JSON_DEPTH, "[", "]"), 0);
    assert_int_equal(parse_nested(BOUND_JSON_DEPTH, "{a: ", "}"), 0);
    assert_int_equal(parse_nested(BOUND_JSON_DEPTH + 1, "[", "]"), ERROR_BAD_INPUT);
    assert_int_equal(parse_nested(BOUND_JSON_DEPTH + 1, "{a: ", "}"), ERROR_BAD_INPUT);
    /* Such depth takes libyaml minutes: it must not even be stepped over. */
    assert_int_equal(parse_nested(30000, "[", "]"), ERROR_BAD_INPUT);
    assert_int_equal(parse_nested(30000, "{a: 1, a: [", ""), ERROR_BAD_INPUT);
    assert_int_equal(parse_nested(5000, "- ", ""), ERROR_BAD_INPUT);

    /* Depth that comes through aliases counts too. */
    struct buffer text = BUFFER_INIT((size_t) 64 * 1024);
    buffer_append_text(&text, "a0: &a0 [1]\n");
    for (int i = 1; i <= BOUND_JSON_DEPTH; i++) {
        buffer_appendf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    }
    struct json_object *value = NULL;
    struct error err = {0};
    assert_int_equal(yaml_parse(text.data, text.length, "in", &value, &err), ERROR_BAD_INPUT);
    assert_string_equal(err.text, "in:64:12: nested too deep");
    buffer_free(&text);
}

static void bounds_aliases(void **state)
{
    (void) state;
    struct buffer text = BUFFER_INIT((size_t) 64 * 1024);
    buffer_append_text(&text, "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for (int i = 1; i < 12; i++) {
        buffer_appendf(&text, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++) {
            buffer_appendf(&text, "%s*a%d", j == 0 ? "" : ", ", i - 1);
        }
        buffer_append_text(&text, "]\n");
    }
    struct json_object *value = NULL;
    struct error err = {0};
    assert_int_equal(yaml_parse(text.data, text.length, "in", &value, &err), ERROR_BAD_INPUT);
    assert_non_null(strstr(err.text, "too many nodes, aliases expanded"));

    /* The same in items, each of which is small enough. */
    buffer_reset(&text, SIZE_MAX);
    buffer_append_text(&text, "x: &x [1, 1, 1, 1, 1, 1, 1, 1, 1]\n");
    for (int i = 0; i < 5; i++) {
        buffer_append_text(&text, i == 0 ? "y: &y" : "");
        buffer_appendf(&text, "%s", i == 0 ? " [" : "");
        buffer_append_text(&text, "*x, *x, *x, *x, *x, *x, *x, *x, *x, *x, ");
    }
    buffer_append_text(&text, "*x]\nitems:\n");
    for (int i = 0; i < 200; i++) {
        buffer_append_text(&text,
                           "- [*y, *y, *y, *y, *y, *y, *y, *y, *y, *y, *y, *y, *y, *y, *y, *y, *y, *y, *y, *y, *y, "
                           "*y, *y, *y, *y, *y, *y, *y, *y, *y]\n");
    }
    struct record_of_reading reading = {.heard = BUFFER_INIT((size_t) 16 * 1024 * 1024)};
    assert_int_equal(read_text(text.data, text.length, &reading), 1);
    assert_in_range(reading.values, 100, 150);
    assert_non_null(strstr(buffer_text(&reading.heard), "too many nodes, aliases expanded"));
    buffer_free(&reading.heard);
    buffer_free(&text);
}

static int count_object(struct json_object *value, struct yaml_position at, void *userdata)
{
    size_t *count = userdata;
    ++*count;
    assert_int_equal(at.line, *count + 1);
    assert_int_equal(json_int64_at(value, "number", -1), *count);
    return 0;
}

static void fail_on_problem(const struct error *err, struct yaml_position at, void *userdata)
{
    (void) at;
    (void) userdata;
    fail_msg("%s", err->text);
}

/* More nodes than a document may have: a list's items are counted one by one. */
static void streams_long_lists(void **state)
{
    (void) state;
    enum { ITEMS = 20000 };
    struct buffer text = BUFFER_INIT((size_t) 64 * 1024 * 1024);
    buffer_append_text(&text, "items:\n");
    for (int i = 1; i <= ITEMS; i++) {
        buffer_appendf(&text, "- {number: %d, \xc3\xa4: [%s]}\n", i,
                       "1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,"
                       "1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,"
                       "1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9");
    }
    size_t count = 0;
    struct yaml_reader *reader = yaml_reader_open_text(text.data, text.length, "in");
    assert_int_equal(yaml_read_objects(reader, count_object, fail_on_problem, &count), 0);
    yaml_reader_free(reader);
    yaml_reader_free(NULL);
    assert_int_equal(count, ITEMS);
    buffer_free(&text);
}

/* JSON documents one behind the other, as kubectl and jq -c print them. */
static void takes_json_documents_without_markers(void **state)
{
    (void) state;
    static const struct {
        const char *text, *expected;
        int result;
    } cases[] = {
        {"{\"a\":1}\n{\"b\":2}\n[3]\n", "1:1 {\"a\":1}\n2:1 {\"b\":2}\n3:1 [3]\n", 0},
        {"{\"a\":1}{\"b\":2} {\"c\":3}", "1:1 {\"a\":1}\n1:8 {\"b\":2}\n1:16 {\"c\":3}\n", 0},
        {"\n {\n  \"a\": [1,\n 2]\n}\n\n{\n\"b\": {}\n}\n", "2:2 {\"a\":[1,2]}\n7:1 {\"b\":{}}\n", 0},
        {"{\"kind\":\"List\",\"items\":[{\"a\":1},{\"a\":2}]}\n{\"b\":2}\n",
         "1:25 {\"a\":1}\n1:33 {\"a\":2}\n2:1 {\"b\":2}\n", 0},
        {"{\"a\":\"}{\\\"}{\\\\\"}\n{\"b\":\"\\u00e4\"}\n", "1:1 {\"a\":\"}{\\\"}{\\\\\"}\n2:1 {\"b\":\"\xc3\xa4\"}\n",
         0},
        {"---\n# one\n{\"a\":true}\n{\"b\":null}\n---\nc: 3\n---\n{\"d\":-4.5e1}\n{\"e\":5}\n",
         "3:1 {\"a\":true}\n4:1 {\"b\":null}\n6:1 {\"c\":3}\n8:1 {\"d\":-45}\n9:1 {\"e\":5}\n", 0},
        {"--- # {\n{\"a\":1} # }{\n# {\n{\"b\":2}\n", "2:1 {\"a\":1}\n4:1 {\"b\":2}\n", 0},
        {"--- {\"a\":1}\n{\"b\":2}\n", "1:5 {\"a\":1}\n2:1 {\"b\":2}\n", 0},
        {"\xef\xbb\xbf{\"a\":1}\r\n{\"b\":2}\r\n", "1:1 {\"a\":1}\n2:1 {\"b\":2}\n", 0},
        /* A bad one does not spoil the next. */
        {"{\"a\":1,\"a\":2}\n{\"b\":2}\n", "! in:1:8: duplicate key \"a\"\n2:1 {\"b\":2}\n", 1},
        {"{\"a\": }}\n{\"b\":2}\n", "1:1 {\"a\":null}\n! in:1:8: did not find expected <document start>\n", 1},
        {"{\"a\":\"\x01\"}\n{\"b\":2}\n", "! in:1:7: control character\n2:1 {\"b\":2}\n", 1},
        {"{\"a\":1}{\"\xc3\xa4\":\xff}\n{\"b\":2}\n", "! in:1:13: invalid UTF-8\n2:1 {\"b\":2}\n", 1},
        /* YAML needs its markers, whatever it looks like. */
        {"{x: 1}\n{y: 2}\n", "1:1 {\"x\":1}\n! in:2:1: did not find expected <document start>\n", 1},
        {"- {\"a\":1}\n- {\"b\":2}\n", "1:1 [{\"a\":1},{\"b\":2}]\n", 0},
        {"{\"a\":1}: b\nc: d\n", "! in:1:1: a key that is no text\n", 1},
        {"a: |\n  {\"a\":1}\n  {\"b\":2}\n", "1:1 {\"a\":\"{\\\"a\\\":1}\\n{\\\"b\\\":2}\\n\"}\n", 0},
        {"{\"a\":'}{'}\n", "1:1 {\"a\":\"}{\"}\n", 0},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        assert_reads(cases[i].text, cases[i].expected, cases[i].result);
    }
}

static void takes_lists_in_lists_apart(void **state)
{
    (void) state;
    assert_reads(
        "kind: List\nitems:\n- {kind: List, items: [{a: 1}, {kind: PodList, apiVersion: v1, items: [{b: 2}]}]}\n"
        "- {kind: PodList}\n- {c: 3}\n",
        "3:3 {\"a\":1}\n3:3 {\"b\":2,\"kind\":\"Pod\",\"apiVersion\":\"v1\"}\n5:3 {\"c\":3}\n", 0);
}

/* A stream of `lines` times `line`, between `head` and nothing, that is held nowhere. */
struct endless {
    const char *head;
    const char *line;
    size_t lines, at; /* `at`: of the current one */
};

static ssize_t endless_read(void *cookie, char *target, size_t size)
{
    struct endless *endless = cookie;
    const char *part = endless->head != NULL ? endless->head : endless->line;
    if (endless->head == NULL && endless->lines == 0) {
        return 0;
    }
    size_t left = strlen(part + endless->at);
    size_t count = left < size ? left : size;
    memcpy(target, part + endless->at, count);
    endless->at += count;
    if (count == left) {
        endless->lines -= endless->head == NULL ? 1 : 0;
        endless->head = NULL;
        endless->at = 0;
    }
    return (ssize_t) count;
}

static int count_only(struct json_object *value, struct yaml_position at, void *userdata)
{
    struct record_of_reading *reading = userdata;
    (void) value;
    (void) at;
    reading->values++;
    return 0;
}

static int read_endless(const char *head, const char *line, size_t lines, struct record_of_reading *reading)
{
    struct endless endless = {.head = head, .line = line, .lines = lines};
    FILE *stream = fopencookie(&endless, "r", (cookie_io_functions_t){.read = endless_read});
    assert_non_null(stream);
    struct yaml_reader *reader = yaml_reader_open_file(stream, "in");
    int result = yaml_read_objects(reader, count_only, hear_problem, reading);
    yaml_reader_free(reader);
    fclose(stream);
    return result;
}

/* The bound is an object's: a dump may be as long as it likes, unless its anchors hold what was read. */
static void bounds_objects_not_documents(void **state)
{
    (void) state;
    enum { LINE = 2 * 1024 * 1024, ENOUGH = 34 };
    char *line = xmalloc(LINE + 1);
    memset(line, 'x', LINE);
    memcpy(line, "- a: \"", 6);
    memcpy(line + LINE - 2, "\"\n", 3);
    struct record_of_reading reading = {.heard = BUFFER_INIT(4096)};
    assert_int_equal(read_endless("kind: List\nitems:\n", line, ENOUGH, &reading), 0);
    assert_int_equal(reading.values, ENOUGH);
    assert_string_equal(buffer_text(&reading.heard), "");

    reading.values = 0;
    memcpy(line, "- &a \"", 6);
    assert_int_equal(read_endless("kind: List\nitems:\n", line, ENOUGH, &reading), 1);
    assert_in_range(reading.values, 31, 32);
    assert_non_null(strstr(buffer_text(&reading.heard), ": an object of more than 64 MiB"));

    reading.values = 0;
    buffer_reset(&reading.heard, SIZE_MAX);
    memset(line, 'x', 6);
    line[LINE - 2] = 'x';
    assert_int_equal(read_endless("a: \"", line, ENOUGH, &reading), 1);
    assert_int_equal(reading.values, 0);
    assert_non_null(strstr(buffer_text(&reading.heard), ": an object of more than 64 MiB"));
    buffer_free(&reading.heard);
    free(line);
}

static void prints_what_it_reads(void **state)
{
    (void) state;
    static const char *const cases[][2] = {
        {"{\"a\":\"b\",\"c\":[1,-2.5,true,null,\"x y\"],\"d\":{},\"e\":[]}",
         "a: b\nc:\n- 1\n- -2.5\n- true\n- null\n- x y\nd: {}\ne: []\n"},
        {"[\"1\",\"true\",\"\",\"~\",\"no\",\"2026-11-22T07:00:00Z\",\"1Gi\",\"=\",\"<<\"]",
         "- \"1\"\n- \"true\"\n- \"\"\n- \"~\"\n- \"no\"\n- \"2026-11-22T07:00:00Z\"\n- \"1Gi\"\n- \"=\"\n- \"<<\"\n"},
        {"[\"a: b\",\"- x\",\"#\",\"it's\",\"{\",\" x \"]", "- 'a: b'\n- \"- x\"\n- '#'\n- it's\n- '{'\n- ' x '\n"},
        {"{\"1\":{\"yes\":\"a\\nb\"}}", NULL},
        {"[\"\\u001b\\u0000\\u0085\\ufffe\",\"\xc3\xa4\xf0\x9f\x98\x80\",[[[{}]]]]", NULL},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_json struct json_object *value = NULL;
        assert_int_equal(json_parse(cases[i][0], strlen(cases[i][0]), &value, NULL), 0);
        char *text;
        size_t size;
        FILE *target = open_memstream(&text, &size);
        yaml_print(value, target);
        fclose(target);
        if (cases[i][1] != NULL) {
            assert_string_equal(text, cases[i][1]);
        }
        cleanup_json struct json_object *again = parsed(text);
        assert_true(json_object_equal(value, again));
        free(text);
    }
}

/* Whatever a character or a marker does at the border of the reader's buffer. */
static void borders_of_the_buffer_do_not_matter(void **state)
{
    (void) state;
    for (size_t shift = 0; shift < 12; shift++) {
        struct buffer text = BUFFER_INIT((size_t) 1024 * 1024), expected = BUFFER_INIT((size_t) 1024 * 1024);
        buffer_append_text(&text, "a: '");
        buffer_append_text(&expected, "1:1 {\"a\":\"");
        for (size_t i = 0; i < 16 * 1024 - shift; i++) {
            buffer_append_text(&text, "x");
            buffer_append_text(&expected, "x");
        }
        for (size_t i = 0; i < 9000; i++) {
            buffer_append_text(&text, "\xe2\x82\xac");
            buffer_append_text(&expected, "\xe2\x82\xac");
        }
        buffer_append_text(&text, "'\n---\n--- b\n---\n\xe2\x82\n");
        buffer_append_text(&expected, "\"}\n3:5 \"b\"\n! in:5:1: invalid UTF-8\n");
        assert_reads_bytes(text.data, text.length, expected.data, 1);
        buffer_free(&text);
        buffer_free(&expected);
    }
}

static void tells_when_the_stream_fails(void **state)
{
    (void) state;
    FILE *stream = fopen(".", "r"); /* a directory opens and cannot be read */
    assert_non_null(stream);
    struct record_of_reading reading = {.heard = BUFFER_INIT(4096)};
    struct yaml_reader *reader = yaml_reader_open_file(stream, "in");
    assert_int_equal(yaml_read_objects(reader, hear_object, hear_problem, &reading), 1);
    assert_string_equal(buffer_text(&reading.heard), "! in:1:1: cannot be read\n");
    yaml_reader_free(reader);
    fclose(stream);
    buffer_free(&reading.heard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolves_scalars),
        cmocka_unit_test(reads_each_style),
        cmocka_unit_test(merges_as_the_api_server_does),
        cmocka_unit_test(refuses_with_a_position),
        cmocka_unit_test(hands_out_documents_and_items),
        cmocka_unit_test(items_of_typed_lists_get_their_kind),
        cmocka_unit_test(goes_on_behind_what_is_unusable),
        cmocka_unit_test(ends_when_told_to),
        cmocka_unit_test(bounds_the_depth),
        cmocka_unit_test(bounds_aliases),
        cmocka_unit_test(streams_long_lists),
        cmocka_unit_test(takes_json_documents_without_markers),
        cmocka_unit_test(takes_lists_in_lists_apart),
        cmocka_unit_test(bounds_objects_not_documents),
        cmocka_unit_test(prints_what_it_reads),
        cmocka_unit_test(borders_of_the_buffer_do_not_matter),
        cmocka_unit_test(tells_when_the_stream_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
