/* Each path of kube-algorithms 4 (and the edge case 16.6) against the pure machine: no network, no clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../lib/kube/leader_machine.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { LEASE_MS = 15000, RENEW_MS = 10000, RETRY_MS = 2000, STANDBY_MS = RETRY_MS / 2, HOLD_MS = RENEW_MS + RETRY_MS };
#define WALL_US INT64_C(1795330800000000)
#define HOUR_MS INT64_C(3600000)

struct fixture {
    struct leader_machine machine;
    struct leader_actions actions; /* of the last step */
    int64_t now_ms;
    int64_t wall_us;
    struct lease_record lease; /* as it lies on the server */
    int version;
    double random_fraction;
};

static void give(struct fixture *fixture, struct leader_input input)
{
    struct instant now = {.wall_us = fixture->wall_us, .monotonic_ms = fixture->now_ms};
    fixture->actions = leader_machine_step(&fixture->machine, &input, now, fixture->random_fraction);
}

static void give_kind(struct fixture *fixture, enum leader_input_kind kind)
{
    static const struct error trouble = {.code = ERROR_IO, .text = "no way"};
    give(fixture, (struct leader_input){.kind = kind, .trouble = &trouble});
}

/* The request is answered with the Lease as it is. */
static void give_lease(struct fixture *fixture)
{
    give(fixture, (struct leader_input){.kind = LEADER_INPUT_ANSWER, .record = &fixture->lease});
}

/* The Lease on the server becomes `record`. */
static void store(struct fixture *fixture, const struct lease_record *record)
{
    fixture->lease = *record;
    fixture->version++;
    snprintf(fixture->lease.resource_version, sizeof(fixture->lease.resource_version), "%d", fixture->version);
    fixture->lease.spec_hash = (uint64_t) fixture->version; /* as good as one: every write is another text */
}

/* The write that was asked for is carried out. */
static void land(struct fixture *fixture)
{
    assert_non_null(fixture->actions.write);
    store(fixture, fixture->actions.write);
}

static void land_and_answer(struct fixture *fixture)
{
    land(fixture);
    give_lease(fixture);
}

static void store_foreign(struct fixture *fixture, const char *holder, int64_t renewed_us)
{
    struct lease_record record = {.duration_seconds = 15, .acquired_us = 5, .renewed_us = renewed_us, .transitions = 6};
    text_copy_cut(record.holder, sizeof(record.holder), holder);
    store(fixture, &record);
}

static void pass(struct fixture *fixture, int64_t ms)
{
    fixture->now_ms += ms;
    fixture->wall_us += ms * 1000;
}

static bool leads(const struct fixture *fixture)
{
    return leader_machine_leads(&fixture->machine, fixture->now_ms);
}

static void expect(const struct fixture *fixture, enum leader_next next, enum leader_change change)
{
    assert_int_equal(fixture->actions.next, next);
    assert_int_equal(fixture->actions.change, change);
    assert_int_equal(fixture->actions.timeout_ms, 5000);
}

/* A wait of that long, then the timer. */
static void expect_wait(struct fixture *fixture, int64_t ms)
{
    assert_int_equal(fixture->actions.next, LEADER_NEXT_WAIT);
    assert_int_equal(fixture->actions.wake_at_ms - fixture->now_ms, ms);
    pass(fixture, ms);
    give_kind(fixture, LEADER_INPUT_TIMER);
}

