#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../sidecar/activation.h"
#include "../../sidecar/connector.h"
#include "../../sidecar/health_prober.h"
#include "../../sidecar/messenger.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { TURNS_MAX = 30000, TIMEOUT_MS = 4000, PEERS_MAX = 8 };

/*
 * A ProGet that says what the script says, on the same loop as the prober. One script entry per connection; the last
 * one again and again.
 */
struct script {
    const char *answer; /* NULL: takes the connection and says nothing */
    size_t filler;      /* so many 'x' behind it */
    bool stays_open;
};

struct peer {
    int fd;
    const struct script *script;
    size_t sent;
    char request[512];
    size_t received;
};

struct fake {
    struct loop *loop;
    int listener;
    const struct script *scripts;
    size_t script_count;
    size_t peer_count;
    struct peer peers[PEERS_MAX];
    char url[64];
};

static struct peer *peer_of(struct fake *fake, int fd)
{
    for (size_t i = 0; i < fake->peer_count; i++) {
        if (fake->peers[i].fd == fd) {
            return &fake->peers[i];
        }
    }
    return NULL;
}

static void peer_close(struct fake *fake, struct peer *peer)
{
    loop_watch_fd(fake->loop, peer->fd, 0, NULL, NULL);
    (void) close(peer->fd);
    peer->fd = -1;
}

static void on_peer(int fd, short events, void *userdata);

static void peer_send(struct fake *fake, struct peer *peer)
{
    size_t head = strlen(peer->script->answer);
    while (peer->sent < head + peer->script->filler) {
        char block[4096];
        const char *bytes = peer->sent < head ? peer->script->answer + peer->sent : block;
        size_t length = peer->sent < head ? head - peer->sent : head + peer->script->filler - peer->sent;
        memset(block, 'x', sizeof block);
        length = length < sizeof block ? length : sizeof block;
        ssize_t count = send(peer->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0) {
            return; /* full: again when it is ready; or gone: then the next turn reads the end */
        }
        peer->sent += (size_t) count;
    }
    if (!peer->script->stays_open) {
        peer_close(fake, peer);
    } else {
        loop_watch_fd(fake->loop, peer->fd, POLLIN, on_peer, fake);
    }
}

static void on_peer(int fd, short events, void *userdata)
{
    struct fake *fake = userdata;
    struct peer *peer = peer_of(fake, fd);
    (void) events;
    ssize_t count = recv(fd, peer->request + peer->received, sizeof peer->request - 1 - peer->received, MSG_DONTWAIT);
    if (count == 0) {
        peer_close(fake, peer);
        return;
    }
    peer->received += count > 0 ? (size_t) count : 0;
    peer->request[peer->received] = '\0';
    if (peer->script->answer && strstr(peer->request, "\r\n\r\n")) {
        loop_watch_fd(fake->loop, fd, POLLIN | POLLOUT, on_peer, fake);
        peer_send(fake, peer);
    }
}

static void on_listener(int fd, short events, void *userdata)
{
    struct fake *fake = userdata;
    (void) events;
    assert_true(fake->peer_count < PEERS_MAX);
    size_t index = fake->peer_count < fake->script_count ? fake->peer_count : fake->script_count - 1;
    struct peer *peer = &fake->peers[fake->peer_count++];
    *peer = (struct peer){.fd = accept(fd, NULL, NULL), .script = &fake->scripts[index]};
    assert_true(peer->fd >= 0);
    assert_int_equal(loop_watch_fd(fake->loop, peer->fd, POLLIN, on_peer, fake), 0);
}

/* A free port on loopback, listened on unless `is_closed`. */
static int listen_somewhere(char url[64], bool is_closed)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &length), 0);
    if (!is_closed) {
        assert_int_equal(listen(fd, 8), 0);
    }
    (void) snprintf(url, 64, "http://127.0.0.1:%d", ntohs(address.sin_port));
    return fd;
}

static void fake_start(struct fake *fake, const struct script *scripts, size_t count)
{
    *fake = (struct fake){.scripts = scripts, .script_count = count};
    assert_int_equal(loop_new(&fake->loop, NULL), 0);
    fake->listener = listen_somewhere(fake->url, false);
    assert_int_equal(loop_watch_fd(fake->loop, fake->listener, POLLIN, on_listener, fake), 0);
}

static void fake_stop(struct fake *fake)
{
    for (size_t i = 0; i < fake->peer_count; i++) {
        if (fake->peers[i].fd >= 0) {
            peer_close(fake, &fake->peers[i]);
        }
    }
    loop_watch_fd(fake->loop, fake->listener, 0, NULL, NULL);
    (void) close(fake->listener);
    loop_free(fake->loop);
}

struct outcome {
    struct health_answer answer;
    int count;
};

