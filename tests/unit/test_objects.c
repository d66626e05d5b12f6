#include "model_fixture.h"

static void test_node(void **state)
{
    (void) state;
    cleanup_free struct node *node = fixture_record(
        &node_type,
        "{'metadata': {'name': 'node-a', 'labels': {'kubernetes.io/hostname': 'node-a'}}, 'spec': {'unschedulable': "
        "true, 'taints': [{'key': 'k', 'value': 'v', 'effect': 'NoSchedule'}]}, 'status': {'conditions': [{'type': "
        "'Ready', 'status': 'Unknown', 'reason': 'NodeStatusUnknown', 'lastHeartbeatTime': '2026-11-22T07:00:00Z', "
        "'lastTransitionTime': '2026-11-22T07:00:00Z'}, {'type': 'MemoryPressure', 'status': 'False'}], 'allocatable': "
        "{'cpu': '4', 'memory': '8Gi', 'pods': '110', 'ephemeral-storage': '1'}, 'nodeInfo': {'osImage': 'Debian'}, "
        "'images': [{'names': ['x'], 'sizeBytes': 1}]}}");
    assert_true(node->unschedulable);
    assert_string_equal(((const struct taint *) node->taints.items)->effect, "NoSchedule");
    assert_int_equal(node->conditions.count, 2);
    assert_string_equal(((const struct pod_condition *) node->conditions.items)->status, "Unknown");
    assert_string_equal(node->allocatable.memory, "8Gi");
    assert_string_equal(node->allocatable_pods, "110");
    assert_string_equal(node->os_image, "Debian");
}

static void test_claims(void **state)
{
    (void) state;
    cleanup_free struct claim *claim =
        fixture_record(&claim_type, "{'metadata': {'name': 'packages'}, 'spec': {'accessModes': ['ReadWriteMany'], "
                                    "'storageClassName': 'nfs', 'volumeName': 'pv-1'}, 'status': {'phase': 'Bound'}}");
    assert_int_equal(claim->access_modes.count, 1);
    assert_string_equal(((const char *const *) claim->access_modes.items)[0], "ReadWriteMany");
    assert_string_equal(claim->storage_class, "nfs");
    assert_string_equal(claim->phase, "Bound");
    cleanup_free struct workload *set = fixture_record(
        &stateful_set_type, "{'spec': {'volumeClaimTemplates': [{'metadata': {'name': 'data'}, 'spec': {'accessModes': "
                            "['ReadWriteOnce']}}]}}");
    assert_int_equal(set->claim_templates.count, 1);
    assert_string_equal(((const struct claim *) set->claim_templates.items)->meta.name, "data");
}

static void test_disruption_budget(void **state)
{
    (void) state;
    cleanup_free struct disruption_budget *absent =
        fixture_record(&disruption_budget_type, "{'metadata': {'name': 'b'}, 'spec': {'minAvailable': 2}}");
    assert_null(absent->selector);
    assert_string_equal(absent->min_available, "2");
    assert_null(absent->max_unavailable);
    cleanup_free struct disruption_budget *empty = fixture_record(
        &disruption_budget_type, "{'metadata': {'name': 'b'}, 'spec': {'selector': {}, 'maxUnavailable': '30%'}}");
    struct record_list nothing = {0};
    assert_true(selector_matches(empty->selector, &nothing));
    assert_string_equal(empty->max_unavailable, "30%");
}

static void test_autoscalers(void **state)
{
    (void) state;
    cleanup_free struct autoscaler *autoscaler = fixture_record(
        &autoscaler_type, "{'spec': {'scaleTargetRef': {'apiVersion': 'apps/v1', 'kind': 'StatefulSet', 'name': "
                          "'proget'}, 'maxReplicas': 5, 'metrics': []}}");
    assert_string_equal(autoscaler->target.kind, "StatefulSet");
    assert_false(autoscaler->minimum.is_set);
    assert_int_equal(autoscaler->maximum.value, 5);
    cleanup_free struct vertical_autoscaler *vertical = fixture_record(
        &vertical_autoscaler_type,
        "{'spec': {'targetRef': {'kind': 'Deployment', 'name': 'p'}, 'updatePolicy': {'updateMode': 'Off'}}}");
    assert_string_equal(vertical->target.name, "p");
    assert_string_equal(vertical->update_mode, "Off");
    cleanup_free struct scaled_object *scaled =
        fixture_record(&scaled_object_type,
                       "{'metadata': {'annotations': {'autoscaling.keda.sh/paused': 'true', 'other': 'x'}}, 'spec': "
                       "{'scaleTargetRef': {'name': 'p'}, 'minReplicaCount': 2, 'triggers': []}}");
    assert_int_equal(scaled->annotations.count, 1);
    assert_string_equal(record_map_get(&scaled->annotations, SCALED_OBJECT_PAUSED), "true");
    assert_null(scaled->target.kind);
    assert_int_equal(scaled->minimum.value, 2);
    assert_false(scaled->maximum.is_set);
}