static void begin(struct fixture *fixture)
{
    *fixture = (struct fixture){.now_ms = 1000000, .wall_us = WALL_US};
    leader_machine_init(&fixture->machine, "us", LEASE_MS, RENEW_MS, RETRY_MS);
    give_kind(fixture, LEADER_INPUT_START);
    expect(fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
    assert_int_equal(fixture->actions.wake_at_ms, -1);
}

/* Leads since now, by a Lease that it made. */
static void begin_leading(struct fixture *fixture)
{
    begin(fixture);
    give_kind(fixture, LEADER_INPUT_ABSENT);
    expect(fixture, LEADER_NEXT_CREATE, LEADER_CHANGE_NONE);
    land_and_answer(fixture);
    expect(fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_BEGAN);
    assert_true(leads(fixture));
}

/* The same, and a renewal is under way since now, two seconds later. */
static void begin_renewing(struct fixture *fixture)
{
    begin_leading(fixture);
    expect_wait(fixture, RETRY_MS);
    expect(fixture, LEADER_NEXT_UPDATE, LEADER_CHANGE_NONE);
}

static void test_no_lease_is_created(void **state)
{
    struct fixture fixture;
    (void) state;
    begin(&fixture);
    pass(&fixture, 10);
    give_kind(&fixture, LEADER_INPUT_ABSENT);
    expect(&fixture, LEADER_NEXT_CREATE, LEADER_CHANGE_NONE);
    const struct lease_record *write = fixture.actions.write;
    assert_string_equal(write->holder, "us");
    assert_string_equal(write->resource_version, "");
    assert_int_equal(write->duration_seconds, 15);
    assert_int_equal(write->transitions, 0);
    assert_int_equal(write->acquired_us, fixture.wall_us);
    assert_int_equal(write->renewed_us, fixture.wall_us + 1); /* the mark of the first write */
    int64_t sent_ms = fixture.now_ms;
    pass(&fixture, 700);
    land_and_answer(&fixture);
    expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_BEGAN);
    assert_int_equal(fixture.machine.valid_until_ms, sent_ms + HOLD_MS); /* from before it was sent */
    assert_int_equal(fixture.actions.wake_at_ms, sent_ms + RETRY_MS);
}

static void test_creation_that_comes_second(void **state)
{
    struct fixture fixture;
    (void) state;
    begin(&fixture);
    give_kind(&fixture, LEADER_INPUT_ABSENT);
    store_foreign(&fixture, "them", 1);
    give_kind(&fixture, LEADER_INPUT_CONFLICT);
    expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_NONE);
    assert_false(fixture.actions.observed); /* a lost race is no trouble */
    expect_wait(&fixture, STANDBY_MS);
    expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
    give_lease(&fixture);
    expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_NONE);
    assert_true(fixture.actions.observed);
    assert_string_equal(leader_machine_other_holder(&fixture.machine), "them");
}

static void test_fast_path_keeps_what_is_to_be_kept(void **state)
{
    struct fixture fixture;
    (void) state;
    begin_leading(&fixture);
    int64_t acquired_us = fixture.lease.acquired_us;
    for (int i = 0; i < 3000; i++) {
        int64_t renewed_us = fixture.lease.renewed_us;
        expect_wait(&fixture, RETRY_MS);
        expect(&fixture, LEADER_NEXT_UPDATE, LEADER_CHANGE_NONE);
        assert_int_equal(fixture.actions.wake_at_ms, fixture.machine.valid_until_ms);
        assert_string_equal(fixture.actions.write->resource_version, fixture.lease.resource_version);
        assert_int_equal(fixture.actions.write->acquired_us, acquired_us);
        assert_int_equal(fixture.actions.write->transitions, 0);
        assert_true(fixture.actions.write->renewed_us > renewed_us);
        land_and_answer(&fixture);
        expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_NONE);
        assert_false(fixture.actions.observed);
        assert_int_equal(fixture.machine.valid_until_ms, fixture.now_ms + HOLD_MS);
    }
}

/* What made the version old was no change of hands: the same attempt reads and writes again. */
static void test_conflict_on_the_fast_path(void **state)
{
    struct fixture fixture;
    (void) state;
    begin_renewing(&fixture);
    struct lease_record edited = fixture.lease;
    edited.transitions = 9;
    store(&fixture, &edited);
    give_kind(&fixture, LEADER_INPUT_CONFLICT);
    expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
    give_lease(&fixture);
    expect(&fixture, LEADER_NEXT_UPDATE, LEADER_CHANGE_NONE);
    assert_string_equal(fixture.actions.write->resource_version, fixture.lease.resource_version);
    assert_int_equal(fixture.actions.write->transitions, 9);
    assert_int_equal(fixture.actions.write->acquired_us, edited.acquired_us);
    /* Once more it is too late: no third write in this attempt, and a read begins the next. */
    store(&fixture, &edited);
    give_kind(&fixture, LEADER_INPUT_CONFLICT);
    expect_wait(&fixture, RETRY_MS);
    expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
    give_lease(&fixture);
    land_and_answer(&fixture);
    expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_NONE);
    assert_int_equal(fixture.machine.held_transitions, 9);
    assert_true(leads(&fixture));
}

