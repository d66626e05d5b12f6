/* The reflector with its driver, a client and a store, against a scripted server: kube-algorithms 16.1 to 16.5. */
#include "proget/kube/reflector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_server.h"
#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { TURN_MS = 20, LIMIT_MS = 30000, SCRIPT_MAX = 16 };

struct thing {
    struct object_meta meta;
    const char *color;
};
static const struct record_field thing_fields[] = {
    OBJECT_META_FIELDS(struct thing),
    {"spec.color", RECORD_TEXT, offsetof(struct thing, color), NULL, NULL},
};
static const struct record_type thing_type = RECORD_TYPE("Thing", struct thing, thing_fields);

struct fixture {
    struct loop *loop;
    struct kube_client *client;
    struct fake_server *server;
    struct store *store;
    struct reflector *reflector;
    struct fake_reply replies[SCRIPT_MAX];
    size_t reply_count;
    int skipped;
    int64_t sync_silence_ms;
    char why[1024]; /* of the last state that had one */
    char skipped_text[1024];
    struct buffer states; /* "SYNCING(why) WATCHING ..." */
    struct buffer changes;
};

/* One frame about ns/<name>. */
#define EVENT(type, name, version, color)                                                                 \
    "{\"type\":\"" type "\",\"object\":{\"apiVersion\":\"v1\",\"kind\":\"Thing\",\"metadata\":{\"name\":" \
    "\"" name "\",\"namespace\":\"ns\",\"uid\":\"uid-" name "\",\"resourceVersion\":\"" version           \
    "\"},\"spec\":{\"color\":" color "}}}\n"
#define BOOKMARK(version) "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"" version "\"}}}\n"
#define END_BOOKMARK(version)                                                         \
    "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"" version \
    "\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n"
#define ERROR_EVENT(code, reason)                                                                \
    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":" code ",\"reason\":\"" reason \
    "\",\"message\":\"m\"}}\n"
#define ITEM(name, color)                                                                                            \
    "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"ns\",\"uid\":\"uid-" name "\"},\"spec\":{\"color\":" color \
    "}}"
#define LIST(version, next, items) \
    "{\"metadata\":{\"resourceVersion\":\"" version "\",\"continue\":\"" next "\"},\"items\":[" items "]}"
#define STATUS(code, reason) "{\"kind\":\"Status\",\"code\":" code ",\"reason\":\"" reason "\",\"message\":\"m\"}"

static void add_reply(struct fixture *fixture, const char *text, enum fake_after after)
{
    assert_true(fixture->reply_count < SCRIPT_MAX);
    fixture->replies[fixture->reply_count++] = (struct fake_reply){xstrdup(text), after};
}

static void add_answer(struct fixture *fixture, const char *status, const char *head, const char *body)
{
    cleanup_free char *text = fake_answer(status, head, body);
    add_reply(fixture, text, FAKE_KEEP);
}

static void on_change(const struct store_entry *before, const struct store_entry *after, void *userdata)
{
    struct fixture *fixture = userdata;
    const struct store_entry *entry = after ? after : before;
    const struct thing *thing = (const struct thing *) (const void *) entry->object;
    char mark = !before ? '+' : after ? '~' : '-';
    assert_int_equal(
        buffer_appendf(&fixture->changes, "%c%s:%s ", mark, entry->object->name, thing->color ? thing->color : ""), 0);
}

static void on_state(enum reflector_state state, const char *why, void *userdata)
{
    static const char *const names[] = {"SYNCING", "WATCHING", "BEHIND", "UNOBSERVED"};
    struct fixture *fixture = userdata;
    assert_int_equal(reflector_state(fixture->reflector), state);
    assert_int_equal(buffer_appendf(&fixture->states, "%s%s ", names[state], why ? "!" : ""), 0);
    if (why) {
        snprintf(fixture->why, sizeof(fixture->why), "%s", why);
    }
}

