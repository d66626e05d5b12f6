/*
 * The table of the catalogue. To add a check: a file in catalogue/, its function in catalogue.h, its row here, a folder
 * in tests/scenarios, a page in docs/findings.
 */
#include "catalogue.h"

#include "proget/core/memory.h"
#include "proget/core/text.h"

#include "condition_name.h"

#define MINUTES(count) ((int64_t) (count) *60 * 1000)

#define RESTS_ON_LEASES  CHECK_RESTS_ON_KIND(MODEL_LEASES)
#define RESTS_ON_REPORTS (CHECK_RESTS_ON_REPORT | RESTS_ON_LEASES)
#define RESTS_ON_NODES   CHECK_RESTS_ON_KIND(MODEL_NODES)
#define RESTS_ON_CLASSES CHECK_RESTS_ON_KIND(MODEL_PRIORITY_CLASSES)
#define RESTS_ON_WORKLOADS                                                               \
    (CHECK_RESTS_ON_KIND(MODEL_STATEFUL_SETS) | CHECK_RESTS_ON_KIND(MODEL_DEPLOYMENTS) | \
     CHECK_RESTS_ON_KIND(MODEL_REPLICA_SETS) | CHECK_RESTS_ON_KIND(MODEL_DAEMON_SETS))
#define RESTS_ON_CLAIMS  CHECK_RESTS_ON_KIND(MODEL_CLAIMS)
#define RESTS_ON_BUDGETS CHECK_RESTS_ON_KIND(MODEL_DISRUPTION_BUDGETS)
#define RESTS_ON_METRICS CHECK_RESTS_ON_KIND(MODEL_NODE_METRICS)
#define RESTS_ON_AUTOSCALERS                                                                    \
    (CHECK_RESTS_ON_KIND(MODEL_AUTOSCALERS) | CHECK_RESTS_ON_KIND(MODEL_VERTICAL_AUTOSCALERS) | \
     CHECK_RESTS_ON_KIND(MODEL_SCALED_OBJECTS))