static void test_an_empty_holder_is_taken_at_once(void **state)
{
    struct fixture fixture;
    (void) state;
    begin(&fixture);
    store_foreign(&fixture, "", fixture.wall_us); /* released a moment ago, with its whole duration ahead */
    give_lease(&fixture);
    expect(&fixture, LEADER_NEXT_UPDATE, LEADER_CHANGE_NONE);
    assert_int_equal(fixture.actions.write->transitions, 7);
    assert_int_equal(fixture.actions.write->acquired_us, fixture.wall_us);
    land_and_answer(&fixture);
    expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_BEGAN);
    assert_int_equal(fixture.machine.held_transitions, 7);
    assert_string_equal(leader_machine_other_holder(&fixture.machine), "");
}

/* What the record says of time does not count: only how long it has been the same on our clock. */
static void test_a_record_that_does_not_change(void **state)
{
    static const int64_t renewed_us[] = {WALL_US, WALL_US + 86400 * CLOCK_US_PER_SECOND, 1, 0,
                                         INT64_C(253402300799000000)};
    (void) state;
    for (size_t i = 0; i < array_length(renewed_us); i++) {
        struct fixture fixture;
        begin(&fixture);
        store_foreign(&fixture, "them", renewed_us[i]);
        give_lease(&fixture);
        int64_t seen_ms = fixture.now_ms;
        while (fixture.now_ms < seen_ms + 14000) {
            expect_wait(&fixture, STANDBY_MS);
            expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
            give_lease(&fixture);
            expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_NONE);
            assert_false(fixture.actions.observed); /* told once */
        }
        pass(&fixture, 999);
        give_kind(&fixture, LEADER_INPUT_TIMER); /* too early */
        expect(&fixture, LEADER_NEXT_STAY, LEADER_CHANGE_NONE);
        pass(&fixture, 1001);
        give_kind(&fixture, LEADER_INPUT_TIMER);
        expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
        give_lease(&fixture);
        expect(&fixture, LEADER_NEXT_UPDATE, LEADER_CHANGE_NONE);
        assert_int_equal(fixture.actions.write->transitions, 7);
        land_and_answer(&fixture);
        expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_BEGAN);
    }
}

static void test_a_record_expires_to_the_millisecond(void **state)
{
    static const struct {
        int64_t duration_seconds, after_ms;
        bool taken;
    } cases[] = {
        {15, 14999, false},     {15, 15000, true},     {1, 999, false},
        {1, 1000, true},        {0, 14999, false},     {0, 15000, true}, /* it says nothing of how long: as ours */
        {3600, 3599999, false}, {3600, 3600000, true},
    };
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        struct fixture fixture;
        begin(&fixture);
        store_foreign(&fixture, "them", 1);
        fixture.lease.duration_seconds = cases[i].duration_seconds;
        give_lease(&fixture);
        fixture.now_ms = fixture.actions.wake_at_ms;
        give_kind(&fixture, LEADER_INPUT_TIMER);
        expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
        fixture.now_ms = 1000000 + cases[i].after_ms;
        give_lease(&fixture);
        assert_int_equal(fixture.actions.next, cases[i].taken ? LEADER_NEXT_UPDATE : LEADER_NEXT_WAIT);
    }
}

/* A holder whose clock is a day behind or ahead renews: as long as it does, nobody takes over. */
static void test_a_record_that_changes(void **state)
{
    static const int64_t skews_us[] = {0, 86400 * CLOCK_US_PER_SECOND, -86400 * CLOCK_US_PER_SECOND};
    (void) state;
    for (size_t i = 0; i < array_length(skews_us); i++) {
        struct fixture fixture;
        begin(&fixture);
        for (int round = 0; round < 100; round++) {
            store_foreign(&fixture, "them", fixture.wall_us + skews_us[i]);
            give_lease(&fixture);
            expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_NONE);
            pass(&fixture, 14000);
            give_kind(&fixture, LEADER_INPUT_TIMER);
            expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
        }
    }
}

