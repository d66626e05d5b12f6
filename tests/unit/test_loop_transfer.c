#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proget/core/loop.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { TRANSFERS_MAX = 8, TURNS_MAX = 2000, CONNECTIONS_MAX = 16 };

/*
 * A web server on the loop itself: a request for /hold is left without an answer, /part gets the head and no body,
 * others get "ok".
 */
struct server {
    struct loop *loop;
    int listener;
    int port;
    int requests;
    int connections[CONNECTIONS_MAX]; /* all that were ever taken; -1 once closed */
    size_t connection_count;
};

struct fixture {
    struct loop *loop;
    struct server server;
    struct error err;
    int turns;   /* of which the hook was told */
    int counter; /* of whatever the case counts */
    CURL *easies[TRANSFERS_MAX];
    struct loop_transfer *transfers[TRANSFERS_MAX];
    CURLcode results[TRANSFERS_MAX];
    int ended[TRANSFERS_MAX]; /* callbacks of each */
    struct loop_timer *timers[4];
    char order[32]; /* a letter for each callback */
};

static void server_on_request(int fd, short events, void *userdata)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    struct server *server = userdata;
    char request[4096];
    ssize_t length = read(fd, request, sizeof(request) - 1);

    (void) events;
    if (length <= 0) {
        assert_int_equal(loop_watch_fd(server->loop, fd, 0, NULL, NULL), 0);
        for (size_t index = 0; index < server->connection_count; index++) {
            if (server->connections[index] == fd) {
                memory_cleanup_close(&server->connections[index]);
            }
        }
        return;
    }
    request[length] = '\0';
    server->requests++;
    if (text_starts_with(request, "GET /part ")) {
        assert_int_equal(write(fd, head, sizeof(head) - 1), sizeof(head) - 1);
    } else if (!text_starts_with(request, "GET /hold ")) {
        assert_int_equal(write(fd, answer, sizeof(answer) - 1), sizeof(answer) - 1);
    }
}

static void server_on_connection(int fd, short events, void *userdata)
{
    struct server *server = userdata;
    int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void) events;
    assert_true(connection >= 0 && server->connection_count < CONNECTIONS_MAX);
    server->connections[server->connection_count++] = connection;
    assert_int_equal(loop_watch_fd(server->loop, connection, POLLIN, server_on_request, server), 0);
}

static void server_start(struct server *server, struct loop *loop)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    server->loop = loop;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(server->listener >= 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *) &address, sizeof(address)), 0);
    assert_int_equal(listen(server->listener, 16), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *) &address, &size), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(loop_watch_fd(loop, server->listener, POLLIN, server_on_connection, server), 0);
}

static void count_turn(void *userdata)
{
    struct fixture *fixture = userdata;

    fixture->turns++;
}

static int setup(void **state)
{
    struct fixture *fixture = xcalloc(1, sizeof(*fixture));

    *state = fixture;
    assert_int_equal(loop_new(&fixture->loop, &fixture->err), 0);
    loop_on_turn(fixture->loop, count_turn, fixture);
    server_start(&fixture->server, fixture->loop);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    loop_free(fixture->loop);
    for (size_t index = 0; index < array_length(fixture->timers); index++) {
        loop_timer_free(fixture->timers[index]); /* after its loop, which is allowed */
    }
    for (size_t index = 0; index < TRANSFERS_MAX; index++) {
        curl_easy_cleanup(fixture->easies[index]);
    }
    for (size_t index = 0; index < fixture->server.connection_count; index++) {
        memory_cleanup_close(&fixture->server.connections[index]);
    }
    memory_cleanup_close(&fixture->server.listener);
    free(fixture);
    return 0;
}

static void note(struct fixture *fixture, char letter)
{
    size_t length = strlen(fixture->order);

    assert_true(length + 1 < sizeof(fixture->order));
    fixture->order[length] = letter;
    fixture->order[length + 1] = '\0';
}

