#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../../sidecar/pod_lease.h"
#include "proget/core/memory.h"

static const struct pod_identity pod = {.name = "proget-0", .namespace_name = "shop", .uid = "pod-uid"};

static char *body_text(enum beat_action action, const char *report)
{
    struct pod_lease_content content = {
        .pod = &pod,
        .lease_name = "proget-proget-0",
        .lease_uid = action == BEAT_APPLY || action == BEAT_RENEW ? "lease-uid" : NULL,
        .report = report,
        .duration_seconds = 300,
        .now_us = INT64_C(1795330800000001),
    };
    cleanup_json struct json_object *body = pod_lease_body(action, &content);
    return xstrdup(json_text(body));
}

#define START                                                                                                   \
    "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":\"proget-proget-0\"," \
    "\"namespace\":\"shop\",\"labels\":{\"app.kubernetes.io/managed-by\":\"proget-sidecar\"},"
#define REPORT "\"annotations\":{\"proget-operator.io/report\":\"{\\\"v\\\":1}\"},"
#define OWNER \
    "\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"proget-0\",\"uid\":\"pod-uid\"}]}"
#define SPEC                                                                                                       \
    ",\"spec\":{\"holderIdentity\":\"proget-0\",\"leaseDurationSeconds\":300,\"renewTime\":\"2026-11-22T07:00:00." \
    "000001Z\"}}"

static void bodies_are_those_of_the_contract(void **state)
{
    static const struct {
        enum beat_action action;
        const char *report, *expected;
    } cases[] = {
        {BEAT_CREATE, NULL, START OWNER SPEC},
        {BEAT_CREATE, "{\"v\":1}", START REPORT OWNER SPEC},
        /* Applied, the owner is left out: it is set at creation only. */
        {BEAT_APPLY, "{\"v\":1}", START REPORT "\"uid\":\"lease-uid\"}" SPEC},
        {BEAT_RENEW, "{\"v\":1}",
         "{\"metadata\":{\"uid\":\"lease-uid\"},\"spec\":{\"renewTime\":\"2026-11-22T07:00:00.000001Z\"}}"},
        {BEAT_LOOK, "{\"v\":1}", "{}"},
    };

    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free char *text = body_text(cases[i].action, cases[i].report);
        assert_string_equal(text, cases[i].expected);
    }
}

static void leases_are_told_apart(void **state)
{
    static const struct {
        const char *lease;
        const char *uid, *report;
        bool is_ours, is_labelled;
    } cases[] = {
        {START REPORT "\"uid\":\"u\"," OWNER "}", "u", "{\"v\":1}", true, true},
        {"{\"metadata\":{\"uid\":\"u\"}}", "u", NULL, false, false},
        {"{\"metadata\":{\"uid\":\"\"}}", NULL, NULL, false, false},
        {"{\"metadata\":{\"ownerReferences\":[{\"kind\":\"Pod\",\"uid\":\"other\"},{\"kind\":\"Pod\",\"uid\":\"pod-"
         "uid\"}]}}",
         NULL, NULL, true, false},
        {"{\"metadata\":{\"ownerReferences\":[{\"kind\":\"Job\",\"uid\":\"pod-uid\"},{\"kind\":\"Pod\",\"uid\":"
         "\"other\"},7,{}]}}",
         NULL, NULL, false, false},
        {"{\"metadata\":{\"ownerReferences\":{},\"labels\":[],\"annotations\":7,\"uid\":1}}", NULL, NULL, false, false},
        {"{\"metadata\":{\"labels\":{\"app.kubernetes.io/managed-by\":\"helm\"},\"annotations\":{"
         "\"proget-operator.io/report\":5}}}",
         NULL, NULL, false, false},
        {"[]", NULL, NULL, false, false},
        {"null", NULL, NULL, false, false},
    };

    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_json struct json_object *lease = NULL;
        struct beat_answer answer = {.code = 0};
        assert_int_equal(json_parse(cases[i].lease, strlen(cases[i].lease), &lease, NULL), 0);
        pod_lease_read(lease, &pod, &answer);
        assert_int_equal(answer.is_ours, cases[i].is_ours);
        assert_int_equal(answer.is_labelled, cases[i].is_labelled);
        assert_int_equal(answer.lease_uid != NULL, cases[i].uid != NULL);
        assert_int_equal(answer.report != NULL, cases[i].report != NULL);
        if (cases[i].uid) {
            assert_string_equal(answer.lease_uid, cases[i].uid);
        }
        if (cases[i].report) {
            assert_string_equal(answer.report, cases[i].report);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_those_of_the_contract),
        cmocka_unit_test(leases_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
