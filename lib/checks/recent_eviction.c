#include "recent_eviction.h"

#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/model/disruption.h"

static bool is_recent(const struct check_context *context, int64_t time_us)
{
    return time_us == 0 || (context->now.wall_us - time_us) / 1000 < EVICTION_STANDS_MS;
}

static const struct server *server_by_uid(const struct cluster *cluster, const char *uid)
{
    for (size_t i = 0; uid && i < cluster->server_count; i++) {
        if (text_equal(cluster->servers[i].pod->meta.uid, uid)) {
            return &cluster->servers[i];
        }
    }
    return NULL;
}

/* Manifests may lack uids: then the name tells pods apart. */
static bool is_known(const struct recent_eviction_list *list, const char *pod, const char *uid)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct recent_eviction *known = &list->items[i];
        if (uid && known->uid ? text_equal(known->uid, uid) : text_equal(known->pod, pod)) {
            return true;
        }
    }
    return false;
}

static void list_add(const struct check_context *context, struct recent_eviction_list *list,
                     const struct recent_eviction *eviction)
{
    if (is_recent(context, eviction->time_us) && !is_known(list, eviction->pod, eviction->uid)) {
        list->items = xrealloc(list->items, list->count + 1, sizeof *list->items);
        list->items[list->count++] = *eviction;
    }
}

static void add_remembered(const struct check_context *context, struct recent_eviction_list *list)
{
    const struct cluster *cluster = context->cluster;
    const struct history *history = cluster->history;
    for (size_t i = 0; history && i < history->eviction_count; i++) {
        const struct eviction *each = &history->evictions[i];
        list_add(context, list,
                 &(struct recent_eviction){each->pod, each->uid, each->node, each->cause, each->message, each->time_us,
                                           server_by_uid(cluster, each->uid)});
    }
    if (history || !cluster->resource) {
        return;
    }
    record_list_each (const struct status_eviction *, each, &cluster->resource->status.evictions) {
        list_add(context, list,
                 &(struct recent_eviction){each->pod, each->uid, each->node, each->cause, each->message, each->time_us,
                                           server_by_uid(cluster, each->uid)});
    }
}

static void add_of_pods(const struct check_context *context, struct recent_eviction_list *list)
{
    const struct cluster *cluster = context->cluster;
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        struct disruption disruption = disruption_of_pod(server->pod);
        if (disruption.cause == DISRUPTION_NONE) {
            continue;
        }
        list_add(context, list,
                 &(struct recent_eviction){
                     .pod = server->pod->meta.name,
                     .uid = server->pod->meta.uid,
                     .node = server->pod->spec.node_name,
                     .cause = disruption_cause_name(disruption.cause),
                     .message = disruption.message,
                     .time_us = disruption.time_us,
                     .server = server,
                 });
    }
}

static int newest_first(const void *a, const void *b)
{
    const struct recent_eviction *left = a;
    const struct recent_eviction *right = b;
    if (left->time_us != right->time_us) {
        return left->time_us > right->time_us ? -1 : 1;
    }
    return strcmp(left->pod ? left->pod : "", right->pod ? right->pod : "");
}

void recent_eviction_collect(const struct check_context *context, struct recent_eviction_list *ret_list)
{
    *ret_list = (struct recent_eviction_list){0};
    add_remembered(context, ret_list);
    if (!context->cluster->history) { /* with a history, it has seen the pods too */
        add_of_pods(context, ret_list);
    }
    if (ret_list->count > 1) {
        qsort(ret_list->items, ret_list->count, sizeof *ret_list->items, newest_first);
    }
}

void recent_eviction_clear(struct recent_eviction_list *list)
{
    free(list->items);
    *list = (struct recent_eviction_list){0};
}