static void test_waits_without_leading_are_spread(void **state)
{
    static const struct {
        double random_fraction;
        int64_t wait_ms;
    } cases[] = {{0.0, 1000}, {0.5, 1600}, {0.999999, 2199}};
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        struct fixture fixture;
        begin(&fixture);
        fixture.random_fraction = cases[i].random_fraction;
        give_kind(&fixture, LEADER_INPUT_FAILED);
        expect_wait(&fixture, cases[i].wait_ms);
    }
}

static void test_failures_until_the_deadline(void **state)
{
    struct fixture fixture;
    (void) state;
    begin_renewing(&fixture);
    int64_t valid_until_ms = fixture.machine.valid_until_ms;
    give_kind(&fixture, LEADER_INPUT_FAILED);
    expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE); /* did it land? */
    give_kind(&fixture, LEADER_INPUT_FAILED);
    assert_true(fixture.actions.observed);
    assert_true(fixture.machine.has_trouble);
    for (int attempt = 2; attempt <= 5; attempt++) {
        expect_wait(&fixture, RETRY_MS);
        expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
        give_kind(&fixture, LEADER_INPUT_FAILED);
        assert_false(fixture.actions.observed);
        assert_true(leads(&fixture));
    }
    expect_wait(&fixture, RETRY_MS);
    expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_ENDED);
    assert_int_equal(fixture.now_ms, valid_until_ms);
    assert_false(leads(&fixture));
    assert_string_equal(fixture.machine.why, "the lease was not renewed for 12 s: no way");
    /* Then it goes on trying, and tells when that works again. */
    expect_wait(&fixture, STANDBY_MS);
    expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
    give_lease(&fixture);
    expect(&fixture, LEADER_NEXT_UPDATE, LEADER_CHANGE_NONE);
    land_and_answer(&fixture);
    expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_BEGAN);
    assert_true(fixture.actions.observed);
    assert_false(fixture.machine.has_trouble);
    assert_int_equal(fixture.machine.held_transitions, 0); /* nobody else was there in between */
}

static void test_a_renewal_without_an_answer(void **state)
{
    struct fixture fixture;
    (void) state;
    begin_renewing(&fixture);
    assert_int_equal(fixture.actions.wake_at_ms, fixture.machine.valid_until_ms);
    pass(&fixture, RENEW_MS - 1);
    give_kind(&fixture, LEADER_INPUT_TIMER);
    expect(&fixture, LEADER_NEXT_STAY, LEADER_CHANGE_NONE);
    assert_true(leads(&fixture));
    pass(&fixture, 1);
    assert_false(leads(&fixture));
    give_kind(&fixture, LEADER_INPUT_TIMER);
    expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_ENDED); /* which cancels it */
    assert_string_equal(fixture.machine.why, "the lease was not renewed for 12 s");
    /* It did land, cancelled or not: two seconds of its time are left. */
    int64_t sent_ms = fixture.now_ms - RENEW_MS;
    store(&fixture, &fixture.machine.sent);
    fixture.now_ms = fixture.actions.wake_at_ms - 1500;
    fixture.machine.due_ms = fixture.now_ms;
    give_kind(&fixture, LEADER_INPUT_TIMER);
    expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
    give_lease(&fixture);
    expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_BEGAN);
    assert_int_equal(fixture.machine.valid_until_ms, sent_ms + HOLD_MS);
    expect_wait(&fixture, 0); /* which is to be renewed at once */
    expect(&fixture, LEADER_NEXT_UPDATE, LEADER_CHANGE_NONE);
}