/* Turns until `*value` is `wanted`, a bounded number of times. */
static void turn_until(struct fixture *fixture, const int *value, int wanted)
{
    for (int turn = 0; *value != wanted; turn++) {
        assert_true(turn < TURNS_MAX);
        assert_int_equal(loop_turn(fixture->loop, 10000, &fixture->err), 0);
    }
}

/* Some turns more, so that what should not come had its chance. */
static void turn_some(struct fixture *fixture, int turn_count)
{
    for (int turn = 0; turn < turn_count; turn++) {
        assert_int_equal(loop_turn(fixture->loop, 1, &fixture->err), 0);
    }
}

static void count(void *userdata)
{
    struct fixture *fixture = userdata;

    fixture->counter++;
}

static size_t transfer_index(const struct fixture *fixture, const CURL *easy)
{
    size_t index = 0;

    while (index < TRANSFERS_MAX && fixture->easies[index] != easy) {
        index++;
    }
    assert_true(index < TRANSFERS_MAX);
    return index;
}

static void on_done(CURL *easy, CURLcode result, void *userdata)
{
    struct fixture *fixture = userdata;
    size_t index = transfer_index(fixture, easy);

    fixture->results[index] = result;
    fixture->ended[index]++;
    fixture->transfers[index] = NULL;
}

static size_t discard(char *bytes, size_t size, size_t count, void *userdata)
{
    (void) bytes;
    (void) userdata;
    return size * count;
}

static void easy_prepare(struct fixture *fixture, size_t index, const char *path)
{
    cleanup_free char *url = xasprintf("http://127.0.0.1:%d%s", fixture->server.port, path);
    CURL *easy = curl_easy_init();

    assert_non_null(easy);
    (void) curl_easy_setopt(easy, CURLOPT_URL, url);
    (void) curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void) curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void) curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    fixture->easies[index] = easy;
}

static void transfer_begin(struct fixture *fixture, size_t index, const char *path, loop_transfer_fn *callback)
{
    easy_prepare(fixture, index, path);
    fixture->transfers[index] = loop_transfer_start(fixture->loop, fixture->easies[index], callback, fixture);
}

/* Transfers */

static void a_transfer_ends_with_its_result(void **state)
{
    struct fixture *fixture = *state;
    long status = 0;

    transfer_begin(fixture, 0, "/", on_done);
    turn_until(fixture, &fixture->ended[0], 1);
    assert_int_equal(fixture->results[0], CURLE_OK);
    assert_int_equal(curl_easy_getinfo(fixture->easies[0], CURLINFO_RESPONSE_CODE, &status), CURLE_OK);
    assert_int_equal(status, 200);
    assert_true(fixture->turns > 0);
    turn_some(fixture, 5);
    assert_int_equal(fixture->ended[0], 1);
}

static void a_transfer_that_nobody_takes_fails(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(loop_watch_fd(fixture->loop, fixture->server.listener, 0, NULL, NULL), 0);
    assert_int_equal(close(fixture->server.listener), 0);
    fixture->server.listener = -1;
    transfer_begin(fixture, 0, "/", on_done);
    turn_until(fixture, &fixture->ended[0], 1);
    assert_int_equal(fixture->results[0], CURLE_COULDNT_CONNECT);
}

static void a_transfer_that_curl_refuses_is_told_so(void **state)
{
    struct fixture *fixture = *state;

    transfer_begin(fixture, 0, "/hold", on_done);
    turn_some(fixture, 1);
    /* The same handle twice: the first stays under way. */
    (void) loop_transfer_start(fixture->loop, fixture->easies[0], on_done, fixture);
    turn_until(fixture, &fixture->ended[0], 1);
    assert_int_equal(fixture->results[0], CURLE_FAILED_INIT);
    turn_until(fixture, &fixture->server.requests, 1);
    assert_int_equal(fixture->ended[0], 1);
}

static void a_cancelled_transfer_is_not_called(void **state)
{
    struct fixture *fixture = *state;

    transfer_begin(fixture, 0, "/", on_done);
    loop_transfer_cancel(fixture->transfers[0]); /* before curl had it */
    transfer_begin(fixture, 1, "/part", on_done);
    turn_until(fixture, &fixture->server.requests, 1);
    turn_some(fixture, 3);
    loop_transfer_cancel(fixture->transfers[1]); /* half way */
    transfer_begin(fixture, 2, "/", on_done);
    turn_until(fixture, &fixture->ended[2], 1);
    turn_some(fixture, 3);
    assert_int_equal(fixture->ended[0] + fixture->ended[1], 0);
    loop_transfer_cancel(NULL);
}

