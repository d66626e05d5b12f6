#include "proget/kube/client.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../lib/kube/client_private.h"
#include "../../lib/kube/token.h"
#include "fake_server.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { TURN_MS = 20, LIMIT_MS = 20000 };

static const struct kube_resource pods = {"", "v1", "pods"};
static const struct kube_resource leases = {"coordination.k8s.io", "v1", "leases"};

struct fixture {
    struct loop *loop;
    struct kube_client *client;
    struct fake_server *server;
    int answers;
    int status;      /* of the last answer; 0: none */
    int code;        /* of the last error; 0: none */
    char text[1024]; /* of the last error */
    char name[256];  /* metadata.name of the last answer */
};

static struct kube_config *config_for(const struct fixture *fixture, const char *scheme)
{
    struct kube_config *config = xcalloc(1, sizeof(*config));
    config->server = xasprintf("%s://127.0.0.1:%d", scheme, fake_server_port(fixture->server));
    config->namespace_name = xstrdup("default");
    config->source = xstrdup("test (context c)");
    return config;
}

static void start_server(struct fixture *fixture, const struct fake_reply *replies, size_t count)
{
    struct error err;
    *fixture = (struct fixture){0};
    assert_int_equal(loop_new(&fixture->loop, &err), 0);
    fixture->server = fake_server_start(NULL, NULL, replies, count);
    assert_int_equal(kube_client_new(fixture->loop, config_for(fixture, "http"), &fixture->client, &err), 0);
}

static void end(struct fixture *fixture)
{
    kube_client_free(fixture->client);
    fake_server_stop(fixture->server);
    loop_free(fixture->loop);
}

static void on_response(const struct kube_response *response, const struct error *err, void *userdata)
{
    struct fixture *fixture = userdata;
    fixture->answers++;
    fixture->status = response ? response->status : 0;
    fixture->code = err ? (int) err->code : 0;
    snprintf(fixture->text, sizeof(fixture->text), "%s", err ? err->text : "");
    snprintf(fixture->name, sizeof(fixture->name), "%s",
             response ? json_text_at(response->body, "metadata.name", "") : "");
}

static void turn_until(struct fixture *fixture, const int *counter, int value)
{
    struct error err;
    int64_t deadline_ms = clock_now().monotonic_ms + LIMIT_MS;
    while (*counter < value) {
        assert_int_equal(loop_turn(fixture->loop, TURN_MS, &err), 0);
        assert_true(clock_now().monotonic_ms < deadline_ms);
    }
}

static struct kube_call *start_call(struct fixture *fixture, enum kube_verb verb, int64_t timeout_ms)
{
    cleanup_json struct json_object *body = verb == KUBE_GET ? NULL : json_object_new_object();
    struct kube_request request = {
        .verb = verb,
        .address = {.resource = &pods, .namespace_name = "ns", .name = verb == KUBE_CREATE ? NULL : "p"},
        .field_manager = verb == KUBE_GET ? NULL : "tester",
        .body = body,
        .timeout_ms = timeout_ms,
    };
    return kube_client_send(fixture->client, &request, on_response, fixture);
}

static void call(struct fixture *fixture, enum kube_verb verb)
{
    int before = fixture->answers;
    start_call(fixture, verb, 0);
    turn_until(fixture, &fixture->answers, before + 1);
}

static void test_requests_as_they_go_out(void **state)
{
    static const struct {
        enum kube_verb verb;
        struct kube_address address;
        const char *query;
        const char *line;
        const char *type;
    } cases[] = {
        {KUBE_GET, {&pods, "ns", "p", NULL}, NULL, "GET /api/v1/namespaces/ns/pods/p HTTP/1.1\r\n", NULL},
        {KUBE_GET, {&pods, NULL, NULL, NULL}, "limit=5", "GET /api/v1/pods?limit=5 HTTP/1.1\r\n", NULL},
        {KUBE_CREATE,
         {&leases, "ns", NULL, NULL},
         NULL,
         "POST /apis/coordination.k8s.io/v1/namespaces/ns/leases?fieldManager=tester HTTP/1.1\r\n",
         "application/json"},
        {KUBE_APPLY,
         {&pods, "ns", "p", "status"},
         "fieldValidation=Strict",
         "PATCH /api/v1/namespaces/ns/pods/p/status?fieldManager=tester&force=true&fieldValidation=Strict HTTP/1.1\r\n",
         "application/apply-patch+yaml"},
        {KUBE_MERGE_PATCH,
         {&leases, "n/s", "a?b", NULL},
         NULL,
         "PATCH /apis/coordination.k8s.io/v1/namespaces/n%2Fs/leases/a%3Fb?fieldManager=tester HTTP/1.1\r\n",
         "application/merge-patch+json"},
        {KUBE_STRATEGIC_PATCH,
         {&pods, "ns", "p", NULL},
         NULL,
         "PATCH /api/v1/namespaces/ns/pods/p?fieldManager=tester HTTP/1.1\r\n",
         "application/strategic-merge-patch+json"},
    };
    struct fixture fixture;
    cleanup_free char *answer = fake_answer("200 OK", "", "{\"metadata\":{\"name\":\"p\"}}");
    struct fake_reply replies[array_length(cases)];
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        replies[i] = (struct fake_reply){answer, FAKE_KEEP};
    }
    start_server(&fixture, replies, array_length(replies));
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_json struct json_object *body = cases[i].type ? json_object_new_object() : NULL;
        if (body) {
            json_add_text(body, "kind", "Pod");
        }
        struct kube_request request = {.verb = cases[i].verb,
                                       .address = cases[i].address,
                                       .field_manager = cases[i].type ? "tester" : NULL,
                                       .query = cases[i].query,
                                       .body = body};
        kube_client_send(fixture.client, &request, on_response, &fixture);
        assert_int_equal(kube_client_calls_in_flight(fixture.client), 1);
        turn_until(&fixture, &fixture.answers, (int) i + 1);
        assert_int_equal(fixture.code, 0);
        assert_int_equal(fixture.status, 200);
        assert_string_equal(fixture.name, "p");
        const char *sent = fake_server_request(fixture.server, i);
        assert_true(text_starts_with(sent, cases[i].line));
        assert_non_null(strstr(sent, "\r\nUser-Agent: proget/"));
        assert_non_null(strstr(sent, "\r\nAccept: application/json\r\n"));
        assert_null(strstr(sent, "\r\nExpect:"));
        if (cases[i].type) {
            cleanup_free char *line = xasprintf("\r\nContent-Type: %s\r\n", cases[i].type);
            assert_non_null(strstr(sent, line));
            assert_true(text_ends_with(sent, "\r\n\r\n{\"kind\":\"Pod\"}"));
        }
    }
    assert_int_equal(fake_server_connections(fixture.server), 1);
    assert_int_equal(kube_client_calls_in_flight(fixture.client), 0);
    size_t count = 0;
    const struct kube_client_count *counts = kube_client_counts(fixture.client, &count);
    assert_int_equal(count, 5);
    assert_string_equal(counts[4].verb, "PATCH");
    assert_int_equal(counts[4].status, 200);
    assert_int_equal(counts[4].count, 2);
    end(&fixture);
}

