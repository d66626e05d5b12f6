/*
 * The functions of the catalogue: one file each in catalogue/.
 */
#ifndef PROGET_CHECKS_CATALOGUE_H
#define PROGET_CHECKS_CATALOGUE_H

#include "proget/checks/check.h"

check_fn check_encryption_key_missing;
check_fn check_encryption_key_form;
check_fn check_encryption_key_conflict;
check_fn check_encryption_key_mismatch;
check_fn check_encryption_key_exposed;
check_fn check_encryption_key_drift;
check_fn check_co_scheduled;
check_fn check_spread_not_enforced;
check_fn check_topology_unknown;
check_fn check_server_count_changed;
check_fn check_server_count_wrong;
check_fn check_server_pending;
check_fn check_server_may_still_run;
check_fn check_server_gone;
check_fn check_licence_server_limit;
check_fn check_autoscaler_targets;
check_fn check_rollout_blocked;
check_fn check_no_spare_node;
check_fn check_evicted;
check_fn check_priority_class_missing;
check_fn check_priority_class_not_found;
check_fn check_priority_class_low;
check_fn check_qos;
check_fn check_disruption_budget_missing;
check_fn check_disruption_budget_blocking;
check_fn check_node_pressure;
check_fn check_node_not_ready;
check_fn check_node_draining;
check_fn check_node_capacity_low;
check_fn check_move_invited;
check_fn check_health_probe_restarts;
check_fn check_health_error;
check_fn check_health_unreachable;
check_fn check_replication_error;
check_fn check_container_restarting;
check_fn check_reactivation;
check_fn check_node_not_activated;
check_fn check_version_mismatch;
check_fn check_image_tag_mutable;
check_fn check_heartbeat_stale;
check_fn check_heartbeat_missing;
check_fn check_sidecar_missing;
check_fn check_web_stale;
check_fn check_messenger_unreachable;
check_fn check_database_embedded;
check_fn check_database_mismatch;
check_fn check_storage_not_shared;
check_fn check_cluster_not_declared;
check_fn check_cluster_empty;
check_fn check_cluster_overlap;

#endif
