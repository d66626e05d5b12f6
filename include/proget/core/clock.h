/*
 * Time. Durations and comparisons go by the monotonic clock (CLOCK_BOOTTIME: suspend counts); the wall clock only
 * makes and reads timestamps. Timestamps are microseconds since 1970-01-01T00:00:00Z; 0 means "not set".
 */
#ifndef PROGET_CORE_CLOCK_H
#define PROGET_CORE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "proget/core/error.h"

struct instant {
    int64_t wall_us;      /* wall clock */
    int64_t monotonic_ms; /* CLOCK_BOOTTIME */
};

struct instant clock_now(void);

#define CLOCK_US_PER_SECOND INT64_C(1000000)
enum { CLOCK_TEXT_SIZE = 32 }; /* room for either form below, with the terminator */

/* metav1.Time: "2026-11-22T07:00:00Z", whole seconds, UTC. */
void clock_format_seconds(int64_t wall_us, char target[CLOCK_TEXT_SIZE]);
/* metav1.MicroTime: "2026-11-22T07:00:00.000000Z", exactly six decimals. */
void clock_format_micros(int64_t wall_us, char target[CLOCK_TEXT_SIZE]);
/*
 * RFC 3339 with any number of decimals up to nine, 'Z' or an offset. Years 1970 to 9999.
 * Returns 0 or ERROR_BAD_INPUT. The whole text must be the timestamp.
 */
int clock_parse(const char *text, int64_t *ret_wall_us);

/* "5 s", "3 min", "2 h 5 min", "4 d": for sentences. */
void clock_format_duration(int64_t duration_ms, char target[CLOCK_TEXT_SIZE]);

#endif
