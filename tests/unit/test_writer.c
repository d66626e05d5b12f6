#include "publish/writer.h"

#include "api_fixture.h"

static const struct kube_resource things = {"example.org", "v1", "things"};

struct world {
    struct api api;
    struct writer *writer;
    size_t told, built;
    const char *version; /* of the object, for wishes to come */
    uint64_t ticket;     /* told last */
};

static void on_written(const char *key, uint64_t ticket, void *userdata)
{
    struct world *world = userdata;
    assert_non_null(key);
    assert_true(ticket > 0);
    world->told++;
    world->ticket = ticket;
}

static void start(struct world *world, const char *const *statuses, size_t count)
{
    *world = (struct world){0};
    api_start(&world->api, statuses, count);
    world->writer = writer_new(world->api.client, on_written, world);
}

#define START(world, ...) \
    start((world), (const char *const[]){__VA_ARGS__}, array_length(((const char *const[]){__VA_ARGS__})))

static void end(struct world *world)
{
    writer_free(world->writer);
    assert_int_equal(kube_client_calls_in_flight(world->api.client), 0);
    api_end(&world->api);
}

struct draft {
    struct world *world;
    const char *text;
};

static struct json_object *build(const void *context)
{
    const struct draft *draft = context;
    draft->world->built++;
    struct json_object *body = json_object_new_object();
    json_add_text(body, "v", draft->text);
    if (draft->world->version) {
        (void) json_add_object(body, "metadata");
    }
    return body;
}

static void wish_for(struct world *world, const char *key, const char *wanted, const char *observed, uint64_t ticket)
{
    struct draft draft = {world, wanted};
    struct writer_wish wish = {
        .key = key,
        .address = {.resource = &things, .namespace_name = "n", .name = key, .subresource = "status"},
        .field_manager = "tester",
        .build = build,
        .context = &draft,
        .wanted = wanted,
        .observed = observed,
        .version = world->version,
        .ticket = ticket,
    };
    writer_wish(world->writer, &wish);
}

static void wish(struct world *world, const char *wanted, const char *observed, uint64_t ticket)
{
    wish_for(world, "a", wanted, observed, ticket);
}

static size_t in_flight(const struct world *world)
{
    return kube_client_calls_in_flight(world->api.client);
}

static size_t requests(struct world *world)
{
    return fake_server_requests(world->api.server);
}

static void assert_told(const struct world *world, size_t count, uint64_t ticket)
{
    assert_int_equal(world->told, count);
    assert_int_equal(world->ticket, ticket);
}

#define APPLY "PATCH /apis/example.org/v1/namespaces/n/things/a/status?fieldManager=tester&force=true HTTP/1.1\r\n"

static void sends_once_what_is_not_watched(void **state)
{
    struct world world;
    (void) state;
    START(&world, "200 OK", "200 OK");
    wish(&world, "A", NULL, 1);
    assert_int_equal(writer_pending(world.writer), 1);
    assert_told(&world, 0, 0);
    api_settle(&world.api);
    assert_request(&world.api, 0, APPLY, "{\"v\":\"A\"}");
    assert_told(&world, 1, 1);
    assert_int_equal(writer_pending(world.writer), 0);
    wish(&world, "A", NULL, 1); /* nothing new to be told */
    assert_told(&world, 1, 1);
    wish(&world, "A", NULL, 2); /* a newer one of the same text is there already */
    assert_told(&world, 2, 2);
    assert_int_equal(in_flight(&world), 0);
    assert_int_equal(world.built, 1);
    wish(&world, "B", NULL, 3);
    api_settle(&world.api);
    assert_request(&world.api, 1, APPLY, "{\"v\":\"B\"}");
    assert_told(&world, 3, 3);
    end(&world);
}