static void on_skipped(const struct error *err, void *userdata)
{
    struct fixture *fixture = userdata;
    fixture->skipped++;
    snprintf(fixture->skipped_text, sizeof(fixture->skipped_text), "%s", err->text);
}

static void begin(struct fixture *fixture)
{
    struct error err;
    struct kube_client *client = NULL;
    assert_int_equal(loop_new(&fixture->loop, &err), 0);
    fixture->states = BUFFER_INIT(4096);
    fixture->changes = BUFFER_INIT(4096);
    fixture->server = fake_server_start(NULL, NULL, fixture->replies, fixture->reply_count);
    struct kube_config *config = xcalloc(1, sizeof(*config));
    config->server = xasprintf("http://127.0.0.1:%d", fake_server_port(fixture->server));
    config->source = xstrdup("test");
    assert_int_equal(kube_client_new(fixture->loop, config, &client, &err), 0);
    fixture->client = client;
    fixture->store = store_new(&thing_type);
    store_listen(fixture->store, on_change, fixture);
    const struct reflector_options options = {
        .resource = {"test.io", "v1", "things"},
        .label_selector = "app in (a,b)",
        .store = fixture->store,
        .sync_silence_ms = fixture->sync_silence_ms,
        .on_state = on_state,
        .on_skipped = on_skipped,
        .userdata = fixture,
    };
    fixture->reflector = reflector_start(client, &options);
}

static void end(struct fixture *fixture)
{
    reflector_stop(fixture->reflector);
    kube_client_free(fixture->client);
    store_free(fixture->store);
    fake_server_stop(fixture->server);
    loop_free(fixture->loop);
    buffer_free(&fixture->states);
    buffer_free(&fixture->changes);
    for (size_t i = 0; i < fixture->reply_count; i++) {
        free((void *) (uintptr_t) fixture->replies[i].text);
    }
}

/* Until the server was asked that often and the changes are these; then the states must be those. */
static void expect(struct fixture *fixture, size_t requests, const char *changes, const char *states)
{
    struct error err;
    int64_t deadline_ms = clock_now().monotonic_ms + LIMIT_MS;
    while (fake_server_requests(fixture->server) < requests || !text_equal(buffer_text(&fixture->changes), changes) ||
           !text_equal(buffer_text(&fixture->states), states)) {
        assert_int_equal(loop_turn(fixture->loop, TURN_MS, &err), 0);
        if (clock_now().monotonic_ms > deadline_ms) {
            fail_msg("%zu requests, changes \"%s\", states \"%s\", why \"%s\"", fake_server_requests(fixture->server),
                     buffer_text(&fixture->changes), buffer_text(&fixture->states), fixture->why);
        }
    }
    assert_int_equal(fake_server_requests(fixture->server), requests);
}

/* The request's line holds the part. */
static void expect_request(struct fixture *fixture, size_t index, const char *part, bool is_there)
{
    const char *request = fake_server_request(fixture->server, index);
    cleanup_free char *line = xstrndup(request, strcspn(request, "\r\n"));
    if (!strstr(line, part) == is_there) {
        fail_msg("request %zu is \"%s\", which %s \"%s\"", index, line, is_there ? "lacks" : "has", part);
    }
}

#define WATCH_LIST "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
#define SELECTOR   "&labelSelector=app%20in%20%28a%2Cb%29 "