static void test_errors(void **state)
{
    static const struct {
        const char *status, *body;
        enum kube_verb verb;
        int code;
        const char *text;
    } cases[] = {
        {"404 Not Found", "{\"kind\":\"Status\",\"reason\":\"NotFound\",\"message\":\"pods \\\"p\\\" not found\"}",
         KUBE_GET, ERROR_NOT_FOUND, "GET pods ns/p: HTTP 404 NotFound: pods \"p\" not found"},
        {"409 Conflict", "{\"kind\":\"Status\",\"reason\":\"AlreadyExists\",\"message\":\"m\"}", KUBE_CREATE,
         ERROR_EXISTS, "CREATE pods ns: HTTP 409 AlreadyExists: m"},
        {"409 Conflict", "{\"kind\":\"Status\",\"reason\":\"Conflict\",\"message\":\"m\"}", KUBE_CREATE, ERROR_CONFLICT,
         "CREATE pods ns: HTTP 409 Conflict: m"},
        {"409 Conflict", "<html>", KUBE_CREATE, ERROR_EXISTS, "HTTP 409 (application/json, without a Status object)"},
        {"409 Conflict", "<html>", KUBE_APPLY, ERROR_CONFLICT, "APPLY pods ns/p: HTTP 409"},
        {"410 Gone", "{\"kind\":\"Status\",\"reason\":\"Expired\"}", KUBE_GET, ERROR_GONE, "HTTP 410 Expired"},
        {"401 Unauthorized", "{\"kind\":\"Status\",\"reason\":\"Unauthorized\"}", KUBE_GET, ERROR_DENIED, "HTTP 401"},
        {"403 Forbidden", "{\"kind\":\"Status\",\"reason\":\"Forbidden\"}", KUBE_GET, ERROR_DENIED, "HTTP 403"},
        {"400 Bad Request", "{\"kind\":\"Status\",\"reason\":\"BadRequest\"}", KUBE_GET, ERROR_BAD_INPUT, "HTTP 400"},
        {"413 Too Large", "{}", KUBE_APPLY, ERROR_BAD_INPUT, "HTTP 413"},
        {"415 Unsupported", "{}", KUBE_APPLY, ERROR_BAD_INPUT, "HTTP 415"},
        {"422 Unprocessable", "{\"kind\":\"Status\",\"reason\":\"Invalid\",\"message\":\"a\\u001b[2J\\u202eb\"}",
         KUBE_APPLY, ERROR_BAD_INPUT, "HTTP 422 Invalid: a?[2J?b"},
        {"429 Too Many", "{\"kind\":\"Status\",\"reason\":\"TooManyRequests\"}", KUBE_APPLY, ERROR_AGAIN, "HTTP 429"},
        {"504 Gateway Timeout", "{\"kind\":\"Status\",\"reason\":\"Timeout\"}", KUBE_GET, ERROR_TIMEOUT, "HTTP 504"},
        {"500 Oops", "{\"kind\":\"Status\",\"reason\":\"InternalError\"}", KUBE_GET, ERROR_IO,
         "HTTP 500 InternalError"},
        {"503 Service Unavailable", "<html>down</html>", KUBE_GET, ERROR_IO,
         "HTTP 503 (application/json, without a Status object)"},
        {"302 Found", "", KUBE_GET, ERROR_IO, "HTTP 302"},
        {"200 OK", "<html>log in here</html>", KUBE_GET, ERROR_IO, "the answer is no JSON"},
        {"200 OK", "", KUBE_GET, ERROR_IO, "the answer is no JSON"},
        {"200 OK", "null", KUBE_GET, ERROR_IO, "the answer is no JSON"},
    };
    struct fixture fixture;
    struct fake_reply replies[array_length(cases)];
    char *answers[array_length(cases)];
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        answers[i] = fake_answer(cases[i].status, "Location: /elsewhere\r\n", cases[i].body);
        replies[i] = (struct fake_reply){answers[i], FAKE_KEEP};
    }
    start_server(&fixture, replies, array_length(replies));
    for (size_t i = 0; i < array_length(cases); i++) {
        call(&fixture, cases[i].verb);
        assert_int_equal(fixture.code, cases[i].code);
        assert_non_null(strstr(fixture.text, cases[i].text));
    }
    assert_int_equal(fake_server_requests(fixture.server), array_length(cases)); /* none of these was repeated */
    end(&fixture);
    for (size_t i = 0; i < array_length(cases); i++) {
        free(answers[i]);
    }
}

