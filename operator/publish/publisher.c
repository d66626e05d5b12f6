#include "publish/publisher.h"

#include <string.h>

#include "proget/checks/evaluation.h"
#include "proget/core/log.h"
#include "proget/core/map.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "publish/annotations.h"
#include "publish/announcer.h"
#include "publish/complaints.h"
#include "publish/declarer.h"
#include "publish/ledger.h"
#include "publish/resources.h"
#include "publish/settings.h"
#include "publish/status.h"
#include "publish/writer.h"

/*
 * A status write is the dearest request of all, and a finding's Event waits for it: what is no news (an Event that was
 * created, a pod's address) waits for company, so that news seldom finds a write under way. The larger a status, the
 * dearer: it waits for several times as long as the last write took.
 */
enum { STATUS_SETTLE_MIN_MS = 250, STATUS_SETTLE_MAX_MS = 10 * 1000, STATUS_SETTLE_TIMES = 4 };

struct cluster_state {
    char *name;               /* "namespace/name": the log's word for it */
    int64_t status_due_ms;    /* monotonic: when a status without news is written; 0: none waits */
    uint64_t status_settled;  /* hash of the status that was last wished for */
    int64_t status_wished_ms; /* monotonic: when that was */
    int64_t settle_ms;        /* how long a status without news waits now */
    struct ledger *ledger;
    struct status_times times;
    struct finding_counts suppressed; /* by the last evaluation */
    bool was_written;                 /* a status, since the last evaluation */
    bool is_quiet;                    /* planned work: nothing is announced */
    bool seen;
};

struct publisher {
    struct publisher_options options;
    struct map *states; /* ProGetCluster's uid -> struct cluster_state */
    struct writer *writer;
    struct announcer *announcer;
    struct declarer *declarer;
    struct complaints *complaints;
    struct loop_timer *progress_timer;
};

static void state_free(void *value)
{
    struct cluster_state *state = value;
    ledger_free(state->ledger);
    finding_counts_clear(&state->suppressed);
    free(state->name);
    free(state);
}

static int64_t settle_after(int64_t took_ms)
{
    int64_t settle_ms = STATUS_SETTLE_TIMES * took_ms;
    if (settle_ms < STATUS_SETTLE_MIN_MS) {
        return STATUS_SETTLE_MIN_MS;
    }
    return settle_ms < STATUS_SETTLE_MAX_MS ? settle_ms : STATUS_SETTLE_MAX_MS;
}

/* Only statuses have tickets; their key is "status/<uid>". */
static void on_written(const char *key, uint64_t ticket, void *userdata)
{
    struct publisher *publisher = userdata;
    static const char prefix[] = "status/";
    if (!text_starts_with(key, prefix)) {
        return;
    }
    struct cluster_state *state = map_get(publisher->states, key + sizeof prefix - 1);
    if (state) {
        state->was_written = true;
        ledger_acknowledge(state->ledger, ticket - 1);
        publisher->options.on_progress(publisher->options.userdata);
    }
}

static void tell_progress(void *userdata)
{
    struct publisher *publisher = userdata;
    loop_timer_stop(publisher->progress_timer);
    publisher->options.on_progress(publisher->options.userdata);
}

/*
 * An answer made room for the next Event, which needs no evaluation: of thousands that are to be said, each would cost
 * one. What was said meanwhile is looked at when nothing is under way, or a little later.
 */
static void go_on_announcing(struct publisher *publisher)
{
    struct instant now = loop_now(kube_client_loop(publisher->options.client));
    for (const struct map_entry *at = map_first(publisher->states); at; at = map_next(at)) {
        struct cluster_state *state = map_value(at);
        if (!state->is_quiet) {
            (void) announcer_run(publisher->announcer, state->ledger, map_key(at), now);
        }
    }
    if (announcer_in_flight(publisher->announcer) == 0) {
        tell_progress(publisher);
    } else if (!loop_timer_is_set(publisher->progress_timer)) {
        loop_timer_set_after(publisher->progress_timer, STATUS_SETTLE_MIN_MS);
    }
}

