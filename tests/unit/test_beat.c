#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../sidecar/beat.h"
#include "proget/core/error.h"
#include "proget/core/memory.h"

enum { INTERVAL_MS = 30000 };

/* A beat, what it is asked for and when. Time moves by the tests alone. */
struct stage {
    struct beat beat;
    struct beat_wish wish;
    int64_t now_ms;
};

static void stage_begin(struct stage *stage)
{
    *stage = (struct stage){.now_ms = 1000, .wish = {.duration_seconds = 300, .interval_ms = INTERVAL_MS}};
    beat_init(&stage->beat);
}

#define cleanup_stage __attribute__((cleanup(stage_end)))
static void stage_end(struct stage *stage)
{
    beat_clear(&stage->beat);
}

static enum beat_action next(const struct stage *stage)
{
    return beat_next(&stage->beat, &stage->wish, stage->now_ms);
}

/* Sends what is wanted, which has to be `expected`, and answers it 10 ms later. */
static enum beat_news exchange(struct stage *stage, enum beat_action expected, struct beat_answer answer)
{
    assert_int_equal(next(stage), expected);
    beat_sent(&stage->beat, expected, &stage->wish, stage->now_ms);
    assert_int_equal(next(stage), BEAT_WAIT);
    assert_int_equal(beat_wait_ms(&stage->beat, &stage->wish, stage->now_ms), -1);
    stage->now_ms += 10;
    return beat_answered(&stage->beat, &answer, stage->now_ms, 0.5);
}

static void wait_until_due(struct stage *stage)
{
    int64_t wait_ms = beat_wait_ms(&stage->beat, &stage->wish, stage->now_ms);
    assert_true(wait_ms > 0);
    assert_int_equal(next(stage), BEAT_WAIT);
    stage->now_ms += wait_ms - 1;
    assert_int_equal(next(stage), BEAT_WAIT);
    stage->now_ms += 1;
}

/* A good answer that shows the report `report`. */
static struct beat_answer good(const char *report)
{
    return (struct beat_answer){.lease_uid = "lease-1", .report = report, .is_ours = true, .is_labelled = true};
}

static struct beat_answer bad(int code)
{
    return (struct beat_answer){.code = code};
}

static void the_first_heartbeat_is_sent_at_once_then_one_per_interval(void **state)
{
    cleanup_stage struct stage stage;

    (void) state;
    stage_begin(&stage);
    assert_int_equal(exchange(&stage, BEAT_CREATE, good(NULL)), BEAT_NEWS_CREATED);
    for (int round = 0; round < 5; round++) {
        int64_t sent_ms = stage.now_ms - 10;
        wait_until_due(&stage);
        assert_in_range(stage.now_ms - sent_ms, INTERVAL_MS * 9 / 10, INTERVAL_MS);
        assert_int_equal(exchange(&stage, BEAT_RENEW, good(NULL)), BEAT_NEWS_RENEWED);
    }
}

static void a_report_is_applied_at_once_and_only_when_it_changed(void **state)
{
    cleanup_stage struct stage stage;

    (void) state;
    stage_begin(&stage);
    (void) exchange(&stage, BEAT_CREATE, good(NULL));
    stage.wish.report = "{\"v\":1}";
    assert_int_equal(exchange(&stage, BEAT_APPLY, good("{\"v\":1}")), BEAT_NEWS_RENEWED);
    wait_until_due(&stage); /* an apply is a heartbeat as well */
    assert_int_equal(exchange(&stage, BEAT_RENEW, good("{\"v\":1}")), BEAT_NEWS_RENEWED);
    assert_int_equal(next(&stage), BEAT_WAIT);
    stage.wish.report = "{\"v\":1,\"product\":\"ProGet\"}";
    assert_int_equal(exchange(&stage, BEAT_APPLY, good(stage.wish.report)), BEAT_NEWS_RENEWED);
    stage.wish.duration_seconds = 60;
    assert_int_equal(exchange(&stage, BEAT_APPLY, good(stage.wish.report)), BEAT_NEWS_RENEWED);
    assert_int_equal(next(&stage), BEAT_WAIT);
}

