/* The Lease of leader election as it comes from outside, and as it is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../lib/kube/lease_record.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

#define LEASE(spec) "{\"kind\":\"Lease\",\"metadata\":{\"name\":\"l\",\"resourceVersion\":\"7\"}" spec "}"
#define SPEC(text)  LEASE(",\"spec\":{" text "}")

static struct json_object *parse(const char *text)
{
    struct json_object *tree = NULL;
    struct error err;
    if (json_parse(text, strlen(text), &tree, &err) < 0) {
        fail_msg("%s: %s", text, err.text);
    }
    return tree;
}

static struct lease_record read_text(const char *text)
{
    cleanup_json struct json_object *lease = parse(text);
    struct lease_record record;
    struct error err;
    memset(&record, 0xee, sizeof(record));
    if (lease_record_read(lease, &record, &err) < 0) {
        fail_msg("%s: %s", text, err.text);
    }
    return record;
}

static void test_a_whole_record(void **state)
{
    (void) state;
    struct lease_record record = read_text(
        SPEC("\"holderIdentity\":\"a_1\",\"leaseDurationSeconds\":15,\"acquireTime\":\"2026-11-22T07:00:00.000001Z\","
             "\"renewTime\":\"2026-11-22T07:00:10.000002Z\",\"leaseTransitions\":3"));
    assert_string_equal(record.holder, "a_1");
    assert_int_equal(record.duration_seconds, 15);
    assert_int_equal(record.acquired_us, INT64_C(1795330800000001));
    assert_int_equal(record.renewed_us, INT64_C(1795330810000002));
    assert_int_equal(record.transitions, 3);
    assert_string_equal(record.resource_version, "7");
}

static void test_what_is_missing_or_out_of_range(void **state)
{
    static const struct {
        const char *text;
        int64_t duration_seconds, transitions, renewed_us;
    } cases[] = {
        {LEASE(""), 0, 0, 0},
        {LEASE(",\"spec\":null"), 0, 0, 0},
        {SPEC(""), 0, 0, 0},
        {SPEC("\"holderIdentity\":null,\"leaseDurationSeconds\":null,\"renewTime\":null,\"leaseTransitions\":null"), 0,
         0, 0},
        {SPEC("\"leaseDurationSeconds\":0,\"leaseTransitions\":0"), 0, 0, 0},
        {SPEC("\"leaseDurationSeconds\":-15,\"leaseTransitions\":-1"), 0, 0, 0},
        {SPEC("\"leaseDurationSeconds\":-9223372036854775808"), 0, 0, 0},
        {SPEC("\"leaseDurationSeconds\":3600"), 3600, 0, 0},
        {SPEC("\"leaseDurationSeconds\":3601,\"leaseTransitions\":2147483648"), 3600, INT32_MAX, 0},
        {SPEC("\"leaseDurationSeconds\":9223372036854775807,\"leaseTransitions\":18446744073709551615"), 3600,
         INT32_MAX, 0},
        {SPEC("\"renewTime\":\"\""), 0, 0, 0},
        {SPEC("\"renewTime\":\"yesterday\""), 0, 0, 0},
        {SPEC("\"renewTime\":\"1969-12-31T23:59:59Z\""), 0, 0, 0},
        {SPEC("\"renewTime\":\"9999-12-31T23:59:59.999999Z\""), 0, 0, INT64_C(253402300799999999)},
    };
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        struct lease_record record = read_text(cases[i].text);
        if (record.duration_seconds != cases[i].duration_seconds || record.transitions != cases[i].transitions ||
            record.renewed_us != cases[i].renewed_us || record.holder[0]) {
            fail_msg("%s: duration %lld, transitions %lld, renewed %lld, holder %s", cases[i].text,
                     (long long) record.duration_seconds, (long long) record.transitions, (long long) record.renewed_us,
                     record.holder);
        }
    }
}

static void test_what_is_no_lease(void **state)
{
    static const struct {
        const char *text, *named;
    } cases[] = {
        {"null", "no Lease"},
        {"[]", "no Lease"},
        {"\"Lease\"", "no Lease"},
        {"{\"kind\":\"Status\",\"metadata\":{\"resourceVersion\":\"7\"}}", "no Lease"},
        {"{}", "resourceVersion"},
        {"{\"kind\":\"Lease\"}", "resourceVersion"},
        {"{\"kind\":\"Lease\",\"metadata\":[]}", "resourceVersion"},
        {"{\"kind\":\"Lease\",\"metadata\":{\"resourceVersion\":7}}", "resourceVersion"},
        {"{\"kind\":\"Lease\",\"metadata\":{\"resourceVersion\":\"\"}}", "resourceVersion"},
        {"{\"kind\":\"Lease\",\"metadata\":{\"resourceVersion\":\"0\"}}", "resourceVersion"},
        {LEASE(",\"spec\":[]"), "spec"},
        {LEASE(",\"spec\":\"a\""), "spec"},
        {SPEC("\"holderIdentity\":1"), "holderIdentity"},
        {SPEC("\"holderIdentity\":{}"), "holderIdentity"},
        {SPEC("\"leaseDurationSeconds\":\"15\""), "leaseDurationSeconds"},
        {SPEC("\"leaseDurationSeconds\":15.5"), "leaseDurationSeconds"},
        {SPEC("\"leaseTransitions\":true"), "leaseTransitions"},
        {SPEC("\"acquireTime\":1"), "acquireTime"},
        {SPEC("\"renewTime\":[]"), "renewTime"},
    };
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_json struct json_object *lease = parse(cases[i].text);
        struct lease_record record;
        struct lease_record before;
        struct error err;
        memset(&record, 0xee, sizeof(record));
        memset(&before, 0xee, sizeof(before));
        if (lease_record_read(lease, &record, &err) != ERROR_BAD_INPUT || !strstr(err.text, cases[i].named)) {
            fail_msg("%s: %s", cases[i].text, err.text);
        }
        assert_memory_equal(&record, &before, sizeof(record));
    }
}

static void test_a_version_too_long(void **state)
{
    char digits[RESOURCE_VERSION_LENGTH_MAX + 2];
    (void) state;
    for (int extra = 0; extra <= 1; extra++) {
        memset(digits, '1', sizeof(digits));
        digits[RESOURCE_VERSION_LENGTH_MAX + extra] = '\0';
        cleanup_free char *text = xasprintf("{\"metadata\":{\"resourceVersion\":\"%s\"}}", digits);
        cleanup_json struct json_object *lease = parse(text);
        struct lease_record record;
        assert_int_equal(lease_record_read(lease, &record, NULL), extra ? ERROR_BAD_INPUT : 0);
    }
}

/* Neither a holder with a NUL in it nor one too long is ever taken for an identity of ours. */
static void test_holders_that_only_look_like_ours(void **state)
{
    enum { LONG = 4096 };
    cleanup_free char *name = xcalloc(1, LONG + 1);
    char ours[LEADER_IDENTITY_LENGTH_MAX + 1];
    (void) state;
    assert_string_not_equal(read_text(SPEC("\"holderIdentity\":\"us\\u0000and more\"")).holder, "us");
    memset(name, 'a', LONG);
    memset(ours, 'a', sizeof(ours) - 1);
    ours[sizeof(ours) - 1] = '\0';
    for (size_t length = LEADER_IDENTITY_LENGTH_MAX; length <= LONG; length++) {
        cleanup_free char *text = xasprintf(SPEC("\"holderIdentity\":\"%.*s\""), (int) length, name);
        cleanup_free char *with_nul = xasprintf(SPEC("\"holderIdentity\":\"\\u0000%.*s\""), (int) length, name);
        struct lease_record record = read_text(text);
        assert_true(text_equal(record.holder, ours) == (length == LEADER_IDENTITY_LENGTH_MAX));
        assert_true(strlen(record.holder) == (length > LEASE_HOLDER_LENGTH_MAX ? LEASE_HOLDER_LENGTH_MAX : length));
        assert_true(strlen(read_text(with_nul).holder) > LEADER_IDENTITY_LENGTH_MAX);
    }
}

