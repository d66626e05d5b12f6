#include "exchange.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/x509_vfy.h>
#include <string.h>
#include <sys/socket.h>

#include "client_private.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum {
    CONNECT_TIMEOUT_MS = 10 * 1000,
    KEEPALIVE_IDLE_SECONDS = 30,     /* as Go's client: a quiet connection is asked after 30 s, */
    KEEPALIVE_INTERVAL_SECONDS = 15, /* and given up 15 s later */
    TCP_USER_TIMEOUT_MS = 45 * 1000,
    RETRY_AFTER_SECONDS_MAX = 3600,
    CONTENT_TYPE_LENGTH_MAX = 64,
};

static size_t take_body(char *bytes, size_t size, size_t count, void *userdata)
{
    struct exchange *exchange = userdata;
    size_t length = size * count;
    if (buffer_append(&exchange->received, bytes, length) < 0) {
        exchange->is_overflowing = true;
        return CURL_WRITEFUNC_ERROR;
    }
    exchange->on_activity(exchange->userdata);
    return length;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *userdata)
{
    struct exchange *exchange = userdata;
    size_t length = size * count;
    bool is_last = length <= 2 && (bytes[0] == '\r' || bytes[0] == '\n');
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
    (void) userdata;
    if (purpose == CURLSOCKTYPE_IPCXN) {
        int timeout_ms = TCP_USER_TIMEOUT_MS;
        /* A kernel that will not do it leaves the other limits. */
        (void) setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
        /* libcurl leaves its sockets to be inherited. */
        (void) fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    return CURL_SOCKOPT_OK;
}

static void take_end(CURL *easy, CURLcode result, void *userdata)
{
    struct exchange *exchange = userdata;
    exchange->transfer = NULL;
    exchange->on_done(easy, result, exchange->userdata);
}

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

static int set_headers(struct exchange *exchange, struct error *err)
{
    struct kube_client *client = exchange->client;
    const struct kube_config *config = client->config;
    const char *token = NULL;
    int result = token_source_get(&client->token, exchange->began_ms, &token, err);
    if (result < 0) {
        return result;
    }
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
    if (config->impersonate_user) {
        add_secret_header(exchange, "Impersonate-User: ", config->impersonate_user);
    }
    curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers);
    return 0;
}

static void set_connection(CURL *easy, bool is_secure)
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

int exchange_start(struct exchange *exchange, const struct exchange_request *request, struct error *err)
{
    assert(!exchange->easy && exchange->client && exchange->on_done && exchange->on_activity);
    struct loop *loop = exchange->client->loop;
    exchange->request = *request;
    exchange->body_sent = 0;
    exchange->has_head = false;
    exchange->is_overflowing = false;
    exchange->detail[0] = '\0';
    exchange->began_ms = loop_now(loop).monotonic_ms;
    exchange->easy = curl_easy_init();
    if (!exchange->easy) {
        abort();
    }
    int result = set_headers(exchange, err);
    if (result < 0) {
        exchange_end(exchange);
        return result;
    }
    curl_easy_setopt(exchange->easy, CURLOPT_URL, request->url);
    curl_easy_setopt(exchange->easy, CURLOPT_TIMEOUT_MS, (long) request->timeout_ms);
    set_connection(exchange->easy, text_starts_with(request->url, "https:"));
    set_callbacks(exchange);
    kube_client_prepare(exchange->client, exchange->easy);
    exchange->transfer = loop_transfer_start(loop, exchange->easy, take_end, exchange);
    return 0;
}

void exchange_end(struct exchange *exchange)
{
    if (exchange->transfer) {
        loop_transfer_cancel(exchange->transfer);
        exchange->transfer = NULL;
    }
    curl_easy_cleanup(exchange->easy);
    exchange->easy = NULL;
    for (struct curl_slist *header = exchange->headers; header; header = header->next) {
        memory_wipe(header->data, strlen(header->data));
    }
    curl_slist_free_all(exchange->headers);
    exchange->headers = NULL;
}

void exchange_free(struct exchange *exchange)
{
    exchange_end(exchange);
    buffer_free(&exchange->received);
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

/* What the server's certificate is held against, for messages. */
static const char *trust_name(const struct kube_config *config)
{
    if (config->ca_file) {
        return config->ca_file;
    }
    return config->ca_data ? config->source : "the system's store";
}

/*
 * A CA of the same name but another key (a cluster that was built anew: they are all called "kubernetes") makes OpenSSL
 * stumble over the signature, and libcurl 7.88 reports the first thing that it stumbled over.
 */
static bool is_foreign_signature(const char *detail)
{
    return strstr(detail, "asn1 encoding routines") || strstr(detail, "rsa routines");
}

static int certificate_error(const struct exchange *exchange, const char *what, struct error *err)
{
    const struct kube_config *config = exchange->client->config;
    long verdict = X509_V_OK;
    curl_easy_getinfo(exchange->easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
    /* libcurl leaves "unspecified" where OpenSSL had no objection and its own comparison of names did. */
    bool is_name = verdict == X509_V_OK || verdict == X509_V_ERR_UNSPECIFIED;
    const char *detail = is_name ? exchange->detail : X509_verify_cert_error_string(verdict);
    switch (verdict) {
    case X509_V_OK:
    case X509_V_ERR_UNSPECIFIED:
        return error_set(err, ERROR_IO,
                         "%s: the API server %s: its certificate is not made out for that name (%s); tls-server-name "
                         "sets another one to check",
                         what, config->server, detail);
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return error_set(err, ERROR_IO, "%s: the API server %s: its certificate is not valid now (%s)", what,
                         config->server, detail);
    default:
        return error_set(err, ERROR_IO, "%s: the API server %s: its certificate is not signed by the CA in %s (%s)",
                         what, config->server, trust_name(config), detail);
    }
}

int exchange_error(const struct exchange *exchange, CURLcode result, const char *what, struct error *err)
{
    const char *server = exchange->client->config->server;
    const char *detail = *exchange->detail ? exchange->detail : curl_easy_strerror(result);
    long number = 0;
    switch (result) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return certificate_error(exchange, what, err);
    case CURLE_OPERATION_TIMEDOUT:
        return error_set(err, ERROR_TIMEOUT, "%s: the API server %s does not answer (%s)", what, server, detail);
    case CURLE_COULDNT_RESOLVE_HOST:
        return error_set(err, ERROR_IO, "%s: the API server %s: its name cannot be resolved (%s)", what, server,
                         detail);
    case CURLE_COULDNT_CONNECT:
        curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &number);
        return error_set(err, ERROR_IO, "%s: the API server %s %s (%s)", what, server,
                         number == ECONNREFUSED ? "refuses the connection" : "cannot be reached", detail);
    case CURLE_SSL_CONNECT_ERROR:
        if (is_foreign_signature(detail)) {
            return error_set(err, ERROR_IO,
                             "%s: the API server %s: its certificate is not signed by the CA in %s, but by another one "
                             "of that name (%s)",
                             what, server, trust_name(exchange->client->config), detail);
        }
        return error_set(err, ERROR_IO, "%s: the API server %s: the TLS handshake failed (%s)", what, server, detail);
    case CURLE_WRITE_ERROR:
        if (exchange->is_overflowing) {
            return error_set(err, ERROR_TOO_LARGE, "%s: the answer is larger than %zu bytes", what,
                             exchange->received.limit);
        }
        break;
    case CURLE_SEND_FAIL_REWIND:
        detail = "it was lost after the request had been sent, which may have been carried out";
        break;
    default:
        break;
    }
    return error_set(err, ERROR_IO, "%s: the connection to the API server %s failed (%s)", what, server, detail);
}
