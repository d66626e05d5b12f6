#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "serve/http.h"

enum { TURN_MS = 20, LIMIT_MS = 20000, ANSWER_BYTES = 16 * 1024 * 1024 };

struct world {
    struct loop *loop;
    struct http_server *server;
    bool is_ready, is_ill;
    size_t metrics_bytes; /* of each rendering */
    size_t rendered;
};

static bool is_healthy(void *userdata)
{
    return !((const struct world *) userdata)->is_ill;
}

/* A number, and as many further bytes as asked for. */
static char *render_metrics(void *userdata)
{
    struct world *world = userdata;
    char *text = xmalloc(world->metrics_bytes + 32);
    int length = snprintf(text, 32, "rendered %zu\n", ++world->rendered);
    memset(text + length, 'x', world->metrics_bytes);
    text[(size_t) length + world->metrics_bytes] = '\0';
    return text;
}

static bool is_ready(void *userdata)
{
    return ((const struct world *) userdata)->is_ready;
}

static int start_at(struct world *world, const char *address, struct error *err)
{
    return http_server_start(world->loop,
                             &(struct http_options){.listen = address,
                                                    .is_healthy = is_healthy,
                                                    .is_ready = is_ready,
                                                    .render_metrics = render_metrics,
                                                    .userdata = world},
                             &world->server, err);
}

static void start(struct world *world, const char *address)
{
    struct error err = {.text = ""};
    *world = (struct world){0};
    assert_int_equal(loop_new(&world->loop, &err), 0);
    if (start_at(world, address, &err) < 0) {
        fail_msg("%s", err.text);
    }
    assert_in_range(http_server_port(world->server), 1, 65535);
}

static void end(struct world *world)
{
    http_server_stop(world->server);
    loop_free(world->loop);
}

static void turn(struct world *world)
{
    struct error err;
    assert_int_equal(loop_turn(world->loop, TURN_MS, &err), 0);
}

static int connect_client(const struct world *world, int family)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t) http_server_port(world->server)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                              .sin6_port = htons((uint16_t) http_server_port(world->server)),
                              .sin6_addr = in6addr_loopback};
    const struct sockaddr *address = family == AF_INET ? (struct sockaddr *) &v4 : (struct sockaddr *) &v6;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, address, family == AF_INET ? sizeof v4 : sizeof v6), 0);
    return fd;
}

static void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What the server says until it closes the connection. Owned. */
static char *read_answer(struct world *world, int fd)
{
    struct buffer answer = BUFFER_INIT(ANSWER_BYTES);
    int64_t deadline_ms = clock_now().monotonic_ms + LIMIT_MS;
    for (;;) {
        char chunk[64 * 1024];
        ssize_t got = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno == ECONNRESET)) {
            return buffer_take(&answer);
        }
        if (got > 0) {
            assert_int_equal(buffer_append(&answer, chunk, (size_t) got), 0);
        } else {
            turn(world);
        }
        assert_true(clock_now().monotonic_ms < deadline_ms);
    }
}

static char *ask_over(struct world *world, int family, const char *request)
{
    cleanup_close int fd = connect_client(world, family);
    send_text(fd, request);
    return read_answer(world, fd);
}

static char *ask(struct world *world, const char *request)
{
    return ask_over(world, AF_INET, request);
}

#define REQUEST(method, path) method " " path " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

static void answers_as_the_probes_expect(void **state)
{
    static const struct {
        const char *request;
        bool is_ready;
        const char *status, *part;
    } cases[] = {
        {REQUEST("GET", "/healthz"), false, "HTTP/1.1 200 ", "\r\n\r\nok\n"},
        {REQUEST("GET", "/healthz"), true, "HTTP/1.1 200 ", "\r\n\r\nok\n"},
        {REQUEST("GET", "/healthz?verbose=1"), true, "HTTP/1.1 200 ", "\r\n\r\nok\n"},
        {REQUEST("GET", "/readyz"), false, "HTTP/1.1 503 ", "not yet in step"},
        {REQUEST("GET", "/readyz"), true, "HTTP/1.1 200 ", "\r\n\r\nok\n"},
        {REQUEST("HEAD", "/healthz"), true, "HTTP/1.1 200 ", "Content-Length: 3\r\n"},
        {REQUEST("GET", "/"), true, "HTTP/1.1 404 ", "/healthz"},
        {REQUEST("GET", "/healthz/x"), true, "HTTP/1.1 404 ", "/healthz"},
        {REQUEST("GET", "/../../etc/passwd"), true, "HTTP/1.1 404 ", "/healthz"},
        {REQUEST("POST", "/healthz"), true, "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n"},
        {REQUEST("DELETE", "/readyz"), true, "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n"},
        {REQUEST("get", "/readyz"), true, "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n"},
        {"POST /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody", true,
         "HTTP/1.1 405 ", "only GET"},
        {"GET /healthz HTTP/1.0\r\n\r\n", true, "HTTP/1.", " 200 "},
    };
    struct world world;
    (void) state;
    start(&world, "127.0.0.1:0");
    for (size_t i = 0; i < array_length(cases); i++) {
        world.is_ready = cases[i].is_ready;
        cleanup_free char *answer = ask(&world, cases[i].request);
        if (!text_starts_with(answer, cases[i].status) || !strstr(answer, cases[i].part)) {
            fail_msg("to %s came %s", cases[i].request, answer);
        }
    }
    end(&world);
}

