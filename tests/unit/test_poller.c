#include "poller.h"

#include "api_fixture.h"
#include "proget/core/store.h"

struct thing {
    struct object_meta meta;
    int64_t size;
};
static const struct record_field thing_fields[] = {
    OBJECT_META_FIELDS(struct thing),
    {"size", RECORD_INT64, offsetof(struct thing, size), NULL, NULL},
};
static const struct record_type thing_type = RECORD_TYPE("Thing", struct thing, thing_fields);

#define LIST(next, items) "{\"metadata\": {\"continue\": \"" next "\"}, \"items\": [" items "]}"
#define ITEM(name)        "{\"metadata\": {\"name\": \"" name "\"}, \"size\": 5}"
#define UNREADABLE        "{\"metadata\": {\"name\": \"x\"}, \"size\": \"five\"}"

struct world {
    struct api api;
    struct store *store;
    struct poller *poller;
    bool is_away;
    char said[16]; /* '+' reading, '?' missing, '!' refused, '-' silent */
};

static void on_state(enum poller_state state, const char *why, void *userdata)
{
    struct world *world = userdata;
    size_t length = strlen(world->said);
    assert_true(length + 1 < sizeof world->said);
    assert_int_equal(why == NULL, state == POLLER_READING);
    world->said[length] = " +?!-"[state];
    if (state != POLLER_READING) {
        assert_int_equal(store_count(world->store), 0);
    }
}

enum { SOON_MS = 10, NEVER_MS = 3600 * 1000, GRACE_MS = 100 };

static bool is_server_away(void *userdata)
{
    return ((struct world *) userdata)->is_away;
}

static void begin(struct world *world, const struct api_answer *answers, size_t count, int64_t interval_ms)
{
    *world = (struct world){.is_away = world->is_away};
    api_start_with(&world->api, answers, count);
    world->store = store_new(&thing_type);
    world->poller =
        poller_start(world->api.client, &(struct poller_options){.resource = {"metrics.k8s.io", "v1beta1", "nodes"},
                                                                 .store = world->store,
                                                                 .interval_ms = interval_ms,
                                                                 .grace_ms = GRACE_MS,
                                                                 .on_state = on_state,
                                                                 .is_server_away = is_server_away,
                                                                 .userdata = world});
}

static void settle(struct world *world, size_t requests)
{
    api_wait_for_requests(&world->api, requests);
    api_settle(&world->api);
}

static void end(struct world *world)
{
    poller_stop(world->poller);
    store_free(world->store);
    api_end(&world->api);
}

#define BEGIN(world, interval_ms, ...)                                                                               \
    begin(world, (const struct api_answer[]){__VA_ARGS__}, array_length(((const struct api_answer[]){__VA_ARGS__})), \
          interval_ms)

static void test_pages_make_one_list(void **state)
{
    (void) state;
    struct world world = {0};
    BEGIN(&world, NEVER_MS, {"200 OK", LIST("more", ITEM("a") ", " UNREADABLE)}, {"200 OK", LIST("", ITEM("b"))});
    api_wait_for_requests(&world.api, 1);
    assert_int_equal(poller_state(world.poller), POLLER_ASKING);
    settle(&world, 2);
    assert_request(&world.api, 0, "GET /apis/metrics.k8s.io/v1beta1/nodes?limit=500 ", "");
    assert_request(&world.api, 1, "GET /apis/metrics.k8s.io/v1beta1/nodes?continue=more&limit=500 ", "");
    assert_string_equal(world.said, "+");
    assert_int_equal(store_count(world.store), 2);
    assert_non_null(store_get(world.store, NULL, "b"));
    assert_null(store_get(world.store, NULL, "x"));
    end(&world);
}

static void test_each_list_replaces_the_last(void **state)
{
    (void) state;
    struct world world = {0};
    BEGIN(&world, SOON_MS, {"200 OK", LIST("", ITEM("a") ", " ITEM("b"))}, {"200 OK", LIST("", ITEM("b"))});
    settle(&world, 2);
    assert_string_equal(world.said, "+");
    assert_int_equal(store_count(world.store), 1);
    end(&world);
}

static void test_missing_refused_and_back(void **state)
{
    (void) state;
    struct world world = {0};
    BEGIN(&world, SOON_MS, {"404 Not Found", NULL}, {"404 Not Found", NULL}, {"200 OK", LIST("", ITEM("a"))},
          {"403 Forbidden", NULL}, {"403 Forbidden", NULL}, {"200 OK", LIST("", ITEM("a"))}, {"404 Not Found", NULL},
          {"404 Not Found", NULL}, {"403 Forbidden", NULL}, {"403 Forbidden", NULL});
    settle(&world, 10);
    assert_string_equal(world.said, "?+!+?!");
    end(&world);
}

