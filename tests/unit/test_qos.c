#include "model_fixture.h"

struct qos_case {
    const char *name;
    const char *spec;
    enum qos_class expected;
    const char *why; /* NULL: any, but something unless Guaranteed */
};

static const struct qos_case cases[] = {
    {"no resources", "{'containers': [{'name': 'a'}]}", QOS_BEST_EFFORT,
     "container a has no cpu limit; container a has no memory limit"},
    {"limits alone: requests are defaulted",
     "{'containers': [{'name': 'a', 'resources': {'limits': {'cpu': '1', "
     "'memory': '1Gi'}}}]}",
     QOS_GUARANTEED, NULL},
    {"equal by value, not by text",
     "{'containers': [{'name': 'a', 'resources': {'requests': {'cpu': '1000m', 'memory': '1024Mi'}, 'limits': {'cpu': "
     "1, 'memory': '1Gi'}}}]}",
     QOS_GUARANTEED, NULL},
    {"requests alone", "{'containers': [{'name': 'a', 'resources': {'requests': {'cpu': '1', 'memory': '1Gi'}}}]}",
     QOS_BURSTABLE, "container a has no cpu limit; container a has no memory limit"},
    {"request below the limit",
     "{'containers': [{'name': 'a', 'resources': {'requests': {'cpu': '500m'}, 'limits': {'cpu': '1', 'memory': "
     "'1Gi'}}}]}",
     QOS_BURSTABLE, "container a requests 500m cpu, which is not its limit 1"},
    {"a request of zero is given, not absent",
     "{'containers': [{'name': 'a', 'resources': {'requests': {'cpu': '0'}, 'limits': {'cpu': '1', 'memory': "
     "'1Gi'}}}]}",
     QOS_BURSTABLE, "container a requests 0 cpu, which is not its limit 1"},
    {"cpu alone", "{'containers': [{'name': 'a', 'resources': {'limits': {'cpu': '1'}}}]}", QOS_BURSTABLE,
     "container a has no memory limit"},
    {"an init container counts",
     "{'initContainers': [{'name': 'i'}], 'containers': [{'name': 'a', 'resources': {'limits': {'cpu': '1', 'memory': "
     "'1Gi'}}}]}",
     QOS_BURSTABLE, "container i has no cpu limit; container i has no memory limit"},
    {"other resources do not count",
     "{'containers': [{'name': 'a', 'resources': {'limits': {'cpu': '1', 'memory': '1Gi', 'ephemeral-storage': '1Gi', "
     "'nvidia.com/gpu': 1}, 'requests': {'ephemeral-storage': '1Mi'}}}]}",
     QOS_GUARANTEED, NULL},
    {"zero everywhere",
     "{'containers': [{'name': 'a', 'resources': {'requests': {'cpu': '0', 'memory': 0}, 'limits': {'cpu': 0}}}]}",
     QOS_BEST_EFFORT, NULL},
    {"what cannot be read is absent",
     "{'containers': [{'name': 'a', 'resources': {'requests': {'cpu': 'many'}, 'limits': {'cpu': '1', 'memory': "
     "'1Gi'}}}]}",
     QOS_GUARANTEED, NULL},
    {"pod-level decides alone",
     "{'resources': {'requests': {'cpu': '1', 'memory': '1Gi'}, 'limits': {'cpu': '1', 'memory': '1Gi'}}, "
     "'containers': [{'name': 'a'}]}",
     QOS_GUARANTEED, NULL},
    {"pod-level mixed",
     "{'resources': {'limits': {'cpu': '1'}}, 'containers': [{'name': 'a', 'resources': {'limits': {'cpu': '1', "
     "'memory': '1Gi'}}}]}",
     QOS_BURSTABLE, "the pod as a whole has no memory limit"},
    {"an empty pod-level says nothing",
     "{'resources': {}, 'containers': [{'name': 'a', 'resources': {'limits': {'cpu': '1', 'memory': '1Gi'}}}]}",
     QOS_GUARANTEED, NULL},
    {"no containers", "{}", QOS_BEST_EFFORT, ""},
};

static void test_classes(void **state)
{
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        const struct qos_case *c = &cases[i];
        cleanup_free struct pod_spec *spec = fixture_record(&pod_spec_type, c->spec);
        cleanup_free char *why = NULL;
        enum qos_class found = pod_spec_qos(spec, NULL, &why);
        if (found != c->expected || (why == NULL) != (found == QOS_GUARANTEED) ||
            (c->why != NULL && !text_equal(why, c->why))) {
            fail_msg("%s: %s, because %s", c->name, qos_class_name(found), why ? why : "nothing");
        }
        assert_int_equal(pod_spec_qos(spec, NULL, NULL), c->expected);
    }
}

static void test_without_a_container(void **state)
{
    (void) state;
    cleanup_free struct pod_spec *spec =
        fixture_record(&pod_spec_type, "{'initContainers': [{'name': 'proget-sidecar', 'restartPolicy': 'Always'}], "
                                       "'containers': [{'name': 'proget', 'resources': {'limits': {'cpu': '1', "
                                       "'memory': '1Gi'}}}]}");
    const struct container *sidecar = pod_spec_container(spec, "proget-sidecar");
    assert_non_null(sidecar);
    assert_int_equal(pod_spec_qos(spec, NULL, NULL), QOS_BURSTABLE);
    assert_int_equal(pod_spec_qos(spec, sidecar, NULL), QOS_GUARANTEED);
    assert_int_equal(pod_spec_qos(spec, pod_spec_container(spec, "proget"), NULL), QOS_BEST_EFFORT);
}

static void test_names(void **state)
{
    (void) state;
    assert_string_equal(qos_class_name(QOS_BEST_EFFORT), "BestEffort");
    assert_string_equal(qos_class_name(QOS_BURSTABLE), "Burstable");
    assert_string_equal(qos_class_name(QOS_GUARANTEED), "Guaranteed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_without_a_container),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
