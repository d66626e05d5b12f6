#include "proget/model/objects.h"

#include <string.h>

#include "pod_fields.h"
#include "proget/core/bounds.h"
#include "proget/core/json.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

/* --- nodes --- */

static const struct record_field taint_fields[] = {
    {"key", RECORD_TEXT, offsetof(struct taint, key), NULL, NULL},
    {"value", RECORD_TEXT, offsetof(struct taint, value), NULL, NULL},
    {"effect", RECORD_TEXT, offsetof(struct taint, effect), NULL, NULL},
};
static const struct record_type taint_type = RECORD_TYPE("taint", struct taint, taint_fields);

static const struct record_field node_fields[] = {
    OBJECT_META_FIELDS(struct node),
    {"metadata.labels", RECORD_TEXT_MAP, offsetof(struct node, labels), NULL, NULL},
    {"spec.unschedulable", RECORD_BOOL, offsetof(struct node, unschedulable), NULL, NULL},
    {"spec.taints", RECORD_LIST, offsetof(struct node, taints), &taint_type, NULL},
    {"status.conditions", RECORD_LIST, offsetof(struct node, conditions), &pod_condition_type, NULL},
    {"status.allocatable.cpu", RECORD_SCALAR_TEXT, offsetof(struct node, allocatable.cpu), NULL, NULL},
    {"status.allocatable.memory", RECORD_SCALAR_TEXT, offsetof(struct node, allocatable.memory), NULL, NULL},
    {"status.allocatable.ephemeral-storage", RECORD_SCALAR_TEXT, offsetof(struct node, allocatable.ephemeral_storage),
     NULL, NULL},
    {"status.allocatable.pods", RECORD_SCALAR_TEXT, offsetof(struct node, allocatable_pods), NULL, NULL},
    {"status.nodeInfo.osImage", RECORD_TEXT, offsetof(struct node, os_image), NULL, NULL},
};
const struct record_type node_type = RECORD_TYPE("Node", struct node, node_fields);

const struct pod_condition *node_condition_get(const struct node *node, const char *type)
{
    record_list_each (const struct pod_condition *, condition, &node->conditions) {
        if (text_equal(condition->type, type)) {
            return condition;
        }
    }
    return NULL;
}

static bool node_is_tainted(const struct node *node, const char *key)
{
    record_list_each (const struct taint *, taint, &node->taints) {
        if (text_equal(taint->key, key)) {
            return true;
        }
    }
    return false;
}

bool node_is_unreachable(const struct node *node)
{
    if (node_is_tainted(node, "node.kubernetes.io/out-of-service")) {
        return false;
    }
    const struct pod_condition *ready = node_condition_get(node, "Ready");
    return (ready != NULL && !text_equal(ready->status, "True")) ||
           node_is_tainted(node, "node.kubernetes.io/unreachable");
}

static const struct record_field node_metrics_fields[] = {
    OBJECT_META_FIELDS(struct node_metrics),
    {"usage.cpu", RECORD_SCALAR_TEXT, offsetof(struct node_metrics, usage.cpu), NULL, NULL},
    {"usage.memory", RECORD_SCALAR_TEXT, offsetof(struct node_metrics, usage.memory), NULL, NULL},
    {"timestamp", RECORD_TIME, offsetof(struct node_metrics, measured_us), NULL, NULL},
};
const struct record_type node_metrics_type = RECORD_TYPE("NodeMetrics", struct node_metrics, node_metrics_fields);

/* --- claims --- */

static const struct record_field claim_fields[] = {
    OBJECT_META_FIELDS(struct claim),
    {"spec.accessModes", RECORD_TEXT_LIST, offsetof(struct claim, access_modes), NULL, NULL},
    {"spec.storageClassName", RECORD_TEXT, offsetof(struct claim, storage_class), NULL, NULL},
    {"spec.volumeName", RECORD_TEXT, offsetof(struct claim, volume_name), NULL, NULL},
    {"status.phase", RECORD_TEXT, offsetof(struct claim, phase), NULL, NULL},
};
const struct record_type claim_type = RECORD_TYPE("PersistentVolumeClaim", struct claim, claim_fields);

/* --- workloads --- */

/*
 * Items of a list carry no kind, and the four kinds share a struct, so each kind's table marks its own: the path "" is
 * the object itself, which is always there.
 */
