#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "proget/core/error.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

static void comparing_takes_null(void **state)
{
    (void) state;
    assert_true(text_equal(NULL, NULL));
    assert_false(text_equal(NULL, ""));
    assert_false(text_equal("", NULL));
    assert_true(text_equal("name", "name"));
    assert_false(text_equal("name", "namespace"));
    assert_true(text_equal_ignore_case("ProGet", "pROgET"));
    assert_false(text_equal_ignore_case("ProGet", "ProGets"));
    assert_false(text_equal_ignore_case("ProGets", "ProGet"));
    assert_false(text_equal_ignore_case("[", "{")); /* differ by the bit that makes letters lower case */
    assert_true(text_equal_ignore_case(NULL, NULL));
    assert_false(text_equal_ignore_case(NULL, "a"));
}

static void parts_are_found(void **state)
{
    (void) state;
    assert_true(text_starts_with("proget-0", "proget"));
    assert_true(text_starts_with("proget", ""));
    assert_false(text_starts_with("pro", "proget"));
    assert_false(text_starts_with(NULL, ""));
    assert_true(text_ends_with("pgvault/proget", "/proget"));
    assert_true(text_ends_with("proget", ""));
    assert_false(text_ends_with("get", "proget"));
    assert_false(text_ends_with("proget", NULL));
    assert_true(text_is_empty(NULL));
    assert_true(text_is_empty(""));
    assert_false(text_is_empty(" "));
    assert_true(text_contains_ignore_case("The SQL Server is gone", "sql server"));
    assert_true(text_contains_ignore_case("aab", "AB"));
    assert_true(text_contains_ignore_case("", ""));
    assert_false(text_contains_ignore_case("ab", "abc"));
    assert_false(text_contains_ignore_case(NULL, ""));
}

static void distances_count_letters(void **state)
{
    char longest[TEXT_DISTANCE_LENGTH_MAX + 2];
    (void) state;
    assert_int_equal(text_distance_ignore_case("", ""), 0);
    assert_int_equal(text_distance_ignore_case("CoScheduled", "coscheduled"), 0);
    assert_int_equal(text_distance_ignore_case("Evicted", ""), 7);
    assert_int_equal(text_distance_ignore_case("", "Evicted"), 7);
    assert_int_equal(text_distance_ignore_case("kitten", "sitting"), 3);
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_true(text_distance_ignore_case(longest, "a") == SIZE_MAX);
    assert_true(text_distance_ignore_case("a", longest) == SIZE_MAX);
    longest[TEXT_DISTANCE_LENGTH_MAX] = '\0';
    assert_int_equal(text_distance_ignore_case(longest, "a"), TEXT_DISTANCE_LENGTH_MAX - 1);
}

static void numbers_are_checked_whole(void **state)
{
    static const struct {
        const char *text;
        int64_t minimum, maximum;
        int result;
        int64_t value;
    } cases[] = {
        {"0", 0, 10, 0, 0},
        {"10", 0, 10, 0, 10},
        {"11", 0, 10, ERROR_BAD_INPUT, 0},
        {"-1", 0, 10, ERROR_BAD_INPUT, 0},
        {"-1", -1, 10, 0, -1},
        {"-0", 0, 0, 0, 0},
        {"007", 0, 10, 0, 7},
        {"9223372036854775807", INT64_MIN, INT64_MAX, 0, INT64_MAX},
        {"9223372036854775808", INT64_MIN, INT64_MAX, ERROR_BAD_INPUT, 0},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, 0, INT64_MIN},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, ERROR_BAD_INPUT, 0},
        {"99999999999999999999999", INT64_MIN, INT64_MAX, ERROR_BAD_INPUT, 0},
        {"", 0, 10, ERROR_BAD_INPUT, 0},
        {NULL, 0, 10, ERROR_BAD_INPUT, 0},
        {"-", -10, 10, ERROR_BAD_INPUT, 0},
        {"+1", 0, 10, ERROR_BAD_INPUT, 0},
        {" 1", 0, 10, ERROR_BAD_INPUT, 0},
        {"1 ", 0, 10, ERROR_BAD_INPUT, 0},
        {"1x", 0, 10, ERROR_BAD_INPUT, 0},
        {"0x1", 0, 10, ERROR_BAD_INPUT, 0},
        {"--1", -10, 10, ERROR_BAD_INPUT, 0},
    };

    (void) state;
    for (size_t index = 0; index < array_length(cases); index++) {
        int64_t value = 42;

        assert_int_equal(text_parse_int64(cases[index].text, cases[index].minimum, cases[index].maximum, &value),
                         cases[index].result);
        assert_true(value == (cases[index].result == 0 ? cases[index].value : 42));
    }
}

