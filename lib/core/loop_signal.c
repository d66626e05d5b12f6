#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "loop_internal.h"

static struct loop_signal *signal_find(struct loop *loop, int number)
{
    for (size_t index = 0; index < loop->signal_count; index++) {
        if (loop->signals[index].number == number) {
            return &loop->signals[index];
        }
    }
    return NULL;
}

int loop_on_signal(struct loop *loop, int signal_number, loop_signal_fn *on_signal, void *userdata, struct error *err)
{
    struct loop_signal *known = signal_find(loop, signal_number);
    sigset_t all = loop->signal_set;
    sigset_t added;

    assert(on_signal != NULL);
    if (known != NULL) {
        known->on_signal = on_signal;
        known->userdata = userdata;
        return 0;
    }
    if (loop->signal_count == LOOP_SIGNALS_MAX) {
        return error_set(err, ERROR_TOO_LARGE, "more than %d signals", LOOP_SIGNALS_MAX);
    }
    (void) sigemptyset(&added);
    if (signal_number == SIGKILL || signal_number == SIGSTOP || sigaddset(&added, signal_number) != 0) {
        return error_set(err, ERROR_BAD_INPUT, "signal %d cannot be handled", signal_number);
    }
    (void) sigaddset(&all, signal_number);
    /* Blocked first: a signal that comes in between waits for the descriptor, where the default would kill. */
    if (sigprocmask(SIG_BLOCK, &added, NULL) != 0 || signalfd(loop->signal_fd, &all, 0) < 0) {
        return error_set(err, ERROR_IO, "cannot wait for signal %d: %s", signal_number, strerror(errno));
    }
    loop->signal_set = all;
    loop->signals[loop->signal_count++] = (struct loop_signal){signal_number, on_signal, userdata};
    return 0;
}

bool loop_signals_dispatch(struct loop *loop)
{
    struct signalfd_siginfo arrived[LOOP_SIGNALS_MAX];
    ssize_t size = read(loop->signal_fd, arrived, sizeof(arrived));
    size_t count = size < 0 ? 0 : (size_t) size / sizeof(arrived[0]);

    /* What does not fit here is still readable in the next turn. */
    for (size_t index = 0; index < count; index++) {
        const struct loop_signal *signal = signal_find(loop, (int) arrived[index].ssi_signo);

        if (signal != NULL) {
            signal->on_signal(signal->number, signal->userdata);
        }
    }
    return count > 0;
}
