#include "proget/model/pod.h"

#include "pod_fields.h"
#include "proget/core/json.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/model/cluster_resource.h"
#include "proget/model/product.h"

#define OUR_ANNOTATION_PREFIX "proget-operator.io/"
#define SERVICE_ACCOUNT_PATH  "/var/run/secrets/kubernetes.io/serviceaccount"

/* --- what is kept --- */

bool annotation_is_read(const char *key, struct json_object *value)
{
    (void) value;
    /* Up to the slash a key names who it belongs to: that is whole, so it is no compare by half a name. */
    return text_starts_with(key, OUR_ANNOTATION_PREFIX) || text_starts_with(key, IGNORE_ANNOTATION_PREFIX) ||
           text_equal(key, "descheduler.alpha.kubernetes.io/evict") ||
           text_equal(key, "cluster-autoscaler.kubernetes.io/safe-to-evict");
}

/* Secrets of others stay out of our memory: nothing but what a check names. */
static bool variable_is_read(const char *key, struct json_object *value)
{
    (void) key;
    const char *name = json_text_at(value, "name", NULL);
    return product_from_variable(name) != PRODUCT_UNKNOWN || product_is_connection_variable(PRODUCT_UNKNOWN, name) ||
           text_equal(name, "ASPNETCORE_URLS");
}

/* The two that the admission plugin DefaultTolerationSeconds adds; whoever tolerates without an end is kept. */
bool toleration_is_read(const char *key, struct json_object *value)
{
    (void) key;
    const char *taint = json_text_at(value, "key", NULL);
    bool is_default =
        text_equal(taint, "node.kubernetes.io/not-ready") || text_equal(taint, "node.kubernetes.io/unreachable");
    return !is_default || json_member(value, "tolerationSeconds") == NULL;
}

/* Every pod has such a one for its token, and none of them is storage. */
bool volume_is_read(const char *key, struct json_object *value)
{
    (void) key;
    return json_member(value, "projected") == NULL && json_member(value, "configMap") == NULL &&
           json_member(value, "downwardAPI") == NULL;
}

/* What tells one share from another, and nothing that could be a credential. */
static bool share_attribute_is_read(const char *key, struct json_object *value)
{
    static const char *const names[] = {"bucketName", "containerName", "server", "share", "shareName", "source"};
    for (size_t i = 0; i < array_length(names); i++) {
        if (text_equal(key, names[i])) {
            return json_object_is_type(value, json_type_string);
        }
    }
    return false;
}

static bool mount_is_read(const char *key, struct json_object *value)
{
    (void) key;
    return !text_equal(json_text_at(value, "mountPath", NULL), SERVICE_ACCOUNT_PATH);
}

/* "PodScheduled" speaks only while it is not so; the others repeat what the containers' own statuses say. */
static bool condition_is_read(const char *key, struct json_object *value)
{
    (void) key;
    const char *type = json_text_at(value, "type", NULL);
    if (text_equal(type, "PodScheduled")) {
        return !text_equal(json_text_at(value, "status", NULL), "True");
    }
    return text_equal(type, "DisruptionTarget") || text_equal(type, "Ready");
}

/* --- tables --- */

static const struct record_field env_variable_fields[] = {
    {"name", RECORD_TEXT, offsetof(struct env_variable, name), NULL, NULL},
    {"value", RECORD_TEXT, offsetof(struct env_variable, value), NULL, NULL},
    {"valueFrom", RECORD_PRESENT, offsetof(struct env_variable, has_value_from), NULL, NULL},
    {"valueFrom.secretKeyRef.name", RECORD_TEXT, offsetof(struct env_variable, secret_name), NULL, NULL},
    {"valueFrom.secretKeyRef.key", RECORD_TEXT, offsetof(struct env_variable, secret_key), NULL, NULL},
    {"valueFrom.secretKeyRef.optional", RECORD_BOOL, offsetof(struct env_variable, optional), NULL, NULL},
    {"valueFrom.configMapKeyRef.name", RECORD_TEXT, offsetof(struct env_variable, config_map_name), NULL, NULL},
    {"valueFrom.configMapKeyRef.key", RECORD_TEXT, offsetof(struct env_variable, config_map_key), NULL, NULL},
    {"valueFrom.configMapKeyRef.optional", RECORD_BOOL, offsetof(struct env_variable, optional), NULL, NULL},
};
static const struct record_type env_variable_type =
    RECORD_TYPE("environment variable", struct env_variable, env_variable_fields);

