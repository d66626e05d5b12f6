#include "publish/complaints.h"

#include <string.h>

#include "proget/checks/idle_setting.h"
#include "proget/core/log.h"
#include "proget/core/map.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

/* When a pod is replaced under its name, the old one's Lease stays until it is collected: that is no news. */
enum { FOREIGN_HOLD_MS = 10 * 1000 };

struct complaint {
    char *key;        /* in `all`: cluster and pod, or cluster and sentence */
    uint64_t said;    /* hash of what was said last; 0: nothing yet */
    uint64_t subject; /* hash of what there is to say */
    int64_t since_ms; /* monotonic: since when there is that to say */
    bool is_seen;
};

struct complaints {
    struct map *all;
};

static void complaint_free(void *value)
{
    struct complaint *complaint = value;
    free(complaint->key);
    free(complaint);
}

struct complaints *complaints_new(void)
{
    struct complaints *complaints = xcalloc(1, sizeof *complaints);
    complaints->all = map_new(complaint_free);
    return complaints;
}

void complaints_free(struct complaints *complaints)
{
    if (complaints) {
        map_free(complaints->all);
        free(complaints);
    }
}

/* What there is to say of a server's Lease: a sentence and why. Returns false where there is nothing. */
static bool subject_of(const struct server *server, const char **ret_sentence, const char **ret_why,
                       int64_t *ret_hold_ms)
{
    if (server->foreign_lease) {
        *ret_sentence = "a Lease under the name of this pod's belongs to another pod, or to none: it counts for "
                        "nothing; delete it, and the sidecar makes its own";
        *ret_why = server->foreign_lease->meta.uid;
        *ret_hold_ms = FOREIGN_HOLD_MS;
        return true;
    }
    if (server->heartbeat && server->heartbeat->report_problem) {
        *ret_sentence = "the report on this pod's Lease cannot be read: it counts for nothing until the sidecar "
                        "writes another";
        *ret_why = server->heartbeat->report_problem;
        *ret_hold_ms = 0;
        return true;
    }
    return false;
}

static struct complaint *complaint_of(struct complaints *complaints, const char *key)
{
    struct complaint *complaint = map_get(complaints->all, key);
    if (!complaint) {
        complaint = xcalloc(1, sizeof *complaint);
        complaint->key = xstrdup(key);
        map_put(complaints->all, key, complaint);
    }
    complaint->is_seen = true;
    return complaint;
}

static int64_t run_server(struct complaints *complaints, const struct cluster *cluster, const struct server *server,
                          struct instant now)
{
    const char *sentence, *why;
    int64_t hold_ms;
    if (!server->live || !subject_of(server, &sentence, &why, &hold_ms)) {
        return INT64_MAX;
    }
    cleanup_free char *name = xasprintf("%s/%s", cluster->namespace_name, cluster->name);
    cleanup_free char *pod = xasprintf("Pod/%s", server->pod->meta.name);
    cleanup_free char *key = xasprintf("%s %s", name, pod);
    struct complaint *complaint = complaint_of(complaints, key);
    uint64_t subject = text_hash(TEXT_HASH_SEED, sentence, strlen(sentence));
    subject = why ? text_hash(subject, why, strlen(why)) : subject;
    if (complaint->subject != subject) {
        complaint->subject = subject;
        complaint->since_ms = now.monotonic_ms;
    }
    if (complaint->said == subject) {
        return INT64_MAX;
    }
    if (now.monotonic_ms - complaint->since_ms < hold_ms) {
        return complaint->since_ms + hold_ms;
    }
    complaint->said = subject;
    cleanup_free char *lease = report_lease_name(server->pod->meta.name);
    log_warning(LOG_FIELDS({"cluster", name}, {"object", pod}, {"lease", lease}, {"error", why}), "%s", sentence);
    return INT64_MAX;
}

static void run_settings(struct complaints *complaints, const struct cluster *cluster)
{
    if (cluster->superseded_by) { /* it speaks for nobody */
        return;
    }
    cleanup_idle_settings struct idle_settings settings;
    idle_settings_take(cluster, &settings);
    cleanup_free char *name = xasprintf("%s/%s", cluster->namespace_name, cluster->name);
    for (size_t i = 0; i < settings.count; i++) {
        cleanup_free char *key = xasprintf("%s %s", name, settings.items[i]);
        struct complaint *complaint = complaint_of(complaints, key);
        if (complaint->said == 0) {
            complaint->said = 1;
            log_warning(LOG_FIELDS({"cluster", name}), "%s", settings.items[i]);
        }
    }
}

int64_t complaints_run(struct complaints *complaints, const struct cluster *cluster, struct instant now)
{
    int64_t wake_at_ms = INT64_MAX;
    run_settings(complaints, cluster);
    for (size_t i = 0; i < cluster->server_count; i++) {
        int64_t at_ms = run_server(complaints, cluster, &cluster->servers[i], now);
        wake_at_ms = at_ms < wake_at_ms ? at_ms : wake_at_ms;
    }
    return wake_at_ms;
}

void complaints_sweep(struct complaints *complaints)
{
    const struct map_entry *at = map_first(complaints->all);
    while (at) {
        struct complaint *complaint = map_value(at);
        at = map_next(at);
        if (!complaint->is_seen) {
            cleanup_free char *key = xstrdup(complaint->key);
            map_remove(complaints->all, key);
        } else {
            complaint->is_seen = false;
        }
    }
}