static void test_retry_after_is_followed(void **state)
{
    struct fixture fixture;
    cleanup_free char *busy = fake_answer("429 Too Many Requests", "Retry-After: 0\r\n", "{}");
    cleanup_free char *down =
        fake_answer("503 Down", "Retry-After: 0\r\nConnection: close\r\n", "{\"kind\":\"Status\"}");
    cleanup_free char *gateway = fake_answer("503 Down", "Retry-After: 0\r\n", "<html>no upstream</html>");
    cleanup_free char *fine = fake_answer("201 Created", "", "{\"metadata\":{\"name\":\"p\"}}");
    const struct fake_reply replies[] = {{busy, FAKE_KEEP},    {down, FAKE_CLOSE},   {fine, FAKE_KEEP},
                                         {gateway, FAKE_KEEP}, {gateway, FAKE_KEEP}, {fine, FAKE_KEEP}};
    (void) state;
    start_server(&fixture, replies, array_length(replies));
    call(&fixture, KUBE_CREATE); /* the server says that it did not do it, so even this is safe */
    assert_int_equal(fixture.code, 0);
    assert_int_equal(fixture.status, 201);
    assert_int_equal(fake_server_requests(fixture.server), 3);
    assert_string_equal(fake_server_request(fixture.server, 2) + strlen(fake_server_request(fixture.server, 2)) - 2,
                        "{}");
    call(&fixture, KUBE_CREATE); /* what is in between may have passed it on */
    assert_int_equal(fixture.code, ERROR_IO);
    assert_int_equal(fake_server_requests(fixture.server), 4);
    call(&fixture, KUBE_GET);
    assert_int_equal(fixture.code, 0);
    assert_int_equal(fake_server_requests(fixture.server), 6);
    end(&fixture);
}

static void test_retries_have_an_end(void **state)
{
    struct fixture fixture;
    cleanup_free char *busy = fake_answer("429 Too Many Requests", "Retry-After: 0\r\n", "{\"kind\":\"Status\"}");
    cleanup_free char *later = fake_answer("429 Too Many Requests", "Retry-After: 30\r\n", "{\"kind\":\"Status\"}");
    cleanup_free char *date =
        fake_answer("503 Down", "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n", "{\"kind\":\"Status\"}");
    struct fake_reply replies[12];
    (void) state;
    for (size_t i = 0; i < 10; i++) {
        replies[i] = (struct fake_reply){busy, FAKE_KEEP};
    }
    replies[10] = (struct fake_reply){later, FAKE_KEEP};
    replies[11] = (struct fake_reply){date, FAKE_KEEP};
    start_server(&fixture, replies, array_length(replies));
    call(&fixture, KUBE_GET);
    assert_int_equal(fixture.code, ERROR_AGAIN);
    assert_int_equal(fake_server_requests(fixture.server), 10);
    start_call(&fixture, KUBE_GET, /* timeout_ms= */ 5000); /* 30 s do not fit */
    turn_until(&fixture, &fixture.answers, 2);
    assert_int_equal(fixture.code, ERROR_AGAIN);
    call(&fixture, KUBE_GET); /* a date is no integer */
    assert_int_equal(fixture.code, ERROR_IO);
    assert_int_equal(fake_server_requests(fixture.server), 12);
    end(&fixture);
}

static void test_lost_connection(void **state)
{
    struct fixture fixture;
    cleanup_free char *fine = fake_answer("200 OK", "", "{\"metadata\":{\"name\":\"p\"}}");
    const struct fake_reply replies[] = {
        {NULL, FAKE_RESET},
        {fine, FAKE_KEEP},  /* a read is sent again, */
        {NULL, FAKE_CLOSE}, /* a write is not, neither on a used connection */
        {NULL, FAKE_CLOSE}, /* nor on a new one, */
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", FAKE_CLOSE}, /* nor with half an answer */
    };
    (void) state;
    start_server(&fixture, replies, array_length(replies));
    call(&fixture, KUBE_GET);
    assert_int_equal(fixture.code, 0);
    assert_int_equal(fake_server_requests(fixture.server), 2);
    for (size_t i = 3; i <= 5; i++) {
        call(&fixture, KUBE_CREATE);
        assert_int_equal(fixture.code, ERROR_IO);
        assert_int_equal(fixture.status, 0);
        assert_non_null(strstr(fixture.text, "CREATE pods ns: the connection to the API server http://127.0.0.1:"));
        assert_int_equal(fake_server_requests(fixture.server), i);
    }
    end(&fixture);
}

static void test_no_answer_and_nobody_there(void **state)
{
    struct fixture fixture;
    const struct fake_reply replies[] = {{NULL, FAKE_HANG}};
    (void) state;
    start_server(&fixture, replies, array_length(replies));
    start_call(&fixture, KUBE_APPLY, /* timeout_ms= */ 100);
    turn_until(&fixture, &fixture.answers, 1);
    assert_int_equal(fixture.code, ERROR_TIMEOUT);
    assert_non_null(strstr(fixture.text, "does not answer"));
    struct error err;
    struct kube_client *nobody = NULL;
    struct kube_config *config = config_for(&fixture, "http");
    free(config->server);
    config->server = xstrdup("http://127.0.0.1:1");
    assert_int_equal(kube_client_new(fixture.loop, config, &nobody, &err), 0);
    kube_client_free(fixture.client);
    fixture.client = nobody;
    call(&fixture, KUBE_GET);
    assert_int_equal(fixture.code, ERROR_IO);
    assert_non_null(strstr(fixture.text, "http://127.0.0.1:1 refuses the connection"));
    end(&fixture);
}

static void expect_refused_config(struct fixture *fixture, struct kube_config *config, const char *text)
{
    struct kube_client *client = NULL;
    struct error err;
    assert_int_equal(kube_client_new(fixture->loop, config, &client, &err), ERROR_BAD_INPUT);
    assert_null(client);
    assert_non_null(strstr(err.text, text));
    assert_null(strstr(err.text, "secret"));
}