static void on_said(const char *ledger_name, const char *entry_id, enum ledger_phase phase, void *userdata)
{
    struct publisher *publisher = userdata;
    struct cluster_state *state = ledger_name ? map_get(publisher->states, ledger_name) : NULL;
    if (state && phase != LEDGER_HOLDING) {
        struct instant now = loop_now(kube_client_loop(publisher->options.client));
        (void) ledger_announced(state->ledger, entry_id, phase, now);
    }
    go_on_announcing(publisher);
}

static struct ledger *find_ledger(const char *ledger_name, void *userdata)
{
    struct publisher *publisher = userdata;
    struct cluster_state *state = map_get(publisher->states, ledger_name);
    return state ? state->ledger : NULL;
}

struct publisher *publisher_new(const struct publisher_options *options)
{
    struct publisher *publisher = xcalloc(1, sizeof *publisher);
    publisher->options = *options;
    publisher->states = map_new(state_free);
    publisher->writer = writer_new(options->client, on_written, publisher);
    writer_count_into(publisher->writer, options->tally);
    publisher->announcer = announcer_new(options->client, &(struct announcer_options){
                                                              .instance = options->instance,
                                                              .on_said = on_said,
                                                              .find_ledger = find_ledger,
                                                              .userdata = publisher,
                                                              .tally = options->tally,
                                                          });
    publisher->declarer = declarer_new(options->client, options->on_progress, options->userdata);
    publisher->complaints = complaints_new();
    publisher->progress_timer = loop_timer_new(kube_client_loop(options->client), tell_progress, publisher);
    return publisher;
}

void publisher_free(struct publisher *publisher)
{
    if (!publisher) {
        return;
    }
    loop_timer_free(publisher->progress_timer);
    writer_free(publisher->writer);
    announcer_free(publisher->announcer);
    declarer_free(publisher->declarer);
    complaints_free(publisher->complaints);
    map_free(publisher->states);
    free(publisher);
}

static struct cluster_state *state_of(struct publisher *publisher, const struct cluster_resource *resource,
                                      struct instant now)
{
    struct cluster_state *state = map_get(publisher->states, resource->meta.uid);
    if (!state) {
        state = xcalloc(1, sizeof *state);
        state->name = xasprintf("%s/%s", resource->meta.namespace_name, resource->meta.name);
        state->ledger = ledger_new();
        state->settle_ms = STATUS_SETTLE_MIN_MS;
        ledger_load(state->ledger, resource, now);
        map_put(publisher->states, resource->meta.uid, state);
        log_info(LOG_FIELDS({"cluster", state->name}), "watching this cluster");
    }
    state->seen = true;
    return state;
}

struct log_context {
    const struct publisher *publisher;
    const struct cluster *cluster;
    const struct cluster_state *state;
};

static void on_change(const struct ledger_entry *entry, enum ledger_change change, const char *why, void *userdata)
{
    const struct log_context *context = userdata;
    const struct finding *finding = &entry->finding;
    cleanup_free char *object = xasprintf("%s/%s", finding->object.kind, finding->object.name);
    const struct log_field *fields = LOG_FIELDS({"cluster", context->state->name}, {"code", finding->code},
                                                {"severity", severity_name(finding->severity)}, {"object", object},
                                                {"cause", finding->cause}, {"why", why});
    static const enum log_level levels[] = {LOG_INFO, LOG_WARNING, LOG_ERROR};
    switch (change) {
    case LEDGER_CHANGE_RAISED:
        log_write(levels[finding->severity], fields, "%s", finding->message);
        break;
    case LEDGER_CHANGE_RESOLVED:
        log_info(fields, "resolved: %s", finding->message);
        break;
    case LEDGER_CHANGE_DROPPED:
        log_info(fields, "no longer reported: %s", finding->message);
        break;
    }
}

