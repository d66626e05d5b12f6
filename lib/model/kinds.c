#include <assert.h>
#include <string.h>

#include "model_private.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

#define CORE     "", "v1"
#define APPS     "apps", "v1"
#define SELECTOR LEASE_LABEL "=" LEASE_LABEL_VALUE

static const struct model_kind_info kinds[MODEL_KIND_COUNT] = {
    /* group, version, plural, kind, namespaced, watched, label selector, field selector, table */
    [MODEL_PODS] = {CORE, "pods", "Pod", true, true, NULL, NULL, .type = &pod_type},
    [MODEL_NODES] = {CORE, "nodes", "Node", false, true, NULL, NULL, .type = &node_type},
    /* The label keeps the nodes' own Leases away. */
    [MODEL_LEASES] = {"coordination.k8s.io", "v1", "leases", "Lease", true, true, SELECTOR, NULL, .type = &lease_type},
    [MODEL_PRIORITY_CLASSES] = {"scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", false, true, NULL, NULL,
                                .type = &priority_class_type},
    [MODEL_STATEFUL_SETS] = {APPS, "statefulsets", "StatefulSet", true, true, NULL, NULL, .type = &stateful_set_type},
    [MODEL_DEPLOYMENTS] = {APPS, "deployments", "Deployment", true, true, NULL, NULL, .type = &deployment_type},
    [MODEL_REPLICA_SETS] = {APPS, "replicasets", "ReplicaSet", true, true, NULL, NULL, .type = &replica_set_type},
    [MODEL_DAEMON_SETS] = {APPS, "daemonsets", "DaemonSet", true, true, NULL, NULL, .type = &daemon_set_type},
    [MODEL_SERVICES] = {CORE, "services", "Service", true, true, NULL, NULL, .type = &service_type},
    [MODEL_CLUSTERS] = {"proget-operator.io", "v1alpha1", "progetclusters", CLUSTER_KIND, true, true, NULL, NULL,
                        .type = &cluster_resource_type},
    /* A field selector knows no "or". */
    [MODEL_EVENTS_FAILED_CREATE] = {CORE, "events", "Event", true, true, NULL, "reason=FailedCreate",
                                    .type = &event_type},
    [MODEL_EVENTS_EVICTED] = {CORE, "events", "Event", true, true, NULL, "reason=Evicted", .type = &event_type},
    [MODEL_EVENTS_PREEMPTED] = {CORE, "events", "Event", true, true, NULL, "reason=Preempted", .type = &event_type},
    [MODEL_EVENTS_TAINT] = {CORE, "events", "Event", true, true, NULL, "reason=TaintManagerEviction",
                            .type = &event_type},
    [MODEL_EVENTS_FAILED_MOUNT] = {CORE, "events", "Event", true, true, NULL, "reason=FailedMount",
                                   .type = &event_type},
    [MODEL_EVENTS_FAILED_ATTACH] = {CORE, "events", "Event", true, true, NULL, "reason=FailedAttachVolume",
                                    .type = &event_type},
    [MODEL_CLAIMS] = {CORE, "persistentvolumeclaims", "PersistentVolumeClaim", true, true, NULL, NULL,
                      .type = &claim_type},
    [MODEL_DISRUPTION_BUDGETS] = {"policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true, true, NULL, NULL,
                                  .type = &disruption_budget_type, .older_version = "v1beta1",
                                  .is_of_application = true},
    [MODEL_AUTOSCALERS] = {"autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", true, true, NULL,
                           NULL, .type = &autoscaler_type, .older_version = "v1"},
    [MODEL_VERTICAL_AUTOSCALERS] = {"autoscaling.k8s.io", "v1", "verticalpodautoscalers", "VerticalPodAutoscaler", true,
                                    true, NULL, NULL, .type = &vertical_autoscaler_type, .is_extension = true},
    [MODEL_SCALED_OBJECTS] = {"keda.sh", "v1alpha1", "scaledobjects", "ScaledObject", true, true, NULL, NULL,
                              .type = &scaled_object_type, .is_extension = true},
    [MODEL_NODE_METRICS] = {"metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", false, false, NULL, NULL,
                            .type = &node_metrics_type, .is_extension = true, .is_polled = true,
                            .title = "nodes.metrics.k8s.io"},
    [MODEL_SECRETS] = {CORE, "secrets", "Secret", true, false, NULL, NULL, .type = &secret_type},
};

const struct model_kind_info *model_kind_info(enum model_kind kind)
{
    assert(kind < MODEL_KIND_COUNT);
    return &kinds[kind];
}

const char *model_kind_title(enum model_kind kind)
{
    const struct model_kind_info *info = model_kind_info(kind);
    return info->title == NULL ? info->plural : info->title;
}

static bool is_of_version(const struct model_kind_info *info, const char *api_version)
{
    size_t group = strlen(info->group);
    if (group == 0) {
        return text_equal(api_version, info->version);
    }
    if (strlen(api_version) <= group || memcmp(api_version, info->group, group) != 0 || api_version[group] != '/') {
        return false;
    }
    const char *version = api_version + group + 1;
    return text_equal(version, info->version) ||
           (info->older_version != NULL && text_equal(version, info->older_version));
}

enum model_kind model_kind_of(const char *api_version, const char *kind)
{
    if (api_version == NULL || kind == NULL) {
        return MODEL_KIND_COUNT;
    }
    if (text_equal(api_version, "events.k8s.io/v1") && text_equal(kind, "Event")) {
        return MODEL_EVENTS_FAILED_CREATE;
    }
    for (size_t i = 0; i < MODEL_KIND_COUNT; i++) {
        if (text_equal(kind, kinds[i].kind) && is_of_version(&kinds[i], api_version)) {
            return (enum model_kind) i;
        }
    }
    return MODEL_KIND_COUNT;
}