static void test_unusable_configurations(void **state)
{
    struct fixture fixture;
    struct fake_identity one = fake_identity_new("test CA", "IP:127.0.0.1", 3600);
    struct fake_identity other = fake_identity_new("test CA", "IP:127.0.0.1", 3600);
    struct kube_config *config;
    (void) state;
    start_server(&fixture, NULL, 0);
    config = config_for(&fixture, "http");
    config->token = xstrdup("secret");
    expect_refused_config(&fixture, config, "without credentials");
    config = config_for(&fixture, "http");
    free(config->server);
    config->server = xstrdup("http://example.com");
    expect_refused_config(&fixture, config, "has to be https://");
    config = config_for(&fixture, "https");
    free(config->server);
    config->server = xstrdup("https://a b");
    expect_refused_config(&fixture, config, "is no URL");
    config = config_for(&fixture, "https");
    config->token = xstrdup("secret\r\nX: y");
    expect_refused_config(&fixture, config, "a character that no token has");
    config = config_for(&fixture, "https");
    config->ca_data = xstrdup("secret");
    expect_refused_config(&fixture, config, "certificate-authority-data: there is no PEM certificate in it");
    config = config_for(&fixture, "https");
    config->ca_data = xasprintf("%s-----BEGIN CERTIFICATE-----\nMIIBsecret\n-----END CERTIFICATE-----\n", one.ca);
    expect_refused_config(&fixture, config, "certificate 2 in it cannot be read");
    config = config_for(&fixture, "https");
    config->ca_file = xstrdup("/nowhere/ca.crt");
    expect_refused_config(&fixture, config, "/nowhere/ca.crt");
    config = config_for(&fixture, "https");
    config->client_certificate = xstrdup(one.certificate);
    expect_refused_config(&fixture, config, "needs a client key");
    config = config_for(&fixture, "https");
    config->client_certificate = xstrdup(one.certificate);
    config->client_key = xstrdup(other.key);
    expect_refused_config(&fixture, config, "does not belong to the client certificate");
    config = config_for(&fixture, "https");
    config->client_certificate = xstrdup(one.certificate);
    config->client_key = xstrdup("secret");
    expect_refused_config(&fixture, config, "there is no PEM key in it");
    fake_identity_free(&one);
    fake_identity_free(&other);
    end(&fixture);
}

static void start_tls(struct fixture *fixture, const struct fake_identity *identity, const char *client_ca,
                      const struct fake_reply *replies, size_t count)
{
    struct error err;
    *fixture = (struct fixture){0};
    assert_int_equal(loop_new(&fixture->loop, &err), 0);
    fixture->server = fake_server_start(identity, client_ca, replies, count);
}

static void use_config(struct fixture *fixture, struct kube_config *config)
{
    struct error err;
    kube_client_free(fixture->client);
    fixture->client = NULL;
    assert_int_equal(kube_client_new(fixture->loop, config, &fixture->client, &err), 0);
}

/* A server that speaks HTTP/1.1 only: a request that hangs must not keep the next one waiting. */
static void test_further_connections_open_where_one_cannot_be_shared(void **state)
{
    struct fake_identity identity = fake_identity_new("test CA", "IP:127.0.0.1", 3600);
    cleanup_free char *fine = fake_answer("200 OK", "", "{\"metadata\":{\"name\":\"p\"}}");
    const struct fake_reply replies[] = {{NULL, FAKE_HANG}, {NULL, FAKE_HANG}, {fine, FAKE_KEEP}};
    (void) state;
    for (int is_secure = 0; is_secure <= 1; is_secure++) {
        struct fixture fixture;
        start_tls(&fixture, is_secure ? &identity : NULL, NULL, replies, array_length(replies));
        struct kube_config *config = config_for(&fixture, is_secure ? "https" : "http");
        config->ca_data = is_secure ? xstrdup(identity.ca) : NULL;
        use_config(&fixture, config);
        struct kube_call *first = start_call(&fixture, KUBE_GET, 0);
        struct error err;
        while (fake_server_requests(fixture.server) < 1) {
            assert_int_equal(loop_turn(fixture.loop, TURN_MS, &err), 0);
        }
        start_call(&fixture, KUBE_GET, 0);
        while (fake_server_requests(fixture.server) < 2) {
            assert_int_equal(loop_turn(fixture.loop, TURN_MS, &err), 0);
        }
        start_call(&fixture, KUBE_GET, 0);
        turn_until(&fixture, &fixture.answers, 1);
        assert_int_equal(fixture.code, 0);
        assert_int_equal(fake_server_connections(fixture.server), 3);
        assert_int_equal(kube_client_calls_in_flight(fixture.client), 2);
        kube_call_cancel(first);
        assert_int_equal(kube_client_calls_in_flight(fixture.client), 1);
        end(&fixture); /* with one under way */
        assert_int_equal(fixture.answers, 1);
    }
    fake_identity_free(&identity);
}

static void test_certificates_are_checked(void **state)
{
    static const struct {
        const char *name; /* of the server's certificate */
        long valid_seconds;
        const char *other_ca; /* another one, of that name */
        bool is_insecure;
        bool has_no_ca;
        const char *tls_server_name;
        const char *text; /* NULL: it is accepted */
    } cases[] = {
        {"IP:127.0.0.1", 3600, NULL, false, false, NULL, NULL},
        {"IP:127.0.0.1", 3600, "other CA", false, false, NULL,
         "its certificate is not signed by the CA in test (context c) ("},
        {"IP:127.0.0.1", 3600, "test CA", false, false, NULL,
         "is not signed by the CA in test (context c), but by another"},
        {"IP:127.0.0.1", 3600, NULL, false, true, NULL, "is not signed by the CA in the system's store"},
        {"IP:127.0.0.1", -60, NULL, false, false, NULL, "its certificate is not valid now"},
        {"DNS:api.test", 3600, NULL, false, false, NULL, "is not made out for that name"},
        {"DNS:api.test", 3600, NULL, false, false, "api.test", NULL},
        {"DNS:api.test", 3600, NULL, false, false, "other.test", "is not made out for that name"},
        {"DNS:api.test", 3600, "other CA", false, false, "api.test", "is not signed by the CA"},
        {"DNS:api.test", -60, "other CA", true, false, NULL, NULL},
    };
    cleanup_free char *fine = fake_answer("200 OK", "", "{\"metadata\":{\"name\":\"p\"}}");
    const struct fake_reply replies[] = {{fine, FAKE_CLOSE}};
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        struct fixture fixture;
        struct fake_identity identity = fake_identity_new("test CA", cases[i].name, cases[i].valid_seconds);
        struct fake_identity other =
            fake_identity_new(cases[i].other_ca ? cases[i].other_ca : "", "IP:127.0.0.1", 3600);
        start_tls(&fixture, &identity, NULL, replies, array_length(replies));
        struct kube_config *config = config_for(&fixture, "https");
        config->token = xstrdup("top-secret");
        config->insecure = cases[i].is_insecure;
        config->ca_data =
            cases[i].is_insecure || cases[i].has_no_ca ? NULL : xstrdup(cases[i].other_ca ? other.ca : identity.ca);
        config->tls_server_name = xstrdup(cases[i].tls_server_name);
        use_config(&fixture, config);
        call(&fixture, KUBE_GET);
        assert_int_equal(fixture.code, cases[i].text ? ERROR_IO : 0);
        if (cases[i].text) {
            if (!strstr(fixture.text, cases[i].text)) {
                fail_msg("%s", fixture.text);
            }
            assert_null(strstr(fixture.text, "top-secret"));
            assert_int_equal(fake_server_requests(fixture.server), 0); /* nothing of ours went out */
        } else {
            cleanup_free char *host = xasprintf("\r\nHost: 127.0.0.1:%d\r\n", fake_server_port(fixture.server));
            assert_non_null(strstr(fake_server_request(fixture.server, 0), host));
            assert_non_null(strstr(fake_server_request(fixture.server, 0), "\r\nAuthorization: Bearer top-secret\r\n"));
        }
        fake_identity_free(&identity);
        fake_identity_free(&other);
        end(&fixture);
    }
}

