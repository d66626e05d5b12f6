#include "publish/status.h"

#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "publish/member.h"

/* The CRD's maxima; what stands is sorted worst first, so what is cut is what matters least. */
enum { CRD_SUPPRESSED_MAX = 512, SUMMARY_BYTES = 128 };

/*
 * An object may have 1.5 MiB. Up to MANY findings are told in full; beyond, each is told in short, so that 512 of them,
 * as many left out, and 256 servers, all with the longest names, stay below together.
 */
enum { MANY = 64, RELATED_IN_SHORT = 1, SENTENCE_IN_SHORT_BYTES = 320, REASON_IN_SHORT_BYTES = 128 };

static void add_cut_text(struct json_object *object, const char *name, const char *text, size_t size)
{
    if (!text) {
        return;
    }
    char cut[BOUND_SENTENCE_BYTES];
    text_copy_cut(cut, size < sizeof cut ? size : sizeof cut, text);
    json_add_text(object, name, cut);
}

/* Microseconds: two spells of one finding within a second must stay two. */
static void add_micros(struct json_object *object, const char *name, int64_t wall_us)
{
    if (wall_us) {
        char text[CLOCK_TEXT_SIZE];
        clock_format_micros(wall_us, text);
        json_add_text(object, name, text);
    }
}

static struct json_object *reference_json(const struct object_reference *reference)
{
    struct json_object *object = object_reference_to_json(reference);
    json_add_text(object, "uid", reference->uid);
    return object;
}

static struct json_object *finding_json(const struct ledger_entry *entry, bool in_short)
{
    size_t related_max = in_short ? RELATED_IN_SHORT : BOUND_RELATED;
    size_t sentence_size = in_short ? SENTENCE_IN_SHORT_BYTES : BOUND_SENTENCE_BYTES;
    const struct finding *finding = &entry->finding;
    struct json_object *object = json_object_new_object();
    json_add_text(object, "id", entry->id);
    json_add_text(object, "code", finding->code);
    json_add_text(object, "severity", severity_name(finding->severity));
    json_object_object_add(object, "object", reference_json(&finding->object));
    if (finding->related_count) {
        struct json_object *related = json_add_array(object, "related");
        for (size_t i = 0; i < finding->related_count && i < related_max; i++) {
            json_object_array_add(related, reference_json(&finding->related[i]));
        }
    }
    json_add_text(object, "cause", finding->cause);
    json_add_text(object, "occurrence", finding->occurrence);
    add_cut_text(object, "message", finding->message, sentence_size);
    add_cut_text(object, "action", finding->action, sentence_size);
    add_micros(object, "since", entry->since_us);
    json_add_bool(object, "announced", entry->announced);
    add_micros(object, "cleared", entry->cleared_us);
    return object;
}

static void add_findings(struct json_object *status, struct ledger *ledger)
{
    size_t count;
    struct ledger_entry *const *entries = ledger_published(ledger, &count);
    struct json_object *findings = json_add_array(status, "findings");
    for (size_t i = 0; i < count; i++) {
        json_object_array_add(findings, finding_json(entries[i], count > MANY));
    }
}

static void add_suppressed(struct json_object *status, const struct finding_list *findings)
{
    if (!findings->suppressed_count) {
        return;
    }
    size_t reason_size = findings->suppressed_count > MANY ? REASON_IN_SHORT_BYTES : SENTENCE_IN_SHORT_BYTES;
    struct json_object *list = json_add_array(status, "suppressed");
    for (size_t i = 0; i < findings->suppressed_count && i < CRD_SUPPRESSED_MAX; i++) {
        struct json_object *row = json_object_new_object();
        json_add_text(row, "code", findings->suppressed[i].finding.code);
        json_object_object_add(row, "object", reference_json(&findings->suppressed[i].finding.object));
        add_cut_text(row, "reason", findings->suppressed[i].reason, reason_size);
        json_object_array_add(list, row);
    }
}

