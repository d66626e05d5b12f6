#include "publish/announcer.h"

#include "api_fixture.h"

#define EVENTS "/apis/events.k8s.io/v1/namespaces/proget/events"

enum { MINUTE_MS = 60 * 1000 };

struct world {
    struct api api;
    struct announcer *announcer;
    struct ledger *ledger; /* named "l"; NULL: gone */
    struct instant now;
    bool object_is_gone;
    size_t said, failed;
    enum ledger_phase phase; /* said last */
};

static void on_said(const char *ledger_name, const char *entry_id, enum ledger_phase phase, void *userdata)
{
    struct world *world = userdata;
    assert_int_equal(ledger_name == NULL, entry_id == NULL);
    if (!ledger_name) {
        world->failed++;
        return;
    }
    assert_string_equal(ledger_name, "l");
    world->said++;
    world->phase = phase;
    if (world->ledger && phase != LEDGER_HOLDING) { /* as the publisher does */
        (void) ledger_announced(world->ledger, entry_id, phase, world->now);
    }
}

static struct ledger *find_ledger(const char *ledger_name, void *userdata)
{
    assert_string_equal(ledger_name, "l");
    return ((struct world *) userdata)->ledger;
}

static void on_change(const struct ledger_entry *entry, enum ledger_change change, const char *why, void *userdata)
{
    (void) entry;
    (void) change;
    (void) why;
    (void) userdata;
}

static bool exists(const struct object_reference *object, void *userdata)
{
    (void) object;
    return !((struct world *) userdata)->object_is_gone;
}

static void start_as(struct world *world, const char *instance, const char *const *statuses, size_t count)
{
    *world = (struct world){0};
    api_start(&world->api, statuses, count);
    world->announcer =
        announcer_new(world->api.client,
                      &(struct announcer_options){
                          .instance = instance, .on_said = on_said, .find_ledger = find_ledger, .userdata = world});
    world->ledger = ledger_new();
    world->now = loop_now(world->api.loop);
}

#define START(world, ...)                                               \
    start_as((world), "operator-0", (const char *const[]){__VA_ARGS__}, \
             array_length(((const char *const[]){__VA_ARGS__})))

static void end(struct world *world)
{
    announcer_free(world->announcer);
    assert_int_equal(kube_client_calls_in_flight(world->api.client), 0);
    ledger_free(world->ledger);
    api_end(&world->api);
}

static void advance(struct world *world, int64_t ms)
{
    world->now.monotonic_ms += ms;
    world->now.wall_us += ms * 1000;
}

static struct finding finding_of(const char *key, const char *pod)
{
    return (struct finding){
        .code = "CoScheduled",
        .severity = SEVERITY_ERROR,
        .object = {.api_version = "v1", .kind = "Pod", .namespace_name = "proget", .name = pod, .uid = "u"},
        .message = "Two servers share a node.",
        .action = "Spread them.",
        .key = key,
    };
}

/* An evaluation; what it changes is in the status at once. */
static void see(struct world *world, struct finding *findings, size_t count)
{
    struct finding_list list = {.items = findings, .count = count};
    (void) ledger_update(world->ledger, &list, world->now,
                         &(struct ledger_callbacks){.on_change = on_change, .exists = exists, .userdata = world});
    ledger_acknowledge(world->ledger, ledger_send(world->ledger));
}

static int64_t run(struct world *world)
{
    return announcer_run(world->announcer, world->ledger, "l", world->now);
}

static struct ledger_entry *only(struct world *world)
{
    size_t count;
    struct ledger_entry *const *entries = ledger_published(world->ledger, &count);
    assert_int_equal(count, 1);
    return entries[0];
}

static size_t requests(struct world *world)
{
    return fake_server_requests(world->api.server);
}

static struct json_object *sent(struct world *world, size_t index)
{
    struct json_object *body = NULL;
    struct error err;
    const char *text = strstr(fake_server_request(world->api.server, index), "\r\n\r\n") + 4;
    assert_int_equal(json_parse(text, strlen(text), &body, &err), 0);
    return body;
}

static void assert_sent(struct json_object *body, const char *path, const char *expected)
{
    assert_string_equal(json_text_at(body, path, "-"), expected);
}

/* A finding that stands, its Event announced. Takes one answer. */
static void announce(struct world *world, struct finding *finding)
{
    see(world, finding, 1);
    assert_true(run(world) == INT64_MAX);
    api_settle(&world->api);
    assert_true(only(world)->announced);
}