static const struct record_field env_from_fields[] = {
    {"prefix", RECORD_TEXT, offsetof(struct env_from, prefix), NULL, NULL},
    {"secretRef.name", RECORD_TEXT, offsetof(struct env_from, secret_name), NULL, NULL},
    {"configMapRef.name", RECORD_TEXT, offsetof(struct env_from, config_map_name), NULL, NULL},
};
static const struct record_type env_from_type = RECORD_TYPE("envFrom", struct env_from, env_from_fields);

#define AMOUNT_FIELDS(path, struct_type, member)                                                                   \
    {path ".cpu", RECORD_SCALAR_TEXT, offsetof(struct_type, member.cpu), NULL, NULL},                              \
        {path ".memory", RECORD_SCALAR_TEXT, offsetof(struct_type, member.memory), NULL, NULL},                    \
    {                                                                                                              \
        path ".ephemeral-storage", RECORD_SCALAR_TEXT, offsetof(struct_type, member.ephemeral_storage), NULL, NULL \
    }

static const struct record_field resource_amounts_fields[] = {
    {"cpu", RECORD_SCALAR_TEXT, offsetof(struct resource_amounts, cpu), NULL, NULL},
    {"memory", RECORD_SCALAR_TEXT, offsetof(struct resource_amounts, memory), NULL, NULL},
    {"ephemeral-storage", RECORD_SCALAR_TEXT, offsetof(struct resource_amounts, ephemeral_storage), NULL, NULL},
};
static const struct record_field resources_fields[] = {
    AMOUNT_FIELDS("requests", struct resources, requests),
    AMOUNT_FIELDS("limits", struct resources, limits),
};
const struct record_type resource_amounts_type =
    RECORD_TYPE("amounts", struct resource_amounts, resource_amounts_fields);

const struct record_type resources_type = RECORD_TYPE("resources", struct resources, resources_fields);

static const struct record_field probe_fields[] = {
    {"httpGet", RECORD_PRESENT, offsetof(struct probe, has_http), NULL, NULL},
    {"httpGet.path", RECORD_TEXT, offsetof(struct probe, http_path), NULL, NULL},
    {"httpGet.port", RECORD_SCALAR_TEXT, offsetof(struct probe, http_port), NULL, NULL},
    {"httpGet.scheme", RECORD_TEXT, offsetof(struct probe, http_scheme), NULL, NULL},
    {"exec.command", RECORD_TEXT_LIST, offsetof(struct probe, command), NULL, NULL},
};
static const struct record_type probe_type = RECORD_TYPE("probe", struct probe, probe_fields);

static const struct record_field port_fields[] = {
    {"name", RECORD_TEXT, offsetof(struct container_port, name), NULL, NULL},
    {"containerPort", RECORD_INT64, offsetof(struct container_port, port), NULL, NULL},
};
static const struct record_type port_type = RECORD_TYPE("container port", struct container_port, port_fields);

static const struct record_field mount_fields[] = {
    {"name", RECORD_TEXT, offsetof(struct volume_mount, name), NULL, NULL},
    {"mountPath", RECORD_TEXT, offsetof(struct volume_mount, path), NULL, NULL},
    {"subPath", RECORD_TEXT, offsetof(struct volume_mount, sub_path), NULL, NULL},
    {"subPathExpr", RECORD_TEXT, offsetof(struct volume_mount, sub_path_expr), NULL, NULL},
    {"readOnly", RECORD_BOOL, offsetof(struct volume_mount, read_only), NULL, NULL},
};
static const struct record_type mount_type = RECORD_TYPE("volume mount", struct volume_mount, mount_fields);