static const char deployment_text[] =
    "{'metadata': {'name': 'd', 'generation': 4, 'labels': {'a': 'b'}, 'annotations': "
    "{'ignore.proget-operator.io/CoScheduled': 'x', 'deployment.kubernetes.io/revision': '1'}}, 'spec': {'replicas': "
    "0, "
    "'selector': {'matchLabels': {'app': 'p'}}, 'strategy': {'type': 'RollingUpdate', 'rollingUpdate': {'maxSurge': 1, "
    "'maxUnavailable': '25%'}}, 'template': {'metadata': {'labels': {'app': 'p'}, 'annotations': "
    "{'ignore.proget-operator.io/all': 'y'}}, 'spec': {'containers': [{'name': 'c', 'image': 'i'}]}}}, 'status': "
    "{'observedGeneration': 3, 'replicas': 4, 'updatedReplicas': 2, 'readyReplicas': 3, 'availableReplicas': 1}}";

static void test_deployment(void **state)
{
    (void) state;
    cleanup_free struct workload *workload = fixture_record(&deployment_type, deployment_text);
    assert_string_equal(workload_kind(workload), "Deployment");
    assert_int_equal(workload->generation, 4);
    assert_int_equal(workload->annotations.count, 1);
    assert_int_equal(workload->template_annotations.count, 1);
    assert_string_equal(record_map_get(&workload->template_labels, "app"), "p");
    assert_true(selector_matches(workload->selector, &workload->template_labels));
    assert_string_equal(workload->strategy, "RollingUpdate");
    assert_string_equal(workload->max_surge, "1");
    assert_string_equal(workload->max_unavailable, "25%");
    assert_non_null(pod_spec_container(&workload->template_spec, "c"));
    assert_int_equal(workload->status.observed_generation, 3);
    assert_int_equal(workload->status.replicas, 4);
    assert_int_equal(workload->status.updated_replicas, 2);
    assert_int_equal(workload->status.ready_replicas, 3);
    assert_int_equal(workload->status.available_replicas, 1);
    assert_int_equal(workload_servers(workload), 0);
}

static void test_other_workloads(void **state)
{
    (void) state;
    cleanup_free struct workload *set = fixture_record(
        &stateful_set_type, "{'spec': {'updateStrategy': {'type': 'RollingUpdate', 'rollingUpdate': {'partition': 2, "
                            "'maxUnavailable': 1}}}, 'status': {'currentRevision': 'a', 'updateRevision': 'b'}}");
    assert_string_equal(workload_kind(set), "StatefulSet");
    assert_int_equal(workload_servers(set), 1); /* absent: 1 */
    assert_int_equal(set->partition, 2);
    assert_string_equal(set->strategy, "RollingUpdate");
    assert_string_equal(set->max_unavailable, "1");
    assert_string_equal(set->status.update_revision, "b");
    cleanup_free struct workload *replicas = fixture_record(&replica_set_type, "{'spec': {'replicas': 2}}");
    assert_string_equal(workload_kind(replicas), "ReplicaSet");
    assert_int_equal(workload_servers(replicas), 2);
    cleanup_free struct workload *daemons = fixture_record(
        &daemon_set_type, "{'status': {'observedGeneration': 1, 'desiredNumberScheduled': 3, 'updatedNumberScheduled': "
                          "2, 'numberReady': 1, 'numberAvailable': 1}}");
    assert_string_equal(workload_kind(daemons), "DaemonSet");
    assert_int_equal(workload_servers(daemons), 3);
    assert_int_equal(daemons->status.ready_replicas, 1);
    assert_int_equal(daemons->status.updated_scheduled, 2);
    cleanup_free struct workload *manifest = fixture_record(&daemon_set_type, "{'spec': {}}");
    assert_int_equal(workload_servers(manifest), 1);
}

