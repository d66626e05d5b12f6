/*
 * Rows that more than one kind's table needs: the spec of a pod, alone or inside a workload's template.
 */
#ifndef PROGET_MODEL_POD_FIELDS_H
#define PROGET_MODEL_POD_FIELDS_H

#include "proget/model/pod.h"

extern const struct record_type container_type;
extern const struct record_type resources_type;
extern const struct record_type resource_amounts_type;
extern const struct record_type pod_condition_type;
extern const struct record_type affinity_term_type;
extern const struct record_type topology_spread_type;
extern const struct record_type node_selector_term_type;
extern const struct record_type toleration_type;
extern const struct record_type volume_type;

/* What admission adds to every pod says nothing about any of them. */
bool toleration_is_read(const char *key, struct json_object *value);
bool volume_is_read(const char *key, struct json_object *value);

/* `prefix` is "", "spec." or "spec.template.spec."; `member` is the struct pod_spec inside `struct_type`. */
#define POD_SPEC_OFFSET(struct_type, member, field) (offsetof(struct_type, member) + offsetof(struct pod_spec, field))
#define POD_SPEC_FIELDS(prefix, struct_type, member)                                                                   \
    {prefix "containers", RECORD_LIST, POD_SPEC_OFFSET(struct_type, member, containers), &container_type, NULL},       \
        {prefix "initContainers", RECORD_LIST, POD_SPEC_OFFSET(struct_type, member, init_containers), &container_type, \
         NULL},                                                                                                        \
        {prefix "resources", RECORD_OBJECT, POD_SPEC_OFFSET(struct_type, member, resources), &resources_type, NULL},   \
        {prefix "overhead", RECORD_OBJECT, POD_SPEC_OFFSET(struct_type, member, overhead), &resource_amounts_type,     \
         NULL},                                                                                                        \
        {prefix "nodeName", RECORD_TEXT, POD_SPEC_OFFSET(struct_type, member, node_name), NULL, NULL},                 \
        {prefix "priorityClassName", RECORD_TEXT, POD_SPEC_OFFSET(struct_type, member, priority_class_name), NULL,     \
         NULL},                                                                                                        \
        {prefix "priority", RECORD_OPTIONAL_INT64, POD_SPEC_OFFSET(struct_type, member, priority), NULL, NULL},        \
        {prefix "preemptionPolicy", RECORD_TEXT, POD_SPEC_OFFSET(struct_type, member, preemption_policy), NULL, NULL}, \
        {prefix "affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution", RECORD_LIST,                \
         POD_SPEC_OFFSET(struct_type, member, anti_affinity), &affinity_term_type, NULL},                              \
        {prefix "topologySpreadConstraints", RECORD_LIST, POD_SPEC_OFFSET(struct_type, member, spread),                \
         &topology_spread_type, NULL},                                                                                 \
        {prefix "nodeSelector", RECORD_TEXT_MAP, POD_SPEC_OFFSET(struct_type, member, node_selector), NULL, NULL},     \
        {prefix "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution", RECORD_PRESENT,                \
         POD_SPEC_OFFSET(struct_type, member, has_required_node_affinity), NULL, NULL},                                \
        {prefix "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms", RECORD_LIST, \
         POD_SPEC_OFFSET(struct_type, member, node_terms), &node_selector_term_type, NULL},                            \
        {prefix "tolerations", RECORD_LIST, POD_SPEC_OFFSET(struct_type, member, tolerations), &toleration_type,       \
         toleration_is_read},                                                                                          \
        {prefix "volumes", RECORD_LIST, POD_SPEC_OFFSET(struct_type, member, volumes), &volume_type, volume_is_read},  \
    {                                                                                                                  \
        prefix "shareProcessNamespace", RECORD_OPTIONAL_BOOL,                                                          \
            POD_SPEC_OFFSET(struct_type, member, share_process_namespace), NULL, NULL                                  \
    }

#endif
