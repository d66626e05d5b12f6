/* Each row of kube-algorithms 1 (and the edge cases 16.1 to 16.3) against the pure machine: no network, no clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../lib/kube/reflector_machine.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

struct fixture {
    struct reflector_machine machine;
    struct reflector_actions actions; /* of the last step */
    int64_t now_ms;
};

static void give(struct fixture *fixture, struct reflector_input input)
{
    if (!input.resource_version) {
        input.resource_version = "";
    }
    if (!input.continue_token) {
        input.continue_token = "";
    }
    fixture->actions = reflector_machine_step(&fixture->machine, &input, fixture->now_ms, /* random_fraction= */ 0.5);
}

static void give_kind(struct fixture *fixture, enum reflector_input_kind kind)
{
    give(fixture, (struct reflector_input){.kind = kind, .failure = {.retry_after_ms = -1, .why = "why"}});
}

static void give_event(struct fixture *fixture, enum watch_event_type type, const char *version)
{
    give(fixture, (struct reflector_input){.kind = REFLECTOR_INPUT_EVENT, .event = type, .resource_version = version});
}

static void give_end_bookmark(struct fixture *fixture, const char *version)
{
    give(fixture, (struct reflector_input){.kind = REFLECTOR_INPUT_EVENT,
                                           .event = WATCH_EVENT_BOOKMARK,
                                           .initial_events_end = true,
                                           .resource_version = version});
}

static void give_failure(struct fixture *fixture, enum reflector_input_kind kind, int status)
{
    give(fixture,
         (struct reflector_input){.kind = kind, .failure = {.status = status, .retry_after_ms = -1, .why = "why"}});
}

static void give_page(struct fixture *fixture, const char *version, const char *continue_token)
{
    give(fixture, (struct reflector_input){
                      .kind = REFLECTOR_INPUT_PAGE, .resource_version = version, .continue_token = continue_token});
}

static void expect_stream(const struct fixture *fixture, bool initial_events, const char *version)
{
    assert_int_equal(fixture->actions.next, REFLECTOR_NEXT_STREAM);
    assert_int_equal(fixture->actions.initial_events, initial_events);
    assert_string_equal(fixture->actions.resource_version, version);
    assert_int_equal(fixture->actions.timeout_seconds, 450); /* half way between 300 and 600 */
}

static void expect_list(const struct fixture *fixture, const char *version, const char *continue_token, int64_t limit)
{
    assert_int_equal(fixture->actions.next, REFLECTOR_NEXT_LIST);
    assert_string_equal(fixture->actions.resource_version, version);
    assert_string_equal(fixture->actions.continue_token, continue_token);
    assert_int_equal(fixture->actions.limit, limit);
}

/* A wait within [d, 2d) of the back-off's first delays, then the timer. */
static void expect_wait(struct fixture *fixture)
{
    assert_int_equal(fixture->actions.next, REFLECTOR_NEXT_WAIT);
    assert_in_range(fixture->actions.wait_ms, 800, 60000);
    fixture->now_ms += fixture->actions.wait_ms;
    give_kind(fixture, REFLECTOR_INPUT_TIMER);
}

static void begin(struct fixture *fixture)
{
    *fixture = (struct fixture){.now_ms = 1000000};
    reflector_machine_init(&fixture->machine);
    give_kind(fixture, REFLECTOR_INPUT_START);
    expect_stream(fixture, true, "");
    assert_int_equal(fixture->actions.store, REFLECTOR_STORE_BEGIN);
}

/* In step at version 100 by WatchList. */
static void begin_watching(struct fixture *fixture)
{
    begin(fixture);
    give_kind(fixture, REFLECTOR_INPUT_OPENED);
    give_event(fixture, WATCH_EVENT_ADDED, "90");
    give_end_bookmark(fixture, "100");
    assert_int_equal(fixture->actions.store, REFLECTOR_STORE_COMMIT);
    assert_int_equal(fixture->actions.next, REFLECTOR_NEXT_STAY); /* the same stream goes on */
    assert_int_equal(fixture->machine.state, REFLECTOR_WATCHING);
    assert_true(fixture->actions.state_changed);
    fixture->now_ms += 5000;
}