static void test_small_kinds(void **state)
{
    (void) state;
    cleanup_free struct lease *lease = fixture_record(
        &lease_type, "{'metadata': {'annotations': {'proget-operator.io/report': '{}', 'other/x': 'y'}}, 'spec': "
                     "{'holderIdentity': 'p', 'leaseDurationSeconds': 300, 'renewTime': "
                     "'2026-11-22T07:00:00.000001Z'}}");
    assert_string_equal(lease->holder, "p");
    assert_true(lease->duration_s.is_set && lease->duration_s.value == 300);
    assert_int_equal(lease->renewed_us, fixture_wall_us + 1);
    assert_int_equal(lease->annotations.count, 1);

    cleanup_free struct priority_class *class_of =
        fixture_record(&priority_class_type, "{'metadata': {'name': 'high'}, 'value': 1000000, 'globalDefault': true}");
    assert_int_equal(class_of->value, 1000000);
    assert_true(class_of->global_default);

    cleanup_free struct service *service = fixture_record(
        &service_type, "{'spec': {'type': 'ClusterIP', 'clusterIP': '10.0.0.5', 'selector': {'app': 'p'}}}");
    assert_string_equal(service->cluster_ip, "10.0.0.5");
    assert_int_equal(service->selector.count, 1);

    cleanup_free struct event *event = fixture_record(
        &event_type, "{'reason': 'FailedCreate', 'message': 'quota', 'type': 'Warning', 'involvedObject': {'kind': "
                     "'ReplicaSet', 'namespace': 'n', 'name': 'r', 'uid': 'u'}, 'eventTime': null, 'firstTimestamp': "
                     "'2026-11-22T07:00:00Z', 'lastTimestamp': '2026-11-22T07:00:01Z'}");
    assert_string_equal(event->message, "quota");
    assert_string_equal(event->object_uid, "u");
    assert_int_equal(event->event_time_us, 0);
    assert_int_equal(event->last_us - event->first_us, CLOCK_US_PER_SECOND);
}

static void test_secret(void **state)
{
    (void) state;
    cleanup_free char *big = xcalloc(1, BOUND_OPTION_VALUE + 2);
    memset(big, 'x', BOUND_OPTION_VALUE + 1);
    cleanup_free char *text =
        xasprintf("{'data': {'key': 'a2V5', 'release': '%s'}, 'stringData': {'other': 'plain'}}", big);
    cleanup_free struct secret *secret = fixture_record(&secret_type, text);
    assert_int_equal(secret->data.count, 1); /* what is too long is no key */
    assert_string_equal(record_map_get(&secret->data, "key"), "a2V5");
    assert_string_equal(record_map_get(&secret->string_data, "other"), "plain");
}

static const char cluster_spec[] =
    "{'metadata': {'name': 'main', 'namespace': 'proget', 'generation': 2, 'labels': "
    "{'proget-operator.io/discovered': 'true'}, 'annotations': {'proget-operator.io/forget': 'a,b'}}, 'spec': "
    "{'product': 'Otter', 'selector': {'matchLabels': {'app': 'p'}}, 'servers': 3, 'container': 'main', 'heartbeat': "
    "{'intervalSeconds': 10, 'staleAfterSeconds': 60, 'webStaleAfterHours': 12}, 'activation': {'internetAccess': "
    "'Blocked', 'host': 'h'}, 'licence': {'maxServers': 7}, 'placement': {'topologyKey': 't'}, 'messenger': {'port': "
    "1}, 'ignore': [{'code': 'CoScheduled', 'reason': 'r'}], 'severity': [{'code': 'ImageTagMutable', 'severity': "
    "'info'}], 'maintenance': {'until': '2026-11-22T07:00:00Z', 'reason': 'm'}}}";

static void test_cluster_spec(void **state)
{
    (void) state;
    cleanup_free struct cluster_resource *resource = fixture_record(&cluster_resource_type, cluster_spec);
    assert_int_equal(resource->generation, 2);
    assert_string_equal(record_map_get(&resource->labels, CLUSTER_LABEL_DISCOVERED), "true");
    assert_string_equal(record_map_get(&resource->annotations, CLUSTER_ANNOTATION_FORGET), "a,b");
    assert_string_equal(resource->product, "Otter");
    assert_int_equal(resource->selector->labels.count, 1);
    assert_int_equal(resource->servers.value, 3);
    assert_string_equal(resource->container, "main");
    assert_int_equal(resource->interval_s.value, 10);
    assert_int_equal(resource->stale_after_s.value, 60);
    assert_int_equal(resource->web_stale_after_h.value, 12);
    assert_string_equal(resource->internet_access, "Blocked");
    assert_string_equal(resource->activation_host, "h");
    assert_int_equal(resource->max_servers.value, 7);
    assert_string_equal(resource->topology_key, "t");
    assert_int_equal(resource->messenger_port.value, 1);
    assert_string_equal(((const struct code_reason *) resource->ignore.items)->reason, "r");
    assert_string_equal(((const struct code_severity *) resource->severity.items)->severity, "info");
    assert_int_equal(resource->maintenance_until_us, fixture_wall_us);
    assert_string_equal(resource->maintenance_reason, "m");
}

