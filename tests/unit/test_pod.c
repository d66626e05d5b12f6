#include "model_fixture.h"

static const char whole_pod[] =
    "{'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'proget-0', 'namespace': 'proget', 'uid': 'u0', "
    "'creationTimestamp': '2026-11-22T07:00:00Z', 'deletionTimestamp': '2026-11-22T07:00:30Z', 'labels': {'b': '2', "
    "'app': 'proget'}, 'annotations': {'kubectl.kubernetes.io/last-applied-configuration': '{}', "
    "'proget-operator.io/status': 'healthy', 'ignore.proget-operator.io/all': 'why', "
    "'descheduler.alpha.kubernetes.io/evict': 'false', 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true', "
    "'x-proget-operator.io/y': 'z', 'proget-operator.iox/y': 'z'}, 'managedFields': [{'manager': 'm'}], "
    "'ownerReferences': [{'apiVersion': 'apps/v1', 'kind': 'StatefulSet', 'name': 'proget', 'uid': 'o', 'controller': "
    "true}]}, 'spec': {'nodeName': 'node-a', 'priorityClassName': 'high', 'priority': 1000, 'shareProcessNamespace': "
    "true, 'nodeSelector': {'disk': 'ssd'}, 'affinity': {'podAntiAffinity': "
    "{'requiredDuringSchedulingIgnoredDuringExecution': [{'topologyKey': 'kubernetes.io/hostname', 'labelSelector': "
    "{'matchLabels': {'app': 'proget'}}, 'namespaces': ['a'], 'namespaceSelector': {}, 'matchLabelKeys': ['k'], "
    "'mismatchLabelKeys': ['l']}], 'preferredDuringSchedulingIgnoredDuringExecution': []}, 'nodeAffinity': "
    "{'requiredDuringSchedulingIgnoredDuringExecution': {'nodeSelectorTerms': [{'matchExpressions': [{'key': 'cpus', "
    "'operator': 'Gt', 'values': ['4']}], 'matchFields': [{'key': 'metadata.name', 'operator': 'In', 'values': "
    "['node-a']}]}]}}}, 'topologySpreadConstraints': [{'topologyKey': 'zone', 'whenUnsatisfiable': 'DoNotSchedule', "
    "'maxSkew': 1, 'minDomains': 3, 'nodeAffinityPolicy': 'Ignore', 'nodeTaintsPolicy': 'Honor', 'matchLabelKeys': "
    "['m'], 'labelSelector': {'matchExpressions': [{'key': 'app', 'operator': 'Exists'}]}}], 'tolerations': [{'key': "
    "'node.kubernetes.io/not-ready', 'operator': 'Exists', 'effect': 'NoExecute', 'tolerationSeconds': 300}, {'key': "
    "'node.kubernetes.io/unreachable', 'operator': 'Exists', 'effect': 'NoExecute'}, {'key': 'only', 'operator': "
    "'Equal', 'value': 'proget', 'effect': 'NoSchedule'}], 'volumes': [{'name': 'kube-api-access-x', 'projected': {}}, "
    "{'name': 'c', 'configMap': {}}, {'name': 'packages', 'persistentVolumeClaim': {'claimName': 'claim'}}, {'name': "
    "'e', 'emptyDir': {}}, {'name': 'h', 'hostPath': {'path': '/'}}, {'name': 'n', 'nfs': {}}, {'name': 'p', "
    "'ephemeral': {}}, {'name': 'i', 'csi': {}}, {'name': 's', 'secret': {'secretName': 'key'}}], 'initContainers': "
    "[{'name': 'proget-sidecar', 'image': 'x/proget-sidecar:1', 'restartPolicy': 'Always'}], 'containers': [{'name': "
    "'proget', 'image': 'proget:25.0.13', 'env': [{'name': 'PROGET_ENCRYPTION_KEY', 'value': 'first'}, {'name': "
    "'PASSWORD', 'value': 'secret'}, {'name': 'PROGET_ENCRYPTION_KEY', 'valueFrom': {'secretKeyRef': {'name': "
    "'secrets', 'key': 'key', 'optional': true}}}, {'name': 'SQL_CONNECTION_STRING', 'valueFrom': {'configMapKeyRef': "
    "{'name': 'map', 'key': 'db'}}}, {'name': 'ASPNETCORE_URLS', 'value': 'http://*:8080'}, {'name': "
    "'BUILDMASTER_POSTGRES_CONNECTION_STRING_FILE', 'value': '/run/db'}, {'name': 'OTTER_OTHER', 'value': 'x'}], "
    "'envFrom': [{'prefix': 'P_', 'secretRef': {'name': 'all'}}, {'configMapRef': {'name': 'maps'}}], 'resources': "
    "{'requests': {'cpu': 1, 'memory': '1Gi'}, 'limits': {'cpu': '1500m', 'memory': '2Gi', 'ephemeral-storage': "
    "'5Gi'}}, 'livenessProbe': {'httpGet': {'path': '/health', 'port': 'web', 'scheme': 'HTTP'}}, 'readinessProbe': "
    "{'httpGet': {'path': '/health', 'port': 80}}, 'startupProbe': {'exec': {'command': ['curl', "
    "'localhost/health']}}, "
    "'ports': [{'name': 'web', 'containerPort': 80}], 'volumeMounts': [{'name': 'packages', 'mountPath': "
    "'/var/proget/packages', 'subPath': 's', 'subPathExpr': '$(POD_NAME)', 'readOnly': true}, {'name': "
    "'kube-api-access-x', 'mountPath': '/var/run/secrets/kubernetes.io/serviceaccount'}]}]}, 'status': {'phase': "
    "'Running', 'reason': 'r', 'message': 'm', 'qosClass': 'Burstable', 'podIP': '10.1.0.7', 'hostIP': '10.0.0.1', "
    "'startTime': '2026-11-22T07:00:01Z', 'conditions': [{'type': 'PodScheduled', 'status': 'True'}, {'type': "
    "'Initialized', 'status': 'True'}, {'type': 'Ready', 'status': 'False', 'reason': 'ContainersNotReady', "
    "'lastTransitionTime': '2026-11-22T07:00:02Z', 'lastProbeTime': null}], 'containerStatuses': [{'name': 'proget', "
    "'ready': true, 'started': false, 'restartCount': 3, 'state': {'waiting': {'reason': 'CrashLoopBackOff', "
    "'message': 'back-off'}}, 'lastState': {'terminated': {'reason': 'Error', 'exitCode': 139, 'startedAt': "
    "'2026-11-22T07:00:03Z', 'finishedAt': '2026-11-22T07:00:04Z'}}}], 'initContainerStatuses': [{'name': "
    "'proget-sidecar', 'state': {'running': {'startedAt': '2026-11-22T07:00:05Z'}}}]}}";