static void on_answer(struct health_answer *answer, void *userdata)
{
    struct outcome *outcome = userdata;
    health_answer_clear(&outcome->answer);
    outcome->answer = *answer;
    *answer = (struct health_answer){0};
    outcome->count++;
}

static void probe(struct fake *fake, const char *url, struct outcome *outcome)
{
    struct health_prober *prober = health_prober_new(fake->loop, url, TIMEOUT_MS, on_answer, outcome);
    int before = outcome->count;
    health_prober_start(prober);
    health_prober_start(prober); /* while one is under way: nothing */
    assert_true(health_prober_is_busy(prober));
    for (int turn = 0; turn < TURNS_MAX && outcome->count == before; turn++) {
        assert_int_equal(loop_turn(fake->loop, 50, NULL), 0);
    }
    assert_int_equal(outcome->count, before + 1);
    assert_false(health_prober_is_busy(prober));
    health_prober_free(prober);
}

#define HTTP(status, body)                                                \
    {                                                                     \
        "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body, 0, false \
    }
#define JSON "{\"applicationName\":\"ProGet\",\"databaseStatus\":\"OK\",\"versionNumber\":\"2026.1\"}"

static void answers_are_fetched_whole(void **state)
{
    static const struct {
        struct script scripts[2];
        size_t count; /* of requests */
        enum report_health state;
        const char *detail, *version; /* the detail: a part of it */
    } cases[] = {
        {{HTTP("200 OK", JSON)}, 1, REPORT_HEALTH_OK, NULL, "2026.1"},
        {{HTTP("200 OK", "OK"), HTTP("200 OK", JSON)}, 2, REPORT_HEALTH_OK, NULL, "2026.1"},
        {{HTTP("200 OK", "OK"), HTTP("404 Not Found", "what?")}, 2, REPORT_HEALTH_OK, NULL, NULL},
        {{HTTP("200 OK", "OK"), {NULL, 0, true}}, 2, REPORT_HEALTH_OK, NULL, NULL},
        {{HTTP("500 Oh", "disk full"), HTTP("500 Oh", "disk full")}, 2, REPORT_HEALTH_ERROR, "disk full", NULL},
        {{HTTP("500 Oh", JSON)}, 1, REPORT_HEALTH_ERROR, "HTTP 500", "2026.1"},
        {{{"HTTP/1.1 302 Found\r\nLocation: http://203.0.113.1/login\r\nContent-Length: 0\r\n\r\n", 0, false}},
         1,
         REPORT_HEALTH_ERROR,
         "redirected to http://203.0.113.1/login",
         NULL},
        {{HTTP("200 OK", "<html>")}, 1, REPORT_HEALTH_ERROR, "a page", NULL},
        {{HTTP("204 No Content", "")}, 1, REPORT_HEALTH_ERROR, "HTTP 204", NULL},
        /* slow, cut, nothing, garbage, too much */
        {{{NULL, 0, true}}, 1, REPORT_HEALTH_UNREACHABLE, "no answer within 4 s", NULL},
        {{{"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nOK", 0, true}},
         1,
         REPORT_HEALTH_UNREACHABLE,
         "no answer within",
         NULL},
        {{{"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" JSON, 0, false}},
         1,
         REPORT_HEALTH_UNREACHABLE,
         "closed",
         NULL},
        {{{"HTTP/1.1 200 OK\r\nConte", 0, false}}, 1, REPORT_HEALTH_ERROR, "empty body", NULL},
        {{{"", 0, false}}, 1, REPORT_HEALTH_UNREACHABLE, "closed", NULL},
        {{{"SSH-2.0-OpenSSH_9.2\r\n", 0, false}}, 1, REPORT_HEALTH_UNREACHABLE, "HTTP/0.9", NULL},
        {{{"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", 1024 * 1024, true}},
         1,
         REPORT_HEALTH_ERROR,
         "HTTP 200: xxx",
         NULL},
        {{{"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"a\":\"", 1024 * 1024, true}},
         1,
         REPORT_HEALTH_ERROR,
         "too large",
         NULL},
        {{{"HTTP/1.1 200 OK\r\nX-Endless: ", 1024 * 1024, true}}, 1, REPORT_HEALTH_UNREACHABLE, "", NULL},
    };

    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        struct fake fake;
        struct outcome outcome = {.count = 0};
        fake_start(&fake, cases[i].scripts, cases[i].count);
        probe(&fake, fake.url, &outcome);
        assert_int_equal(outcome.answer.facts.health.state, cases[i].state);
        assert_int_equal(fake.peer_count, cases[i].count);
        assert_true(text_equal(outcome.answer.facts.version, cases[i].version));
        if (cases[i].detail) {
            assert_non_null(outcome.answer.facts.health.detail);
            assert_non_null(strstr(outcome.answer.facts.health.detail, cases[i].detail));
        } else {
            assert_null(outcome.answer.facts.health.detail);
        }
        health_answer_clear(&outcome.answer);
        fake_stop(&fake);
    }
}