static void test_watch_list_and_what_follows(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    add_reply(&fixture,
              FAKE_STREAM(EVENT("ADDED", "a", "5", "\"red\"") EVENT("ADDED", "b", "7", "\"red\"") END_BOOKMARK("10")
                              EVENT("MODIFIED", "a", "11", "\"blue\"") EVENT("MODIFIED", "a", "12", "\"blue\"")
                                  EVENT("DELETED", "b", "13", "\"red\"")
                                      BOOKMARK("20") "{\"type\":\"NEW\"}\n{\"type\":\"ADDED\",\"obj"),
              FAKE_CLOSE); /* cut within a frame */
    add_reply(&fixture, FAKE_STREAM(EVENT("ADDED", "c", "21", "\"red\"")), FAKE_HANG);
    begin(&fixture);
    assert_false(store_is_filled(fixture.store));
    expect(&fixture, 2, "+a:red +b:red ~a:blue -b:red +c:red ", "WATCHING ");
    expect_request(&fixture, 0,
                   "GET /apis/test.io/v1/things?watch=1&allowWatchBookmarks=true" WATCH_LIST "&timeoutSeconds=", true);
    expect_request(&fixture, 0, SELECTOR, true);
    expect_request(&fixture, 0, "resourceVersion=", false);
    expect_request(&fixture, 1, "watch=1&allowWatchBookmarks=true&resourceVersion=20&timeoutSeconds=", true);
    assert_int_equal(fixture.skipped, 0);
    assert_int_equal(store_count(fixture.store), 2);
    assert_true(reflector_alive_ms(fixture.reflector) > 0);
    assert_string_equal(reflector_changed_version(fixture.reflector), "21");
    assert_string_equal(reflector_seen_version(fixture.reflector), "21");
    end(&fixture);
}

static void test_how_far_the_copy_goes(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    add_reply(&fixture, FAKE_STREAM(EVENT("ADDED", "a", "9", "\"red\"") EVENT("ADDED", "b", "11", "\"red\"")),
              FAKE_HANG);
    add_reply(&fixture,
              FAKE_STREAM(EVENT("ADDED", "a", "9", "\"red\"") EVENT("ADDED", "b", "7", "\"red\"") END_BOOKMARK("10")
                              EVENT("DELETED", "b", "13", "\"red\"") BOOKMARK("20")),
              FAKE_HANG);
    begin(&fixture);
    expect(&fixture, 1, "", "");
    assert_string_equal(reflector_changed_version(fixture.reflector), ""); /* it is not in the store yet */
    assert_string_equal(reflector_seen_version(fixture.reflector), "");
    reflector_rewind(fixture.reflector, "the database was restored");
    expect(&fixture, 2, "+a:red +b:red -b:red ", "SYNCING! WATCHING ");
    assert_string_equal(reflector_changed_version(fixture.reflector), "13");
    while (!text_equal(reflector_seen_version(fixture.reflector), "20")) {
        struct error err;
        assert_int_equal(loop_turn(fixture.loop, TURN_MS, &err), 0);
    }
    end(&fixture);
}

static void test_list_in_pages_on_a_server_without_watch_list(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    add_answer(&fixture, "422 Unprocessable Entity", "", STATUS("422", "Invalid"));
    add_answer(&fixture, "200 OK", "", LIST("100", "t/1+", ITEM("a", "\"red\"") "," ITEM("b", "\"red\"")));
    add_answer(&fixture, "200 OK", "", LIST("100", "", ITEM("c", "\"red\"")));
    add_reply(&fixture, FAKE_STREAM(EVENT("MODIFIED", "c", "101", "\"blue\"")), FAKE_HANG);
    begin(&fixture);
    expect(&fixture, 4, "+a:red +b:red +c:red ~c:blue ", "WATCHING ");
    expect_request(&fixture, 1, "?limit=500&resourceVersion=0&labelSelector=", true);
    expect_request(&fixture, 2, "?limit=500&continue=t%2F1%2B&labelSelector=", true);
    expect_request(&fixture, 3, "&resourceVersion=100&", true);
    expect_request(&fixture, 3, "sendInitialEvents", false);
    end(&fixture);
}

static void test_second_page_that_is_gone(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    add_answer(&fixture, "422 Unprocessable Entity", "", STATUS("422", "Invalid"));
    add_answer(&fixture, "200 OK", "", LIST("100", "t1", ITEM("a", "\"red\"")));
    add_answer(&fixture, "410 Gone", "",
               "{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\",\"metadata\":{\"continue\":\"fresh\"}}");
    add_answer(&fixture, "200 OK", "", LIST("120", "", ITEM("b", "\"red\"")));
    begin(&fixture);
    expect(&fixture, 5, "+b:red ", "");
    expect_request(&fixture, 3, "?resourceVersion=0&labelSelector=", true);
    expect_request(&fixture, 4, "&resourceVersion=120&", true);
    end(&fixture);
}