/* "1 error, 2 warnings": what stands, by severity. */
static void add_summary(struct json_object *status, struct ledger *ledger)
{
    static const char *const many[] = {"infos", "warnings", "errors"};
    size_t totals[SEVERITY_ERROR + 1] = {0};
    size_t count;
    struct ledger_entry *const *entries = ledger_published(ledger, &count);
    for (size_t i = 0; i < count; i++) {
        if (entries[i]->phase == LEDGER_RAISED) {
            totals[entries[i]->finding.severity]++;
        }
    }
    cleanup_buffer struct buffer text = BUFFER_INIT(SUMMARY_BYTES);
    for (int severity = SEVERITY_ERROR; severity >= SEVERITY_INFO; severity--) {
        size_t total = totals[severity];
        if (total) {
            (void) buffer_appendf(&text, "%s%zu %s", text.length ? ", " : "", total,
                                  total == 1 ? severity_name((enum severity) severity) : many[severity]);
        }
    }
    size_t waiting = ledger_waiting(ledger);
    if (waiting) {
        (void) buffer_appendf(&text, " (%zu more wait for room in this list)", waiting);
    }
    json_add_text(status, "summary", text.length ? buffer_text(&text) : "none");
}

static const struct status_condition *prior_condition(const struct cluster_resource *resource, const char *type)
{
    record_list_each (const struct status_condition *, condition, &resource->status.conditions) {
        if (text_equal(condition->type, type)) {
            return condition;
        }
    }
    return NULL;
}

/* Since when the condition has this status: ours if we know, else what the server holds, else now. */
static int64_t condition_changed(struct status_times *times, size_t index, const struct cluster_resource *resource,
                                 const struct evaluation_condition *condition, int64_t now_us)
{
    char *known = times->conditions[index].status;
    int64_t *changed_us = &times->conditions[index].changed_us;
    if (!known[0]) {
        const struct status_condition *prior = prior_condition(resource, condition->type);
        bool stands = prior && text_equal(prior->status, condition->status) && prior->changed_us;
        *changed_us = stands ? prior->changed_us : now_us;
    } else if (!text_equal(known, condition->status)) {
        *changed_us = now_us;
    }
    text_copy_cut(known, sizeof times->conditions[index].status, condition->status);
    return *changed_us;
}

/* What stands: raised, its hold over, not cleared. The array is owned by the caller. */
static const struct finding **standing_findings(struct ledger *ledger, size_t *ret_count)
{
    size_t count, standing = 0;
    struct ledger_entry *const *entries = ledger_published(ledger, &count);
    const struct finding **findings = xcalloc(count + 1, sizeof *findings);
    for (size_t i = 0; i < count; i++) {
        if (entries[i]->phase == LEDGER_RAISED) {
            findings[standing++] = &entries[i]->finding;
        }
    }
    *ret_count = standing;
    return findings;
}

static void add_conditions(struct json_object *status, const struct status_input *input, struct status_times *times,
                           int64_t healthy_servers)
{
    const struct cluster_resource *resource = input->cluster->resource;
    struct evaluation_standing standing = {.healthy_servers = healthy_servers};
    cleanup_free const struct finding **findings = standing_findings(input->ledger, &standing.count);
    standing.findings = findings;
    struct evaluation_condition conditions[EVALUATION_CONDITION_COUNT];
    evaluation_conditions(input->model, input->cluster, input->findings, &standing, conditions);
    struct json_object *list = json_add_array(status, "conditions");
    for (size_t i = 0; i < array_length(conditions); i++) {
        int64_t changed_us = condition_changed(times, i, resource, &conditions[i], input->now.wall_us);
        struct json_object *row = json_object_new_object();
        json_add_text(row, "type", conditions[i].type);
        json_add_text(row, "status", conditions[i].status);
        json_add_int64(row, "observedGeneration", resource->generation);
        json_add_time(row, "lastTransitionTime", changed_us);
        json_add_text(row, "reason", conditions[i].reason);
        json_add_text(row, "message", conditions[i].message ? conditions[i].message : "");
        json_object_array_add(list, row);
    }
    evaluation_conditions_clear(conditions);
}