static void the_requests_are_those_of_the_contract(void **state)
{
    static const struct script scripts[] = {HTTP("200 OK", "OK"), HTTP("200 OK", JSON)};
    struct fake fake;
    struct outcome outcome = {.count = 0};

    (void) state;
    fake_start(&fake, scripts, array_length(scripts));
    probe(&fake, fake.url, &outcome);
    assert_true(text_starts_with(fake.peers[0].request, "GET /health HTTP/1.1\r\n"));
    assert_true(text_starts_with(fake.peers[1].request, "GET /health?format=json HTTP/1.1\r\n"));
    assert_non_null(strstr(fake.peers[0].request, "User-Agent: proget-sidecar/"));
    health_answer_clear(&outcome.answer);
    fake_stop(&fake);
}

static void a_closed_port_is_unreachable_and_the_proxy_is_not_asked(void **state)
{
    static const struct script scripts[] = {HTTP("200 OK", JSON)};
    struct fake fake;
    struct outcome outcome = {.count = 0};
    char closed_url[64];

    (void) state;
    fake_start(&fake, scripts, 1);
    int closed = listen_somewhere(closed_url, true);
    assert_int_equal(setenv("http_proxy", fake.url, 1), 0);
    probe(&fake, closed_url, &outcome);
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_int_equal(fake.peer_count, 0);
    assert_int_equal(outcome.answer.facts.health.state, REPORT_HEALTH_UNREACHABLE);
    assert_true(text_starts_with(outcome.answer.facts.health.detail, "cannot connect to http://127.0.0.1:"));
    health_answer_clear(&outcome.answer);
    (void) close(closed);
    fake_stop(&fake);
}

static void a_prober_can_end_in_the_middle(void **state)
{
    static const struct script scripts[] = {HTTP("200 OK", "OK"), {NULL, 0, true}};
    struct fake fake;
    struct outcome outcome = {.count = 0};

    (void) state;
    fake_start(&fake, scripts, 2);
    struct health_prober *prober = health_prober_new(fake.loop, fake.url, 60000, on_answer, &outcome);
    health_prober_start(prober);
    for (int turn = 0; turn < TURNS_MAX && fake.peer_count < 2; turn++) {
        assert_int_equal(loop_turn(fake.loop, 50, NULL), 0);
    }
    assert_int_equal(fake.peer_count, 2);
    health_prober_free(prober);
    assert_int_equal(outcome.count, 0);
    fake_stop(&fake);
}

struct reached {
    int count;
    bool is_reached;
};

static void on_reached(bool is_reached, const char *why, void *userdata)
{
    struct reached *reached = userdata;
    assert_int_equal(why == NULL, is_reached);
    reached->is_reached = is_reached;
    reached->count++;
}

static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++) {
        struct pollfd probe = {.fd = fd, .events = 0};
        count += poll(&probe, 1, 0) >= 0 && !(probe.revents & POLLNVAL);
    }
    return count;
}

static void a_connector_connects_and_closes(void **state)
{
    static const struct script scripts[] = {{NULL, 0, true}};
    struct fake fake;
    struct reached reached = {.count = 0};
    char closed_url[64];

    (void) state;
    fake_start(&fake, scripts, 1);
    int closed = listen_somewhere(closed_url, true);
    struct connector *connector = connector_new(fake.loop, on_reached, &reached);
    int before = 0;
    for (int round = 1; round <= 4; round++) {
        connector_start(connector, round % 2 ? fake.url : closed_url, false, 60000);
        assert_true(connector_is_busy(connector));
        for (int turn = 0; turn < TURNS_MAX && reached.count < round; turn++) {
            assert_int_equal(loop_turn(fake.loop, 50, NULL), 0);
        }
        assert_int_equal(reached.count, round);
        assert_int_equal(reached.is_reached, round % 2);
        while (fake.peer_count < (size_t) (round + 1) / 2 || peer_of(&fake, -1) == NULL) {
            assert_int_equal(loop_turn(fake.loop, 50, NULL), 0); /* until the peer sees the end */
        }
        fake.peers[fake.peer_count - 1].fd = round % 2 ? fake.peers[fake.peer_count - 1].fd : -1;
        before = round == 2 ? open_descriptors() : before;
    }
    assert_int_equal(open_descriptors(), before);
    connector_start(connector, fake.url, false, 60000);
    connector_free(connector); /* in the middle */
    assert_int_equal(reached.count, 4);
    (void) close(closed);
    fake_stop(&fake);
}

static void count_call(void *userdata)
{
    (*(int *) userdata)++;
}

