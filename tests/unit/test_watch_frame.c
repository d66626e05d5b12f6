#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../lib/kube/watch_event.h"
#include "../../lib/kube/watch_frame.h"
#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

/* Feeds `input` in pieces of `piece` bytes as a stream would, and joins the frames with '|'. */
static int collect(const char *input, size_t piece, size_t limit, struct buffer *frames)
{
    struct watch_splitter splitter = {0};
    cleanup_buffer struct buffer pending = BUFFER_INIT(1 << 20);
    size_t length = strlen(input);
    for (size_t at = 0; at < length;) {
        size_t step = length - at < piece ? length - at : piece;
        assert_int_equal(buffer_append(&pending, input + at, step), 0);
        at += step;
        for (;;) {
            struct watch_frame frame;
            /* Its own block of just that size, so that a sanitizer sees each byte read beyond. */
            cleanup_free char *bytes = xmalloc(pending.length);
            memcpy(bytes, buffer_text(&pending), pending.length);
            int result = watch_frame_next(&splitter, bytes, pending.length, limit, &frame);
            if (result == ERROR_AGAIN) {
                break;
            }
            if (result < 0) {
                return result;
            }
            assert_int_equal(buffer_appendf(frames, "%.*s|", (int) frame.length, frame.text), 0);
            buffer_consume(&pending, frame.consumed);
        }
    }
    return 0;
}

static void test_any_pieces_give_the_same_frames(void **state)
{
    static const struct {
        const char *input;
        const char *frames;
    } cases[] = {
        {"", ""},
        {"{}", ""},
        {"{}\n", "{}|"},
        {"{\"a\":1}\n{\"b\":2}\n", "{\"a\":1}|{\"b\":2}|"},
        {"{}\r\n\r\n\n{}\n", "{}|||{}|"},
        {"{}\n{\"cut", "{}|"},
    };
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        for (size_t piece = 1; piece <= strlen(cases[i].input) + 1; piece++) {
            cleanup_buffer struct buffer frames = BUFFER_INIT(1 << 16);
            assert_int_equal(collect(cases[i].input, piece, 100, &frames), 0);
            assert_string_equal(buffer_text(&frames), cases[i].frames);
        }
    }
}

static void test_limit_counts_the_frame_alone(void **state)
{
    (void) state;
    for (size_t piece = 1; piece < 16; piece++) {
        cleanup_buffer struct buffer frames = BUFFER_INIT(1 << 16);
        assert_int_equal(collect("12345\n12345\n", piece, 5, &frames), 0);
        assert_string_equal(buffer_text(&frames), "12345|12345|");
        buffer_reset(&frames, 0);
        assert_int_equal(collect("12345\n123456\n", piece, 5, &frames), ERROR_TOO_LARGE);
        assert_string_equal(buffer_text(&frames), "12345|");
        buffer_reset(&frames, 0);
        assert_int_equal(collect("123456", piece, 5, &frames), ERROR_TOO_LARGE);
    }
}

static void test_unfinished_frame_is_not_scanned_again(void **state)
{
    struct watch_splitter splitter = {0};
    struct watch_frame frame;
    char bytes[] = "abcdef";
    (void) state;
    assert_int_equal(watch_frame_next(&splitter, bytes, 3, 100, &frame), ERROR_AGAIN);
    assert_int_equal(splitter.scanned, 3);
    /* A line end put where it has looked already is not seen: that is what makes it linear. */
    bytes[1] = '\n';
    bytes[5] = '\n';
    assert_int_equal(watch_frame_next(&splitter, bytes, 6, 100, &frame), 1);
    assert_int_equal(frame.length, 5);
    assert_int_equal(frame.consumed, 6);
    assert_int_equal(splitter.scanned, 0);
}

static void test_event_kinds(void **state)
{
    static const struct {
        const char *frame;
        int result;
        enum watch_event_type type;
        const char *version;
        bool is_end;
    } cases[] = {
        {"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"7\"}}}", 0, WATCH_EVENT_ADDED, "7",
         false},
        {"{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{}}}", 0, WATCH_EVENT_MODIFIED, "", false},
        {"{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"resourceVersion\":7}}}", 0, WATCH_EVENT_DELETED, "", false},
        {"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\"}}}", 0, WATCH_EVENT_BOOKMARK, "9",
         false},
        {"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\",\"annotations\":"
         "{\"k8s.io/initial-events-end\":\"true\"}}}}",
         0, WATCH_EVENT_BOOKMARK, "9", true},
        {"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\",\"annotations\":"
         "{\"k8s.io/initial-events-end\":\"false\"}}}}",
         0, WATCH_EVENT_BOOKMARK, "9", false},
        {"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410}}", 0, WATCH_EVENT_ERROR, "", false},
        {"{\"type\":\"COMPACTED\"}", 0, WATCH_EVENT_UNKNOWN, "", false},
        {"{\"type\":\"ADDED\"}", ERROR_BAD_INPUT, 0, NULL, false},
        {"{\"type\":\"ADDED\",\"object\":[]}", ERROR_BAD_INPUT, 0, NULL, false},
        {"{\"type\":1,\"object\":{}}", ERROR_BAD_INPUT, 0, NULL, false},
        {"[]", ERROR_BAD_INPUT, 0, NULL, false},
    };
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_json struct json_object *tree = NULL;
        struct watch_event event;
        struct error err;
        assert_int_equal(json_parse(cases[i].frame, strlen(cases[i].frame), &tree, &err), 0);
        assert_int_equal(watch_event_read(tree, &event, &err), cases[i].result);
        if (cases[i].result == 0) {
            assert_int_equal(event.type, cases[i].type);
            assert_string_equal(event.resource_version, cases[i].version);
            assert_int_equal(event.initial_events_end, cases[i].is_end);
        }
    }
}

static void test_event_with_an_endless_version(void **state)
{
    char version[RESOURCE_VERSION_LENGTH_MAX + 2];
    (void) state;
    memset(version, '1', sizeof(version) - 1);
    version[sizeof(version) - 1] = '\0';
    for (int extra = 0; extra <= 1; extra++) {
        cleanup_json struct json_object *tree = json_object_new_object();
        struct watch_event event;
        struct error err;
        json_add_text(tree, "type", "ADDED");
        json_add_text(json_add_object(json_add_object(tree, "object"), "metadata"), "resourceVersion",
                      version + 1 - extra);
        assert_int_equal(watch_event_read(tree, &event, &err), extra ? ERROR_BAD_INPUT : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_pieces_give_the_same_frames),
        cmocka_unit_test(test_limit_counts_the_frame_alone),
        cmocka_unit_test(test_unfinished_frame_is_not_scanned_again),
        cmocka_unit_test(test_event_kinds),
        cmocka_unit_test(test_event_with_an_endless_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