static void copies_are_cut_between_characters(void **state)
{
    static const struct {
        const char *source;
        size_t size;
        const char *expected;
    } cases[] = {
        {"abc", 4, "abc"},
        {"abcd", 4, "..."},
        {"abcde", 5, "a..."},
        {"abc", 3, ".."},
        {"abc", 1, ""},
        {"", 1, ""},
        {NULL, 4, ""},
        {"a\xc3\xa4"
         "bcd",
         6, "a..."},
        {"a\xc3\xa4"
         "bcde",
         7, "a\xc3\xa4..."},
        {"\xf0\x9f\x98\x80xyz", 7, "..."},
    };

    (void) state;
    for (size_t index = 0; index < array_length(cases); index++) {
        cleanup_free char *target = xmalloc(cases[index].size); /* exact, so that a byte too many is found */

        text_copy_cut(target, cases[index].size, cases[index].source);
        assert_string_equal(target, cases[index].expected);
    }
}

static void only_printable_characters_are_left(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"plain text", "plain text"},
        {"", ""},
        {"a\nb\tc\x1b[0m\x7f", "a?b?c?[0m?"},
        {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xc2\x85", "?"}, /* next line, a control character beyond ASCII */
        {"a\xe2\x80\xae"
         "b\xe2\x81\xa6"
         "c",
         "a?b?c"},                        /* right-to-left override, isolate */
        {"\xe2\x80\xa8", "?"},            /* line separator */
        {"\xef\xbb\xbf", "?"},            /* byte order mark */
        {"\xe2\x80\x8d", "\xe2\x80\x8d"}, /* joiner: scripts need it */
        {"\xff\xfe", "??"},               /* never in UTF-8 */
        {"\xc0\xaf", "??"},               /* overlong */
        {"\xe0\x80\xaf", "???"},          /* overlong */
        {"\xed\xa0\x80", "???"},          /* surrogate */
        {"\xf4\x90\x80\x80", "????"},     /* beyond U+10FFFF */
        {"x\xe2\x82", "x??"},             /* cut at the end */
        {"\xe2\x82z", "??z"},             /* cut by another character */
        {"\xf0\x9f\xbf\xbf", "?"},        /* U+1FFFF, no character */
    };

    (void) state;
    for (size_t index = 0; index < array_length(cases); index++) {
        cleanup_free char *text = xstrdup(cases[index].text);

        text_make_printable(text);
        assert_string_equal(text, cases[index].expected);
        text_make_printable(text);
        assert_string_equal(text, cases[index].expected);
    }
}

static void hexadecimal_is_lower_case(void **state)
{
    static const uint8_t bytes[] = {0x00, 0x9f, 0xa0, 0xff};
    char target[2 * sizeof(bytes) + 1];

    (void) state;
    text_to_hex(target, bytes, sizeof(bytes));
    assert_string_equal(target, "009fa0ff");
    text_to_hex(target, bytes, 0);
    assert_string_equal(target, "");
}

static void hash_is_fnv_1a_and_can_be_continued(void **state)
{
    (void) state;
    /* The published test values of FNV-1a, 64 bit. */
    assert_true(text_hash(TEXT_HASH_SEED, "", 0) == UINT64_C(0xcbf29ce484222325));
    assert_true(text_hash(TEXT_HASH_SEED, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(text_hash(TEXT_HASH_SEED, "foobar", 6) == UINT64_C(0x85944171f73967e8));
    assert_true(text_hash(text_hash(TEXT_HASH_SEED, "foo", 3), "bar", 3) == UINT64_C(0x85944171f73967e8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing_takes_null),
        cmocka_unit_test(distances_count_letters),
        cmocka_unit_test(parts_are_found),
        cmocka_unit_test(numbers_are_checked_whole),
        cmocka_unit_test(copies_are_cut_between_characters),
        cmocka_unit_test(only_printable_characters_are_left),
        cmocka_unit_test(hexadecimal_is_lower_case),
        cmocka_unit_test(hash_is_fnv_1a_and_can_be_continued),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
