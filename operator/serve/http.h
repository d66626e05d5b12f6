/*
 * The operator's small HTTP server: /healthz, /readyz and /metrics. It runs on the program's one loop, and no client
 * holds that up: what is to be sent lies ready, and goes out as fast as its reader takes it. Requests for /metrics
 * within a second share one answer; of readers so slow that too much waits for them, new ones are sent away (503).
 */
#ifndef OPERATOR_SERVE_HTTP_H
#define OPERATOR_SERVE_HTTP_H

#include <stdbool.h>

#include "proget/core/loop.h"

struct http_server;

struct http_options {
    const char *listen; /* "ADDR:PORT", IPv6 in brackets; port 0: any free one. Borrowed for the call */
    bool (*is_healthy)(void *userdata);
    bool (*is_ready)(void *userdata);
    char *(*render_metrics)(void *userdata); /* the whole text; owned by the server from there on */
    void *userdata;
};

/* Whether http_server_start() can read that `listen`; it does not say whether the port is free. */
bool http_address_is_valid(const char *listen);

/* ERROR_BAD_INPUT for an address that cannot be read, ERROR_IO where it cannot be listened on; the texts name it. */
int http_server_start(struct loop *loop, const struct http_options *options, struct http_server **ret_server,
                      struct error *err);
void http_server_stop(struct http_server *server); /* NULL is allowed */
/* The port it listens on. */
int http_server_port(const struct http_server *server);

#endif
