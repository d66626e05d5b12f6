#include "servers.h"

#include <assert.h>
#include <string.h>

#include "heartbeats.h"
#include "model_private.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

#define SIDECAR_NAME "proget-sidecar"

/* --- containers --- */

/* Last path segment of the image, without tag and digest. */
static bool image_is_named(const char *image, const char *name)
{
    if (image == NULL) {
        return false;
    }
    size_t end = strcspn(image, "@");
    size_t start = end;
    while (start > 0 && image[start - 1] != '/') {
        start--;
    }
    const char *colon = memchr(image + start, ':', end - start);
    size_t length = colon == NULL ? end - start : (size_t) (colon - image) - start;
    return length == strlen(name) && memcmp(image + start, name, length) == 0;
}

static bool container_is_sidecar(const struct container *container)
{
    return text_equal(container->name, SIDECAR_NAME) || image_is_named(container->image, SIDECAR_NAME);
}

const struct container *sidecar_container(const struct pod_spec *spec)
{
    record_list_each (const struct container *, container, &spec->init_containers) {
        if (container_is_sidecar(container)) {
            return container;
        }
    }
    record_list_each (const struct container *, main_container, &spec->containers) {
        if (container_is_sidecar(main_container)) {
            return main_container;
        }
    }
    return NULL;
}

static enum product product_by_variables(const struct container *container, enum product preferred)
{
    enum product found = PRODUCT_UNKNOWN;
    record_list_each (const struct env_variable *, variable, &container->env) {
        enum product product = product_from_variable(variable->name);
        if (product != PRODUCT_UNKNOWN && (found == PRODUCT_UNKNOWN || product == preferred)) {
            found = product;
        }
    }
    return found;
}

static enum product product_by_image(const struct container *container, enum product preferred)
{
    (void) preferred;
    return product_from_image(container->image);
}

typedef enum product product_by_fn(const struct container *container, enum product preferred);

static const struct container *container_by(const struct pod_spec *spec, product_by_fn *product_by,
                                            enum product preferred, enum product *ret_product)
{
    const struct container *found = NULL;
    record_list_each (const struct container *, container, &spec->containers) {
        enum product product = container_is_sidecar(container) ? PRODUCT_UNKNOWN : product_by(container, preferred);
        if (product != PRODUCT_UNKNOWN && (found == NULL || (product == preferred && *ret_product != preferred))) {
            found = container;
            *ret_product = product;
        }
    }
    return found;
}

static const struct container *container_named(const struct pod_spec *spec, const char *name)
{
    record_list_each (const struct container *, container, &spec->containers) {
        if (text_equal(container->name, name)) {
            return container;
        }
    }
    return NULL;
}

const struct container *product_container(const struct pod_spec *spec, const char *wanted, enum product preferred,
                                          enum product *ret_product)
{
    const struct container *named = wanted == NULL ? NULL : container_named(spec, wanted);
    if (named != NULL) {
        return named;
    }
    enum product product = PRODUCT_UNKNOWN;
    const struct container *found = container_by(spec, product_by_image, preferred, &product);
    if (found == NULL) {
        found = container_by(spec, product_by_variables, preferred, &product);
    }
    if (found != NULL && ret_product != NULL) {
        *ret_product = product;
    }
    return found;
}

/* --- heartbeat --- */

static bool lease_is_of_pod(const struct lease *lease, const struct pod *pod)
{
    record_list_each (const struct object_owner *, owner, &lease->meta.owners) {
        if (pod->meta.uid != NULL && text_equal(owner->uid, pod->meta.uid)) {
            return true;
        }
    }
    return false;
}

static int64_t stale_after_ms(const struct cluster *cluster, const struct lease *lease)
{
    enum { DURATION_MAX_S = 365 * 24 * 3600 };
    bool is_set_by_cluster = cluster->resource != NULL && cluster->resource->stale_after_s.is_set;
    if (!is_set_by_cluster && lease != NULL && lease->duration_s.is_set && lease->duration_s.value > 0) {
        int64_t duration_s = lease->duration_s.value < DURATION_MAX_S ? lease->duration_s.value : DURATION_MAX_S;
        return duration_s * 1000;
    }
    return cluster->settings.stale_after_ms;
}

static enum heartbeat_state offline_state(const struct server *server, struct instant now)
{
    if (server->lease->renewed_us == 0) {
        return HEARTBEAT_UNKNOWN;
    }
    return (now.wall_us - server->lease->renewed_us) / 1000 >= server->stale_after_ms ? HEARTBEAT_STALE
                                                                                      : HEARTBEAT_FRESH;
}

/* Neither time in which no Lease could be seen nor time that no answer covers counts. */
static int64_t staleness_clock_ms(const struct model *model, struct instant now)
{
    int64_t clock_ms = model->is_behind ? model->behind_since_ms : now.monotonic_ms;
    return clock_ms < model->served_until_ms ? clock_ms : model->served_until_ms;
}