static const struct record_field container_fields[] = {
    {"name", RECORD_TEXT, offsetof(struct container, name), NULL, NULL},
    {"image", RECORD_TEXT, offsetof(struct container, image), NULL, NULL},
    {"restartPolicy", RECORD_TEXT, offsetof(struct container, restart_policy), NULL, NULL},
    {"env", RECORD_LIST, offsetof(struct container, env), &env_variable_type, variable_is_read},
    {"envFrom", RECORD_LIST, offsetof(struct container, env_from), &env_from_type, NULL},
    AMOUNT_FIELDS("resources.requests", struct container, resources.requests),
    AMOUNT_FIELDS("resources.limits", struct container, resources.limits),
    {"livenessProbe", RECORD_OBJECT, offsetof(struct container, liveness), &probe_type, NULL},
    {"readinessProbe", RECORD_OBJECT, offsetof(struct container, readiness), &probe_type, NULL},
    {"startupProbe", RECORD_OBJECT, offsetof(struct container, startup), &probe_type, NULL},
    {"ports", RECORD_LIST, offsetof(struct container, ports), &port_type, NULL},
    {"volumeMounts", RECORD_LIST, offsetof(struct container, mounts), &mount_type, mount_is_read},
    {"affinity", RECORD_PRESENT, offsetof(struct container, has_stray_affinity), NULL, NULL},
};
const struct record_type container_type = RECORD_TYPE("container", struct container, container_fields);

static const struct record_field affinity_term_fields[] = {
    {"topologyKey", RECORD_TEXT, offsetof(struct affinity_term, topology_key), NULL, NULL},
    {"labelSelector", RECORD_OBJECT, offsetof(struct affinity_term, selector), &selector_type, NULL},
    {"namespaces", RECORD_TEXT_LIST, offsetof(struct affinity_term, namespaces), NULL, NULL},
    {"namespaceSelector", RECORD_OBJECT, offsetof(struct affinity_term, namespace_selector), &selector_type, NULL},
    {"matchLabelKeys", RECORD_TEXT_LIST, offsetof(struct affinity_term, match_label_keys), NULL, NULL},
    {"mismatchLabelKeys", RECORD_TEXT_LIST, offsetof(struct affinity_term, mismatch_label_keys), NULL, NULL},
};
const struct record_type affinity_term_type = RECORD_TYPE("affinity term", struct affinity_term, affinity_term_fields);

static const struct record_field topology_spread_fields[] = {
    {"topologyKey", RECORD_TEXT, offsetof(struct topology_spread, topology_key), NULL, NULL},
    {"whenUnsatisfiable", RECORD_TEXT, offsetof(struct topology_spread, when_unsatisfiable), NULL, NULL},
    {"labelSelector", RECORD_OBJECT, offsetof(struct topology_spread, selector), &selector_type, NULL},
    {"maxSkew", RECORD_INT64, offsetof(struct topology_spread, max_skew), NULL, NULL},
    {"minDomains", RECORD_INT64, offsetof(struct topology_spread, min_domains), NULL, NULL},
    {"nodeAffinityPolicy", RECORD_TEXT, offsetof(struct topology_spread, node_affinity_policy), NULL, NULL},
    {"nodeTaintsPolicy", RECORD_TEXT, offsetof(struct topology_spread, node_taints_policy), NULL, NULL},
    {"matchLabelKeys", RECORD_TEXT_LIST, offsetof(struct topology_spread, match_label_keys), NULL, NULL},
};
const struct record_type topology_spread_type =
    RECORD_TYPE("topology spread constraint", struct topology_spread, topology_spread_fields);

static const struct record_field node_requirement_fields[] = {
    {"key", RECORD_TEXT, offsetof(struct selector_requirement, key), NULL, NULL},
    {"operator", RECORD_TEXT, offsetof(struct selector_requirement, operator_name), NULL, NULL},
    {"values", RECORD_TEXT_LIST, offsetof(struct selector_requirement, values), NULL, NULL},
};
static const struct record_type node_requirement_type =
    RECORD_TYPE("node selector requirement", struct selector_requirement, node_requirement_fields);

