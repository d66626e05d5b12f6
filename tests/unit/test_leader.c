/* The leader with its driver and a client, against a scripted server: kube-algorithms 4 and 16.6. */
#include "proget/kube/leader.h"

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

enum { TURN_MS = 20, LIMIT_MS = 30000, SCRIPT_MAX = 16, RENEW_MS = 4000, RETRY_MS = 150 };

struct fixture {
    struct loop *loop;
    struct kube_client *client;
    struct fake_server *server;
    struct leader *leader;
    struct fake_reply replies[SCRIPT_MAX];
    size_t reply_count;
    int64_t renew_ms;       /* 0: RENEW_MS */
    bool releases, stops;   /* from within on_change */
    size_t calls_in_flight; /* when leadership ended */
    int released;
    struct buffer log; /* what was told: "+" begun, "-(why)" ended, "=holder" and "!" trouble, "." none of these */
};

#define LEASE(version, holder)                                                                                        \
    "{\"kind\":\"Lease\",\"apiVersion\":\"coordination.k8s.io/v1\",\"metadata\":{\"name\":\"l\",\"namespace\":"       \
    "\"ns\",\"resourceVersion\":\"" version "\",\"annotations\":{\"theirs\":\"kept\"}},\"spec\":{\"holderIdentity\":" \
    "\"" holder "\",\"leaseDurationSeconds\":15,\"acquireTime\":\"2026-11-22T07:00:00.000000Z\",\"renewTime\":"       \
    "\"2026-11-22T07:00:00.000000Z\",\"leaseTransitions\":4}}"
#define STATUS(code, reason) "{\"kind\":\"Status\",\"code\":" code ",\"reason\":\"" reason "\",\"message\":\"m\"}"
#define RESOURCE             "leases.coordination.k8s.io"
#define LEASES               "/apis/coordination.k8s.io/v1/namespaces/ns/leases"

static void add_answer(struct fixture *fixture, const char *status, const char *body)
{
    assert_true(fixture->reply_count < SCRIPT_MAX);
    fixture->replies[fixture->reply_count++] = (struct fake_reply){fake_answer(status, "", body), FAKE_KEEP};
}

static void add_not_found(struct fixture *fixture)
{
    add_answer(fixture, "404 Not Found", STATUS("404", "NotFound"));
}

static void add_conflict(struct fixture *fixture)
{
    add_answer(fixture, "409 Conflict", STATUS("409", "Conflict"));
}

static void add_lease(struct fixture *fixture, const char *lease)
{
    add_answer(fixture, "200 OK", lease);
}

/* No answer ever. */
static void add_silence(struct fixture *fixture)
{
    assert_true(fixture->reply_count < SCRIPT_MAX);
    fixture->replies[fixture->reply_count++] = (struct fake_reply){NULL, FAKE_HANG};
}

static void write_log(struct fixture *fixture, const char *prefix, const char *text)
{
    assert_int_equal(buffer_appendf(&fixture->log, "%s%s ", prefix, text), 0);
}

static void on_released(void *userdata)
{
    struct fixture *fixture = userdata;
    fixture->released++;
    assert_int_equal(buffer_appendf(&fixture->log, "released:%s", leader_holder(fixture->leader)), 0);
    leader_stop(fixture->leader);
    fixture->leader = NULL;
}

static void on_change(bool leads, const char *why, void *userdata)
{
    struct fixture *fixture = userdata;
    assert_int_equal(leads, why == NULL);
    assert_int_equal(leader_leads(fixture->leader, clock_now()), leads);
    write_log(fixture, leads ? "+" : "-", why ? why : "");
    fixture->calls_in_flight = kube_client_calls_in_flight(fixture->client);
    if (fixture->stops) {
        leader_stop(fixture->leader);
        fixture->leader = NULL;
    } else if (fixture->releases) {
        leader_release(fixture->leader, on_released, fixture);
    }
}