static bool is_overdue(const struct server *server, struct instant now)
{
    return now.monotonic_ms - server->heartbeat->renewed_ms >= server->stale_after_ms;
}

static enum heartbeat_state server_heartbeat_state(const struct model *model, const struct cluster *cluster,
                                                   const struct server *server, const struct heartbeat_slot *slot,
                                                   struct instant now)
{
    bool is_offline = model->options.offline;
    if (model_unobserved(model, MODEL_LEASES) != NULL ||
        (!is_offline && !store_is_filled(model->stores[MODEL_LEASES]))) {
        return HEARTBEAT_UNKNOWN;
    }
    if (server->lease == NULL || slot == NULL) {
        return server->sidecar == NULL ? HEARTBEAT_UNKNOWN : HEARTBEAT_MISSING;
    }
    if (is_offline) {
        return offline_state(server, now);
    }
    now.monotonic_ms = staleness_clock_ms(model, now);
    bool had_stale_finding =
        cluster->history != NULL && history_had_finding(cluster->history, "HeartbeatStale", server->pod->meta.uid);
    return heartbeat_judge(slot, server->lease, server->stale_after_ms, had_stale_finding, now);
}

static void fill_heartbeat(struct model *model, const struct cluster *cluster, struct instant now,
                           struct server *server)
{
    cleanup_free char *lease_name = report_lease_name(server->pod->meta.name);
    const struct store_entry *entry =
        store_get(model->stores[MODEL_LEASES], server->pod->meta.namespace_name, lease_name);
    struct heartbeat_slot *slot = NULL;
    if (entry != NULL && lease_is_of_pod((const struct lease *) (const void *) entry->object, server->pod)) {
        server->lease = (const struct lease *) (const void *) entry->object;
        slot = map_get(model->heartbeats, entry->key);
        server->heartbeat = slot == NULL ? NULL : &slot->heartbeat;
    } else if (entry != NULL) {
        server->foreign_lease = (const struct lease *) (const void *) entry->object;
    }
    server->stale_after_ms = stale_after_ms(cluster, server->lease);
    server->heartbeat_state = server_heartbeat_state(model, cluster, server, slot, now);
    bool is_fresh = server->heartbeat_state == HEARTBEAT_FRESH;
    assert(!is_fresh || server->heartbeat != NULL);
    server->report = is_fresh && server->heartbeat->has_report ? &server->heartbeat->report : NULL;
    if (slot != NULL) {
        slot->is_awaited = !is_fresh;
        model->awaits_answer = model->awaits_answer || (is_fresh && is_overdue(server, now));
    }
}

void server_fill(struct model *model, const struct cluster *cluster, const struct store_entry *entry,
                 const struct workload_top *top, struct instant now, struct server *ret_server)
{
    const struct pod *pod = (const struct pod *) (const void *) entry->object;
    *ret_server = (struct server){
        .entry = entry,
        .pod = pod,
        .live = pod->meta.deleted_us == 0 && !pod_is_finished(pod) && !pod_is_of_job(pod),
        .workload = top->workload,
        .workload_kind = top->kind,
        .workload_name = top->name,
        .product = product_container(&pod->spec, cluster->resource == NULL ? NULL : cluster->resource->container,
                                     cluster->product, NULL),
        .sidecar = sidecar_container(&pod->spec),
    };
    ret_server->product_restarts =
        ret_server->product == NULL ? NULL : restarts_find(model->restarts, pod, ret_server->product->name);
    ret_server->sidecar_restarts =
        ret_server->sidecar == NULL ? NULL : restarts_find(model->restarts, pod, ret_server->sidecar->name);
    const struct store_entry *node =
        pod->spec.node_name == NULL ? NULL : store_get(model->stores[MODEL_NODES], NULL, pod->spec.node_name);
    ret_server->node = node == NULL ? NULL : (const struct node *) (const void *) node->object;
    fill_heartbeat(model, cluster, now, ret_server);
}

/* The kubelet has taken it up, and has not said of each container that it ended. */
static bool may_have_containers(const struct pod *pod)
{
    if (pod_is_finished(pod) || text_is_empty(pod->spec.node_name)) {
        return false;
    }
    bool has_ended = pod->container_statuses.count > 0;
    record_list_each (const struct container_status *, status, &pod->container_statuses) {
        has_ended = has_ended && status->state.is_terminated;
    }
    return !has_ended && (pod->started_us != 0 || pod->container_statuses.count > 0);
}

bool server_end_is_unconfirmed(const struct server *server)
{
    return server->pod->meta.deleted_us != 0 && !pod_is_of_job(server->pod) && may_have_containers(server->pod) &&
           server->node != NULL && node_is_unreachable(server->node);
}
