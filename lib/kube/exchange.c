#include "exchange.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "client_private.h"
#include "impersonation.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum {
    CONNECT_TIMEOUT_MS = 10 * 1000,
    KEEPALIVE_IDLE_SECONDS = 30,     /* as Go's client: a quiet connection is asked after 30 s, */
    KEEPALIVE_INTERVAL_SECONDS = 15, /* and given up 15 s later */
    TCP_USER_TIMEOUT_MS = 45 * 1000,
    RETRY_AFTER_SECONDS_MAX = 3600,
    CONTENT_TYPE_LENGTH_MAX = 64,
    DEADLINE_SLACK_MS = 100, /* libcurl's own limit says more of what it waited for, so it comes first */
};

static size_t take_body(char *bytes, size_t size, size_t count, void *userdata)
{
    struct exchange *exchange = userdata;
    size_t length = size * count;
    if (buffer_append(&exchange->received, bytes, length) < 0) {
        exchange->is_overflowing = true;
        return CURL_WRITEFUNC_ERROR;
    }
    liveness_hear(&exchange->client->liveness, loop_now(exchange->client->loop).monotonic_ms);
    exchange->on_activity(exchange->userdata);
    return length;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *userdata)
{
    struct exchange *exchange = userdata;
    size_t length = size * count;
    bool is_last = length <= 2 && (bytes[0] == '\r' || bytes[0] == '\n');
    liveness_hear(&exchange->client->liveness, loop_now(exchange->client->loop).monotonic_ms);
    if (is_last && exchange_status(exchange) >= 200) {
        exchange->has_head = true;
        exchange->on_activity(exchange->userdata);
    }
    return length;
}

static size_t give_body(char *target, size_t size, size_t count, void *userdata)
{
    struct exchange *exchange = userdata;
    size_t room = size * count;
    size_t left = exchange->request.body_length - exchange->body_sent;
    size_t length = left < room ? left : room;
    memcpy(target, exchange->request.body + exchange->body_sent, length);
    exchange->body_sent += length;
    return length;
}

/*
 * libcurl sends a request again by itself when the connection that it reused was lost before an answer. For a body
 * that has left that must not happen: the request may have been carried out.
 */
static int refuse_rewind(void *userdata, curl_off_t offset, int origin)
{
    struct exchange *exchange = userdata;
    bool nothing_sent = exchange->body_sent == 0 && origin == SEEK_SET && offset == 0;
    return nothing_sent ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

static int prepare_socket(void *userdata, curl_socket_t fd, curlsocktype purpose)
{
    struct kube_client *client = userdata;
    if (purpose == CURLSOCKTYPE_IPCXN) {
        int timeout_ms = TCP_USER_TIMEOUT_MS;
        /* A kernel that will not do it leaves the other limits. */
        (void) setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
        /* libcurl leaves its sockets to be inherited. */
        (void) fcntl(fd, F_SETFD, FD_CLOEXEC);
        liveness_add_socket(&client->liveness, fd);
    }
    return CURL_SOCKOPT_OK;
}

static void take_end(CURL *easy, CURLcode result, void *userdata);
static void on_credential(void *userdata);

static void add_header(struct exchange *exchange, const char *line)
{
    struct curl_slist *grown = curl_slist_append(exchange->headers, line);
    if (!grown) {
        abort();
    }
    exchange->headers = grown;
}

static void add_secret_header(struct exchange *exchange, const char *name, const char *value)
{
    char *line = xasprintf("%s%s", name, value);
    add_header(exchange, line);
    memory_wipe_free(line);
}

static void add_impersonation(struct exchange *exchange, const struct kube_config *config)
{
    if (!config->impersonate_user) {
        return;
    }
    add_secret_header(exchange, "Impersonate-User: ", config->impersonate_user);
    if (config->impersonate_uid) {
        add_secret_header(exchange, "Impersonate-Uid: ", config->impersonate_uid);
    }
    for (char **group = config->impersonate_groups; group && *group; group++) {
        add_secret_header(exchange, "Impersonate-Group: ", *group);
    }
    for (size_t i = 0; i < config->impersonate_extra_count; i++) {
        const struct kube_extra *extra = &config->impersonate_extra[i];
        cleanup_free char *key = impersonation_escape(extra->key);
        /* libcurl sends a header without a value only when it ends in a semicolon. */
        cleanup_free char *name = xasprintf("Impersonate-Extra-%s%s", key, *extra->value ? ": " : ";");
        add_secret_header(exchange, name, extra->value);
    }
}

static void set_headers(struct exchange *exchange, const char *token)
{
    struct kube_client *client = exchange->client;
    const struct kube_config *config = client->config;
    add_header(exchange, "Accept: application/json");
    if (exchange->request.content_type) {
        cleanup_free char *line = xasprintf("Content-Type: %s", exchange->request.content_type);
        add_header(exchange, line);
        add_header(exchange, "Expect:"); /* or a large body would wait for a "100 Continue" */
    }
    if (client->host_header) {
        add_header(exchange, client->host_header);
    }
    if (token) {
        add_secret_header(exchange, "Authorization: Bearer ", token);
    } else if (config->username) {
        curl_easy_setopt(exchange->easy, CURLOPT_HTTPAUTH, (long) CURLAUTH_BASIC);
        curl_easy_setopt(exchange->easy, CURLOPT_USERNAME, config->username);
        curl_easy_setopt(exchange->easy, CURLOPT_PASSWORD, config->password ? config->password : "");
    }
    add_impersonation(exchange, config);
    curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers);
}