static void a_report_that_is_there_at_creation_is_created(void **state)
{
    cleanup_stage struct stage stage;

    (void) state;
    stage_begin(&stage);
    stage.wish.report = "{\"v\":1}";
    (void) exchange(&stage, BEAT_CREATE, good("{\"v\":1}"));
    assert_int_equal(next(&stage), BEAT_WAIT);
}

static void a_report_that_changes_under_way_is_sent_next(void **state)
{
    cleanup_stage struct stage stage;

    (void) state;
    stage_begin(&stage);
    stage.wish.report = "{\"v\":1}";
    assert_int_equal(next(&stage), BEAT_CREATE);
    beat_sent(&stage.beat, BEAT_CREATE, &stage.wish, stage.now_ms);
    stage.wish.report = "{\"v\":1,\"ip\":\"::1\"}";
    struct beat_answer answer = good("{\"v\":1}");
    (void) beat_answered(&stage.beat, &answer, stage.now_ms, 0.5);
    assert_int_equal(next(&stage), BEAT_APPLY);
}

static void a_restarted_container_goes_on_with_the_pods_lease(void **state)
{
    cleanup_stage struct stage stage;

    (void) state;
    stage_begin(&stage);
    assert_int_equal(exchange(&stage, BEAT_CREATE, bad(ERROR_EXISTS)), BEAT_NEWS_NONE);
    assert_int_equal(exchange(&stage, BEAT_LOOK, good("{\"v\":1}")), BEAT_NEWS_TAKEN_OVER);
    assert_string_equal(stage.beat.lease_uid, "lease-1");
    assert_int_equal(exchange(&stage, BEAT_RENEW, good("{\"v\":1}")), BEAT_NEWS_RENEWED); /* no report yet */
    stage.wish.report = "{\"v\":1}";
    assert_int_equal(exchange(&stage, BEAT_APPLY, good("{\"v\":1}")), BEAT_NEWS_RENEWED);
    wait_until_due(&stage);
}

static void another_pods_lease_is_left_alone(void **state)
{
    static const struct {
        struct beat_answer answer; /* to the look */
        enum beat_news news;
    } cases[] = {
        {{.lease_uid = "old", .is_ours = false, .is_labelled = true}, BEAT_NEWS_FOREIGN},
        {{.lease_uid = "old", .is_ours = false, .is_labelled = false}, BEAT_NEWS_FOREIGN},
        {{.lease_uid = NULL, .is_ours = true}, BEAT_NEWS_FOREIGN},
        {{.code = ERROR_DENIED}, BEAT_NEWS_FOREIGN}, /* the admission policy */
        {{.code = ERROR_BAD_INPUT}, BEAT_NEWS_FOREIGN},
    };

    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_stage struct stage stage;
        stage_begin(&stage);
        for (int round = 0; round < 4; round++) {
            (void) exchange(&stage, BEAT_CREATE, bad(ERROR_EXISTS));
            assert_int_equal(exchange(&stage, BEAT_LOOK, cases[i].answer), cases[i].news);
            wait_until_due(&stage);
        }
        assert_int_equal(exchange(&stage, BEAT_CREATE, good(NULL)), BEAT_NEWS_CREATED); /* collected at last */
    }
}

static void a_lease_that_goes_while_looked_at_is_created(void **state)
{
    cleanup_stage struct stage stage;

    (void) state;
    stage_begin(&stage);
    (void) exchange(&stage, BEAT_CREATE, bad(ERROR_EXISTS));
    assert_int_equal(exchange(&stage, BEAT_LOOK, bad(ERROR_NOT_FOUND)), BEAT_NEWS_NONE);
    wait_until_due(&stage);
    assert_int_equal(exchange(&stage, BEAT_CREATE, good(NULL)), BEAT_NEWS_CREATED);
}

