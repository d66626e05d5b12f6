#include "model_fixture.h"

/* The rows of the table of disruptions, each as a pod that `kubectl get -o json` shows. */

#define RAN                                                                                             \
    "'containerStatuses': [{'name': 'proget', 'state': {'terminated': {'exitCode': 137, 'finishedAt': " \
    "'2026-11-22T06:59:00Z'}}}]"
#define WAITING                                                                                    \
    "'containerStatuses': [{'name': 'proget', 'restartCount': 0, 'state': {'waiting': {'reason': " \
    "'ContainerCreating'}}}]"
/* What real kubelets leave of one container of an evicted pod with a native sidecar. */
#define LOST                                                                                                   \
    "'initContainerStatuses': [{'name': 'proget-sidecar', 'restartCount': 1, 'state': {'waiting': {'reason': " \
    "'PodInitializing'}}, 'lastState': {'terminated': {'exitCode': 137, 'reason': 'ContainerStatusUnknown', "  \
    "'startedAt': null, 'finishedAt': null}}}]"
#define TARGET(reason, message)                                                                                  \
    "'conditions': [{'type': 'DisruptionTarget', 'status': 'True', 'reason': '" reason "', 'message': '" message \
    "', 'lastTransitionTime': '2026-11-22T06:58:00Z'}]"
#define DELETED ", 'deletionTimestamp': '2026-11-22T07:05:00Z'"
#define PRESSED "The node was low on resource: memory."

struct disruption_case {
    const char *name;
    const char *meta, *status;
    enum disruption_cause expected;
    const char *message; /* NULL: not looked at */
    int64_t seconds_ago; /* before 07:00:00 */
};

static const struct disruption_case cases[] = {
    {"eviction API, terminating", DELETED,
     "{'phase': 'Running', " TARGET("EvictionByEvictionAPI", "Eviction API: evicting") "}", DISRUPTION_API,
     "Eviction API: evicting", 120},
    {"eviction API, ended well", DELETED,
     "{'phase': 'Succeeded', " TARGET("EvictionByEvictionAPI", "Eviction API: evicting") "}", DISRUPTION_API, NULL,
     120},
    {"eviction API, announced and refused", "",
     "{'phase': 'Running', " TARGET("EvictionByEvictionAPI", "Eviction API: evicting") "}", DISRUPTION_NONE, NULL, 0},
    {"condition taken back, then deleted", DELETED,
     "{'phase': 'Running', 'conditions': [{'type': 'DisruptionTarget', 'status': 'False', 'reason': "
     "'EvictionByEvictionAPI'}]}",
     DISRUPTION_NONE, NULL, 0},
    {"taint", DELETED, "{'phase': 'Running', " TARGET("DeletionByTaintManager", "Taint manager: deleting") "}",
     DISRUPTION_TAINT, NULL, 120},
    {"scheduler preemption", DELETED, "{'phase': 'Failed', " TARGET("PreemptionByScheduler", "preempting") "}",
     DISRUPTION_PREEMPTION, NULL, 120},
    {"scheduler preemption as the KEP names it", DELETED,
     "{'phase': 'Running', " TARGET("PreemptionByKubeScheduler", "preempting") "}", DISRUPTION_PREEMPTION, NULL, 120},
    {"node pressure", "",
     "{'phase': 'Failed', 'reason': 'Evicted', 'message': '" PRESSED
     "', " TARGET("TerminationByKubelet", PRESSED) ", " RAN "}",
     DISRUPTION_NODE_PRESSURE, PRESSED, 120},
    {"critical pod at the kubelet", "",
     "{'phase': 'Failed', 'reason': 'Preempting', 'message': 'Preempted in order to admit critical "
     "pod', " TARGET("TerminationByKubelet", "") "}",
     DISRUPTION_PREEMPTION, "Preempted in order to admit critical pod", 120},
    {"critical pod, older kubelet without the condition", "", "{'phase': 'Failed', 'reason': 'Preempting', " RAN "}",
     DISRUPTION_PREEMPTION, NULL, 60},
    {"node shutdown", "", "{'phase': 'Failed', 'reason': 'Terminated', " TARGET("TerminationByKubelet", "x") "}",
     DISRUPTION_NODE_SHUTDOWN, NULL, 120},
    {"node shutdown, other reason", "",
     "{'phase': 'Failed', 'reason': 'NodeShutdown', " TARGET("TerminationByKubelet", "x") "}", DISRUPTION_NODE_SHUTDOWN,
     NULL, 120},
    {"node shutdown, containers ended well and no reason", "",
     "{'phase': 'Succeeded', " TARGET("TerminationByKubelet", "x") "}", DISRUPTION_NODE_SHUTDOWN, NULL, 120},
    {"node shutdown without the condition", "", "{'phase': 'Failed', 'reason': 'Terminated', " RAN "}",
     DISRUPTION_NODE_SHUTDOWN, NULL, 60},
    {"NodeShutdown of a pod that ran", "", "{'phase': 'Failed', 'reason': 'NodeShutdown', " RAN "}",
     DISRUPTION_NODE_SHUTDOWN, NULL, 60},
    {"kubelet, unknown reason", "", "{'phase': 'Failed', 'reason': 'New', " TARGET("TerminationByKubelet", "x") "}",
     DISRUPTION_UNKNOWN, NULL, 120},
    {"unknown actor", DELETED, "{'phase': 'Running', " TARGET("SomethingNew", "x") "}", DISRUPTION_UNKNOWN, NULL, 120},
    {"node gone", DELETED, "{'phase': 'Failed', " TARGET("DeletionByPodGC", "PodGC: node no longer exists") "}",
     DISRUPTION_NODE_GONE, NULL, 120},
    {"local storage", "", "{'phase': 'Failed', 'reason': 'Evicted', 'message': 'Usage of EmptyDir volume', " RAN "}",
     DISRUPTION_LOCAL_STORAGE, "Usage of EmptyDir volume", 60},
    {"local storage, lost container status", "", "{'phase': 'Failed', 'reason': 'Evicted', " LOST "}",
     DISRUPTION_LOCAL_STORAGE, NULL, -1},
    {"refused at admission", "", "{'phase': 'Failed', 'reason': 'Evicted', 'message': 'Pod was rejected', " WAITING "}",
     DISRUPTION_ADMISSION, "Pod was rejected", -1},
    {"refused at admission, no statuses", "", "{'phase': 'Failed', 'reason': 'Evicted'}", DISRUPTION_ADMISSION, NULL,
     -1},
    {"refused by a node that shuts down", "", "{'phase': 'Failed', 'reason': 'NodeShutdown'}", DISRUPTION_ADMISSION,
     NULL, -1},
    {"OOM kill", "",
     "{'phase': 'Running', 'containerStatuses': [{'name': 'proget', 'restartCount': 1, 'lastState': {'terminated': "
     "{'reason': 'OOMKilled', 'exitCode': 137}}}]}",
     DISRUPTION_NONE, NULL, 0},
    {"plain deletion", DELETED, "{'phase': 'Running'}", DISRUPTION_NONE, NULL, 0},
    {"plain failure", "", "{'phase': 'Failed', " RAN "}", DISRUPTION_NONE, NULL, 0},
    {"healthy", "", "{'phase': 'Running'}", DISRUPTION_NONE, NULL, 0},
    {"Evicted as a reason of a running pod", "", "{'phase': 'Running', 'reason': 'Evicted'}", DISRUPTION_NONE, NULL, 0},
};

