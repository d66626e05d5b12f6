#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../../sidecar/health_answer.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

#define REPORT_START "{\"applicationName\":\"ProGet\","
#define GOOD                                                                                                          \
    "\"databaseStatus\":\"OK\",\"databaseStatusDetails\":null,\"licenseStatus\":\"OK\",\"licenseStatusDetail\":null," \
    "\"serviceStatus\":\"OK\",\"serviceStatusDetail\":null,"
#define REPORT_END                                                                                                     \
    "\"versionNumber\":\"2025.13 (Build 2)\",\"releaseNumber\":\"25.0.13\",\"extensionsInstalled\":{\"Git\":\"1.2\"}," \
    "\"replicationStatus\":null}"

/* One form of an answer and what it is read as. NULL: not there. */
struct form {
    int64_t status;
    const char *body, *location;
    enum report_health state;
    bool is_plain, is_report;
    const char *detail; /* the whole, or a part where it begins with '~' */
    const char *version;
};

static const struct form forms[] = {
    /* 2026 and later */
    {200, "OK", NULL, REPORT_HEALTH_OK, true, false, NULL, NULL},
    {200, "OK\r\n", NULL, REPORT_HEALTH_OK, true, false, NULL, NULL},
    {200, "\xef\xbb\xbfOK", NULL, REPORT_HEALTH_OK, true, false, NULL, NULL},
    {500, "The database cannot be reached.", NULL, REPORT_HEALTH_ERROR, true, false, "The database cannot be reached.",
     NULL},
    {500, " line one\r\n\tline two\n", NULL, REPORT_HEALTH_ERROR, true, false, "line one line two", NULL},
    {500, "a\x1b[31mb", NULL, REPORT_HEALTH_ERROR, true, false, "a?[31mb", NULL},
    /* 2025 and earlier */
    {200, REPORT_START GOOD REPORT_END, NULL, REPORT_HEALTH_OK, false, true, NULL, "2025.13 (Build 2)"},
    {200, "\xef\xbb\xbf " REPORT_START GOOD REPORT_END, NULL, REPORT_HEALTH_OK, false, true, NULL, "2025.13 (Build 2)"},
    {500,
     REPORT_START "\"databaseStatus\":\"Error\",\"databaseStatusDetails\":\"timeout\",\"licenseStatus\":\"Error\","
                  "\"licenseStatusDetail\":\"not activated\"," REPORT_END,
     NULL, REPORT_HEALTH_ERROR, false, true, "database: timeout", "2025.13 (Build 2)"},
    {500, REPORT_START "\"licenseStatus\":\"error\"," REPORT_END, NULL, REPORT_HEALTH_ERROR, false, true,
     "license: Error", "2025.13 (Build 2)"},
    {200, REPORT_START "\"serviceStatus\":\"Error\",\"serviceStatusDetail\":\"stopped\"," REPORT_END, NULL,
     REPORT_HEALTH_ERROR, false, true, "service: stopped", "2025.13 (Build 2)"},
    {500, REPORT_START GOOD REPORT_END, NULL, REPORT_HEALTH_ERROR, false, true, "HTTP 500, no component in error",
     "2025.13 (Build 2)"},
    {200, "{\"databaseStatus\":\"OK\"}", NULL, REPORT_HEALTH_OK, false, true, NULL, NULL},
    {200, "{\"versionNumber\":7,\"databaseStatus\":[],\"applicationName\":\"ProGet\"}", NULL, REPORT_HEALTH_OK, false,
     true, NULL, NULL},
    /* strangers */
    {200, "{}", NULL, REPORT_HEALTH_ERROR, false, false, "~some other JSON", NULL},
    {200, "{\"status\":\"UP\"}", NULL, REPORT_HEALTH_ERROR, false, false, "~some other JSON", NULL},
    {200, "{\"versionNumber\":", NULL, REPORT_HEALTH_ERROR, false, false, "~malformed JSON", NULL},
    {500, "{\"versionNumber\":\"\xff\"}", NULL, REPORT_HEALTH_ERROR, false, false, "~malformed JSON", NULL},
    {200, "<!DOCTYPE html><title>Sign in</title>", NULL, REPORT_HEALTH_ERROR, false, false, "~HTTP 200 with a page",
     NULL},
    {500, "  <html>", NULL, REPORT_HEALTH_ERROR, false, false, "~HTTP 500 with a page", NULL},
    {200, "", NULL, REPORT_HEALTH_ERROR, false, false, "~empty body", NULL},
    {500, " \r\n", NULL, REPORT_HEALTH_ERROR, false, false, "~empty body", NULL},
    {204, "", NULL, REPORT_HEALTH_ERROR, false, false, "~HTTP 204", NULL},
    {200, "OKAY", NULL, REPORT_HEALTH_ERROR, false, false, "HTTP 200: OKAY", NULL},
    {200, "ok", NULL, REPORT_HEALTH_ERROR, false, false, "HTTP 200: ok", NULL},
    {404, "not here", NULL, REPORT_HEALTH_ERROR, false, false, "HTTP 404: not here", NULL},
    {503, "Service Unavailable", NULL, REPORT_HEALTH_ERROR, false, false, "HTTP 503: Service Unavailable", NULL},
    {302, "moved", "https://elsewhere/health", REPORT_HEALTH_ERROR, false, false,
     "~HTTP 302: redirected to https://elsewhere/health", NULL},
    {301, "", NULL, REPORT_HEALTH_ERROR, false, false, "~HTTP 301: redirected instead", NULL},
    {200, "\x00\x01\xfe\xff garbage", NULL, REPORT_HEALTH_ERROR, false, false, "~empty body", NULL},
    {200, "\x01\xfe\xff garbage", NULL, REPORT_HEALTH_ERROR, false, false, "~garbage", NULL},
};