static void set_blob(CURL *easy, CURLoption option, char *text)
{
    /* Not copied: the exchange keeps the identity, and a key is better not copied about. */
    struct curl_blob blob = {.data = text, .len = strlen(text), .flags = CURL_BLOB_NOCOPY};
    curl_easy_setopt(easy, option, &blob);
}

/* libcurl takes up a connection only where the certificate is the same, so another one means new connections. */
static void set_identity(struct exchange *exchange, struct identity *identity)
{
    exchange->identity = identity_take(identity);
    if (identity) {
        set_blob(exchange->easy, CURLOPT_SSLCERT_BLOB, identity->certificate);
        set_blob(exchange->easy, CURLOPT_SSLKEY_BLOB, identity->key);
    }
}

static void set_connection(struct kube_client *client, CURL *easy, bool is_secure)
{
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_2TLS);
    /* Rather share a connection than open one. Without TLS there is none to share, but libcurl would wait to be sure.
     */
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, is_secure ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long) CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long) KEEPALIVE_IDLE_SECONDS);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long) KEEPALIVE_INTERVAL_SECONDS);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, prepare_socket);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, client);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "proget/" PROGET_VERSION);
}

static void set_callbacks(struct exchange *exchange)
{
    CURL *easy = exchange->easy;
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->detail);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    if (exchange->request.body) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
        curl_easy_setopt(easy, CURLOPT_READDATA, exchange);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, refuse_rewind);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, exchange);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) exchange->request.body_length);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, exchange->request.method);
    }
}

/* What is left of the time, at least 1 ms; 0: no limit. */
static int64_t time_left_ms(const struct exchange *exchange)
{
    int64_t timeout_ms = exchange->request.timeout_ms;
    int64_t left_ms = exchange->began_ms + timeout_ms - loop_now(exchange->client->loop).monotonic_ms;
    return timeout_ms == 0 ? 0 : (left_ms > 1 ? left_ms : 1);
}

static void send_with(struct exchange *exchange, const struct credential *credential)
{
    struct kube_client *client = exchange->client;
    exchange->body_sent = 0;
    exchange->has_head = false;
    exchange->is_overflowing = false;
    exchange->detail[0] = '\0';
    exchange->easy = curl_easy_init();
    if (!exchange->easy) {
        abort();
    }
    exchange->credential_generation = credential->generation;
    set_headers(exchange, credential->token);
    curl_easy_setopt(exchange->easy, CURLOPT_URL, exchange->request.url);
    curl_easy_setopt(exchange->easy, CURLOPT_TIMEOUT_MS, (long) time_left_ms(exchange));
    set_connection(client, exchange->easy, text_starts_with(exchange->request.url, "https:"));
    set_callbacks(exchange);
    kube_client_prepare(client, exchange->easy);
    set_identity(exchange, credential->identity);
    exchange->ca_generation = client->ca_generation;
    exchange->sent_ms = loop_now(client->loop).monotonic_ms;
    exchange->transfer = loop_transfer_start(client->loop, exchange->easy, take_end, exchange);
}

