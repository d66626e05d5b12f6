/*
 * Cuts the byte stream of a watch into frames: one JSON text per line. Pure and incremental: the state is the
 * caller's, nothing is allocated, and no byte is looked at twice however small the pieces are in which it comes.
 */
#ifndef PROGET_KUBE_WATCH_FRAME_H
#define PROGET_KUBE_WATCH_FRAME_H

#include <stddef.h>

/* Starts out zeroed. */
struct watch_splitter {
    size_t scanned; /* bytes at the front of the unfinished frame that hold no line end */
};

struct watch_frame {
    const char *text; /* points into the caller's bytes; not NUL-terminated */
    size_t length;    /* without the line end; 0: a blank line, to be passed over */
    size_t consumed;  /* bytes to take from the front before the next call */
};

/*
 * `bytes` begin where the last frame ended and hold everything that has come since. Returns 1 with a frame,
 * ERROR_AGAIN when more bytes are needed, ERROR_TOO_LARGE when the frame is longer than `limit` (then the stream is of
 * no more use). Call it again with the same state for the rest.
 */
int watch_frame_next(struct watch_splitter *splitter, const char *bytes, size_t length, size_t limit,
                     struct watch_frame *ret_frame);

#endif
