#include "cluster_fill.h"

#include <stdlib.h>
#include <string.h>

#include "proget/core/log.h"
#include "proget/core/text.h"
#include "servers.h"

enum {
    INTERVAL_DEFAULT_S = 30,
    WEB_STALE_AFTER_DEFAULT_H = 24,
    MAX_SERVERS_DEFAULT = 5,
    MESSENGER_PORT_DEFAULT = 33237,
    HOUR_S = 3600,
    SETTING_MAX_S = 365 * 24 * HOUR_S, /* a longer time means never, and must not overflow */
};
#define ACTIVATION_HOST_DEFAULT "my.inedo.com"
#define TOPOLOGY_KEY_DEFAULT    "kubernetes.io/hostname"
#define INTERNET_ACCESS_DEFAULT "Auto"

/* --- settings --- */

static int64_t setting_ms(const struct record_optional_int64 *setting, int64_t unit_s, int64_t fallback)
{
    int64_t value = setting->is_set && setting->value > 0 ? setting->value : fallback;
    return (value < SETTING_MAX_S / unit_s ? value * unit_s : SETTING_MAX_S) * 1000;
}

static int64_t setting_number(const struct record_optional_int64 *setting, int64_t fallback)
{
    return setting->is_set && setting->value > 0 ? setting->value : fallback;
}

static const char *setting_text(const char *setting, const char *fallback)
{
    return text_is_empty(setting) ? fallback : setting;
}

static struct cluster_settings settings_of(const struct cluster_resource *resource)
{
    static const struct cluster_resource none = {0};
    const struct cluster_resource *from = resource == NULL ? &none : resource;
    return (struct cluster_settings){
        .interval_ms = setting_ms(&from->interval_s, 1, INTERVAL_DEFAULT_S),
        .stale_after_ms = setting_ms(&from->stale_after_s, 1, STALE_AFTER_DEFAULT_S),
        .web_stale_after_ms = setting_ms(&from->web_stale_after_h, HOUR_S, WEB_STALE_AFTER_DEFAULT_H),
        .max_servers = setting_number(&from->max_servers, MAX_SERVERS_DEFAULT),
        .messenger_port = setting_number(&from->messenger_port, MESSENGER_PORT_DEFAULT),
        .internet_access = setting_text(from->internet_access, INTERNET_ACCESS_DEFAULT),
        .activation_host = setting_text(from->activation_host, ACTIVATION_HOST_DEFAULT),
        .topology_key = setting_text(from->topology_key, TOPOLOGY_KEY_DEFAULT),
    };
}

/* --- servers --- */

/* Where there are too many, live ones go first, so that a heap of finished pods cannot push them out. */
static void fill_servers(struct namespace_view *view, const struct cluster_draft *draft, struct instant now,
                         struct cluster *cluster)
{
    size_t count = 0;
    for (size_t i = 0; i < view->pod_count; i++) {
        count += view->pods[i].owner == draft ? 1 : 0;
    }
    struct server *servers = model_arena_take(view->arena, count, sizeof(*servers));
    size_t at = 0;
    size_t live_count = 0;
    for (size_t i = 0; i < view->pod_count; i++) {
        if (view->pods[i].owner == draft) {
            server_fill(view->model, cluster, view->pods[i].entry, &view->pods[i].top, now, &servers[at]);
            live_count += servers[at].live ? 1 : 0;
            at++;
        }
    }
    size_t live_room = BOUND_SERVERS_PER_CLUSTER;
    size_t other_room = live_count < live_room ? live_room - live_count : 0;
    for (size_t i = 0; i < count; i++) {
        size_t *room = servers[i].live ? &live_room : &other_room;
        if (*room > 0) {
            (*room)--;
            servers[cluster->server_count++] = servers[i];
            cluster->live_count += servers[i].live ? 1 : 0;
        }
    }
    cluster->servers = servers;
    cluster->servers_dropped = count - cluster->server_count;
    if (cluster->servers_dropped > 0) {
        log_debug(LOG_FIELDS({"cluster", cluster->name}), "%zu pods more than a cluster may have are left out",
                  cluster->servers_dropped);
    }
}

/* --- workloads --- */

static int workload_pointer_compare(const void *a, const void *b)
{
    return workload_compare(*(const struct workload *const *) a, *(const struct workload *const *) b);
}

/* Those of its pods, and those whose template it selects: a workload without pods is a cluster's too. */
static void fill_workloads(struct namespace_view *view, const struct cluster_draft *draft, struct cluster *cluster)
{
    size_t most = cluster->server_count + view->workload_count;
    const struct workload **workloads = model_arena_take(view->arena, most, sizeof(*workloads));
    size_t count = 0;
    for (size_t i = 0; i < cluster->server_count; i++) {
        if (cluster->servers[i].workload != NULL) {
            workloads[count++] = cluster->servers[i].workload;
        }
    }
    for (size_t i = 0; i < view->workload_count; i++) {
        if (view->workloads[i].owner == draft) {
            workloads[count++] = view->workloads[i].workload;
        }
    }
    qsort(workloads, count, sizeof(*workloads), workload_pointer_compare);
    for (size_t i = 0; i < count; i++) {
        if (cluster->workload_count == 0 || workloads[cluster->workload_count - 1] != workloads[i]) {
            workloads[cluster->workload_count++] = workloads[i];
        }
    }
    cluster->workloads = workloads;
}