/* The first that ends cancels all the others, whether they ended in the same turn or not. */
static void cancel_the_others(CURL *easy, CURLcode result, void *userdata)
{
    struct fixture *fixture = userdata;

    on_done(easy, result, userdata);
    fixture->counter++;
    for (size_t index = 0; index < TRANSFERS_MAX; index++) {
        if (fixture->transfers[index] != NULL) {
            loop_transfer_cancel(fixture->transfers[index]);
            fixture->transfers[index] = NULL;
        }
    }
}

static void the_end_of_one_may_cancel_others_that_ended_too(void **state)
{
    struct fixture *fixture = *state;

    for (size_t index = 0; index < TRANSFERS_MAX; index++) {
        /* A scheme that curl does not know ends at once, so that all end in one turn. */
        transfer_begin(fixture, index, "/", cancel_the_others);
        (void) curl_easy_setopt(fixture->easies[index], CURLOPT_URL, index % 2 == 0 ? "nonsense://x" : "http://[bad");
    }
    turn_until(fixture, &fixture->counter, 1);
    turn_some(fixture, 5);
    assert_int_equal(fixture->counter, 1);
}

static void start_the_next(CURL *easy, CURLcode result, void *userdata)
{
    struct fixture *fixture = userdata;

    on_done(easy, result, userdata);
    fixture->counter++;
    if (fixture->counter < 6) {
        /* The same handle again: it is the caller's here. */
        fixture->transfers[0] = loop_transfer_start(fixture->loop, easy, start_the_next, fixture);
    }
}

static void a_callback_may_start_the_next_with_the_same_handle(void **state)
{
    struct fixture *fixture = *state;

    transfer_begin(fixture, 0, "/", start_the_next);
    turn_until(fixture, &fixture->counter, 6);
    assert_int_equal(fixture->server.requests, 6);
    assert_int_equal(fixture->results[0], CURLE_OK);
}

static size_t start_from_data(char *bytes, size_t size, size_t length, void *userdata)
{
    struct fixture *fixture = userdata;

    (void) bytes;
    if (fixture->easies[1] == NULL) {
        transfer_begin(fixture, 1, "/", on_done);
    }
    return size * length;
}

static void a_data_callback_may_start_a_transfer_and_set_timers(void **state)
{
    struct fixture *fixture = *state;

    easy_prepare(fixture, 0, "/");
    (void) curl_easy_setopt(fixture->easies[0], CURLOPT_WRITEFUNCTION, start_from_data);
    (void) curl_easy_setopt(fixture->easies[0], CURLOPT_WRITEDATA, fixture);
    fixture->transfers[0] = loop_transfer_start(fixture->loop, fixture->easies[0], on_done, fixture);
    turn_until(fixture, &fixture->ended[1], 1);
    assert_int_equal(fixture->ended[0], 1);
    assert_int_equal(fixture->results[0], CURLE_OK);
    assert_int_equal(fixture->results[1], CURLE_OK);
}

static void give_up(void *userdata)
{
    struct fixture *fixture = userdata;

    loop_transfer_cancel(fixture->transfers[0]);
    fixture->transfers[0] = NULL;
    curl_easy_cleanup(fixture->easies[0]);
    fixture->easies[0] = NULL;
    loop_stop(fixture->loop);
}

static void a_timer_may_cancel_a_transfer_and_free_its_handle(void **state)
{
    struct fixture *fixture = *state;

    transfer_begin(fixture, 0, "/part", on_done);
    fixture->timers[0] = loop_timer_new(fixture->loop, give_up, fixture);
    loop_timer_set_after(fixture->timers[0], 30);
    assert_int_equal(loop_run(fixture->loop, &fixture->err), 0);
    turn_some(fixture, 3);
    assert_int_equal(fixture->ended[0], 0);
}