static void test_any_change_of_the_spec_is_seen(void **state)
{
    static const char *const specs[] = {
        LEASE(""),
        SPEC("\"holderIdentity\":\"a\""),
        SPEC("\"holderIdentity\":\"b\""),
        SPEC("\"holderIdentity\":\"a\",\"renewTime\":\"2026-11-22T07:00:00.000001Z\""),
        SPEC("\"holderIdentity\":\"a\",\"renewTime\":\"2026-11-22T07:00:00.000002Z\""),
        SPEC("\"holderIdentity\":\"a\",\"renewTime\":\"not a time, but another one\""),
        SPEC("\"holderIdentity\":\"a\",\"leaseDurationSeconds\":7200"),
        SPEC("\"holderIdentity\":\"a\",\"leaseDurationSeconds\":7201"),
        SPEC("\"holderIdentity\":\"a\",\"unheard\":1"),
    };
    (void) state;
    for (size_t i = 0; i < array_length(specs); i++) {
        for (size_t j = 0; j < array_length(specs); j++) {
            assert_int_equal(read_text(specs[i]).spec_hash == read_text(specs[j]).spec_hash, i == j);
        }
    }
    /* What is outside the spec does not count. */
    assert_int_equal(
        read_text("{\"metadata\":{\"resourceVersion\":\"8\",\"labels\":{\"a\":\"b\"}},\"spec\":{}}").spec_hash,
        read_text(SPEC("")).spec_hash);
}

