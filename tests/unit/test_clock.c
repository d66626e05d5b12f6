#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <time.h>

#include "proget/core/clock.h"
#include "proget/core/memory.h"

static void timestamps_are_read_and_written(void **state)
{
    static const struct {
        const char *text;
        int64_t wall_us;
        const char *micros; /* as written again */
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000000Z"},
        {"2026-11-22T07:00:00Z", INT64_C(1795330800000000), "2026-11-22T07:00:00.000000Z"},
        {"2026-11-22T07:00:00.5Z", INT64_C(1795330800500000), "2026-11-22T07:00:00.500000Z"},
        {"2026-11-22T07:00:00.123456789Z", INT64_C(1795330800123456), "2026-11-22T07:00:00.123456Z"},
        {"2026-11-22T08:30:00+01:30", INT64_C(1795330800000000), "2026-11-22T07:00:00.000000Z"},
        {"2026-11-21T23:00:00-08:00", INT64_C(1795330800000000), "2026-11-22T07:00:00.000000Z"},
        {"2026-11-22t07:00:00z", INT64_C(1795330800000000), "2026-11-22T07:00:00.000000Z"},
        {"2000-02-29T23:59:59Z", INT64_C(951868799000000), "2000-02-29T23:59:59.000000Z"},
        {"2000-03-01T00:00:00Z", INT64_C(951868800000000), "2000-03-01T00:00:00.000000Z"},
        {"9999-12-31T23:59:59.999999Z", INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z"},
    };

    (void) state;
    for (size_t index = 0; index < array_length(cases); index++) {
        char written[CLOCK_TEXT_SIZE];
        int64_t wall_us = -1;

        assert_int_equal(clock_parse(cases[index].text, &wall_us), 0);
        assert_true(wall_us == cases[index].wall_us);
        clock_format_micros(wall_us, written);
        assert_string_equal(written, cases[index].micros);
        clock_format_seconds(wall_us, written);
        assert_int_equal(strlen(written), 20);
        assert_memory_equal(written, cases[index].micros, 19);
        assert_int_equal(written[19], 'Z');
    }
}

static void what_is_no_timestamp_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "2026",
        "2026-11-22",
        "2026-11-22T07:00Z",
        "2026-11-22T07:00:00",
        "2026-11-22 07:00:00Z",
        "2026-11-22T07:00:00Z ",
        " 2026-11-22T07:00:00Z",
        "2026-11-22T07:00:00ZZ",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-04-00T00:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T07:60:00Z",
        "2026-11-22T07:00:60Z",
        "2026-11-22T07:00:00.Z",
        "2026-11-22T07:00:00,5Z",
        "2026-11-22T07:00:00.1234567890Z",
        "2026-11-22T07:00:00+0100",
        "2026-11-22T07:00:00+24:00",
        "2026-11-22T07:00:00+01:60",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "10000-01-01T00:00:00Z",
        "-026-11-22T07:00:00Z",
        "2026-1-22T07:00:00Z",
    };

    (void) state;
    for (size_t index = 0; index < array_length(cases); index++) {
        int64_t wall_us = 42;

        if (clock_parse(cases[index], &wall_us) != ERROR_BAD_INPUT) {
            fail_msg("taken: %s", cases[index]);
        }
        assert_true(wall_us == 42);
    }
    assert_int_equal(clock_parse(NULL, NULL), ERROR_BAD_INPUT);
}

/* Held against the C library's calendar, noon of every 17th day. */
static void calendar_agrees_with_the_library(void **state)
{
    (void) state;
    for (int64_t day = 0; day < 2932896; day += 17) {
        time_t seconds = (time_t) (day * 86400 + 43200);
        char expected[64];
        char written[CLOCK_TEXT_SIZE];
        struct tm parts;
        int64_t wall_us = 0;

        assert_non_null(gmtime_r(&seconds, &parts));
        assert_true(strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%SZ", &parts) > 0);
        clock_format_seconds((int64_t) seconds * CLOCK_US_PER_SECOND, written);
        assert_string_equal(written, expected);
        assert_int_equal(clock_parse(written, &wall_us), 0);
        assert_true(wall_us == (int64_t) seconds * CLOCK_US_PER_SECOND);
    }
}

static void what_cannot_be_written_becomes_the_nearest(void **state)
{
    char written[CLOCK_TEXT_SIZE];

    (void) state;
    clock_format_micros(-1, written);
    assert_string_equal(written, "1970-01-01T00:00:00.000000Z");
    clock_format_micros(INT64_MAX, written);
    assert_string_equal(written, "9999-12-31T23:59:59.999999Z");
}

static void durations_are_short_sentences(void **state)
{
    static const struct {
        int64_t duration_ms;
        const char *expected;
    } cases[] = {
        {-5, "0 s"},
        {0, "0 s"},
        {5999, "5 s"},
        {59999, "59 s"},
        {60000, "1 min"},
        {3 * 60000 + 59000, "3 min"},
        {3600000, "1 h"},
        {2 * 3600000 + 5 * 60000, "2 h 5 min"},
        {INT64_C(47) * 3600000 + 59 * 60000, "47 h 59 min"},
        {INT64_C(48) * 3600000, "2 d"},
        {INT64_C(100) * 3600000, "4 d"},
        {INT64_MAX, "106751991167 d"},
    };

    (void) state;
    for (size_t index = 0; index < array_length(cases); index++) {
        char written[CLOCK_TEXT_SIZE];

        clock_format_duration(cases[index].duration_ms, written);
        assert_string_equal(written, cases[index].expected);
    }
}

static void now_is_after_this_was_written_and_does_not_go_back(void **state)
{
    struct instant first = clock_now();
    struct instant second = clock_now();
    struct timespec boot;

    (void) state;
    assert_true(first.wall_us > INT64_C(1700000000000000));
    assert_true(second.monotonic_ms >= first.monotonic_ms);
    assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &boot), 0);
    assert_true((int64_t) boot.tv_sec * 1000 + boot.tv_nsec / 1000000 >= second.monotonic_ms);
    assert_true((int64_t) boot.tv_sec * 1000 - second.monotonic_ms < 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timestamps_are_read_and_written),
        cmocka_unit_test(what_is_no_timestamp_is_refused),
        cmocka_unit_test(calendar_agrees_with_the_library),
        cmocka_unit_test(what_cannot_be_written_becomes_the_nearest),
        cmocka_unit_test(durations_are_short_sentences),
        cmocka_unit_test(now_is_after_this_was_written_and_does_not_go_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