/* Whether a finding's object still exists, as far as the stores tell; kinds that are not watched are taken to exist. */
static bool object_exists(const struct object_reference *object, void *userdata)
{
    const struct log_context *context = userdata;
    const struct model *model = context->publisher->options.model;
    enum model_kind kind = model_kind_of(object->api_version, object->kind);
    if (kind == MODEL_KIND_COUNT || model_unobserved(model, kind)) {
        return true;
    }
    const struct store_entry *entry = store_get(model_read(model, kind), object->namespace_name, object->name);
    return entry && (!object->uid || text_equal(entry->object->uid, object->uid));
}

/* Whether a heartbeat is to be expected: a pod without a sidecar has none, unless one was heard of it all the same. */
static bool has_voice(const struct server *server, const struct history *history)
{
    const struct past_server *member = history_member(history, server->pod->meta.uid);
    return server->sidecar || server->lease || (member && member->last_heartbeat_us);
}

/* Whether a live server that the finding is about, or that it rests on, could be heard of and is not. */
static bool is_unheard(const struct object_reference *object, const struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        if (server->live && has_voice(server, cluster->history) && !server->report && text_equal(object->kind, "Pod") &&
            text_equal(object->uid, server->pod->meta.uid)) {
            return true;
        }
    }
    return false;
}

/* A kind that the finding rests on, its object's own included, and that is not observed. */
static bool rests_on_unobserved(const struct finding *finding, unsigned rests_on, const struct model *model)
{
    enum model_kind own = model_kind_of(finding->object.api_version, finding->object.kind);
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        bool is_needed = kind == (int) own || (rests_on & CHECK_RESTS_ON_KIND(kind));
        if (is_needed && model_unobserved(model, (enum model_kind) kind)) {
            return true;
        }
    }
    return false;
}

static bool is_unknown(const struct finding *finding, void *userdata)
{
    const struct log_context *context = userdata;
    const struct check_row *row = catalogue_find(finding->code);
    if (!row || !object_exists(&finding->object, userdata)) {
        return false;
    }
    if (rests_on_unobserved(finding, row->rests_on, context->publisher->options.model)) {
        return true;
    }
    if (!(row->rests_on & CHECK_RESTS_ON_REPORT)) {
        return false;
    }
    bool is_unheard_of = is_unheard(&finding->object, context->cluster);
    for (size_t i = 0; !is_unheard_of && i < finding->related_count; i++) {
        is_unheard_of = is_unheard(&finding->related[i], context->cluster);
    }
    return is_unheard_of;
}

struct status_wish {
    struct json_object *body;
    const struct cluster_resource *resource;
    const struct basis_source *versions;
};

/* What it was made from goes with every status, and is no reason to write one. */
static struct json_object *build_status(const void *context)
{
    const struct status_wish *wish = context;
    json_object_object_add(json_member(wish->body, "status"), BASIS_FIELD,
                           basis_build(wish->versions, wish->resource->meta.namespace_name));
    return json_object_get(wish->body);
}

/* Whether the status is to be written now; if not, *wake_at_ms is when. */
static bool status_is_due(struct cluster_state *state, uint64_t hash, struct instant now, int64_t *wake_at_ms)
{
    if (hash == state->status_settled || ledger_has_unsent(state->ledger)) {
        return true;
    }
    if (state->status_due_ms == 0) {
        state->status_due_ms = now.monotonic_ms + state->settle_ms;
    }
    if (state->status_due_ms <= now.monotonic_ms) {
        return true;
    }
    *wake_at_ms = state->status_due_ms < *wake_at_ms ? state->status_due_ms : *wake_at_ms;
    return false;
}