/* In step at version 100 by list, on a server without WatchList, the watch opened. */
static void begin_listed(struct fixture *fixture)
{
    begin(fixture);
    give_failure(fixture, REFLECTOR_INPUT_FAILED, 422);
    expect_list(fixture, "0", "", REFLECTOR_PAGE_LIMIT);
    give_page(fixture, "100", "");
    assert_int_equal(fixture->actions.store, REFLECTOR_STORE_UPSERT | REFLECTOR_STORE_COMMIT);
    expect_stream(fixture, false, "100");
    assert_int_equal(fixture->machine.state, REFLECTOR_SYNCING);
    give_kind(fixture, REFLECTOR_INPUT_OPENED);
    assert_int_equal(fixture->actions.settle_ms, REFLECTOR_SETTLE_MS);
    assert_int_equal(fixture->machine.state, REFLECTOR_SYNCING);
    fixture->now_ms += 5000;
    give_kind(fixture, REFLECTOR_INPUT_TIMER);
    assert_int_equal(fixture->machine.state, REFLECTOR_WATCHING);
    assert_int_equal(fixture->actions.next, REFLECTOR_NEXT_STAY);
}

static void test_first_events_go_to_the_replacement(void **state)
{
    struct fixture fixture;
    (void) state;
    begin(&fixture);
    give_kind(&fixture, REFLECTOR_INPUT_OPENED);
    assert_int_equal(fixture.machine.state, REFLECTOR_SYNCING);
    give_event(&fixture, WATCH_EVENT_ADDED, "90");
    assert_int_equal(fixture.actions.store, REFLECTOR_STORE_UPSERT);
    give_event(&fixture, WATCH_EVENT_MODIFIED, "91");
    assert_int_equal(fixture.actions.store, REFLECTOR_STORE_UPSERT);
    give_event(&fixture, WATCH_EVENT_DELETED, "92");
    assert_int_equal(fixture.actions.store, REFLECTOR_STORE_REMOVE);
    give_event(&fixture, WATCH_EVENT_BOOKMARK, "93"); /* without the annotation: it ends nothing */
    assert_int_equal(fixture.actions.store, 0);
    assert_string_equal(fixture.machine.last_version, "");
    give_end_bookmark(&fixture, "95");
    assert_int_equal(fixture.actions.store, REFLECTOR_STORE_COMMIT);
    assert_string_equal(fixture.machine.last_version, "95");
}

static void test_watch_remembers_each_version(void **state)
{
    struct fixture fixture;
    (void) state;
    begin_watching(&fixture);
    give_event(&fixture, WATCH_EVENT_ADDED, "101");
    assert_int_equal(fixture.actions.store, REFLECTOR_STORE_UPSERT);
    give_event(&fixture, WATCH_EVENT_DELETED, "102");
    assert_int_equal(fixture.actions.store, REFLECTOR_STORE_REMOVE);
    give_event(&fixture, WATCH_EVENT_UNKNOWN, "103");
    assert_int_equal(fixture.actions.store, 0);
    assert_string_equal(fixture.machine.last_version, "102");
    give_event(&fixture, WATCH_EVENT_BOOKMARK, "104");
    assert_int_equal(fixture.actions.store, 0);
    give_event(&fixture, WATCH_EVENT_BOOKMARK, "");
    give_kind(&fixture, REFLECTOR_INPUT_ENDED);
    expect_stream(&fixture, false, "104"); /* at once, no relist */
    assert_int_equal(fixture.machine.state, REFLECTOR_WATCHING);
    assert_false(fixture.actions.state_changed);
}

