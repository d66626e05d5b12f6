#include "watch_frame.h"

#include <assert.h>
#include <string.h>

#include "proget/core/error.h"

int watch_frame_next(struct watch_splitter *splitter, const char *bytes, size_t length, size_t limit,
                     struct watch_frame *ret_frame)
{
    assert(splitter->scanned <= length);
    if (splitter->scanned == length) {
        return ERROR_AGAIN;
    }
    const char *line_end = memchr(bytes + splitter->scanned, '\n', length - splitter->scanned);
    size_t frame_length = line_end ? (size_t) (line_end - bytes) : length;
    if (frame_length > limit) {
        return ERROR_TOO_LARGE;
    }
    if (!line_end) {
        splitter->scanned = length;
        return ERROR_AGAIN;
    }
    splitter->scanned = 0;
    size_t text_length = frame_length;
    if (text_length && bytes[text_length - 1] == '\r') {
        text_length--;
    }
    *ret_frame = (struct watch_frame){.text = bytes, .length = text_length, .consumed = frame_length + 1};
    return 1;
}