static void test_a_write_whose_answer_was_lost(void **state)
{
    struct fixture fixture;
    (void) state;
    begin_renewing(&fixture);
    int64_t sent_ms = fixture.now_ms;
    land(&fixture);
    pass(&fixture, 5000);
    give_kind(&fixture, LEADER_INPUT_FAILED);
    expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
    pass(&fixture, 100);
    give_lease(&fixture);
    expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_NONE); /* no second write: it did land */
    assert_false(fixture.actions.observed);
    assert_int_equal(fixture.machine.valid_until_ms, sent_ms + HOLD_MS);
    /* The news of a first write can come too late to lead by. */
    begin(&fixture);
    give_kind(&fixture, LEADER_INPUT_ABSENT);
    land(&fixture);
    pass(&fixture, HOLD_MS);
    give_lease(&fixture);
    expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_NONE);
    assert_false(leads(&fixture));
    expect_wait(&fixture, STANDBY_MS);
    expect(&fixture, LEADER_NEXT_UPDATE, LEADER_CHANGE_NONE);
    land_and_answer(&fixture);
    expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_BEGAN);
}

/* With the wall clock stopped, an older record of ours must not pass for the write that was lost. */
static void test_a_write_that_was_lost_with_a_stopped_clock(void **state)
{
    struct fixture fixture;
    (void) state;
    begin_leading(&fixture);
    int64_t valid_until_ms = fixture.machine.valid_until_ms;
    fixture.now_ms += RETRY_MS;
    give_kind(&fixture, LEADER_INPUT_TIMER);
    expect(&fixture, LEADER_NEXT_UPDATE, LEADER_CHANGE_NONE);
    give_kind(&fixture, LEADER_INPUT_FAILED);
    give_lease(&fixture); /* as before */
    expect(&fixture, LEADER_NEXT_UPDATE, LEADER_CHANGE_NONE);
    assert_int_equal(fixture.machine.valid_until_ms, valid_until_ms);
}

static void test_a_lease_that_names_us_no_longer(void **state)
{
    static const struct {
        const char *holder; /* NULL: the Lease is gone */
        enum leader_next next;
        const char *why;
    } cases[] = {
        {"th\x1b"
         "em",
         LEADER_NEXT_WAIT, "the lease is held by th?em"},
        {"", LEADER_NEXT_UPDATE, "the lease was emptied by somebody else"},
        {NULL, LEADER_NEXT_CREATE, "the lease was deleted"},
    };
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        struct fixture fixture;
        begin_renewing(&fixture);
        if (cases[i].holder) {
            store_foreign(&fixture, cases[i].holder, 1);
        }
        give_kind(&fixture, cases[i].holder ? LEADER_INPUT_CONFLICT : LEADER_INPUT_ABSENT);
        expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
        if (cases[i].holder) {
            give_lease(&fixture);
        } else {
            give_kind(&fixture, LEADER_INPUT_ABSENT);
        }
        expect(&fixture, cases[i].next, LEADER_CHANGE_ENDED);
        assert_string_equal(fixture.machine.why, cases[i].why);
        assert_false(leads(&fixture));
        if (fixture.actions.write) {
            /* An epoch that was once reached is never given out again. */
            assert_int_equal(fixture.actions.write->transitions, cases[i].holder ? 7 : 1);
            land_and_answer(&fixture);
            expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_BEGAN);
        }
    }
}

/* Nobody has to tell it: the time alone does. Whatever comes first then ends leadership. */
static void test_suspend(void **state)
{
    static const enum leader_input_kind kinds[] = {LEADER_INPUT_TIMER, LEADER_INPUT_ANSWER, LEADER_INPUT_ABSENT,
                                                   LEADER_INPUT_CONFLICT, LEADER_INPUT_FAILED};
    (void) state;
    for (size_t i = 0; i < array_length(kinds); i++) {
        struct fixture fixture;
        begin_renewing(&fixture);
        land(&fixture);
        pass(&fixture, HOUR_MS);
        assert_false(leads(&fixture));
        if (kinds[i] == LEADER_INPUT_ANSWER) {
            give_lease(&fixture); /* of the renewal, an hour old */
        } else {
            give_kind(&fixture, kinds[i]);
        }
        expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_ENDED);
        assert_true(text_starts_with(fixture.machine.why, "the lease was not renewed for 1 h"));
        assert_false(leads(&fixture));
        expect_wait(&fixture, STANDBY_MS);
        expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
        store_foreign(&fixture, "them", fixture.wall_us); /* somebody took over meanwhile */
        give_lease(&fixture);
        expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_NONE);
        assert_true(fixture.actions.observed);
        assert_false(leads(&fixture));
    }
}