#define WORKLOAD_FIELDS(mark)                                                                                          \
    {"", RECORD_PRESENT, offsetof(struct workload, mark), NULL, NULL}, OBJECT_META_FIELDS(struct workload),            \
        {"metadata.labels", RECORD_TEXT_MAP, offsetof(struct workload, labels), NULL, NULL},                           \
        {"metadata.annotations", RECORD_TEXT_MAP, offsetof(struct workload, annotations), NULL, annotation_is_read},   \
        {"metadata.generation", RECORD_INT64, offsetof(struct workload, generation), NULL, NULL},                      \
        {"spec.replicas", RECORD_OPTIONAL_INT64, offsetof(struct workload, replicas), NULL, NULL},                     \
        {"spec.selector", RECORD_OBJECT, offsetof(struct workload, selector), &selector_type, NULL},                   \
        {"spec.template.metadata.labels", RECORD_TEXT_MAP, offsetof(struct workload, template_labels), NULL, NULL},    \
        {"spec.template.metadata.annotations", RECORD_TEXT_MAP, offsetof(struct workload, template_annotations), NULL, \
         annotation_is_read},                                                                                          \
        POD_SPEC_FIELDS("spec.template.spec.", struct workload, template_spec),                                        \
        {"spec.strategy.type", RECORD_TEXT, offsetof(struct workload, strategy), NULL, NULL},                          \
        {"spec.updateStrategy.type", RECORD_TEXT, offsetof(struct workload, strategy), NULL, NULL},                    \
        {"spec.strategy.rollingUpdate.maxSurge", RECORD_SCALAR_TEXT, offsetof(struct workload, max_surge), NULL,       \
         NULL},                                                                                                        \
        {"spec.updateStrategy.rollingUpdate.maxSurge", RECORD_SCALAR_TEXT, offsetof(struct workload, max_surge), NULL, \
         NULL},                                                                                                        \
        {"spec.strategy.rollingUpdate.maxUnavailable", RECORD_SCALAR_TEXT, offsetof(struct workload, max_unavailable), \
         NULL, NULL},                                                                                                  \
        {"spec.updateStrategy.rollingUpdate.maxUnavailable", RECORD_SCALAR_TEXT,                                       \
         offsetof(struct workload, max_unavailable), NULL, NULL},                                                      \
        {"spec.updateStrategy.rollingUpdate.partition", RECORD_INT64, offsetof(struct workload, partition), NULL,      \
         NULL},                                                                                                        \
        {"spec.volumeClaimTemplates", RECORD_LIST, offsetof(struct workload, claim_templates), &claim_type, NULL},     \
        {"status.observedGeneration", RECORD_INT64, offsetof(struct workload, status.observed_generation), NULL,       \
         NULL},                                                                                                        \
        {"status.replicas", RECORD_INT64, offsetof(struct workload, status.replicas), NULL, NULL},                     \
        {"status.updatedReplicas", RECORD_INT64, offsetof(struct workload, status.updated_replicas), NULL, NULL},      \
        {"status.readyReplicas", RECORD_INT64, offsetof(struct workload, status.ready_replicas), NULL, NULL},          \
        {"status.availableReplicas", RECORD_INT64, offsetof(struct workload, status.available_replicas), NULL, NULL},  \
        {"status.numberReady", RECORD_INT64, offsetof(struct workload, status.ready_replicas), NULL, NULL},            \
        {"status.numberAvailable", RECORD_INT64, offsetof(struct workload, status.available_replicas), NULL, NULL},    \
        {"status.currentRevision", RECORD_TEXT, offsetof(struct workload, status.current_revision), NULL, NULL},       \
        {"status.updateRevision", RECORD_TEXT, offsetof(struct workload, status.update_revision), NULL, NULL},         \
        {"status.desiredNumberScheduled", RECORD_INT64, offsetof(struct workload, status.desired_scheduled), NULL,     \
         NULL},                                                                                                        \
    {                                                                                                                  \
        "status.updatedNumberScheduled", RECORD_INT64, offsetof(struct workload, status.updated_scheduled), NULL, NULL \
    }

static const struct record_field stateful_set_fields[] = {WORKLOAD_FIELDS(is_stateful_set)};
const struct record_type stateful_set_type = RECORD_TYPE("StatefulSet", struct workload, stateful_set_fields);

static const struct record_field deployment_fields[] = {WORKLOAD_FIELDS(is_deployment)};
const struct record_type deployment_type = RECORD_TYPE("Deployment", struct workload, deployment_fields);

static const struct record_field replica_set_fields[] = {WORKLOAD_FIELDS(is_replica_set)};
const struct record_type replica_set_type = RECORD_TYPE("ReplicaSet", struct workload, replica_set_fields);

