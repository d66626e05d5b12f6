#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "proget/core/loop.h"
#include "proget/core/memory.h"

enum { TIMERS_MANY = 3000, TURNS_MAX = 2000 };

struct fixture {
    struct loop *loop;
    struct error err;
    int turns;   /* of which the hook was told */
    int counter; /* of whatever the case counts */
    struct loop_timer *timers[4];
    char order[32]; /* a letter for each callback */
};

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
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    loop_free(fixture->loop);
    for (size_t index = 0; index < array_length(fixture->timers); index++) {
        loop_timer_free(fixture->timers[index]); /* after its loop, which is allowed */
    }
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

/* Timers */

static void count(void *userdata)
{
    struct fixture *fixture = userdata;

    fixture->counter++;
}

static void a_timer_runs_once_and_not_before_its_time(void **state)
{
    struct fixture *fixture = *state;
    struct loop_timer *timer = fixture->timers[0] = loop_timer_new(fixture->loop, count, fixture);
    int64_t start_ms = clock_now().monotonic_ms;

    assert_false(loop_timer_is_set(timer));
    loop_timer_set_after(timer, 20);
    assert_true(loop_timer_is_set(timer));
    turn_until(fixture, &fixture->counter, 1);
    assert_true(clock_now().monotonic_ms - start_ms >= 20);
    assert_false(loop_timer_is_set(timer));
    turn_some(fixture, 5);
    assert_int_equal(fixture->counter, 1);
    assert_int_equal(fixture->turns, 1); /* one turn in which anything happened: the loop did not spin */
}

static void a_timer_can_be_set_again_and_stopped(void **state)
{
    struct fixture *fixture = *state;
    struct loop_timer *timer = fixture->timers[0] = loop_timer_new(fixture->loop, count, fixture);

    loop_timer_stop(timer);
    loop_timer_set_after(timer, 3600000);
    loop_timer_set_after(timer, -5); /* counts as 0 */
    turn_until(fixture, &fixture->counter, 1);
    loop_timer_set_at(timer, 0); /* long past */
    turn_until(fixture, &fixture->counter, 2);
    loop_timer_set_after(timer, INT64_MAX); /* must not wrap around */
    turn_some(fixture, 3);
    assert_true(loop_timer_is_set(timer));
    loop_timer_set_after(timer, 0);
    loop_timer_stop(timer);
    assert_false(loop_timer_is_set(timer));
    turn_some(fixture, 3);
    assert_int_equal(fixture->counter, 2);
    loop_timer_free(NULL);
}

struct numbered {
    struct fixture *fixture;
    struct loop_timer *timer;
    int64_t due_ms;
    int number;
};

static struct {
    int64_t due_ms;
    int number;
} last;

static void check_order(void *userdata)
{
    struct numbered *numbered = userdata;

    assert_true(numbered->due_ms > last.due_ms || (numbered->due_ms == last.due_ms && numbered->number > last.number));
    assert_true(loop_now(numbered->fixture->loop).monotonic_ms >= numbered->due_ms);
    last.due_ms = numbered->due_ms;
    last.number = numbered->number;
    numbered->fixture->counter++;
}

/* Thousands, a third of them stopped or freed again: the rest runs by due time, equals by the order of arming. */
static void many_timers_run_in_order(void **state)
{
    struct fixture *fixture = *state;
    cleanup_free struct numbered *all = xcalloc(TIMERS_MANY, sizeof(*all));
    int64_t start_ms = loop_now(fixture->loop).monotonic_ms + 500;
    uint32_t seed = 1;
    int expected = 0;

    last.due_ms = 0;
    last.number = 0;
    for (int index = 0; index < TIMERS_MANY; index++) {
        seed = (uint32_t) (seed * UINT64_C(1664525) + UINT64_C(1013904223));
        all[index] = (struct numbered){.fixture = fixture, .due_ms = start_ms + (seed >> 16) % 60, .number = index};
        all[index].timer = loop_timer_new(fixture->loop, check_order, &all[index]);
        loop_timer_set_at(all[index].timer, all[index].due_ms);
        expected++;
    }
    for (int index = 0; index < TIMERS_MANY; index += 3) {
        if (index % 2 == 0) {
            loop_timer_stop(all[index].timer);
        } else {
            loop_timer_free(all[index].timer);
            all[index].timer = NULL;
        }
        expected--;
    }
    turn_until(fixture, &fixture->counter, expected);
    assert_true(fixture->turns <= 70); /* about one for each of the 60 milliseconds */
    for (int index = 0; index < TIMERS_MANY; index++) {
        loop_timer_free(all[index].timer);
    }
}

