#include "fake_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { CONNECTIONS_MAX = 64, REQUESTS_MAX = 64, REQUEST_SIZE = 64 * 1024 };

struct connection {
    struct fake_server *server;
    pthread_t thread;
    int fd;
    SSL *ssl;
};

struct fake_server {
    const struct fake_reply *replies;
    size_t reply_count;
    int listener;
    int port;
    SSL_CTX *context;
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    bool is_stopping;
    const char *demanded; /* in each request, or it is refused */
    const struct fake_route *routes;
    size_t route_count;
    size_t reply_next;
    char *requests[REQUESTS_MAX];
    size_t request_count;
    struct connection connections[CONNECTIONS_MAX];
    size_t connection_count;
};

static ssize_t receive(struct connection *connection, char *target, size_t size)
{
    return connection->ssl ? SSL_read(connection->ssl, target, (int) size) : recv(connection->fd, target, size, 0);
}

static void transmit(struct connection *connection, const char *text)
{
    size_t left = strlen(text);
    while (left) {
        ssize_t sent = connection->ssl ? SSL_write(connection->ssl, text, (int) left)
                                       : send(connection->fd, text, left, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        text += sent;
        left -= (size_t) sent;
    }
}

static size_t content_length(const char *head)
{
    const char *line = strcasestr(head, "\r\nContent-Length: ");
    char number[24] = "";
    int64_t length = 0;
    if (line) {
        line += strlen("\r\nContent-Length: ");
        size_t digits = strspn(line, "0123456789");
        memcpy(number, line, digits < sizeof(number) ? digits : 0);
        (void) text_parse_int64(number, 0, REQUEST_SIZE, &length);
    }
    return (size_t) length;
}

/* One request, NUL-terminated. False at the end of the connection. */
static bool read_request(struct connection *connection, char request[REQUEST_SIZE])
{
    size_t length = 0;
    for (;;) {
        request[length] = '\0';
        const char *head_end = strstr(request, "\r\n\r\n");
        if (head_end && length >= (size_t) (head_end - request) + 4 + content_length(request)) {
            return true;
        }
        ssize_t got = length < REQUEST_SIZE - 1 ? receive(connection, request + length, REQUEST_SIZE - 1 - length) : 0;
        if (got <= 0) {
            return false;
        }
        length += (size_t) got;
    }
}

/* Under the lock. NULL: none is meant. */
static const char *route_of(const struct fake_server *server, const char *request)
{
    for (size_t i = 0; i < server->route_count; i++) {
        if (strstr(request, server->routes[i].part)) {
            return server->routes[i].text;
        }
    }
    return NULL;
}

static struct fake_reply next_reply(struct fake_server *server, const char *request)
{
    struct fake_reply reply = {NULL, FAKE_HANG};
    pthread_mutex_lock(&server->lock);
    if (server->demanded && !strstr(request, server->demanded)) {
        reply = (struct fake_reply){
            FAKE_HEAD("401 Unauthorized", "application/json") "Content-Length: 41\r\n\r\n"
                                                              "{\"kind\":\"Status\",\"reason\":\"Unauthorized\"}",
            FAKE_KEEP};
    } else if (route_of(server, request)) {
        reply = (struct fake_reply){route_of(server, request), FAKE_KEEP};
    } else if (server->reply_next < server->reply_count) {
        reply = server->replies[server->reply_next++];
    }
    if (server->request_count < REQUESTS_MAX) {
        server->requests[server->request_count++] = xstrdup(request);
    }
    pthread_mutex_unlock(&server->lock);
    return reply;
}

static void *serve(void *argument)
{
    struct connection *connection = argument;
    char *request = xmalloc(REQUEST_SIZE);
    enum fake_after after = FAKE_KEEP;
    bool is_ready = !connection->ssl || SSL_accept(connection->ssl) == 1;
    while (is_ready && after == FAKE_KEEP && read_request(connection, request)) {
        struct fake_reply reply = next_reply(connection->server, request);
        after = reply.after;
        if (reply.text) {
            transmit(connection, reply.text);
        }
    }
    while (after == FAKE_HANG && receive(connection, request, REQUEST_SIZE) > 0) {
    }
    free(request);
    if (connection->ssl && after == FAKE_CLOSE) {
        SSL_shutdown(connection->ssl);
    }
    if (after == FAKE_RESET) {
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    }
    SSL_free(connection->ssl);
    pthread_mutex_lock(&connection->server->lock);
    close(connection->fd);
    connection->fd = -1;
    pthread_mutex_unlock(&connection->server->lock);
    return NULL;
}

static void *accept_all(void *argument)
{
    struct fake_server *server = argument;
    for (;;) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        pthread_mutex_lock(&server->lock);
        bool is_over = fd < 0 || server->is_stopping || server->connection_count == CONNECTIONS_MAX;
        if (!is_over) {
            struct connection *connection = &server->connections[server->connection_count++];
            *connection = (struct connection){.server = server, .fd = fd};
            if (server->context) {
                connection->ssl = SSL_new(server->context);
                SSL_set_fd(connection->ssl, fd);
            }
            pthread_create(&connection->thread, NULL, serve, connection);
        }
        pthread_mutex_unlock(&server->lock);
        if (is_over) {
            if (fd >= 0) {
                close(fd);
            }
            return NULL;
        }
    }
}