static void test_health(void **state)
{
    struct fixture fixture;
    (void) state;
    begin(&fixture);
    assert_true(leader_machine_is_healthy(&fixture.machine, fixture.now_ms + HOUR_MS, 20000));
    begin_leading(&fixture);
    assert_true(leader_machine_is_healthy(&fixture.machine, fixture.now_ms + LEASE_MS + 20000, 20000));
    assert_false(leader_machine_is_healthy(&fixture.machine, fixture.now_ms + LEASE_MS + 20001, 20000));
    pass(&fixture, HOUR_MS);
    give_kind(&fixture, LEADER_INPUT_TIMER); /* it stepped down: an API server that is away is no fault of ours */
    assert_true(leader_machine_is_healthy(&fixture.machine, fixture.now_ms + HOUR_MS, 20000));
}

static void expect_released_record(const struct fixture *fixture)
{
    expect(fixture, LEADER_NEXT_UPDATE, LEADER_CHANGE_NONE);
    const struct lease_record *write = fixture->actions.write;
    assert_string_equal(write->holder, "");
    assert_string_equal(write->resource_version, fixture->lease.resource_version);
    assert_int_equal(write->duration_seconds, 1);
    assert_int_equal(write->transitions, fixture->lease.transitions);
    assert_int_equal(write->acquired_us, fixture->wall_us);
    assert_int_equal(write->renewed_us / 1000, fixture->wall_us / 1000);
}

static void test_release(void **state)
{
    struct fixture fixture;
    (void) state;
    begin_leading(&fixture);
    pass(&fixture, 500);
    give_kind(&fixture, LEADER_INPUT_RELEASE);
    expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
    assert_false(leads(&fixture));
    assert_int_equal(fixture.actions.wake_at_ms, fixture.now_ms + RENEW_MS);
    give_lease(&fixture);
    expect_released_record(&fixture);
    land_and_answer(&fixture);
    expect(&fixture, LEADER_NEXT_DONE, LEADER_CHANGE_NONE);
    assert_int_equal(fixture.actions.wake_at_ms, -1);
}

static void test_release_without_leading(void **state)
{
    struct fixture fixture;
    (void) state;
    begin(&fixture);
    give_kind(&fixture, LEADER_INPUT_RELEASE); /* before anything is known */
    expect(&fixture, LEADER_NEXT_DONE, LEADER_CHANGE_NONE);
    begin(&fixture);
    store_foreign(&fixture, "them", 1);
    give_lease(&fixture);
    give_kind(&fixture, LEADER_INPUT_RELEASE);
    expect(&fixture, LEADER_NEXT_DONE, LEADER_CHANGE_NONE);
    /* Out of time, yet the Lease still names us: it is given up, so that others need not wait. */
    begin_leading(&fixture);
    pass(&fixture, HOLD_MS);
    give_kind(&fixture, LEADER_INPUT_TIMER);
    expect(&fixture, LEADER_NEXT_WAIT, LEADER_CHANGE_ENDED);
    give_kind(&fixture, LEADER_INPUT_RELEASE);
    expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
    give_lease(&fixture);
    expect_released_record(&fixture);
    /* And a first write whose fate is not known. */
    begin(&fixture);
    give_kind(&fixture, LEADER_INPUT_ABSENT);
    give_kind(&fixture, LEADER_INPUT_FAILED);
    give_kind(&fixture, LEADER_INPUT_RELEASE);
    expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
    give_kind(&fixture, LEADER_INPUT_ABSENT);
    expect(&fixture, LEADER_NEXT_DONE, LEADER_CHANGE_NONE);
}