/* The table of 1c. `sync`: what follows the wait is a sync from the last version; else the same watch again. */
static void test_failures_of_a_watch(void **state)
{
    static const struct {
        enum reflector_input_kind kind;
        int status;
        bool refused;
        bool sync;
    } rows[] = {
        {REFLECTOR_INPUT_FAILED, 0, true, false},    {REFLECTOR_INPUT_FAILED, 429, false, false},
        {REFLECTOR_INPUT_FAILED, 401, false, false}, {REFLECTOR_INPUT_FAILED, 410, false, true},
        {REFLECTOR_INPUT_FAILED, 0, false, true},    {REFLECTOR_INPUT_FAILED, 500, false, true},
        {REFLECTOR_INPUT_FAILED, 503, false, true},  {REFLECTOR_INPUT_FAILED, 400, false, true},
        {REFLECTOR_INPUT_ERROR, 410, false, true},   {REFLECTOR_INPUT_ERROR, 429, false, false},
        {REFLECTOR_INPUT_ERROR, 500, false, true},   {REFLECTOR_INPUT_ERROR, 403, false, true},
        {REFLECTOR_INPUT_GARBAGE, 0, false, true},
    };
    (void) state;
    for (size_t i = 0; i < array_length(rows); i++) {
        struct fixture fixture;
        begin_watching(&fixture);
        give(&fixture, (struct reflector_input){.kind = rows[i].kind,
                                                .failure = {.status = rows[i].status,
                                                            .refused = rows[i].refused,
                                                            .retry_after_ms = -1,
                                                            .why = "because"}});
        assert_int_equal(fixture.actions.store, 0); /* what was seen stays */
        assert_int_equal(fixture.machine.state, REFLECTOR_BEHIND);
        assert_string_equal(fixture.machine.why, "because");
        assert_true(fixture.actions.state_changed);
        expect_wait(&fixture);
        expect_stream(&fixture, rows[i].sync, "100");
        assert_int_equal(fixture.machine.state, REFLECTOR_BEHIND);
        give_kind(&fixture, REFLECTOR_INPUT_OPENED);
        assert_int_equal(fixture.machine.state, REFLECTOR_BEHIND);
        assert_int_equal(fixture.actions.settle_ms, rows[i].sync ? 0 : REFLECTOR_SETTLE_MS);
        if (rows[i].sync) {
            give_end_bookmark(&fixture, "120");
        } else if (i % 2) {
            give_event(&fixture, WATCH_EVENT_ADDED, "120");
        } else {
            give_kind(&fixture, REFLECTOR_INPUT_TIMER);
        }
        assert_int_equal(fixture.machine.state, REFLECTOR_WATCHING);
        assert_false(fixture.machine.has_why);
    }
}

static void test_gone_twice_asks_for_the_newest(void **state)
{
    static const enum reflector_input_kind kinds[] = {REFLECTOR_INPUT_FAILED, REFLECTOR_INPUT_ERROR};
    (void) state;
    for (size_t i = 0; i < array_length(kinds); i++) {
        struct fixture fixture;
        begin_watching(&fixture);
        give_failure(&fixture, kinds[i], 410);
        expect_wait(&fixture);
        expect_stream(&fixture, true, "100"); /* first not going back in time */
        give_failure(&fixture, kinds[i], 410);
        expect_stream(&fixture, true, ""); /* at once */
        assert_int_equal(fixture.actions.store, REFLECTOR_STORE_ABORT | REFLECTOR_STORE_BEGIN);
        give_failure(&fixture, kinds[i], 410); /* a server out of its mind must not be asked in a circle */
        expect_list(&fixture, "", "", REFLECTOR_PAGE_LIMIT);
        give_failure(&fixture, REFLECTOR_INPUT_FAILED, 410);
        expect_wait(&fixture);
        expect_stream(&fixture, true, "");
        give_end_bookmark(&fixture, "200");
        assert_false(fixture.machine.version_unavailable);
        assert_string_equal(fixture.machine.last_version, "200");
    }
}

