/*
 * The byte stream of a watch, cut into pieces by its own first byte: however it comes, the frames are the same, none
 * is lost, and what they hold is read without harm.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/kube/watch_event.h"
#include "../../lib/kube/watch_frame.h"
#include "proget/core/memory.h"

enum { FRAME_LIMIT = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

static void read_event(const struct watch_frame *frame)
{
    cleanup_json struct json_object *tree = NULL;
    struct watch_event event;
    if (json_parse(frame->text, frame->length, &tree, NULL) == 0 && watch_event_read(tree, &event, NULL) == 0) {
        require(strlen(event.resource_version) <= RESOURCE_VERSION_LENGTH_MAX);
        require(!event.initial_events_end || event.type == WATCH_EVENT_BOOKMARK);
    }
}

/* Hash of all frames; *ret_rest is what is left unfinished, or SIZE_MAX where the stream became unusable. */
static uint64_t split(const char *bytes, size_t size, size_t piece, int is_read, size_t *ret_rest)
{
    struct watch_splitter splitter = {0};
    size_t start = 0;
    size_t end = 0;
    uint64_t hash = 14695981039346656037u;
    while (end < size) {
        end = size - end < piece ? size : end + piece;
        for (;;) {
            struct watch_frame frame;
            int result = watch_frame_next(&splitter, bytes + start, end - start, FRAME_LIMIT, &frame);
            if (result == ERROR_AGAIN) {
                break;
            }
            if (result < 0) {
                require(result == ERROR_TOO_LARGE && end - start > FRAME_LIMIT);
                *ret_rest = SIZE_MAX;
                return hash;
            }
            require(frame.consumed > 0 && frame.consumed <= end - start && frame.length < frame.consumed);
            require(!memchr(frame.text, '\n', frame.length));
            for (size_t i = 0; i < frame.length; i++) {
                hash = (hash ^ (uint8_t) frame.text[i]) * 1099511628211u;
            }
            hash = (hash ^ '\n') * 1099511628211u;
            if (is_read) {
                read_event(&frame);
            }
            start += frame.consumed;
        }
    }
    *ret_rest = size - start;
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    size_t rest_in_pieces = 0;
    size_t rest_at_once = 0;
    const char *bytes = (const char *) data + 1;
    uint64_t in_pieces = split(bytes, size - 1, (size_t) data[0] + 1, /* is_read= */ 0, &rest_in_pieces);
    uint64_t at_once = split(bytes, size - 1, size, /* is_read= */ 1, &rest_at_once);
    require(in_pieces == at_once && rest_in_pieces == rest_at_once);
    return 0;
}