static void one_at_a_time_and_the_newest_wins(void **state)
{
    struct world world;
    (void) state;
    START(&world, "200 OK", "200 OK");
    wish(&world, "A", NULL, 1);
    wish(&world, "B", NULL, 2);
    wish(&world, "C", NULL, 3);
    assert_int_equal(in_flight(&world), 1);
    assert_int_equal(writer_pending(world.writer), 1);
    while (world.told == 0) {
        api_turn(&world.api);
    }
    assert_told(&world, 1, 1); /* the first is there, and what came since is not */
    assert_int_equal(in_flight(&world), 1);
    api_settle(&world.api);
    assert_told(&world, 2, 3);
    assert_int_equal(requests(&world), 2);
    assert_request(&world.api, 0, APPLY, "{\"v\":\"A\"}");
    assert_request(&world.api, 1, APPLY, "{\"v\":\"C\"}");
    end(&world);
}

static void a_newer_ticket_of_what_is_under_way_is_told(void **state)
{
    struct world world;
    (void) state;
    START(&world, "200 OK");
    wish(&world, "A", NULL, 1);
    wish(&world, "B", NULL, 2);
    wish(&world, "A", NULL, 3); /* back to what is under way */
    wish(&world, "A", NULL, 4);
    api_settle(&world.api);
    assert_int_equal(writer_pending(world.writer), 0);
    assert_int_equal(requests(&world), 1);
    assert_told(&world, 1, 4);
    end(&world);
}

static void failures_are_tried_again_with_back_off(void **state)
{
    static const char *const failures[] = {"500 Internal Server Error", "409 Conflict", "403 Forbidden",
                                           "422 Unprocessable Entity"};
    (void) state;
    for (size_t i = 0; i < array_length(failures); i++) {
        struct world world;
        START(&world, failures[i], "200 OK", "200 OK");
        int64_t began_ms = loop_now(world.api.loop).monotonic_ms;
        wish(&world, "A", NULL, 1);
        api_settle(&world.api);
        assert_told(&world, 0, 0);
        assert_int_equal(writer_pending(world.writer), 1);
        wish(&world, "B", NULL, 2); /* no way around the back-off */
        assert_int_equal(in_flight(&world), 0);
        wish_for(&world, "b", "A", NULL, 1); /* which delays nothing else */
        assert_int_equal(in_flight(&world), 1);
        api_settle(&world.api);
        api_wait_for_requests(&world.api, 3);
        api_settle(&world.api);
        assert_true(loop_now(world.api.loop).monotonic_ms - began_ms >= 800);
        assert_request(&world.api, 2, APPLY, "{\"v\":\"B\"}");
        assert_told(&world, 2, 2);
        assert_int_equal(writer_pending(world.writer), 0);
        end(&world);
    }
}

/* But not what waits for somebody else's write to be seen. */
static void a_hurry_goes_around_the_back_off(void **state)
{
    struct world world;
    (void) state;
    START(&world, "500 Internal Server Error", "200 OK", "409 Conflict");
    wish(&world, "A", NULL, 1);
    api_settle(&world.api);
    assert_int_equal(in_flight(&world), 0);
    writer_hurry(world.writer);
    assert_int_equal(in_flight(&world), 1);
    api_settle(&world.api);
    assert_told(&world, 1, 1);
    writer_hurry(world.writer); /* nothing is left to do */
    assert_int_equal(in_flight(&world), 0);
    world.version = "9";
    wish(&world, "B", NULL, 2);
    api_settle(&world.api);
    assert_int_equal(requests(&world), 3);
    writer_hurry(world.writer);
    assert_int_equal(in_flight(&world), 0);
    end(&world);
}

static void what_failed_while_it_was_wished_again_is_tried_again(void **state)
{
    struct world world;
    (void) state;
    START(&world, "500 Internal Server Error", "200 OK");
    wish(&world, "A", NULL, 1);
    wish(&world, "A", NULL, 2);
    api_wait_for_requests(&world.api, 2);
    api_settle(&world.api);
    assert_request(&world.api, 1, APPLY, "{\"v\":\"A\"}");
    assert_told(&world, 1, 2);
    end(&world);
}