static void add_evictions(struct json_object *status, const struct history *history)
{
    struct json_object *list = json_add_array(status, "evictions");
    for (size_t i = 0; i < history->eviction_count; i++) {
        const struct eviction *eviction = &history->evictions[i];
        struct json_object *row = json_object_new_object();
        json_add_time(row, "time", eviction->time_us);
        json_add_text(row, "pod", eviction->pod);
        json_add_text(row, "uid", eviction->uid);
        json_add_text(row, "node", eviction->node);
        json_add_text(row, "cause", eviction->cause);
        add_cut_text(row, "message", eviction->message, BOUND_SENTENCE_BYTES);
        json_object_array_add(list, row);
    }
}

static void add_size_changes(struct json_object *status, const struct history *history)
{
    struct json_object *list = json_add_array(status, "sizeChanges");
    for (size_t i = 0; i < history->size_change_count; i++) {
        struct json_object *row = json_object_new_object();
        add_micros(row, "time", history->size_changes[i].time_us); /* two within a second are two */
        json_add_int64(row, "from", history->size_changes[i].from);
        json_add_int64(row, "to", history->size_changes[i].to);
        json_object_array_add(list, row);
    }
}

static void add_ends(struct json_object *status, const struct history *history)
{
    struct json_object *list = json_add_array(status, "unconfirmedEnds");
    for (size_t i = 0; i < history->end_count; i++) {
        const struct unconfirmed_end *end = &history->ends[i];
        struct json_object *row = json_object_new_object();
        json_add_text(row, "pod", end->pod);
        json_add_text(row, "uid", end->uid);
        json_add_text(row, "node", end->node);
        json_add_text(row, "nodeUid", end->node_uid);
        add_micros(row, "since", end->since_us);
        json_object_array_add(list, row);
    }
}

static void add_machines(struct json_object *status, const struct history *history)
{
    struct json_object *activations = json_add_array(status, "activations");
    for (size_t i = 0; i < history->activation_count; i++) {
        struct json_object *row = json_object_new_object();
        add_cut_text(row, "machine", history->activations[i].machine, MEMBER_MACHINE_SIZE);
        json_add_text(row, "majorVersion", history->activations[i].major_version);
        json_object_array_add(activations, row);
    }
    struct json_object *nodes = json_add_array(status, "nodes");
    for (size_t i = 0; i < history->node_count; i++) {
        struct json_object *row = json_object_new_object();
        json_add_text(row, "node", history->nodes[i].node);
        add_cut_text(row, "machine", history->nodes[i].machine, MEMBER_MACHINE_SIZE);
        json_object_array_add(nodes, row);
    }
}

/* Whether a Service with an address selects two or more live servers. */
static bool is_load_balanced(const struct status_input *input)
{
    const struct store *services = model_read(input->model, MODEL_SERVICES);
    const char *namespace_name = input->cluster->namespace_name;
    for (const struct store_entry *at = store_first(services, namespace_name); at;
         at = store_next(services, namespace_name, at)) {
        const struct service *service = (const struct service *) at->object;
        if (!service->selector.count || text_is_empty(service->cluster_ip) || text_equal(service->cluster_ip, "None")) {
            continue;
        }
        struct selector selector = {.labels = service->selector};
        size_t selected = 0;
        for (size_t i = 0; i < input->cluster->server_count; i++) {
            const struct server *server = &input->cluster->servers[i];
            selected += server->live && selector_matches(&selector, &server->pod->labels) ? 1 : 0;
        }
        if (selected >= 2) {
            return true;
        }
    }
    return false;
}