static void test_objects_that_cannot_be_read(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    add_reply(&fixture,
              FAKE_STREAM(EVENT("ADDED", "a", "5", "\"red\"") EVENT("ADDED", "bad", "6", "7") END_BOOKMARK("10")
                              EVENT("MODIFIED", "a", "11", "[]") EVENT("ADDED", "c", "12", "\"red\"")),
              FAKE_HANG);
    begin(&fixture);
    expect(&fixture, 1, "+a:red -a:red +c:red ", "WATCHING ");
    assert_int_equal(fixture.skipped, 2);
    assert_non_null(strstr(fixture.skipped_text, "ns/a"));
    end(&fixture);
}

static void test_gone_in_both_forms_on_a_watch(void **state)
{
    for (int form = 0; form < 2; form++) {
        struct fixture fixture = {0};
        (void) state;
        add_reply(&fixture, FAKE_STREAM(EVENT("ADDED", "a", "5", "\"red\"") END_BOOKMARK("10") BOOKMARK("11")),
                  FAKE_CLOSE);
        if (form == 0) {
            add_reply(&fixture, FAKE_STREAM(ERROR_EVENT("410", "Expired")), FAKE_HANG);
        } else {
            add_answer(&fixture, "410 Gone", "", STATUS("410", "Gone"));
        }
        add_reply(&fixture, FAKE_STREAM(ERROR_EVENT("410", "Expired")), FAKE_HANG);
        /* Meanwhile a was deleted and made again, and b came. */
        add_reply(
            &fixture,
            FAKE_STREAM("{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\",\"namespace\":\"ns\",\"uid\":"
                        "\"new\"},\"spec\":{\"color\":\"red\"}}}\n" EVENT("ADDED", "b", "30", "\"red\"")
                            END_BOOKMARK("40")),
            FAKE_HANG);
        begin(&fixture);
        expect(&fixture, 4, "+a:red -a:red +a:red +b:red ",
               form == 0 ? "WATCHING BEHIND! WATCHING " : "WATCHING BEHIND! WATCHING ");
        expect_request(&fixture, 1, "&resourceVersion=11&", true);
        expect_request(&fixture, 2, WATCH_LIST "&resourceVersion=11&", true); /* not back in time */
        expect_request(&fixture, 3, WATCH_LIST "&timeoutSeconds=", true);     /* but if that is gone too */
        end(&fixture);
    }
}

static void test_objects_deleted_while_away(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    add_reply(&fixture,
              FAKE_STREAM(EVENT("ADDED", "a", "5", "\"red\"") EVENT("ADDED", "b", "6", "\"red\"") END_BOOKMARK("10")),
              FAKE_RESET);
    add_answer(&fixture, "503 Service Unavailable", "", "<html>down</html>");
    add_reply(&fixture, FAKE_STREAM(EVENT("ADDED", "b", "6", "\"red\"") END_BOOKMARK("50")), FAKE_HANG);
    begin(&fixture);
    expect(&fixture, 3, "+a:red +b:red -a:red ", "WATCHING BEHIND! WATCHING ");
    end(&fixture);
}

static void test_watch_list_cut_before_its_end(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    add_reply(&fixture, FAKE_STREAM(EVENT("ADDED", "a", "5", "\"red\"") BOOKMARK("6")), FAKE_CLOSE);
    add_reply(&fixture, FAKE_STREAM(EVENT("ADDED", "b", "5", "\"red\"") END_BOOKMARK("10")), FAKE_HANG);
    begin(&fixture);
    expect(&fixture, 2, "+b:red ", "SYNCING! WATCHING "); /* nothing of the first try got in */
    end(&fixture);
}