static const struct record_field node_selector_term_fields[] = {
    {"matchExpressions", RECORD_LIST, offsetof(struct node_selector_term, expressions), &node_requirement_type, NULL},
    {"matchFields", RECORD_LIST, offsetof(struct node_selector_term, fields), &node_requirement_type, NULL},
};
const struct record_type node_selector_term_type =
    RECORD_TYPE("node selector term", struct node_selector_term, node_selector_term_fields);

static const struct record_field toleration_fields[] = {
    {"key", RECORD_TEXT, offsetof(struct toleration, key), NULL, NULL},
    {"operator", RECORD_TEXT, offsetof(struct toleration, operator_name), NULL, NULL},
    {"value", RECORD_TEXT, offsetof(struct toleration, value), NULL, NULL},
    {"effect", RECORD_TEXT, offsetof(struct toleration, effect), NULL, NULL},
};
const struct record_type toleration_type = RECORD_TYPE("toleration", struct toleration, toleration_fields);

static const struct record_field volume_fields[] = {
    {"name", RECORD_TEXT, offsetof(struct volume, name), NULL, NULL},
    {"persistentVolumeClaim.claimName", RECORD_TEXT, offsetof(struct volume, claim_name), NULL, NULL},
    {"emptyDir", RECORD_PRESENT, offsetof(struct volume, is_empty_dir), NULL, NULL},
    {"hostPath", RECORD_PRESENT, offsetof(struct volume, is_host_path), NULL, NULL},
    {"nfs", RECORD_PRESENT, offsetof(struct volume, is_nfs), NULL, NULL},
    {"ephemeral", RECORD_PRESENT, offsetof(struct volume, is_ephemeral), NULL, NULL},
    {"csi", RECORD_PRESENT, offsetof(struct volume, is_csi), NULL, NULL},
    {"csi.driver", RECORD_TEXT, offsetof(struct volume, driver), NULL, NULL},
    {"csi.volumeAttributes", RECORD_TEXT_MAP, offsetof(struct volume, attributes), NULL, share_attribute_is_read},
    {"azureFile", RECORD_PRESENT, offsetof(struct volume, is_network_folder), NULL, NULL},
    {"cephfs", RECORD_PRESENT, offsetof(struct volume, is_network_folder), NULL, NULL},
    {"glusterfs", RECORD_PRESENT, offsetof(struct volume, is_network_folder), NULL, NULL},
    {"quobyte", RECORD_PRESENT, offsetof(struct volume, is_network_folder), NULL, NULL},
    {"awsElasticBlockStore", RECORD_PRESENT, offsetof(struct volume, is_disk), NULL, NULL},
    {"azureDisk", RECORD_PRESENT, offsetof(struct volume, is_disk), NULL, NULL},
    {"cinder", RECORD_PRESENT, offsetof(struct volume, is_disk), NULL, NULL},
    {"fc", RECORD_PRESENT, offsetof(struct volume, is_disk), NULL, NULL},
    {"gcePersistentDisk", RECORD_PRESENT, offsetof(struct volume, is_disk), NULL, NULL},
    {"iscsi", RECORD_PRESENT, offsetof(struct volume, is_disk), NULL, NULL},
    {"rbd", RECORD_PRESENT, offsetof(struct volume, is_disk), NULL, NULL},
    {"vsphereVolume", RECORD_PRESENT, offsetof(struct volume, is_disk), NULL, NULL},
    {"persistentVolumeClaim.readOnly", RECORD_BOOL, offsetof(struct volume, is_read_only), NULL, NULL},
    {"nfs.readOnly", RECORD_BOOL, offsetof(struct volume, is_read_only), NULL, NULL},
    {"csi.readOnly", RECORD_BOOL, offsetof(struct volume, is_read_only), NULL, NULL},
    {"azureFile.readOnly", RECORD_BOOL, offsetof(struct volume, is_read_only), NULL, NULL},
    {"cephfs.readOnly", RECORD_BOOL, offsetof(struct volume, is_read_only), NULL, NULL},
    {"glusterfs.readOnly", RECORD_BOOL, offsetof(struct volume, is_read_only), NULL, NULL},
    {"quobyte.readOnly", RECORD_BOOL, offsetof(struct volume, is_read_only), NULL, NULL},
    {"nfs.server", RECORD_TEXT, offsetof(struct volume, server), NULL, NULL},
    {"nfs.path", RECORD_TEXT, offsetof(struct volume, path), NULL, NULL},
    {"azureFile.secretName", RECORD_TEXT, offsetof(struct volume, server), NULL, NULL}, /* names the account */
    {"azureFile.shareName", RECORD_TEXT, offsetof(struct volume, path), NULL, NULL},
    {"cephfs.path", RECORD_TEXT, offsetof(struct volume, path), NULL, NULL},
    {"glusterfs.endpoints", RECORD_TEXT, offsetof(struct volume, server), NULL, NULL},
    {"glusterfs.path", RECORD_TEXT, offsetof(struct volume, path), NULL, NULL},
    {"quobyte.registry", RECORD_TEXT, offsetof(struct volume, server), NULL, NULL},
    {"quobyte.volume", RECORD_TEXT, offsetof(struct volume, path), NULL, NULL},
    {"secret.secretName", RECORD_TEXT, offsetof(struct volume, secret_name), NULL, NULL},
};
const struct record_type volume_type = RECORD_TYPE("volume", struct volume, volume_fields);

