/*
 * The one loop of a program: transfers, timers, signals and foreign descriptors, on one thread.
 *
 * It waits in curl_multi_poll(), which also waits on a signalfd, a timerfd (CLOCK_BOOTTIME) and descriptors of others.
 * Callbacks of one turn run in this order: the wake hooks, signals, descriptors, transfers, timers, then the turn
 * hooks. "Now" is sampled once per turn.
 */
#ifndef PROGET_CORE_LOOP_H
#define PROGET_CORE_LOOP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "proget/core/clock.h"
#include "proget/core/error.h"

struct loop;
struct loop_timer;
struct loop_transfer;

typedef void loop_fn(void *userdata);
typedef void loop_signal_fn(int signal_number, void *userdata);
typedef void loop_fd_fn(int fd, short events, void *userdata);
/* `result` of the transfer; the easy handle is the caller's again and no longer in the loop. */
typedef void loop_transfer_fn(CURL *easy, CURLcode result, void *userdata);

/*
 * ERROR_IO where the system refuses a descriptor. Does curl_global_init() as needed, and ignores SIGPIPE: a peer that
 * goes away must not end the program.
 */
int loop_new(struct loop **ret_loop, struct error *err);
/*
 * Everything still registered is dropped without a callback. Easy handles stay their owners', and so do timers, which
 * never run again and are still freed by loop_timer_free(). Signals stay blocked. Not from within a callback. NULL is
 * allowed.
 */
void loop_free(struct loop *loop);

/*
 * Runs until the end of the turn in which loop_stop() is called (not at all when it was called before). Returns 0, or
 * ERROR_IO when waiting itself fails.
 */
int loop_run(struct loop *loop, struct error *err);
void loop_stop(struct loop *loop);
/* One turn that waits `wait_ms_max` at the most (for tests and for finishing under a deadline). */
int loop_turn(struct loop *loop, int wait_ms_max, struct error *err);

struct instant loop_now(const struct loop *loop);
CURLM *loop_multi(struct loop *loop);

/*
 * Signals are blocked and read from a signalfd. One callback per signal number, a later one replaces it; at most 8.
 * Errors: TOO_LARGE (more), BAD_INPUT (no such signal, or one that cannot be handled), IO.
 */
int loop_on_signal(struct loop *loop, int signal_number, loop_signal_fn *on_signal, void *userdata, struct error *err);

/*
 * Waits for POLLIN and/or POLLOUT on a descriptor of others (borrowed); again for the same one changes it. `events` 0
 * ends it: do so before the descriptor is closed. At most 32. An error or a hang-up is told as POLLIN (and POLLOUT),
 * asked for or not. Errors: TOO_LARGE (more), NOT_FOUND (nothing to end), BAD_INPUT.
 */
int loop_watch_fd(struct loop *loop, int fd, short events, loop_fd_fn *on_ready, void *userdata);

/* A timer, not armed. Freed by loop_timer_free(), also from within its own callback. */
struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *on_expiry, void *userdata);
void loop_timer_set_after(struct loop_timer *timer, int64_t delay_ms); /* re-arms; a negative delay counts as 0 */
void loop_timer_set_at(struct loop_timer *timer, int64_t monotonic_ms);
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_is_set(const struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer); /* NULL is allowed */

/*
 * Runs at the start of every turn, before any other callback: where a program that may have been stopped for a while
 * finds out what has become of it. At most 4.
 */
void loop_on_wake(struct loop *loop, loop_fn *on_wake, void *userdata);
/* Runs once at the end of every turn in which anything happened: where collected changes are acted on. At most 4. */
void loop_on_turn(struct loop *loop, loop_fn *on_turn, void *userdata);

/*
 * Starts a transfer, in the next turn; may be called from anywhere, curl's callbacks included. `easy` is the caller's
 * and must live until `on_done` or loop_transfer_cancel(). Where curl refuses it, `on_done` gets CURLE_FAILED_INIT.
 */
struct loop_transfer *loop_transfer_start(struct loop *loop, CURL *easy, loop_transfer_fn *on_done, void *userdata);
/*
 * Ends it without a callback; `easy` is the caller's again. Must not be called from within a curl callback (data,
 * header, progress) of any transfer: curl cannot let go of a handle there. NULL is allowed.
 */
void loop_transfer_cancel(struct loop_transfer *transfer);

#endif