static void trouble_while_looking_means_looking_again(void **state)
{
    cleanup_stage struct stage stage;

    (void) state;
    stage_begin(&stage);
    (void) exchange(&stage, BEAT_CREATE, bad(ERROR_EXISTS));
    assert_int_equal(exchange(&stage, BEAT_LOOK, bad(ERROR_IO)), BEAT_NEWS_FAILED);
    wait_until_due(&stage);
    assert_int_equal(exchange(&stage, BEAT_LOOK, good(NULL)), BEAT_NEWS_TAKEN_OVER);
}

static void a_lost_lease_is_created_again_at_once(void **state)
{
    static const int codes[] = {ERROR_NOT_FOUND, ERROR_CONFLICT, ERROR_BAD_INPUT};

    (void) state;
    for (size_t i = 0; i < array_length(codes); i++) {
        cleanup_stage struct stage stage;
        stage_begin(&stage);
        stage.wish.report = "{\"v\":1}";
        (void) exchange(&stage, BEAT_CREATE, good("{\"v\":1}"));
        wait_until_due(&stage);
        assert_int_equal(exchange(&stage, BEAT_RENEW, bad(codes[i])), BEAT_NEWS_LOST);
        assert_null(stage.beat.lease_uid);
        assert_int_equal(exchange(&stage, BEAT_CREATE, good("{\"v\":1}")), BEAT_NEWS_CREATED);
        assert_int_equal(next(&stage), BEAT_WAIT);
    }
}

static void a_lease_that_is_lost_again_and_again_is_no_hot_loop(void **state)
{
    cleanup_stage struct stage stage;
    int64_t begun_ms;

    (void) state;
    stage_begin(&stage);
    begun_ms = stage.now_ms;
    /* What an admission policy that lets nothing through but the look would do. */
    for (int round = 0; round < 10; round++) {
        (void) exchange(&stage, BEAT_CREATE, bad(ERROR_EXISTS));
        (void) exchange(&stage, BEAT_LOOK, good(NULL));
        assert_int_equal(exchange(&stage, BEAT_RENEW, bad(ERROR_BAD_INPUT)), BEAT_NEWS_LOST);
        wait_until_due(&stage);
    }
    assert_true(stage.now_ms - begun_ms > 60000);
}

static void trouble_is_retried_with_growing_pauses_for_ever(void **state)
{
    static const int codes[] = {ERROR_IO, ERROR_TIMEOUT, ERROR_AGAIN, ERROR_DENIED, ERROR_GONE};

    (void) state;
    for (size_t i = 0; i < array_length(codes); i++) {
        cleanup_stage struct stage stage;
        int64_t last_ms = 0;
        stage_begin(&stage);
        (void) exchange(&stage, BEAT_CREATE, good(NULL));
        wait_until_due(&stage);
        for (int round = 0; round < 40; round++) {
            assert_int_equal(exchange(&stage, BEAT_RENEW, bad(codes[i])), BEAT_NEWS_FAILED);
            int64_t wait_ms = beat_wait_ms(&stage.beat, &stage.wish, stage.now_ms);
            assert_true(wait_ms >= last_ms && wait_ms <= 20000);
            last_ms = wait_ms;
            stage.wish.report = round % 2 ? "{\"v\":1}" : NULL; /* a changed report does not get around the pause */
            wait_until_due(&stage);
            stage.wish.report = NULL;
        }
        assert_true(last_ms >= 10000);
        assert_int_equal(exchange(&stage, BEAT_RENEW, good(NULL)), BEAT_NEWS_RENEWED);
        stage.wish.report = "{\"v\":1}";
        assert_int_equal(next(&stage), BEAT_APPLY); /* caught up: nothing is left of the pauses */
    }
}