static void test_watch_list_falls_back(void **state)
{
    static const struct {
        enum reflector_input_kind kind;
        int status;
        bool waits;
        bool remembered;
    } rows[] = {
        {REFLECTOR_INPUT_FAILED, 422, false, true},  {REFLECTOR_INPUT_FAILED, 400, false, false},
        {REFLECTOR_INPUT_FAILED, 500, false, false}, {REFLECTOR_INPUT_ERROR, 500, false, false},
        {REFLECTOR_INPUT_FAILED, 0, true, false},    {REFLECTOR_INPUT_FAILED, 429, true, false},
        {REFLECTOR_INPUT_FAILED, 401, true, false},  {REFLECTOR_INPUT_ERROR, 429, true, false},
        {REFLECTOR_INPUT_GARBAGE, 0, true, false},   {REFLECTOR_INPUT_ENDED, 0, true, false},
    };
    (void) state;
    for (size_t i = 0; i < array_length(rows); i++) {
        struct fixture fixture;
        begin(&fixture);
        give_failure(&fixture, rows[i].kind, rows[i].status);
        assert_true(fixture.actions.store & REFLECTOR_STORE_ABORT); /* nothing half goes into the store */
        assert_false(fixture.actions.store & REFLECTOR_STORE_COMMIT);
        assert_int_equal(fixture.machine.no_watch_list, rows[i].remembered);
        assert_int_equal(fixture.machine.state, REFLECTOR_SYNCING);
        if (rows[i].waits) {
            assert_true(fixture.machine.has_why);
            expect_wait(&fixture);
            expect_stream(&fixture, true, "");
            continue;
        }
        expect_list(&fixture, "0", "", REFLECTOR_PAGE_LIMIT);
        give_failure(&fixture, REFLECTOR_INPUT_FAILED, 500);
        expect_wait(&fixture);
        if (rows[i].remembered) {
            expect_list(&fixture, "0", "", REFLECTOR_PAGE_LIMIT);
        } else {
            expect_stream(&fixture, true, ""); /* tried anew each round */
        }
    }
}

static void test_watch_list_that_never_ends_gives_way_to_a_list(void **state)
{
    struct fixture fixture;
    (void) state;
    begin(&fixture);
    give_kind(&fixture, REFLECTOR_INPUT_ENDED);
    expect_wait(&fixture);
    expect_stream(&fixture, true, "");
    give_kind(&fixture, REFLECTOR_INPUT_ENDED);
    expect_wait(&fixture);
    expect_list(&fixture, "0", "", REFLECTOR_PAGE_LIMIT);
}

static void test_version_too_large(void **state)
{
    struct fixture fixture;
    (void) state;
    begin_listed(&fixture);
    give_failure(&fixture, REFLECTOR_INPUT_ERROR, 410);
    expect_wait(&fixture);
    expect_list(&fixture, "100", "", 0); /* from a version: whole, out of the server's cache */
    give(&fixture, (struct reflector_input){.kind = REFLECTOR_INPUT_FAILED,
                                            .failure = {.status = 504, .version_too_large = true, .why = "behind"}});
    assert_int_equal(fixture.actions.store, REFLECTOR_STORE_ABORT | REFLECTOR_STORE_BEGIN);
    expect_list(&fixture, "", "", REFLECTOR_PAGE_LIMIT);
    give_page(&fixture, "150", "");
    expect_stream(&fixture, false, "150");
    assert_false(fixture.machine.version_unavailable);
}

static void test_pages(void **state)
{
    struct fixture fixture;
    (void) state;
    begin(&fixture);
    give_failure(&fixture, REFLECTOR_INPUT_FAILED, 422);
    give_page(&fixture, "100", "token-1");
    assert_int_equal(fixture.actions.store, REFLECTOR_STORE_UPSERT);
    expect_list(&fixture, "", "token-1", REFLECTOR_PAGE_LIMIT);
    give_page(&fixture, "105", "token-2");
    expect_list(&fixture, "", "token-2", REFLECTOR_PAGE_LIMIT);
    give_page(&fixture, "", "");
    assert_int_equal(fixture.actions.store, REFLECTOR_STORE_UPSERT | REFLECTOR_STORE_COMMIT);
    expect_stream(&fixture, false, "100"); /* the first page's version */
    /* It came in pages once, so it does from now on. */
    give_kind(&fixture, REFLECTOR_INPUT_OPENED);
    give_failure(&fixture, REFLECTOR_INPUT_ERROR, 500);
    expect_wait(&fixture);
    expect_list(&fixture, "100", "", REFLECTOR_PAGE_LIMIT);
}