static void every_form_is_read(void **state)
{
    (void) state;
    for (size_t i = 0; i < array_length(forms); i++) {
        const struct form *form = &forms[i];
        struct health_http http = {
            .status = form->status, .body = form->body, .length = strlen(form->body), .location = form->location};
        cleanup_health_answer struct health_answer answer = {0};
        health_answer_read(&http, &answer);
        assert_int_equal(answer.facts.health.state, form->state);
        assert_int_equal(answer.facts.health.http, form->status);
        assert_int_equal(answer.is_plain, form->is_plain);
        assert_int_equal(answer.is_report, form->is_report);
        if (!form->detail) {
            assert_null(answer.facts.health.detail);
        } else if (form->detail[0] == '~') {
            assert_non_null(answer.facts.health.detail);
            assert_non_null(strstr(answer.facts.health.detail, form->detail + 1));
        } else {
            assert_string_equal(answer.facts.health.detail, form->detail);
        }
        assert_true(text_equal(answer.facts.version, form->version));
    }
}

static void members_of_the_json_form_are_all_read(void **state)
{
    static const char body[] =
        "{\"applicationName\":\"Otter\",\"databaseStatus\":\"ok\",\"databaseStatusDetails\":\"slow\","
        "\"licenseStatus\":\"Error\",\"licenseStatusDetail\":\"License is not activated.\",\"serviceStatus\":\"Odd\","
        "\"versionNumber\":\"2024.1\",\"releaseNumber\":\"24.0.1\",\"replicationStatus\":{\"serverStatus\":null,"
        "\"clientStatus\":\"Error\",\"clientError\":\"no way\",\"incoming\":[],\"outgoing\":[1]}}";
    struct health_http http = {.status = 500, .body = body, .length = sizeof body - 1};
    cleanup_health_answer struct health_answer answer = {0};

    (void) state;
    health_answer_read(&http, &answer);
    assert_string_equal(answer.facts.product, "Otter");
    assert_string_equal(answer.facts.release, "24.0.1");
    assert_string_equal(answer.facts.health.database, "OK");
    assert_string_equal(answer.facts.health.database_detail, "slow");
    assert_string_equal(answer.facts.health.license, "Error");
    assert_string_equal(answer.facts.health.license_detail, "License is not activated.");
    assert_string_equal(answer.facts.health.detail, "license: License is not activated.");
    assert_string_equal(answer.facts.health.service, "Odd");
    assert_null(answer.facts.health.service_detail);
    assert_true(answer.facts.health.has_replication);
    assert_null(answer.facts.health.replication_server);
    assert_string_equal(answer.facts.health.replication_client, "Error");
    assert_string_equal(answer.facts.health.replication_detail, "no way");
}

static void replication_in_error_alone_is_no_error_of_the_server(void **state)
{
    static const char body[] = "{\"databaseStatus\":\"OK\",\"replicationStatus\":{\"serverStatus\":\"Error\"}}";
    struct health_http http = {.status = 200, .body = body, .length = sizeof body - 1};
    cleanup_health_answer struct health_answer answer = {0};

    (void) state;
    health_answer_read(&http, &answer);
    assert_int_equal(answer.facts.health.state, REPORT_HEALTH_OK);
    assert_string_equal(answer.facts.health.replication_server, "Error");
}