static void on_observed(const char *holder, const struct error *trouble, void *userdata)
{
    struct fixture *fixture = userdata;
    if (holder) {
        assert_string_equal(holder, leader_holder(fixture->leader));
        write_log(fixture, "=", holder);
    }
    if (trouble) {
        write_log(fixture, "!", trouble->text);
    }
    if (!holder && !trouble) {
        write_log(fixture, ".", "");
    }
}

static void begin(struct fixture *fixture)
{
    struct error err;
    assert_int_equal(loop_new(&fixture->loop, &err), 0);
    fixture->log = BUFFER_INIT(8192);
    fixture->server = fake_server_start(NULL, NULL, fixture->replies, fixture->reply_count);
    struct kube_config *config = xcalloc(1, sizeof(*config));
    config->server = xasprintf("http://127.0.0.1:%d", fake_server_port(fixture->server));
    config->source = xstrdup("test");
    assert_int_equal(kube_client_new(fixture->loop, config, &fixture->client, &err), 0);
    char identity[] = "us_1";
    const struct leader_options options = {
        .namespace_name = "ns",
        .name = "l",
        .identity = identity,
        .renew_ms = fixture->renew_ms ? fixture->renew_ms : RENEW_MS,
        .retry_ms = RETRY_MS,
        .on_change = on_change,
        .on_observed = on_observed,
        .userdata = fixture,
    };
    fixture->leader = leader_start(fixture->client, &options);
    memset(identity, 'x', sizeof(identity) - 1); /* it was copied */
    assert_int_equal(kube_client_calls_in_flight(fixture->client), 0);
}

static void end(struct fixture *fixture)
{
    leader_stop(fixture->leader);
    assert_int_equal(kube_client_calls_in_flight(fixture->client), 0);
    kube_client_free(fixture->client);
    fake_server_stop(fixture->server);
    loop_free(fixture->loop);
    buffer_free(&fixture->log);
    for (size_t i = 0; i < fixture->reply_count; i++) {
        free((void *) (uintptr_t) fixture->replies[i].text);
    }
}

/* Until the server was asked that often at least, and the owner was told that, which may be only its beginning. */
static void expect(struct fixture *fixture, size_t requests, const char *log)
{
    struct error err;
    int64_t deadline_ms = clock_now().monotonic_ms + LIMIT_MS;
    while (fake_server_requests(fixture->server) < requests || fixture->log.length < strlen(log)) {
        assert_int_equal(loop_turn(fixture->loop, TURN_MS, &err), 0);
        if (clock_now().monotonic_ms > deadline_ms) {
            break;
        }
    }
    if (fake_server_requests(fixture->server) < requests || !text_starts_with(buffer_text(&fixture->log), log)) {
        fail_msg("%zu requests, told \"%s\"", fake_server_requests(fixture->server), buffer_text(&fixture->log));
    }
}

static void expect_released(struct fixture *fixture)
{
    struct error err;
    int64_t deadline_ms = clock_now().monotonic_ms + LIMIT_MS;
    while (!fixture->released) {
        assert_int_equal(loop_turn(fixture->loop, TURN_MS, &err), 0);
        assert_true(clock_now().monotonic_ms < deadline_ms);
    }
    for (int i = 0; i < 5; i++) {
        assert_int_equal(loop_turn(fixture->loop, 0, &err), 0);
    }
    assert_int_equal(fixture->released, 1);
    assert_null(fixture->leader);
}

static void expect_request(struct fixture *fixture, size_t index, const char *line, const char *part)
{
    const char *request = fake_server_request(fixture->server, index);
    if (!text_starts_with(request, line) || !strstr(request, part)) {
        fail_msg("request %zu has no %s or no %s:\n%s", index, line, part, request);
    }
}

/* The Lease is empty, and is taken. */
static void add_acquisition(struct fixture *fixture)
{
    add_lease(fixture, LEASE("7", ""));
    add_lease(fixture, LEASE("8", "us_1"));
}