static void test_other_ways_to_say_who_one_is(void **state)
{
    struct fixture fixture;
    struct fake_identity identity = fake_identity_new("test CA", "IP:127.0.0.1", 3600);
    cleanup_free char *fine = fake_answer("200 OK", "", "{\"metadata\":{\"name\":\"p\"}}");
    const struct fake_reply replies[] = {{fine, FAKE_KEEP}, {fine, FAKE_KEEP}};
    (void) state;
    start_tls(&fixture, &identity, identity.ca, replies, array_length(replies));
    struct kube_config *config = config_for(&fixture, "https");
    config->ca_data = xstrdup(identity.ca);
    config->client_certificate = xstrdup(identity.certificate);
    config->client_key = xstrdup(identity.key);
    config->username = xstrdup("user");
    config->password = xstrdup("pass");
    config->impersonate_user = xstrdup("system:serviceaccount:ns:x");
    use_config(&fixture, config);
    call(&fixture, KUBE_GET);
    assert_int_equal(fixture.code, 0);
    const char *sent = fake_server_request(fixture.server, 0);
    assert_non_null(strstr(sent, "\r\nAuthorization: Basic dXNlcjpwYXNz\r\n"));
    assert_non_null(strstr(sent, "\r\nImpersonate-User: system:serviceaccount:ns:x\r\n"));
    config = config_for(&fixture, "https");
    config->ca_data = xstrdup(identity.ca);
    use_config(&fixture, config);
    call(&fixture, KUBE_CREATE); /* without the certificate nobody is let in */
    assert_int_equal(fixture.code, ERROR_IO);
    assert_int_equal(fake_server_requests(fixture.server), 1);
    fake_identity_free(&identity);
    end(&fixture);
}

static void write_file(const char *path, const char *content)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, strlen(content), file), strlen(content));
    assert_int_equal(fclose(file), 0);
}

static void test_token_file(void **state)
{
    struct token_source source = {0};
    const char *token = NULL;
    struct error err;
    char path[] = "/tmp/test-token-XXXXXX";
    int fd = mkstemp(path);
    (void) state;
    assert_true(fd >= 0);
    close(fd);
    source.path = path;
    assert_int_equal(token_source_get(&source, 1000, &token, &err), ERROR_BAD_INPUT); /* empty, and none before */
    assert_non_null(strstr(err.text, path));
    source.fallback = "given";
    assert_int_equal(token_source_get(&source, 1000, &token, &err), 0);
    assert_string_equal(token, "given");
    write_file(path, " one\n");
    assert_int_equal(token_source_get(&source, 1000, &token, &err), 0);
    assert_string_equal(token, "one"); /* the file beats the other once it was read */
    write_file(path, "two");
    assert_int_equal(token_source_get(&source, 1000 + TOKEN_FRESH_MS - 1, &token, &err), 0);
    assert_string_equal(token, "one");
    assert_int_equal(token_source_get(&source, 1000 + TOKEN_FRESH_MS, &token, &err), 0);
    assert_string_equal(token, "two");
    static const char *const unusable[] = {"", "\n", "a b", "a\nb", "a\x01"};
    for (size_t i = 0; i < array_length(unusable); i++) {
        write_file(path, unusable[i]);
        assert_int_equal(token_source_get(&source, 1000000, &token, &err), 0);
        assert_string_equal(token, "two"); /* better an old one than none */
    }
    assert_int_equal(source.changes, 2);
    write_file(path, "three\n");
    token_source_renew(&source, source.loaded_ms);
    assert_int_equal(source.changes, 3);
    token_source_renew(&source, source.loaded_ms + 1);
    assert_int_equal(source.changes, 3); /* still the same */
    assert_int_equal(unlink(path), 0);
    token_source_renew(&source, source.loaded_ms + 2);
    assert_int_equal(token_source_get(&source, source.loaded_ms + 2, &token, &err), 0);
    assert_string_equal(token, "three"); /* better than none */
    token_source_release(&source);
    assert_int_equal(token_source_get(&source, 1000000, &token, &err), 0);
    assert_string_equal(token, "given");
    source.fallback = NULL;
    token_source_renew(&source, 1000000);
    assert_int_equal(token_source_get(&source, 1000000, &token, &err), ERROR_NOT_FOUND);
    token_source_release(&source);
    source.path = NULL;
    token_source_renew(&source, 1000000); /* no file: nothing to do */
    assert_int_equal(token_source_get(&source, 1000000, &token, &err), 0);
    assert_null(token);
}

