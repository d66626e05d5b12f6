/*
 * The status of a ProGetCluster as JSON: what users read, and the operator's memory. Pure. Design section 3.
 */
#ifndef OPERATOR_PUBLISH_STATUS_H
#define OPERATOR_PUBLISH_STATUS_H

#include "proget/checks/evaluation.h"
#include "publish/ledger.h"

/* Since when each condition has its status. Zeroed at first: then what the resource's status says is taken over. */
struct status_times {
    struct {
        char status[8]; /* "True", "False", "Unknown"; "" before the first */
        int64_t changed_us;
    } conditions[EVALUATION_CONDITION_COUNT];
};

struct status_input {
    const struct model *model;
    const struct cluster *cluster; /* declared, with its history */
    const struct finding_list *findings;
    struct ledger *ledger;
    struct instant now;
};

/*
 * The whole object for server-side apply: apiVersion, kind, metadata {name, namespace, uid}, status. Owned. `times`
 * moves on where a condition's status changed.
 */
struct json_object *status_build(const struct status_input *input, struct status_times *times);

/* Live servers whose pods are Ready, with a fresh heartbeat (or no sidecar) and no error finding on the pod. */
int64_t status_healthy_servers(const struct cluster *cluster, struct ledger *ledger);

#endif
