#include <string.h>

#include "history_private.h"
#include "model_private.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "workloads.h"

/* A heartbeat is no status write: the last one moves in steps. */
static const int64_t heartbeat_step_us = 300 * CLOCK_US_PER_SECOND;

bool pod_exists(const struct model *model, const char *namespace_name, const char *name, const char *uid)
{
    const struct store_entry *entry = store_get(model_read(model, MODEL_PODS), namespace_name, name);
    return entry != NULL && text_equal(entry->object->uid, uid);
}

static void member_remove(struct history *history, size_t at)
{
    past_server_clear(&history->members[at]);
    history->member_count--;
    memmove(&history->members[at], &history->members[at + 1], (history->member_count - at) * sizeof(*history->members));
}

const struct past_server *history_member(const struct history *history, const char *pod_uid)
{
    for (size_t i = 0; history && pod_uid && i < history->member_count; i++) {
        if (text_equal(history->members[i].uid, pod_uid)) {
            return &history->members[i];
        }
    }
    return NULL;
}

static const struct server *server_of_uid(const struct cluster *cluster, const char *uid)
{
    for (size_t i = 0; i < cluster->server_count; i++) {
        if (text_equal(cluster->servers[i].pod->meta.uid, uid)) {
            return &cluster->servers[i];
        }
    }
    return NULL;
}

/* --- those who went --- */

/* Its workloads want no more than there are. */
static bool is_scaled_down(const struct cluster *cluster)
{
    return cluster->replicas.is_set && cluster->replicas.value <= (int64_t) cluster->live_count;
}

static char *why_gone(const struct history *history, const struct cluster *cluster, const char *uid)
{
    const struct eviction *eviction = history_eviction(history, uid);
    if (eviction != NULL) {
        return xasprintf("eviction (%s)", eviction->cause);
    }
    if (cluster->rollout_under_way) {
        return xstrdup("rollout");
    }
    return xstrdup(is_scaled_down(cluster) ? "scale-down" : "deletion");
}

/* An eviction tells when; for the others it is when they were missed. */
static void member_goes(struct history *history, const struct cluster *cluster, struct past_server *member,
                        struct instant now)
{
    const struct eviction *eviction = history_eviction(history, member->uid);
    member->gone_since_us = eviction == NULL || eviction->time_us == 0 ? now.wall_us : eviction->time_us;
    free(member->gone_why);
    member->gone_why = why_gone(history, cluster, member->uid);
}

/* What is learned later than the absence itself. */
static bool member_stays_gone(const struct history *history, struct past_server *member)
{
    const struct eviction *eviction = history_eviction(history, member->uid);
    if (eviction == NULL) {
        return false;
    }
    cleanup_free char *why = xasprintf("eviction (%s)", eviction->cause);
    return history_set_text(&member->gone_why, why);
}

/* A pod that is terminating is still there: its containers may run. */
static bool follow_departures(struct history *history, const struct model *model, const struct cluster *cluster,
                              struct instant now)
{
    bool has_changed = false;
    for (size_t i = 0; i < history->member_count;) {
        struct past_server *member = &history->members[i];
        const struct server *server = server_of_uid(cluster, member->uid);
        if (server != NULL && !pod_is_finished(server->pod)) {
            has_changed = has_changed || member->gone_since_us != 0;
            member->gone_since_us = 0;
            free(member->gone_why);
            member->gone_why = NULL;
        } else if (server == NULL && pod_exists(model, cluster->namespace_name, member->name, member->uid)) {
            /* Selected no longer, or left out of too many: not this cluster's, but not gone either. */
            member_remove(history, i);
            has_changed = true;
            continue;
        } else if (member->gone_since_us == 0) {
            if (server == NULL) {
                (void) history_note_end(history, model, member, now);
            }
            member_goes(history, cluster, member, now);
            has_changed = true;
        } else {
            has_changed = member_stays_gone(history, member) || has_changed;
        }
        i++;
    }
    return has_changed;
}

/* --- those who are forgotten --- */

/* `list`: "<uid or name>,…" */
static bool list_names(const char *list, const char *wanted)
{
    size_t length = strlen(wanted);
    while (*list != '\0') {
        list += strspn(list, ", \t\n");
        size_t word = strcspn(list, ", \t\n");
        if (word == length && word > 0 && memcmp(list, wanted, length) == 0) {
            return true;
        }
        list += word;
    }
    return false;
}

/* Only who is gone can be forgotten. */
static bool forget_members(struct history *history, const struct cluster *cluster)
{
    const char *list =
        cluster->resource == NULL ? NULL : record_map_get(&cluster->resource->annotations, CLUSTER_ANNOTATION_FORGET);
    bool has_changed = false;
    for (size_t i = 0; list != NULL && i < history->member_count;) {
        const struct past_server *member = &history->members[i];
        if (member->gone_since_us != 0 && (list_names(list, member->uid) || list_names(list, member->name))) {
            member_remove(history, i);
            has_changed = true;
        } else {
            i++;
        }
    }
    return has_changed;
}