static int64_t seconds_of(int64_t wall_us)
{
    return (wall_us - fixture_wall_us) / CLOCK_US_PER_SECOND;
}

static void test_meta_and_status(void **state)
{
    (void) state;
    cleanup_free struct pod *pod = fixture_record(&pod_type, whole_pod);
    assert_string_equal(pod->meta.name, "proget-0");
    assert_int_equal(seconds_of(pod->meta.deleted_us), 30);
    assert_int_equal(pod->meta.owners.count, 1);
    assert_int_equal(pod->labels.count, 2);
    assert_string_equal(record_map_get(&pod->labels, "app"), "proget");
    assert_int_equal(pod->annotations.count, 4);
    assert_string_equal(record_map_get(&pod->annotations, "ignore.proget-operator.io/all"), "why");
    assert_string_equal(record_map_get(&pod->annotations, "descheduler.alpha.kubernetes.io/evict"), "false");
    assert_string_equal(pod->phase, "Running");
    assert_string_equal(pod->reason, "r");
    assert_string_equal(pod->message, "m");
    assert_string_equal(pod->qos_class, "Burstable");
    assert_string_equal(pod->pod_ip, "10.1.0.7");
    assert_string_equal(pod->host_ip, "10.0.0.1");
    assert_int_equal(seconds_of(pod->started_us), 1);
    assert_int_equal(pod->conditions.count, 1);
    const struct pod_condition *ready = pod_condition_get(pod, "Ready");
    assert_string_equal(ready->status, "False");
    assert_string_equal(ready->reason, "ContainersNotReady");
    assert_int_equal(seconds_of(ready->changed_us), 2);
    assert_null(pod_condition_get(pod, "PodScheduled"));
    assert_false(pod_is_finished(pod));
}

