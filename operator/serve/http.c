#include "serve/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "serve/exposition.h"

enum { CONNECTIONS_MAX = 64, IDLE_TIMEOUT_S = 10, CONNECTION_MEMORY_BYTES = 8 * 1024, BACKLOG = 64 };

/* How long a scrape's answer serves others too, and how many bytes of answers may wait for their readers. */
enum { SCRAPE_SHARED_MS = 1000, SCRAPE_BYTES_MAX = 16 * 1024 * 1024 };

/* The text of a scrape, for as long as a connection needs it. */
struct scrape {
    struct http_server *server;
    char *text;
    size_t length;
};

struct http_server {
    struct loop *loop;
    struct http_options options;
    struct MHD_Daemon *daemon;
    struct loop_timer *timer;    /* for the time-outs of idle connections */
    struct MHD_Response *scrape; /* NULL: none that is new enough */
    struct loop_timer *scrape_timer;
    size_t scrape_bytes; /* of all scrapes that are in memory */
    int epoll_fd;
    int port;
};

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned int status, const char *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), (void *) text, MHD_RESPMEM_PERSISTENT);
    if (!response) {
        return MHD_NO;
    }
    (void) MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        (void) MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD"); /* RFC 9110 asks for it */
    }
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static void scrape_free(void *userdata)
{
    struct scrape *scrape = userdata;
    scrape->server->scrape_bytes -= scrape->length;
    free(scrape->text);
    free(scrape);
}

/* Connections that are under way keep it. */
static void drop_scrape(void *userdata)
{
    struct http_server *server = userdata;
    if (server->scrape) {
        MHD_destroy_response(server->scrape);
        server->scrape = NULL;
    }
}

static void make_scrape(struct http_server *server)
{
    struct scrape *scrape = xcalloc(1, sizeof *scrape);
    scrape->server = server;
    scrape->text = server->options.render_metrics(server->options.userdata);
    scrape->length = strlen(scrape->text);
    server->scrape_bytes += scrape->length;
    server->scrape =
        MHD_create_response_from_buffer_with_free_callback_cls(scrape->length, scrape->text, scrape_free, scrape);
    if (!server->scrape) {
        scrape_free(scrape);
        return;
    }
    (void) MHD_add_response_header(server->scrape, MHD_HTTP_HEADER_CONTENT_TYPE, EXPOSITION_CONTENT_TYPE);
    loop_timer_set_after(server->scrape_timer, SCRAPE_SHARED_MS);
}

static enum MHD_Result respond_metrics(struct http_server *server, struct MHD_Connection *connection)
{
    if (!server->scrape && server->scrape_bytes >= SCRAPE_BYTES_MAX) {
        return respond(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "too many readers that are too slow\n");
    }
    if (!server->scrape) {
        make_scrape(server);
    }
    return server->scrape ? MHD_queue_response(connection, MHD_HTTP_OK, server->scrape) : MHD_NO;
}

static enum MHD_Result on_request(void *userdata, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload_data,
                                  size_t *upload_data_size, void **request_state)
{
    (void) version;
    (void) upload_data;
    (void) upload_data_size;
    (void) request_state;
    struct http_server *server = userdata;
    if (!text_equal(method, MHD_HTTP_METHOD_GET) && !text_equal(method, MHD_HTTP_METHOD_HEAD)) {
        return respond(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    }
    if (text_equal(url, "/healthz")) {
        return server->options.is_healthy(server->options.userdata)
                   ? respond(connection, MHD_HTTP_OK, "ok\n")
                   : respond(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
                             "leads, but has not renewed its Lease for long\n");
    }
    if (text_equal(url, "/metrics")) {
        return respond_metrics(server, connection);
    }
    if (text_equal(url, "/readyz")) {
        return server->options.is_ready(server->options.userdata)
                   ? respond(connection, MHD_HTTP_OK, "ok\n")
                   : respond(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "not yet in step with the API server\n");
    }
    return respond(connection, MHD_HTTP_NOT_FOUND, "there is /healthz, /readyz and /metrics\n");
}

static void run(struct http_server *server)
{
    (void) MHD_run(server->daemon);
    MHD_UNSIGNED_LONG_LONG wait_ms;
    if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES) {
        loop_timer_set_after(server->timer, (int64_t) wait_ms);
    }
}

