/*
 * A token bucket and a jittered back-off. Pure: the clock and randomness are passed in.
 */
#ifndef PROGET_CORE_RATE_H
#define PROGET_CORE_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct token_bucket {
    int64_t capacity;       /* tokens at the most, 1 or more */
    int64_t refill_ms;      /* one token per this many milliseconds, 1 or more */
    int64_t tokens;         /* now */
    int64_t refilled_at_ms; /* monotonic */
};
void token_bucket_init(struct token_bucket *bucket, int64_t capacity, int64_t refill_ms, int64_t now_ms);
/* Takes one. Returns 0, or the milliseconds until one is there. */
int64_t token_bucket_take(struct token_bucket *bucket, int64_t now_ms);
/* What it was taken for did not happen. */
void token_bucket_give_back(struct token_bucket *bucket);

/* kube-algorithms section 1: d * (1 + U[0,1)), doubling up to a maximum, reset after a time without a failure. */
struct backoff {
    int64_t initial_ms, maximum_ms, reset_after_ms;
    int64_t current_ms;      /* 0: no failure yet */
    int64_t last_failure_ms; /* monotonic */
};
#define BACKOFF_INIT                                                     \
    {                                                                    \
        .initial_ms = 800, .maximum_ms = 30000, .reset_after_ms = 120000 \
    }
/* Counts a failure. `random_fraction` in [0,1). Returns the delay before the next try. */
int64_t backoff_next(struct backoff *backoff, int64_t now_ms, double random_fraction);
void backoff_reset(struct backoff *backoff);

/* Uniform in [0,1), from the system's randomness; good enough for jitter and identities' suffixes. */
double random_fraction(void);

#endif
