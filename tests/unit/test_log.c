#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proget/core/bounds.h"
#include "proget/core/clock.h"
#include "proget/core/log.h"
#include "proget/core/memory.h"

static char written[4 * BOUND_LOG_LINE];
static int log_fd = -1;

static int redirect(void **state)
{
    (void) state;
    log_fd = memfd_create("log", MFD_CLOEXEC);
    return log_fd < 0 ? -1 : 0;
}

static int restore(void **state)
{
    (void) state;
    log_configure(LOG_FORMAT_TEXT, LOG_INFO, STDERR_FILENO);
    memory_cleanup_close(&log_fd);
    return 0;
}

/* What was logged since the last call. */
static const char *taken(void)
{
    ssize_t length;

    assert_true(lseek(log_fd, 0, SEEK_SET) == 0);
    length = read(log_fd, written, sizeof(written) - 1);
    assert_true(length >= 0);
    written[length] = '\0';
    assert_int_equal(ftruncate(log_fd, 0), 0);
    assert_true(lseek(log_fd, 0, SEEK_SET) == 0);
    return written;
}

/* The line behind its timestamp, which is checked. */
static const char *taken_without_time(void)
{
    const char *line = taken();
    char stamp[CLOCK_TEXT_SIZE];
    int64_t wall_us = 0;

    assert_true(strlen(line) > 25);
    memcpy(stamp, line, 24);
    stamp[24] = '\0';
    assert_int_equal(clock_parse(stamp, &wall_us), 0);
    assert_true(clock_now().wall_us - wall_us < 60 * CLOCK_US_PER_SECOND);
    assert_int_equal(line[24], ' ');
    return line + 25;
}

static void text_lines_have_level_sentence_and_fields(void **state)
{
    (void) state;
    log_configure(LOG_FORMAT_TEXT, LOG_DEBUG, log_fd);
    log_info(LOG_FIELDS({"cluster", "proget/main"}, {"object", NULL}, {"code", "CoScheduled"}), "finding raised: %d",
             7);
    assert_string_equal(taken_without_time(), "info  finding raised: 7 cluster=proget/main code=CoScheduled\n");
    log_warning(LOG_NONE, "odd");
    assert_string_equal(taken_without_time(), "warning odd\n");
    log_error(LOG_FIELDS({"error", "it said \"no\" \\ a=b"}, {"empty", ""}), "failed");
    assert_string_equal(taken_without_time(), "error failed error=\"it said \\\"no\\\" \\\\ a=b\" empty=\"\"\n");
    log_debug(LOG_NONE, "detail");
    assert_string_equal(taken_without_time(), "debug detail\n");
}

static void levels_below_the_minimum_are_not_written(void **state)
{
    (void) state;
    log_configure(LOG_FORMAT_TEXT, LOG_WARNING, log_fd);
    assert_false(log_enabled(LOG_INFO));
    assert_true(log_enabled(LOG_WARNING));
    log_debug(LOG_NONE, "no");
    log_info(LOG_NONE, "no");
    assert_string_equal(taken(), "");
    log_error(LOG_NONE, "yes");
    assert_string_equal(taken_without_time(), "error yes\n");
}

static void a_negative_descriptor_changes_nothing(void **state)
{
    (void) state;
    log_configure(LOG_FORMAT_TEXT, LOG_INFO, log_fd);
    log_configure(LOG_FORMAT_TEXT, LOG_INFO, -1);
    log_info(LOG_NONE, "still here");
    assert_string_equal(taken_without_time(), "info  still here\n");
}

static void nothing_forges_a_second_line(void **state)
{
    (void) state;
    log_configure(LOG_FORMAT_TEXT, LOG_INFO, log_fd);
    log_info(LOG_FIELDS({"object", "a\nb\x1b[1m\xff"}), "first\nsecond");
    assert_string_equal(taken_without_time(), "info  first?second object=\"a?b?[1m?\"\n");
}

static void errno_survives(void **state)
{
    (void) state;
    log_configure(LOG_FORMAT_TEXT, LOG_INFO, log_fd);
    errno = ENOTDIR;
    log_info(LOG_NONE, "%s", "entry");
    assert_int_equal(errno, ENOTDIR);
    (void) taken();
}

static const char *member(json_object *entry, const char *name)
{
    json_object *value = NULL;

    return json_object_object_get_ex(entry, name, &value) ? json_object_get_string(value) : NULL;
}

static void json_lines_are_json(void **state)
{
    const char *line;
    json_object *entry;
    int64_t wall_us;

    (void) state;
    log_configure(LOG_FORMAT_JSON, LOG_INFO, log_fd);
    log_info(LOG_FIELDS({"cluster", "proget/\"main\"\\"}, {"kind", NULL}, {"code", "gr\xc3\xbc\xc3\x9f\n"}),
             "said \"%s\"", "no");
    line = taken();
    assert_int_equal(strcspn(line, "\n"), strlen(line) - 1);
    entry = json_tokener_parse(line);
    assert_non_null(entry);
    assert_int_equal(json_object_object_length(entry), 5);
    assert_int_equal(clock_parse(member(entry, "time"), &wall_us), 0);
    assert_string_equal(member(entry, "level"), "info");
    assert_string_equal(member(entry, "message"), "said \"no\"");
    assert_string_equal(member(entry, "cluster"), "proget/\"main\"\\");
    assert_string_equal(member(entry, "code"), "gr\xc3\xbc\xc3\x9f?");
    (void) json_object_put(entry);
}

/* Whatever is too long: one line, within the bound, still JSON, and the fields that fit are there. */
static void lines_too_long_are_cut_and_stay_whole(void **state)
{
    static const char *const fillers[] = {"x", "\"", "\xf0\x9f\x98\x80", "\\"};

    (void) state;
    for (size_t filler = 0; filler < array_length(fillers); filler++) {
        for (int format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
            cleanup_free char *large = xcalloc(3 * BOUND_LOG_LINE, 1);
            const char *line;
            json_object *entry;

            for (size_t index = 0; index + 4 < 3 * BOUND_LOG_LINE; index += strlen(fillers[filler])) {
                memcpy(large + index, fillers[filler], strlen(fillers[filler]));
            }
            log_configure((enum log_format) format, LOG_INFO, log_fd);
            log_info(LOG_FIELDS({"code", "Kept"}, {"error", large}, {"object", "left out"}), "%s", large);
            line = taken();
            assert_true(strlen(line) <= BOUND_LOG_LINE);
            assert_true(strlen(line) > BOUND_LOG_LINE - 64);
            assert_int_equal(strcspn(line, "\n"), strlen(line) - 1);
            assert_non_null(strstr(line, "..."));
            if (format == LOG_FORMAT_TEXT) {
                assert_non_null(strstr(line, " code=Kept "));
                continue;
            }
            entry = json_tokener_parse(line);
            assert_non_null(entry);
            assert_string_equal(member(entry, "code"), "Kept");
            assert_null(member(entry, "object"));
            (void) json_object_put(entry);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_lines_have_level_sentence_and_fields),
        cmocka_unit_test(levels_below_the_minimum_are_not_written),
        cmocka_unit_test(a_negative_descriptor_changes_nothing),
        cmocka_unit_test(nothing_forges_a_second_line),
        cmocka_unit_test(errno_survives),
        cmocka_unit_test(json_lines_are_json),
        cmocka_unit_test(lines_too_long_are_cut_and_stay_whole),
    };

    return cmocka_run_group_tests(tests, redirect, restore);
}
