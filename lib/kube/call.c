/* Requests that are not watches: sending, repeating where that is safe, and telling the result once. */
#include <assert.h>
#include <string.h>
#include <utlist.h>

#include "address.h"
#include "client_private.h"
#include "exchange.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "status.h"

enum {
    CALL_TIMEOUT_MS = 35 * 1000,
    CALL_ATTEMPTS_MAX = 10,
    CALL_LOST_WAIT_MS = 1000, /* before a GET is sent again whose connection was lost */
};

struct kube_call {
    struct kube_client *client;
    struct exchange exchange;
    struct loop_timer *timer; /* the wait before the next attempt; or the telling of an error found at once */
    const char *verb;         /* "PATCH", as counted */
    char label[LABEL_LENGTH_MAX];
    bool is_read;   /* may be sent again after a lost connection */
    bool is_create; /* a bare 409 means EXISTS */
    char *url;
    char *body; /* may hold what is nobody's business: wiped */
    size_t body_length;
    const char *method, *content_type;
    int64_t deadline_ms; /* monotonic, all attempts included */
    int attempts;
    struct error failure; /* found before anything was sent */
    bool has_failure;
    kube_response_fn *on_response;
    void *userdata;
    struct kube_call *prev, *next;
};

static const struct {
    const char *method, *content_type, *name;
} verbs[] = {
    [KUBE_GET] = {"GET", NULL, "GET"},
    [KUBE_CREATE] = {"POST", "application/json", "CREATE"},
    [KUBE_MERGE_PATCH] = {"PATCH", "application/merge-patch+json", "PATCH"},
    [KUBE_STRATEGIC_PATCH] = {"PATCH", "application/strategic-merge-patch+json", "PATCH"},
    [KUBE_APPLY] = {"PATCH", "application/apply-patch+yaml", "APPLY"},
    [KUBE_UPDATE] = {"PUT", "application/json", "UPDATE"},
};

const char *kube_verb_name(const struct kube_request *request)
{
    return request->verb == KUBE_GET && !request->address.name ? "LIST" : verbs[request->verb].name;
}

struct kube_call *kube_call_next(const struct kube_call *call)
{
    return call->next;
}

void kube_call_free(struct kube_call *call)
{
    DL_DELETE(call->client->calls, call);
    exchange_free(&call->exchange);
    loop_timer_free(call->timer);
    free(call->url);
    memory_wipe_free(call->body);
    free(call);
}

void kube_call_cancel(struct kube_call *call)
{
    if (call) {
        kube_call_free(call);
    }
}

size_t kube_client_calls_in_flight(const struct kube_client *client)
{
    size_t count = 0;
    const struct kube_call *call;
    DL_COUNT(client->calls, call, count);
    return count;
}

/* The end of a call: it is off the client's list before its owner hears of it, so the owner may send the next. */
static void tell(struct kube_call *call, const struct kube_response *response, const struct error *err)
{
    kube_response_fn *on_response = call->on_response;
    void *userdata = call->userdata;
    kube_call_free(call);
    on_response(response, err, userdata);
}

static int build_url(const struct kube_client *client, const struct kube_request *request, char **ret_url)
{
    cleanup_buffer struct buffer url = BUFFER_INIT(URL_LENGTH_MAX);
    cleanup_buffer struct buffer query = BUFFER_INIT(URL_LENGTH_MAX);
    int result = buffer_append_text(&url, client->base_url);
    result = result < 0 ? result : address_append_path(&url, &request->address);
    result = result < 0 ? result : address_append_parameter(&query, "continue", request->continue_token);
    result = result < 0 ? result : address_append_parameter(&query, "fieldManager", request->field_manager);
    result =
        result < 0 ? result : address_append_parameter(&query, "force", request->verb == KUBE_APPLY ? "true" : NULL);
    if (result == 0 && !text_is_empty(request->query)) {
        result = buffer_appendf(&query, "%s%s", query.length ? "&" : "", request->query);
    }
    if (result == 0 && query.length) {
        result = buffer_appendf(&url, "?%s", buffer_text(&query));
    }
    if (result == 0) {
        *ret_url = buffer_take(&url);
    }
    return result;
}

static int64_t now_ms(const struct kube_call *call)
{
    return loop_now(call->client->loop).monotonic_ms;
}

static void attempt(struct kube_call *call)
{
    int64_t left_ms = call->deadline_ms - now_ms(call);
    struct exchange_request request = {
        .method = call->method,
        .url = call->url,
        .content_type = call->content_type,
        .body = call->body,
        .body_length = call->body_length,
        .timeout_ms = left_ms > 1 ? left_ms : 1,
    };
    call->attempts++;
    buffer_reset(&call->exchange.received, 0);
    struct error problem;
    if (exchange_start(&call->exchange, &request, &problem) < 0) {
        call->has_failure = true;
        error_set(&call->failure, problem.code, "%s: %s", call->label, problem.text);
        loop_timer_set_after(call->timer, 0);
    }
}