static void what_is_there_is_not_written(void **state)
{
    struct world world;
    (void) state;
    START(&world, "200 OK");
    wish(&world, "A", "A", 7);
    assert_told(&world, 1, 7);
    assert_int_equal(in_flight(&world), 0);
    assert_int_equal(world.built, 0);
    assert_int_equal(writer_pending(world.writer), 0);
    end(&world);
}

static void the_watch_may_lag_behind(void **state)
{
    struct world world;
    (void) state;
    START(&world, "200 OK", "200 OK");
    wish(&world, "new", "old", 1);
    wish(&world, "new", "old", 2); /* while it is under way */
    api_settle(&world.api);
    wish(&world, "new", "old", 3); /* the echo is still to come */
    assert_int_equal(in_flight(&world), 0);
    assert_told(&world, 2, 3);
    wish(&world, "new", "new", 4);
    assert_int_equal(in_flight(&world), 0);
    assert_told(&world, 3, 4);
    assert_int_equal(requests(&world), 1);
    end(&world);
}

static void somebody_elses_change_is_put_right(void **state)
{
    struct world world;
    (void) state;
    START(&world, "200 OK", "200 OK", "200 OK", "200 OK");
    wish(&world, "new", "old", 1);
    api_settle(&world.api);
    wish(&world, "new", "theirs", 2); /* in place of the echo */
    assert_int_equal(in_flight(&world), 1);
    api_settle(&world.api);
    wish(&world, "new", "new", 3);
    wish(&world, "new", "theirs", 4); /* and once more the very same */
    assert_int_equal(in_flight(&world), 1);
    api_settle(&world.api);
    wish(&world, "new", "new", 5);
    wish(&world, "new", "old", 6); /* and back to what there was at first */
    assert_int_equal(in_flight(&world), 1);
    api_settle(&world.api);
    assert_int_equal(requests(&world), 4);
    assert_told(&world, 6, 6);
    end(&world);
}

static void wanting_the_old_again_before_the_echo_writes_it(void **state)
{
    struct world world;
    (void) state;
    START(&world, "200 OK", "200 OK", "200 OK");
    wish(&world, "new", "old", 1);
    api_settle(&world.api);
    wish(&world, "old", "old", 2); /* the watch is behind: the server holds "new" */
    assert_int_equal(in_flight(&world), 1);
    api_settle(&world.api);
    assert_request(&world.api, 1, APPLY, "{\"v\":\"old\"}");
    wish(&world, "old", "new", 3); /* the first write's echo; at the worst it is written once more */
    api_settle(&world.api);
    wish(&world, "old", "old", 4);
    assert_int_equal(in_flight(&world), 0);
    assert_int_equal(world.ticket, 4);
    end(&world);
}

static void a_write_that_was_carried_out_and_seems_lost_is_not_repeated(void **state)
{
    struct world world;
    (void) state;
    START(&world, "500 Internal Server Error");
    wish(&world, "new", "old", 1);
    api_settle(&world.api);
    assert_int_equal(writer_pending(world.writer), 1);
    wish(&world, "new", "new", 2);
    assert_int_equal(writer_pending(world.writer), 0);
    assert_told(&world, 1, 2);
    assert_int_equal(requests(&world), 1);
    end(&world);
}

/* It may have been a server that does not know the kind yet: as long as it is wished for, it is tried. */
static void an_object_that_is_not_there_is_tried_again(void **state)
{
    struct world world;
    (void) state;
    START(&world, "404 Not Found", "200 OK");
    wish(&world, "A", NULL, 1);
    api_settle(&world.api);
    assert_told(&world, 0, 0);
    assert_int_equal(writer_pending(world.writer), 1);
    wish(&world, "A", NULL, 2);
    api_wait_for_requests(&world.api, 2);
    api_settle(&world.api);
    assert_told(&world, 1, 2);
    end(&world);
}