static struct lease_record some_record(const char *version)
{
    struct lease_record record = {
        .holder = "us",
        .duration_seconds = 15,
        .acquired_us = INT64_C(1795330800000000),
        .renewed_us = INT64_C(1795330810000002),
        .transitions = 4,
    };
    text_copy_cut(record.resource_version, sizeof(record.resource_version), version);
    return record;
}

#define OUR_SPEC                                                                                             \
    "\"holderIdentity\":\"us\",\"leaseDurationSeconds\":15,\"acquireTime\":\"2026-11-22T07:00:00.000000Z\"," \
    "\"renewTime\":\"2026-11-22T07:00:10.000002Z\",\"leaseTransitions\":4"

static void test_a_new_lease(void **state)
{
    struct lease_record record = some_record("");
    cleanup_json struct json_object *lease = lease_record_build(&record, NULL, "ns", "l");
    (void) state;
    assert_string_equal(json_text(lease),
                        "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":\"l\","
                        "\"namespace\":\"ns\"},\"spec\":{" OUR_SPEC "}}");
}

static void test_what_others_wrote_is_kept(void **state)
{
    static const char text[] =
        "{\"apiVersion\":\"coordination.k8s.io/"
        "v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":\"l\",\"namespace\":\"ns\","
        "\"uid\":\"u\",\"resourceVersion\":\"7\",\"labels\":{\"a\":\"b\"},\"managedFields\":[{\"manager\":\"m\"}]},"
        "\"spec\":{\"strategy\":\"s\",\"holderIdentity\":\"them\"}}";
    cleanup_json struct json_object *base = parse(text);
    struct lease_record record = some_record("7");
    cleanup_json struct json_object *lease = lease_record_build(&record, base, "ns", "l");
    (void) state;
    assert_string_equal(json_text(base), text);
    assert_string_equal(
        json_text(lease),
        "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":\"l\","
        "\"namespace\":\"ns\",\"uid\":\"u\",\"resourceVersion\":\"7\",\"labels\":{\"a\":\"b\"}},\"spec\":"
        "{\"strategy\":\"s\"," OUR_SPEC "}}");
}

static void test_what_is_built_reads_the_same(void **state)
{
    static const char *const bases[] = {LEASE(""), LEASE(",\"spec\":null"), SPEC("\"holderIdentity\":\"x\"")};
    struct lease_record record = some_record("7");
    (void) state;
    for (size_t i = 0; i < array_length(bases); i++) {
        cleanup_json struct json_object *base = parse(bases[i]);
        cleanup_json struct json_object *lease = lease_record_build(&record, base, "ns", "l");
        struct lease_record again = read_text(json_text(lease));
        assert_string_equal(again.holder, record.holder);
        assert_string_equal(again.resource_version, record.resource_version);
        assert_int_equal(again.duration_seconds, record.duration_seconds);
        assert_int_equal(again.acquired_us, record.acquired_us);
        assert_int_equal(again.renewed_us, record.renewed_us);
        assert_int_equal(again.transitions, record.transitions);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_record),
        cmocka_unit_test(test_what_is_missing_or_out_of_range),
        cmocka_unit_test(test_what_is_no_lease),
        cmocka_unit_test(test_a_version_too_long),
        cmocka_unit_test(test_holders_that_only_look_like_ours),
        cmocka_unit_test(test_any_change_of_the_spec_is_seen),
        cmocka_unit_test(test_a_new_lease),
        cmocka_unit_test(test_what_others_wrote_is_kept),
        cmocka_unit_test(test_what_is_built_reads_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