/* A row names only the marks that it has. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
/* clang-format off: one row, one line where it fits */
static const struct check_row rows[] = {
    {"EncryptionKeyMissing", SEVERITY_ERROR, 0, CONDITION_KEY_IN_SYNC, check_encryption_key_missing,
     "a server has no encryption key of its own", RESTS_ON_REPORTS},
    {"EncryptionKeyMalformed", SEVERITY_ERROR, 0, CONDITION_KEY_IN_SYNC, check_encryption_key_form,
     "an encryption key is not 32 hexadecimal digits", RESTS_ON_REPORTS},
    {"EncryptionKeyConflict", SEVERITY_ERROR, 0, CONDITION_KEY_IN_SYNC, check_encryption_key_conflict,
     "the key's variable and its _FILE form are both set", RESTS_ON_REPORTS},
    {"EncryptionKeyMismatch", SEVERITY_ERROR, 0, CONDITION_KEY_IN_SYNC, check_encryption_key_mismatch,
     "the servers do not use the same encryption key", RESTS_ON_REPORTS},
    {"EncryptionKeyPublic", SEVERITY_ERROR, 0, CONDITION_KEY_IN_SYNC, check_encryption_key_form,
     "an encryption key is one that everybody knows", RESTS_ON_REPORTS},
    {"EncryptionKeyExposed", SEVERITY_WARNING, 0, CONDITION_KEY_IN_SYNC, check_encryption_key_exposed,
     "an encryption key is written out in a spec", 0},
    {"EncryptionKeyDrift", SEVERITY_WARNING, 0, CONDITION_KEY_IN_SYNC, check_encryption_key_drift,
     "the Secret with the key was changed under a running server", RESTS_ON_REPORTS},

    {"CoScheduled", SEVERITY_ERROR, 0, CONDITION_SERVERS_SPREAD, check_co_scheduled,
     "two servers share one physical server", RESTS_ON_NODES},
    {"SpreadNotEnforced", SEVERITY_WARNING, 0, CONDITION_SERVERS_SPREAD, check_spread_not_enforced,
     "nothing keeps two servers from sharing one physical server", RESTS_ON_NODES},
    {"TopologyUnknown", SEVERITY_INFO, MINUTES(10), NULL, check_topology_unknown,
     "nodes do not say which physical server they are on", RESTS_ON_NODES},

    {"ServerCountChanged", SEVERITY_INFO, 0, NULL, check_server_count_changed, "the number of servers was changed", 0,
     .is_moment = true, .is_live_only = true},
    {"ServerCountWrong", SEVERITY_WARNING, MINUTES(10), CONDITION_FIXED_SIZE, check_server_count_wrong,
     "there are more or fewer servers than intended", RESTS_ON_WORKLOADS},
    {"ServerPending", SEVERITY_WARNING, MINUTES(2), NULL, check_server_pending, "a server does not start", 0},
    {"ServerMayStillRun", SEVERITY_WARNING, 0, NULL, check_server_may_still_run,
     "a server was deleted while its node was unreachable, and may still run", RESTS_ON_NODES},
    {"ServerGone", SEVERITY_INFO, MINUTES(2), NULL, check_server_gone, "a server is gone and none took its place", 0},
    {"LicenceServerLimit", SEVERITY_WARNING, 0, CONDITION_FIXED_SIZE, check_licence_server_limit,
     "there are more servers than the licence covers", RESTS_ON_WORKLOADS},
    {"AutoscalerTargets", SEVERITY_ERROR, 0, CONDITION_FIXED_SIZE, check_autoscaler_targets,
     "an autoscaler adds, removes or evicts servers", RESTS_ON_AUTOSCALERS},
    {"RolloutBlocked", SEVERITY_WARNING, 0, NULL, check_rollout_blocked,
     "a rollout could not begin: no node may take the new server", RESTS_ON_NODES},
    {"NoSpareNode", SEVERITY_WARNING, 0, CONDITION_EVICTION_RESISTANT, check_no_spare_node,
     "no other node would take a server whose node died", RESTS_ON_NODES | RESTS_ON_CLASSES},

    {"Evicted", SEVERITY_WARNING, 0, CONDITION_EVICTION_RESISTANT, check_evicted,
     "a server was evicted within the last 24 hours", 0, .is_moment = true},
    {"EvictionsFrequent", SEVERITY_ERROR, 0, CONDITION_EVICTION_RESISTANT, check_evicted,
     "three or more evictions within 24 hours", 0},
    {"PriorityClassMissing", SEVERITY_WARNING, 0, CONDITION_EVICTION_RESISTANT, check_priority_class_missing,
     "a server has no PriorityClass", RESTS_ON_CLASSES},
    {"PriorityClassNotFound", SEVERITY_ERROR, 0, CONDITION_EVICTION_RESISTANT, check_priority_class_not_found,
     "a pod template names a PriorityClass that does not exist", RESTS_ON_CLASSES},
    {"PriorityClassLow", SEVERITY_INFO, 0, CONDITION_EVICTION_RESISTANT, check_priority_class_low,
     "ordinary pods beside a server, or all without a PriorityClass, have a higher priority", 0},
    {"QosNotGuaranteed", SEVERITY_WARNING, 0, CONDITION_EVICTION_RESISTANT, check_qos,
     "a server is not of QoS class Guaranteed", 0},
    {"SidecarBreaksQos", SEVERITY_WARNING, 0, CONDITION_EVICTION_RESISTANT, check_qos,
     "the sidecar alone keeps a server from QoS class Guaranteed", 0},
    {"DisruptionBudgetMissing", SEVERITY_WARNING, 0, CONDITION_EVICTION_RESISTANT, check_disruption_budget_missing,
     "nothing keeps a drain from taking all servers at once", RESTS_ON_BUDGETS},
    {"DisruptionBudgetBlocking", SEVERITY_WARNING, 0, CONDITION_EVICTION_RESISTANT, check_disruption_budget_blocking,
     "a disruption budget never lets a server go", RESTS_ON_BUDGETS},
    {"NodePressure", SEVERITY_ERROR, 0, NULL, check_node_pressure, "a server's node runs short and evicts pods",
     RESTS_ON_NODES},
    {"NodeNotReady", SEVERITY_ERROR, 0, NULL, check_node_not_ready, "a server's node is not ready", RESTS_ON_NODES},
    {"NodeDraining", SEVERITY_WARNING, 0, NULL, check_node_draining, "a server's node is being emptied",
     RESTS_ON_NODES},
    {"NodeCapacityLow", SEVERITY_WARNING, MINUTES(10), NULL, check_node_capacity_low, "a server's node is nearly full",
     RESTS_ON_NODES | RESTS_ON_METRICS},
    {"MoveInvited", SEVERITY_WARNING, 0, CONDITION_EVICTION_RESISTANT, check_move_invited,
     "an annotation asks for a server to be moved", 0},

    {"HealthProbeRestarts", SEVERITY_ERROR, 0, NULL, check_health_probe_restarts,
     "a liveness or startup probe on /health restarts the server", 0},
    {"HealthError", SEVERITY_ERROR, 0, NULL, check_health_error, "a server reports a problem on /health",
     RESTS_ON_REPORTS},
    {"HealthUnreachable", SEVERITY_WARNING, MINUTES(2), NULL, check_health_unreachable,
     "a server does not answer /health", RESTS_ON_REPORTS},
    {"ReplicationError", SEVERITY_WARNING, 0, NULL, check_replication_error,
     "a server says that replication is in error", RESTS_ON_REPORTS},
    {"ContainerRestarting", SEVERITY_WARNING, 0, NULL, check_container_restarting,
     "a server's container or sidecar does not stay up", 0},
    {"ReactivationRequired", SEVERITY_ERROR, 0, CONDITION_ACTIVATED, check_reactivation,
     "a server's licence is not activated", RESTS_ON_REPORTS},
    {"ReactivationExpected", SEVERITY_WARNING, MINUTES(2), CONDITION_ACTIVATED, check_reactivation,
     "a server runs on a CPU on which it was never seen active", RESTS_ON_REPORTS},
    {"ManualActivationRequired", SEVERITY_ERROR, 0, CONDITION_ACTIVATED, check_reactivation,
     "a server has to be activated by hand", RESTS_ON_REPORTS},
    {"NodeNotActivated", SEVERITY_INFO, 0, NULL, check_node_not_activated,
     "a node that could take a server was never activated", RESTS_ON_REPORTS | RESTS_ON_NODES},
    {"VersionMismatch", SEVERITY_ERROR, MINUTES(10), CONDITION_VERSION_IN_SYNC, check_version_mismatch,
     "the servers do not run the same version", RESTS_ON_REPORTS},
    {"ImageTagMutable", SEVERITY_WARNING, 0, NULL, check_image_tag_mutable,
     "a server's image tag may mean another version tomorrow", 0},

    {"HeartbeatStale", SEVERITY_ERROR, 0, NULL, check_heartbeat_stale, "no heartbeat of a server for too long",
     RESTS_ON_LEASES},
    {"HeartbeatMissing", SEVERITY_WARNING, MINUTES(2), NULL, check_heartbeat_missing,
     "a sidecar gives no heartbeat at all", RESTS_ON_LEASES},
    {"SidecarMissing", SEVERITY_INFO, 0, NULL, check_sidecar_missing, "a server has no sidecar", 0},
    {"WebStale", SEVERITY_WARNING, 0, NULL, check_web_stale, "a server's web component has not answered for too long",
     RESTS_ON_REPORTS},
    {"MessengerUnreachable", SEVERITY_INFO, MINUTES(5), NULL, check_messenger_unreachable,
     "a server's messenger port does not answer", RESTS_ON_REPORTS},
    {"DatabaseEmbedded", SEVERITY_ERROR, 0, NULL, check_database_embedded,
     "servers of a cluster have no database in common", 0},
    {"DatabaseMismatch", SEVERITY_ERROR, 0, NULL, check_database_mismatch, "the servers do not use the same database",
     0},
    {"StorageNotShared", SEVERITY_ERROR, 0, NULL, check_storage_not_shared,
     "the servers do not share one storage for packages", RESTS_ON_CLAIMS},
    {"ClusterNotDeclared", SEVERITY_INFO, 0, NULL, check_cluster_not_declared, "a cluster was found, not declared", 0},
    {"ClusterEmpty", SEVERITY_WARNING, MINUTES(2), NULL, check_cluster_empty,
     "a ProGetCluster's selector matches no pod", 0},
    {"ClusterOverlap", SEVERITY_ERROR, 0, NULL, check_cluster_overlap, "two ProGetClusters select one pod", 0},
};
/* clang-format on */
#pragma GCC diagnostic pop

const struct check_row *catalogue(size_t *ret_count)
{
    *ret_count = array_length(rows);
    return rows;
}

const struct check_row *catalogue_find(const char *code)
{
    for (size_t i = 0; i < array_length(rows); i++) {
        if (text_equal(rows[i].code, code)) {
            return &rows[i];
        }
    }
    return NULL;
}
