#include "proget/core/rate.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void token_bucket_init(struct token_bucket *bucket, int64_t capacity, int64_t refill_ms, int64_t now_ms)
{
    assert(capacity >= 1 && refill_ms >= 1);
    *bucket = (struct token_bucket){
        .capacity = capacity, .refill_ms = refill_ms, .tokens = capacity, .refilled_at_ms = now_ms};
}

int64_t token_bucket_take(struct token_bucket *bucket, int64_t now_ms)
{
    int64_t elapsed_ms = now_ms > bucket->refilled_at_ms ? now_ms - bucket->refilled_at_ms : 0;
    int64_t refills = elapsed_ms / bucket->refill_ms;

    if (refills >= bucket->capacity - bucket->tokens) {
        bucket->tokens = bucket->capacity;
        /* A full bucket saves nothing up: the next token's time starts now. */
        bucket->refilled_at_ms += elapsed_ms;
    } else {
        bucket->tokens += refills;
        bucket->refilled_at_ms += refills * bucket->refill_ms;
    }
    if (bucket->tokens > 0) {
        bucket->tokens--;
        return 0;
    }
    return bucket->refill_ms - (elapsed_ms - refills * bucket->refill_ms);
}

void token_bucket_give_back(struct token_bucket *bucket)
{
    bucket->tokens += bucket->tokens < bucket->capacity ? 1 : 0;
}

int64_t backoff_next(struct backoff *backoff, int64_t now_ms, double fraction)
{
    assert(fraction >= 0.0 && fraction < 1.0);
    if (backoff->current_ms == 0 || now_ms - backoff->last_failure_ms >= backoff->reset_after_ms) {
        backoff->current_ms = backoff->initial_ms;
    } else if (backoff->current_ms > backoff->maximum_ms / 2) {
        backoff->current_ms = backoff->maximum_ms;
    } else {
        backoff->current_ms *= 2;
    }
    backoff->last_failure_ms = now_ms;
    return backoff->current_ms + (int64_t) ((double) backoff->current_ms * fraction);
}

void backoff_reset(struct backoff *backoff)
{
    backoff->current_ms = 0;
    backoff->last_failure_ms = 0;
}

double random_fraction(void)
{
    uint64_t bits = 0;
    ssize_t count;

    do {
        count = getrandom(&bits, sizeof(bits), 0);
    } while (count < 0 && errno == EINTR);
    if (count != (ssize_t) sizeof(bits)) {
        abort(); /* as out of memory: a kernel without randomness is no place to go on */
    }
    return (double) (bits >> 11) * 0x1.0p-53; /* as many bits as a double holds exactly: never 1 */
}
