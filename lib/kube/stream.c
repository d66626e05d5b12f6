#include "stream.h"

#include <string.h>

#include "address.h"
#include "client_private.h"
#include "exchange.h"
#include "proget/core/memory.h"
#include "status.h"
#include "watch_frame.h"

enum {
    /* What libcurl may deliver in one turn beyond an unfinished frame: it stops after 100 reads of 16 KiB. */
    STREAM_BURST_BYTES = 4 * 1024 * 1024,
    STREAM_KEPT_BYTES = 16 * 1024, /* of the buffer's memory between bursts */
};

struct kube_stream {
    struct kube_client *client;
    struct exchange exchange;
    struct kube_stream_handlers handlers;
    struct watch_splitter splitter;
    struct loop_timer *wake;    /* without delay: work to do in this turn */
    struct loop_timer *silence; /* when to look whether the stream still lives */
    int64_t silence_ms_max;
    int64_t last_byte_ms;
    char label[LABEL_LENGTH_MAX];
    char *url;
    bool is_opened;
    bool is_busy;   /* a handler runs */
    bool is_closed; /* ... and closed the stream */
    bool has_failure;
    struct error failure; /* found before anything was sent */
};

static void stream_free(struct kube_stream *stream)
{
    stream->client->stream_count--;
    exchange_free(&stream->exchange);
    loop_timer_free(stream->wake);
    loop_timer_free(stream->silence);
    free(stream->url);
    free(stream);
}

void kube_stream_close(struct kube_stream *stream)
{
    if (!stream) {
        return;
    }
    if (stream->is_busy) {
        stream->is_closed = true;
        return;
    }
    stream_free(stream);
}

static void end(struct kube_stream *stream, const struct kube_stream_end *how)
{
    stream->is_busy = true; /* closing it from within is as good as not */
    stream->handlers.on_end(how, stream->handlers.userdata);
    stream_free(stream);
}

/* Says how an answered stream ended. */
static void end_opened(struct kube_stream *stream, bool is_garbled, const struct error *err)
{
    struct kube_stream_end how = {
        .was_opened = true, .is_garbled = is_garbled, .status = 200, .retry_after_ms = -1, .err = err};
    end(stream, &how);
}

static void end_unanswered(struct kube_stream *stream, bool refused, const struct error *err)
{
    struct kube_stream_end how = {.refused = refused, .retry_after_ms = -1, .err = err};
    kube_client_add_count(stream->client, "WATCH", 0);
    end(stream, &how);
}

/* Hands out all whole frames. False when the stream is gone. */
static bool hand_out_frames(struct kube_stream *stream)
{
    struct buffer *received = &stream->exchange.received;
    size_t taken = 0;
    int result = ERROR_AGAIN;
    stream->is_busy = true;
    while (!stream->is_closed) {
        struct watch_frame frame;
        result = watch_frame_next(&stream->splitter, buffer_text(received) + taken, received->length - taken,
                                  BOUND_WATCH_FRAME, &frame);
        if (result < 0) {
            break;
        }
        taken += frame.consumed;
        if (frame.length) {
            stream->handlers.on_frame(frame.text, frame.length, stream->handlers.userdata);
        }
    }
    stream->is_busy = false;
    if (stream->is_closed) {
        stream_free(stream);
        return false;
    }
    if (result == ERROR_TOO_LARGE) {
        struct error err;
        error_set(&err, ERROR_TOO_LARGE, "%s: an event is larger than %zu bytes", stream->label, BOUND_WATCH_FRAME);
        end_opened(stream, /* is_garbled= */ true, &err);
        return false;
    }
    /* Once for all frames: moving the rest to the front after each would cost the square of a burst. */
    buffer_consume(received, taken);
    if (received->length == 0) {
        buffer_reset(received, STREAM_KEPT_BYTES);
    }
    return true;
}

/* Does what has come since. False when the stream is gone. */
static bool work(struct kube_stream *stream)
{
    if (!stream->is_opened) {
        if (!stream->exchange.has_head || exchange_status(&stream->exchange) != 200) {
            return true;
        }
        stream->is_opened = true;
        kube_client_add_count(stream->client, "WATCH", 200);
        stream->is_busy = true;
        stream->handlers.on_opened(stream->handlers.userdata);
        stream->is_busy = false;
        if (stream->is_closed) {
            stream_free(stream);
            return false;
        }
    }
    return hand_out_frames(stream);
}

static void on_wake(void *userdata)
{
    struct kube_stream *stream = userdata;
    if (stream->has_failure) {
        struct error failure = stream->failure;
        end_unanswered(stream, /* refused= */ false, &failure);
        return;
    }
    (void) work(stream);
}

static void on_activity(void *userdata)
{
    struct kube_stream *stream = userdata;
    stream->last_byte_ms = loop_now(stream->client->loop).monotonic_ms;
    if (!loop_timer_is_set(stream->wake)) {
        loop_timer_set_after(stream->wake, 0);
    }
}