static void test_continue_token_that_expired(void **state)
{
    struct fixture fixture;
    (void) state;
    begin(&fixture);
    give_failure(&fixture, REFLECTOR_INPUT_FAILED, 422);
    give_page(&fixture, "100", "token-1");
    give_failure(&fixture, REFLECTOR_INPUT_FAILED, 410);
    assert_int_equal(fixture.actions.store, REFLECTOR_STORE_ABORT | REFLECTOR_STORE_BEGIN);
    expect_list(&fixture, "0", "", 0); /* as the first was asked for, without a limit */
    give_page(&fixture, "130", "");
    assert_int_equal(fixture.actions.store, REFLECTOR_STORE_UPSERT | REFLECTOR_STORE_COMMIT);
    expect_stream(&fixture, false, "130");
}

static void test_list_too_large_comes_in_pages(void **state)
{
    struct fixture fixture;
    (void) state;
    begin_listed(&fixture);
    give_failure(&fixture, REFLECTOR_INPUT_ERROR, 500);
    expect_wait(&fixture);
    expect_list(&fixture, "100", "", 0);
    struct reflector_input too_large = {.kind = REFLECTOR_INPUT_FAILED,
                                        .failure = {.answer_too_large = true, .retry_after_ms = -1, .why = "large"}};
    give(&fixture, too_large);
    expect_list(&fixture, "100", "", REFLECTOR_PAGE_LIMIT);
    give(&fixture, too_large); /* and not in a circle */
    expect_wait(&fixture);
}

static void test_continue_token_without_measure(void **state)
{
    char token[REFLECTOR_CONTINUE_LENGTH_MAX + 2];
    struct fixture fixture;
    (void) state;
    memset(token, 'a', sizeof(token) - 1);
    token[sizeof(token) - 1] = '\0';
    begin(&fixture);
    give_failure(&fixture, REFLECTOR_INPUT_FAILED, 422);
    give_page(&fixture, "100", token + 1);
    expect_list(&fixture, "", token + 1, REFLECTOR_PAGE_LIMIT);
    give(&fixture, (struct reflector_input){.kind = REFLECTOR_INPUT_PAGE,
                                            .resource_version = "100",
                                            .continue_token = token,
                                            .failure = {.retry_after_ms = -1, .why = "long"}});
    assert_int_equal(fixture.actions.store, REFLECTOR_STORE_ABORT);
    expect_wait(&fixture);
}

