/*
 * When a client gives its connections up.
 */
#include "../../lib/kube/liveness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { START_MS = 1000000 };

static void open_pair(int ends[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
}

/* Whether somebody shut it down: the other end reads its end. */
static bool is_cut(const int ends[2])
{
    char byte;
    return recv(ends[1], &byte, 1, 0) == 0;
}

static void close_pair(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

static void test_silence_cuts_all_connections(void **state)
{
    (void) state;
    struct liveness liveness;
    int first[2];
    int second[2];
    open_pair(first);
    open_pair(second);
    liveness_init(&liveness, START_MS);
    liveness_add_socket(&liveness, first[0]);
    liveness_add_socket(&liveness, second[0]);
    /* Short requests that each come to nothing. */
    assert_false(liveness_doubt(&liveness, START_MS + 3000, START_MS + 5000));
    assert_false(liveness_doubt(&liveness, START_MS + 12000, START_MS + LIVENESS_SILENCE_MS - 1));
    assert_false(is_cut(first));
    assert_true(liveness_doubt(&liveness, START_MS + 13000, START_MS + LIVENESS_SILENCE_MS));
    assert_true(is_cut(first));
    assert_true(is_cut(second));
    /* The new connections have their time too. */
    assert_false(liveness_doubt(&liveness, START_MS + 17000, START_MS + 19000));
    close_pair(first);
    close_pair(second);
}

static void test_any_byte_is_a_sign_of_life(void **state)
{
    (void) state;
    struct liveness liveness;
    int ends[2];
    open_pair(ends);
    liveness_init(&liveness, START_MS);
    liveness_add_socket(&liveness, ends[0]);
    liveness_hear(&liveness, START_MS + 20000); /* of another request: the server is merely slow with this one */
    assert_false(liveness_doubt(&liveness, START_MS + 10000, START_MS + 45000));
    assert_false(is_cut(ends));
    assert_true(liveness_doubt(&liveness, START_MS + 20000, START_MS + 45000)); /* nothing since it was sent */
    assert_true(is_cut(ends));
    close_pair(ends);
}

/* libcurl closes its sockets without a word to us. */
static void test_a_descriptor_that_is_somebody_elses(void **state)
{
    (void) state;
    struct liveness liveness;
    int ends[2];
    int others[2];
    open_pair(ends);
    liveness_init(&liveness, START_MS);
    liveness_add_socket(&liveness, ends[0]);
    int fd = ends[0];
    close_pair(ends);
    open_pair(others);
    assert_true(others[0] == fd || others[1] == fd);
    assert_true(liveness_doubt(&liveness, START_MS + 1, START_MS + LIVENESS_SILENCE_MS));
    assert_false(is_cut(others));
    assert_false(is_cut((int[2]){others[1], others[0]}));
    close_pair(others);
}

static void test_the_newest_are_known(void **state)
{
    (void) state;
    enum { COUNT = LIVENESS_SOCKETS_MAX + 3 };
    struct liveness liveness;
    int ends[COUNT][2];
    liveness_init(&liveness, START_MS);
    for (int i = 0; i < COUNT; i++) {
        open_pair(ends[i]);
        liveness_add_socket(&liveness, ends[i][0]);
    }
    assert_true(liveness_doubt(&liveness, START_MS + 1, START_MS + LIVENESS_SILENCE_MS));
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(is_cut(ends[i]), i >= 3);
        close_pair(ends[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silence_cuts_all_connections),
        cmocka_unit_test(test_any_byte_is_a_sign_of_life),
        cmocka_unit_test(test_a_descriptor_that_is_somebody_elses),
        cmocka_unit_test(test_the_newest_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