static void says_the_beginning_and_the_end(void **state)
{
    struct world world;
    struct object_reference node = {.api_version = "v1", .kind = "Node", .name = "node-a", .uid = "n"};
    (void) state;
    START(&world, "201 Created", "201 Created");
    struct finding finding = finding_of("k", "proget-0");
    finding.related = &node;
    finding.related_count = 1;
    announce(&world, &finding);
    assert_int_equal(world.said, 1);
    assert_int_equal(world.phase, LEDGER_RAISED);
    assert_request(&world.api, 0, "POST " EVENTS, "");
    cleanup_free char *name = ledger_event_name(only(&world), LEDGER_RAISED);
    cleanup_json struct json_object *detected = sent(&world, 0);
    assert_sent(detected, "metadata.name", name);
    assert_sent(detected, "type", "Warning");
    assert_sent(detected, "reason", "CoScheduled");
    assert_sent(detected, "action", "Detected");
    assert_sent(detected, "note", "Two servers share a node. Spread them.");
    assert_sent(detected, "reportingInstance", "operator-0");
    assert_sent(detected, "regarding.uid", "u");
    assert_sent(detected, "related.name", "node-a");
    assert_true(run(&world) == only(&world)->confirm_at_ms); /* said once */
    advance(&world, 5 * MINUTE_MS);
    see(&world, NULL, 0);
    assert_true(run(&world) == INT64_MAX);
    api_settle(&world.api);
    cleanup_json struct json_object *resolved = sent(&world, 1);
    assert_sent(resolved, "type", "Normal");
    assert_sent(resolved, "reason", "CoScheduled");
    assert_sent(resolved, "action", "Resolved");
    assert_sent(resolved, "note", "Resolved after 5 min. It was: Two servers share a node.");
    assert_string_not_equal(json_text_at(resolved, "metadata.name", "-"), name);
    assert_int_equal(world.said, 2);
    assert_int_equal(world.phase, LEDGER_CLEARED);
    assert_int_equal(requests(&world), 2);
    assert_true(run(&world) == INT64_MAX);
    end(&world);
}

static void an_event_that_is_there_counts_as_said(void **state)
{
    struct world world;
    (void) state;
    START(&world, "409 Conflict");
    struct finding finding = finding_of("k", "proget-0");
    announce(&world, &finding);
    assert_int_equal(world.said, 1);
    assert_int_equal(world.failed, 0);
    assert_true(only(&world)->retry_at_ms == 0);
    end(&world);
}

static void nothing_is_said_before_the_status_has_it(void **state)
{
    struct world world;
    (void) state;
    START(&world, "201 Created");
    struct finding finding = finding_of("k", "proget-0");
    struct finding_list list = {.items = &finding, .count = 1};
    (void) ledger_update(world.ledger, &list, world.now,
                         &(struct ledger_callbacks){.on_change = on_change, .exists = exists, .userdata = &world});
    uint64_t number = ledger_send(world.ledger);
    assert_true(run(&world) == INT64_MAX);
    assert_int_equal(announcer_in_flight(world.announcer), 0);
    ledger_acknowledge(world.ledger, number);
    (void) run(&world);
    (void) run(&world); /* once, however often it is asked */
    assert_int_equal(announcer_in_flight(world.announcer), 1);
    api_settle(&world.api);
    end(&world);
}

static void a_failure_is_tried_again(void **state)
{
    static const char *const failures[] = {"500 Internal Server Error", "403 Forbidden", "404 Not Found",
                                           "422 Unprocessable Entity"};
    (void) state;
    for (size_t i = 0; i < array_length(failures); i++) {
        struct world world;
        START(&world, failures[i], failures[i], "201 Created");
        struct finding finding = finding_of("k", "proget-0");
        see(&world, &finding, 1);
        int64_t delays_ms[2];
        for (size_t j = 0; j < array_length(delays_ms); j++) {
            (void) run(&world);
            api_settle(&world.api);
            assert_int_equal(world.failed, j + 1);
            assert_false(only(&world)->announced);
            world.now.monotonic_ms = loop_now(world.api.loop).monotonic_ms;
            int64_t due_ms = run(&world);
            assert_int_equal(announcer_in_flight(world.announcer), 0);
            delays_ms[j] = due_ms - world.now.monotonic_ms;
            world.now.monotonic_ms = due_ms - 1;
            assert_true(run(&world) == due_ms);
            assert_int_equal(announcer_in_flight(world.announcer), 0);
            world.now.monotonic_ms = due_ms;
        }
        assert_in_range(delays_ms[0], 1, 1000);
        assert_in_range(delays_ms[1], 1, 2000);
        (void) run(&world);
        api_settle(&world.api);
        assert_true(only(&world)->announced);
        assert_int_equal(only(&world)->retry_delay_ms, 0);
        assert_int_equal(world.said, 1);
        end(&world);
    }
}