static int64_t replicas_sum(const struct cluster *cluster)
{
    int64_t sum = 0;
    for (size_t i = 0; i < cluster->workload_count; i++) {
        if (__builtin_add_overflow(sum, workload_servers(cluster->workloads[i]), &sum)) {
            return INT64_MAX;
        }
    }
    return sum;
}

static int64_t intended_servers(const struct cluster *cluster)
{
    if (cluster->resource != NULL && cluster->resource->servers.is_set) {
        return cluster->resource->servers.value;
    }
    return cluster->workload_count == 0 ? (int64_t) cluster->live_count : replicas_sum(cluster);
}

/* A workload of another kind, or one that cannot be seen, may want any number. */
static bool knows_every_workload(const struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->server_count; i++) {
        if (cluster->servers[i].live && cluster->servers[i].workload == NULL) {
            return false;
        }
    }
    for (size_t i = 0; i < cluster->workload_count; i++) {
        const struct workload *workload = cluster->workloads[i];
        int64_t observed = workload->status.observed_generation;
        if (workload->is_daemon_set && (observed == 0 || observed < workload->generation)) {
            return false; /* on how many nodes is not counted yet, or never in a manifest */
        }
    }
    return cluster->workload_count > 0;
}

static struct record_optional_int64 wanted_replicas(const struct cluster *cluster)
{
    bool is_known = knows_every_workload(cluster);
    return (struct record_optional_int64){.is_set = is_known, .value = is_known ? replicas_sum(cluster) : 0};
}

static bool has_leaving_pod(const struct cluster *cluster, const struct workload *workload)
{
    for (size_t i = 0; i < cluster->server_count; i++) {
        if (cluster->servers[i].workload == workload && cluster->servers[i].pod->meta.deleted_us != 0) {
            return true;
        }
    }
    return false;
}

static bool rollout_is_under_way(const struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->workload_count; i++) {
        if (workload_is_rolling_out(cluster->workloads[i], has_leaving_pod(cluster, cluster->workloads[i]))) {
            return true;
        }
    }
    return false;
}

/* --- subjects --- */

static bool has_live_pod(const struct cluster *cluster, const struct workload *workload)
{
    for (size_t i = 0; i < cluster->server_count; i++) {
        if (cluster->servers[i].live && cluster->servers[i].workload == workload) {
            return true;
        }
    }
    return false;
}

static struct subject subject_of_server(const struct server *server)
{
    return (struct subject){
        .meta = &server->pod->meta,
        .api_version = "v1",
        .kind = "Pod",
        .spec = &server->pod->spec,
        .labels = &server->pod->labels,
        .annotations = &server->pod->annotations,
        .product = server->product,
        .sidecar = server->sidecar,
        .server = server,
        .workload = server->workload,
        .servers = 1,
    };
}

static struct subject subject_of_template(const struct cluster *cluster, const struct workload *workload)
{
    const char *wanted = cluster->resource == NULL ? NULL : cluster->resource->container;
    return (struct subject){
        .meta = &workload->meta,
        .api_version = "apps/v1",
        .kind = workload_kind(workload),
        .spec = &workload->template_spec,
        .labels = &workload->template_labels,
        .annotations = &workload->template_annotations,
        .product = product_container(&workload->template_spec, wanted, cluster->product, NULL),
        .sidecar = sidecar_container(&workload->template_spec),
        .workload = workload,
        .servers = workload_servers(workload),
    };
}

static void fill_subjects(struct namespace_view *view, struct cluster *cluster)
{
    cluster->subjects =
        model_arena_take(view->arena, cluster->live_count + cluster->workload_count, sizeof(*cluster->subjects));
    for (size_t i = 0; i < cluster->server_count; i++) {
        if (cluster->servers[i].live) {
            cluster->subjects[cluster->subject_count++] = subject_of_server(&cluster->servers[i]);
        }
    }
    for (size_t i = 0; i < cluster->workload_count; i++) {
        if (!has_live_pod(cluster, cluster->workloads[i])) {
            cluster->subjects[cluster->subject_count++] = subject_of_template(cluster, cluster->workloads[i]);
        }
    }
}

void cluster_fill(struct namespace_view *view, const struct cluster_draft *draft, struct instant now,
                  struct cluster *ret_cluster)
{
    bool is_offline = view->model->options.offline;
    *ret_cluster = (struct cluster){
        .namespace_name = view->name,
        .name = draft->name,
        .resource = draft->resource,
        .discovered = draft->is_discovered,
        .superseded_by = draft->superseded_by,
        .overlaps = draft->overlaps,
        .overlap_count = draft->overlap_count,
        .product = draft->product,
        .settings = settings_of(draft->resource),
        .implied_spec = draft->implied_spec,
        .history = draft->resource == NULL || is_offline ? NULL : model_history(view->model, draft->resource),
        .is_offline = is_offline,
    };
    fill_servers(view, draft, now, ret_cluster);
    fill_workloads(view, draft, ret_cluster);
    fill_subjects(view, ret_cluster);
    ret_cluster->intended = intended_servers(ret_cluster);
    ret_cluster->replicas = wanted_replicas(ret_cluster);
    ret_cluster->rollout_under_way = rollout_is_under_way(ret_cluster);
}