static char *temporary_file(const char *content)
{
    char *path = xstrdup("/tmp/test-credential-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    write_file(path, content);
    return path;
}

/* How many answers of that status the metrics know. */
static uint64_t counted(const struct fixture *fixture, const char *verb, int status)
{
    size_t count = 0;
    const struct kube_client_count *counts = kube_client_counts(fixture->client, &count);
    for (size_t i = 0; i < count; i++) {
        if (counts[i].status == status && text_equal(counts[i].verb, verb)) {
            return counts[i].count;
        }
    }
    return 0;
}

static void test_token_that_is_exchanged_loses_no_request(void **state)
{
    struct fixture fixture;
    struct fake_identity identity = fake_identity_new("test CA", "IP:127.0.0.1", 3600);
    cleanup_free char *fine = fake_answer("200 OK", "", "{\"metadata\":{\"name\":\"p\"}}");
    struct fake_reply replies[16];
    (void) state;
    for (size_t i = 0; i < array_length(replies); i++) {
        replies[i] = (struct fake_reply){fine, FAKE_KEEP};
    }
    cleanup_free char *path = temporary_file("old");
    start_tls(&fixture, &identity, NULL, replies, array_length(replies));
    struct kube_config *config = config_for(&fixture, "https");
    config->ca_data = xstrdup(identity.ca);
    config->token_file = xstrdup(path);
    use_config(&fixture, config);
    fake_server_demand(fixture.server, "Bearer old\r\n");
    call(&fixture, KUBE_GET);
    assert_int_equal(fixture.code, 0);
    /* From now on the old one is refused. Several are under way at once, reads and writes. */
    write_file(path, "new");
    fake_server_demand(fixture.server, "Bearer new\r\n");
    start_call(&fixture, KUBE_CREATE, 0);
    start_call(&fixture, KUBE_APPLY, 0);
    start_call(&fixture, KUBE_GET, 0);
    while (fixture.answers < 4) {
        turn_until(&fixture, &fixture.answers, fixture.answers + 1);
        assert_int_equal(fixture.code, 0);
        assert_string_equal(fixture.name, "p");
    }
    assert_int_equal(counted(&fixture, "CREATE", 401), 1);
    assert_int_equal(counted(&fixture, "CREATE", 200), 1);
    size_t requests = fake_server_requests(fixture.server);
    assert_true(requests <= 7); /* each once more at the most */
    /* No other token: said, not repeated. */
    fake_server_demand(fixture.server, "Bearer third\r\n");
    call(&fixture, KUBE_GET);
    assert_int_equal(fixture.code, ERROR_DENIED);
    assert_int_equal(fixture.status, 401);
    assert_int_equal(fake_server_requests(fixture.server), requests + 1);
    /* Another one, but it is refused too: once more is enough. */
    write_file(path, "fourth");
    call(&fixture, KUBE_CREATE);
    assert_int_equal(fixture.code, ERROR_DENIED);
    assert_int_equal(fake_server_requests(fixture.server), requests + 3);
    assert_non_null(strstr(fake_server_request(fixture.server, requests + 2), "Bearer fourth\r\n"));
    /* The file is away: the token that is held goes on. */
    fake_server_demand(fixture.server, NULL);
    unlink(path);
    call(&fixture, KUBE_GET);
    assert_int_equal(fixture.code, 0);
    /* No token at all: told from the loop, not by the call. */
    config = config_for(&fixture, "https");
    config->ca_data = xstrdup(identity.ca);
    config->token_file = xstrdup(path);
    use_config(&fixture, config);
    int before = fixture.answers;
    start_call(&fixture, KUBE_GET, 0);
    assert_int_equal(fixture.answers, before);
    turn_until(&fixture, &fixture.answers, before + 1);
    assert_int_equal(fixture.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(fixture.text, path));
    fake_identity_free(&identity);
    end(&fixture);
}

static void test_fixed_token_is_not_tried_twice(void **state)
{
    struct fixture fixture;
    struct fake_identity identity = fake_identity_new("test CA", "IP:127.0.0.1", 3600);
    (void) state;
    start_tls(&fixture, &identity, NULL, NULL, 0);
    struct kube_config *config = config_for(&fixture, "https");
    config->ca_data = xstrdup(identity.ca);
    config->token = xstrdup("old");
    use_config(&fixture, config);
    fake_server_demand(fixture.server, "Bearer new\r\n");
    call(&fixture, KUBE_GET);
    assert_int_equal(fixture.code, ERROR_DENIED);
    assert_int_equal(fake_server_requests(fixture.server), 1);
    fake_identity_free(&identity);
    end(&fixture);
}

static void test_client_certificate_that_is_exchanged(void **state)
{
    struct fixture fixture;
    struct fake_identity identity = fake_identity_new("test CA", "IP:127.0.0.1", 3600);
    struct fake_identity next = fake_identity_new("next CA", "IP:127.0.0.1", 3600);
    cleanup_free char *both = xasprintf("%s%s", identity.ca, next.ca);
    cleanup_free char *fine = fake_answer("200 OK", "", "{\"metadata\":{\"name\":\"p\"}}");
    cleanup_free char *denied = fake_answer("401 Unauthorized", "", "{\"kind\":\"Status\"}");
    const struct fake_reply replies[] = {{fine, FAKE_KEEP},   {fine, FAKE_KEEP}, {denied, FAKE_KEEP}, {fine, FAKE_KEEP},
                                         {denied, FAKE_KEEP}, {fine, FAKE_KEEP}, {fine, FAKE_KEEP}};
    (void) state;
    start_tls(&fixture, &identity, both, replies, array_length(replies));
    cleanup_free char *certificate_path = temporary_file(identity.certificate);
    cleanup_free char *key_path = temporary_file(identity.key);
    struct kube_config *config = config_for(&fixture, "https");
    config->ca_data = xstrdup(identity.ca);
    config->client_certificate = xstrdup(identity.certificate);
    config->client_key = xstrdup(identity.key);
    config->client_certificate_file = xstrdup(certificate_path);
    config->client_key_file = xstrdup(key_path);
    use_config(&fixture, config);
    call(&fixture, KUBE_CREATE);
    call(&fixture, KUBE_CREATE);
    assert_int_equal(fake_server_connections(fixture.server), 1);
    write_file(certificate_path, next.certificate);
    call(&fixture, KUBE_CREATE); /* 401, and one half of a pair alone is of no use */
    assert_int_equal(fixture.code, ERROR_DENIED);
    write_file(key_path, next.key);
    call(&fixture, KUBE_CREATE); /* it is not looked at before its time */
    assert_int_equal(fixture.code, 0);
    assert_int_equal(fake_server_connections(fixture.server), 1);
    call(&fixture, KUBE_CREATE); /* 401: then it is, and another certificate means another connection */
    assert_int_equal(fixture.code, 0);
    assert_int_equal(fake_server_requests(fixture.server), 6);
    assert_int_equal(fake_server_connections(fixture.server), 2);
    assert_int_equal(fixture.client->credentials->generation, 1);
    write_file(certificate_path, identity.certificate);
    write_file(key_path, identity.key);
    fixture.client->credentials->identity_checked_ms -= CREDENTIAL_FILE_CHECK_MS;
    call(&fixture, KUBE_CREATE); /* its time has come; libcurl still has the first connection for that one */
    assert_int_equal(fixture.code, 0);
    assert_int_equal(fixture.client->credentials->generation, 2);
    unlink(certificate_path);
    unlink(key_path);
    fake_identity_free(&identity);
    fake_identity_free(&next);
    end(&fixture);
}

static void test_ca_file_that_is_exchanged(void **state)
{
    struct fixture fixture;
    struct fake_identity identity = fake_identity_new("test CA", "IP:127.0.0.1", 3600);
    struct fake_identity other = fake_identity_new("other CA", "IP:127.0.0.1", 3600);
    struct fake_identity namesake = fake_identity_new("test CA", "IP:127.0.0.1", 3600);
    cleanup_free char *fine = fake_answer("200 OK", "", "{\"metadata\":{\"name\":\"p\"}}");
    const struct fake_reply replies[] = {{fine, FAKE_CLOSE}, {fine, FAKE_CLOSE}, {fine, FAKE_CLOSE}};
    (void) state;
    cleanup_free char *path = temporary_file(other.ca);
    start_tls(&fixture, &identity, NULL, replies, array_length(replies));
    struct kube_config *config = config_for(&fixture, "https");
    config->ca_file = xstrdup(path);
    use_config(&fixture, config);
    call(&fixture, KUBE_CREATE);
    assert_int_equal(fixture.code, ERROR_IO);
    assert_non_null(strstr(fixture.text, path));
    write_file(path, identity.ca);
    fixture.client->ca_checked_ms = loop_now(fixture.loop).monotonic_ms;
    call(&fixture, KUBE_CREATE); /* it is looked at once a second at the most */
    assert_int_equal(fixture.code, ERROR_IO);
    fixture.client->ca_checked_ms -= CLIENT_CA_DOUBT_MS;
    uint64_t before = counted(&fixture, "CREATE", 0);
    call(&fixture, KUBE_CREATE); /* nothing had left: it is sent with the new one, whatever the verb */
    assert_int_equal(fixture.code, 0);
    assert_int_equal(counted(&fixture, "CREATE", 0), before + 1);
    write_file(path, "half a fi");
    fixture.client->ca_checked_ms -= CLIENT_CA_CHECK_MS;
    call(&fixture, KUBE_CREATE); /* unusable: the one before stays */
    assert_int_equal(fixture.code, 0);
    write_file(path, namesake.ca);
    fixture.client->ca_checked_ms -= CLIENT_CA_CHECK_MS;
    call(&fixture, KUBE_CREATE); /* taken up when its time has come, and wrong; the right one comes at once */
    assert_int_equal(fixture.code, ERROR_IO);
    write_file(path, identity.ca);
    fixture.client->ca_checked_ms -= CLIENT_CA_DOUBT_MS;
    call(&fixture, KUBE_CREATE);
    assert_int_equal(fixture.code, 0);
    assert_int_equal(fake_server_requests(fixture.server), 3);
    assert_int_equal(unlink(path), 0);
    fake_identity_free(&identity);
    fake_identity_free(&other);
    fake_identity_free(&namesake);
    end(&fixture);
}

static void test_impersonation(void **state)
{
    static const char *const lines[] = {
        "\r\nImpersonate-User: jane\r\n",
        "\r\nImpersonate-Uid: 06f6ce97\r\n",
        "\r\nImpersonate-Group: developers\r\nImpersonate-Group: system:authenticated\r\n",
        "\r\nImpersonate-Extra-scopes: view\r\nImpersonate-Extra-scopes: edit\r\n",
        "\r\nImpersonate-Extra-acme.com%2Fpro%25ject%20%C3%A4: a b\r\n",
        "\r\nImpersonate-Extra-empty:\r\n",
    };
    struct fixture fixture;
    struct fake_identity identity = fake_identity_new("test CA", "IP:127.0.0.1", 3600);
    cleanup_free char *fine = fake_answer("200 OK", "", "{\"metadata\":{\"name\":\"p\"}}");
    const struct fake_reply replies[] = {{fine, FAKE_KEEP}};
    (void) state;
    start_tls(&fixture, &identity, NULL, replies, array_length(replies));
    struct kube_config *config = config_for(&fixture, "https");
    config->ca_data = xstrdup(identity.ca);
    config->token = xstrdup("t");
    config->impersonate_user = xstrdup("jane");
    config->impersonate_uid = xstrdup("06f6ce97");
    config->impersonate_groups = xcalloc(3, sizeof(char *));
    config->impersonate_groups[0] = xstrdup("developers");
    config->impersonate_groups[1] = xstrdup("system:authenticated");
    config->impersonate_extra = xcalloc(4, sizeof(struct kube_extra));
    config->impersonate_extra[0] = (struct kube_extra){xstrdup("scopes"), xstrdup("view")};
    config->impersonate_extra[1] = (struct kube_extra){xstrdup("scopes"), xstrdup("edit")};
    config->impersonate_extra[2] = (struct kube_extra){xstrdup("acme.com/pro%ject \xc3\xa4"), xstrdup("a b")};
    config->impersonate_extra[3] = (struct kube_extra){xstrdup("empty"), xstrdup("")};
    config->impersonate_extra_count = 4;
    use_config(&fixture, config);
    call(&fixture, KUBE_GET);
    assert_int_equal(fixture.code, 0);
    for (size_t i = 0; i < array_length(lines); i++) {
        if (!strstr(fake_server_request(fixture.server, 0), lines[i])) {
            fail_msg("no %s in %s", lines[i], fake_server_request(fixture.server, 0));
        }
    }
    fake_identity_free(&identity);
    end(&fixture);
}

static void test_proxies(void **state)
{
    static const struct {
        const char *given, *used;
    } schemes[] = {
        {"socks5://u:hush@p:1", "socks5h://u:hush@p:1"}, /* the proxy resolves names, as with kubectl */
        {"socks5h://p:1", "socks5h://p:1"},
        {"http://p:1", "http://p:1"},
    };
    static const char refused[] = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    struct fixture fixture;
    struct error err;
    cleanup_free char *fine = fake_answer("200 OK", "", "{\"metadata\":{\"name\":\"p\"}}");
    const struct fake_reply replies[] = {{fine, FAKE_KEEP}, {refused, FAKE_CLOSE}};
    (void) state;
    start_server(&fixture, replies, array_length(replies));
    cleanup_free char *proxy = xasprintf("http://user:hush@127.0.0.1:%d", fake_server_port(fixture.server));
    for (size_t i = 0; i < array_length(schemes); i++) {
        struct kube_config *config = config_for(&fixture, "https");
        config->proxy_url = xstrdup(schemes[i].given);
        use_config(&fixture, config);
        assert_string_equal(fixture.client->proxy_url, schemes[i].used);
    }
    struct kube_config *config = config_for(&fixture, "http");
    free(config->server);
    config->server = xstrdup("http://127.0.0.1:1"); /* where nobody is; the proxy answers */
    config->proxy_url = xstrdup(proxy);
    use_config(&fixture, config);
    call(&fixture, KUBE_GET);
    assert_int_equal(fixture.code, 0);
    const char *sent = fake_server_request(fixture.server, 0);
    assert_true(text_starts_with(sent, "GET http://127.0.0.1:1/api/v1/namespaces/ns/pods/p HTTP/1.1\r\n"));
    assert_non_null(strstr(sent, "\r\nProxy-Authorization: Basic dXNlcjpodXNo\r\n"));
    /* With TLS behind it the proxy hears of no credential but its own. */
    config = config_for(&fixture, "https");
    free(config->server);
    config->server = xstrdup("https://api.test:6443");
    config->proxy_url = xstrdup(proxy);
    config->token = xstrdup("hush");
    use_config(&fixture, config);
    call(&fixture, KUBE_CREATE);
    assert_int_equal(fixture.code, ERROR_IO);
    sent = fake_server_request(fixture.server, 1);
    assert_true(text_starts_with(sent, "CONNECT api.test:6443 HTTP/1.1\r\n"));
    assert_null(strstr(sent, "hush"));
    assert_null(strstr(fixture.text, "hush"));
    config = config_for(&fixture, "https");
    config->proxy_url = xstrdup("http://user:hush@127.0.0.1:1");
    use_config(&fixture, config);
    call(&fixture, KUBE_CREATE);
    assert_int_equal(fixture.code, ERROR_IO);
    assert_null(strstr(fixture.text, "hush"));
    config = config_for(&fixture, "https");
    config->proxy_url = xstrdup("http://user:hush@p:no-port");
    struct kube_client *client = NULL;
    assert_int_equal(kube_client_new(fixture.loop, config, &client, &err), ERROR_BAD_INPUT);
    assert_string_equal(err.text, "test (context c): proxy-url is no URL");
    end(&fixture);
}

/* A server that takes connections and says nothing: what waits for the first one's handshake has its own time. */
static void test_timeout_behind_a_connection_that_is_made(void **state)
{
    (void) state;
    struct fixture fixture = {0};
    struct error err;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *) &address, length), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *) &address, &length), 0);
    assert_int_equal(loop_new(&fixture.loop, &err), 0);
    struct kube_config *config = xcalloc(1, sizeof(*config));
    config->server = xasprintf("https://127.0.0.1:%d", ntohs(address.sin_port));
    config->namespace_name = xstrdup("default");
    config->source = xstrdup("test (context c)");
    assert_int_equal(kube_client_new(fixture.loop, config, &fixture.client, &err), 0);
    int64_t began_ms = clock_now().monotonic_ms;
    start_call(&fixture, KUBE_GET, /* timeout_ms= */ 60000);
    start_call(&fixture, KUBE_GET, /* timeout_ms= */ 300);
    turn_until(&fixture, &fixture.answers, 1);
    assert_int_equal(fixture.code, ERROR_TIMEOUT);
    assert_in_range(clock_now().monotonic_ms - began_ms, 300, 5000); /* libcurl's limit of a connection: 10 s */
    kube_client_free(fixture.client);
    loop_free(fixture.loop);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_as_they_go_out),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_retry_after_is_followed),
        cmocka_unit_test(test_retries_have_an_end),
        cmocka_unit_test(test_lost_connection),
        cmocka_unit_test(test_no_answer_and_nobody_there),
        cmocka_unit_test(test_further_connections_open_where_one_cannot_be_shared),
        cmocka_unit_test(test_unusable_configurations),
        cmocka_unit_test(test_certificates_are_checked),
        cmocka_unit_test(test_other_ways_to_say_who_one_is),
        cmocka_unit_test(test_token_file),
        cmocka_unit_test(test_ca_file_that_is_exchanged),
        cmocka_unit_test(test_token_that_is_exchanged_loses_no_request),
        cmocka_unit_test(test_fixed_token_is_not_tried_twice),
        cmocka_unit_test(test_client_certificate_that_is_exchanged),
        cmocka_unit_test(test_impersonation),
        cmocka_unit_test(test_proxies),
        cmocka_unit_test(test_timeout_behind_a_connection_that_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
