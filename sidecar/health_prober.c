#include "health_prober.h"

#include <stdio.h>
#include <string.h>

#include "proget/core/buffer.h"
#include "proget/core/memory.h"

enum { HEADER_BYTES_MAX = 64 * 1024 };

struct health_prober {
    struct loop *loop;
    const char *base_url;
    int64_t timeout_ms;
    health_prober_fn *on_answer;
    void *userdata;

    CURL *easy; /* of the request under way; NULL: none */
    struct loop_transfer *transfer;
    char curl_text[CURL_ERROR_SIZE];
    struct buffer body;
    size_t header_bytes;
    bool is_cut;
    bool asks_details;          /* the second request */
    struct health_answer first; /* the answer to the first, while the second is under way */
};

static size_t on_body(char *bytes, size_t size, size_t count, void *userdata)
{
    struct health_prober *prober = userdata;
    size_t length = size * count;
    size_t room = prober->body.limit - prober->body.length;
    if (length > room) {
        (void) buffer_append(&prober->body, bytes, room);
        prober->is_cut = true;
        return 0; /* ends the transfer: whatever else it has to say is not read */
    }
    (void) buffer_append(&prober->body, bytes, length);
    return length;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *userdata)
{
    struct health_prober *prober = userdata;
    (void) bytes;
    prober->header_bytes += size * count;
    return prober->header_bytes > HEADER_BYTES_MAX ? 0 : size * count;
}

static void end_request(struct health_prober *prober)
{
    curl_easy_cleanup(prober->easy);
    prober->easy = NULL;
    prober->transfer = NULL;
    buffer_free(&prober->body);
}

static void start_request(struct health_prober *prober, bool asks_details);

static void finish(struct health_prober *prober, struct health_answer *answer)
{
    prober->on_answer(answer, prober->userdata);
    health_answer_clear(answer);
}

/* The HTTP answer to the request, or why there was none. */
static void read_answer(struct health_prober *prober, CURLcode result, struct health_answer *ret_answer)
{
    long status = 0;
    char *location = NULL;
    (void) curl_easy_getinfo(prober->easy, CURLINFO_RESPONSE_CODE, &status);
    (void) curl_easy_getinfo(prober->easy, CURLINFO_REDIRECT_URL, &location);
    if (status >= 200 && (result == CURLE_OK || prober->is_cut)) {
        struct health_http http = {
            .status = status,
            .body = prober->body.data,
            .length = prober->body.length,
            .is_cut = prober->is_cut,
            .location = location,
        };
        health_answer_read(&http, ret_answer);
        return;
    }
    const char *why = prober->curl_text[0] ? prober->curl_text : curl_easy_strerror(result);
    char text[CURL_ERROR_SIZE + 64];
    if (result == CURLE_OPERATION_TIMEDOUT) {
        /* curl tells the milliseconds that it really took: a new text, and a new report, each time. */
        (void) snprintf(text, sizeof text, "no answer within %lld s", (long long) (prober->timeout_ms + 999) / 1000);
    } else if (result == CURLE_COULDNT_CONNECT) {
        (void) snprintf(text, sizeof text, "cannot connect to %.200s", prober->base_url);
    } else if (result == CURLE_PARTIAL_FILE || result == CURLE_RECV_ERROR || result == CURLE_GOT_NOTHING) {
        (void) snprintf(text, sizeof text, "the connection was closed before the answer was complete");
    } else {
        (void) snprintf(text, sizeof text, "%s", why);
    }
    health_answer_unreachable(text, ret_answer);
}

static void on_request_done(CURL *easy, CURLcode result, void *userdata)
{
    struct health_prober *prober = userdata;
    (void) easy;
    cleanup_health_answer struct health_answer answer = {0};
    read_answer(prober, result, &answer);
    end_request(prober);
    if (prober->asks_details) {
        struct health_answer first = prober->first;
        prober->first = (struct health_answer){0};
        health_answer_merge(&first, &answer);
        finish(prober, &first);
    } else if (answer.is_plain) {
        prober->first = answer;
        answer = (struct health_answer){0};
        start_request(prober, true);
    } else {
        finish(prober, &answer);
    }
}

static void start_request(struct health_prober *prober, bool asks_details)
{
    CURL *easy = curl_easy_init();
    if (!easy) {
        abort();
    }
    cleanup_free char *url = xasprintf("%s/health%s", prober->base_url, asks_details ? "?format=json" : "");
    prober->easy = easy;
    prober->asks_details = asks_details;
    prober->is_cut = false;
    prober->header_bytes = 0;
    prober->curl_text[0] = '\0';
    prober->body = BUFFER_INIT(BOUND_HEALTH_BODY);
    (void) curl_easy_setopt(easy, CURLOPT_URL, url);
    (void) curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void) curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    (void) curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void) curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void) curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    (void) curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    (void) curl_easy_setopt(easy, CURLOPT_CAINFO, NULL); /* else curl reads all of the system's, to verify nothing */
    (void) curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    (void) curl_easy_setopt(easy, CURLOPT_USERAGENT, "proget-sidecar/" PROGET_VERSION);
    /* A connection of its own each time: what is asked is whether the server takes one. */
    (void) curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    (void) curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    (void) curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 4096L);
    (void) curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) prober->timeout_ms);
    (void) curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void) curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void) curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, prober->curl_text);
    (void) curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void) curl_easy_setopt(easy, CURLOPT_WRITEDATA, prober);
    (void) curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void) curl_easy_setopt(easy, CURLOPT_HEADERDATA, prober);
    prober->transfer = loop_transfer_start(prober->loop, easy, on_request_done, prober);
}

struct health_prober *health_prober_new(struct loop *loop, const char *base_url, int64_t timeout_ms,
                                        health_prober_fn *on_answer, void *userdata)
{
    struct health_prober *prober = xcalloc(1, sizeof *prober);
    prober->loop = loop;
    prober->base_url = base_url;
    prober->timeout_ms = timeout_ms;
    prober->on_answer = on_answer;
    prober->userdata = userdata;
    return prober;
}

void health_prober_free(struct health_prober *prober)
{
    if (!prober) {
        return;
    }
    if (prober->easy) {
        loop_transfer_cancel(prober->transfer);
        end_request(prober);
    }
    health_answer_clear(&prober->first);
    free(prober);
}

void health_prober_start(struct health_prober *prober)
{
    if (!prober->easy) {
        start_request(prober, false);
    }
}

bool health_prober_is_busy(const struct health_prober *prober)
{
    return prober->easy != NULL;
}