static void on_ready(int fd, short events, void *userdata)
{
    (void) fd;
    (void) events;
    run(userdata);
}

static void on_timer(void *userdata)
{
    run(userdata);
}

static int parse_address(const char *listen_text, struct sockaddr_storage *ret_address, socklen_t *ret_length,
                         struct error *err)
{
    const char *colon = strrchr(listen_text, ':');
    int64_t port = 0;
    if (!colon || text_parse_int64(colon + 1, 0, 65535, &port) < 0) {
        return error_set(err, ERROR_BAD_INPUT, "--listen '%s': give ADDRESS:PORT, such as 0.0.0.0:8080 or [::]:8080",
                         listen_text);
    }
    size_t length = (size_t) (colon - listen_text);
    bool has_brackets = length >= 2 && listen_text[0] == '[' && colon[-1] == ']';
    cleanup_free char *host = has_brackets ? xstrndup(listen_text + 1, length - 2) : xstrndup(listen_text, length);
    struct sockaddr_in *v4 = (struct sockaddr_in *) ret_address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) ret_address;
    if (inet_pton(AF_INET, length ? host : "0.0.0.0", &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t) port);
        *ret_length = sizeof *v4;
        return 0;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t) port);
        *ret_length = sizeof *v6;
        return 0;
    }
    return error_set(err, ERROR_BAD_INPUT, "--listen '%s': '%s' is no IP address", listen_text, host);
}

bool http_address_is_valid(const char *listen)
{
    struct sockaddr_storage address = {0};
    socklen_t length = 0;
    return parse_address(listen, &address, &length, NULL) == 0;
}

/* A listening socket of our own, so that a taken port gets a message that says so. */
static int open_socket(const char *listen_text, int *ret_fd, struct error *err)
{
    struct sockaddr_storage address = {0};
    socklen_t length = 0;
    int result = parse_address(listen_text, &address, &length, err);
    if (result < 0) {
        return result;
    }
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *) &address, length) < 0 || listen(fd, BACKLOG) < 0) {
        (void) error_set(err, ERROR_IO, "cannot listen on %s: %s; choose another address with --listen", listen_text,
                         strerror(errno));
        memory_cleanup_close(&fd);
        return ERROR_IO;
    }
    *ret_fd = fd;
    return 0;
}

static int port_of(int fd)
{
    struct sockaddr_in6 address = {0};
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *) &address, &length) < 0) {
        return 0;
    }
    _Static_assert(offsetof(struct sockaddr_in6, sin6_port) == offsetof(struct sockaddr_in, sin_port), "of both");
    return ntohs(address.sin6_port);
}

int http_server_start(struct loop *loop, const struct http_options *options, struct http_server **ret_server,
                      struct error *err)
{
    int fd = -1;
    int result = open_socket(options->listen, &fd, err);
    if (result < 0) {
        return result;
    }
    struct http_server *server = xcalloc(1, sizeof *server);
    server->loop = loop;
    server->options = *options;
    server->port = port_of(fd);
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned int) CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int) IDLE_TIMEOUT_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) CONNECTION_MEMORY_BYTES, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        server->daemon ? MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info) {
        if (server->daemon) {
            MHD_stop_daemon(server->daemon);
        } else {
            (void) close(fd);
        }
        free(server);
        return error_set(err, ERROR_IO, "cannot start the HTTP server on %s", options->listen);
    }
    server->epoll_fd = info->epoll_fd;
    server->timer = loop_timer_new(loop, on_timer, server);
    server->scrape_timer = loop_timer_new(loop, drop_scrape, server);
    result = loop_watch_fd(loop, server->epoll_fd, POLLIN, on_ready, server);
    if (result < 0) {
        http_server_stop(server);
        return error_set(err, ERROR_IO, "cannot watch the HTTP server's descriptor");
    }
    *ret_server = server;
    return 0;
}

void http_server_stop(struct http_server *server)
{
    if (!server) {
        return;
    }
    (void) loop_watch_fd(server->loop, server->epoll_fd, 0, NULL, NULL);
    loop_timer_free(server->timer);
    loop_timer_free(server->scrape_timer);
    drop_scrape(server);
    MHD_stop_daemon(server->daemon); /* closes the listening socket */
    free(server);
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}