/* The turn */

static void note_signal(int number, void *userdata)
{
    (void) number;
    note(userdata, 's');
}

static void note_fd(int fd, short events, void *userdata)
{
    struct fixture *fixture = userdata;

    (void) events;
    note(fixture, 'd');
    assert_int_equal(loop_watch_fd(fixture->loop, fd, 0, NULL, NULL), 0);
}

static void note_transfer(CURL *easy, CURLcode result, void *userdata)
{
    note(userdata, 't');
    on_done(easy, result, userdata);
}

static void note_timer(void *userdata)
{
    note(userdata, 'm');
}

static void note_turn(void *userdata)
{
    note(userdata, 'h');
}

static void callbacks_of_a_turn_run_in_the_promised_order(void **state)
{
    struct fixture *fixture = *state;
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    loop_on_turn(fixture->loop, note_turn, fixture);
    fixture->timers[0] = loop_timer_new(fixture->loop, note_timer, fixture);
    loop_timer_set_after(fixture->timers[0], 0);
    transfer_begin(fixture, 0, "/", note_transfer);
    (void) curl_easy_setopt(fixture->easies[0], CURLOPT_URL, "nonsense://x");
    assert_int_equal(loop_watch_fd(fixture->loop, ends[0], POLLIN, note_fd, fixture), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(loop_on_signal(fixture->loop, SIGUSR1, note_signal, fixture, &fixture->err), 0);
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    assert_int_equal(loop_turn(fixture->loop, 10000, &fixture->err), 0);
    assert_string_equal(fixture->order, "sdtmh");
    (void) close(ends[0]);
    (void) close(ends[1]);
}

/* A transfer that waits for its peer costs no turns: only the timer ends the wait. */
static void waiting_for_a_silent_peer_does_not_spin(void **state)
{
    struct fixture *fixture = *state;
    int turns_before;

    transfer_begin(fixture, 0, "/hold", on_done);
    turn_until(fixture, &fixture->server.requests, 1);
    turn_some(fixture, 20);
    turns_before = fixture->turns;
    fixture->timers[0] = loop_timer_new(fixture->loop, count, fixture);
    loop_timer_set_after(fixture->timers[0], 300);
    turn_until(fixture, &fixture->counter, 1);
    assert_true(fixture->turns - turns_before <= 5);
}

static void everything_registered_goes_with_the_loop(void **state)
{
    struct fixture *fixture = *state;

    transfer_begin(fixture, 0, "/hold", on_done);
    turn_until(fixture, &fixture->server.requests, 1);
    transfer_begin(fixture, 1, "/", on_done);
    fixture->timers[0] = loop_timer_new(fixture->loop, count, fixture);
    fixture->timers[1] = loop_timer_new(fixture->loop, count, fixture);
    loop_timer_set_after(fixture->timers[0], 0);
    loop_free(fixture->loop);
    fixture->loop = NULL;
    assert_false(loop_timer_is_set(fixture->timers[0]));
    loop_timer_set_after(fixture->timers[1], 0); /* without effect */
    loop_timer_set_at(fixture->timers[1], 0);
    loop_timer_stop(fixture->timers[1]);
    assert_false(loop_timer_is_set(fixture->timers[1]));
    assert_int_equal(fixture->counter + fixture->ended[0] + fixture->ended[1], 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_transfer_ends_with_its_result),
        CASE(a_transfer_that_nobody_takes_fails),
        CASE(a_transfer_that_curl_refuses_is_told_so),
        CASE(a_cancelled_transfer_is_not_called),
        CASE(the_end_of_one_may_cancel_others_that_ended_too),
        CASE(a_callback_may_start_the_next_with_the_same_handle),
        CASE(a_data_callback_may_start_a_transfer_and_set_timers),
        CASE(a_timer_may_cancel_a_transfer_and_free_its_handle),
        CASE(callbacks_of_a_turn_run_in_the_promised_order),
        CASE(waiting_for_a_silent_peer_does_not_spin),
        CASE(everything_registered_goes_with_the_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