static void test_creates_and_renews(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    add_not_found(&fixture);
    add_answer(&fixture, "201 Created", LEASE("8", "us_1"));
    add_lease(&fixture, LEASE("9", "us_1"));
    add_lease(&fixture, LEASE("10", "us_1"));
    begin(&fixture);
    assert_false(leader_leads(fixture.leader, clock_now()));
    assert_string_equal(leader_holder(fixture.leader), "");
    expect(&fixture, 4, "+ ");
    expect_request(&fixture, 0, "GET " LEASES "/l HTTP", "");
    expect_request(&fixture, 1, "POST " LEASES " HTTP", "Content-Type: application/json\r\n");
    expect_request(&fixture, 1, "POST",
                   "\"metadata\":{\"name\":\"l\",\"namespace\":\"ns\"},\"spec\":{\"holderIdentity\":\"us_1\","
                   "\"leaseDurationSeconds\":15,\"acquireTime\":\"20");
    expect_request(&fixture, 1, "POST", "\"leaseTransitions\":0}}");
    expect_request(&fixture, 2, "PUT " LEASES "/l HTTP", "Content-Type: application/json\r\n");
    expect_request(&fixture, 2, "PUT", "\"resourceVersion\":\"8\",\"annotations\":{\"theirs\":\"kept\"}}");
    expect_request(&fixture, 2, "PUT", "\"acquireTime\":\"2026-11-22T07:00:00.000000Z\",\"renewTime\":\"20");
    expect_request(&fixture, 2, "PUT", "\"leaseTransitions\":4}}");
    expect_request(&fixture, 3, "PUT", "\"resourceVersion\":\"9\"");
    assert_int_equal(leader_transitions(fixture.leader), 4);
    assert_string_equal(leader_holder(fixture.leader), "us_1");
    assert_true(leader_is_healthy(fixture.leader, clock_now(), LEADER_HEALTH_TOLERANCE_MS));
    /* A process that was stopped for an hour knows it at once. */
    struct instant later = clock_now();
    assert_true(leader_leads(fixture.leader, later));
    later.monotonic_ms += INT64_C(3600000);
    assert_false(leader_leads(fixture.leader, later));
    assert_false(leader_is_healthy(fixture.leader, later, LEADER_HEALTH_TOLERANCE_MS));
    assert_string_equal(buffer_text(&fixture.log), "+ ");
    size_t count = 0;
    const struct kube_client_count *counts = kube_client_counts(fixture.client, &count);
    uint64_t updates = 0;
    for (size_t i = 0; i < count; i++) {
        updates += text_equal(counts[i].verb, "UPDATE") && counts[i].status == 200 ? counts[i].count : 0;
    }
    assert_true(updates >= 1);
    end(&fixture);
}

static void test_another_holds_it(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    add_lease(&fixture, LEASE("7", "them\\u001b[1m"));
    add_lease(&fixture, LEASE("7", "them\\u001b[1m"));
    add_lease(&fixture, LEASE("8", "others"));
    begin(&fixture);
    expect(&fixture, 3, "=them?[1m =others ");
    assert_false(leader_leads(fixture.leader, clock_now()));
    assert_string_equal(buffer_text(&fixture.log), "=them?[1m =others ");
    expect_request(&fixture, 2, "GET", "");
    end(&fixture);
}