/* The bookmark that ends the first events never comes, on a stream that goes on. */
static void test_watch_list_without_an_end(void **state)
{
    struct fixture fixture = {.sync_silence_ms = 100};
    (void) state;
    add_reply(&fixture, FAKE_STREAM(EVENT("ADDED", "a", "5", "\"red\"") BOOKMARK("6")), FAKE_HANG);
    add_reply(&fixture, FAKE_STREAM(EVENT("ADDED", "a", "5", "\"red\"")), FAKE_HANG);
    add_answer(&fixture, "200 OK", "", LIST("100", "", ITEM("b", "\"red\"")));
    add_reply(&fixture, FAKE_STREAM(EVENT("MODIFIED", "b", "101", "\"blue\"")), FAKE_HANG);
    begin(&fixture);
    expect(&fixture, 4, "+b:red ~b:blue ", "SYNCING! WATCHING ");
    assert_non_null(strstr(fixture.why, "WATCH things.test.io: the first events have no end"));
    expect_request(&fixture, 1, WATCH_LIST, true);
    expect_request(&fixture, 2, "sendInitialEvents", false);
    end(&fixture);
}

static void test_garbage(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    add_reply(&fixture, FAKE_STREAM(EVENT("ADDED", "a", "5", "\"red\"") END_BOOKMARK("10") "{\"type\":\n"), FAKE_HANG);
    add_reply(&fixture, FAKE_STREAM(EVENT("ADDED", "a", "5", "\"blue\"") END_BOOKMARK("11")), FAKE_HANG);
    begin(&fixture);
    expect(&fixture, 2, "+a:red ~a:blue ", "WATCHING BEHIND! WATCHING ");
    expect_request(&fixture, 1, WATCH_LIST "&resourceVersion=10&", true);
    end(&fixture);
}

static void test_frame_over_the_limit(void **state)
{
    struct fixture fixture = {0};
    size_t length = BOUND_WATCH_FRAME + 100;
    cleanup_free char *padding = xmalloc(length + 1);
    (void) state;
    memset(padding, 'x', length);
    padding[length] = '\0';
    cleanup_free char *stream = xasprintf("%s{\"type\":\"ADDED\",\"%s\":1}\n",
                                          FAKE_STREAM(EVENT("ADDED", "a", "5", "\"red\"") END_BOOKMARK("10")), padding);
    add_reply(&fixture, stream, FAKE_HANG);
    add_reply(&fixture, FAKE_STREAM(END_BOOKMARK("11")), FAKE_HANG);
    begin(&fixture);
    expect(&fixture, 2, "+a:red -a:red ", "WATCHING BEHIND! WATCHING ");
    end(&fixture);
}

static void test_kind_that_is_missing_then_comes(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    add_answer(&fixture, "404 Not Found", "", "404 page not found\n");
    add_answer(&fixture, "403 Forbidden", "", STATUS("403", "Forbidden"));
    add_reply(&fixture, FAKE_STREAM(EVENT("ADDED", "a", "5", "\"red\"") END_BOOKMARK("10")), FAKE_HANG);
    begin(&fixture);
    expect(&fixture, 1, "", "UNOBSERVED! ");
    assert_false(store_is_filled(fixture.store)); /* what comes later may be older than this process */
    assert_true(reflector_is_missing(fixture.reflector));
    expect(&fixture, 2, "", "UNOBSERVED! "); /* refused for a moment: that may be a server that starts */
    assert_true(reflector_is_missing(fixture.reflector));
    expect(&fixture, 3, "+a:red ", "UNOBSERVED! WATCHING ");
    assert_false(reflector_is_missing(fixture.reflector));
    assert_true(store_get(fixture.store, "ns", "a")->seen_in_first_replace);
    end(&fixture);
}

