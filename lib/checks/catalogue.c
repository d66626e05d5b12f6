/*
 * The table of the catalogue. To add a check: a file in catalogue/, its function in catalogue.h, its row here, a folder
 * in tests/scenarios, a page in docs/findings.
 */
#include "catalogue.h"

#include "proget/core/memory.h"
#include "proget/core/text.h"

#include "condition_name.h"

#define MINUTES(count) ((int64_t) (count) *60 * 1000)

/* clang-format off: one row, one line where it fits */
static const struct check_row rows[] = {
    {"EncryptionKeyMissing", SEVERITY_ERROR, 0, CONDITION_KEY_IN_SYNC, check_encryption_key_missing,
     "a server has no encryption key of its own", true},
    {"EncryptionKeyMalformed", SEVERITY_ERROR, 0, CONDITION_KEY_IN_SYNC, check_encryption_key_form,
     "an encryption key is not 32 hexadecimal digits", true},
    {"EncryptionKeyConflict", SEVERITY_ERROR, 0, CONDITION_KEY_IN_SYNC, check_encryption_key_conflict,
     "the key's variable and its _FILE form are both set", true},
    {"EncryptionKeyMismatch", SEVERITY_ERROR, 0, CONDITION_KEY_IN_SYNC, check_encryption_key_mismatch,
     "the servers do not use the same encryption key", true},
    {"EncryptionKeyPublic", SEVERITY_ERROR, 0, CONDITION_KEY_IN_SYNC, check_encryption_key_form,
     "an encryption key is one that everybody knows", true},
    {"EncryptionKeyExposed", SEVERITY_WARNING, 0, CONDITION_KEY_IN_SYNC, check_encryption_key_exposed,
     "an encryption key is written out in a spec", false},
    {"EncryptionKeyDrift", SEVERITY_WARNING, 0, CONDITION_KEY_IN_SYNC, check_encryption_key_drift,
     "the Secret with the key was changed under a running server", true},

    {"CoScheduled", SEVERITY_ERROR, 0, CONDITION_SERVERS_SPREAD, check_co_scheduled,
     "two servers share one physical server", false},
    {"SpreadNotEnforced", SEVERITY_WARNING, 0, CONDITION_SERVERS_SPREAD, check_spread_not_enforced,
     "nothing keeps two servers from sharing one physical server", false},

    {"Evicted", SEVERITY_WARNING, 0, CONDITION_EVICTION_RESISTANT, check_evicted,
     "a server was evicted within the last 24 hours", false},
    {"EvictionsFrequent", SEVERITY_ERROR, 0, CONDITION_EVICTION_RESISTANT, check_evicted,
     "three or more evictions within 24 hours", false},
    {"PriorityClassMissing", SEVERITY_WARNING, 0, CONDITION_EVICTION_RESISTANT, check_priority_class_missing,
     "a server has no PriorityClass", false},
    {"PriorityClassNotFound", SEVERITY_ERROR, 0, CONDITION_EVICTION_RESISTANT, check_priority_class_not_found,
     "a pod template names a PriorityClass that does not exist", false},
    {"QosNotGuaranteed", SEVERITY_WARNING, 0, CONDITION_EVICTION_RESISTANT, check_qos,
     "a server is not of QoS class Guaranteed", false},
    {"SidecarBreaksQos", SEVERITY_WARNING, 0, CONDITION_EVICTION_RESISTANT, check_qos,
     "the sidecar alone keeps a server from QoS class Guaranteed", false},

    {"HealthProbeRestarts", SEVERITY_ERROR, 0, NULL, check_health_probe_restarts,
     "a liveness or startup probe on /health restarts the server", false},
    {"HealthError", SEVERITY_ERROR, 0, NULL, check_health_error, "a server reports a problem on /health", true},
    {"HealthUnreachable", SEVERITY_WARNING, MINUTES(2), NULL, check_health_unreachable,
     "a server does not answer /health", true},
    {"ReactivationRequired", SEVERITY_ERROR, 0, CONDITION_ACTIVATED, check_reactivation,
     "a server's licence is not activated", true},
    {"ReactivationExpected", SEVERITY_WARNING, MINUTES(2), CONDITION_ACTIVATED, check_reactivation,
     "a server runs on a CPU on which it was never seen active", true},
    {"ManualActivationRequired", SEVERITY_ERROR, 0, CONDITION_ACTIVATED, check_reactivation,
     "a server has to be activated by hand", true},
    {"VersionMismatch", SEVERITY_ERROR, MINUTES(10), CONDITION_VERSION_IN_SYNC, check_version_mismatch,
     "the servers do not run the same version", true},

    {"HeartbeatStale", SEVERITY_ERROR, 0, NULL, check_heartbeat_stale, "no heartbeat of a server for too long", false},
    {"HeartbeatMissing", SEVERITY_WARNING, MINUTES(2), NULL, check_heartbeat_missing,
     "a sidecar gives no heartbeat at all", false},
    {"SidecarMissing", SEVERITY_INFO, 0, NULL, check_sidecar_missing, "a server has no sidecar", false},
    {"ClusterNotDeclared", SEVERITY_INFO, 0, NULL, check_cluster_not_declared, "a cluster was found, not declared",
     false},
    {"ClusterEmpty", SEVERITY_WARNING, MINUTES(2), NULL, check_cluster_empty,
     "a ProGetCluster's selector matches no pod", false},
    {"ClusterOverlap", SEVERITY_ERROR, 0, NULL, check_cluster_overlap, "two ProGetClusters select one pod", false},
};
/* clang-format on */

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
