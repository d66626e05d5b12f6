#include "proget/model/cluster_resource.h"

#include "proget/core/memory.h"

static const struct record_field code_reason_fields[] = {
    {"code", RECORD_TEXT, offsetof(struct code_reason, code), NULL, NULL},
    {"reason", RECORD_TEXT, offsetof(struct code_reason, reason), NULL, NULL},
};
static const struct record_type code_reason_type = RECORD_TYPE("spec.ignore", struct code_reason, code_reason_fields);

static const struct record_field code_severity_fields[] = {
    {"code", RECORD_TEXT, offsetof(struct code_severity, code), NULL, NULL},
    {"severity", RECORD_TEXT, offsetof(struct code_severity, severity), NULL, NULL},
};
static const struct record_type code_severity_type =
    RECORD_TYPE("spec.severity", struct code_severity, code_severity_fields);

#define REFERENCE_FIELDS(prefix, struct_type, start)                                                                \
    {prefix "apiVersion", RECORD_TEXT, (start) + offsetof(struct status_reference, api_version), NULL, NULL},       \
        {prefix "kind", RECORD_TEXT, (start) + offsetof(struct status_reference, kind), NULL, NULL},                \
        {prefix "namespace", RECORD_TEXT, (start) + offsetof(struct status_reference, namespace_name), NULL, NULL}, \
        {prefix "name", RECORD_TEXT, (start) + offsetof(struct status_reference, name), NULL, NULL},                \
    {                                                                                                               \
        prefix "uid", RECORD_TEXT, (start) + offsetof(struct status_reference, uid), NULL, NULL                     \
    }

static const struct record_field reference_fields[] = {REFERENCE_FIELDS("", struct status_reference, 0)};
static const struct record_type reference_type = RECORD_TYPE("reference", struct status_reference, reference_fields);

static const struct record_field status_finding_fields[] = {
    {"id", RECORD_TEXT, offsetof(struct status_finding, id), NULL, NULL},
    {"code", RECORD_TEXT, offsetof(struct status_finding, code), NULL, NULL},
    {"severity", RECORD_TEXT, offsetof(struct status_finding, severity), NULL, NULL},
    {"cause", RECORD_TEXT, offsetof(struct status_finding, cause), NULL, NULL},
    {"message", RECORD_TEXT, offsetof(struct status_finding, message), NULL, NULL},
    {"action", RECORD_TEXT, offsetof(struct status_finding, action), NULL, NULL},
    {"occurrence", RECORD_TEXT, offsetof(struct status_finding, occurrence), NULL, NULL},
    REFERENCE_FIELDS("object.", struct status_finding, offsetof(struct status_finding, object)),
    {"related", RECORD_LIST, offsetof(struct status_finding, related), &reference_type, NULL},
    {"since", RECORD_TIME, offsetof(struct status_finding, since_us), NULL, NULL},
    {"cleared", RECORD_TIME, offsetof(struct status_finding, cleared_us), NULL, NULL},
    {"announced", RECORD_BOOL, offsetof(struct status_finding, announced), NULL, NULL},
};
static const struct record_type status_finding_type =
    RECORD_TYPE("status.findings", struct status_finding, status_finding_fields);

static const struct record_field status_eviction_fields[] = {
    {"pod", RECORD_TEXT, offsetof(struct status_eviction, pod), NULL, NULL},
    {"uid", RECORD_TEXT, offsetof(struct status_eviction, uid), NULL, NULL},
    {"node", RECORD_TEXT, offsetof(struct status_eviction, node), NULL, NULL},
    {"cause", RECORD_TEXT, offsetof(struct status_eviction, cause), NULL, NULL},
    {"message", RECORD_TEXT, offsetof(struct status_eviction, message), NULL, NULL},
    {"time", RECORD_TIME, offsetof(struct status_eviction, time_us), NULL, NULL},
};
static const struct record_type status_eviction_type =
    RECORD_TYPE("status.evictions", struct status_eviction, status_eviction_fields);

static const struct record_field status_activation_fields[] = {
    {"machine", RECORD_TEXT, offsetof(struct status_activation, machine), NULL, NULL},
    {"majorVersion", RECORD_TEXT, offsetof(struct status_activation, major_version), NULL, NULL},
};
static const struct record_type status_activation_type =
    RECORD_TYPE("status.activations", struct status_activation, status_activation_fields);

static const struct record_field status_node_fields[] = {
    {"node", RECORD_TEXT, offsetof(struct status_node, node), NULL, NULL},
    {"machine", RECORD_TEXT, offsetof(struct status_node, machine), NULL, NULL},
};
static const struct record_type status_node_type = RECORD_TYPE("status.nodes", struct status_node, status_node_fields);

static const struct record_field status_size_change_fields[] = {
    {"time", RECORD_TIME, offsetof(struct status_size_change, time_us), NULL, NULL},
    {"from", RECORD_INT64, offsetof(struct status_size_change, from), NULL, NULL},
    {"to", RECORD_INT64, offsetof(struct status_size_change, to), NULL, NULL},
};
static const struct record_type status_size_change_type =
    RECORD_TYPE("status.sizeChanges", struct status_size_change, status_size_change_fields);

static const struct record_field status_end_fields[] = {
    {"pod", RECORD_TEXT, offsetof(struct status_end, pod), NULL, NULL},
    {"uid", RECORD_TEXT, offsetof(struct status_end, uid), NULL, NULL},
    {"node", RECORD_TEXT, offsetof(struct status_end, node), NULL, NULL},
    {"nodeUid", RECORD_TEXT, offsetof(struct status_end, node_uid), NULL, NULL},
    {"since", RECORD_TIME, offsetof(struct status_end, since_us), NULL, NULL},
};
static const struct record_type status_end_type =
    RECORD_TYPE("status.unconfirmedEnds", struct status_end, status_end_fields);