static void free_all_timers(void *userdata)
{
    struct fixture *fixture = userdata;

    fixture->counter++;
    for (size_t index = 0; index < array_length(fixture->timers); index++) {
        loop_timer_free(fixture->timers[index]);
        fixture->timers[index] = NULL;
    }
}

static void a_timer_may_free_itself_and_others_that_are_due(void **state)
{
    struct fixture *fixture = *state;

    for (size_t index = 0; index < array_length(fixture->timers); index++) {
        fixture->timers[index] = loop_timer_new(fixture->loop, free_all_timers, fixture);
        loop_timer_set_after(fixture->timers[index], 0);
    }
    turn_until(fixture, &fixture->counter, 1);
    turn_some(fixture, 3);
    assert_int_equal(fixture->counter, 1);
}

static void set_again_at_once(void *userdata)
{
    struct fixture *fixture = userdata;

    fixture->counter++;
    loop_timer_set_at(fixture->timers[0], 0);
}

static void a_timer_that_sets_itself_does_not_hold_the_turn_or_starve_others(void **state)
{
    struct fixture *fixture = *state;

    fixture->timers[0] = loop_timer_new(fixture->loop, set_again_at_once, fixture);
    fixture->timers[1] = loop_timer_new(fixture->loop, count, fixture);
    loop_timer_set_after(fixture->timers[0], 0);
    loop_timer_set_after(fixture->timers[1], 0);
    turn_until(fixture, &fixture->counter, 2);
    assert_false(loop_timer_is_set(fixture->timers[1]));
    for (int turn = 1; turn <= 5; turn++) {
        assert_int_equal(loop_turn(fixture->loop, 10000, &fixture->err), 0);
        assert_int_equal(fixture->counter, 2 + turn); /* once a turn, and the turn does not wait */
    }
}

/* Signals */

static void on_signal(int number, void *userdata)
{
    struct fixture *fixture = userdata;

    note(fixture, number == SIGUSR1 ? '1' : number == SIGUSR2 ? '2' : '?');
    fixture->counter++;
}

static void stop_on_signal(int number, void *userdata)
{
    struct fixture *fixture = userdata;

    assert_int_equal(number, SIGTERM);
    fixture->counter++;
    loop_stop(fixture->loop);
}

static void signals_are_read_from_the_loop(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(loop_on_signal(fixture->loop, SIGUSR1, on_signal, fixture, &fixture->err), 0);
    assert_int_equal(loop_on_signal(fixture->loop, SIGUSR2, on_signal, fixture, &fixture->err), 0);
    assert_int_equal(kill(getpid(), SIGUSR2), 0);
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    turn_until(fixture, &fixture->counter, 2);
    assert_int_equal(fixture->turns, 1);
    assert_non_null(strchr(fixture->order, '1'));
    assert_non_null(strchr(fixture->order, '2'));
}

static void a_signal_ends_the_run(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(loop_on_signal(fixture->loop, SIGTERM, on_signal, fixture, &fixture->err), 0);
    assert_int_equal(loop_on_signal(fixture->loop, SIGTERM, stop_on_signal, fixture, &fixture->err), 0);
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_int_equal(loop_run(fixture->loop, &fixture->err), 0);
    assert_int_equal(fixture->counter, 1);
    loop_stop(fixture->loop);
    assert_int_equal(loop_run(fixture->loop, &fixture->err), 0); /* asked to stop before: no turn at all */
    assert_int_equal(fixture->turns, 1);
}

