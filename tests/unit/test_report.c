#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "proget/core/clock.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/model/report.h"

/* The contract's own example, design section 4, in the order in which it is written. */
static const char example[] =
    "{\"v\":1,\"product\":\"ProGet\",\"version\":\"2025.13 (Build 2)\",\"release\":\"25.0.13\","
    "\"os\":\"Debian GNU/Linux 12 (bookworm)\",\"node\":\"node-a\",\"ip\":\"10.1.0.7\","
    "\"health\":{\"state\":\"ok\",\"http\":200,\"database\":\"OK\",\"license\":\"OK\",\"service\":\"OK\","
    "\"detail\":null,\"replication\":null},\"web\":{\"answered\":\"2026-11-22T07:00:00Z\"},"
    "\"messenger\":{\"port\":33237,\"reachable\":true},\"key\":{\"source\":\"env\",\"form\":\"ok\","
    "\"fingerprint\":\"hmac-sha256:9f2c\",\"current\":\"hmac-sha256:9f2c\"},"
    "\"machine\":{\"id\":\"sha256:00\",\"cpu\":\"GenuineIntel/6/106/6\"},\"activation\":{\"reachable\":true}}";

static int parse(const char *text, struct report *report, struct error *err)
{
    return report_parse(text, strlen(text), report, err);
}

static void the_example_is_read_and_written_again(void **state)
{
    cleanup_report struct report report = {0};

    (void) state;
    assert_int_equal(parse(example, &report, NULL), 0);
    assert_string_equal(report.product, "ProGet");
    assert_string_equal(report.version, "2025.13 (Build 2)");
    assert_string_equal(report.release, "25.0.13");
    assert_string_equal(report.os, "Debian GNU/Linux 12 (bookworm)");
    assert_string_equal(report.node, "node-a");
    assert_string_equal(report.ip, "10.1.0.7");
    assert_int_equal(report.health.state, REPORT_HEALTH_OK);
    assert_int_equal(report.health.http, 200);
    assert_string_equal(report.health.license, "OK");
    assert_null(report.health.detail);
    assert_false(report.health.has_replication);
    assert_int_equal(report.web_answered_us, INT64_C(1795330800) * CLOCK_US_PER_SECOND);
    assert_int_equal(report.messenger.port, 33237);
    assert_int_equal(report.messenger.reachable, REPORT_TRUE);
    assert_string_equal(report.key.source, "env");
    assert_int_equal(report.key.form, KEY_OK);
    assert_string_equal(report.key.fingerprint, "hmac-sha256:9f2c");
    assert_string_equal(report.machine.cpu, "GenuineIntel/6/106/6");
    assert_int_equal(report.activation_reachable, REPORT_TRUE);
    cleanup_free char *written = report_format(&report);
    assert_string_equal(written, example);
}

static void what_is_unknown_is_left_out(void **state)
{
    struct report report = {0};

    (void) state;
    cleanup_free char *nothing = report_format(&report);
    assert_string_equal(nothing, "{\"v\":1}");
    report.health.state = REPORT_HEALTH_UNREACHABLE;
    report.messenger.reachable = REPORT_FALSE;
    report.key.form = KEY_ABSENT;
    cleanup_free char *little = report_format(&report);
    assert_string_equal(little, "{\"v\":1,\"health\":{\"state\":\"unreachable\",\"detail\":null,\"replication\":null},"
                                "\"messenger\":{\"reachable\":false},\"key\":{\"form\":\"absent\"}}");
}

static void replication_and_details_go_both_ways(void **state)
{
    static const char text[] =
        "{\"v\":1,\"health\":{\"state\":\"error\",\"http\":500,\"database\":\"Error\",\"detail\":\"database: gone\","
        "\"databaseDetail\":\"gone\",\"replication\":{\"server\":\"OK\",\"client\":\"Error\",\"detail\":\"no way\"}}}";
    cleanup_report struct report report = {0};

    (void) state;
    assert_int_equal(parse(text, &report, NULL), 0);
    assert_int_equal(report.health.state, REPORT_HEALTH_ERROR);
    assert_true(report.health.has_replication);
    assert_string_equal(report.health.replication_client, "Error");
    assert_string_equal(report.health.database_detail, "gone");
    cleanup_free char *written = report_format(&report);
    assert_string_equal(written, text);
}