static const struct record_field daemon_set_fields[] = {WORKLOAD_FIELDS(is_daemon_set)};
const struct record_type daemon_set_type = RECORD_TYPE("DaemonSet", struct workload, daemon_set_fields);

const char *workload_kind(const struct workload *workload)
{
    if (workload->is_deployment) {
        return "Deployment";
    }
    if (workload->is_replica_set) {
        return "ReplicaSet";
    }
    return workload->is_daemon_set ? "DaemonSet" : "StatefulSet";
}

int64_t workload_servers(const struct workload *workload)
{
    if (workload->is_daemon_set) {
        bool is_observed = workload->status.observed_generation > 0;
        return is_observed ? workload->status.desired_scheduled : 1;
    }
    if (!workload->replicas.is_set) {
        return 1;
    }
    return workload->replicas.value > 0 ? workload->replicas.value : 0;
}

/* --- the sidecar's heartbeat --- */

static const struct record_field lease_fields[] = {
    OBJECT_META_FIELDS(struct lease),
    {"spec.holderIdentity", RECORD_TEXT, offsetof(struct lease, holder), NULL, NULL},
    {"spec.leaseDurationSeconds", RECORD_OPTIONAL_INT64, offsetof(struct lease, duration_s), NULL, NULL},
    {"spec.renewTime", RECORD_TIME, offsetof(struct lease, renewed_us), NULL, NULL},
    {"metadata.annotations", RECORD_TEXT_MAP, offsetof(struct lease, annotations), NULL, annotation_is_read},
};
const struct record_type lease_type = RECORD_TYPE("Lease", struct lease, lease_fields);

/* --- the rest --- */

static const struct record_field priority_class_fields[] = {
    OBJECT_META_FIELDS(struct priority_class),
    {"value", RECORD_INT64, offsetof(struct priority_class, value), NULL, NULL},
    {"globalDefault", RECORD_BOOL, offsetof(struct priority_class, global_default), NULL, NULL},
    {"preemptionPolicy", RECORD_TEXT, offsetof(struct priority_class, preemption_policy), NULL, NULL},
};
const struct record_type priority_class_type =
    RECORD_TYPE("PriorityClass", struct priority_class, priority_class_fields);

static const struct record_field disruption_budget_fields[] = {
    OBJECT_META_FIELDS(struct disruption_budget),
    {"spec.selector", RECORD_OBJECT, offsetof(struct disruption_budget, selector), &selector_type, NULL},
    {"spec.minAvailable", RECORD_SCALAR_TEXT, offsetof(struct disruption_budget, min_available), NULL, NULL},
    {"spec.maxUnavailable", RECORD_SCALAR_TEXT, offsetof(struct disruption_budget, max_unavailable), NULL, NULL},
};
const struct record_type disruption_budget_type =
    RECORD_TYPE("PodDisruptionBudget", struct disruption_budget, disruption_budget_fields);

#define SCALE_TARGET_FIELDS(path, struct_type)                                                \
    {path ".apiVersion", RECORD_TEXT, offsetof(struct_type, target.api_version), NULL, NULL}, \
        {path ".kind", RECORD_TEXT, offsetof(struct_type, target.kind), NULL, NULL},          \
    {                                                                                         \
        path ".name", RECORD_TEXT, offsetof(struct_type, target.name), NULL, NULL             \
    }

static const struct record_field autoscaler_fields[] = {
    OBJECT_META_FIELDS(struct autoscaler),
    SCALE_TARGET_FIELDS("spec.scaleTargetRef", struct autoscaler),
    {"spec.minReplicas", RECORD_OPTIONAL_INT64, offsetof(struct autoscaler, minimum), NULL, NULL},
    {"spec.maxReplicas", RECORD_OPTIONAL_INT64, offsetof(struct autoscaler, maximum), NULL, NULL},
};
const struct record_type autoscaler_type = RECORD_TYPE("HorizontalPodAutoscaler", struct autoscaler, autoscaler_fields);

static const struct record_field vertical_autoscaler_fields[] = {
    OBJECT_META_FIELDS(struct vertical_autoscaler),
    SCALE_TARGET_FIELDS("spec.targetRef", struct vertical_autoscaler),
    {"spec.updatePolicy.updateMode", RECORD_TEXT, offsetof(struct vertical_autoscaler, update_mode), NULL, NULL},
};
const struct record_type vertical_autoscaler_type =
    RECORD_TYPE("VerticalPodAutoscaler", struct vertical_autoscaler, vertical_autoscaler_fields);

