#include "proget/core/loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "loop_internal.h"
#include "proget/core/memory.h"

/* Idle connections that curl keeps: enough for the API server and the peers that are asked again and again. */
#define LOOP_IDLE_CONNECTIONS_MAX 16L

/* The first two descriptors that a turn waits for are the loop's own, the watched ones follow. */
enum { WAIT_SIGNAL, WAIT_TIMER, WAIT_WATCHES };

static int loop_open(struct loop *loop, struct error *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return error_set(err, ERROR_IO, "cannot initialise libcurl");
    }
    loop->multi = curl_multi_init();
    if (loop->multi == NULL) {
        return error_set(err, ERROR_IO, "cannot initialise libcurl's multi interface");
    }
    (void) curl_multi_setopt(loop->multi, CURLMOPT_PIPELINING, (long) CURLPIPE_MULTIPLEX);
    (void) curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, LOOP_IDLE_CONNECTIONS_MAX);
    loop->signal_fd = signalfd(-1, &loop->signal_set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (loop->signal_fd < 0) {
        return error_set(err, ERROR_IO, "cannot open a signal descriptor: %s", strerror(errno));
    }
    loop->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (loop->timer_fd < 0) {
        return error_set(err, ERROR_IO, "cannot open a timer descriptor: %s", strerror(errno));
    }
    return 0;
}

int loop_new(struct loop **ret_loop, struct error *err)
{
    struct loop *loop = xcalloc(1, sizeof(*loop));
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    int result;

    loop->signal_fd = -1;
    loop->timer_fd = -1;
    loop->timer_fd_due_ms = -1;
    (void) sigemptyset(&loop->signal_set);
    result = loop_open(loop, err);
    if (result < 0) {
        loop_free(loop);
        return result;
    }
    /* A peer that goes away while TLS writes to it must not end the program. */
    (void) sigaction(SIGPIPE, &ignore, NULL);
    *ret_loop = loop;
    return 0;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    assert(!loop->in_turn);
    loop_transfers_drop(loop);
    loop_timers_detach(loop);
    if (loop->multi != NULL) {
        (void) curl_multi_cleanup(loop->multi);
    }
    memory_cleanup_close(&loop->signal_fd);
    memory_cleanup_close(&loop->timer_fd);
    free(loop);
}

static struct loop_watch *watch_find_fd(struct loop *loop, int fd)
{
    for (size_t index = 0; index < loop->watch_count; index++) {
        if (loop->watches[index].fd == fd) {
            return &loop->watches[index];
        }
    }
    return NULL;
}

static struct loop_watch *watch_find_id(struct loop *loop, uint64_t id)
{
    for (size_t index = 0; index < loop->watch_count; index++) {
        if (loop->watches[index].id == id) {
            return &loop->watches[index];
        }
    }
    return NULL;
}

int loop_watch_fd(struct loop *loop, int fd, short events, loop_fd_fn *on_ready, void *userdata)
{
    struct loop_watch *watch = watch_find_fd(loop, fd);

    if (fd < 0 || (events & ~(POLLIN | POLLOUT)) != 0 || (events != 0 && on_ready == NULL)) {
        return ERROR_BAD_INPUT;
    }
    if (events == 0) {
        if (watch == NULL) {
            return ERROR_NOT_FOUND;
        }
        *watch = loop->watches[--loop->watch_count];
        return 0;
    }
    if (watch == NULL) {
        if (loop->watch_count == LOOP_WATCHES_MAX) {
            return ERROR_TOO_LARGE;
        }
        watch = &loop->watches[loop->watch_count++];
        watch->id = loop->watch_id_next++;
        watch->fd = fd;
    }
    watch->events = events;
    watch->on_ready = on_ready;
    watch->userdata = userdata;
    return 0;
}

static void hooks_add(struct loop_hooks *hooks, loop_fn *function, void *userdata)
{
    assert(hooks->count < LOOP_HOOKS_MAX);
    if (hooks->count < LOOP_HOOKS_MAX) {
        hooks->items[hooks->count++] = (struct loop_hook){function, userdata};
    }
}

static void hooks_run(const struct loop_hooks *hooks)
{
    for (size_t index = 0; index < hooks->count; index++) {
        hooks->items[index].function(hooks->items[index].userdata);
    }
}

