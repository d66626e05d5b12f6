/*
 * A ProGetCluster as `kubectl proget status` shows it: what the operator wrote into its status.
 */
#ifndef PROGET_CLI_STATUS_RECORD_H
#define PROGET_CLI_STATUS_RECORD_H

#include "proget/model/cluster_resource.h"

struct shown_member {
    const char *name, *uid, *node, *version, *heartbeat, *key_fingerprint, *activation;
    const char *web_status, *service_status, *web_detail, *service_detail;
    struct record_optional_bool version_in_sync, key_in_sync;
    int64_t last_heartbeat_us, gone_since_us;
    const char *gone_why;
    bool is_gone;
};
struct shown_suppressed {
    const char *code, *reason, *kind, *name;
};
struct shown_finding {
    const char *code, *severity, *message, *action, *kind, *name;
    int64_t since_us, cleared_us;
};
struct shown_cluster {
    struct object_meta meta;
    struct record_list labels; /* struct record_pair: whether the operator declared it */
    int64_t generation;
    const char *product, *maintenance_reason;
    int64_t maintenance_until_us;
    struct {
        bool is_there; /* the operator has written one */
        int64_t observed_generation, servers, healthy_servers;
        const char *summary, *version;
        struct record_optional_int64 intended, stale_after_s;
        struct record_list conditions; /* struct status_condition */
        struct record_list members;    /* struct shown_member */
        struct record_list findings;   /* struct shown_finding */
        struct record_list suppressed; /* struct shown_suppressed */
        struct record_list evictions;  /* struct status_eviction */
    } status;
};
extern const struct record_type shown_cluster_type;

/* A finding of severity error stands against it. */
bool shown_cluster_has_error(const struct shown_cluster *cluster);

#endif