static const struct record_field status_member_fields[] = {
    {"name", RECORD_TEXT, offsetof(struct status_member, name), NULL, NULL},
    {"uid", RECORD_TEXT, offsetof(struct status_member, uid), NULL, NULL},
    {"os", RECORD_TEXT, offsetof(struct status_member, os), NULL, NULL},
    {"ip", RECORD_TEXT, offsetof(struct status_member, ip), NULL, NULL},
    {"node", RECORD_TEXT, offsetof(struct status_member, node), NULL, NULL},
    {"version", RECORD_TEXT, offsetof(struct status_member, version), NULL, NULL},
    {"machine", RECORD_TEXT, offsetof(struct status_member, machine), NULL, NULL},
    {"gone.since", RECORD_TIME, offsetof(struct status_member, gone_since_us), NULL, NULL},
    {"gone.why", RECORD_TEXT, offsetof(struct status_member, gone_why), NULL, NULL},
    {"lastHeartbeat", RECORD_TIME, offsetof(struct status_member, last_heartbeat_us), NULL, NULL},
};
static const struct record_type status_member_type =
    RECORD_TYPE("status.members", struct status_member, status_member_fields);

static const struct record_field status_condition_fields[] = {
    {"type", RECORD_TEXT, offsetof(struct status_condition, type), NULL, NULL},
    {"status", RECORD_TEXT, offsetof(struct status_condition, status), NULL, NULL},
    {"reason", RECORD_TEXT, offsetof(struct status_condition, reason), NULL, NULL},
    {"message", RECORD_TEXT, offsetof(struct status_condition, message), NULL, NULL},
    {"lastTransitionTime", RECORD_TIME, offsetof(struct status_condition, changed_us), NULL, NULL},
    {"observedGeneration", RECORD_INT64, offsetof(struct status_condition, observed_generation), NULL, NULL},
};
static const struct record_type status_condition_type =
    RECORD_TYPE("status.conditions", struct status_condition, status_condition_fields);

#define AT(field) offsetof(struct cluster_resource, field)

static const struct record_field cluster_resource_fields[] = {
    OBJECT_META_FIELDS(struct cluster_resource),
    {"metadata.generation", RECORD_INT64, AT(generation), NULL, NULL},
    {"metadata.resourceVersion", RECORD_TEXT, AT(resource_version), NULL, NULL},
    {"metadata.labels", RECORD_TEXT_MAP, AT(labels), NULL, NULL},
    {"metadata.annotations", RECORD_TEXT_MAP, AT(annotations), NULL, annotation_is_read},
    {"spec.product", RECORD_TEXT, AT(product), NULL, NULL},
    {"spec.selector", RECORD_OBJECT, AT(selector), &selector_type, NULL},
    {"spec.servers", RECORD_OPTIONAL_INT64, AT(servers), NULL, NULL},
    {"spec.container", RECORD_TEXT, AT(container), NULL, NULL},
    {"spec.heartbeat.intervalSeconds", RECORD_OPTIONAL_INT64, AT(interval_s), NULL, NULL},
    {"spec.heartbeat.staleAfterSeconds", RECORD_OPTIONAL_INT64, AT(stale_after_s), NULL, NULL},
    {"spec.heartbeat.webStaleAfterHours", RECORD_OPTIONAL_INT64, AT(web_stale_after_h), NULL, NULL},
    {"spec.activation.internetAccess", RECORD_TEXT, AT(internet_access), NULL, NULL},
    {"spec.activation.host", RECORD_TEXT, AT(activation_host), NULL, NULL},
    {"spec.licence.maxServers", RECORD_OPTIONAL_INT64, AT(max_servers), NULL, NULL},
    {"spec.placement.topologyKey", RECORD_TEXT, AT(topology_key), NULL, NULL},
    {"spec.messenger.port", RECORD_OPTIONAL_INT64, AT(messenger_port), NULL, NULL},
    {"spec.ignore", RECORD_LIST, AT(ignore), &code_reason_type, NULL},
    {"spec.severity", RECORD_LIST, AT(severity), &code_severity_type, NULL},
    {"spec.maintenance.until", RECORD_TIME, AT(maintenance_until_us), NULL, NULL},
    {"spec.maintenance.reason", RECORD_TEXT, AT(maintenance_reason), NULL, NULL},
    {"status.findings", RECORD_LIST, AT(status.findings), &status_finding_type, NULL},
    {"status.evictions", RECORD_LIST, AT(status.evictions), &status_eviction_type, NULL},
    {"status.activations", RECORD_LIST, AT(status.activations), &status_activation_type, NULL},
    {"status.nodes", RECORD_LIST, AT(status.nodes), &status_node_type, NULL},
    {"status.members", RECORD_LIST, AT(status.members), &status_member_type, NULL},
    {"status.sizeChanges", RECORD_LIST, AT(status.size_changes), &status_size_change_type, NULL},
    {"status.unconfirmedEnds", RECORD_LIST, AT(status.ends), &status_end_type, NULL},
    {"status.configuration.replicas", RECORD_OPTIONAL_INT64, AT(status.replicas), NULL, NULL},
    {"status.conditions", RECORD_LIST, AT(status.conditions), &status_condition_type, NULL},
    {"status.servers", RECORD_INT64, AT(status.servers), NULL, NULL},
    {"status.observedGeneration", RECORD_INT64, AT(status.observed_generation), NULL, NULL},
};
const struct record_type cluster_resource_type =
    RECORD_TYPE("ProGetCluster", struct cluster_resource, cluster_resource_fields);