static void wish_status(struct publisher *publisher, struct cluster_state *state, const struct status_input *input,
                        int64_t *wake_at_ms)
{
    const struct cluster_resource *resource = input->cluster->resource;
    cleanup_json struct json_object *body = status_build(input, &state->times);
    cleanup_free char *key = xasprintf("status/%s", resource->meta.uid);
    cleanup_free char *text = xstrdup(json_text(body));
    uint64_t hash = text_hash(TEXT_HASH_SEED, text, strlen(text));
    if (!status_is_due(state, hash, input->now, wake_at_ms)) {
        writer_keep(publisher->writer, key);
        return;
    }
    state->status_due_ms = 0;
    if (state->status_settled != hash) {
        state->status_wished_ms = input->now.monotonic_ms;
    }
    state->status_settled = hash;
    struct status_wish context = {.body = body, .resource = resource, .versions = &publisher->options.versions};
    struct writer_wish wish = {
        .key = key,
        .address = {.resource = &clusters_resource,
                    .namespace_name = resource->meta.namespace_name,
                    .name = resource->meta.name,
                    .subresource = "status"},
        .field_manager = FIELD_MANAGER,
        .target = TALLY_STATUS,
        .build = build_status,
        .context = &context,
        .wanted = text,
        .version = resource->resource_version,
        .ticket = ledger_send(state->ledger) + 1, /* 0 would say "of no interest" */
    };
    writer_wish(publisher->writer, &wish);
}

struct pod_wish {
    const struct pod *pod;
    const struct map *wanted;
};

static struct json_object *build_annotations(const void *context)
{
    const struct pod_wish *wish = context;
    return annotations_apply_body(wish->pod, wish->wanted);
}

static char *pod_key(const struct pod *pod)
{
    return xasprintf("pod %s/%s %s", pod->meta.namespace_name, pod->meta.name, pod->meta.uid);
}

static void wish_pod(struct publisher *publisher, const struct pod *pod, const struct map *wanted)
{
    cleanup_free char *text = annotations_text(wanted);
    cleanup_free char *observed = annotations_observed_text(pod);
    cleanup_free char *key = pod_key(pod);
    struct pod_wish context = {.pod = pod, .wanted = wanted};
    struct writer_wish wish = {
        .key = key,
        .address = {.resource = &pods_resource,
                    .namespace_name = pod->meta.namespace_name,
                    .name = pod->meta.name,
                    .subresource = "status"},
        .field_manager = FIELD_MANAGER,
        .target = TALLY_ANNOTATIONS,
        .build = build_annotations,
        .context = &context,
        .wanted = text,
        .observed = observed,
    };
    writer_wish(publisher->writer, &wish);
}

struct lease_wish {
    const struct cluster *cluster;
    const struct lease *lease;
};

static struct json_object *build_settings(const void *context)
{
    const struct lease_wish *wish = context;
    return settings_apply_body(wish->cluster, wish->lease);
}

static void wish_lease(struct publisher *publisher, const struct cluster *cluster, const struct lease *lease)
{
    cleanup_free char *text = settings_text(cluster);
    cleanup_free char *observed = settings_observed_text(lease);
    cleanup_free char *key = xasprintf("lease %s/%s %s", lease->meta.namespace_name, lease->meta.name, lease->meta.uid);
    struct lease_wish context = {.cluster = cluster, .lease = lease};
    struct writer_wish wish = {
        .key = key,
        .address = {.resource = &leases_resource,
                    .namespace_name = lease->meta.namespace_name,
                    .name = lease->meta.name},
        .field_manager = FIELD_MANAGER,
        .target = TALLY_SETTINGS,
        .build = build_settings,
        .context = &context,
        .wanted = text,
        .observed = observed,
    };
    writer_wish(publisher->writer, &wish);
}

static bool has_our_annotations(const struct pod *pod)
{
    record_list_each (const struct record_pair *, pair, &pod->annotations) {
        if (text_starts_with(pair->key, ANNOTATION_PREFIX)) {
            return true;
        }
    }
    return false;
}

static void wish_annotations(struct publisher *publisher, const struct cluster *cluster, const struct server *server,
                             const struct annotation_index *index, struct instant now)
{
    struct map *wanted = annotations_wanted(cluster, server, index, now);
    /* A finished pod stays where it is, and what was said of it may be over. */
    bool is_left_over = pod_is_finished(server->pod) && has_our_annotations(server->pod);
    if (server->live || map_count(wanted) || is_left_over) {
        wish_pod(publisher, server->pod, wanted);
    }
    map_free(wanted);
}