struct pod_spec_alone { /* for pod_spec_type: the rows below want a member */
    struct pod_spec spec;
};
static const struct record_field pod_spec_fields[] = {
    POD_SPEC_FIELDS("", struct pod_spec_alone, spec),
};
const struct record_type pod_spec_type = RECORD_TYPE("pod spec", struct pod_spec_alone, pod_spec_fields);

static const struct record_field pod_condition_fields[] = {
    {"type", RECORD_TEXT, offsetof(struct pod_condition, type), NULL, NULL},
    {"status", RECORD_TEXT, offsetof(struct pod_condition, status), NULL, NULL},
    {"reason", RECORD_TEXT, offsetof(struct pod_condition, reason), NULL, NULL},
    {"message", RECORD_TEXT, offsetof(struct pod_condition, message), NULL, NULL},
    {"lastTransitionTime", RECORD_TIME, offsetof(struct pod_condition, changed_us), NULL, NULL},
};
const struct record_type pod_condition_type = RECORD_TYPE("condition", struct pod_condition, pod_condition_fields);

#define CONTAINER_STATE_FIELDS(path, member)                                                                           \
    {path ".waiting.reason", RECORD_TEXT, offsetof(struct container_status, member.waiting_reason), NULL, NULL},       \
        {path ".waiting.message", RECORD_TEXT, offsetof(struct container_status, member.waiting_message), NULL, NULL}, \
        {path ".running.startedAt", RECORD_TIME, offsetof(struct container_status, member.running_since_us), NULL,     \
         NULL},                                                                                                        \
        {path ".terminated", RECORD_PRESENT, offsetof(struct container_status, member.is_terminated), NULL, NULL},     \
        {path ".terminated.reason", RECORD_TEXT, offsetof(struct container_status, member.terminated_reason), NULL,    \
         NULL},                                                                                                        \
        {path ".terminated.exitCode", RECORD_INT64, offsetof(struct container_status, member.exit_code), NULL, NULL},  \
        {path ".terminated.startedAt", RECORD_TIME, offsetof(struct container_status, member.started_us), NULL, NULL}, \
    {                                                                                                                  \
        path ".terminated.finishedAt", RECORD_TIME, offsetof(struct container_status, member.finished_us), NULL, NULL  \
    }

