#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <utlist.h>

#include "loop_internal.h"
#include "proget/core/memory.h"

enum { HEAP_SIZE_MIN = 16 };

static bool timer_is_before(const struct loop_timer *a, const struct loop_timer *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->sequence < b->sequence;
}

static void heap_place(struct loop *loop, size_t index, struct loop_timer *timer)
{
    loop->heap[index] = timer;
    timer->heap_index = index;
}

/* Puts `timer` at `index`, or up or down from there to where it belongs. */
static void heap_settle(struct loop *loop, size_t index, struct loop_timer *timer)
{
    while (index > 0 && timer_is_before(timer, loop->heap[(index - 1) / 2])) {
        heap_place(loop, index, loop->heap[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * index + 1;

        if (child + 1 < loop->heap_count && timer_is_before(loop->heap[child + 1], loop->heap[child])) {
            child++;
        }
        if (child >= loop->heap_count || !timer_is_before(loop->heap[child], timer)) {
            break;
        }
        heap_place(loop, index, loop->heap[child]);
        index = child;
    }
    heap_place(loop, index, timer);
}

static void heap_add(struct loop *loop, struct loop_timer *timer)
{
    if (loop->heap_count == loop->heap_size) {
        loop->heap_size = loop->heap_size == 0 ? HEAP_SIZE_MIN : loop->heap_size * 2;
        loop->heap = xrealloc(loop->heap, loop->heap_size, sizeof(struct loop_timer *));
    }
    loop->heap_count++;
    heap_settle(loop, loop->heap_count - 1, timer);
}

static void heap_remove(struct loop *loop, struct loop_timer *timer)
{
    size_t index = timer->heap_index;
    struct loop_timer *last = loop->heap[--loop->heap_count];

    assert(index <= loop->heap_count);
    timer->heap_index = TIMER_NOT_SET;
    if (last != timer) {
        heap_settle(loop, index, last);
    }
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *on_expiry, void *userdata)
{
    struct loop_timer *timer = xcalloc(1, sizeof(*timer));

    timer->loop = loop;
    timer->on_expiry = on_expiry;
    timer->userdata = userdata;
    timer->heap_index = TIMER_NOT_SET;
    DL_APPEND(loop->timers, timer);
    return timer;
}

void loop_timer_set_at(struct loop_timer *timer, int64_t monotonic_ms)
{
    struct loop *loop = timer->loop;
    int64_t now_ms;

    if (loop == NULL) {
        return;
    }
    loop_timer_stop(timer);
    /* Never earlier than now: so what is armed during a turn sorts behind all that was due before, see dispatch. */
    now_ms = loop_now(loop).monotonic_ms;
    timer->due_ms = monotonic_ms > now_ms ? monotonic_ms : now_ms;
    timer->sequence = loop->timer_sequence_next++;
    heap_add(loop, timer);
}

void loop_timer_set_after(struct loop_timer *timer, int64_t delay_ms)
{
    int64_t due_ms;

    if (timer->loop == NULL) {
        return;
    }
    if (__builtin_add_overflow(loop_now(timer->loop).monotonic_ms, delay_ms > 0 ? delay_ms : 0, &due_ms)) {
        due_ms = INT64_MAX;
    }
    loop_timer_set_at(timer, due_ms);
}

void loop_timer_stop(struct loop_timer *timer)
{
    if (timer->heap_index != TIMER_NOT_SET) {
        heap_remove(timer->loop, timer);
    }
}

bool loop_timer_is_set(const struct loop_timer *timer)
{
    return timer->heap_index != TIMER_NOT_SET;
}

void loop_timer_free(struct loop_timer *timer)
{
    if (timer == NULL) {
        return;
    }
    if (timer->loop != NULL) {
        loop_timer_stop(timer);
        DL_DELETE(timer->loop->timers, timer);
    }
    free(timer);
}

int loop_timers_arm(struct loop *loop, struct error *err)
{
    int64_t due_ms = loop->heap_count == 0 ? -1 : loop->heap[0]->due_ms;
    struct itimerspec when = {0}; /* all zero disarms */

    if (due_ms == loop->timer_fd_due_ms) {
        return 0;
    }
    if (due_ms >= 0) {
        when.it_value.tv_sec = (time_t) (due_ms / 1000);
        /* The clock is rounded down to milliseconds, so at this nanosecond the timer is due, not one turn later. */
        when.it_value.tv_nsec = (long) (due_ms % 1000 * 1000000);
        if (due_ms == 0) {
            when.it_value.tv_nsec = 1;
        }
    }
    if (timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) != 0) {
        return error_set(err, ERROR_IO, "cannot arm the timer descriptor: %s", strerror(errno));
    }
    loop->timer_fd_due_ms = due_ms;
    return 0;
}

void loop_timers_expired(struct loop *loop)
{
    uint64_t expirations;

    (void) !read(loop->timer_fd, &expirations, sizeof(expirations));
    loop->timer_fd_due_ms = -1;
}

bool loop_timers_dispatch(struct loop *loop)
{
    /* A timer that re-arms itself with no delay gets its turn in the next one; else this would never end. */
    uint64_t sequence_end = loop->timer_sequence_next;
    bool any_ran = false;

    while (loop->heap_count > 0) {
        struct loop_timer *timer = loop->heap[0];

        if (timer->due_ms > loop->now.monotonic_ms || timer->sequence >= sequence_end) {
            break;
        }
        heap_remove(loop, timer);
        timer->on_expiry(timer->userdata); /* may free it */
        any_ran = true;
    }
    return any_ran;
}

void loop_timers_detach(struct loop *loop)
{
    while (loop->timers != NULL) {
        struct loop_timer *timer = loop->timers;

        DL_DELETE(loop->timers, timer);
        timer->heap_index = TIMER_NOT_SET;
        timer->loop = NULL;
    }
    free(loop->heap);
    loop->heap = NULL;
    loop->heap_count = 0;
    loop->heap_size = 0;
}
