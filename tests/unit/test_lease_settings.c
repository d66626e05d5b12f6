#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../../sidecar/lease_settings.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

#define NAME(short_name) "\"proget-operator.io/" short_name "\":"

struct refusals {
    int count;
    char last[256];
};

static void on_refused(const char *name, const char *value, const char *expected, void *userdata)
{
    struct refusals *refusals = userdata;
    refusals->count++;
    cleanup_free char *last = xasprintf("%s=%s (%s)", name, value, expected);
    text_copy_cut(refusals->last, sizeof refusals->last, last);
}

static bool read_text(struct lease_settings *settings, const char *json, struct refusals *refusals)
{
    cleanup_json struct json_object *annotations = NULL;
    assert_int_equal(json_parse(json, strlen(json), &annotations, NULL), 0);
    return lease_settings_read(settings, annotations, on_refused, refusals);
}

static void defaults_hold_until_settings_arrive(void **state)
{
    struct lease_settings settings;
    struct refusals refusals = {0};

    (void) state;
    lease_settings_init(&settings);
    assert_int_equal(settings.interval_seconds, 30);
    assert_int_equal(settings.stale_after_seconds, 300);
    assert_int_equal(settings.internet, INTERNET_UNTOLD);
    assert_int_equal(settings.messenger_port, 0);
    assert_string_equal(settings.activation_host, "my.inedo.com");
    assert_false(lease_settings_read(&settings, NULL, on_refused, &refusals));
    assert_false(read_text(&settings, "{\"proget-operator.io/report\":\"{}\"}", &refusals));
    assert_false(settings.arrived);
    assert_int_equal(refusals.count, 0);
}

static void settings_are_read_once(void **state)
{
    static const char json[] = "{" NAME("interval-seconds") "\"5\"," NAME("stale-after-seconds") "\"20\"," NAME(
        "internet-access") "\"Blocked\"," NAME("activation-host") "\"proxy.example:8443\"," NAME("messenger-"
                                                                                                 "port") "\"400"
                                                                                                         "0\"}";
    struct lease_settings settings;
    struct refusals refusals = {0};

    (void) state;
    lease_settings_init(&settings);
    assert_true(read_text(&settings, json, &refusals));
    assert_true(settings.arrived);
    assert_int_equal(settings.interval_seconds, 5);
    assert_int_equal(settings.stale_after_seconds, 20);
    assert_int_equal(settings.internet, INTERNET_BLOCKED);
    assert_string_equal(settings.activation_host, "proxy.example:8443");
    assert_int_equal(settings.messenger_port, 4000);
    assert_false(read_text(&settings, json, &refusals));
    /* Gone again, as after the Lease was created anew: what was told stays. */
    assert_false(read_text(&settings, "{}", &refusals));
    assert_int_equal(settings.internet, INTERNET_BLOCKED);
    assert_true(read_text(&settings, "{" NAME("internet-access") "\"Auto\"}", &refusals));
    assert_int_equal(settings.internet, INTERNET_AUTO);
    assert_int_equal(settings.interval_seconds, 5);
    assert_int_equal(refusals.count, 0);
}

static void hostile_values_are_named_once_and_change_nothing(void **state)
{
    static const char *const cases[] = {
        NAME("interval-seconds") "\"0\"",
        NAME("interval-seconds") "\"3601\"",
        NAME("interval-seconds") "\"-5\"",
        NAME("interval-seconds") "\"5s\"",
        NAME("interval-seconds") "\" 5\"",
        NAME("interval-seconds") "\"\"",
        NAME("interval-seconds") "\"99999999999999999999999\"",
        NAME("stale-after-seconds") "\"0\"",
        NAME("stale-after-seconds") "\"604801\"",
        NAME("internet-access") "\"allowed\"",
        NAME("internet-access") "\"untold\"",
        NAME("activation-host") "\"\"",
        NAME("activation-host") "\"-a\"",
        NAME("activation-host") "\"a..b\"",
        NAME("activation-host") "\".a\"",
        NAME("activation-host") "\"user@host\"",
        NAME("activation-host") "\"host/path\"",
        NAME("activation-host") "\"host?x\"",
        NAME("activation-host") "\"host name\"",
        NAME("activation-host") "\"host:0\"",
        NAME("activation-host") "\"host:65536\"",
        NAME("activation-host") "\"host:\"",
        NAME("activation-host") "\"host:1:2\"",
        NAME("activation-host") "\"h\\u001b[2J\"",
        NAME("activation-host") "\"h\\u00f6st\"",
        NAME("activation-host") "\"file:///etc/passwd\"",
        NAME("messenger-port") "\"0\"",
        NAME("messenger-port") "\"65536\"",
    };

    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        struct lease_settings settings;
        struct lease_settings before;
        struct refusals refusals = {0};
        cleanup_free char *json = xasprintf("{%s}", cases[i]);
        lease_settings_init(&settings);
        before = settings;
        assert_false(read_text(&settings, json, &refusals));
        assert_int_equal(refusals.count, 1);
        assert_true(text_starts_with(refusals.last, "proget-operator.io/"));
        assert_null(strchr(refusals.last, '\x1b'));
        before.seen_hash = settings.seen_hash;
        assert_memory_equal(&before, &settings, sizeof before);
        assert_false(read_text(&settings, json, &refusals));
        assert_int_equal(refusals.count, 1); /* said once */
    }
}

static void a_good_value_counts_beside_a_bad_one(void **state)
{
    struct lease_settings settings;
    struct refusals refusals = {0};

    (void) state;
    lease_settings_init(&settings);
    assert_true(read_text(&settings, "{" NAME("interval-seconds") "\"never\"," NAME("internet-access") "\"Allowed\"}",
                          &refusals));
    assert_int_equal(refusals.count, 1);
    assert_string_equal(refusals.last, "proget-operator.io/interval-seconds=never (a whole number from 1 to 3600)");
    assert_int_equal(settings.internet, INTERNET_ALLOWED);
    assert_int_equal(settings.interval_seconds, 30);
}

static void a_host_may_be_as_long_as_dns_allows(void **state)
{
    char host[512];
    struct lease_settings settings;
    struct refusals refusals = {0};

    (void) state;
    lease_settings_init(&settings);
    memset(host, 'a', sizeof host);
    host[253] = '\0';
    cleanup_free char *longest = xasprintf("{" NAME("activation-host") "\"%s:65535\"}", host);
    assert_true(read_text(&settings, longest, &refusals));
    assert_int_equal(strlen(settings.activation_host), 259);
    host[253] = 'a';
    host[254] = '\0';
    cleanup_free char *longer = xasprintf("{" NAME("activation-host") "\"%s\"}", host);
    assert_false(read_text(&settings, longer, &refusals));
    cleanup_free char *zeros = xasprintf("{" NAME("activation-host") "\"%.253s:000000443\"}", host);
    assert_false(read_text(&settings, zeros, &refusals));
    assert_int_equal(refusals.count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold_until_settings_arrive),
        cmocka_unit_test(settings_are_read_once),
        cmocka_unit_test(hostile_values_are_named_once_and_change_nothing),
        cmocka_unit_test(a_good_value_counts_beside_a_bad_one),
        cmocka_unit_test(a_host_may_be_as_long_as_dns_allows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