static bool pausing_annotation_is_read(const char *key, struct json_object *value)
{
    (void) value;
    return text_equal(key, SCALED_OBJECT_PAUSED) || text_equal(key, SCALED_OBJECT_PAUSED_REPLICAS);
}

static const struct record_field scaled_object_fields[] = {
    OBJECT_META_FIELDS(struct scaled_object),
    {"metadata.annotations", RECORD_TEXT_MAP, offsetof(struct scaled_object, annotations), NULL,
     pausing_annotation_is_read},
    SCALE_TARGET_FIELDS("spec.scaleTargetRef", struct scaled_object),
    {"spec.minReplicaCount", RECORD_OPTIONAL_INT64, offsetof(struct scaled_object, minimum), NULL, NULL},
    {"spec.maxReplicaCount", RECORD_OPTIONAL_INT64, offsetof(struct scaled_object, maximum), NULL, NULL},
    {"spec.idleReplicaCount", RECORD_OPTIONAL_INT64, offsetof(struct scaled_object, idle), NULL, NULL},
};
const struct record_type scaled_object_type = RECORD_TYPE("ScaledObject", struct scaled_object, scaled_object_fields);

static const struct record_field service_fields[] = {
    OBJECT_META_FIELDS(struct service),
    {"spec.selector", RECORD_TEXT_MAP, offsetof(struct service, selector), NULL, NULL},
    {"spec.type", RECORD_TEXT, offsetof(struct service, type), NULL, NULL},
    {"spec.clusterIP", RECORD_TEXT, offsetof(struct service, cluster_ip), NULL, NULL},
};
const struct record_type service_type = RECORD_TYPE("Service", struct service, service_fields);

/* Both forms: core/v1, and events.k8s.io/v1 as offline input may hold it. */
static const struct record_field event_fields[] = {
    OBJECT_META_FIELDS(struct event),
    {"reason", RECORD_TEXT, offsetof(struct event, reason), NULL, NULL},
    {"note", RECORD_TEXT, offsetof(struct event, message), NULL, NULL},
    {"message", RECORD_TEXT, offsetof(struct event, message), NULL, NULL},
    {"type", RECORD_TEXT, offsetof(struct event, type), NULL, NULL},
    {"regarding.kind", RECORD_TEXT, offsetof(struct event, object_kind), NULL, NULL},
    {"regarding.namespace", RECORD_TEXT, offsetof(struct event, object_namespace), NULL, NULL},
    {"regarding.name", RECORD_TEXT, offsetof(struct event, object_name), NULL, NULL},
    {"regarding.uid", RECORD_TEXT, offsetof(struct event, object_uid), NULL, NULL},
    {"involvedObject.kind", RECORD_TEXT, offsetof(struct event, object_kind), NULL, NULL},
    {"involvedObject.namespace", RECORD_TEXT, offsetof(struct event, object_namespace), NULL, NULL},
    {"involvedObject.name", RECORD_TEXT, offsetof(struct event, object_name), NULL, NULL},
    {"involvedObject.uid", RECORD_TEXT, offsetof(struct event, object_uid), NULL, NULL},
    {"metadata.annotations.starved_resource", RECORD_PRESENT, offsetof(struct event, names_starved_resource), NULL,
     NULL},
    {"eventTime", RECORD_TIME, offsetof(struct event, event_time_us), NULL, NULL},
    {"deprecatedFirstTimestamp", RECORD_TIME, offsetof(struct event, first_us), NULL, NULL},
    {"deprecatedLastTimestamp", RECORD_TIME, offsetof(struct event, last_us), NULL, NULL},
    {"firstTimestamp", RECORD_TIME, offsetof(struct event, first_us), NULL, NULL},
    {"lastTimestamp", RECORD_TIME, offsetof(struct event, last_us), NULL, NULL},
};
const struct record_type event_type = RECORD_TYPE("Event", struct event, event_fields);

/* Keys and connection strings are short; a Secret may also hold a certificate store or a whole release of Helm's. */
static bool secret_value_is_read(const char *key, struct json_object *value)
{
    (void) key;
    return json_object_is_type(value, json_type_string) && json_object_get_string_len(value) <= BOUND_OPTION_VALUE;
}

static const struct record_field secret_fields[] = {
    OBJECT_META_FIELDS(struct secret),
    {"data", RECORD_TEXT_MAP, offsetof(struct secret, data), NULL, secret_value_is_read},
    {"stringData", RECORD_TEXT_MAP, offsetof(struct secret, string_data), NULL, secret_value_is_read},
};
const struct record_type secret_type = RECORD_TYPE("Secret", struct secret, secret_fields);