static void test_trouble_is_told_once(void **state)
{
    static const struct {
        const char *status, *body, *told;
    } cases[] = {
        {"403 Forbidden", STATUS("403", "Forbidden"), "!GET " RESOURCE " ns/l: HTTP 403 Forbidden: m . "},
        /* Not the API server says so: nothing is created. */
        {"404 Not Found", "no such page", "!GET " RESOURCE " ns/l: HTTP 404"},
        {"200 OK", "{\"kind\":\"Lease\",\"metadata\":{}}", "!ns/l: resourceVersion of the Lease is none . "},
        {"200 OK", "{\"kind\":\"Lease\",\"metadata\":{\"resourceVersion\":\"1\"},\"spec\":7}",
         "!ns/l: spec of the Lease is no object . "},
    };
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        struct fixture fixture = {0};
        add_answer(&fixture, cases[i].status, cases[i].body);
        add_answer(&fixture, cases[i].status, cases[i].body);
        add_lease(&fixture, LEASE("7", ""));
        add_lease(&fixture, LEASE("8", "us_1"));
        add_silence(&fixture);
        begin(&fixture);
        expect(&fixture, 4, cases[i].told);
        expect_request(&fixture, 1, "GET", "");
        expect_request(&fixture, 2, "GET", "");
        expect_request(&fixture, 3, "PUT", "\"leaseTransitions\":5}}");
        expect(&fixture, 5, "");
        assert_true(text_ends_with(buffer_text(&fixture.log), " . + "));
        end(&fixture);
    }
}

static void test_creation_that_is_refused(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    add_not_found(&fixture);
    add_not_found(&fixture); /* the namespace */
    add_not_found(&fixture);
    add_answer(&fixture, "409 Conflict", STATUS("409", "AlreadyExists"));
    add_lease(&fixture, LEASE("7", "them"));
    begin(&fixture);
    expect(&fixture, 5, "!CREATE " RESOURCE " ns: HTTP 404 NotFound: m . =them ");
    expect_request(&fixture, 3, "POST", "");
    expect_request(&fixture, 4, "GET", "");
    end(&fixture);
}

static void test_conflict_on_the_fast_path(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    add_acquisition(&fixture);
    add_conflict(&fixture);
    add_lease(&fixture, LEASE("20", "us_1"));
    add_lease(&fixture, LEASE("21", "us_1"));
    begin(&fixture);
    expect(&fixture, 5, "+ ");
    expect_request(&fixture, 2, "PUT", "\"resourceVersion\":\"8\"");
    expect_request(&fixture, 3, "GET", "");
    expect_request(&fixture, 4, "PUT", "\"resourceVersion\":\"20\"");
    assert_string_equal(buffer_text(&fixture.log), "+ ");
    end(&fixture);
}

static void test_taken_by_another(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    add_acquisition(&fixture);
    add_conflict(&fixture);
    add_lease(&fixture, LEASE("20", "them"));
    begin(&fixture);
    expect(&fixture, 4, "+ =them -the lease is held by them ");
    assert_false(leader_leads(fixture.leader, clock_now()));
    end(&fixture);
}

/* The renewal gets no answer: it is cancelled when its time is over, and then the Lease is read before all else. */
static void test_loss(void **state)
{
    struct fixture fixture = {.renew_ms = 1500};
    (void) state;
    add_acquisition(&fixture);
    add_silence(&fixture);
    add_silence(&fixture);
    add_lease(&fixture, LEASE("9", "us_1"));
    begin(&fixture);
    int64_t began_ms = clock_now().monotonic_ms;
    expect(&fixture, 4, "+ -the lease was not renewed for 1 s");
    assert_true(clock_now().monotonic_ms - began_ms >= fixture.renew_ms + RETRY_MS);
    assert_int_equal(fixture.calls_in_flight, 0);
    assert_false(leader_leads(fixture.leader, clock_now()));
    expect_request(&fixture, 2, "PUT", "");
    expect_request(&fixture, 3, "GET", "");
    expect(&fixture, 5, "");
    expect_request(&fixture, 4, "GET", "");
    end(&fixture);
}

