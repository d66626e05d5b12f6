#include "proget/kube/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proget/core/text.h"

static struct kube_event sample(void)
{
    return (struct kube_event){
        .name = "proget-0.17f3a2",
        .regarding = {"v1", "Pod", "proget", "proget-0", "uid-1"},
        .warning = true,
        .reason = "CoScheduled",
        .action = "Detected",
        .note = "proget-0 and proget-1 share a node",
        .controller = "proget-operator.io/operator",
        .instance = "operator-0",
        .time_us = INT64_C(1795330800000001),
    };
}

static void test_event_has_what_the_server_asks_for(void **state)
{
    struct kube_event event = sample();
    cleanup_json struct json_object *object = kube_event_build(&event);
    (void) state;
    assert_string_equal(json_text(object),
                        "{\"apiVersion\":\"events.k8s.io/v1\",\"kind\":\"Event\",\"metadata\":{\"name\":"
                        "\"proget-0.17f3a2\",\"namespace\":\"proget\"},\"eventTime\":\"2026-11-22T07:00:00.000001Z\","
                        "\"type\":\"Warning\",\"reason\":\"CoScheduled\",\"action\":\"Detected\",\"note\":"
                        "\"proget-0 and proget-1 share a node\",\"reportingController\":"
                        "\"proget-operator.io/operator\",\"reportingInstance\":\"operator-0\",\"regarding\":"
                        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"namespace\":\"proget\",\"name\":\"proget-0\","
                        "\"uid\":\"uid-1\"}}");
}

static void test_event_about_a_node_with_a_pod(void **state)
{
    struct kube_event event = sample();
    (void) state;
    event.warning = false;
    event.related = event.regarding;
    event.regarding = (struct kube_object_reference){"v1", "Node", NULL, "node-a", NULL};
    event.note = NULL;
    cleanup_json struct json_object *object = kube_event_build(&event);
    assert_string_equal(json_text_at(object, "metadata.namespace", ""), "default");
    assert_string_equal(json_text_at(object, "type", ""), "Normal");
    assert_string_equal(json_text_at(object, "related.name", ""), "proget-0");
    assert_null(json_at(object, "regarding.namespace"));
    assert_null(json_at(object, "regarding.uid"));
    assert_null(json_at(object, "note"));
}

static void test_note_is_cut_at_its_limit(void **state)
{
    char note[1200];
    struct kube_event event = sample();
    (void) state;
    event.note = note;
    for (size_t length = 1023; length <= 1026; length++) {
        memset(note, 'x', length);
        note[length] = '\0';
        cleanup_json struct json_object *object = kube_event_build(&event);
        const char *text = json_text_at(object, "note", "");
        assert_int_equal(strlen(text), length < 1024 ? length : 1024);
        assert_int_equal(text_ends_with(text, "..."), length > 1024);
    }
}

static void test_series(void **state)
{
    (void) state;
    cleanup_json struct json_object *patch = kube_event_series_patch(2, INT64_C(1795330800000000));
    assert_string_equal(json_text(patch),
                        "{\"series\":{\"count\":2,\"lastObservedTime\":\"2026-11-22T07:00:00.000000Z\"}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event_has_what_the_server_asks_for),
        cmocka_unit_test(test_event_about_a_node_with_a_pod),
        cmocka_unit_test(test_note_is_cut_at_its_limit),
        cmocka_unit_test(test_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