static void an_object_that_came_again_as_wanted_is_told(void **state)
{
    struct world world;
    (void) state;
    START(&world, "404 Not Found");
    wish(&world, "A", "", 1);
    api_settle(&world.api);
    assert_told(&world, 0, 0);
    wish(&world, "A", "A", 2);
    assert_told(&world, 1, 2);
    assert_int_equal(writer_pending(world.writer), 0);
    assert_int_equal(requests(&world), 1);
    end(&world);
}

static void what_is_no_longer_wished_is_forgotten(void **state)
{
    struct world world;
    (void) state;
    START(&world, "500 Internal Server Error", "200 OK", "200 OK", "200 OK");
    wish_for(&world, "failing", "A", NULL, 1);
    api_settle(&world.api);
    wish_for(&world, "kept", "A", NULL, 1);
    api_settle(&world.api);
    wish_for(&world, "sent", "A", NULL, 1);
    wish_for(&world, "sent", "B", NULL, 2);
    assert_int_equal(writer_pending(world.writer), 2);
    writer_sweep_begin(world.writer);
    wish_for(&world, "kept", "A", NULL, 2);
    writer_sweep_end(world.writer);
    assert_int_equal(writer_pending(world.writer), 1); /* the request under way is left to end */
    api_settle(&world.api);
    assert_int_equal(writer_pending(world.writer), 0);
    assert_int_equal(requests(&world), 3); /* neither a second try of the first, nor "B" */
    writer_sweep_begin(world.writer);
    wish_for(&world, "kept", "A", NULL, 3);
    writer_sweep_end(world.writer);
    wish_for(&world, "kept", "A", NULL, 4);
    assert_int_equal(in_flight(&world), 0);
    wish_for(&world, "sent", "A", NULL, 5); /* as if for the first time */
    assert_int_equal(in_flight(&world), 1);
    api_settle(&world.api);
    end(&world);
}

static void a_failure_after_the_sweep_brings_nothing_back(void **state)
{
    struct world world;
    (void) state;
    START(&world, "500 Internal Server Error", "200 OK");
    wish(&world, "A", NULL, 1);
    writer_sweep_begin(world.writer);
    writer_sweep_end(world.writer);
    api_settle(&world.api);
    assert_int_equal(writer_pending(world.writer), 0);
    wish_for(&world, "b", "A", NULL, 1); /* whose answer makes it look for what is due */
    api_settle(&world.api);
    assert_int_equal(in_flight(&world), 0);
    assert_int_equal(requests(&world), 2);
    end(&world);
}

static void so_many_requests_and_no_more_at_once(void **state)
{
    enum { COUNT = BOUND_CALLS_IN_FLIGHT + 8 };
    const char *statuses[COUNT];
    struct world world;
    (void) state;
    for (size_t i = 0; i < COUNT; i++) {
        statuses[i] = "200 OK";
    }
    start(&world, statuses, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        cleanup_free char *key = xasprintf("thing-%zu", i);
        wish_for(&world, key, "A", NULL, i + 1);
    }
    assert_int_equal(in_flight(&world), BOUND_CALLS_IN_FLIGHT);
    assert_int_equal(writer_pending(world.writer), COUNT);
    while (in_flight(&world)) {
        api_turn(&world.api);
        assert_true(in_flight(&world) <= BOUND_CALLS_IN_FLIGHT);
    }
    assert_int_equal(writer_pending(world.writer), 0);
    assert_int_equal(world.told, COUNT);
    assert_int_equal(requests(&world), COUNT);
    end(&world);
}

static void freeing_cancels_what_is_under_way(void **state)
{
    struct world world;
    (void) state;
    START(&world, NULL, NULL);
    wish(&world, "A", NULL, 1);
    wish_for(&world, "b", "B", "old", 1);
    api_wait_for_requests(&world.api, 2);
    assert_int_equal(in_flight(&world), 2);
    end(&world);
    assert_int_equal(world.told, 0);
    writer_free(NULL);
}