static void missing_and_unknown_members_are_no_error(void **state)
{
    static const char *const cases[] = {
        "{}",
        "{\"v\":1}",
        " {\"v\":1,\"future\":{\"a\":[1,2]},\"health\":{\"state\":\"sleepy\",\"mood\":1}} ",
        "{\"v\":1,\"product\":null,\"health\":null,\"key\":{\"form\":null}}",
        "{\"v\":1,\"key\":{\"form\":\"new\"},\"messenger\":{\"port\":70000},\"health\":{\"http\":-1}}",
    };

    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_report struct report report = {0};
        assert_int_equal(parse(cases[i], &report, NULL), 0);
        assert_null(report.product);
        assert_int_equal(report.health.state, REPORT_HEALTH_UNKNOWN);
        assert_int_equal(report.health.http, 0);
        assert_int_equal(report.key.form, KEY_UNKNOWN);
        assert_int_equal(report.messenger.port, 0);
        assert_int_equal(report.activation_reachable, REPORT_UNKNOWN);
    }
}

static void what_is_wrong_is_refused_by_name(void **state)
{
    static const struct {
        const char *text, *named;
    } cases[] = {
        {"", "report"},
        {"null", "not a JSON object"},
        {"[]", "not a JSON object"},
        {"\"v\"", "not a JSON object"},
        {"{\"v\":1", "report"},
        {"{\"v\":1}x", "report"},
        {"{\"v\":2}", "version 2"},
        {"{\"v\":\"1\"}", "'v'"},
        {"{\"product\":1}", "'product'"},
        {"{\"health\":\"ok\"}", "'health'"},
        {"{\"health\":{\"state\":true}}", "'health.state'"},
        {"{\"health\":{\"http\":\"200\"}}", "'health.http'"},
        {"{\"health\":{\"http\":200.5}}", "'health.http'"},
        {"{\"health\":{\"replication\":[]}}", "'health.replication'"},
        {"{\"health\":{\"replication\":{\"server\":0}}}", "'health.replication.server'"},
        {"{\"web\":{\"answered\":\"yesterday\"}}", "'web.answered'"},
        {"{\"web\":{\"answered\":1}}", "'web.answered'"},
        {"{\"messenger\":[]}", "'messenger'"},
        {"{\"messenger\":{\"reachable\":\"yes\"}}", "'messenger.reachable'"},
        {"{\"key\":{\"form\":1}}", "'key.form'"},
        {"{\"machine\":7}", "'machine'"},
        {"{\"activation\":true}", "'activation'"},
    };

    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        struct report report = {.product = NULL, .web_answered_us = 42};
        struct error err = {.text = ""};
        assert_int_equal(parse(cases[i].text, &report, &err), ERROR_BAD_INPUT);
        assert_int_equal(report.web_answered_us, 42);
        assert_non_null(strstr(err.text, cases[i].named));
    }
}

static void a_report_that_is_too_large_is_not_read(void **state)
{
    cleanup_free char *text = xmalloc(BOUND_REPORT_BYTES + 1);
    struct report report = {0};

    (void) state;
    memset(text, ' ', BOUND_REPORT_BYTES + 1);
    memcpy(text, "{\"v\":1}", 7);
    assert_int_equal(report_parse(text, BOUND_REPORT_BYTES, &report, NULL), 0);
    assert_int_equal(report_parse(text, BOUND_REPORT_BYTES + 1, &report, NULL), ERROR_TOO_LARGE);
}

static void texts_of_others_are_made_printable_and_cut(void **state)
{
    char text[4096];
    cleanup_report struct report report = {0};

    (void) state;
    (void) snprintf(text, sizeof text, "{\"product\":\"a\\u001b[2Jb\\nc\\u202ed\",\"version\":\"%0600d\"}", 0);
    assert_int_equal(parse(text, &report, NULL), 0);
    assert_string_equal(report.product, "a?[2Jb?c?d");
    assert_int_equal(strlen(report.version), 512);
    assert_true(text_ends_with(report.version, "..."));
}

