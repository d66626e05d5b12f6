#include "proget/core/buffer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

enum {
    BUFFER_CAPACITY_MIN = 64,    /* first allocation */
    BUFFER_READ_CHUNK_MIN = 4096 /* room offered to each read: one page holds most files whole, without a move */
};

/* The memory becomes one of `capacity` bytes, which is more than `length`. */
static void buffer_move(struct buffer *buffer, size_t capacity)
{
    if (!buffer->is_secret) {
        buffer->data = xrealloc(buffer->data, capacity, 1);
    } else {
        /* Growing in place may move it, and leave a copy behind. */
        char *data = xcalloc(capacity, 1);
        if (buffer->data != NULL) {
            memcpy(data, buffer->data, buffer->length);
        }
        memory_wipe(buffer->data, buffer->capacity);
        free(buffer->data);
        buffer->data = data;
    }
    buffer->capacity = capacity;
    buffer->data[buffer->length] = '\0';
}

/* Makes room for `extra` bytes more and the NUL. */
static int buffer_reserve(struct buffer *buffer, size_t extra)
{
    size_t needed;
    size_t capacity;

    assert(buffer->limit < SIZE_MAX && buffer->length <= buffer->limit);
    if (extra > buffer->limit - buffer->length) {
        return ERROR_TOO_LARGE;
    }
    needed = buffer->length + extra + 1;
    if (needed <= buffer->capacity) {
        return 0;
    }
    capacity = buffer->capacity < BUFFER_CAPACITY_MIN ? BUFFER_CAPACITY_MIN : buffer->capacity;
    while (capacity < needed) {
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    }
    if (capacity > buffer->limit + 1) {
        capacity = buffer->limit + 1;
    }
    buffer_move(buffer, capacity);
    return 0;
}

int buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
    int result = buffer_reserve(buffer, length);

    if (result < 0) {
        return result;
    }
    if (length > 0) {
        memcpy(buffer->data + buffer->length, bytes, length);
        buffer->length += length;
        buffer->data[buffer->length] = '\0';
    }
    return 0;
}

int buffer_append_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, text, strlen(text));
}

int buffer_appendf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    int length;
    int result;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        return ERROR_TOO_LARGE; /* longer than INT_MAX */
    }
    result = buffer_reserve(buffer, (size_t) length);
    if (result < 0) {
        return result;
    }
    va_start(arguments, format);
    (void) vsnprintf(buffer->data + buffer->length, (size_t) length + 1, format, arguments);
    va_end(arguments);
    buffer->length += (size_t) length;
    return 0;
}

const char *buffer_text(const struct buffer *buffer)
{
    return buffer->data == NULL ? "" : buffer->data;
}

void buffer_consume(struct buffer *buffer, size_t count)
{
    if (count > buffer->length) {
        count = buffer->length;
    }
    if (count == 0) {
        return;
    }
    memmove(buffer->data, buffer->data + count, buffer->length - count + 1);
    buffer->length -= count;
}

void buffer_reset(struct buffer *buffer, size_t keep)
{
    if (buffer->capacity > keep) {
        buffer_free(buffer);
    } else if (buffer->data != NULL) {
        buffer->data[0] = '\0';
        buffer->length = 0;
    }
}

char *buffer_take(struct buffer *buffer)
{
    char *text;

    if (buffer->data == NULL) {
        return xstrdup("");
    }
    /* What is kept for long should not carry the room for growth along. */
    buffer_move(buffer, buffer->length + 1);
    text = buffer->data;
    buffer->data = NULL;
    buffer->length = 0;
    buffer->capacity = 0;
    return text;
}

void buffer_free(struct buffer *buffer)
{
    if (buffer == NULL) {
        return;
    }
    if (buffer->is_secret) {
        memory_wipe(buffer->data, buffer->capacity);
    }
    free(buffer->data);
    buffer->data = NULL;
    buffer->length = 0;
    buffer->capacity = 0;
}

static int buffer_file_error(struct error *err, const char *path)
{
    int reason = errno;
    enum error_code code = ERROR_IO;

    if (reason == ENOENT || reason == ENOTDIR) {
        code = ERROR_NOT_FOUND;
    } else if (reason == EACCES || reason == EPERM) {
        code = ERROR_DENIED;
    }
    return error_set(err, code, "cannot read %s: %s", path, strerror(reason));
}

/* One read into `target`; waits where the descriptor does not block. Returns what read(2) does. */
static ssize_t buffer_read_some(int fd, char *target, size_t size)
{
    for (;;) {
        ssize_t count = read(fd, target, size);

        if (count >= 0) {
            return count;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            /* Standard input inherited from somebody who made it non-blocking. */
            struct pollfd wait = {.fd = fd, .events = POLLIN};

            if (poll(&wait, 1, -1) < 0 && errno != EINTR) {
                return -1;
            }
        } else if (errno != EINTR) {
            return -1;
        }
    }
}

/* Reads until the end of the file. The size that stat() tells is a hint: /proc says 0, a growing file too little. */
static int buffer_read_fd(struct buffer *buffer, int fd, const char *path, struct error *err)
{
    size_t chunk = BUFFER_READ_CHUNK_MIN;
    struct stat status;

    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 &&
        (uintmax_t) status.st_size < buffer->limit) {
        chunk = (size_t) status.st_size + 1; /* one more: the read that finds the end needs no further growth */
    }
    for (;;) {
        size_t room = buffer->limit - buffer->length;
        char probe;
        char *target = &probe; /* at the limit, one byte more tells "ends here" from "too large" */
        size_t size = 1;
        ssize_t count;

        if (room > 0) {
            size = chunk < room ? chunk : room;
            (void) buffer_reserve(buffer, size);
            target = buffer->data + buffer->length;
            size = buffer->capacity - 1 - buffer->length;
        }
        count = buffer_read_some(fd, target, size);
        if (count < 0) {
            return buffer_file_error(err, path);
        }
        if (count == 0) {
            return 0;
        }
        if (room == 0) {
            memory_wipe(&probe, sizeof(probe));
            return error_set(err, ERROR_TOO_LARGE, "cannot read %s: larger than %zu bytes", path, buffer->limit);
        }
        buffer->length += (size_t) count;
        buffer->data[buffer->length] = '\0';
        chunk = BUFFER_READ_CHUNK_MIN;
    }
}

int buffer_read_file(struct buffer *buffer, const char *path, struct error *err)
{
    cleanup_close int opened = -1;
    size_t length_before = buffer->length;
    bool is_standard_input = text_equal(path, "-");
    int result;

    if (!is_standard_input) {
        opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (opened < 0) {
            return buffer_file_error(err, path);
        }
    }
    result = buffer_read_fd(buffer, is_standard_input ? STDIN_FILENO : opened,
                            is_standard_input ? "standard input" : path, err);
    if (result < 0 && buffer->data != NULL) {
        /* The part that was read may be part of a secret. */
        memory_wipe(buffer->data + length_before, buffer->length - length_before);
        buffer->length = length_before;
        buffer->data[buffer->length] = '\0';
    }
    return result;
}
