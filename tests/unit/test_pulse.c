#include "pulse.h"

#include "api_fixture.h"

#define LIST(version) "{\"kind\": \"LeaseList\", \"metadata\": {\"resourceVersion\": \"" version "\"}}"
#define STATUS_500    "{\"kind\": \"Status\", \"code\": 500, \"reason\": \"InternalError\"}"

struct world {
    struct api api;
    struct pulse *pulse;
    int answers;
    bool was_quiet; /* an answer came later than the first question for it */
    char said[16];  /* '-' no answer, '+' answers again, '<' went back */
};

static void say(struct world *world, char letter)
{
    size_t length = strlen(world->said);
    assert_true(length + 1 < sizeof world->said);
    world->said[length] = letter;
}

static void on_change(bool answers, struct instant since, const char *why, void *userdata)
{
    assert_true(since.monotonic_ms > 0);
    assert_int_equal(answers, why == NULL);
    say(userdata, answers ? '+' : '-');
}

static void on_answer(struct instant quiet_since, struct instant asked, void *userdata)
{
    struct world *world = userdata;
    assert_true(quiet_since.monotonic_ms > 0 && quiet_since.monotonic_ms <= asked.monotonic_ms);
    world->was_quiet = world->was_quiet || quiet_since.monotonic_ms < asked.monotonic_ms;
    world->answers++;
}

static void on_rewind(const char *why, void *userdata)
{
    assert_non_null(strstr(why, "restored"));
    say(userdata, '<');
}

/* Asks until every answer was had, and compares what was said; `had` of them were the server's own. */
static void expect(const struct api_answer *answers, size_t count, const char *said, int had)
{
    struct world world = {0};
    api_start_with(&world.api, answers, count);
    world.pulse = pulse_start(world.api.client, &(struct pulse_options){.interval_ms = 10,
                                                                        .on_change = on_change,
                                                                        .on_answer = on_answer,
                                                                        .on_rewind = on_rewind,
                                                                        .userdata = &world});
    api_wait_for_requests(&world.api, count);
    api_settle(&world.api);
    assert_string_equal(world.said, said);
    assert_int_equal(world.answers, had);
    assert_int_equal(world.was_quiet, (size_t) had < count);
    pulse_stop(world.pulse);
    api_end(&world.api);
}

#define EXPECT(said, had, ...)                                                                                       \
    expect((const struct api_answer[]){__VA_ARGS__}, array_length(((const struct api_answer[]){__VA_ARGS__})), said, \
           had)

static void test_any_answer_of_the_server_is_one(void **state)
{
    (void) state;
    EXPECT("", 5, {"200 OK", LIST("5")}, {"403 Forbidden", NULL}, {"404 Not Found", NULL},
           {"500 Internal Server Error", STATUS_500}, {"200 OK", LIST("5")});
}

static void test_a_gateway_is_not_the_server(void **state)
{
    (void) state;
    EXPECT("-+", 2, {"200 OK", LIST("5")}, {"502 Bad Gateway", NULL}, {"503 Service Unavailable", NULL},
           {"504 Gateway Timeout", NULL}, {"200 OK", LIST("6")});
}

static void test_one_late_answer_is_nothing(void **state)
{
    (void) state;
    EXPECT("", 2, {"502 Bad Gateway", NULL}, {"200 OK", LIST("5")}, {"502 Bad Gateway", NULL}, {"200 OK", LIST("5")});
}

static void test_versions_that_go_back(void **state)
{
    (void) state;
    EXPECT("<", 5, {"200 OK", LIST("99")}, {"200 OK", LIST("100")}, {"200 OK", LIST("100")}, {"200 OK", LIST("60")},
           {"200 OK", LIST("61")});
    EXPECT("", 4, {"200 OK", LIST("99")}, {"200 OK", LIST("")}, {"200 OK", "{}"}, {"200 OK", LIST("99")});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_answer_of_the_server_is_one),
        cmocka_unit_test(test_a_gateway_is_not_the_server),
        cmocka_unit_test(test_one_late_answer_is_nothing),
        cmocka_unit_test(test_versions_that_go_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
