/*
 * Preloaded: the wall clock and CLOCK_BOOTTIME of one program go ahead by as many microseconds as the file says that
 * SCENARIOS_CLOCK names (eight bytes, of this machine's order), and timers on CLOCK_BOOTTIME go by that.
 * CLOCK_MONOTONIC stays as it is, so that transfers under way do not time out. (libfaketime moves both or neither.)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static _Atomic int64_t none;
static _Atomic int64_t *ahead_us = &none;

__attribute__((constructor)) static void clock_open(void)
{
    const char *path = getenv("SCENARIOS_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *ahead_us, PROT_READ, MAP_SHARED, fd, 0);
    if (fd >= 0) {
        close(fd);
    }
    if (mapped == MAP_FAILED) {
        abort(); /* a test by the wrong clock would prove nothing */
    }
    ahead_us = mapped;
}

static void add_us(struct timespec *time, int64_t us)
{
    int64_t ns = time->tv_nsec + us % 1000000 * 1000;
    time->tv_sec += us / 1000000 + (ns < 0 ? -1 : ns / 1000000000);
    time->tv_nsec = ns < 0 ? ns + 1000000000 : ns % 1000000000;
}

static int is_moved(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = (int) syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && is_moved(clock)) {
        add_us(time, atomic_load(ahead_us));
    }
    return result;
}

time_t time(time_t *ret_time)
{
    struct timespec now;
    (void) clock_gettime(CLOCK_REALTIME, &now);
    if (ret_time) {
        *ret_time = now.tv_sec;
    }
    return now.tv_sec;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *when, struct itimerspec *ret_before)
{
    struct itimerspec moved = *when;
    if ((flags & TFD_TIMER_ABSTIME) != 0 && (when->it_value.tv_sec != 0 || when->it_value.tv_nsec != 0)) {
        add_us(&moved.it_value, -atomic_load(ahead_us));
        if (moved.it_value.tv_sec < 0) {
            moved.it_value = (struct timespec){.tv_nsec = 1};
        }
    }
    return (int) syscall(SYS_timerfd_settime, fd, flags, &moved, ret_before);
}