/* The write under way is waited for, however it ends; then the Lease is read and emptied. */
static void test_release_racing_a_renewal(void **state)
{
    static const enum leader_input_kind kinds[] = {LEADER_INPUT_ANSWER, LEADER_INPUT_ABSENT, LEADER_INPUT_CONFLICT,
                                                   LEADER_INPUT_FAILED};
    (void) state;
    for (size_t i = 0; i < array_length(kinds); i++) {
        struct fixture fixture;
        begin_renewing(&fixture);
        give_kind(&fixture, LEADER_INPUT_RELEASE);
        expect(&fixture, LEADER_NEXT_STAY, LEADER_CHANGE_NONE);
        assert_false(leads(&fixture));
        assert_int_equal(fixture.actions.wake_at_ms, fixture.now_ms + RENEW_MS);
        if (kinds[i] == LEADER_INPUT_ANSWER) {
            store(&fixture, &fixture.machine.sent);
            give_lease(&fixture);
        } else {
            give_kind(&fixture, kinds[i]);
        }
        expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
        assert_false(leads(&fixture));
        give_lease(&fixture);
        expect_released_record(&fixture);
        land_and_answer(&fixture);
        expect(&fixture, LEADER_NEXT_DONE, LEADER_CHANGE_NONE);
    }
}

static void test_release_with_conflicts(void **state)
{
    struct fixture fixture;
    (void) state;
    begin_leading(&fixture);
    give_kind(&fixture, LEADER_INPUT_RELEASE);
    give_lease(&fixture);
    struct lease_record edited = fixture.lease;
    store(&fixture, &edited);
    give_kind(&fixture, LEADER_INPUT_CONFLICT);
    expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE); /* at once */
    give_lease(&fixture);
    expect_released_record(&fixture);
    give_kind(&fixture, LEADER_INPUT_CONFLICT);
    expect_wait(&fixture, RETRY_MS); /* not as fast as the server can refuse */
    expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
    give_lease(&fixture);
    expect_released_record(&fixture);
    land(&fixture);
    give_kind(&fixture, LEADER_INPUT_FAILED); /* its answer is lost */
    expect_wait(&fixture, RETRY_MS);
    expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
    give_lease(&fixture);
    expect(&fixture, LEADER_NEXT_DONE, LEADER_CHANGE_NONE);
}

static void test_release_ends_at_the_lease_of_another_or_of_nobody(void **state)
{
    (void) state;
    for (int round = 0; round < 3; round++) {
        struct fixture fixture;
        begin_leading(&fixture);
        give_kind(&fixture, LEADER_INPUT_RELEASE);
        if (round == 0) {
            store_foreign(&fixture, "them", 1);
            give_lease(&fixture);
        } else {
            if (round == 2) {
                give_lease(&fixture);
                expect_released_record(&fixture);
            }
            give_kind(&fixture, LEADER_INPUT_ABSENT);
        }
        expect(&fixture, LEADER_NEXT_DONE, LEADER_CHANGE_NONE);
    }
}

/* Whatever is under way, it does not take longer than the time to renew. */
static void test_release_is_bounded(void **state)
{
    (void) state;
    for (int round = 0; round < 4; round++) {
        struct fixture fixture;
        begin_leading(&fixture);
        if (round == 0) {
            expect_wait(&fixture, RETRY_MS); /* a renewal hangs */
        }
        int64_t until_ms = fixture.now_ms + RENEW_MS;
        give_kind(&fixture, LEADER_INPUT_RELEASE);
        if (round == 2) {
            give_lease(&fixture); /* the write hangs */
        }
        for (int failures = 0; round == 3 && failures < 4; failures++) {
            give_kind(&fixture, LEADER_INPUT_FAILED);
            expect_wait(&fixture, RETRY_MS);
            expect(&fixture, LEADER_NEXT_READ, LEADER_CHANGE_NONE);
        }
        assert_int_equal(fixture.actions.wake_at_ms, until_ms);
        fixture.now_ms = until_ms - 1;
        give_kind(&fixture, LEADER_INPUT_TIMER);
        expect(&fixture, LEADER_NEXT_STAY, LEADER_CHANGE_NONE);
        fixture.now_ms = until_ms;
        give_kind(&fixture, LEADER_INPUT_TIMER);
        expect(&fixture, LEADER_NEXT_DONE, LEADER_CHANGE_NONE);
    }
}