static void signals_are_checked_and_bounded(void **state)
{
    static const int numbers[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGWINCH, SIGURG};
    struct fixture *fixture = *state;

    assert_int_equal(loop_on_signal(fixture->loop, SIGKILL, on_signal, fixture, &fixture->err), ERROR_BAD_INPUT);
    assert_int_equal(loop_on_signal(fixture->loop, 4711, on_signal, fixture, &fixture->err), ERROR_BAD_INPUT);
    for (size_t index = 0; index < array_length(numbers); index++) {
        assert_int_equal(loop_on_signal(fixture->loop, numbers[index], on_signal, fixture, &fixture->err), 0);
    }
    assert_int_equal(loop_on_signal(fixture->loop, SIGALRM, on_signal, fixture, &fixture->err), ERROR_TOO_LARGE);
    assert_int_equal(loop_on_signal(fixture->loop, SIGURG, on_signal, fixture, &fixture->err), 0);
}

/* Descriptors */

struct two_pipes {
    struct fixture *fixture;
    int ends[2][2];
};

static void end_both_watches(int fd, short events, void *userdata)
{
    struct two_pipes *pipes = userdata;

    assert_true(fd == pipes->ends[0][0] || fd == pipes->ends[1][0]);
    assert_int_equal(events, POLLIN);
    pipes->fixture->counter++;
    for (size_t index = 0; index < 2; index++) {
        assert_int_equal(loop_watch_fd(pipes->fixture->loop, pipes->ends[index][0], 0, NULL, NULL), 0);
    }
    /* The same number again is another watch: what was ready is not told to it. */
    fd = fd == pipes->ends[0][0] ? pipes->ends[1][0] : pipes->ends[0][0];
    assert_int_equal(loop_watch_fd(pipes->fixture->loop, fd, POLLIN, end_both_watches, pipes), 0);
}

static void a_watch_ended_by_another_is_not_called(void **state)
{
    struct two_pipes pipes = {.fixture = *state};

    for (size_t index = 0; index < 2; index++) {
        assert_int_equal(pipe2(pipes.ends[index], O_CLOEXEC | O_NONBLOCK), 0);
        assert_int_equal(write(pipes.ends[index][1], "x", 1), 1);
        assert_int_equal(loop_watch_fd(pipes.fixture->loop, pipes.ends[index][0], POLLIN, end_both_watches, &pipes), 0);
    }
    assert_int_equal(loop_turn(pipes.fixture->loop, 10000, &pipes.fixture->err), 0);
    assert_int_equal(pipes.fixture->counter, 1);
    for (size_t index = 0; index < 2; index++) {
        (void) loop_watch_fd(pipes.fixture->loop, pipes.ends[index][0], 0, NULL, NULL);
        (void) close(pipes.ends[index][0]);
        (void) close(pipes.ends[index][1]);
    }
}

static void count_and_end(int fd, short events, void *userdata)
{
    struct fixture *fixture = userdata;

    assert_true(events != 0);
    fixture->counter++;
    assert_int_equal(loop_watch_fd(fixture->loop, fd, 0, NULL, NULL), 0);
}

/* poll() tells of a hang-up without POLLIN: unseen, it would make every wait return at once. */
static void a_hang_up_is_told(void **state)
{
    struct fixture *fixture = *state;
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(loop_watch_fd(fixture->loop, ends[0], POLLIN, count_and_end, fixture), 0);
    assert_int_equal(close(ends[1]), 0);
    turn_until(fixture, &fixture->counter, 1);
    assert_int_equal(fixture->turns, 1);
    assert_int_equal(close(ends[0]), 0);
}

static void writable_is_told_and_can_be_changed(void **state)
{
    struct fixture *fixture = *state;
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(loop_watch_fd(fixture->loop, ends[1], POLLIN, count_and_end, fixture), 0);
    assert_int_equal(loop_turn(fixture->loop, 0, &fixture->err), 0);
    assert_int_equal(fixture->counter, 0);
    assert_int_equal(loop_watch_fd(fixture->loop, ends[1], POLLOUT, count_and_end, fixture), 0);
    assert_int_equal(loop_turn(fixture->loop, 10000, &fixture->err), 0);
    assert_int_equal(fixture->counter, 1);
    (void) close(ends[0]);
    (void) close(ends[1]);
}