void loop_on_wake(struct loop *loop, loop_fn *on_wake, void *userdata)
{
    hooks_add(&loop->wake_hooks, on_wake, userdata);
}

void loop_on_turn(struct loop *loop, loop_fn *on_turn, void *userdata)
{
    hooks_add(&loop->turn_hooks, on_turn, userdata);
}

/* What a turn waits for, and which watch each descriptor stood for at that time. */
struct wait_set {
    struct curl_waitfd fds[WAIT_WATCHES + LOOP_WATCHES_MAX];
    uint64_t watch_ids[WAIT_WATCHES + LOOP_WATCHES_MAX];
    unsigned count;
};

static void wait_set_fill(struct wait_set *set, const struct loop *loop)
{
    set->fds[WAIT_SIGNAL] = (struct curl_waitfd){.fd = loop->signal_fd, .events = CURL_WAIT_POLLIN};
    set->fds[WAIT_TIMER] = (struct curl_waitfd){.fd = loop->timer_fd, .events = CURL_WAIT_POLLIN};
    set->count = WAIT_WATCHES;
    for (size_t index = 0; index < loop->watch_count; index++) {
        const struct loop_watch *watch = &loop->watches[index];
        int events = ((watch->events & POLLIN) != 0 ? CURL_WAIT_POLLIN : 0) |
                     ((watch->events & POLLOUT) != 0 ? CURL_WAIT_POLLOUT : 0);

        set->watch_ids[set->count] = watch->id;
        set->fds[set->count++] = (struct curl_waitfd){.fd = watch->fd, .events = (short) events};
    }
}

/*
 * curl tells of errors and hang-ups as readable (and writable). They are passed on though nobody asked for that
 * direction: swallowing them would make the wait return at once for ever.
 */
static bool loop_watches_dispatch(struct loop *loop, const struct wait_set *set)
{
    bool any_ran = false;

    for (unsigned index = WAIT_WATCHES; index < set->count; index++) {
        int ready = set->fds[index].revents;
        int events = ((ready & CURL_WAIT_POLLIN) != 0 ? POLLIN : 0) | ((ready & CURL_WAIT_POLLOUT) != 0 ? POLLOUT : 0);
        const struct loop_watch *watch;

        if (events == 0) {
            continue;
        }
        watch = watch_find_id(loop, set->watch_ids[index]);
        if (watch != NULL) { /* else an earlier callback of this turn ended it */
            watch->on_ready(watch->fd, (short) events, watch->userdata);
            any_ran = true;
        }
    }
    return any_ran;
}

int loop_turn(struct loop *loop, int wait_ms_max, struct error *err)
{
    struct wait_set set;
    bool happened;
    CURLMcode code;
    int ready_count = 0;
    int result;

    assert(!loop->in_turn);
    if (loop_transfers_submit(loop)) {
        wait_ms_max = 0;
    }
    result = loop_timers_arm(loop, err);
    if (result < 0) {
        return result;
    }
    wait_set_fill(&set, loop);
    code = curl_multi_poll(loop->multi, set.fds, set.count, wait_ms_max, &ready_count);
    if (code != CURLM_OK) {
        return error_set(err, ERROR_IO, "cannot wait for events: %s", curl_multi_strerror(code));
    }
    loop->now = clock_now();
    loop->in_turn = true;
    hooks_run(&loop->wake_hooks);
    if (set.fds[WAIT_TIMER].revents != 0) {
        loop_timers_expired(loop);
    }
    happened = ready_count > 0;
    if (set.fds[WAIT_SIGNAL].revents != 0) {
        happened = loop_signals_dispatch(loop) || happened;
    }
    happened = loop_watches_dispatch(loop, &set) || happened;
    happened = loop_transfers_dispatch(loop) || happened;
    happened = loop_timers_dispatch(loop) || happened;
    if (happened) {
        hooks_run(&loop->turn_hooks);
    }
    loop->in_turn = false;
    return 0;
}

int loop_run(struct loop *loop, struct error *err)
{
    int result = 0;

    while (!loop->stopping && result == 0) {
        result = loop_turn(loop, INT_MAX, err);
    }
    loop->stopping = false;
    return result;
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

struct instant loop_now(const struct loop *loop)
{
    /* Between turns nothing holds the last sample still: a program may have waited long before its first turn. */
    return loop->in_turn ? loop->now : clock_now();
}

CURLM *loop_multi(struct loop *loop)
{
    return loop->multi;
}