static void test_transitions_stay_in_range(void **state)
{
    struct fixture fixture;
    (void) state;
    begin(&fixture);
    store_foreign(&fixture, "", 1);
    fixture.lease.transitions = LEASE_TRANSITIONS_MAX;
    give_lease(&fixture);
    expect(&fixture, LEADER_NEXT_UPDATE, LEADER_CHANGE_NONE);
    assert_int_equal(fixture.actions.write->transitions, LEASE_TRANSITIONS_MAX);
}

static void test_what_the_owner_is_told(void **state)
{
    static const struct error denied = {.code = ERROR_DENIED, .text = "denied"};
    struct fixture fixture;
    (void) state;
    begin(&fixture);
    give_kind(&fixture, LEADER_INPUT_FAILED);
    assert_true(fixture.actions.observed);
    expect_wait(&fixture, STANDBY_MS);
    give_kind(&fixture, LEADER_INPUT_FAILED);
    assert_false(fixture.actions.observed); /* the same trouble */
    expect_wait(&fixture, STANDBY_MS);
    give(&fixture, (struct leader_input){.kind = LEADER_INPUT_FAILED, .trouble = &denied});
    assert_true(fixture.actions.observed);
    expect_wait(&fixture, STANDBY_MS);
    store_foreign(&fixture, "them", 1);
    give_lease(&fixture);
    assert_true(fixture.actions.observed);
    assert_false(fixture.machine.has_trouble);
    expect_wait(&fixture, STANDBY_MS);
    store_foreign(&fixture, "others", 1);
    give_lease(&fixture);
    assert_true(fixture.actions.observed);
    /* A Lease that may be read and not written: refused each time, and told once. */
    for (int round = 0; round < 3; round++) {
        expect_wait(&fixture, STANDBY_MS);
        store_foreign(&fixture, "", 1);
        give_lease(&fixture);
        expect(&fixture, LEADER_NEXT_UPDATE, LEADER_CHANGE_NONE);
        assert_false(fixture.actions.observed);
        give(&fixture, (struct leader_input){.kind = LEADER_INPUT_FAILED, .trouble = &denied});
        assert_int_equal(fixture.actions.observed, round == 0);
    }
    /* A server that changes what it is given: it is not led by that. */
    expect_wait(&fixture, STANDBY_MS);
    give_lease(&fixture);
    store_foreign(&fixture, "else", 1);
    give_lease(&fixture);
    assert_true(fixture.actions.observed);
    assert_true(fixture.machine.has_trouble);
    assert_false(leads(&fixture));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_lease_is_created),
        cmocka_unit_test(test_creation_that_comes_second),
        cmocka_unit_test(test_fast_path_keeps_what_is_to_be_kept),
        cmocka_unit_test(test_conflict_on_the_fast_path),
        cmocka_unit_test(test_an_empty_holder_is_taken_at_once),
        cmocka_unit_test(test_a_record_that_does_not_change),
        cmocka_unit_test(test_a_record_expires_to_the_millisecond),
        cmocka_unit_test(test_a_record_that_changes),
        cmocka_unit_test(test_waits_without_leading_are_spread),
        cmocka_unit_test(test_failures_until_the_deadline),
        cmocka_unit_test(test_a_renewal_without_an_answer),
        cmocka_unit_test(test_a_write_whose_answer_was_lost),
        cmocka_unit_test(test_a_write_that_was_lost_with_a_stopped_clock),
        cmocka_unit_test(test_a_lease_that_names_us_no_longer),
        cmocka_unit_test(test_suspend),
        cmocka_unit_test(test_health),
        cmocka_unit_test(test_release),
        cmocka_unit_test(test_release_without_leading),
        cmocka_unit_test(test_release_racing_a_renewal),
        cmocka_unit_test(test_release_with_conflicts),
        cmocka_unit_test(test_release_ends_at_the_lease_of_another_or_of_nobody),
        cmocka_unit_test(test_release_is_bounded),
        cmocka_unit_test(test_transitions_stay_in_range),
        cmocka_unit_test(test_what_the_owner_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