/* While news is on its way into the status the annotations wait: they would only compete with it. */
static void wish_servers(struct publisher *publisher, const struct cluster *cluster, struct ledger *ledger,
                         struct instant now)
{
    bool has_news = ledger_has_unacknowledged(ledger);
    struct annotation_index *index = has_news ? NULL : annotation_index_new(ledger);
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        if (has_news) {
            cleanup_free char *key = pod_key(server->pod);
            writer_keep(publisher->writer, key);
        } else {
            wish_annotations(publisher, cluster, server, index, now);
        }
        if (server->live && server->lease) {
            wish_lease(publisher, cluster, server->lease);
        }
    }
    annotation_index_free(index);
}

/* Returns when the cluster has to be looked at again even if nothing changes. */
static int64_t run_cluster(struct publisher *publisher, struct cluster *cluster, struct instant now)
{
    struct model *model = publisher->options.model;
    struct cluster_state *state = state_of(publisher, cluster->resource, now);
    if (state->was_written) {
        state->was_written = false;
        state->settle_ms = settle_after(now.monotonic_ms - state->status_wished_ms);
    }
    struct history *history = model_history(model, cluster->resource);
    cluster->history = history;
    (void) history_observe(history, model, cluster, now);
    tally_take_evictions(publisher->options.tally, cluster->resource->meta.uid, history);
    struct finding_list findings;
    evaluation_run(model, cluster, now, &findings);
    struct log_context context = {.publisher = publisher, .cluster = cluster, .state = state};
    int64_t wake_at_ms = ledger_update(state->ledger, &findings, now,
                                       &(struct ledger_callbacks){.on_change = on_change,
                                                                  .exists = object_exists,
                                                                  .is_unknown = is_unknown,
                                                                  .is_superseded = cluster->superseded_by != NULL,
                                                                  .userdata = &context});
    wake_at_ms = findings.wake_at_ms < wake_at_ms ? findings.wake_at_ms : wake_at_ms;
    struct status_input input = {
        .model = model, .cluster = cluster, .findings = &findings, .ledger = state->ledger, .now = now};
    wish_status(publisher, state, &input, &wake_at_ms);
    finding_counts_clear(&state->suppressed);
    finding_counts_add_suppressed(&state->suppressed, &findings);
    finding_list_free(&findings);
    int64_t complain_at_ms = complaints_run(publisher->complaints, cluster, now);
    wake_at_ms = complain_at_ms < wake_at_ms ? complain_at_ms : wake_at_ms;
    state->is_quiet = cluster_in_maintenance(cluster, now);
    int64_t due_ms = state->is_quiet
                         ? now.monotonic_ms + (cluster->resource->maintenance_until_us - now.wall_us) / 1000 + 1
                         : announcer_run(publisher->announcer, state->ledger, cluster->resource->meta.uid, now);
    wish_servers(publisher, cluster, state->ledger, now);
    return due_ms < wake_at_ms ? due_ms : wake_at_ms;
}

static bool is_member(const struct cluster_list *clusters, const struct pod *pod)
{
    for (size_t i = 0; i < clusters->count; i++) {
        const struct cluster *cluster = &clusters->items[i];
        for (size_t j = 0; cluster->resource && j < cluster->server_count; j++) {
            if (cluster->servers[j].pod == pod) {
                return true;
            }
        }
    }
    return false;
}

/* Takes our annotations off pods that are in no cluster any more: theirs was deleted, or selects them no longer. */
static void wish_strays(struct publisher *publisher, const struct cluster_list *clusters)
{
    const struct store *pods = model_read(publisher->options.model, MODEL_PODS);
    struct map *none = map_new(NULL);
    for (const struct store_entry *at = store_first(pods, NULL); at; at = store_next(pods, NULL, at)) {
        const struct pod *pod = (const struct pod *) at->object;
        if (has_our_annotations(pod) && !is_member(clusters, pod)) {
            wish_pod(publisher, pod, none);
        }
    }
    map_free(none);
}

