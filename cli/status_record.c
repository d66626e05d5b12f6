#include "status_record.h"

#include "proget/core/memory.h"
#include "proget/core/text.h"

#define FIELD(struct_type, path, kind, member)                       \
    {                                                                \
        path, kind, offsetof(struct struct_type, member), NULL, NULL \
    }
#define LIST(struct_type, path, member, type)                                  \
    {                                                                          \
        path, RECORD_LIST, offsetof(struct struct_type, member), &(type), NULL \
    }

static const struct record_field member_fields[] = {
    FIELD(shown_member, "name", RECORD_TEXT, name),
    FIELD(shown_member, "uid", RECORD_TEXT, uid),
    FIELD(shown_member, "node", RECORD_TEXT, node),
    FIELD(shown_member, "version", RECORD_TEXT, version),
    FIELD(shown_member, "versionInSync", RECORD_OPTIONAL_BOOL, version_in_sync),
    FIELD(shown_member, "heartbeat", RECORD_TEXT, heartbeat),
    FIELD(shown_member, "lastHeartbeat", RECORD_TIME, last_heartbeat_us),
    FIELD(shown_member, "keyFingerprint", RECORD_TEXT, key_fingerprint),
    FIELD(shown_member, "keyInSync", RECORD_OPTIONAL_BOOL, key_in_sync),
    FIELD(shown_member, "activation", RECORD_TEXT, activation),
    FIELD(shown_member, "components.web.status", RECORD_TEXT, web_status),
    FIELD(shown_member, "components.web.detail", RECORD_TEXT, web_detail),
    FIELD(shown_member, "components.service.status", RECORD_TEXT, service_status),
    FIELD(shown_member, "components.service.detail", RECORD_TEXT, service_detail),
    FIELD(shown_member, "gone", RECORD_PRESENT, is_gone),
    FIELD(shown_member, "gone.since", RECORD_TIME, gone_since_us),
    FIELD(shown_member, "gone.why", RECORD_TEXT, gone_why),
};
static const struct record_type member_type = RECORD_TYPE("status.members", struct shown_member, member_fields);

static const struct record_field finding_fields[] = {
    FIELD(shown_finding, "code", RECORD_TEXT, code),        FIELD(shown_finding, "severity", RECORD_TEXT, severity),
    FIELD(shown_finding, "message", RECORD_TEXT, message),  FIELD(shown_finding, "action", RECORD_TEXT, action),
    FIELD(shown_finding, "object.kind", RECORD_TEXT, kind), FIELD(shown_finding, "object.name", RECORD_TEXT, name),
    FIELD(shown_finding, "since", RECORD_TIME, since_us),   FIELD(shown_finding, "cleared", RECORD_TIME, cleared_us),
};
static const struct record_type finding_type = RECORD_TYPE("status.findings", struct shown_finding, finding_fields);

static const struct record_field suppressed_fields[] = {
    FIELD(shown_suppressed, "code", RECORD_TEXT, code),
    FIELD(shown_suppressed, "reason", RECORD_TEXT, reason),
    FIELD(shown_suppressed, "object.kind", RECORD_TEXT, kind),
    FIELD(shown_suppressed, "object.name", RECORD_TEXT, name),
};
static const struct record_type suppressed_type =
    RECORD_TYPE("status.suppressed", struct shown_suppressed, suppressed_fields);

static const struct record_field eviction_fields[] = {
    FIELD(status_eviction, "time", RECORD_TIME, time_us),    FIELD(status_eviction, "pod", RECORD_TEXT, pod),
    FIELD(status_eviction, "node", RECORD_TEXT, node),       FIELD(status_eviction, "cause", RECORD_TEXT, cause),
    FIELD(status_eviction, "message", RECORD_TEXT, message),
};
static const struct record_type eviction_type =
    RECORD_TYPE("status.evictions", struct status_eviction, eviction_fields);

static const struct record_field condition_fields[] = {
    FIELD(status_condition, "type", RECORD_TEXT, type),
    FIELD(status_condition, "status", RECORD_TEXT, status),
    FIELD(status_condition, "reason", RECORD_TEXT, reason),
    FIELD(status_condition, "message", RECORD_TEXT, message),
};
static const struct record_type condition_type =
    RECORD_TYPE("status.conditions", struct status_condition, condition_fields);

static const struct record_field cluster_fields[] = {
    OBJECT_META_FIELDS(struct shown_cluster),
    FIELD(shown_cluster, "metadata.labels", RECORD_TEXT_MAP, labels),
    FIELD(shown_cluster, "metadata.generation", RECORD_INT64, generation),
    FIELD(shown_cluster, "spec.product", RECORD_TEXT, product),
    FIELD(shown_cluster, "spec.maintenance.until", RECORD_TIME, maintenance_until_us),
    FIELD(shown_cluster, "spec.maintenance.reason", RECORD_TEXT, maintenance_reason),
    FIELD(shown_cluster, "status.observedGeneration", RECORD_PRESENT, status.is_there),
    FIELD(shown_cluster, "status.observedGeneration", RECORD_INT64, status.observed_generation),
    FIELD(shown_cluster, "status.servers", RECORD_INT64, status.servers),
    FIELD(shown_cluster, "status.healthyServers", RECORD_INT64, status.healthy_servers),
    FIELD(shown_cluster, "status.summary", RECORD_TEXT, status.summary),
    FIELD(shown_cluster, "status.version", RECORD_TEXT, status.version),
    FIELD(shown_cluster, "status.configuration.servers", RECORD_OPTIONAL_INT64, status.intended),
    FIELD(shown_cluster, "status.configuration.heartbeat.staleAfterSeconds", RECORD_OPTIONAL_INT64,
          status.stale_after_s),
    LIST(shown_cluster, "status.conditions", status.conditions, condition_type),
    LIST(shown_cluster, "status.members", status.members, member_type),
    LIST(shown_cluster, "status.findings", status.findings, finding_type),
    LIST(shown_cluster, "status.suppressed", status.suppressed, suppressed_type),
    LIST(shown_cluster, "status.evictions", status.evictions, eviction_type),
};
const struct record_type shown_cluster_type = RECORD_TYPE(CLUSTER_KIND, struct shown_cluster, cluster_fields);

bool shown_cluster_has_error(const struct shown_cluster *cluster)
{
    record_list_each (const struct shown_finding *, finding, &cluster->status.findings) {
        if (finding->cleared_us == 0 && text_equal(finding->severity, "error")) {
            return true;
        }
    }
    return false;
}