/* Ends what was sent; whether it will be sent again is another question. */
static void drop_transfer(struct exchange *exchange)
{
    if (exchange->transfer) {
        loop_transfer_cancel(exchange->transfer);
        exchange->transfer = NULL;
    }
    curl_easy_cleanup(exchange->easy);
    exchange->easy = NULL;
    identity_release(exchange->identity);
    exchange->identity = NULL;
    for (struct curl_slist *header = exchange->headers; header; header = header->next) {
        memory_wipe(header->data, strlen(header->data));
    }
    curl_slist_free_all(exchange->headers);
    exchange->headers = NULL;
}

static void stop_waiting(struct exchange *exchange)
{
    credential_waiter_leave(&exchange->waiter);
    exchange->wait = EXCHANGE_RUNS;
}

static void set_failure(struct exchange *exchange, const struct error *failure)
{
    if (!exchange->failure) {
        exchange->failure = xmalloc(sizeof(*failure));
    }
    *exchange->failure = *failure;
}

/* Told as if libcurl had not been able to log in; exchange_error() knows better. */
static void end_without_credential(struct exchange *exchange, const struct error *failure)
{
    set_failure(exchange, failure);
    exchange->on_done(exchange->easy, CURLE_LOGIN_DENIED, exchange->userdata);
}

static void end_wait(struct exchange *exchange)
{
    struct error failure;
    bool has_answer = exchange->wait == EXCHANGE_WAITS_TO_RETRY;
    stop_waiting(exchange);
    error_set(&failure, ERROR_TIMEOUT, "the credential plugin \"%.160s\" still runs, and the time is up",
              exchange->client->config->exec->command);
    text_make_printable(failure.text);
    set_failure(exchange, &failure);
    exchange->on_done(exchange->easy, has_answer ? CURLE_OK : CURLE_LOGIN_DENIED, exchange->userdata);
}

static void wait_for(struct exchange *exchange, enum exchange_wait wait)
{
    struct kube_client *client = exchange->client;
    exchange->wait = wait;
    exchange->waiter.on_ready = on_credential;
    exchange->waiter.userdata = exchange;
    credential_source_wait(client->credentials, &exchange->waiter);
}

/* Sends, or waits for something to send with. */
static int try_to_send(struct exchange *exchange, struct error *err)
{
    struct credential credential;
    int result = credential_source_get(exchange->client->credentials, &credential, err);
    if (result == ERROR_AGAIN) {
        wait_for(exchange, EXCHANGE_WAITS_TO_START);
        return 0;
    }
    if (result == 0) {
        send_with(exchange, &credential);
    }
    return result;
}

/* Once more, from the loop's body. */
static void send_again(struct exchange *exchange)
{
    struct error failure;
    kube_client_add_count(exchange->client, exchange->verb, exchange_status(exchange));
    drop_transfer(exchange);
    buffer_reset(&exchange->received, 0);
    if (try_to_send(exchange, &failure) < 0) {
        end_without_credential(exchange, &failure);
    }
}

/* The plugin has ended. */
static void on_credential(void *userdata)
{
    struct exchange *exchange = userdata;
    struct error failure;
    bool has_answer = exchange->wait == EXCHANGE_WAITS_TO_RETRY;
    stop_waiting(exchange);
    if (!has_answer) {
        if (try_to_send(exchange, &failure) < 0) {
            end_without_credential(exchange, &failure);
        }
        return;
    }
    int result = credential_source_check(exchange->client->credentials, exchange->credential_generation, &failure);
    if (result == 1) {
        send_again(exchange);
        return;
    }
    if (result < 0) {
        set_failure(exchange, &failure);
    }
    exchange->on_done(exchange->easy, CURLE_OK, exchange->userdata);
}

/* A 401: whether another credential is tried, now or later. */
static bool renew(struct exchange *exchange)
{
    struct error failure;
    if (exchange->is_renewed) {
        return false;
    }
    int result = credential_source_renew(exchange->client->credentials, exchange->credential_generation, &failure);
    if (result == 0) {
        return false;
    }
    if (result == ERROR_AGAIN) {
        exchange->is_renewed = true;
        wait_for(exchange, EXCHANGE_WAITS_TO_RETRY);
        return true;
    }
    if (result < 0) {
        set_failure(exchange, &failure);
        return false;
    }
    exchange->is_renewed = true;
    send_again(exchange);
    return true;
}

