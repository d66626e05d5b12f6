/*
 * What the files of the loop share: loop.c (life, waiting, descriptors), loop_signal.c, loop_timer.c, loop_transfer.c.
 *
 * The rule that makes callbacks safe: nothing is remembered across a callback but what is looked up again afterwards. A
 * timer leaves the heap, a transfer its list, before its callback runs; so whatever a callback frees or cancels is gone
 * from where the next candidate is taken.
 */
#ifndef PROGET_CORE_LOOP_INTERNAL_H
#define PROGET_CORE_LOOP_INTERNAL_H

#include <signal.h>
#include <stddef.h>

#include "proget/core/loop.h"

enum {
    LOOP_SIGNALS_MAX = 8,
    LOOP_WATCHES_MAX = 32,
    LOOP_HOOKS_MAX = 4,
};

struct loop_signal {
    int number;
    loop_signal_fn *on_signal;
    void *userdata;
};

struct loop_watch {
    uint64_t id; /* tells a watch from a later one on the same descriptor number */
    int fd;
    short events; /* POLLIN, POLLOUT */
    loop_fd_fn *on_ready;
    void *userdata;
};

struct loop_hook {
    loop_fn *function;
    void *userdata;
};

struct loop_hooks {
    struct loop_hook items[LOOP_HOOKS_MAX];
    size_t count;
};

enum transfer_state {
    TRANSFER_PENDING, /* started, not yet given to curl */
    TRANSFER_RUNNING, /* with curl */
    TRANSFER_REFUSED, /* curl did not take it: on_done is still to be called */
};

struct loop_transfer {
    struct loop *loop;
    CURL *easy;
    loop_transfer_fn *on_done;
    void *userdata;
    enum transfer_state state;
    struct loop_transfer *prev, *next; /* in the loop's list of that state */
};

struct loop_timer {
    struct loop *loop; /* NULL once the loop is gone */
    loop_fn *on_expiry;
    void *userdata;
    int64_t due_ms;                 /* monotonic */
    uint64_t sequence;              /* order of arming: among equals the first armed runs first */
    size_t heap_index;              /* TIMER_NOT_SET when not armed */
    struct loop_timer *prev, *next; /* all timers of the loop, armed or not */
};
#define TIMER_NOT_SET SIZE_MAX

struct loop {
    CURLM *multi;
    bool in_turn;
    bool in_perform; /* inside curl_multi_perform(): curl refuses to add and remove */
    bool stopping;
    struct instant now; /* of this turn */

    int signal_fd;
    sigset_t signal_set;
    struct loop_signal signals[LOOP_SIGNALS_MAX];
    size_t signal_count;

    struct loop_watch watches[LOOP_WATCHES_MAX];
    size_t watch_count;
    uint64_t watch_id_next;

    struct loop_hooks wake_hooks, turn_hooks;

    int timer_fd;
    int64_t timer_fd_due_ms;      /* what timer_fd is armed for; -1: not armed */
    struct loop_timer **heap;     /* armed timers, the earliest first */
    size_t heap_count, heap_size; /* in use, allocated */
    uint64_t timer_sequence_next;
    struct loop_timer *timers; /* all of them */

    struct loop_transfer *transfers[TRANSFER_REFUSED + 1]; /* a list for each state, in order of arrival */
};

/* Signals that arrived: their callbacks run. Returns whether any ran. */
bool loop_signals_dispatch(struct loop *loop);

/* Arms timer_fd for the earliest timer. ERROR_IO where the system refuses. */
int loop_timers_arm(struct loop *loop, struct error *err);
/* Takes note that timer_fd expired. */
void loop_timers_expired(struct loop *loop);
/* Runs the timers that are due and were armed before this call. Returns whether any ran. */
bool loop_timers_dispatch(struct loop *loop);
void loop_timers_detach(struct loop *loop); /* the loop goes, the timers stay their owners' */

/* Gives pending transfers to curl. Returns whether a refused one waits for its callback. */
bool loop_transfers_submit(struct loop *loop);
/* Lets curl work and calls back for what ended. Returns whether anything may have happened. */
bool loop_transfers_dispatch(struct loop *loop);
void loop_transfers_drop(struct loop *loop);

#endif