static void test_missing_and_forbidden_kinds(void **state)
{
    static const int statuses[] = {403, 404};
    (void) state;
    for (size_t i = 0; i < array_length(statuses); i++) {
        for (int phase = 0; phase < 3; phase++) {
            struct fixture fixture;
            int64_t longest_ms = 0;
            if (phase == 0) {
                begin(&fixture); /* the WatchList */
            } else if (phase == 1) {
                begin(&fixture); /* the list */
                give_failure(&fixture, REFLECTOR_INPUT_FAILED, 422);
            } else {
                begin_watching(&fixture); /* the watch: permission was taken away */
                int64_t since_ms = fixture.now_ms;
                while (fixture.now_ms - since_ms < REFLECTOR_ABSENT_GRACE_MS) {
                    give_failure(&fixture, REFLECTOR_INPUT_FAILED, statuses[i]);
                    assert_int_equal(fixture.actions.store, REFLECTOR_STORE_ABORT);
                    assert_int_equal(fixture.machine.state, REFLECTOR_BEHIND);
                    expect_wait(&fixture);
                }
            }
            for (int round = 0; round < 20; round++) {
                give_failure(&fixture, REFLECTOR_INPUT_FAILED, statuses[i]);
                assert_true(fixture.actions.store & REFLECTOR_STORE_EMPTY);
                assert_int_equal(fixture.actions.state_changed, round == 0);
                assert_int_equal(fixture.machine.state, REFLECTOR_UNOBSERVED);
                assert_in_range(fixture.actions.wait_ms, 800, 60000);
                longest_ms = fixture.actions.wait_ms > longest_ms ? fixture.actions.wait_ms : longest_ms;
                expect_wait(&fixture);
            }
            assert_in_range(longest_ms, 30000, 60000);
            give_failure(&fixture, REFLECTOR_INPUT_FAILED, 0); /* the server is away: nothing new is known */
            assert_int_equal(fixture.machine.state, REFLECTOR_UNOBSERVED);
            expect_wait(&fixture);
            if (phase == 1) {
                give_page(&fixture, "10", "");
                assert_true(fixture.actions.store & REFLECTOR_STORE_COMMIT);
                give_kind(&fixture, REFLECTOR_INPUT_OPENED);
                give_event(&fixture, WATCH_EVENT_BOOKMARK, "11");
            } else {
                expect_stream(&fixture, true, "");
                give_end_bookmark(&fixture, "10");
                assert_true(fixture.actions.store & REFLECTOR_STORE_COMMIT);
            }
            assert_int_equal(fixture.machine.state, REFLECTOR_WATCHING);
        }
    }
}

static void test_refusals_that_pass(void **state)
{
    struct fixture fixture;
    (void) state;
    begin_watching(&fixture);
    for (int round = 0; round < 3; round++) { /* each refusal's grace is its own */
        give_failure(&fixture, REFLECTOR_INPUT_FAILED, 403);
        assert_int_equal(fixture.machine.state, REFLECTOR_BEHIND);
        expect_wait(&fixture);
        expect_stream(&fixture, true, "100");
        give_end_bookmark(&fixture, "100");
        assert_int_equal(fixture.machine.state, REFLECTOR_WATCHING);
        fixture.now_ms += REFLECTOR_ABSENT_GRACE_MS;
    }
    /* Nor does a server that went away in between add to it. */
    give_failure(&fixture, REFLECTOR_INPUT_FAILED, 403);
    expect_wait(&fixture);
    fixture.now_ms += REFLECTOR_ABSENT_GRACE_MS;
    give_failure(&fixture, REFLECTOR_INPUT_FAILED, 0);
    expect_wait(&fixture);
    give_failure(&fixture, REFLECTOR_INPUT_FAILED, 403);
    assert_int_equal(fixture.machine.state, REFLECTOR_BEHIND);
    assert_int_equal(fixture.actions.store, REFLECTOR_STORE_ABORT);
}

/* A kind that is not there is refused for a moment by a server that starts; for good by one that has it since. */
static void test_missing_and_then_refused(void **state)
{
    struct fixture fixture;
    (void) state;
    begin(&fixture);
    for (int round = 0; round < 3; round++) {
        give_failure(&fixture, REFLECTOR_INPUT_FAILED, 404);
        assert_int_equal(fixture.actions.state_changed, round == 0);
        expect_wait(&fixture);
        give_failure(&fixture, REFLECTOR_INPUT_FAILED, 403);
        assert_false(fixture.actions.state_changed);
        assert_true(fixture.machine.is_missing);
        assert_in_range(fixture.actions.wait_ms, 1, 60000);
        expect_wait(&fixture);
        fixture.now_ms += REFLECTOR_ABSENT_GRACE_MS;
    }
    give_failure(&fixture, REFLECTOR_INPUT_FAILED, 403); /* that long after the last of them */
    assert_true(fixture.actions.state_changed);
    assert_false(fixture.machine.is_missing);
    assert_int_equal(fixture.machine.state, REFLECTOR_UNOBSERVED);
    expect_wait(&fixture);
    give_failure(&fixture, REFLECTOR_INPUT_FAILED, 403);
    assert_false(fixture.actions.state_changed);
    expect_wait(&fixture);
    give_failure(&fixture, REFLECTOR_INPUT_FAILED, 404); /* and it was taken away again */
    assert_true(fixture.actions.state_changed);
    assert_true(fixture.machine.is_missing);
}