static void on_timer(void *userdata)
{
    struct kube_call *call = userdata;
    if (!call->has_failure) {
        attempt(call);
        return;
    }
    struct error failure = call->failure;
    kube_client_add_count(call->client, call->verb, 0);
    tell(call, NULL, &failure);
}

/* Whether another attempt is due, and if so arms it. A wait that ends behind the deadline is not begun. */
static bool try_again_after(struct kube_call *call, int64_t wait_ms)
{
    if (wait_ms < 0 || call->attempts >= CALL_ATTEMPTS_MAX || now_ms(call) + wait_ms >= call->deadline_ms) {
        return false;
    }
    exchange_end(&call->exchange);
    loop_timer_set_after(call->timer, wait_ms);
    return true;
}

static void take_answer(struct kube_call *call, int http_status)
{
    const struct exchange *exchange = &call->exchange;
    cleanup_json struct json_object *body = NULL;
    struct error problem;
    struct error failure;
    int parsed = json_parse(buffer_text(&exchange->received), exchange->received.length, &body, &problem);
    struct kube_response response = {.status = http_status, .body = body};
    const char *type = exchange_content_type(exchange);
    if (http_status >= 200 && http_status <= 299 && parsed == 0 && body) {
        tell(call, &response, NULL);
        return;
    }
    if (http_status >= 200 && http_status <= 299) {
        error_set(&failure, ERROR_IO, "%s: HTTP %d, but the answer is no JSON (%s)", call->label, http_status,
                  parsed < 0 ? problem.text : "null");
    } else {
        struct kube_status status = kube_status_read(http_status, body);
        kube_status_error(&status, call->label, call->is_create, type, &failure);
        exchange_explain_denial(exchange, &failure);
    }
    tell(call, &response, &failure);
}

/*
 * With Retry-After the server says that it did not carry the request out, whatever the verb. A gateway in between may
 * say so too, of a request that it had passed on: for a write it has to be the server itself, which sends a Status.
 */
static bool is_put_off(const struct kube_call *call, int http_status)
{
    if (http_status == 429 || (http_status >= 500 && call->is_read)) {
        return true;
    }
    cleanup_json struct json_object *body = NULL;
    const struct buffer *received = &call->exchange.received;
    return http_status >= 500 && json_parse(buffer_text(received), received->length, &body, NULL) == 0 &&
           text_equal(json_text_at(body, "kind", ""), "Status");
}

static void on_done(CURL *easy, CURLcode result, void *userdata)
{
    struct kube_call *call = userdata;
    struct exchange *exchange = &call->exchange;
    (void) easy;
    int http_status = result == CURLE_OK ? exchange_status(exchange) : 0;
    kube_client_add_count(call->client, call->verb, http_status);
    if (is_put_off(call, http_status) && try_again_after(call, exchange_retry_after_ms(exchange))) {
        return;
    }
    if (call->is_read && exchange_is_cut(result) && try_again_after(call, CALL_LOST_WAIT_MS)) {
        return;
    }
    if (result == CURLE_OK) {
        take_answer(call, http_status);
        return;
    }
    struct error failure;
    exchange_error(exchange, result, call->label, &failure);
    tell(call, NULL, &failure);
}

static void on_activity(void *userdata)
{
    (void) userdata; /* an answer is looked at when it is whole */
}

struct kube_call *kube_client_send(struct kube_client *client, const struct kube_request *request,
                                   kube_response_fn *on_response, void *userdata)
{
    assert((request->verb == KUBE_GET) == (request->body == NULL));
    assert(request->verb != KUBE_APPLY || !text_is_empty(request->field_manager));
    struct kube_call *call = xcalloc(1, sizeof(*call));
    call->client = client;
    call->on_response = on_response;
    call->userdata = userdata;
    call->timer = loop_timer_new(client->loop, on_timer, call);
    call->verb = kube_verb_name(request);
    call->method = verbs[request->verb].method;
    call->content_type = verbs[request->verb].content_type;
    call->is_read = request->verb == KUBE_GET;
    call->is_create = request->verb == KUBE_CREATE;
    call->deadline_ms = now_ms(call) + (request->timeout_ms > 0 ? request->timeout_ms : CALL_TIMEOUT_MS);
    call->exchange = (struct exchange){
        .client = client,
        .verb = call->verb,
        .received = BUFFER_INIT(BOUND_RESPONSE_BODY),
        .on_activity = on_activity,
        .on_done = on_done,
        .userdata = call,
    };
    address_label(call->verb, &request->address, call->label);
    DL_APPEND(client->calls, call);
    if (request->body) {
        call->body = xstrdup(json_text(request->body));
        call->body_length = strlen(call->body);
    }
    if (build_url(client, request, &call->url) < 0) {
        call->has_failure = true;
        error_set(&call->failure, ERROR_BAD_INPUT, "%s: the URL is longer than %d bytes", call->label, URL_LENGTH_MAX);
        loop_timer_set_after(call->timer, 0);
        return call;
    }
    attempt(call);
    return call;
}