static void a_wedged_leader_is_not_healthy(void **state)
{
    struct world world;
    (void) state;
    start(&world, "127.0.0.1:0");
    world.is_ill = true;
    cleanup_free char *answer = ask(&world, REQUEST("GET", "/healthz"));
    assert_true(text_starts_with(answer, "HTTP/1.1 503 "));
    assert_non_null(strstr(answer, "Lease"));
    world.is_ill = false;
    cleanup_free char *later = ask(&world, REQUEST("GET", "/healthz"));
    assert_true(text_starts_with(later, "HTTP/1.1 200 "));
    end(&world);
}

static void metrics_say_what_they_are(void **state)
{
    struct world world;
    (void) state;
    start(&world, "127.0.0.1:0");
    cleanup_free char *answer = ask(&world, REQUEST("GET", "/metrics"));
    assert_true(text_starts_with(answer, "HTTP/1.1 200 "));
    assert_non_null(strstr(answer, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert_true(text_ends_with(answer, "\r\n\r\nrendered 1\n"));
    cleanup_free char *head = ask(&world, REQUEST("HEAD", "/metrics"));
    assert_true(text_ends_with(head, "\r\n\r\n"));
    assert_non_null(strstr(head, "\r\nContent-Length: 11\r\n"));
    cleanup_free char *written = ask(&world, REQUEST("POST", "/metrics"));
    assert_true(text_starts_with(written, "HTTP/1.1 405 "));
    end(&world);
}

/* However often somebody asks, it is rendered once a second; and then anew. */
static void scrapes_of_one_second_share_an_answer(void **state)
{
    struct world world;
    (void) state;
    start(&world, "127.0.0.1:0");
    int64_t begun_ms = clock_now().monotonic_ms;
    size_t asked = 0;
    while (world.rendered < 3) {
        cleanup_free char *answer = ask(&world, REQUEST("GET", "/metrics"));
        cleanup_free char *newest = xasprintf("\r\n\r\nrendered %zu\n", world.rendered);
        assert_true(text_ends_with(answer, newest));
        asked++;
    }
    assert_true(clock_now().monotonic_ms - begun_ms >= 1900);
    assert_in_range(asked, 4, SIZE_MAX);
    end(&world);
}

/* Longer than scrapes share an answer, with a turn of the loop at the end of it, in which the shared one is let go. */
static void wait_for_another_scrape(struct world *world)
{
    int64_t until_ms = clock_now().monotonic_ms + 1050;
    bool is_over = false;
    while (!is_over) {
        is_over = clock_now().monotonic_ms >= until_ms;
        cleanup_free char *answer = ask(world, REQUEST("GET", "/healthz")); /* nobody else waits */
        assert_true(text_starts_with(answer, "HTTP/1.1 200"));
    }
}

/* What a slow reader was promised stays his, whole, whatever happens meanwhile; and what they all hold is bounded. */
static void a_slow_scraper_holds_up_nobody(void **state)
{
    enum { SERVED_COUNT = 2, SLOW_COUNT = 3, BYTES = 8 * 1024 * 1024 };
    int slow[SLOW_COUNT];
    struct world world;
    (void) state;
    start(&world, "127.0.0.1:0");
    world.metrics_bytes = BYTES;
    for (size_t i = 0; i < SLOW_COUNT; i++) {
        slow[i] = connect_client(&world, AF_INET);
        send_text(slow[i], REQUEST("GET", "/metrics"));
        while (i < SERVED_COUNT && world.rendered < i + 1) {
            turn(&world);
        }
        wait_for_another_scrape(&world);
    }
    assert_int_equal(world.rendered, SERVED_COUNT);
    for (size_t i = 0; i < SLOW_COUNT; i++) {
        cleanup_free char *answer = read_answer(&world, slow[i]);
        cleanup_free char *beginning = xasprintf("\r\n\r\nrendered %zu\nxxx", i + 1);
        assert_true(text_starts_with(answer, i < SERVED_COUNT ? "HTTP/1.1 200" : "HTTP/1.1 503"));
        assert_true(i >= SERVED_COUNT || (strstr(answer, beginning) && strlen(answer) > BYTES));
        (void) close(slow[i]);
    }
    world.metrics_bytes = 10;
    cleanup_free char *after = ask(&world, REQUEST("GET", "/metrics"));
    assert_true(text_starts_with(after, "HTTP/1.1 200"));
    end(&world);
}

static void a_scrape_under_way_ends_with_the_server(void **state)
{
    struct world world;
    (void) state;
    start(&world, "127.0.0.1:0");
    world.metrics_bytes = 4 * 1024 * 1024;
    cleanup_close int fd = connect_client(&world, AF_INET);
    send_text(fd, REQUEST("GET", "/metrics"));
    while (world.rendered == 0) {
        turn(&world);
    }
    end(&world); /* what it held is freed: the sanitizers see to that */
}

static void a_head_has_no_body(void **state)
{
    struct world world;
    (void) state;
    start(&world, "127.0.0.1:0");
    cleanup_free char *answer = ask(&world, REQUEST("HEAD", "/healthz"));
    assert_true(text_ends_with(answer, "\r\n\r\n"));
    end(&world);
}

static void garbage_ends_its_own_connection_alone(void **state)
{
    static const char *const garbage[] = {
        "\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03\r\n\r\n", /* TLS on a plain port */
        "GET\r\n\r\n",
        "\r\n\r\n\r\nnonsense\r\n\r\n",
        "GET /healthz HTTP/9.9\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nContent-Length: -1\r\nConnection: close\r\n\r\n",
    };
    struct world world;
    (void) state;
    start(&world, "127.0.0.1:0");
    for (size_t i = 0; i < array_length(garbage); i++) {
        cleanup_close int fd = connect_client(&world, AF_INET);
        send_text(fd, garbage[i]);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        cleanup_free char *answer = read_answer(&world, fd);
        assert_false(text_starts_with(answer, "HTTP/1.1 200"));
        cleanup_free char *next = ask(&world, REQUEST("GET", "/healthz"));
        assert_true(text_starts_with(next, "HTTP/1.1 200"));
    }
    end(&world);
}

static void a_head_without_an_end_is_refused(void **state)
{
    struct world world;
    cleanup_free char *head = xcalloc(1, 20000);
    (void) state;
    start(&world, "127.0.0.1:0");
    (void) snprintf(head, 20000, "GET /healthz HTTP/1.1\r\nHost: h\r\nX-Long: ");
    memset(head + strlen(head), 'x', 16000);
    cleanup_free char *answer = ask(&world, head);
    assert_false(strstr(answer, "200 OK"));
    cleanup_free char *next = ask(&world, REQUEST("GET", "/healthz"));
    assert_true(text_starts_with(next, "HTTP/1.1 200"));
    end(&world);
}

static void a_slow_client_holds_up_nobody(void **state)
{
    enum { SLOW_COUNT = 16 };
    int slow[SLOW_COUNT];
    struct world world;
    (void) state;
    start(&world, "127.0.0.1:0");
    for (size_t i = 0; i < SLOW_COUNT; i++) {
        slow[i] = connect_client(&world, AF_INET);
        send_text(slow[i], i % 2 ? "GET /hea" : "GET /healthz HTTP/1.1\r\nHost: h\r\n");
        turn(&world);
    }
    cleanup_free char *answer = ask(&world, REQUEST("GET", "/healthz"));
    assert_true(text_starts_with(answer, "HTTP/1.1 200"));
    send_text(slow[0], "Connection: close\r\n\r\n"); /* and a slow one is served once it is done */
    cleanup_free char *late = read_answer(&world, slow[0]);
    assert_true(text_starts_with(late, "HTTP/1.1 200"));
    for (size_t i = 1; i < SLOW_COUNT; i++) {
        (void) close(slow[i]);
    }
    (void) close(slow[0]);
    cleanup_free char *after = ask(&world, REQUEST("GET", "/healthz"));
    assert_true(text_starts_with(after, "HTTP/1.1 200"));
    end(&world);
}

/* Sixty-four connections are all there are: none is kept for a client that may or may not ask again. */
static void a_connection_serves_one_request_and_says_so(void **state)
{
    struct world world;
    (void) state;
    start(&world, "127.0.0.1:0");
    cleanup_free char *answer = ask(&world, "GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
    assert_true(text_starts_with(answer, "HTTP/1.1 200 "));
    assert_non_null(strstr(answer, "\r\nConnection: close\r\n"));
    end(&world);
}

static void addresses_of_either_kind_are_taken(void **state)
{
    static const struct {
        const char *address;
        int family;
    } cases[] = {
        {"127.0.0.1:0", AF_INET}, {":0", AF_INET},      {"0.0.0.0:0", AF_INET},
        {"[::1]:0", AF_INET6},    {"[::]:0", AF_INET6}, {"[::]:0", AF_INET},
    };
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        struct world world;
        assert_true(http_address_is_valid(cases[i].address));
        start(&world, cases[i].address);
        cleanup_free char *answer = ask_over(&world, cases[i].family, REQUEST("GET", "/healthz"));
        assert_true(text_starts_with(answer, "HTTP/1.1 200 "));
        end(&world);
    }
}

static void a_taken_port_is_named(void **state)
{
    struct world world;
    struct world second = {0};
    struct error err;
    (void) state;
    start(&world, "127.0.0.1:0");
    cleanup_free char *taken = xasprintf("127.0.0.1:%d", http_server_port(world.server));
    assert_int_equal(loop_new(&second.loop, &err), 0);
    assert_int_equal(start_at(&second, taken, &err), ERROR_IO);
    assert_null(second.server);
    assert_non_null(strstr(err.text, taken));
    assert_non_null(strstr(err.text, "in use"));
    assert_non_null(strstr(err.text, "--listen"));
    end(&second);
    end(&world);
}

static void unusable_addresses_are_named(void **state)
{
    static const char *const addresses[] = {
        "",
        "8080",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "localhost:80",
        "127.0.0.1:80x",
        "[::1]",
        "[]:80",
        "::1]:80",
        "[::1:80",
        "127.0.0.1 :80",
        "1.2.3:80",
        "[127.0.0.1]x:80",
    };
    struct world world = {0};
    struct error err;
    (void) state;
    assert_int_equal(loop_new(&world.loop, &err), 0);
    for (size_t i = 0; i < array_length(addresses); i++) {
        cleanup_free char *quoted = xasprintf("--listen '%s'", addresses[i]);
        if (start_at(&world, addresses[i], &err) != ERROR_BAD_INPUT || !strstr(err.text, quoted)) {
            fail_msg("%s: %s", addresses[i], err.text);
        }
        assert_null(world.server);
        assert_false(http_address_is_valid(addresses[i]));
    }
    end(&world); /* stopping none is allowed */
}

static void the_port_is_free_after_the_stop(void **state)
{
    struct world world;
    struct error err;
    (void) state;
    start(&world, "127.0.0.1:0");
    cleanup_free char *address = xasprintf("127.0.0.1:%d", http_server_port(world.server));
    cleanup_close int fd = connect_client(&world, AF_INET); /* with a connection open */
    send_text(fd, "GET /healthz");
    turn(&world);
    http_server_stop(world.server);
    world.server = NULL;
    assert_int_equal(start_at(&world, address, &err), 0);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_as_the_probes_expect),
        cmocka_unit_test(a_wedged_leader_is_not_healthy),
        cmocka_unit_test(metrics_say_what_they_are),
        cmocka_unit_test(scrapes_of_one_second_share_an_answer),
        cmocka_unit_test(a_slow_scraper_holds_up_nobody),
        cmocka_unit_test(a_scrape_under_way_ends_with_the_server),
        cmocka_unit_test(a_head_has_no_body),
        cmocka_unit_test(garbage_ends_its_own_connection_alone),
        cmocka_unit_test(a_head_without_an_end_is_refused),
        cmocka_unit_test(a_slow_client_holds_up_nobody),
        cmocka_unit_test(a_connection_serves_one_request_and_says_so),
        cmocka_unit_test(addresses_of_either_kind_are_taken),
        cmocka_unit_test(a_taken_port_is_named),
        cmocka_unit_test(unusable_addresses_are_named),
        cmocka_unit_test(the_port_is_free_after_the_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