static void the_limit_per_object_delays_and_drops_nothing(void **state)
{
    enum { COUNT = 28, BURST = 25, REFILL_MS = 5 * MINUTE_MS };
    const char *statuses[COUNT + 1];
    struct finding findings[COUNT + 1];
    char keys[COUNT][8];
    struct world world;
    (void) state;
    for (size_t i = 0; i < COUNT; i++) {
        (void) snprintf(keys[i], sizeof keys[i], "k%zu", i);
        findings[i] = finding_of(keys[i], "proget-0");
        statuses[i] = "201 Created";
    }
    findings[COUNT] = finding_of("other", "proget-1");
    statuses[COUNT] = "201 Created";
    start_as(&world, "operator-0", statuses, COUNT + 1);
    see(&world, findings, COUNT + 1);
    assert_true(run(&world) == world.now.monotonic_ms + REFILL_MS);
    assert_int_equal(announcer_in_flight(world.announcer), BURST + 1); /* the other object has a limit of its own */
    api_settle(&world.api);
    for (size_t said = BURST + 1; said < COUNT + 1; said++) {
        assert_int_equal(world.said, said);
        advance(&world, REFILL_MS - 1);
        assert_true(run(&world) == world.now.monotonic_ms + 1);
        assert_int_equal(announcer_in_flight(world.announcer), 0);
        advance(&world, 1);
        (void) run(&world);
        assert_int_equal(announcer_in_flight(world.announcer), 1);
        api_settle(&world.api);
    }
    assert_int_equal(world.said, COUNT + 1);
    end(&world);
}

/* As in an outage: what was tried in vain must not hold up what is said afterwards. */
static void a_try_that_failed_does_not_count_against_the_limit(void **state)
{
    enum { COUNT = 20 };
    const char *statuses[2 * COUNT];
    struct finding findings[COUNT];
    char keys[COUNT][8];
    struct world world;
    (void) state;
    for (size_t i = 0; i < COUNT; i++) {
        (void) snprintf(keys[i], sizeof keys[i], "k%zu", i);
        findings[i] = finding_of(keys[i], "proget-0");
        statuses[i] = "500 Internal Server Error";
        statuses[COUNT + i] = "201 Created";
    }
    start_as(&world, "operator-0", statuses, 2 * COUNT);
    see(&world, findings, COUNT);
    (void) run(&world);
    api_settle(&world.api);
    assert_int_equal(world.failed, COUNT);
    advance(&world, MINUTE_MS); /* no token comes in that time */
    (void) run(&world);
    api_settle(&world.api);
    assert_int_equal(world.said, COUNT);
    end(&world);
}

static void so_many_requests_and_no_more_at_once(void **state)
{
    enum { COUNT = BOUND_CALLS_IN_FLIGHT + 3 };
    const char *statuses[COUNT];
    struct finding findings[COUNT];
    char names[COUNT][16];
    struct world world;
    (void) state;
    for (size_t i = 0; i < COUNT; i++) {
        (void) snprintf(names[i], sizeof names[i], "proget-%zu", i);
        findings[i] = finding_of(names[i], names[i]);
        statuses[i] = "201 Created";
    }
    start_as(&world, "operator-0", statuses, COUNT);
    see(&world, findings, COUNT);
    assert_true(run(&world) == INT64_MAX); /* answers bring it back, not time */
    assert_int_equal(announcer_in_flight(world.announcer), BOUND_CALLS_IN_FLIGHT);
    (void) run(&world);
    assert_int_equal(kube_client_calls_in_flight(world.api.client), BOUND_CALLS_IN_FLIGHT);
    api_settle(&world.api);
    (void) run(&world);
    assert_int_equal(announcer_in_flight(world.announcer), COUNT - BOUND_CALLS_IN_FLIGHT);
    api_settle(&world.api);
    assert_int_equal(world.said, COUNT);
    end(&world);
}