static void test_container_statuses(void **state)
{
    (void) state;
    cleanup_free struct pod *pod = fixture_record(&pod_type, whole_pod);
    assert_int_equal(pod->container_statuses.count, 1);
    const struct container_status *status = pod->container_statuses.items;
    assert_true(status->ready);
    assert_true(status->started.is_set);
    assert_false(status->started.value);
    assert_int_equal(status->restart_count, 3);
    assert_string_equal(status->state.waiting_reason, "CrashLoopBackOff");
    assert_string_equal(status->state.waiting_message, "back-off");
    assert_false(status->state.is_terminated);
    assert_true(status->last_state.is_terminated);
    assert_string_equal(status->last_state.terminated_reason, "Error");
    assert_int_equal(status->last_state.exit_code, 139);
    assert_int_equal(seconds_of(status->last_state.started_us), 3);
    assert_int_equal(seconds_of(status->last_state.finished_us), 4);
    const struct container_status *sidecar = pod->init_container_statuses.items;
    assert_int_equal(seconds_of(sidecar->state.running_since_us), 5);
}

static void test_scheduling(void **state)
{
    (void) state;
    cleanup_free struct pod *pod = fixture_record(&pod_type, whole_pod);
    const struct pod_spec *spec = &pod->spec;
    assert_string_equal(spec->node_name, "node-a");
    assert_string_equal(spec->priority_class_name, "high");
    assert_true(spec->priority.is_set && spec->priority.value == 1000);
    assert_true(spec->share_process_namespace.is_set && spec->share_process_namespace.value);
    assert_string_equal(record_map_get(&spec->node_selector, "disk"), "ssd");
    const struct affinity_term *term = spec->anti_affinity.items;
    assert_int_equal(spec->anti_affinity.count, 1);
    assert_string_equal(term->topology_key, "kubernetes.io/hostname");
    assert_true(selector_matches(term->selector, &pod->labels));
    assert_int_equal(term->namespaces.count, 1);
    assert_non_null(term->namespace_selector);
    assert_int_equal(term->match_label_keys.count, 1);
    assert_int_equal(term->mismatch_label_keys.count, 1);
    assert_true(spec->has_required_node_affinity);
    const struct node_selector_term *node_term = spec->node_terms.items;
    assert_string_equal(((const struct selector_requirement *) node_term->expressions.items)->operator_name, "Gt");
    assert_string_equal(((const struct selector_requirement *) node_term->fields.items)->key, "metadata.name");
    const struct topology_spread *spread = spec->spread.items;
    assert_string_equal(spread->when_unsatisfiable, "DoNotSchedule");
    assert_int_equal(spread->max_skew, 1);
    assert_int_equal(spread->min_domains, 3);
    assert_string_equal(spread->node_affinity_policy, "Ignore");
    assert_string_equal(spread->node_taints_policy, "Honor");
    assert_int_equal(spread->match_label_keys.count, 1);
    assert_true(selector_matches(spread->selector, &pod->labels));
    const struct toleration *tolerations = spec->tolerations.items;
    assert_int_equal(spec->tolerations.count, 2); /* without the one of limited time */
    assert_string_equal(tolerations[0].key, "node.kubernetes.io/unreachable");
    assert_string_equal(tolerations[1].value, "proget");
}