/* As a server does that has just started and does not know yet who may do what. */
static void test_refused_for_a_moment(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    add_reply(&fixture, FAKE_STREAM(EVENT("ADDED", "a", "5", "\"red\"") END_BOOKMARK("10")), FAKE_CLOSE);
    add_answer(&fixture, "403 Forbidden", "", STATUS("403", "Forbidden"));
    add_reply(&fixture, FAKE_STREAM(EVENT("ADDED", "a", "5", "\"red\"") END_BOOKMARK("11")), FAKE_HANG);
    begin(&fixture);
    expect(&fixture, 3, "+a:red ", "WATCHING BEHIND! WATCHING "); /* nothing was forgotten */
    end(&fixture);
}

static void test_busy_and_not_let_in(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    add_answer(&fixture, "401 Unauthorized", "", STATUS("401", "Unauthorized"));
    add_reply(&fixture, FAKE_STREAM(EVENT("ADDED", "a", "5", "\"red\"") END_BOOKMARK("10")), FAKE_CLOSE);
    add_answer(&fixture, "429 Too Many Requests", "Retry-After: 1\r\n", STATUS("429", "TooManyRequests"));
    add_reply(&fixture, FAKE_STREAM(EVENT("ADDED", "b", "11", "\"red\"")), FAKE_HANG);
    begin(&fixture);
    expect(&fixture, 4, "+a:red +b:red ", "SYNCING! WATCHING BEHIND! WATCHING ");
    expect_request(&fixture, 3, "allowWatchBookmarks=true&resourceVersion=10&", true); /* no relist */
    end(&fixture);
}

/* Somebody knows that the server is back: the pause of before is of no use, but what the server asks for counts. */
static void test_hurry(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    for (int i = 0; i < 2; i++) { /* a WatchList and a list */
        add_answer(&fixture, "500 Internal Server Error", "", STATUS("500", "InternalError"));
    }
    add_answer(&fixture, "429 Too Many Requests", "Retry-After: 1\r\n", STATUS("429", "TooManyRequests"));
    add_reply(&fixture, FAKE_STREAM(EVENT("ADDED", "a", "5", "\"red\"") END_BOOKMARK("10")), FAKE_HANG);
    begin(&fixture);
    expect(&fixture, 2, "", "SYNCING! ");
    int64_t began_ms = clock_now().monotonic_ms;
    reflector_hurry(fixture.reflector);
    expect(&fixture, 3, "", "SYNCING! ");
    int64_t refused_ms = clock_now().monotonic_ms;
    assert_in_range(refused_ms - began_ms, 0, 790);       /* the pause would have been 800 at the least */
    while (clock_now().monotonic_ms < refused_ms + 100) { /* the answer has come */
        expect(&fixture, 3, "", "SYNCING! ");
        assert_int_equal(loop_turn(fixture.loop, TURN_MS, NULL), 0);
    }
    reflector_hurry(fixture.reflector);
    expect(&fixture, 4, "+a:red ", "SYNCING! WATCHING ");
    assert_in_range(clock_now().monotonic_ms - refused_ms, 900, 2500);
    end(&fixture);
}

static void test_stop_in_the_middle(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    add_reply(&fixture, FAKE_STREAM(EVENT("ADDED", "a", "5", "\"red\"")), FAKE_HANG);
    begin(&fixture);
    expect(&fixture, 1, "", "");
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_watch_list_and_what_follows),
        cmocka_unit_test(test_how_far_the_copy_goes),
        cmocka_unit_test(test_list_in_pages_on_a_server_without_watch_list),
        cmocka_unit_test(test_second_page_that_is_gone),
        cmocka_unit_test(test_objects_that_cannot_be_read),
        cmocka_unit_test(test_gone_in_both_forms_on_a_watch),
        cmocka_unit_test(test_objects_deleted_while_away),
        cmocka_unit_test(test_watch_list_cut_before_its_end),
        cmocka_unit_test(test_watch_list_without_an_end),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_frame_over_the_limit),
        cmocka_unit_test(test_kind_that_is_missing_then_comes),
        cmocka_unit_test(test_refused_for_a_moment),
        cmocka_unit_test(test_busy_and_not_let_in),
        cmocka_unit_test(test_hurry),
        cmocka_unit_test(test_stop_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