/* The server's database was restored: whatever goes on, everything is read anew, without a version. */
static void test_rewinds(void **state)
{
    (void) state;
    for (int phase = 0; phase < 4; phase++) {
        struct fixture fixture;
        if (phase == 0) {
            begin_listed(&fixture); /* lists, and a watch from one */
        } else {
            begin_watching(&fixture);
        }
        if (phase == 2) {
            give_failure(&fixture, REFLECTOR_INPUT_FAILED, 500); /* waiting for the next sync */
        } else if (phase == 3) {
            give_failure(&fixture, REFLECTOR_INPUT_ERROR, 429); /* waiting for the next watch */
        }
        give_kind(&fixture, REFLECTOR_INPUT_REWOUND);
        assert_int_equal(fixture.machine.state, REFLECTOR_BEHIND);
        if (phase == 0) {
            expect_list(&fixture, "", "", REFLECTOR_PAGE_LIMIT);
            give_page(&fixture, "40", "");
            expect_stream(&fixture, false, "40");
            continue;
        }
        expect_stream(&fixture, true, "");
        give_end_bookmark(&fixture, "40");
        assert_int_equal(fixture.machine.state, REFLECTOR_WATCHING);
        give_kind(&fixture, REFLECTOR_INPUT_ENDED);
        expect_stream(&fixture, false, "40");
    }
}

static void test_short_watches(void **state)
{
    struct fixture fixture;
    (void) state;
    begin_listed(&fixture);
    give_kind(&fixture, REFLECTOR_INPUT_ENDED); /* it lived 5 s: fine without an event */
    expect_stream(&fixture, false, "100");
    give_kind(&fixture, REFLECTOR_INPUT_OPENED);
    fixture.now_ms += 999;
    give_kind(&fixture, REFLECTOR_INPUT_ENDED); /* neither long nor of use */
    assert_int_equal(fixture.machine.state, REFLECTOR_BEHIND);
    expect_wait(&fixture);
    expect_list(&fixture, "100", "", 0);
}

static void test_short_watches_with_events_are_slowed(void **state)
{
    struct fixture fixture;
    (void) state;
    begin_listed(&fixture);
    give_kind(&fixture, REFLECTOR_INPUT_ENDED);
    for (int i = 1; i <= REFLECTOR_SHORT_WATCHES_MAX; i++) {
        expect_stream(&fixture, false, "100");
        give_kind(&fixture, REFLECTOR_INPUT_OPENED);
        give_event(&fixture, WATCH_EVENT_BOOKMARK, "100");
        give_kind(&fixture, REFLECTOR_INPUT_ENDED);
    }
    assert_int_equal(fixture.machine.state, REFLECTOR_WATCHING);
    expect_wait(&fixture);
    expect_stream(&fixture, false, "100");
}

static void test_list_without_a_version(void **state)
{
    struct fixture fixture;
    (void) state;
    begin(&fixture);
    give_failure(&fixture, REFLECTOR_INPUT_FAILED, 422);
    give_page(&fixture, "", "");
    expect_stream(&fixture, false, "");
    give_kind(&fixture, REFLECTOR_INPUT_OPENED);
    give_event(&fixture, WATCH_EVENT_ADDED, "50"); /* what there is, in no order of versions */
    assert_string_equal(fixture.machine.last_version, "");
    give_event(&fixture, WATCH_EVENT_MODIFIED, "60");
    assert_string_equal(fixture.machine.last_version, "60");
    give_event(&fixture, WATCH_EVENT_ADDED, "61");
    assert_string_equal(fixture.machine.last_version, "61");
}