/* A handshake that failed: whether it is tried with another CA. Nothing of the request has left before it. */
static bool retrust(struct exchange *exchange, CURLcode result)
{
    if (!exchange_is_untrusted(exchange, result) || exchange->is_retrusted || exchange->body_sent > 0 ||
        exchange_status(exchange) != 0 || !kube_client_doubt_ca(exchange->client, exchange->ca_generation)) {
        return false;
    }
    exchange->is_retrusted = true;
    send_again(exchange);
    return true;
}

static void take_end(CURL *easy, CURLcode result, void *userdata)
{
    struct exchange *exchange = userdata;
    exchange->transfer = NULL;
    if (result == CURLE_OPERATION_TIMEDOUT) {
        (void) liveness_doubt(&exchange->client->liveness, exchange->sent_ms,
                              loop_now(exchange->client->loop).monotonic_ms);
    }
    bool is_denied = result == CURLE_OK && exchange_status(exchange) == 401;
    if ((is_denied && renew(exchange)) || retrust(exchange, result)) {
        return;
    }
    exchange->on_done(easy, result, exchange->userdata);
}

/*
 * The time is up. libcurl's own limit (CURLOPT_TIMEOUT_MS) does not reach a transfer that waits for another one's
 * connection to be made.
 */
static void on_deadline(void *userdata)
{
    struct exchange *exchange = userdata;
    if (exchange->wait != EXCHANGE_RUNS) {
        end_wait(exchange);
        return;
    }
    loop_transfer_cancel(exchange->transfer);
    if (exchange->detail[0] == '\0') {
        (void) snprintf(exchange->detail, sizeof exchange->detail, "no answer within %lld milliseconds",
                        (long long) exchange->request.timeout_ms);
    }
    take_end(exchange->easy, CURLE_OPERATION_TIMEDOUT, exchange);
}

int exchange_start(struct exchange *exchange, const struct exchange_request *request, struct error *err)
{
    assert(!exchange->easy && exchange->wait == EXCHANGE_RUNS);
    assert(exchange->client && exchange->verb && exchange->on_done && exchange->on_activity);
    exchange->request = *request;
    exchange->began_ms = loop_now(exchange->client->loop).monotonic_ms;
    exchange->has_head = false;
    free(exchange->failure);
    exchange->failure = NULL;
    if (request->timeout_ms) {
        exchange->deadline = loop_timer_new(exchange->client->loop, on_deadline, exchange);
        loop_timer_set_after(exchange->deadline, request->timeout_ms + DEADLINE_SLACK_MS);
    }
    return try_to_send(exchange, err);
}

void exchange_end(struct exchange *exchange)
{
    stop_waiting(exchange);
    loop_timer_free(exchange->deadline);
    exchange->deadline = NULL;
    drop_transfer(exchange);
}

void exchange_free(struct exchange *exchange)
{
    exchange_end(exchange);
    buffer_free(&exchange->received);
    free(exchange->failure);
    exchange->failure = NULL;
}

int exchange_status(const struct exchange *exchange)
{
    long status = 0;
    if (exchange->easy) {
        curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    }
    return status >= 100 && status <= 599 ? (int) status : 0;
}

int64_t exchange_retry_after_ms(const struct exchange *exchange)
{
    struct curl_header *header = NULL;
    int64_t seconds = 0;
    if (curl_easy_header(exchange->easy, "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK ||
        text_parse_int64(header->value, 0, INT64_MAX / 1000, &seconds) < 0) {
        return -1;
    }
    return (seconds > RETRY_AFTER_SECONDS_MAX ? RETRY_AFTER_SECONDS_MAX : seconds) * 1000;
}

const char *exchange_content_type(const struct exchange *exchange)
{
    char *type = NULL;
    curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_TYPE, &type);
    return type;
}

bool exchange_is_refused(const struct exchange *exchange, CURLcode result)
{
    long number = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &number);
    return result == CURLE_COULDNT_CONNECT && number == ECONNREFUSED;
}

bool exchange_is_cut(CURLcode result)
{
    switch (result) {
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return true;
    default:
        return false;
    }
}