static void what_cannot_be_created_yet_is_tried_again(void **state)
{
    static const int codes[] = {ERROR_NOT_FOUND, ERROR_DENIED, ERROR_BAD_INPUT, ERROR_TIMEOUT};

    (void) state;
    for (size_t i = 0; i < array_length(codes); i++) {
        cleanup_stage struct stage stage;
        stage_begin(&stage);
        assert_int_equal(exchange(&stage, BEAT_CREATE, bad(codes[i])), BEAT_NEWS_FAILED);
        wait_until_due(&stage);
        /* The first one may have arrived after all. */
        (void) exchange(&stage, BEAT_CREATE, bad(ERROR_EXISTS));
        assert_int_equal(exchange(&stage, BEAT_LOOK, good(NULL)), BEAT_NEWS_TAKEN_OVER);
    }
}

static void an_answer_without_a_uid_is_no_lease(void **state)
{
    cleanup_stage struct stage stage;

    (void) state;
    stage_begin(&stage);
    assert_int_equal(exchange(&stage, BEAT_CREATE, (struct beat_answer){.is_ours = true}), BEAT_NEWS_FAILED);
    wait_until_due(&stage);
    assert_int_equal(next(&stage), BEAT_CREATE);
}

static void what_others_take_away_is_applied_again_once(void **state)
{
    static const struct beat_answer answers[] = {
        {.lease_uid = "lease-1", .report = NULL, .is_ours = true, .is_labelled = true},
        {.lease_uid = "lease-1", .report = "{}", .is_ours = true, .is_labelled = true},
        {.lease_uid = "lease-1", .report = "{\"v\":1}", .is_ours = true, .is_labelled = false},
    };

    (void) state;
    for (size_t i = 0; i < array_length(answers); i++) {
        cleanup_stage struct stage stage;
        stage_begin(&stage);
        stage.wish.report = "{\"v\":1}";
        (void) exchange(&stage, BEAT_CREATE, good("{\"v\":1}"));
        wait_until_due(&stage);
        (void) exchange(&stage, BEAT_RENEW, answers[i]);
        (void) exchange(&stage, BEAT_APPLY, answers[i]); /* a server that keeps changing it: no endless row */
        wait_until_due(&stage);
    }
}

static void a_shorter_interval_holds_from_now_on(void **state)
{
    cleanup_stage struct stage stage;

    (void) state;
    stage_begin(&stage);
    (void) exchange(&stage, BEAT_CREATE, good(NULL));
    stage.wish.interval_ms = 1000;
    assert_true(beat_wait_ms(&stage.beat, &stage.wish, stage.now_ms) < 1000);
    wait_until_due(&stage);
    assert_int_equal(next(&stage), BEAT_RENEW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_heartbeat_is_sent_at_once_then_one_per_interval),
        cmocka_unit_test(a_report_is_applied_at_once_and_only_when_it_changed),
        cmocka_unit_test(a_report_that_is_there_at_creation_is_created),
        cmocka_unit_test(a_report_that_changes_under_way_is_sent_next),
        cmocka_unit_test(a_restarted_container_goes_on_with_the_pods_lease),
        cmocka_unit_test(another_pods_lease_is_left_alone),
        cmocka_unit_test(a_lease_that_goes_while_looked_at_is_created),
        cmocka_unit_test(trouble_while_looking_means_looking_again),
        cmocka_unit_test(a_lost_lease_is_created_again_at_once),
        cmocka_unit_test(a_lease_that_is_lost_again_and_again_is_no_hot_loop),
        cmocka_unit_test(trouble_is_retried_with_growing_pauses_for_ever),
        cmocka_unit_test(what_cannot_be_created_yet_is_tried_again),
        cmocka_unit_test(an_answer_without_a_uid_is_no_lease),
        cmocka_unit_test(what_others_take_away_is_applied_again_once),
        cmocka_unit_test(a_shorter_interval_holds_from_now_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