static void test_volumes(void **state)
{
    (void) state;
    cleanup_free struct pod *pod = fixture_record(&pod_type, whole_pod);
    const struct volume *volumes = pod->spec.volumes.items;
    assert_int_equal(pod->spec.volumes.count, 7);
    assert_string_equal(volumes[0].claim_name, "claim");
    assert_true(volumes[1].is_empty_dir && !volumes[1].is_host_path);
    assert_true(volumes[2].is_host_path);
    assert_true(volumes[3].is_nfs);
    assert_true(volumes[4].is_ephemeral);
    assert_true(volumes[5].is_csi);
    assert_string_equal(volumes[6].secret_name, "key");
}

static const struct volume *volume_of(const char *quoted, void **ret_block)
{
    cleanup_free char *spec = xasprintf("{'volumes': [%s]}", quoted);
    *ret_block = fixture_record(&pod_spec_type, spec);
    return ((struct pod_spec *) *ret_block)->volumes.items;
}

/* What tells shared storage from storage of one's own, and one share from another. */
static void test_volume_kinds(void **state)
{
    (void) state;
    static const struct {
        const char *quoted;
        bool is_network_folder, is_disk, is_read_only;
        const char *server, *path;
    } cases[] = {
        {"{'name': 'v', 'nfs': {'server': 's', 'path': '/p', 'readOnly': true}}", false, false, true, "s", "/p"},
        {"{'name': 'v', 'azureFile': {'secretName': 'a', 'shareName': 'b'}}", true, false, false, "a", "b"},
        {"{'name': 'v', 'cephfs': {'monitors': ['m'], 'path': '/p'}}", true, false, false, NULL, "/p"},
        {"{'name': 'v', 'glusterfs': {'endpoints': 'e', 'path': 'p'}}", true, false, false, "e", "p"},
        {"{'name': 'v', 'quobyte': {'registry': 'r', 'volume': 'p'}}", true, false, false, "r", "p"},
        {"{'name': 'v', 'rbd': {'monitors': ['m'], 'image': 'i'}}", false, true, false, NULL, NULL},
        {"{'name': 'v', 'azureDisk': {'diskName': 'd'}}", false, true, false, NULL, NULL},
        {"{'name': 'v', 'persistentVolumeClaim': {'claimName': 'c', 'readOnly': true}}", false, false, true, NULL,
         NULL},
        {"{'name': 'v', 'flexVolume': {'driver': 'd'}}", false, false, false, NULL, NULL},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free void *block = NULL;
        const struct volume *volume = volume_of(cases[i].quoted, &block);
        assert_int_equal(volume->is_network_folder, cases[i].is_network_folder);
        assert_int_equal(volume->is_disk, cases[i].is_disk);
        assert_int_equal(volume->is_read_only, cases[i].is_read_only);
        assert_true(text_equal(volume->server, cases[i].server));
        assert_true(text_equal(volume->path, cases[i].path));
    }
    cleanup_free void *block = NULL;
    const struct volume *inline_share =
        volume_of("{'name': 'v', 'csi': {'driver': 'smb.csi.k8s.io', 'volumeAttributes': {'source': '//s/p', "
                  "'password': 'x', 'server': 1}}}",
                  &block);
    assert_string_equal(inline_share->driver, "smb.csi.k8s.io");
    assert_int_equal(inline_share->attributes.count,
                     1); /* nothing that could be a credential, nothing that is no text */
    assert_string_equal(record_map_get(&inline_share->attributes, "source"), "//s/p");
}