static void test_release(void **state)
{
    struct fixture fixture = {.releases = true};
    (void) state;
    add_acquisition(&fixture);
    add_lease(&fixture, LEASE("8", "us_1"));
    add_conflict(&fixture);
    add_lease(&fixture, LEASE("9", "us_1"));
    add_lease(&fixture, LEASE("10", ""));
    begin(&fixture);
    expect_released(&fixture);
    expect(&fixture, 6, "+ released:");
    assert_int_equal(fake_server_requests(fixture.server), 6);
    assert_string_equal(buffer_text(&fixture.log), "+ released:");
    expect_request(&fixture, 2, "GET", "");
    expect_request(&fixture, 3, "PUT", "\"resourceVersion\":\"8\"");
    expect_request(&fixture, 4, "GET", "");
    expect_request(&fixture, 5, "PUT", "\"resourceVersion\":\"9\"");
    expect_request(&fixture, 5, "PUT", "\"spec\":{\"holderIdentity\":\"\",\"leaseDurationSeconds\":1,");
    expect_request(&fixture, 5, "PUT", "\"leaseTransitions\":4}}");
    end(&fixture);
}

static void test_release_of_a_deleted_lease(void **state)
{
    struct fixture fixture = {.releases = true};
    (void) state;
    add_acquisition(&fixture);
    add_not_found(&fixture);
    begin(&fixture);
    expect_released(&fixture);
    expect(&fixture, 3, "+ released:");
    assert_int_equal(fake_server_requests(fixture.server), 3);
    assert_string_equal(buffer_text(&fixture.log), "+ released:");
    end(&fixture);
}

static void test_release_without_leading(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    begin(&fixture);
    leader_release(fixture.leader, on_released, &fixture);
    assert_int_equal(fixture.released, 0); /* from the loop */
    expect_released(&fixture);
    assert_int_equal(fake_server_requests(fixture.server), 0);
    end(&fixture);
}

/* A renewal is under way and is never answered, nor is anything else: bounded all the same. */
static void test_release_racing_a_renewal_without_an_answer(void **state)
{
    struct fixture fixture = {.renew_ms = 1500};
    (void) state;
    add_acquisition(&fixture);
    add_silence(&fixture);
    add_silence(&fixture);
    begin(&fixture);
    expect(&fixture, 3, "+ ");
    expect_request(&fixture, 2, "PUT", "");
    int64_t began_ms = clock_now().monotonic_ms;
    leader_release(fixture.leader, on_released, &fixture);
    assert_false(leader_leads(fixture.leader, clock_now()));
    expect_released(&fixture);
    assert_true(clock_now().monotonic_ms - began_ms >= fixture.renew_ms);
    expect_request(&fixture, 3, "GET", "");
    assert_string_equal(buffer_text(&fixture.log), "+ released:us_1");
    end(&fixture);
}

static void test_stop_from_within(void **state)
{
    struct fixture fixture = {.stops = true};
    (void) state;
    add_acquisition(&fixture);
    begin(&fixture);
    expect(&fixture, 2, "+ ");
    assert_null(fixture.leader);
    assert_int_equal(fake_server_requests(fixture.server), 2);
    end(&fixture);
}

static void test_stop_with_a_request_under_way(void **state)
{
    struct fixture fixture = {0};
    (void) state;
    add_silence(&fixture);
    begin(&fixture);
    expect(&fixture, 1, "");
    assert_int_equal(kube_client_calls_in_flight(fixture.client), 1);
    end(&fixture);
    leader_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_creates_and_renews),
        cmocka_unit_test(test_another_holds_it),
        cmocka_unit_test(test_trouble_is_told_once),
        cmocka_unit_test(test_creation_that_is_refused),
        cmocka_unit_test(test_conflict_on_the_fast_path),
        cmocka_unit_test(test_taken_by_another),
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_release),
        cmocka_unit_test(test_release_of_a_deleted_lease),
        cmocka_unit_test(test_release_without_leading),
        cmocka_unit_test(test_release_racing_a_renewal_without_an_answer),
        cmocka_unit_test(test_stop_from_within),
        cmocka_unit_test(test_stop_with_a_request_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
