/*
 * The other kinds that the model reads: nodes and their metrics, workloads, leases, priority classes, claims,
 * disruption budgets, autoscalers, services, events, secrets.
 */
#ifndef PROGET_MODEL_OBJECTS_H
#define PROGET_MODEL_OBJECTS_H

#include "proget/model/pod.h"

struct taint {
    const char *key, *value, *effect;
};
struct node {
    struct object_meta meta;
    struct record_list labels; /* struct record_pair */
    bool unschedulable;
    struct record_list taints;     /* struct taint */
    struct record_list conditions; /* struct pod_condition, without the heartbeat time */
    struct resource_amounts allocatable;
    const char *allocatable_pods;
    const char *os_image;
};
extern const struct record_type node_type;
/* The condition of that type; NULL when absent. Borrowed. */
const struct pod_condition *node_condition_get(const struct node *node, const char *type);
/*
 * Nobody can tell what runs on it: Ready is anything but True, or it is tainted as unreachable. Not where the taint
 * out-of-service says that it is switched off: then nothing runs.
 */
bool node_is_unreachable(const struct node *node);

/* metrics.k8s.io: what a node is measured to use. */
struct node_metrics {
    struct object_meta meta;
    struct resource_amounts usage;
    int64_t measured_us;
};
extern const struct record_type node_metrics_type;

/* PersistentVolumeClaim, and the templates of a StatefulSet's. */
struct claim {
    struct object_meta meta;
    struct record_list access_modes; /* const char *: "ReadWriteMany", ... */
    const char *storage_class, *volume_name, *phase;
};
extern const struct record_type claim_type;

/* Deployment, StatefulSet, ReplicaSet, DaemonSet. */
struct workload {
    struct object_meta meta; /* items of a list have no kind: workload_kind() knows it */
    bool is_stateful_set, is_deployment, is_replica_set, is_daemon_set; /* by the table, one of them */
    struct record_list labels, annotations;                             /* struct record_pair */
    int64_t generation;
    struct record_optional_int64 replicas; /* absent: 1; a DaemonSet has none */
    const struct selector *selector;
    struct record_list template_labels, template_annotations; /* struct record_pair */
    struct pod_spec template_spec;
    const char *strategy;                    /* strategy.type or updateStrategy.type */
    const char *max_surge, *max_unavailable; /* int or percentage as text; NULL absent */
    int64_t partition;                       /* StatefulSet: pods below this ordinal are not updated */
    struct record_list claim_templates;      /* StatefulSet: struct claim; named by the volume that each makes */
    struct {
        int64_t observed_generation, replicas, updated_replicas;
        int64_t ready_replicas, available_replicas;     /* DaemonSet: numberReady, numberAvailable */
        const char *current_revision, *update_revision; /* StatefulSet */
        int64_t desired_scheduled, updated_scheduled;   /* DaemonSet */
    } status;
};
extern const struct record_type stateful_set_type, deployment_type, replica_set_type, daemon_set_type;
const char *workload_kind(const struct workload *workload); /* "StatefulSet", ...; all are apps/v1 */
/* How many pods it wants: its replicas (absent: 1), for a DaemonSet the nodes that it wants one on (1 in a manifest).
 */
int64_t workload_servers(const struct workload *workload);

struct lease {
    struct object_meta meta;
    const char *holder;
    struct record_optional_int64 duration_s;
    int64_t renewed_us;
    struct record_list annotations; /* struct record_pair: report and settings */
};
extern const struct record_type lease_type;

struct priority_class {
    struct object_meta meta;
    int64_t value;
    bool global_default;
    const char *preemption_policy; /* NULL: PreemptLowerPriority */
};
extern const struct record_type priority_class_type;

struct disruption_budget {
    struct object_meta meta;
    const struct selector *selector;             /* NULL: absent, selects nothing; an empty one selects all */
    const char *min_available, *max_unavailable; /* int or percentage as text; NULL absent */
};
extern const struct record_type disruption_budget_type;

/* What an autoscaler of whatever kind changes the size of. */
struct scale_target {
    const char *api_version, *kind, *name; /* NULL where absent */
};

/* HorizontalPodAutoscaler */
struct autoscaler {
    struct object_meta meta;
    struct scale_target target;
    struct record_optional_int64 minimum, maximum; /* absent minimum: 1 */
};
extern const struct record_type autoscaler_type;

struct vertical_autoscaler {
    struct object_meta meta;
    struct scale_target target;
    const char *update_mode; /* NULL: absent, which is "Auto" */
};
extern const struct record_type vertical_autoscaler_type;

/* KEDA's. Paused by either annotation. */
#define SCALED_OBJECT_PAUSED          "autoscaling.keda.sh/paused"
#define SCALED_OBJECT_PAUSED_REPLICAS "autoscaling.keda.sh/paused-replicas"
struct scaled_object {
    struct object_meta meta;
    struct scale_target target;                    /* absent kind: a Deployment */
    struct record_list annotations;                /* struct record_pair: those that pause it */
    struct record_optional_int64 minimum, maximum; /* absent: 0 and 100 */
    struct record_optional_int64 idle;             /* what it is scaled to while nothing triggers it; absent: minimum */
};
extern const struct record_type scaled_object_type;

struct service {
    struct object_meta meta;
    struct record_list selector; /* struct record_pair; empty: selects nothing */
    const char *type, *cluster_ip;
};
extern const struct record_type service_type;

/* core/v1 Event, as a trace of what happened while nobody watched. */
struct event {
    struct object_meta meta;
    const char *reason, *message, *type;
    const char *object_kind, *object_namespace, *object_name, *object_uid;
    bool names_starved_resource; /* annotation of the kubelet's: an eviction for the node's pressure, not for a limit */
    int64_t event_time_us, first_us, last_us;
};
extern const struct record_type event_type;

/* Offline only: the operator may not read Secrets. */
struct secret {
    struct object_meta meta;
    struct record_list data;        /* struct record_pair: base64 */
    struct record_list string_data; /* struct record_pair */
};
extern const struct record_type secret_type;

#endif