/* As a server that has just started says. */
static void test_refusals_that_pass(void **state)
{
    (void) state;
    struct world world = {0};
    BEGIN(&world, SOON_MS, {"200 OK", LIST("", ITEM("a"))}, {"403 Forbidden", NULL}, {"404 Not Found", NULL},
          {"500 Internal Server Error", NULL});
    settle(&world, 4);
    assert_string_equal(world.said, "+");
    assert_int_equal(store_count(world.store), 1); /* what is known is kept */
    end(&world);
    BEGIN(&world, SOON_MS, {"404 Not Found", NULL}, {"403 Forbidden", NULL}, {"404 Not Found", NULL},
          {"403 Forbidden", NULL}, {"404 Not Found", NULL});
    settle(&world, 5);
    assert_string_equal(world.said, "?");
    end(&world);
}

/* A server that cannot reach what measures: known at once where nothing was read, and later not for a while. */
static void test_failures(void **state)
{
    (void) state;
    struct world world = {0};
    BEGIN(&world, SOON_MS, {"500 Internal Server Error", NULL}, {"200 OK", LIST("", ITEM("a"))},
          {"500 Internal Server Error", NULL}, {"200 OK", "{}"}, {"200 OK", LIST("", "")});
    settle(&world, 3);
    assert_string_equal(world.said, "-+");
    assert_int_equal(store_count(world.store), 1);
    settle(&world, 5);
    assert_string_equal(world.said, "-+");
    assert_int_equal(store_count(world.store), 0);
    end(&world);
}

/* The second half of a list that fails is not half a list. */
static void test_page_that_fails(void **state)
{
    (void) state;
    struct world world = {0};
    BEGIN(&world, SOON_MS, {"200 OK", LIST("", ITEM("a"))}, {"200 OK", LIST("more", ITEM("b"))}, {"410 Gone", NULL});
    settle(&world, 3);
    assert_string_equal(world.said, "+");
    assert_non_null(store_get(world.store, NULL, "a"));
    assert_null(store_get(world.store, NULL, "b"));
    end(&world);
}

static void test_server_that_is_away_says_nothing_of_the_kind(void **state)
{
    (void) state;
    struct world world = {.is_away = true};
    BEGIN(&world, NEVER_MS, {"500 Internal Server Error", NULL}, {"500 Internal Server Error", NULL},
          {"200 OK", LIST("", ITEM("a"))});
    settle(&world, 2);
    assert_string_equal(world.said, "");
    assert_int_equal(poller_state(world.poller), POLLER_ASKING);
    world.is_away = false;
    poller_hurry(world.poller);
    settle(&world, 3);
    assert_string_equal(world.said, "+");
    poller_hurry(world.poller); /* nothing has failed: the next question is due in an hour */
    api_turn(&world.api);
    assert_int_equal(fake_server_requests(world.api.server), 3);
    end(&world);
}

/* Stopped in the middle of a list. */
static void test_stop(void **state)
{
    (void) state;
    struct world world = {0};
    BEGIN(&world, NEVER_MS, {"200 OK", LIST("more", ITEM("a"))}, {NULL, NULL});
    api_wait_for_requests(&world.api, 2);
    end(&world);
    poller_stop(NULL);
}

/* Until it is settled the whole operator is not ready (intake_is_ready()). */
static void test_a_kind_that_hangs_does_not_hold_up_the_start(void **state)
{
    (void) state;
    struct world world = {0};
    BEGIN(&world, NEVER_MS, {NULL, NULL}, {NULL, NULL}, {NULL, NULL});
    int64_t began_ms = clock_now().monotonic_ms;
    while (poller_state(world.poller) == POLLER_ASKING) {
        api_turn(&world.api);
    }
    int64_t took_ms = clock_now().monotonic_ms - began_ms;
    end(&world);
    if (took_ms > 6000) {
        fail_msg("no finding for %d ms", (int) took_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_make_one_list),
        cmocka_unit_test(test_each_list_replaces_the_last),
        cmocka_unit_test(test_missing_refused_and_back),
        cmocka_unit_test(test_refusals_that_pass),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_page_that_fails),
        cmocka_unit_test(test_server_that_is_away_says_nothing_of_the_kind),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_a_kind_that_hangs_does_not_hold_up_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