static void what_stands_is_confirmed_every_half_hour(void **state)
{
    struct world world;
    (void) state;
    START(&world, "201 Created", "200 OK", "200 OK");
    struct finding finding = finding_of("k", "proget-0");
    announce(&world, &finding);
    cleanup_free char *name = ledger_event_name(only(&world), LEDGER_RAISED);
    cleanup_free char *line = xasprintf("PATCH " EVENTS "/%s", name);
    for (size_t i = 1; i <= 2; i++) {
        int64_t due_ms = run(&world);
        assert_true(due_ms == world.now.monotonic_ms + LEDGER_CONFIRM_INTERVAL_MS);
        advance(&world, LEDGER_CONFIRM_INTERVAL_MS - 1);
        assert_true(run(&world) == due_ms);
        assert_int_equal(announcer_in_flight(world.announcer), 0);
        advance(&world, 1);
        (void) run(&world);
        api_settle(&world.api);
        assert_request(&world.api, i, line, "application/strategic-merge-patch+json");
        cleanup_json struct json_object *patch = sent(&world, i);
        assert_int_equal(json_int64_at(patch, "series.count", 0), i + 1);
        char now_text[CLOCK_TEXT_SIZE];
        clock_format_micros(world.now.wall_us, now_text);
        assert_sent(patch, "series.lastObservedTime", now_text);
        assert_int_equal(world.phase, LEDGER_HOLDING);
        assert_true(only(&world)->announced); /* no new announcement */
    }
    end(&world);
}

static void an_event_that_expired_is_created_anew(void **state)
{
    struct world world;
    (void) state;
    START(&world, "201 Created", "404 Not Found", "201 Created");
    struct finding finding = finding_of("k", "proget-0");
    announce(&world, &finding);
    advance(&world, LEDGER_CONFIRM_INTERVAL_MS);
    (void) run(&world);
    api_settle(&world.api);
    assert_false(only(&world)->announced);
    (void) run(&world);
    api_settle(&world.api);
    assert_true(only(&world)->announced);
    cleanup_json struct json_object *first = sent(&world, 0);
    cleanup_json struct json_object *second = sent(&world, 2);
    assert_sent(second, "metadata.name", json_text_at(first, "metadata.name", ""));
    assert_true(run(&world) == world.now.monotonic_ms + LEDGER_CONFIRM_INTERVAL_MS);
    end(&world);
}

/* The Event lives for an hour: with one confirmation left out it would go while the finding stands. */
static void a_confirmation_that_fails_is_tried_again_soon(void **state)
{
    struct world world;
    (void) state;
    START(&world, "201 Created", "500 Internal Server Error", "200 OK");
    struct finding finding = finding_of("k", "proget-0");
    announce(&world, &finding);
    advance(&world, LEDGER_CONFIRM_INTERVAL_MS);
    (void) run(&world);
    api_settle(&world.api);
    assert_int_equal(world.failed, 1);
    assert_true(only(&world)->announced);
    int64_t soon_ms = loop_now(world.api.loop).monotonic_ms + 1000;
    world.now.monotonic_ms = soon_ms;
    (void) run(&world);
    assert_int_equal(announcer_in_flight(world.announcer), 1);
    api_settle(&world.api);
    assert_int_equal(world.phase, LEDGER_HOLDING);
    assert_true(run(&world) == soon_ms + LEDGER_CONFIRM_INTERVAL_MS);
    assert_int_equal(requests(&world), 3);
    end(&world);
}

static void what_ended_is_not_confirmed(void **state)
{
    struct world world;
    (void) state;
    START(&world, "201 Created", "500 Internal Server Error");
    struct finding finding = finding_of("k", "proget-0");
    announce(&world, &finding);
    advance(&world, LEDGER_CONFIRM_INTERVAL_MS);
    see(&world, NULL, 0);
    (void) run(&world);
    api_settle(&world.api);
    assert_request(&world.api, 1, "POST ", "Resolved");
    assert_int_equal(only(&world)->phase, LEDGER_CLEARED); /* until that has been said */
    end(&world);
}

static void an_end_while_the_beginning_is_under_way_is_said_after_it(void **state)
{
    struct world world;
    (void) state;
    START(&world, "201 Created", "201 Created");
    struct finding finding = finding_of("k", "proget-0");
    see(&world, &finding, 1);
    (void) run(&world);
    see(&world, NULL, 0);
    (void) run(&world);
    assert_int_equal(announcer_in_flight(world.announcer), 1);
    api_settle(&world.api);
    assert_int_equal(world.phase, LEDGER_RAISED);
    (void) run(&world);
    api_settle(&world.api);
    assert_int_equal(world.phase, LEDGER_CLEARED);
    assert_request(&world.api, 1, "POST ", "Resolved");
    end(&world);
}