static void watches_are_checked_and_bounded(void **state)
{
    struct fixture *fixture = *state;
    int fds[33];

    assert_int_equal(loop_watch_fd(fixture->loop, -1, POLLIN, count_and_end, fixture), ERROR_BAD_INPUT);
    assert_int_equal(loop_watch_fd(fixture->loop, 0, POLLPRI, count_and_end, fixture), ERROR_BAD_INPUT);
    assert_int_equal(loop_watch_fd(fixture->loop, 0, POLLIN, NULL, fixture), ERROR_BAD_INPUT);
    assert_int_equal(loop_watch_fd(fixture->loop, 0, 0, NULL, NULL), ERROR_NOT_FOUND);
    for (size_t index = 0; index < array_length(fds); index++) {
        fds[index] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(fds[index] >= 0);
        assert_int_equal(loop_watch_fd(fixture->loop, fds[index], POLLIN, count_and_end, fixture),
                         index < array_length(fds) - 1 ? 0 : ERROR_TOO_LARGE);
    }
    for (size_t index = 0; index < array_length(fds); index++) {
        (void) loop_watch_fd(fixture->loop, fds[index], 0, NULL, NULL);
        (void) close(fds[index]);
    }
}

/* The turn */

static void a_turn_without_anything_runs_no_hook(void **state)
{
    struct fixture *fixture = *state;

    turn_some(fixture, 5);
    assert_int_equal(fixture->turns, 0);
}

static void now_stands_still_within_a_turn(void *userdata)
{
    struct fixture *fixture = userdata;
    struct instant first = loop_now(fixture->loop);

    while (clock_now().monotonic_ms == first.monotonic_ms) {
    }
    assert_true(loop_now(fixture->loop).monotonic_ms == first.monotonic_ms);
    assert_true(loop_now(fixture->loop).wall_us == first.wall_us);
    fixture->counter++;
}

static void now_is_sampled_once_per_turn(void **state)
{
    struct fixture *fixture = *state;
    int64_t before_ms = clock_now().monotonic_ms;

    fixture->timers[0] = loop_timer_new(fixture->loop, now_stands_still_within_a_turn, fixture);
    loop_timer_set_after(fixture->timers[0], 0);
    turn_until(fixture, &fixture->counter, 1);
    assert_true(loop_now(fixture->loop).monotonic_ms > before_ms);
    assert_non_null(loop_multi(fixture->loop));
}

static void note_wake(void *userdata)
{
    note(userdata, 'w');
}

static void note_timer(void *userdata)
{
    note(userdata, 't');
}

static void a_wake_hook_runs_before_everything(void **state)
{
    struct fixture *fixture = *state;

    fixture->timers[0] = loop_timer_new(fixture->loop, note_timer, fixture);
    loop_on_wake(fixture->loop, note_wake, fixture);
    loop_timer_set_after(fixture->timers[0], 0);
    turn_until(fixture, &fixture->turns, 1);
    assert_string_equal(fixture->order + strlen(fixture->order) - 2, "wt");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_timer_runs_once_and_not_before_its_time),
        CASE(a_timer_can_be_set_again_and_stopped),
        CASE(many_timers_run_in_order),
        CASE(a_timer_may_free_itself_and_others_that_are_due),
        CASE(a_timer_that_sets_itself_does_not_hold_the_turn_or_starve_others),
        CASE(signals_are_read_from_the_loop),
        CASE(a_signal_ends_the_run),
        CASE(signals_are_checked_and_bounded),
        CASE(a_watch_ended_by_another_is_not_called),
        CASE(a_hang_up_is_told),
        CASE(writable_is_told_and_can_be_changed),
        CASE(watches_are_checked_and_bounded),
        CASE(a_turn_without_anything_runs_no_hook),
        CASE(now_is_sampled_once_per_turn),
        CASE(a_wake_hook_runs_before_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
