/*
 * A growing run of bytes with a maximum. Always ends in a NUL that does not count, so `data` can be read as text.
 */
#ifndef PROGET_CORE_BUFFER_H
#define PROGET_CORE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "proget/core/error.h"

struct buffer {
    char *data;      /* NULL until something was appended; see buffer_text() */
    size_t length;   /* bytes in use, without the NUL */
    size_t capacity; /* bytes allocated */
    size_t limit;    /* `length` never passes this */
    bool is_secret;  /* its memory is overwritten before it is given back, whenever it grows as well */
};

#define BUFFER_INIT(limit_bytes)        ((struct buffer){.limit = (limit_bytes)})
#define BUFFER_SECRET_INIT(limit_bytes) ((struct buffer){.limit = (limit_bytes), .is_secret = true})

/* Each returns 0, or ERROR_TOO_LARGE and appends nothing. */
int buffer_append(struct buffer *buffer, const void *bytes, size_t length);
int buffer_append_text(struct buffer *buffer, const char *text);
int buffer_appendf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The content as text; "" when empty. Borrowed until the next change. */
const char *buffer_text(const struct buffer *buffer);
/* Removes the first `count` bytes (at most `length`). Keeps the memory. */
void buffer_consume(struct buffer *buffer, size_t count);
/* Empties it and keeps the memory, unless more than `keep` bytes are allocated. */
void buffer_reset(struct buffer *buffer, size_t keep);
/* Hands the text out (owned by the caller, never NULL) and leaves the buffer empty. */
char *buffer_take(struct buffer *buffer);
void buffer_free(struct buffer *buffer); /* NULL is allowed; the buffer can be used again */

#define cleanup_buffer __attribute__((cleanup(buffer_free)))

/*
 * Reads a whole file or descriptor. `path` "-" is standard input. The file may be of any kind, /proc included.
 * Errors: NOT_FOUND, DENIED, IO, TOO_LARGE (more than buffer->limit); the text names the path, never the content.
 */
int buffer_read_file(struct buffer *buffer, const char *path, struct error *err);

#endif
