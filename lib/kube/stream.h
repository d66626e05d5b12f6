/*
 * A watch on the client's connection: an answer without an end, cut into frames as they come. Frames are handed out in
 * the turn of the loop in which they arrived, from the loop's body.
 */
#ifndef PROGET_KUBE_STREAM_H
#define PROGET_KUBE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proget/core/error.h"
#include "proget/core/json.h"
#include "proget/kube/client.h"

struct kube_stream;

/* How a stream ended. Borrowed for the callback. */
struct kube_stream_end {
    bool was_opened;          /* it was answered with 200 before */
    bool is_garbled;          /* a frame was longer than BOUND_WATCH_FRAME: what was missed is not known */
    int status;               /* HTTP of the refusal; 0: no answer */
    bool refused;             /* the connection was refused */
    int64_t retry_after_ms;   /* negative: not said */
    struct json_object *body; /* of the refusal; NULL when it was no JSON */
    const struct error *err;  /* never NULL: for an opened stream it says how it ended */
};

/* The stream may be closed from within any of these, and is gone after `on_end`. */
struct kube_stream_handlers {
    void (*on_opened)(void *userdata);
    void (*on_frame)(const char *frame, size_t length, void *userdata); /* not NUL-terminated; never empty */
    void (*on_end)(const struct kube_stream_end *end, void *userdata);
    void *userdata;
};

/*
 * Opens "<path of address>?<query>". `silence_ms_max`: given up after that long without a byte. Trouble reaches on_end
 * from the loop. The address is borrowed for the call.
 */
struct kube_stream *kube_stream_open(struct kube_client *client, const struct kube_address *address, const char *query,
                                     int64_t silence_ms_max, const struct kube_stream_handlers *handlers);
void kube_stream_close(struct kube_stream *stream); /* no callback; NULL is allowed */

#endif