static void turn_until(struct loop *loop, const int *calls, int wanted)
{
    for (int turn = 0; turn < TURNS_MAX && *calls < wanted; turn++) {
        assert_int_equal(loop_turn(loop, 50, NULL), 0);
    }
    assert_int_equal(*calls, wanted);
}

static void the_messenger_is_tried_beside_the_product(void **state)
{
    static const struct script scripts[] = {{NULL, 0, true}};
    struct fake fake;
    int calls = 0;
    char closed_url[64];
    int64_t port = 0;
    int64_t closed_port = 0;

    (void) state;
    fake_start(&fake, scripts, 1);
    int closed = listen_somewhere(closed_url, true);
    assert_int_equal(text_parse_int64(strrchr(fake.url, ':') + 1, 1, 65535, &port), 0);
    assert_int_equal(text_parse_int64(strrchr(closed_url, ':') + 1, 1, 65535, &closed_port), 0);
    struct messenger *messenger = messenger_new(fake.loop, "http://127.0.0.1:1/x", count_call, &calls);
    assert_int_equal(messenger_port(messenger), MESSENGER_PORT_DEFAULT);
    assert_int_equal(messenger_reachable(messenger), REPORT_UNKNOWN);
    messenger_set_port(messenger, port);
    messenger_start(messenger, 1000);
    turn_until(fake.loop, &calls, 1);
    assert_int_equal(messenger_reachable(messenger), REPORT_TRUE);
    messenger_start(messenger, 1000 + MESSENGER_PAUSE_MS - 1);
    assert_false(messenger_is_busy(messenger));
    messenger_set_port(messenger, port); /* the same: nothing is forgotten */
    assert_int_equal(messenger_reachable(messenger), REPORT_TRUE);
    messenger_set_port(messenger, closed_port);
    assert_int_equal(messenger_reachable(messenger), REPORT_UNKNOWN);
    messenger_start(messenger, 1001);
    turn_until(fake.loop, &calls, 2);
    assert_int_equal(messenger_reachable(messenger), REPORT_FALSE);
    messenger_start(messenger, 1001 + MESSENGER_PAUSE_MS);
    assert_true(messenger_is_busy(messenger));
    messenger_free(messenger);
    (void) close(closed);
    fake_stop(&fake);

    cleanup_free char *ipv6 = messenger_url("http://[::1]:8080", 33237);
    assert_string_equal(ipv6, "http://[::1]:33237");
    assert_null(messenger_url("", 1));
}

static void activation_waits_for_leave(void **state)
{
    static const struct script scripts[] = {HTTP("400 Bad", "this is no TLS")};
    struct fake fake;
    struct lease_settings settings;
    int calls = 0;

    (void) state;
    fake_start(&fake, scripts, 1);
    lease_settings_init(&settings);
    text_copy_cut(settings.activation_host, sizeof settings.activation_host, fake.url + strlen("http://"));
    struct activation *activation = activation_new(fake.loop, count_call, &calls);

    activation_update(activation, &settings, 0); /* nothing arrived */
    assert_false(activation_is_busy(activation));
    settings.internet = INTERNET_BLOCKED;
    activation_update(activation, &settings, 0);
    assert_false(activation_is_busy(activation));

    settings.internet = INTERNET_AUTO;
    activation_update(activation, &settings, 0);
    assert_true(activation_is_busy(activation));
    turn_until(fake.loop, &calls, 1);
    /* A TCP connection alone is no way to the server: it has to speak TLS. */
    assert_int_equal(activation_reachable(activation), REPORT_FALSE);
    assert_int_equal(fake.peer_count, 1);

    activation_update(activation, &settings, ACTIVATION_PAUSE_MS - 1);
    assert_false(activation_is_busy(activation));
    settings.internet = INTERNET_ALLOWED;
    activation_update(activation, &settings, ACTIVATION_PAUSE_MS);
    assert_true(activation_is_busy(activation));
    settings.internet = INTERNET_BLOCKED; /* said in the middle: it ends, and what was known is forgotten */
    activation_update(activation, &settings, ACTIVATION_PAUSE_MS);
    assert_false(activation_is_busy(activation));
    assert_int_equal(activation_reachable(activation), REPORT_UNKNOWN);
    assert_int_equal(calls, 1);
    activation_free(activation);
    fake_stop(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_fetched_whole),
        cmocka_unit_test(the_requests_are_those_of_the_contract),
        cmocka_unit_test(a_closed_port_is_unreachable_and_the_proxy_is_not_asked),
        cmocka_unit_test(a_prober_can_end_in_the_middle),
        cmocka_unit_test(a_connector_connects_and_closes),
        cmocka_unit_test(the_messenger_is_tried_beside_the_product),
        cmocka_unit_test(activation_waits_for_leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