static void test_pods(void **state)
{
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        const struct disruption_case *c = &cases[i];
        cleanup_free char *text = fixture_pod("proget-0", c->meta, "", c->status);
        cleanup_free struct pod *pod = fixture_record(&pod_type, text);
        struct disruption found = disruption_of_pod(pod);
        int64_t expected_us = fixture_wall_us - c->seconds_ago * CLOCK_US_PER_SECOND;
        if (found.cause != c->expected || (c->message != NULL && !text_equal(c->message, found.message)) ||
            (c->seconds_ago > 0 && found.time_us != expected_us) ||
            (c->expected == DISRUPTION_NONE && found.time_us != 0)) {
            fail_msg("%s: %s at %lld, '%s'", c->name, disruption_cause_name(found.cause), (long long) found.time_us,
                     found.message ? found.message : "");
        }
    }
}

struct event_case {
    const char *event;
    enum disruption_cause expected;
    int64_t seconds_ago;
};

static const struct event_case event_cases[] = {
    {"{'reason': 'Evicted', 'lastTimestamp': '2026-11-22T06:59:00Z', 'involvedObject': {'kind': 'Pod'}, 'metadata': "
     "{'annotations': {'starved_resource': 'memory'}}}",
     DISRUPTION_NODE_PRESSURE, 60},
    {"{'reason': 'Evicted', 'lastTimestamp': '2026-11-22T06:59:00Z', 'involvedObject': {'kind': 'Pod'}}",
     DISRUPTION_LOCAL_STORAGE, 60},
    {"{'reason': 'Preempted', 'eventTime': '2026-11-22T06:59:30.000000Z', 'firstTimestamp': null, 'lastTimestamp': "
     "null, 'involvedObject': {'kind': 'Pod'}}",
     DISRUPTION_PREEMPTION, 30},
    {"{'reason': 'Preempting', 'regarding': {'kind': 'Pod'}, 'deprecatedLastTimestamp': '2026-11-22T06:59:00Z'}",
     DISRUPTION_PREEMPTION, 60},
    {"{'reason': 'TaintManagerEviction', 'firstTimestamp': '2026-11-22T06:59:00Z', 'involvedObject': {'kind': 'Pod'}}",
     DISRUPTION_TAINT, 60},
    {"{'reason': 'TaintManagerEviction', 'metadata': {'creationTimestamp': '2026-11-22T06:59:00Z'}}", DISRUPTION_TAINT,
     60},
    {"{'reason': 'Evicted', 'involvedObject': {'kind': 'Node'}}", DISRUPTION_NONE, 0},
    {"{'reason': 'FailedCreate', 'involvedObject': {'kind': 'ReplicaSet'}}", DISRUPTION_NONE, 0},
    {"{}", DISRUPTION_NONE, 0},
};

static void test_events(void **state)
{
    (void) state;
    for (size_t i = 0; i < array_length(event_cases); i++) {
        const struct event_case *c = &event_cases[i];
        cleanup_free struct event *event = fixture_record(&event_type, c->event);
        struct disruption found = disruption_of_event(event);
        if (found.cause != c->expected ||
            (c->seconds_ago > 0 && found.time_us != fixture_wall_us - c->seconds_ago * CLOCK_US_PER_SECOND)) {
            fail_msg("%s: %s", c->event, disruption_cause_name(found.cause));
        }
    }
}

static void test_names(void **state)
{
    (void) state;
    assert_null(disruption_cause_name(DISRUPTION_NONE));
    static const char *const names[] = {"NodePressure", "LocalStorage", "Preemption", "Taint",  "Api",
                                        "NodeShutdown", "NodeGone",     "Admission",  "Unknown"};
    for (size_t i = 0; i < array_length(names); i++) {
        assert_string_equal(disruption_cause_name((enum disruption_cause)(DISRUPTION_NODE_PRESSURE + i)), names[i]);
    }
    assert_null(disruption_cause_name((enum disruption_cause)(DISRUPTION_UNKNOWN + 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pods),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
