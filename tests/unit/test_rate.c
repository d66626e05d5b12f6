#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proget/core/rate.h"

static void a_full_bucket_gives_its_capacity_then_one_per_refill(void **state)
{
    struct token_bucket bucket;

    (void) state;
    token_bucket_init(&bucket, 3, 100, 1000);
    for (int index = 0; index < 3; index++) {
        assert_int_equal(token_bucket_take(&bucket, 1000), 0);
    }
    assert_int_equal(token_bucket_take(&bucket, 1000), 100);
    assert_int_equal(token_bucket_take(&bucket, 1099), 1);
    assert_int_equal(token_bucket_take(&bucket, 1100), 0);
    assert_int_equal(token_bucket_take(&bucket, 1101), 99);
    /* What is left of a refill's time counts towards the next. */
    assert_int_equal(token_bucket_take(&bucket, 1350), 0);
    assert_int_equal(token_bucket_take(&bucket, 1350), 0);
    assert_int_equal(token_bucket_take(&bucket, 1350), 50);
}

static void a_bucket_never_holds_more_than_its_capacity(void **state)
{
    struct token_bucket bucket;

    (void) state;
    token_bucket_init(&bucket, 2, 100, 0);
    assert_int_equal(token_bucket_take(&bucket, INT64_MAX / 2), 0);
    assert_int_equal(token_bucket_take(&bucket, INT64_MAX / 2), 0);
    assert_int_equal(token_bucket_take(&bucket, INT64_MAX / 2), 100);
}

static void a_clock_that_goes_back_gives_nothing(void **state)
{
    struct token_bucket bucket;

    (void) state;
    token_bucket_init(&bucket, 1, 100, 1000);
    assert_int_equal(token_bucket_take(&bucket, 1000), 0);
    assert_int_equal(token_bucket_take(&bucket, 0), 100);
    assert_int_equal(token_bucket_take(&bucket, 1100), 0);
}

static void the_wait_it_names_is_exactly_enough(void **state)
{
    struct token_bucket bucket;
    int64_t now_ms = 5;

    (void) state;
    token_bucket_init(&bucket, 2, 7, now_ms);
    for (int index = 0; index < 100; index++) {
        int64_t wait_ms = token_bucket_take(&bucket, now_ms);

        if (wait_ms > 0) {
            if (wait_ms > 1) {
                assert_true(token_bucket_take(&bucket, now_ms + wait_ms - 1) == 1);
            }
            now_ms += wait_ms;
            assert_int_equal(token_bucket_take(&bucket, now_ms), 0);
        }
        now_ms += index % 5;
    }
}

static void backoff_doubles_up_to_its_maximum(void **state)
{
    static const int64_t expected_ms[] = {800, 1600, 3200, 6400, 12800, 25600, 30000, 30000};
    struct backoff backoff = BACKOFF_INIT;

    (void) state;
    for (size_t index = 0; index < sizeof(expected_ms) / sizeof(expected_ms[0]); index++) {
        assert_int_equal(backoff_next(&backoff, (int64_t) index * 60000, 0.0), expected_ms[index]);
    }
}

static void backoff_adds_up_to_its_own_length(void **state)
{
    struct backoff backoff = BACKOFF_INIT;

    (void) state;
    assert_int_equal(backoff_next(&backoff, 0, 0.5), 1200);
    assert_int_equal(backoff_next(&backoff, 0, 0.999999), 3199);
    for (int index = 0; index < 10; index++) {
        assert_true(backoff_next(&backoff, 0, 0.999999) < 60000);
    }
}

static void backoff_starts_again_after_time_without_failure_or_reset(void **state)
{
    struct backoff backoff = BACKOFF_INIT;

    (void) state;
    assert_int_equal(backoff_next(&backoff, 0, 0.0), 800);
    assert_int_equal(backoff_next(&backoff, 119999, 0.0), 1600);
    assert_int_equal(backoff_next(&backoff, 119999 + 119999, 0.0), 3200);
    assert_int_equal(backoff_next(&backoff, 119999 + 119999 + 120000, 0.0), 800);
    assert_int_equal(backoff_next(&backoff, 119999 + 119999 + 120000, 0.0), 1600);
    backoff_reset(&backoff);
    assert_int_equal(backoff_next(&backoff, 119999 + 119999 + 120000, 0.0), 800);
}

static void random_fractions_lie_in_range_and_differ(void **state)
{
    double sum = 0.0;
    double previous = -1.0;

    (void) state;
    for (int index = 0; index < 4096; index++) {
        double fraction = random_fraction();

        assert_true(fraction >= 0.0 && fraction < 1.0);
        assert_true(fraction < previous || fraction > previous);
        previous = fraction;
        sum += fraction;
    }
    /* The mean of 4096 has a standard deviation of 0.0045: this is 20 of them. */
    assert_true(sum / 4096 > 0.41 && sum / 4096 < 0.59);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_bucket_gives_its_capacity_then_one_per_refill),
        cmocka_unit_test(a_bucket_never_holds_more_than_its_capacity),
        cmocka_unit_test(a_clock_that_goes_back_gives_nothing),
        cmocka_unit_test(the_wait_it_names_is_exactly_enough),
        cmocka_unit_test(backoff_doubles_up_to_its_maximum),
        cmocka_unit_test(backoff_adds_up_to_its_own_length),
        cmocka_unit_test(backoff_starts_again_after_time_without_failure_or_reset),
        cmocka_unit_test(random_fractions_lie_in_range_and_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