static void test_container(void **state)
{
    (void) state;
    cleanup_free struct pod *pod = fixture_record(&pod_type, whole_pod);
    const struct container *container = pod_spec_container(&pod->spec, "proget");
    assert_non_null(container);
    assert_int_equal(container->env.count, 5);
    const struct env_variable *key = container_variable(container, "PROGET_ENCRYPTION_KEY");
    assert_null(key->value); /* the last counts */
    assert_true(key->has_value_from && key->optional);
    assert_string_equal(key->secret_name, "secrets");
    assert_string_equal(key->secret_key, "key");
    const struct env_variable *connection = container_variable(container, "SQL_CONNECTION_STRING");
    assert_string_equal(connection->config_map_name, "map");
    assert_string_equal(connection->config_map_key, "db");
    assert_false(connection->optional);
    assert_non_null(container_variable(container, "ASPNETCORE_URLS"));
    assert_non_null(container_variable(container, "BUILDMASTER_POSTGRES_CONNECTION_STRING_FILE"));
    assert_null(container_variable(container, "PASSWORD")); /* nothing of others is kept */
    assert_null(container_variable(container, NULL));
    const struct env_from *from = container->env_from.items;
    assert_int_equal(container->env_from.count, 2);
    assert_string_equal(from[0].prefix, "P_");
    assert_string_equal(from[0].secret_name, "all");
    assert_string_equal(from[1].config_map_name, "maps");
    assert_string_equal(container->resources.requests.cpu, "1");
    assert_string_equal(container->resources.limits.ephemeral_storage, "5Gi");
    assert_string_equal(container->liveness->http_port, "web");
    assert_string_equal(container->readiness->http_port, "80");
    assert_false(container->startup->has_http);
    assert_int_equal(container->startup->command.count, 2);
    assert_int_equal(((const struct container_port *) container->ports.items)->port, 80);
    const struct volume_mount *mount = container->mounts.items;
    assert_int_equal(container->mounts.count, 1);
    assert_true(mount->read_only);
    assert_string_equal(mount->sub_path_expr, "$(POD_NAME)");
}

static void test_container_by_name(void **state)
{
    (void) state;
    cleanup_free struct pod_spec *spec = fixture_record(
        &pod_spec_type, "{'initContainers': [{'name': 'a', 'image': 'init'}, {'name': 'b'}], 'containers': [{'name': "
                        "'a', 'image': 'main'}, {}]}");
    assert_string_equal(pod_spec_container(spec, "a")->image, "main");
    assert_non_null(pod_spec_container(spec, "b"));
    assert_null(pod_spec_container(spec, "c"));
    assert_null(pod_spec_container(spec, NULL));
}

static void test_conditions_that_speak(void **state)
{
    (void) state;
    cleanup_free struct pod *pod = fixture_record(
        &pod_type, "{'status': {'phase': 'Failed', 'conditions': [{'type': 'PodScheduled', 'status': "
                   "'False', 'message': '0/3 nodes'}, {'type': 'DisruptionTarget', 'status': 'True'}]}}");
    assert_string_equal(pod_condition_get(pod, "PodScheduled")->message, "0/3 nodes");
    assert_non_null(pod_condition_get(pod, "DisruptionTarget"));
    assert_true(pod_is_finished(pod));
}

static void test_unusable(void **state)
{
    (void) state;
    static const char *const pods[] = {
        "{'spec': {'containers': {}}}",
        "{'spec': {'priority': 'high'}}",
        "{'status': {'startTime': 'today'}}",
        "{'metadata': {'labels': {'a': 1}}}",
        "{'spec': []}",
    };
    for (size_t i = 0; i < array_length(pods); i++) {
        cleanup_json struct json_object *json = fixture_json(pods[i]);
        void *record = NULL;
        struct error err;
        assert_int_equal(record_fill(&pod_type, json, &record, NULL, &err), ERROR_BAD_INPUT);
        assert_null(record);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meta_and_status),   cmocka_unit_test(test_container_statuses),
        cmocka_unit_test(test_scheduling),        cmocka_unit_test(test_volumes),
        cmocka_unit_test(test_volume_kinds),      cmocka_unit_test(test_container),
        cmocka_unit_test(test_container_by_name), cmocka_unit_test(test_conditions_that_speak),
        cmocka_unit_test(test_unusable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