/* Whatever the texts hold: each the longest and the most expensive one to write. */
static void a_written_report_fits_and_can_be_read(void **state)
{
    static const char *const fills[] = {"\\", "\"", "x", "\x01", "\xe2\x82\xac", "\xff"};

    (void) state;
    for (size_t i = 0; i < array_length(fills); i++) {
        cleanup_free char *longest = xmalloc(64 * 1024);
        longest[0] = '\0';
        for (size_t at = 0; at + strlen(fills[i]) < 60000; at += strlen(fills[i])) {
            memcpy(longest + at, fills[i], strlen(fills[i]) + 1);
        }
        struct report report = {
            .product = longest,
            .version = longest,
            .release = longest,
            .os = longest,
            .node = longest,
            .ip = longest,
            .health = {.state = REPORT_HEALTH_ERROR,
                       .http = 500,
                       .database = longest,
                       .license = longest,
                       .service = longest,
                       .detail = longest,
                       .database_detail = longest,
                       .license_detail = longest,
                       .service_detail = longest,
                       .has_replication = true,
                       .replication_server = longest,
                       .replication_client = longest,
                       .replication_detail = longest},
            .web_answered_us = 1,
            .messenger = {.port = 65535, .reachable = REPORT_FALSE},
            .key = {.source = longest, .form = KEY_UNREADABLE, .fingerprint = longest, .current = longest},
            .machine = {.id = longest, .cpu = longest},
            .activation_reachable = REPORT_FALSE,
        };
        cleanup_free char *written = report_format(&report);
        assert_true(strlen(written) < BOUND_REPORT_BYTES);
        assert_null(strchr(written, '\n'));
        cleanup_report struct report again = {0};
        assert_int_equal(parse(written, &again, NULL), 0);
        assert_non_null(again.machine.cpu);
        assert_true(strlen(again.version) >= strlen(again.health.detail)); /* details are cut first */
    }
}

static void details_are_cut_before_anything_else(void **state)
{
    char name[513];
    char detail[513];

    (void) state;
    memset(name, 'n', 512);
    name[512] = '\0';
    memset(detail, '"', 512);
    detail[512] = '\0';
    struct report report = {
        .product = name,
        .version = name,
        .node = name,
        .os = name,
        .health = {.state = REPORT_HEALTH_ERROR,
                   .detail = detail,
                   .database_detail = detail,
                   .license_detail = detail,
                   .service_detail = detail,
                   .has_replication = true,
                   .replication_detail = detail},
        .key = {.source = name, .fingerprint = name, .current = name},
    };
    cleanup_free char *written = report_format(&report);
    cleanup_report struct report again = {0};
    assert_true(strlen(written) < BOUND_REPORT_BYTES);
    assert_int_equal(parse(written, &again, NULL), 0);
    assert_string_equal(again.version, name);
    assert_string_equal(again.key.current, name);
    assert_true(strlen(again.health.detail) < 512);
    assert_true(text_ends_with(again.health.detail, "..."));
}

static void every_prefix_is_refused_or_read(void **state)
{
    (void) state;
    for (size_t length = 0; length < strlen(example); length++) {
        cleanup_free char *exact = xmalloc(length);
        struct report report = {0};
        memcpy(exact, example, length);
        assert_int_equal(report_parse(exact, length, &report, NULL), ERROR_BAD_INPUT);
    }
}

static void lease_names_follow_the_pod(void **state)
{
    char pod[254];

    (void) state;
    cleanup_free char *short_name = report_lease_name("proget-0");
    assert_string_equal(short_name, "proget-proget-0");

    memset(pod, 'a', sizeof pod);
    pod[233] = '\0';
    cleanup_free char *longest_whole = report_lease_name(pod);
    assert_int_equal(strlen(longest_whole), 240);
    assert_true(text_ends_with(longest_whole, "aaaa"));

    pod[233] = 'a';
    pod[253] = '\0';
    cleanup_free char *hashed = report_lease_name(pod);
    assert_int_equal(strlen(hashed), 240);
    assert_true(text_starts_with(hashed, "proget-aaaa"));
    assert_true(text_ends_with(hashed, "a-32859a3ab65ac529"));

    /* No label of the name may end in '-' or be empty. */
    pod[210] = '.';
    pod[214] = pod[215] = '-';
    pod[213] = '.';
    cleanup_free char *trimmed = report_lease_name(pod);
    assert_true(strlen(trimmed) < 240);
    assert_true(text_starts_with(strrchr(trimmed, '-') - 1, "a-"));
    pod[252] = 'b';
    cleanup_free char *other = report_lease_name(pod);
    assert_string_not_equal(trimmed, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_read_and_written_again),
        cmocka_unit_test(what_is_unknown_is_left_out),
        cmocka_unit_test(replication_and_details_go_both_ways),
        cmocka_unit_test(missing_and_unknown_members_are_no_error),
        cmocka_unit_test(what_is_wrong_is_refused_by_name),
        cmocka_unit_test(a_report_that_is_too_large_is_not_read),
        cmocka_unit_test(texts_of_others_are_made_printable_and_cut),
        cmocka_unit_test(a_written_report_fits_and_can_be_read),
        cmocka_unit_test(details_are_cut_before_anything_else),
        cmocka_unit_test(every_prefix_is_refused_or_read),
        cmocka_unit_test(lease_names_follow_the_pod),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