/*
 * libcurl's own limit (CURLOPT_LOW_SPEED_TIME) would wake the loop once a second for each watch. This does the same
 * without: it looks when the silence would be long enough, and again for the rest when something came meanwhile.
 */
static void on_silence(void *userdata)
{
    struct kube_stream *stream = userdata;
    int64_t due_ms = stream->last_byte_ms + stream->silence_ms_max;
    if (loop_now(stream->client->loop).monotonic_ms < due_ms) {
        loop_timer_set_at(stream->silence, due_ms);
        return;
    }
    (void) liveness_doubt(&stream->client->liveness, stream->last_byte_ms, loop_now(stream->client->loop).monotonic_ms);
    struct error err;
    error_set(&err, ERROR_TIMEOUT, "%s: the API server %s sent nothing for %lld s", stream->label,
              stream->client->config->server, (long long) (stream->silence_ms_max / 1000));
    if (stream->is_opened) {
        end_opened(stream, /* is_garbled= */ false, &err);
    } else {
        end_unanswered(stream, /* refused= */ false, &err);
    }
}

static void end_refused(struct kube_stream *stream, int http_status)
{
    struct exchange *exchange = &stream->exchange;
    cleanup_json struct json_object *body = NULL;
    struct error err;
    (void) json_parse(buffer_text(&exchange->received), exchange->received.length, &body, NULL);
    struct kube_status status = kube_status_read(http_status, body);
    kube_status_error(&status, stream->label, /* is_create= */ false, exchange_content_type(exchange), &err);
    exchange_explain_denial(exchange, &err);
    kube_client_add_count(stream->client, "WATCH", http_status);
    struct kube_stream_end how = {
        .status = http_status, .retry_after_ms = exchange_retry_after_ms(exchange), .body = body, .err = &err};
    end(stream, &how);
}

static void on_done(CURL *easy, CURLcode result, void *userdata)
{
    struct kube_stream *stream = userdata;
    struct exchange *exchange = &stream->exchange;
    (void) easy;
    if (!work(stream)) {
        return;
    }
    struct error err;
    int http_status = exchange->has_head ? exchange_status(exchange) : 0;
    if (stream->is_opened) {
        if (result == CURLE_OK) {
            error_set(&err, ERROR_AGAIN, "%s: the API server ended the stream", stream->label);
        } else {
            exchange_error(exchange, result, stream->label, &err);
        }
        end_opened(stream, exchange->is_overflowing, &err);
    } else if (http_status) {
        end_refused(stream, http_status);
    } else {
        bool refused = exchange_is_refused(exchange, result);
        exchange_error(exchange, result, stream->label, &err);
        end_unanswered(stream, refused, &err);
    }
}

static void start(struct kube_stream *stream, const struct kube_address *address, const char *query)
{
    cleanup_buffer struct buffer url = BUFFER_INIT(URL_LENGTH_MAX);
    int result = buffer_append_text(&url, stream->client->base_url);
    result = result < 0 ? result : address_append_path(&url, address);
    result = result < 0 ? result : buffer_appendf(&url, "?%s", query);
    if (result < 0) {
        error_set(&stream->failure, ERROR_BAD_INPUT, "%s: the URL is longer than %d bytes", stream->label,
                  URL_LENGTH_MAX);
    } else {
        stream->url = buffer_take(&url);
        struct exchange_request request = {.method = "GET", .url = stream->url};
        struct error problem;
        result = exchange_start(&stream->exchange, &request, &problem);
        if (result < 0) {
            error_set(&stream->failure, problem.code, "%s: %s", stream->label, problem.text);
        }
    }
    stream->has_failure = result < 0;
    if (stream->has_failure) {
        loop_timer_set_after(stream->wake, 0);
    }
}

struct kube_stream *kube_stream_open(struct kube_client *client, const struct kube_address *address, const char *query,
                                     int64_t silence_ms_max, const struct kube_stream_handlers *handlers)
{
    struct kube_stream *stream = xcalloc(1, sizeof(*stream));
    stream->client = client;
    stream->handlers = *handlers;
    stream->silence_ms_max = silence_ms_max;
    stream->last_byte_ms = loop_now(client->loop).monotonic_ms;
    stream->wake = loop_timer_new(client->loop, on_wake, stream);
    stream->silence = loop_timer_new(client->loop, on_silence, stream);
    stream->exchange = (struct exchange){
        .client = client,
        .verb = "WATCH",
        .received = BUFFER_INIT(BOUND_WATCH_FRAME + STREAM_BURST_BYTES),
        .on_activity = on_activity,
        .on_done = on_done,
        .userdata = stream,
    };
    client->stream_count++;
    address_label("WATCH", address, stream->label);
    loop_timer_set_after(stream->silence, silence_ms_max);
    start(stream, address, query);
    return stream;
}