static void drop_unseen_states(struct publisher *publisher)
{
    const struct map_entry *at = map_first(publisher->states);
    while (at) {
        struct cluster_state *state = map_value(at);
        cleanup_free char *uid = xstrdup(map_key(at));
        at = map_next(at);
        if (!state->seen) {
            log_info(LOG_FIELDS({"cluster", state->name}),
                     "its ProGetCluster is gone: no longer watching this cluster");
            map_remove(publisher->states, uid);
        } else {
            state->seen = false;
        }
    }
}

int64_t publisher_run(struct publisher *publisher, struct instant now)
{
    struct cluster_list clusters;
    model_assemble(publisher->options.model, now, &clusters);
    int64_t wake_at_ms = INT64_MAX;
    writer_sweep_begin(publisher->writer);
    for (size_t i = 0; i < clusters.count; i++) {
        struct cluster *cluster = &clusters.items[i];
        int64_t at_ms =
            cluster->resource ? run_cluster(publisher, cluster, now) : declarer_run(publisher->declarer, cluster, now);
        wake_at_ms = at_ms < wake_at_ms ? at_ms : wake_at_ms;
    }
    wish_strays(publisher, &clusters);
    writer_sweep_end(publisher->writer);
    declarer_sweep(publisher->declarer);
    complaints_sweep(publisher->complaints);
    drop_unseen_states(publisher);
    tally_forget_evictions(publisher->options.tally, publisher->states);
    cluster_list_free(&clusters);
    return wake_at_ms;
}

void publisher_hurry(struct publisher *publisher)
{
    for (const struct map_entry *at = map_first(publisher->states); at; at = map_next(at)) {
        ledger_hurry(((struct cluster_state *) map_value(at))->ledger);
    }
    declarer_hurry(publisher->declarer);
    writer_hurry(publisher->writer);
}

size_t publisher_pending(const struct publisher *publisher)
{
    return writer_pending(publisher->writer) + announcer_in_flight(publisher->announcer);
}

/* Of planned work nothing is announced, so nothing waits for it. */
static size_t events_pending(const struct publisher *publisher)
{
    size_t pending = 0;
    for (const struct map_entry *at = map_first(publisher->states); at; at = map_next(at)) {
        const struct cluster_state *state = map_value(at);
        size_t count = 0;
        struct ledger_entry *const *entries = state->is_quiet ? NULL : ledger_published(state->ledger, &count);
        for (size_t i = 0; i < count; i++) {
            pending += entries[i]->phase == LEDGER_CLEARED || !entries[i]->announced ? 1 : 0;
        }
    }
    return pending;
}

void publisher_figures(struct publisher *publisher, struct instant now, struct figures *ret_figures)
{
    struct figures figures = {0};
    model_assemble(publisher->options.model, now, &figures.clusters);
    figures.items = xcalloc(figures.clusters.count, sizeof *figures.items);
    for (size_t i = 0; i < figures.clusters.count; i++) {
        const struct cluster *cluster = &figures.clusters.items[i];
        struct cluster_state *state =
            cluster->resource ? map_get(publisher->states, cluster->resource->meta.uid) : NULL;
        if (!state) {
            continue;
        }
        struct cluster_figures *of = &figures.items[figures.count++];
        of->cluster = cluster;
        of->suppressed = &state->suppressed;
        of->evictions = tally_evictions_of(publisher->options.tally, cluster->resource->meta.uid);
        of->waiting = ledger_waiting(state->ledger);
        of->healthy = status_healthy_servers(cluster, state->ledger);
        of->is_in_maintenance = cluster_in_maintenance(cluster, now);
        finding_counts_add_ledger(&of->standing, state->ledger);
    }
    for (int target = 0; target < TALLY_TARGET_COUNT; target++) {
        figures.pending[target] = target == TALLY_EVENT
                                      ? events_pending(publisher)
                                      : writer_pending_of(publisher->writer, (enum tally_target) target);
    }
    *ret_figures = figures;
}
