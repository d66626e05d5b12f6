/*
 * ProGetCluster (proget-operator.io/v1alpha1): the resource as read, spec and status. Design section 3.
 */
#ifndef PROGET_MODEL_CLUSTER_RESOURCE_H
#define PROGET_MODEL_CLUSTER_RESOURCE_H

#include "proget/model/pod.h"

#define CLUSTER_API_VERSION       "proget-operator.io/v1alpha1"
#define CLUSTER_KIND              "ProGetCluster"
#define CLUSTER_LABEL_DISCOVERED  "proget-operator.io/discovered"
#define CLUSTER_ANNOTATION_FORGET "proget-operator.io/forget"
#define IGNORE_ANNOTATION_PREFIX  "ignore.proget-operator.io/"

struct code_reason { /* spec.ignore[] */
    const char *code, *reason;
};
struct code_severity { /* spec.severity[] */
    const char *code, *severity;
};
struct status_reference {
    const char *api_version, *kind, *namespace_name, *name, *uid;
};
struct status_finding { /* status.findings[] */
    const char *id;     /* the publisher's identity of it */
    const char *code, *severity, *cause, *message, *action, *occurrence;
    struct status_reference object;
    struct record_list related; /* struct status_reference */
    int64_t since_us, cleared_us;
    bool announced;
};
struct status_eviction {
    const char *pod, *uid, *node, *cause, *message;
    int64_t time_us;
};
struct status_activation {
    const char *machine, *major_version;
};
struct status_node {
    const char *node, *machine;
};
struct status_size_change {
    int64_t time_us, from, to;
};
struct status_end { /* status.unconfirmedEnds[] */
    const char *pod, *uid, *node, *node_uid;
    int64_t since_us;
};
struct status_member {
    const char *name, *uid, *os, *ip, *node, *version, *machine;
    int64_t gone_since_us;
    const char *gone_why;
    int64_t last_heartbeat_us;
};
struct status_condition {
    const char *type, *status, *reason, *message;
    int64_t changed_us, observed_generation;
};
struct cluster_resource {
    struct object_meta meta;
    int64_t generation;
    const char *resource_version;           /* a status is written only over the one that it follows from */
    struct record_list labels, annotations; /* struct record_pair */
    const char *product;                    /* NULL: ProGet */
    const struct selector *selector;        /* NULL: absent */
    struct record_optional_int64 servers;
    const char *container;
    struct record_optional_int64 interval_s, stale_after_s, web_stale_after_h, max_servers, messenger_port;
    const char *internet_access, *activation_host, *topology_key;
    struct record_list ignore;   /* struct code_reason */
    struct record_list severity; /* struct code_severity */
    int64_t maintenance_until_us;
    const char *maintenance_reason;
    struct { /* the operator's memory */
        struct record_list findings, evictions, activations, nodes, members, conditions;
        struct record_list size_changes, ends;
        struct record_optional_int64 replicas; /* what the workloads wanted */
        int64_t servers;
        int64_t observed_generation;
    } status;
};
extern const struct record_type cluster_resource_type;

#endif
