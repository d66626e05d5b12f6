/*
 * Pods, and pod templates: what is read of them. Texts and lists live in the record's block (core/record.h).
 */
#ifndef PROGET_MODEL_POD_H
#define PROGET_MODEL_POD_H

#include <stdbool.h>
#include <stdint.h>

#include "proget/core/record.h"
#include "proget/core/selector.h"
#include "proget/core/store.h"

/* Only variables of the three products are kept (key, connection string, ASPNETCORE_URLS), with or without _FILE. */
struct env_variable {
    const char *name;
    const char *value; /* literal; NULL when it comes from elsewhere, "" or NULL when it is empty */
    bool has_value_from;
    const char *secret_name, *secret_key;         /* valueFrom.secretKeyRef */
    const char *config_map_name, *config_map_key; /* valueFrom.configMapKeyRef */
    bool optional;                                /* of either reference */
};
struct env_from {
    const char *prefix;
    const char *secret_name, *config_map_name;
};
struct resource_amounts {
    const char *cpu, *memory, *ephemeral_storage; /* quantities as written; NULL absent */
};
struct resources {
    struct resource_amounts requests, limits;
};
struct probe {
    const char *http_path, *http_port, *http_scheme; /* http_port: number or name as text; NULL without httpGet */
    bool has_http;
    struct record_list command; /* exec.command: const char * */
};
struct container_port {
    const char *name;
    int64_t port;
};
struct volume_mount {
    const char *name, *path, *sub_path, *sub_path_expr;
    bool read_only;
};
struct container {
    const char *name, *image;
    const char *restart_policy;  /* "Always" on an init container makes it a native sidecar */
    struct record_list env;      /* struct env_variable; of one name given twice the last counts */
    struct record_list env_from; /* struct env_from */
    struct resources resources;
    const struct probe *liveness, *readiness, *startup; /* NULL absent */
    struct record_list ports;                           /* struct container_port */
    struct record_list mounts;                          /* struct volume_mount */
    bool has_stray_affinity; /* manifests only: written one level too deep, where no API server reads it */
};
struct affinity_term { /* one required pod anti-affinity term */
    const char *topology_key;
    const struct selector *selector; /* NULL: absent, matches nothing */
    struct record_list namespaces;   /* const char *; empty (and no namespace_selector): the pod's own */
    const struct selector *namespace_selector;
    struct record_list match_label_keys, mismatch_label_keys; /* const char * */
};
struct topology_spread {
    const char *topology_key, *when_unsatisfiable;
    const struct selector *selector;
    int64_t max_skew;
    int64_t min_domains;                                   /* 0: absent */
    const char *node_affinity_policy, *node_taints_policy; /* NULL: Honor, Ignore */
    struct record_list match_label_keys;                   /* const char * */
};
struct node_selector_term {
    struct record_list expressions; /* struct selector_requirement; Gt and Lt too */
    struct record_list fields;      /* struct selector_requirement over metadata.name */
};
struct toleration {
    const char *key, *operator_name, *value, *effect;
};
struct volume {
    const char *name;
    const char *claim_name; /* persistentVolumeClaim */
    bool is_empty_dir, is_host_path, is_nfs, is_ephemeral, is_csi;
    bool is_network_folder;        /* another kind that many nodes may write: azureFile, cephfs, glusterfs, quobyte */
    bool is_disk;                  /* one that a single node writes: awsElasticBlockStore, iscsi, rbd, ... */
    bool is_read_only;             /* claim, nfs and the like */
    const char *server, *path;     /* of nfs and the network folders, as far as they have such */
    const char *driver;            /* csi.driver */
    struct record_list attributes; /* struct record_pair: those of csi.volumeAttributes that name a share */
    const char *secret_name;       /* secret.secretName */
};
struct pod_spec {
    struct record_list containers, init_containers; /* struct container */
    const struct resources *resources;              /* pod-level; NULL absent */
    const struct resource_amounts *overhead;        /* of its RuntimeClass; NULL absent */
    const char *node_name, *priority_class_name;
    struct record_optional_int64 priority;
    const char *preemption_policy;    /* NULL: its class's */
    struct record_list anti_affinity; /* struct affinity_term: requiredDuringSchedulingIgnoredDuringExecution */
    struct record_list spread;        /* struct topology_spread */
    struct record_list node_selector; /* struct record_pair */
    bool has_required_node_affinity;
    struct record_list node_terms;  /* struct node_selector_term: any of them */
    struct record_list tolerations; /* struct toleration; not the two of limited time that every pod is given */
    struct record_list volumes;     /* struct volume; not configMap, downwardAPI and projected ones */
    struct record_optional_bool share_process_namespace;
};
struct pod_condition {
    const char *type, *status, *reason, *message;
    int64_t changed_us;
};
struct container_state { /* of status.containerStatuses[].state or .lastState */
    const char *waiting_reason, *waiting_message;
    int64_t running_since_us;
    bool is_terminated;
    const char *terminated_reason;
    int64_t exit_code;
    int64_t started_us, finished_us; /* of the terminated one */
};
struct container_status {
    const char *name;
    bool ready;
    struct record_optional_bool started;
    int64_t restart_count;
    struct container_state state, last_state;
};
struct pod {
    struct object_meta meta;
    struct record_list labels;      /* struct record_pair */
    struct record_list annotations; /* struct record_pair; only those that a check or the publisher reads */
    struct pod_spec spec;
    const char *phase, *reason, *message, *qos_class, *pod_ip, *host_ip;
    int64_t started_us;
    struct record_list conditions; /* struct pod_condition: DisruptionTarget, Ready, PodScheduled unless True */
    struct record_list container_statuses, init_container_statuses; /* struct container_status */
};

extern const struct record_type pod_type;
extern const struct record_type pod_spec_type; /* for templates */
/* For annotation lists of pods, templates, workloads and clusters: ours, ignore.…, and those that checks name. */
bool annotation_is_read(const char *key, struct json_object *value);

/* The condition of that type; NULL when absent. Borrowed. */
const struct pod_condition *pod_condition_get(const struct pod *pod, const char *type);
/* phase Succeeded or Failed */
bool pod_is_finished(const struct pod *pod);
/* Status of a container, init containers' last; NULL when absent. */
const struct container_status *pod_container_status(const struct pod *pod, const char *name);
/* Container by name, main containers first; NULL when absent. */
const struct container *pod_spec_container(const struct pod_spec *spec, const char *name);
/* The variable that counts (the last of that name); NULL when absent. */
const struct env_variable *container_variable(const struct container *container, const char *name);

enum qos_class { QOS_BEST_EFFORT, QOS_BURSTABLE, QOS_GUARANTEED };
const char *qos_class_name(enum qos_class class_of_pod); /* "Guaranteed", ... */
/*
 * Computed from the spec after defaulting (a missing request is its limit); kube-algorithms section 13. `without` (may
 * be NULL) is a container left out of account. *ret_why (may be NULL; owned) says which container lacks what, NULL when
 * Guaranteed. Quantities that cannot be read count as absent.
 */
enum qos_class pod_spec_qos(const struct pod_spec *spec, const struct container *without, char **ret_why);

#endif