static void a_cut_body_is_never_healthy(void **state)
{
    static const char *const bodies[] = {"OK", REPORT_START GOOD REPORT_END, "<html>"};

    (void) state;
    for (size_t i = 0; i < array_length(bodies); i++) {
        struct health_http http = {.status = 200, .body = bodies[i], .length = strlen(bodies[i]), .is_cut = true};
        cleanup_health_answer struct health_answer answer = {0};
        health_answer_read(&http, &answer);
        assert_int_equal(answer.facts.health.state, REPORT_HEALTH_ERROR);
        assert_non_null(answer.facts.health.detail);
        assert_false(answer.is_report);
    }
}

static void texts_are_bounded_whatever_the_body(void **state)
{
    cleanup_free char *body = xmalloc(BOUND_HEALTH_BODY);
    cleanup_health_answer struct health_answer answer = {0};

    (void) state;
    memset(body, 'x', BOUND_HEALTH_BODY);
    struct health_http http = {.status = 500, .body = body, .length = BOUND_HEALTH_BODY};
    health_answer_read(&http, &answer);
    assert_int_equal(strlen(answer.facts.health.detail), 512);
}

static void every_prefix_can_be_read(void **state)
{
    static const char body[] = REPORT_START GOOD REPORT_END;

    (void) state;
    for (size_t length = 0; length < sizeof body; length++) {
        cleanup_free char *exact = xmalloc(length);
        cleanup_health_answer struct health_answer answer = {0};
        memcpy(exact, body, length);
        struct health_http http = {.status = 200, .body = exact, .length = length};
        health_answer_read(&http, &answer);
        assert_int_equal(answer.facts.health.state, length == sizeof body - 1 ? REPORT_HEALTH_OK : REPORT_HEALTH_ERROR);
    }
}

static void read_text(int64_t status, const char *body, struct health_answer *answer)
{
    struct health_http http = {.status = status, .body = body, .length = strlen(body)};
    health_answer_read(&http, answer);
}

static void details_complete_a_plain_answer(void **state)
{
    cleanup_health_answer struct health_answer answer = {0};
    cleanup_health_answer struct health_answer details = {0};

    (void) state;
    read_text(200, "OK", &answer);
    read_text(200, REPORT_START GOOD REPORT_END, &details);
    health_answer_merge(&answer, &details);
    assert_int_equal(answer.facts.health.state, REPORT_HEALTH_OK);
    assert_string_equal(answer.facts.release, "25.0.13");
    assert_string_equal(answer.facts.health.service, "OK");
    assert_null(details.facts.release);
}

static void the_first_answer_is_what_counts(void **state)
{
    cleanup_health_answer struct health_answer answer = {0};
    cleanup_health_answer struct health_answer details = {0};

    (void) state;
    read_text(500, "disk full", &answer);
    read_text(200, REPORT_START GOOD REPORT_END, &details);
    health_answer_merge(&answer, &details);
    assert_int_equal(answer.facts.health.state, REPORT_HEALTH_ERROR);
    assert_int_equal(answer.facts.health.http, 500);
    assert_string_equal(answer.facts.health.detail, "disk full");
    assert_string_equal(answer.facts.release, "25.0.13");
}

static void details_that_are_no_report_change_nothing(void **state)
{
    static const char *const bodies[] = {"OK", "<html>", "{}"};

    (void) state;
    for (size_t i = 0; i < array_length(bodies); i++) {
        cleanup_health_answer struct health_answer answer = {0};
        cleanup_health_answer struct health_answer details = {0};
        read_text(200, "OK", &answer);
        read_text(200, bodies[i], &details);
        health_answer_merge(&answer, &details);
        assert_int_equal(answer.facts.health.state, REPORT_HEALTH_OK);
        assert_null(answer.facts.health.detail);
    }
    cleanup_health_answer struct health_answer alone = {0};
    cleanup_health_answer struct health_answer silence = {0};
    read_text(500, "disk full", &alone);
    health_answer_unreachable("no answer within 10 s", &silence);
    assert_int_equal(silence.facts.health.state, REPORT_HEALTH_UNREACHABLE);
    health_answer_merge(&alone, &silence);
    assert_string_equal(alone.facts.health.detail, "disk full");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read),
        cmocka_unit_test(members_of_the_json_form_are_all_read),
        cmocka_unit_test(replication_in_error_alone_is_no_error_of_the_server),
        cmocka_unit_test(a_cut_body_is_never_healthy),
        cmocka_unit_test(texts_are_bounded_whatever_the_body),
        cmocka_unit_test(every_prefix_can_be_read),
        cmocka_unit_test(details_complete_a_plain_answer),
        cmocka_unit_test(the_first_answer_is_what_counts),
        cmocka_unit_test(details_that_are_no_report_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
