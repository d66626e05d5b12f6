/*
 * ServerCountWrong: more or fewer live servers than intended, and no roll-out that would explain it.
 */
#include <inttypes.h>

#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"

struct count {
    int64_t live, intended;
    bool is_declared;  /* by spec.servers; else by the workloads' replicas */
    bool is_of_claims; /* no pods to count: `live` is what the workloads ask for */
};

static bool are_manifests(const struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->workload_count; i++) {
        if (cluster->workloads[i]->generation != 0) {
            return false;
        }
    }
    return true;
}

/* Manifests offline: nothing runs yet. */
static bool has_no_pods_to_count(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    return cluster->is_offline && cluster->server_count == 0 &&
           (model_unobserved(context->model, MODEL_PODS) != NULL || are_manifests(cluster));
}

/* Whose workload cannot be seen, its kind is named: what it wants is not known. */
static void name_unseen_workloads(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        enum model_kind kind =
            server->live && !server->workload ? model_kind_of("apps/v1", server->workload_kind) : MODEL_KIND_COUNT;
        const char *why = kind == MODEL_KIND_COUNT ? NULL : model_unobserved(context->model, kind);
        if (why) {
            finding_unobserved(context, model_kind_info(kind)->plural, why);
        }
    }
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/*
 * Since when at the latest, as the objects of an offline input tell: since the newest server came, or the last one
 * went. Live, only who watches knows: spec.servers may be older or newer than all of them.
 */
static int64_t wrong_since_us(const struct cluster *cluster, const struct count *count)
{
    int64_t since_us = 0;
    for (size_t i = 0; cluster->is_offline && i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        const struct pod_condition *ready = pod_condition_get(server->pod, "Ready");
        if (server->live && count->live > count->intended) {
            since_us = later(since_us, server->pod->meta.created_us);
        } else if (!server->live && count->live < count->intended) {
            since_us = later(since_us, server->pod->meta.deleted_us);
            since_us = later(since_us, ready ? ready->changed_us : 0);
        }
    }
    for (size_t i = 0; cluster->is_offline && i < cluster->workload_count; i++) {
        since_us = later(since_us, cluster->workloads[i]->meta.created_us);
    }
    return since_us;
}

/* What makes the numbers agree. Owned. */
static char *action_for(const struct cluster *cluster, const struct count *count)
{
    const char *namespace_name = cluster->namespace_name;
    cleanup_free char *target = phrase_cluster_target(cluster);
    bool is_asked_otherwise =
        count->is_declared && cluster->replicas.is_set && cluster->replicas.value != count->intended;
    if (is_asked_otherwise && cluster->workload_count == 1 && !cluster->workloads[0]->is_daemon_set) {
        return xasprintf("Scale the workload (kubectl -n %s scale %s --replicas=%" PRId64 "), or say that %" PRId64
                         " servers are meant: kubectl -n %s patch progetcluster %s --type merge -p "
                         "'{\"spec\":{\"servers\":%" PRId64 "}}'",
                         namespace_name, target, count->intended, cluster->replicas.value, namespace_name,
                         cluster->name, cluster->replicas.value);
    }
    if (is_asked_otherwise) {
        return xasprintf("Bring what the workloads ask for (%" PRId64 ") and spec.servers to one number: kubectl -n %s "
                         "describe %s",
                         cluster->replicas.value, namespace_name, target);
    }
    if (count->live < count->intended) {
        return xasprintf("See why no pod is created for the missing ones, such as a quota or a refused pod: kubectl -n "
                         "%s describe %s",
                         namespace_name, target);
    }
    return xasprintf("Find the pods that are too many, such as one that was started by hand under the servers' labels: "
                     "kubectl -n %s get pods --show-labels",
                     namespace_name);
}

static void say_wrong(const struct check_context *context, const struct count *count)
{
    const struct cluster *cluster = context->cluster;
    cleanup_free char *by = count->is_declared ? xasprintf("spec.servers of ProGetCluster %s", cluster->name)
                                               : xstrdup("the replicas of its workload");
    const char *cost = count->live < count->intended
                           ? "the load falls on fewer of them, and less is left to fall back on"
                           : "each has to be activated and counts against the licence";
    cleanup_free char *message =
        xasprintf("%s %s %s %" PRId64 " %s, and %" PRId64 " %s intended (%s): %s.",
                  count->is_of_claims ? "The workload of cluster" : "Cluster", cluster->name,
                  count->is_of_claims ? "asks for" : "has", count->live, count->live == 1 ? "server" : "servers",
                  count->intended, count->intended == 1 ? "is" : "are", by, cost);
    cleanup_free char *action = action_for(cluster, count);
    raise_on_cluster(context, (struct finding_draft){
                                  .message = message,
                                  .action = action,
                                  .true_since_us = wrong_since_us(cluster, count),
                                  .hold_ms = -1,
                              });
}

void check_server_count_wrong(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    bool is_declared = cluster->resource && cluster->resource->servers.is_set;
    struct count count = {
        .live = (int64_t) cluster->live_count,
        .intended = is_declared ? cluster->resource->servers.value : cluster->replicas.value,
        .is_declared = is_declared,
        .is_of_claims = has_no_pods_to_count(context),
    };
    if (count.is_of_claims) {
        count.live = cluster->replicas.value;
    }
    if (!cluster->replicas.is_set && (!is_declared || count.is_of_claims)) {
        name_unseen_workloads(context);
        return;
    }
    /* Where there is nothing at all, ClusterEmpty says it; over the bound of servers nobody has counted. */
    bool is_nothing = cluster->server_count == 0 && cluster->workload_count == 0;
    if (is_nothing || cluster->servers_dropped > 0 || cluster->rollout_under_way) {
        return;
    }
    if (count.live != count.intended) {
        say_wrong(context, &count);
    }
}