/* Somebody wrote in between: nothing is written over that, until the watch has shown it. */
static void is_overtaken(void **state)
{
    struct world world;
    (void) state;
    START(&world, "409 Conflict", "200 OK", "200 OK");
    world.version = "9";
    wish(&world, "A", NULL, 1);
    api_settle(&world.api);
    assert_request(&world.api, 0, APPLY, "\"resourceVersion\":\"9\"");
    assert_told(&world, 0, 0);
    wish(&world, "A", NULL, 1); /* the watch is still behind */
    assert_int_equal(in_flight(&world), 0);
    assert_int_equal(writer_pending(world.writer), 1);
    world.version = "12";
    wish(&world, "A", NULL, 1); /* at once, whatever the back-off says */
    assert_int_equal(in_flight(&world), 1);
    api_settle(&world.api);
    assert_request(&world.api, 1, APPLY, "\"resourceVersion\":\"12\"");
    assert_told(&world, 1, 1);
    world.version = "11"; /* a watch does not go back; if it does, the newer version counts */
    wish(&world, "B", NULL, 2);
    api_settle(&world.api);
    assert_request(&world.api, 2, APPLY, "\"resourceVersion\":\"12\"");
    end(&world);
}

/* A status is not watched as a text; that somebody wrote shows in the object's version. */
static void what_somebody_wrote_over_is_written_again(void **state)
{
    static const struct api_answer answers[] = {
        {"200 OK", "{\"metadata\":{\"resourceVersion\":\"10\"}}"},
        {"200 OK", "{\"metadata\":{\"resourceVersion\":\"13\"}}"},
    };
    struct world world = {0};
    (void) state;
    api_start_with(&world.api, answers, array_length(answers));
    world.writer = writer_new(world.api.client, on_written, &world);
    world.version = "9";
    wish(&world, "A", NULL, 1);
    world.version = "10"; /* the watch shows our own write before its answer is here */
    wish(&world, "A", NULL, 1);
    api_settle(&world.api);
    assert_told(&world, 1, 1);
    wish(&world, "A", NULL, 1);
    assert_int_equal(in_flight(&world), 0);
    world.version = "12";
    wish(&world, "A", NULL, 1);
    assert_int_equal(in_flight(&world), 1);
    api_settle(&world.api);
    assert_request(&world.api, 1, APPLY, "\"resourceVersion\":\"12\"");
    world.version = "13";
    wish(&world, "A", NULL, 1);
    assert_int_equal(in_flight(&world), 0);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_once_what_is_not_watched),
        cmocka_unit_test(is_overtaken),
        cmocka_unit_test(what_somebody_wrote_over_is_written_again),
        cmocka_unit_test(one_at_a_time_and_the_newest_wins),
        cmocka_unit_test(a_newer_ticket_of_what_is_under_way_is_told),
        cmocka_unit_test(failures_are_tried_again_with_back_off),
        cmocka_unit_test(a_hurry_goes_around_the_back_off),
        cmocka_unit_test(what_failed_while_it_was_wished_again_is_tried_again),
        cmocka_unit_test(what_is_there_is_not_written),
        cmocka_unit_test(the_watch_may_lag_behind),
        cmocka_unit_test(somebody_elses_change_is_put_right),
        cmocka_unit_test(wanting_the_old_again_before_the_echo_writes_it),
        cmocka_unit_test(a_write_that_was_carried_out_and_seems_lost_is_not_repeated),
        cmocka_unit_test(an_object_that_is_not_there_is_tried_again),
        cmocka_unit_test(an_object_that_came_again_as_wanted_is_told),
        cmocka_unit_test(what_is_no_longer_wished_is_forgotten),
        cmocka_unit_test(a_failure_after_the_sweep_brings_nothing_back),
        cmocka_unit_test(so_many_requests_and_no_more_at_once),
        cmocka_unit_test(freeing_cancels_what_is_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