static const char cluster_status[] =
    "{'metadata': {'name': 'main'}, 'status': {'observedGeneration': 2, 'servers': 3, 'findings': [{'code': 'Evicted', "
    "'severity': 'warning', 'cause': 'Api', 'message': 'm', 'action': 'a', 'occurrence': 'u', 'object': {'apiVersion': "
    "'v1', 'kind': 'Pod', 'namespace': 'n', 'name': 'p', 'uid': 'u'}, 'related': [{'apiVersion': 'v1', 'kind': 'Node', "
    "'name': 'node-a'}], 'since': '2026-11-22T07:00:00Z', 'cleared': '2026-11-22T07:00:01Z'"
    ", 'announced': true}], 'evictions': [{'time': '2026-11-22T07:00:00Z', 'pod': 'p', 'uid': "
    "'u', 'node': 'n', 'cause': 'Api', 'message': 'm'}], 'activations': [{'machine': 'm', 'majorVersion': '2025'}], "
    "'nodes': [{'node': 'n', 'machine': 'm'}], 'members': [{'name': 'p', 'uid': 'u', 'os': 'o', 'ip': 'i', 'node': "
    "'n', 'version': 'v', 'machine': 'm', 'lastHeartbeat': '2026-11-22T07:00:00Z', 'gone': {'since': "
    "'2026-11-22T07:00:03Z', 'why': 'rollout'}}], 'conditions': [{'type': 'Ready', 'status': 'True', 'reason': 'r', "
    "'message': 'm', 'lastTransitionTime': '2026-11-22T07:00:00Z', 'observedGeneration': 2}]}}";

static void test_unreachable_node(void **state)
{
    (void) state;
    static const struct {
        const char *node;
        bool is_unreachable;
    } cases[] = {
        {"{'metadata': {'name': 'a'}}", false}, /* it has never said anything */
        {"{'metadata': {'name': 'a'}, 'status': {'conditions': [{'type': 'Ready', 'status': 'True'}]}}", false},
        {"{'metadata': {'name': 'a'}, 'status': {'conditions': [{'type': 'Ready', 'status': 'Unknown'}]}}", true},
        {"{'metadata': {'name': 'a'}, 'status': {'conditions': [{'type': 'DiskPressure', 'status': 'Unknown'}, "
         "{'type': 'Ready', 'status': 'False'}]}}",
         true},
        {"{'metadata': {'name': 'a'}, 'spec': {'taints': [{'key': 'node.kubernetes.io/unreachable'}]}}", true},
        {"{'metadata': {'name': 'a'}, 'spec': {'taints': [{'key': 'node.kubernetes.io/unschedulable'}]}}", false},
        {"{'metadata': {'name': 'a'}, 'spec': {'taints': [{'key': 'node.kubernetes.io/unreachable'}, {'key': "
         "'node.kubernetes.io/out-of-service'}]}, 'status': {'conditions': [{'type': 'Ready', 'status': 'Unknown'}]}}",
         false},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free struct node *node = fixture_record(&node_type, cases[i].node);
        assert_int_equal(node_is_unreachable(node), cases[i].is_unreachable);
    }
}

static void test_cluster_status(void **state)
{
    (void) state;
    cleanup_free struct cluster_resource *resource = fixture_record(&cluster_resource_type, cluster_status);
    assert_int_equal(resource->status.observed_generation, 2);
    assert_int_equal(resource->status.servers, 3);
    const struct status_finding *finding = resource->status.findings.items;
    assert_string_equal(finding->code, "Evicted");
    assert_string_equal(finding->object.uid, "u");
    assert_string_equal(((const struct status_reference *) finding->related.items)->name, "node-a");
    assert_int_equal(finding->since_us, fixture_wall_us);
    assert_int_equal(finding->cleared_us, fixture_wall_us + CLOCK_US_PER_SECOND);
    assert_true(finding->announced);
    assert_string_equal(finding->occurrence, "u");
    const struct status_eviction *eviction = resource->status.evictions.items;
    assert_string_equal(eviction->cause, "Api");
    const struct status_activation *activation = resource->status.activations.items;
    assert_string_equal(activation->major_version, "2025");
    assert_string_equal(((const struct status_node *) resource->status.nodes.items)->machine, "m");
    const struct status_member *member = resource->status.members.items;
    assert_string_equal(member->gone_why, "rollout");
    assert_int_equal(member->gone_since_us, fixture_wall_us + 3 * CLOCK_US_PER_SECOND);
    const struct status_condition *condition = resource->status.conditions.items;
    assert_int_equal(condition->observed_generation, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_disruption_budget),
        cmocka_unit_test(test_autoscalers),
        cmocka_unit_test(test_deployment),
        cmocka_unit_test(test_other_workloads),
        cmocka_unit_test(test_small_kinds),
        cmocka_unit_test(test_secret),
        cmocka_unit_test(test_cluster_spec),
        cmocka_unit_test(test_unreachable_node),
        cmocka_unit_test(test_cluster_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
