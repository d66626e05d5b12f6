#include "publish/settings.h"

#include "model_fixture.h"

static char *text_of(const struct cluster_settings *settings)
{
    return settings_text(&(struct cluster){.settings = *settings});
}

static const struct cluster_settings plain = {.interval_ms = 30000,
                                              .stale_after_ms = 300000,
                                              .messenger_port = 33237,
                                              .internet_access = "Auto",
                                              .activation_host = "my.inedo.com"};

#define LEASE(annotations) \
    "{'metadata': {'namespace': 'proget', 'name': 'proget-p0', 'uid': 'l0', 'annotations': {" annotations "}}}"

static void settings_are_the_five_of_the_contract(void **state)
{
    cleanup_free char *text = text_of(&plain);
    (void) state;
    assert_string_equal(text, "proget-operator.io/interval-seconds=30\n"
                              "proget-operator.io/stale-after-seconds=300\n"
                              "proget-operator.io/internet-access=Auto\n"
                              "proget-operator.io/activation-host=my.inedo.com\n"
                              "proget-operator.io/messenger-port=33237\n");
}

static void every_setting_shows_in_the_text(void **state)
{
    struct cluster_settings changed[] = {plain, plain, plain, plain, plain};
    cleanup_free char *text = text_of(&plain);
    (void) state;
    changed[0].interval_ms = 31000;
    changed[1].stale_after_ms = 301000;
    changed[2].internet_access = "Blocked";
    changed[3].activation_host = "h";
    changed[4].messenger_port = 1;
    for (size_t i = 0; i < array_length(changed); i++) {
        cleanup_free char *other = text_of(&changed[i]);
        assert_string_not_equal(other, text);
    }
}

static void what_was_applied_is_observed_as_wanted(void **state)
{
    char longest_host[254] = "";
    memset(longest_host, 'h', sizeof longest_host - 1);
    const char *const hosts[] = {"my.inedo.com", longest_host, "host:8443", "h"};
    (void) state;
    for (size_t i = 0; i < array_length(hosts); i++) {
        struct lease *lease = fixture_record(&lease_type, LEASE("'other': 'x'"));
        struct cluster cluster = {.settings = plain};
        cluster.settings.activation_host = hosts[i];
        cleanup_free char *wanted = settings_text(&cluster);
        cleanup_free char *before = settings_observed_text(lease);
        assert_string_equal(before, "");
        cleanup_json struct json_object *body = settings_apply_body(&cluster, lease);
        json_add_text(json_at(body, "metadata.annotations"), REPORT_ANNOTATION, "{\"v\":1}");
        void *applied = NULL;
        struct error err;
        assert_int_equal(record_fill(&lease_type, body, &applied, NULL, &err), 0);
        cleanup_free char *after = settings_observed_text(applied);
        assert_string_equal(after, wanted);
        assert_non_null(strstr(after, hosts[i])); /* whole */
        free(applied);
        free(lease);
    }
}

static void a_setting_that_is_missing_or_another_shows(void **state)
{
    cleanup_free char *wanted = text_of(&plain);
    (void) state;
    static const char *const leases[] = {
        LEASE("'proget-operator.io/interval-seconds': '30', 'proget-operator.io/stale-after-seconds': '300', "
              "'proget-operator.io/internet-access': 'Auto', 'proget-operator.io/activation-host': 'my.inedo.com'"),
        LEASE("'proget-operator.io/interval-seconds': '60', 'proget-operator.io/stale-after-seconds': '300', "
              "'proget-operator.io/internet-access': 'Auto', 'proget-operator.io/activation-host': 'my.inedo.com', "
              "'proget-operator.io/messenger-port': '33237'"),
    };
    for (size_t i = 0; i < array_length(leases); i++) {
        void *lease = fixture_record(&lease_type, leases[i]);
        cleanup_free char *observed = settings_observed_text(lease);
        assert_string_not_equal(observed, wanted);
        free(lease);
    }
}

static void the_body_is_pinned_to_the_lease_and_holds_nothing_else(void **state)
{
    void *lease = fixture_record(&lease_type, LEASE("'proget-operator.io/report': '{}'"));
    cleanup_json struct json_object *body = settings_apply_body(&(struct cluster){.settings = plain}, lease);
    (void) state;
    assert_string_equal(
        json_text(body),
        "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":\"proget-p0\","
        "\"namespace\":\"proget\",\"uid\":\"l0\",\"annotations\":{\"proget-operator.io/interval-seconds\":\"30\","
        "\"proget-operator.io/stale-after-seconds\":\"300\",\"proget-operator.io/internet-access\":\"Auto\","
        "\"proget-operator.io/activation-host\":\"my.inedo.com\",\"proget-operator.io/messenger-port\":\"33237\"}}}");
    free(lease);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_the_five_of_the_contract),
        cmocka_unit_test(every_setting_shows_in_the_text),
        cmocka_unit_test(what_was_applied_is_observed_as_wanted),
        cmocka_unit_test(a_setting_that_is_missing_or_another_shows),
        cmocka_unit_test(the_body_is_pinned_to_the_lease_and_holds_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