static void add_configuration(struct json_object *status, const struct status_input *input)
{
    const struct cluster *cluster = input->cluster;
    size_t fresh = 0;
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        fresh += server->live && server->heartbeat_state == HEARTBEAT_FRESH ? 1 : 0;
    }
    struct json_object *configuration = json_add_object(status, "configuration");
    json_add_int64(configuration, "servers", cluster->intended);
    if (cluster->history && cluster->history->replicas.is_set) {
        json_add_int64(configuration, "replicas", cluster->history->replicas.value);
    }
    if (!model_unobserved(input->model, MODEL_SERVICES)) {
        json_add_bool(configuration, "loadBalanced", is_load_balanced(input));
    }
    json_add_bool(configuration, "failover", fresh >= 2);
    struct json_object *heartbeat = json_add_object(configuration, "heartbeat");
    json_add_int64(heartbeat, "intervalSeconds", cluster->settings.interval_ms / 1000);
    json_add_int64(heartbeat, "staleAfterSeconds", cluster->settings.stale_after_ms / 1000);
    json_add_int64(heartbeat, "webStaleAfterHours", cluster->settings.web_stale_after_ms / 3600000);
}

/* A pod that waits for its node, its image or a Secret, or whose probe fails, serves nobody. */
static bool is_ready(const struct pod *pod)
{
    const struct pod_condition *ready = pod_condition_get(pod, "Ready");
    return text_equal(pod->phase, "Running") && (!ready || text_equal(ready->status, "True"));
}

int64_t status_healthy_servers(const struct cluster *cluster, struct ledger *ledger)
{
    size_t count;
    struct ledger_entry *const *entries = ledger_published(ledger, &count);
    int64_t healthy = 0;
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        bool is_healthy =
            server->live && is_ready(server->pod) && (!server->sidecar || server->heartbeat_state == HEARTBEAT_FRESH);
        for (size_t j = 0; is_healthy && j < count; j++) {
            const struct finding *finding = &entries[j]->finding;
            is_healthy = entries[j]->phase != LEDGER_RAISED || finding->severity != SEVERITY_ERROR ||
                         !text_equal(finding->object.kind, "Pod") ||
                         !text_equal(finding->object.name, server->pod->meta.name) ||
                         (finding->object.uid && !text_equal(finding->object.uid, server->pod->meta.uid));
        }
        healthy += is_healthy ? 1 : 0;
    }
    return healthy;
}

struct json_object *status_build(const struct status_input *input, struct status_times *times)
{
    const struct cluster *cluster = input->cluster;
    const struct cluster_resource *resource = cluster->resource;
    int64_t healthy_servers = status_healthy_servers(cluster, input->ledger);
    struct json_object *object = json_object_new_object();
    json_add_text(object, "apiVersion", CLUSTER_API_VERSION);
    json_add_text(object, "kind", CLUSTER_KIND);
    struct json_object *metadata = json_add_object(object, "metadata");
    json_add_text(metadata, "name", resource->meta.name);
    json_add_text(metadata, "namespace", resource->meta.namespace_name);
    json_add_text(metadata, "uid", resource->meta.uid);
    struct json_object *status = json_add_object(object, "status");
    json_add_int64(status, "observedGeneration", resource->generation);
    json_add_int64(status, "servers", (int64_t) cluster->live_count);
    json_add_int64(status, "healthyServers", healthy_servers);
    json_add_text(status, "version", member_common_version(cluster));
    add_summary(status, input->ledger);
    add_conditions(status, input, times, healthy_servers);
    json_object_object_add(status, "members", members_build(cluster, input->ledger, input->now));
    add_findings(status, input->ledger);
    add_suppressed(status, input->findings);
    if (cluster->history) {
        add_evictions(status, cluster->history);
        add_machines(status, cluster->history);
        add_size_changes(status, cluster->history);
        add_ends(status, cluster->history);
    }
    add_configuration(status, input);
    return object;
}