static const struct record_field container_status_fields[] = {
    {"name", RECORD_TEXT, offsetof(struct container_status, name), NULL, NULL},
    {"ready", RECORD_BOOL, offsetof(struct container_status, ready), NULL, NULL},
    {"started", RECORD_OPTIONAL_BOOL, offsetof(struct container_status, started), NULL, NULL},
    {"restartCount", RECORD_INT64, offsetof(struct container_status, restart_count), NULL, NULL},
    CONTAINER_STATE_FIELDS("state", state),
    CONTAINER_STATE_FIELDS("lastState", last_state),
};
static const struct record_type container_status_type =
    RECORD_TYPE("container status", struct container_status, container_status_fields);

static const struct record_field pod_fields[] = {
    OBJECT_META_FIELDS(struct pod),
    {"metadata.labels", RECORD_TEXT_MAP, offsetof(struct pod, labels), NULL, NULL},
    {"metadata.annotations", RECORD_TEXT_MAP, offsetof(struct pod, annotations), NULL, annotation_is_read},
    POD_SPEC_FIELDS("spec.", struct pod, spec),
    {"status.phase", RECORD_TEXT, offsetof(struct pod, phase), NULL, NULL},
    {"status.reason", RECORD_TEXT, offsetof(struct pod, reason), NULL, NULL},
    {"status.message", RECORD_TEXT, offsetof(struct pod, message), NULL, NULL},
    {"status.qosClass", RECORD_TEXT, offsetof(struct pod, qos_class), NULL, NULL},
    {"status.podIP", RECORD_TEXT, offsetof(struct pod, pod_ip), NULL, NULL},
    {"status.hostIP", RECORD_TEXT, offsetof(struct pod, host_ip), NULL, NULL},
    {"status.startTime", RECORD_TIME, offsetof(struct pod, started_us), NULL, NULL},
    {"status.conditions", RECORD_LIST, offsetof(struct pod, conditions), &pod_condition_type, condition_is_read},
    {"status.containerStatuses", RECORD_LIST, offsetof(struct pod, container_statuses), &container_status_type, NULL},
    {"status.initContainerStatuses", RECORD_LIST, offsetof(struct pod, init_container_statuses), &container_status_type,
     NULL},
};
const struct record_type pod_type = RECORD_TYPE("Pod", struct pod, pod_fields);

/* --- questions --- */

const struct pod_condition *pod_condition_get(const struct pod *pod, const char *type)
{
    record_list_each (const struct pod_condition *, condition, &pod->conditions) {
        if (text_equal(condition->type, type)) {
            return condition;
        }
    }
    return NULL;
}

bool pod_is_finished(const struct pod *pod)
{
    return text_equal(pod->phase, "Succeeded") || text_equal(pod->phase, "Failed");
}

static const struct container_status *status_by_name(const struct record_list *statuses, const char *name)
{
    record_list_each (const struct container_status *, status, statuses) {
        if (text_equal(status->name, name)) {
            return status;
        }
    }
    return NULL;
}

const struct container_status *pod_container_status(const struct pod *pod, const char *name)
{
    if (name == NULL) {
        return NULL;
    }
    const struct container_status *status = status_by_name(&pod->container_statuses, name);
    return status == NULL ? status_by_name(&pod->init_container_statuses, name) : status;
}

static const struct container *container_by_name(const struct record_list *containers, const char *name)
{
    record_list_each (const struct container *, container, containers) {
        if (text_equal(container->name, name)) {
            return container;
        }
    }
    return NULL;
}

const struct container *pod_spec_container(const struct pod_spec *spec, const char *name)
{
    if (name == NULL) {
        return NULL;
    }
    const struct container *container = container_by_name(&spec->containers, name);
    return container == NULL ? container_by_name(&spec->init_containers, name) : container;
}

const struct env_variable *container_variable(const struct container *container, const char *name)
{
    const struct env_variable *last = NULL;
    record_list_each (const struct env_variable *, variable, &container->env) {
        last = name != NULL && text_equal(variable->name, name) ? variable : last;
    }
    return last;
}