static void test_retry_after_is_a_minimum(void **state)
{
    struct fixture fixture;
    (void) state;
    begin_watching(&fixture);
    give(&fixture, (struct reflector_input){.kind = REFLECTOR_INPUT_FAILED,
                                            .failure = {.status = 429, .retry_after_ms = 32000, .why = "busy"}});
    assert_int_equal(fixture.actions.wait_ms, 32000);
    give_kind(&fixture, REFLECTOR_INPUT_TIMER);
    give(&fixture, (struct reflector_input){.kind = REFLECTOR_INPUT_FAILED,
                                            .failure = {.status = 429, .retry_after_ms = 1, .why = "busy"}});
    assert_in_range(fixture.actions.wait_ms, 1600, 3200);
}

/* After a long outage the version is too old; the server is back, so what is missed is not waited for once more. */
static void test_expiry_after_an_outage_is_not_waited_out(void **state)
{
    struct fixture fixture;
    (void) state;
    begin_watching(&fixture);
    for (int i = 0; i < 10; i++) {
        give(&fixture, (struct reflector_input){.kind = REFLECTOR_INPUT_FAILED,
                                                .failure = {.refused = true, .retry_after_ms = -1, .why = "away"}});
        expect_wait(&fixture);
    }
    give_kind(&fixture, REFLECTOR_INPUT_OPENED);
    give_failure(&fixture, REFLECTOR_INPUT_ERROR, 410);
    assert_int_equal(fixture.machine.state, REFLECTOR_BEHIND);
    assert_false(fixture.actions.state_changed); /* it never looked as if it were over */
    assert_int_equal(fixture.actions.wait_ms, 1200);
}

static void test_backoff_grows_and_calms_down(void **state)
{
    struct fixture fixture;
    int64_t expected_ms = 1200; /* 0.8 s and half as much */
    (void) state;
    begin_watching(&fixture);
    for (int i = 0; i < 10; i++) {
        give(&fixture, (struct reflector_input){.kind = REFLECTOR_INPUT_FAILED,
                                                .failure = {.refused = true, .retry_after_ms = -1, .why = "away"}});
        assert_int_equal(fixture.actions.wait_ms, expected_ms);
        assert_int_equal(fixture.actions.state_changed, i == 0); /* said once */
        expected_ms = expected_ms * 2 > 45000 ? 45000 : expected_ms * 2;
        give_kind(&fixture, REFLECTOR_INPUT_TIMER);
        expect_stream(&fixture, false, "100");
    }
    give_kind(&fixture, REFLECTOR_INPUT_OPENED);
    fixture.now_ms += 120000;
    give_failure(&fixture, REFLECTOR_INPUT_FAILED, 500);
    assert_int_equal(fixture.actions.wait_ms, 1200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_events_go_to_the_replacement),
        cmocka_unit_test(test_watch_remembers_each_version),
        cmocka_unit_test(test_failures_of_a_watch),
        cmocka_unit_test(test_gone_twice_asks_for_the_newest),
        cmocka_unit_test(test_watch_list_falls_back),
        cmocka_unit_test(test_watch_list_that_never_ends_gives_way_to_a_list),
        cmocka_unit_test(test_version_too_large),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_continue_token_that_expired),
        cmocka_unit_test(test_list_too_large_comes_in_pages),
        cmocka_unit_test(test_continue_token_without_measure),
        cmocka_unit_test(test_missing_and_forbidden_kinds),
        cmocka_unit_test(test_refusals_that_pass),
        cmocka_unit_test(test_missing_and_then_refused),
        cmocka_unit_test(test_rewinds),
        cmocka_unit_test(test_short_watches),
        cmocka_unit_test(test_short_watches_with_events_are_slowed),
        cmocka_unit_test(test_list_without_a_version),
        cmocka_unit_test(test_retry_after_is_a_minimum),
        cmocka_unit_test(test_expiry_after_an_outage_is_not_waited_out),
        cmocka_unit_test(test_backoff_grows_and_calms_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
