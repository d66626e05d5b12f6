/*
 * A scripted HTTP/1.1 server inside the test's process, for the faults that no real API server shows on demand. It
 * answers the requests in the order in which they come with the replies of its script, byte for byte; what comes after
 * the script's end gets no answer. Each connection has a thread of its own.
 */
#ifndef PROGET_TESTS_FAKE_SERVER_H
#define PROGET_TESTS_FAKE_SERVER_H

#include <stddef.h>

enum fake_after {
    FAKE_KEEP,  /* the connection is kept for the next request */
    FAKE_CLOSE, /* closed properly */
    FAKE_RESET, /* closed with a TCP reset */
    FAKE_HANG,  /* left open without another byte */
};

struct fake_reply {
    const char *text; /* the whole answer, head and body; NULL: not a byte */
    enum fake_after after;
};

/* PEM texts: a CA, and a certificate with its key that the CA signed. */
struct fake_identity {
    char *ca, *certificate, *key;
};
/* `alternative_name`: "IP:127.0.0.1" or "DNS:name"; `valid_seconds` from now on (negative: it has expired). */
struct fake_identity fake_identity_new(const char *ca_name, const char *alternative_name, long valid_seconds);
void fake_identity_free(struct fake_identity *identity);

struct fake_server;
/*
 * `identity` NULL: plain HTTP. `client_ca` (PEM, may be NULL): clients have to show a certificate of it. Replies are
 * borrowed. Fails the test where it cannot listen.
 */
struct fake_server *fake_server_start(const struct fake_identity *identity, const char *client_ca,
                                      const struct fake_reply *replies, size_t count);
void fake_server_stop(struct fake_server *server);
/*
 * From now on a request without `part` (such as "\r\nAuthorization: Bearer new\r\n"; borrowed) is answered with 401,
 * outside of the script. NULL: all are let in again.
 */
void fake_server_demand(struct fake_server *server, const char *part);
/*
 * From now on a request that holds `part` (such as "GET /api/v1/pods?") is answered with `text`, as often as it comes
 * and outside of the script: for requests whose order is nobody's business. The first that fits counts. Borrowed.
 */
struct fake_route {
    const char *part, *text;
};
void fake_server_route(struct fake_server *server, const struct fake_route *routes, size_t count);

int fake_server_port(const struct fake_server *server);
size_t fake_server_requests(struct fake_server *server);
size_t fake_server_connections(struct fake_server *server); /* that were ever taken */
/* The request's head and body as it came; borrowed until the server stops. Fails the test where there is none. */
const char *fake_server_request(struct fake_server *server, size_t index);

/* Replies as text: with a length, or (a watch) without, ended by the connection's end. */
#define FAKE_HEAD(status, type) "HTTP/1.1 " status "\r\nContent-Type: " type "\r\n"
#define FAKE_STREAM(frames)     FAKE_HEAD("200 OK", "application/json") "Connection: close\r\n\r\n" frames
/* Owned. `head`: further header lines, each with its line end. */
char *fake_answer(const char *status, const char *head, const char *body);

#endif