static X509 *read_certificate(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return certificate;
}

static SSL_CTX *new_context(const struct fake_identity *identity, const char *client_ca)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    X509 *certificate = read_certificate(identity->certificate);
    BIO *bio = BIO_new_mem_buf(identity->key, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    if (client_ca) {
        BIO *bundle = BIO_new_mem_buf(client_ca, -1);
        for (X509 *ca = NULL; (ca = PEM_read_bio_X509(bundle, NULL, NULL, NULL)) != NULL; X509_free(ca)) {
            X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca);
        }
        BIO_free(bundle);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    return context;
}

struct fake_server *fake_server_start(const struct fake_identity *identity, const char *client_ca,
                                      const struct fake_reply *replies, size_t count)
{
    struct fake_server *server = xcalloc(1, sizeof(*server));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    server->replies = replies;
    server->reply_count = count;
    pthread_mutex_init(&server->lock, NULL);
    server->context = identity ? new_context(identity, client_ca) : NULL;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *) &address, length), 0);
    assert_int_equal(listen(server->listener, CONNECTIONS_MAX), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *) &address, &length), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, accept_all, server), 0);
    return server;
}

void fake_server_stop(struct fake_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->is_stopping = true;
    pthread_mutex_unlock(&server->lock);
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    for (size_t i = 0; i < server->connection_count; i++) {
        pthread_mutex_lock(&server->lock);
        if (server->connections[i].fd >= 0) {
            shutdown(server->connections[i].fd, SHUT_RDWR);
        }
        pthread_mutex_unlock(&server->lock);
        pthread_join(server->connections[i].thread, NULL);
    }
    for (size_t i = 0; i < server->request_count; i++) {
        free(server->requests[i]);
    }
    SSL_CTX_free(server->context);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

void fake_server_demand(struct fake_server *server, const char *part)
{
    pthread_mutex_lock(&server->lock);
    server->demanded = part;
    pthread_mutex_unlock(&server->lock);
}

void fake_server_route(struct fake_server *server, const struct fake_route *routes, size_t count)
{
    pthread_mutex_lock(&server->lock);
    server->routes = routes;
    server->route_count = count;
    pthread_mutex_unlock(&server->lock);
}

int fake_server_port(const struct fake_server *server)
{
    return server->port;
}

size_t fake_server_requests(struct fake_server *server)
{
    pthread_mutex_lock(&server->lock);
    size_t count = server->request_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

size_t fake_server_connections(struct fake_server *server)
{
    pthread_mutex_lock(&server->lock);
    size_t count = server->connection_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

const char *fake_server_request(struct fake_server *server, size_t index)
{
    assert_true(index < fake_server_requests(server));
    return server->requests[index];
}

char *fake_answer(const char *status, const char *head, const char *body)
{
    return xasprintf("HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n%s", status,
                     strlen(body), head, body);
}

static X509 *new_certificate(const char *name, long serial, long valid_seconds, EVP_PKEY *key, X509 *issuer)
{
    X509 *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -7200);
    X509_gmtime_adj(X509_getm_notAfter(certificate), valid_seconds);
    X509_set_pubkey(certificate, key);
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *) name, -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer ? issuer : certificate));
    return certificate;
}

static void add_extension(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static char *take_text(BIO *bio)
{
    char *bytes = NULL;
    long length = BIO_get_mem_data(bio, &bytes);
    char *text = xstrndup(bytes, (size_t) length);
    BIO_free(bio);
    return text;
}

static char *certificate_text(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    return take_text(bio);
}

static char *key_text(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    return take_text(bio);
}

struct fake_identity fake_identity_new(const char *ca_name, const char *alternative_name, long valid_seconds)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *ca = new_certificate(ca_name, 1, 86400, ca_key, NULL);
    add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(ca, ca, NID_key_usage, "critical,keyCertSign");
    X509_sign(ca, ca_key, EVP_sha256());
    X509 *certificate = new_certificate("test server", 2, valid_seconds, key, ca);
    add_extension(certificate, ca, NID_subject_alt_name, alternative_name);
    X509_sign(certificate, ca_key, EVP_sha256());
    struct fake_identity identity = {certificate_text(ca), certificate_text(certificate), key_text(key)};
    X509_free(ca);
    X509_free(certificate);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
    return identity;
}

void fake_identity_free(struct fake_identity *identity)
{
    free(identity->ca);
    free(identity->certificate);
    free(identity->key);
    *identity = (struct fake_identity){0};
}
