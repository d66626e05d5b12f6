#include "publish/member.h"

#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { FINGERPRINT_SHOWN_BYTES = sizeof "hmac-sha256:" - 1 + 8 };

const char *member_common_version(const struct cluster *cluster)
{
    const char *common = NULL;
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        const char *version = server->live && server->report ? server->report->version : NULL;
        if (!version) {
            continue;
        }
        if (common && !text_equal(common, version)) {
            return "mixed";
        }
        common = version;
    }
    return common;
}

/* The fingerprint of the key that a server holds; NULL while unknown. */
static const char *fingerprint_of(const struct server *server)
{
    return server->live && server->report ? server->report->key.fingerprint : NULL;
}

/* Whether a text of this server's is that of all the others that have one; REPORT_UNKNOWN while it is alone. */
static enum report_truth agrees(const struct cluster *cluster, const struct server *self,
                                const char *(*text_of)(const struct server *) )
{
    const char *own = text_of(self);
    enum report_truth truth = REPORT_UNKNOWN;
    for (size_t i = 0; own && i < cluster->server_count; i++) {
        const struct server *other = &cluster->servers[i];
        const char *others = other == self ? NULL : text_of(other);
        if (!others) {
            continue;
        }
        if (!text_equal(own, others)) {
            return REPORT_FALSE;
        }
        truth = REPORT_TRUE;
    }
    return truth;
}

static const char *version_of(const struct server *server)
{
    return server->live && server->report ? server->report->version : NULL;
}

static void add_truth(struct json_object *row, const char *name, enum report_truth truth)
{
    if (truth != REPORT_UNKNOWN) {
        json_add_bool(row, name, truth == REPORT_TRUE);
    }
}

/* What the ledger holds, fetched once: it sorts at each asking. */
struct published {
    struct ledger_entry *const *entries;
    size_t count;
};

static bool has_finding(const struct published *published, const char *code, const struct server *server)
{
    struct ledger_entry *const *entries = published->entries;
    for (size_t i = 0; i < published->count; i++) {
        if (entries[i]->phase == LEDGER_RAISED && text_equal(entries[i]->finding.code, code) &&
            text_equal(entries[i]->finding.object.uid, server->pod->meta.uid)) {
            return true;
        }
    }
    return false;
}

static const char *activation_of(const struct published *published, const struct server *server)
{
    if (has_finding(published, "ReactivationRequired", server)) {
        return "Required";
    }
    if (has_finding(published, "ManualActivationRequired", server)) {
        return "Manual";
    }
    if (has_finding(published, "ReactivationExpected", server)) {
        return "Expected";
    }
    bool is_active = server->report && text_equal(server->report->health.license, "OK");
    return is_active ? "Active" : "Unknown";
}

static const char *web_status(const struct cluster *cluster, const struct report *report, struct instant now)
{
    if (!report || report->health.state == REPORT_HEALTH_UNKNOWN) {
        return "Unknown";
    }
    if (report->health.state == REPORT_HEALTH_UNREACHABLE) {
        return "Error";
    }
    int64_t age_ms = (now.wall_us - report->web_answered_us) / 1000;
    bool is_stale = report->web_answered_us && age_ms > cluster->settings.web_stale_after_ms;
    return is_stale ? "Stale" : "OK";
}

static void add_cut_text(struct json_object *row, const char *name, const char *text, size_t size)
{
    char cut[MEMBER_MACHINE_SIZE];
    if (text) {
        text_copy_cut(cut, size < sizeof cut ? size : sizeof cut, text);
        json_add_text(row, name, cut);
    }
}

static const char *service_status(const struct report *report)
{
    return report && report->health.service ? report->health.service : "Unknown";
}

static void add_components(struct json_object *row, const struct cluster *cluster, const struct report *report,
                           struct instant now)
{
    struct json_object *components = json_add_object(row, "components");
    struct json_object *web = json_add_object(components, "web");
    json_add_text(web, "status", web_status(cluster, report, now));
    if (report) {
        json_add_time(web, "lastHeartbeat", report->web_answered_us);
    }
    struct json_object *service = json_add_object(components, "service");
    add_cut_text(service, "status", service_status(report), MEMBER_COMPONENT_STATUS_SIZE);
    if (report) {
        json_add_text(service, "detail", report->health.service_detail);
    }
}

static const char *os_of(const struct server *server)
{
    if (server->report && server->report->os) {
        return server->report->os;
    }
    return server->node ? server->node->os_image : NULL;
}

static struct json_object *live_row(const struct cluster *cluster, const struct server *server,
                                    const struct published *published, struct instant now)
{
    const struct report *report = server->report;
    struct json_object *row = json_object_new_object();
    json_add_text(row, "name", server->pod->meta.name);
    json_add_text(row, "uid", server->pod->meta.uid);
    json_add_text(row, "os", os_of(server));
    json_add_text(row, "ip", server->pod->pod_ip);
    json_add_text(row, "node", server->pod->spec.node_name);
    json_add_text(row, "version", report ? report->version : NULL);
    add_truth(row, "versionInSync", agrees(cluster, server, version_of));
    add_components(row, cluster, report, now);
    json_add_text(row, "heartbeat", heartbeat_state_name(server->heartbeat_state));
    const struct past_server *past = history_member(cluster->history, server->pod->meta.uid);
    json_add_time(row, "lastHeartbeat", past ? past->last_heartbeat_us : 0);
    if (report && report->key.fingerprint) {
        char shown[FINGERPRINT_SHOWN_BYTES + 1] = {0};
        memcpy(shown, report->key.fingerprint, strnlen(report->key.fingerprint, FINGERPRINT_SHOWN_BYTES));
        json_add_text(row, "keyFingerprint", shown);
    }
    add_truth(row, "keyInSync", agrees(cluster, server, fingerprint_of));
    json_add_text(row, "activation", activation_of(published, server));
    add_cut_text(row, "machine", report ? report->machine.id : NULL, MEMBER_MACHINE_SIZE);
    return row;
}

static struct json_object *gone_row(const struct past_server *past)
{
    struct json_object *row = json_object_new_object();
    json_add_text(row, "name", past->name);
    json_add_text(row, "uid", past->uid);
    json_add_text(row, "os", past->os);
    json_add_text(row, "ip", past->ip);
    json_add_text(row, "node", past->node);
    json_add_text(row, "version", past->version);
    add_cut_text(row, "machine", past->machine, MEMBER_MACHINE_SIZE);
    json_add_text(row, "heartbeat", heartbeat_state_name(HEARTBEAT_UNKNOWN));
    json_add_time(row, "lastHeartbeat", past->last_heartbeat_us);
    struct json_object *gone = json_add_object(row, "gone");
    json_add_time(gone, "since", past->gone_since_us);
    json_add_text(gone, "why", past->gone_why);
    return row;
}

struct json_object *members_build(const struct cluster *cluster, struct ledger *ledger, struct instant now)
{
    struct json_object *rows = json_object_new_array();
    struct published published;
    published.entries = ledger_published(ledger, &published.count);
    for (size_t i = 0; i < cluster->server_count; i++) {
        if (cluster->servers[i].live) {
            json_object_array_add(rows, live_row(cluster, &cluster->servers[i], &published, now));
        }
    }
    for (size_t i = 0; cluster->history && i < cluster->history->member_count; i++) {
        if (cluster->history->members[i].gone_since_us) {
            json_object_array_add(rows, gone_row(&cluster->history->members[i]));
        }
    }
    return rows;
}