/* --- those who came --- */

/* Whose place a new pod takes: the gone one of its name, else the newest. `name` NULL: any. Returns whether any left.
 */
static bool give_place(struct history *history, const char *name)
{
    size_t found = history->member_count;
    for (size_t i = 0; i < history->member_count; i++) {
        const struct past_server *member = &history->members[i];
        if (member->gone_since_us == 0) {
            continue;
        }
        if (text_equal(member->name, name)) {
            found = i;
            break;
        }
        if (found == history->member_count || member->gone_since_us > history->members[found].gone_since_us) {
            found = i;
        }
    }
    if (found == history->member_count) {
        return false;
    }
    member_remove(history, found);
    return true;
}

static struct past_server *member_add(struct history *history, const struct pod *pod)
{
    (void) give_place(history, pod->meta.name);
    size_t at = 0;
    while (at < history->member_count && strcmp(history->members[at].name, pod->meta.name) < 0) {
        at++;
    }
    history->members = xrealloc(history->members, history->member_count + 1, sizeof(*history->members));
    struct past_server *place = &history->members[at];
    memmove(place + 1, place, (history->member_count - at) * sizeof(*place));
    history->member_count++;
    *place = (struct past_server){.name = xstrdup(pod->meta.name), .uid = xstrdup(pod->meta.uid)};
    return place;
}

/* What a server was stays known when its report is out of date. */
static bool member_update(struct past_server *member, const struct server *server)
{
    const struct report *report = server->report;
    const char *os = report != NULL && report->os != NULL ? report->os : NULL;
    if (os == NULL && member->os == NULL && server->node != NULL) {
        os = server->node->os_image;
    }
    const char *ip = !text_is_empty(server->pod->pod_ip) ? server->pod->pod_ip : NULL;
    bool has_changed = history_set_text(&member->os, os);
    has_changed = history_set_text(&member->ip, ip) || has_changed;
    has_changed = history_set_text(&member->node, server->pod->spec.node_name) || has_changed;
    has_changed = history_set_text(&member->version, report == NULL ? NULL : report->version) || has_changed;
    has_changed = history_set_text(&member->machine, report == NULL ? NULL : report->machine.id) || has_changed;
    int64_t heartbeat_us = server->lease == NULL ? 0 : server->lease->renewed_us;
    bool is_step = heartbeat_us >= member->last_heartbeat_us + heartbeat_step_us ||
                   heartbeat_us < member->last_heartbeat_us - heartbeat_step_us;
    bool is_last = server->heartbeat_state != HEARTBEAT_FRESH && heartbeat_us != member->last_heartbeat_us;
    if (heartbeat_us != 0 && (is_step || is_last)) {
        member->last_heartbeat_us = heartbeat_us;
        has_changed = true;
    }
    return has_changed;
}

static bool follow_arrivals(struct history *history, const struct cluster *cluster)
{
    bool has_changed = false;
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        if (!server->live || server->pod->meta.uid == NULL) {
            continue;
        }
        struct past_server *member = (struct past_server *) history_member(history, server->pod->meta.uid);
        if (member == NULL) {
            member = member_add(history, server->pod);
            has_changed = true;
        }
        has_changed = member_update(member, server) || has_changed;
    }
    return has_changed;
}

/* Gone ones stay only as far as servers are missing; the newest do. */
static bool drop_surplus(struct history *history, const struct cluster *cluster)
{
    int64_t missing = cluster->intended - (int64_t) cluster->live_count;
    missing = missing > BOUND_SERVERS_PER_CLUSTER ? BOUND_SERVERS_PER_CLUSTER : missing;
    bool has_changed = false;
    for (;;) {
        int64_t gone_count = 0;
        size_t oldest = history->member_count;
        for (size_t i = 0; i < history->member_count; i++) {
            int64_t since_us = history->members[i].gone_since_us;
            gone_count += since_us != 0 ? 1 : 0;
            bool is_older = oldest == history->member_count || since_us < history->members[oldest].gone_since_us;
            oldest = since_us != 0 && is_older ? i : oldest;
        }
        if (gone_count == 0 || gone_count <= missing) {
            return has_changed;
        }
        member_remove(history, oldest);
        has_changed = true;
    }
}

bool history_observe_members(struct history *history, const struct model *model, const struct cluster *cluster,
                             struct instant now)
{
    /* Pods that cannot be seen are not gone. */
    if (model_unobserved(model, MODEL_PODS) != NULL || !store_is_filled(model_read(model, MODEL_PODS))) {
        return false;
    }
    bool departed = follow_departures(history, model, cluster, now);
    bool forgotten = forget_members(history, cluster);
    bool arrived = follow_arrivals(history, cluster);
    bool dropped = drop_surplus(history, cluster);
    return departed || forgotten || arrived || dropped;
}