static void the_entry_may_go_meanwhile(void **state)
{
    struct world world;
    (void) state;
    START(&world, "201 Created", "500 Internal Server Error");
    for (size_t i = 0; i < 2; i++) {
        struct finding finding = finding_of("k", "proget-0");
        world.object_is_gone = false;
        see(&world, &finding, 1);
        (void) run(&world);
        world.object_is_gone = true;
        see(&world, NULL, 0);
        api_settle(&world.api);
        assert_int_equal(announcer_in_flight(world.announcer), 0);
    }
    end(&world);
}

static void the_ledger_may_go_meanwhile(void **state)
{
    struct world world;
    (void) state;
    START(&world, "201 Created", "500 Internal Server Error");
    for (size_t i = 0; i < 2; i++) {
        struct finding finding = finding_of("k", "proget-0");
        see(&world, &finding, 1);
        (void) run(&world);
        ledger_free(world.ledger);
        world.ledger = NULL;
        api_settle(&world.api);
        assert_int_equal(announcer_in_flight(world.announcer), 0);
        world.ledger = ledger_new();
    }
    end(&world);
}

/* The Event of a spell that was dropped says nothing of the next one, which has a name of its own. */
static void the_answer_for_an_earlier_spell_is_not_the_next_ones(void **state)
{
    struct world world;
    (void) state;
    START(&world, "201 Created", "201 Created");
    struct finding finding = finding_of("k", "proget-0");
    see(&world, &finding, 1);
    (void) run(&world);
    world.object_is_gone = true;
    see(&world, NULL, 0);
    world.object_is_gone = false;
    advance(&world, MINUTE_MS);
    see(&world, &finding, 1);
    api_settle(&world.api);
    assert_false(only(&world)->announced);
    (void) run(&world);
    api_settle(&world.api);
    assert_true(only(&world)->announced);
    cleanup_free char *name = ledger_event_name(only(&world), LEDGER_RAISED);
    cleanup_json struct json_object *event = sent(&world, 1);
    assert_sent(event, "metadata.name", name);
    end(&world);
}

static void a_long_name_of_the_operator_is_cut(void **state)
{
    static const char *const statuses[] = {"201 Created"};
    char instance[254] = "";
    struct world world;
    (void) state;
    memset(instance, 'o', sizeof instance - 1);
    start_as(&world, instance, statuses, 1);
    struct finding finding = finding_of("k", "proget-0");
    announce(&world, &finding);
    cleanup_json struct json_object *event = sent(&world, 0);
    assert_int_equal(strlen(json_text_at(event, "reportingInstance", "")), 128); /* the API's bound */
    end(&world);
}

static void freeing_cancels_what_is_under_way(void **state)
{
    struct world world;
    (void) state;
    START(&world, NULL);
    struct finding finding = finding_of("k", "proget-0");
    see(&world, &finding, 1);
    (void) run(&world);
    api_wait_for_requests(&world.api, 1);
    end(&world);
    assert_int_equal(world.said + world.failed, 0);
    announcer_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_the_beginning_and_the_end),
        cmocka_unit_test(an_event_that_is_there_counts_as_said),
        cmocka_unit_test(nothing_is_said_before_the_status_has_it),
        cmocka_unit_test(a_failure_is_tried_again),
        cmocka_unit_test(the_limit_per_object_delays_and_drops_nothing),
        cmocka_unit_test(a_try_that_failed_does_not_count_against_the_limit),
        cmocka_unit_test(so_many_requests_and_no_more_at_once),
        cmocka_unit_test(what_stands_is_confirmed_every_half_hour),
        cmocka_unit_test(an_event_that_expired_is_created_anew),
        cmocka_unit_test(a_confirmation_that_fails_is_tried_again_soon),
        cmocka_unit_test(what_ended_is_not_confirmed),
        cmocka_unit_test(an_end_while_the_beginning_is_under_way_is_said_after_it),
        cmocka_unit_test(the_entry_may_go_meanwhile),
        cmocka_unit_test(the_ledger_may_go_meanwhile),
        cmocka_unit_test(the_answer_for_an_earlier_spell_is_not_the_next_ones),
        cmocka_unit_test(a_long_name_of_the_operator_is_cut),
        cmocka_unit_test(freeing_cancels_what_is_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
