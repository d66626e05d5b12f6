#include "publish/announcer.h"

#include "proget/core/log.h"
#include "proget/core/map.h"
#include "proget/core/memory.h"
#include "proget/core/rate.h"
#include "proget/core/text.h"
#include "proget/kube/event.h"

/* client-go's spam filter: 25 Events of one object at once, then one in five minutes (kube-algorithms section 5). */
enum { BURST = 25, REFILL_MS = 300 * 1000, OBJECTS_KEPT = 4096, RETRY_INITIAL_MS = 500, RETRY_MAXIMUM_MS = 60 * 1000 };

/* The API takes no longer reportingInstance; names of pods may be longer. */
enum { INSTANCE_BYTES = 128 };

#define CONTROLLER "proget-operator.io/operator"

struct saying {
    struct announcer *announcer;
    char *ledger_name, *entry_id;
    enum ledger_phase phase; /* LEDGER_HOLDING: a confirmation */
    int64_t since_us;        /* of the spell that it is about: there may be another one by the time of the answer */
    struct kube_call *call;
    char *id; /* in announcer->sayings */
};

struct announcer {
    struct kube_client *client;
    struct announcer_options options;
    char *instance;
    struct map *sayings; /* under way, by id */
    struct map *buckets; /* object -> struct token_bucket */
};

static void saying_free(void *value)
{
    struct saying *saying = value;
    kube_call_cancel(saying->call);
    free(saying->ledger_name);
    free(saying->entry_id);
    free(saying->id);
    free(saying);
}

struct announcer *announcer_new(struct kube_client *client, const struct announcer_options *options)
{
    struct announcer *announcer = xcalloc(1, sizeof *announcer);
    announcer->client = client;
    announcer->options = *options;
    announcer->instance = xstrndup(options->instance, INSTANCE_BYTES);
    announcer->sayings = map_new(saying_free);
    announcer->buckets = map_new(free);
    return announcer;
}

void announcer_free(struct announcer *announcer)
{
    if (!announcer) {
        return;
    }
    map_free(announcer->sayings);
    map_free(announcer->buckets);
    free(announcer->instance);
    free(announcer);
}

size_t announcer_in_flight(const struct announcer *announcer)
{
    return map_count(announcer->sayings);
}

static struct kube_object_reference event_reference(const struct object_reference *object)
{
    return (struct kube_object_reference){.api_version = object->api_version,
                                          .kind = object->kind,
                                          .namespace_name = object->namespace_name,
                                          .name = object->name,
                                          .uid = object->uid};
}

static char *note_of(const struct ledger_entry *entry, enum ledger_phase phase)
{
    const struct finding *finding = &entry->finding;
    if (phase == LEDGER_CLEARED) {
        char lasted[CLOCK_TEXT_SIZE];
        clock_format_duration((entry->cleared_us - entry->since_us) / 1000, lasted);
        return xasprintf("Resolved after %s. It was: %s", lasted, finding->message);
    }
    return text_is_empty(finding->action) ? xstrdup(finding->message)
                                          : xasprintf("%s %s", finding->message, finding->action);
}

static struct json_object *event_body(const struct announcer *announcer, const struct ledger_entry *entry,
                                      enum ledger_phase phase)
{
    const struct finding *finding = &entry->finding;
    bool is_end = phase == LEDGER_CLEARED;
    cleanup_free char *name = ledger_event_name(entry, phase);
    cleanup_free char *note = note_of(entry, phase);
    struct kube_event event = {
        .name = name,
        .regarding = event_reference(&finding->object),
        .warning = !is_end && finding->severity != SEVERITY_INFO,
        .reason = finding->code,
        .action = is_end ? "Resolved" : "Detected",
        .note = note,
        .controller = CONTROLLER,
        .instance = announcer->instance,
        .time_us = is_end ? entry->cleared_us : entry->since_us,
    };
    if (finding->related_count) {
        event.related = event_reference(&finding->related[0]);
    }
    return kube_event_build(&event);
}

/* Buckets that are full again say nothing any more; they go when there are many. */
static void buckets_sweep(struct announcer *announcer, int64_t now_ms)
{
    if (map_count(announcer->buckets) < OBJECTS_KEPT) {
        return;
    }
    const struct map_entry *at = map_first(announcer->buckets);
    while (at) {
        const struct token_bucket *bucket = map_value(at);
        cleanup_free char *key = xstrdup(map_key(at));
        at = map_next(at);
        if (now_ms - bucket->refilled_at_ms >= (int64_t) BURST * REFILL_MS) {
            map_remove(announcer->buckets, key);
        }
    }
}

/* Owned. */
static char *bucket_key(const struct object_reference *object)
{
    return xasprintf("%s/%s/%s", object->kind, object->namespace_name ? object->namespace_name : "", object->name);
}

/* A try that failed is no Event: after an outage the object's own limit would hold up what it made fail. */
static void give_token_back(struct announcer *announcer, const struct object_reference *object)
{
    cleanup_free char *key = bucket_key(object);
    struct token_bucket *bucket = map_get(announcer->buckets, key);
    if (bucket) {
        token_bucket_give_back(bucket);
    }
}

/* 0, or the milliseconds until the object may be spoken of again. */
static int64_t take_token(struct announcer *announcer, const struct object_reference *object, int64_t now_ms)
{
    cleanup_free char *key = bucket_key(object);
    struct token_bucket *bucket = map_get(announcer->buckets, key);
    if (!bucket) {
        buckets_sweep(announcer, now_ms);
        bucket = xcalloc(1, sizeof *bucket);
        token_bucket_init(bucket, BURST, REFILL_MS, now_ms);
        map_put(announcer->buckets, key, bucket);
    }
    return token_bucket_take(bucket, now_ms);
}

static void fail(struct saying *saying, struct ledger_entry *entry, const struct error *err)
{
    struct announcer *announcer = saying->announcer;
    struct instant now = loop_now(kube_client_loop(announcer->client));
    if (entry->retry_delay_ms == 0) {
        log_warning(
            LOG_FIELDS({"object", entry->finding.object.name}, {"code", entry->finding.code}, {"error", err->text}),
            "cannot create the Event yet, trying again");
    }
    struct backoff backoff = {.initial_ms = RETRY_INITIAL_MS,
                              .maximum_ms = RETRY_MAXIMUM_MS,
                              .reset_after_ms = INT64_MAX,
                              .current_ms = entry->retry_delay_ms,
                              .last_failure_ms = now.monotonic_ms};
    entry->retry_at_ms = now.monotonic_ms + backoff_next(&backoff, now.monotonic_ms, random_fraction());
    entry->retry_delay_ms = backoff.current_ms;
    if (saying->phase == LEDGER_HOLDING) {
        entry->confirm_at_ms = entry->retry_at_ms; /* after another interval the Event would have expired */
    } else {
        give_token_back(announcer, &entry->finding.object);
    }
}

/* The entry that a saying is about; NULL where it is gone, another spell of the same finding in its place included. */
static struct ledger_entry *entry_of(const struct saying *saying)
{
    const struct announcer_options *options = &saying->announcer->options;
    const struct ledger *ledger = options->find_ledger(saying->ledger_name, options->userdata);
    struct ledger_entry *entry = ledger ? ledger_find(ledger, saying->entry_id) : NULL;
    return entry && entry->since_us == saying->since_us ? entry : NULL;
}

static void on_response(const struct kube_response *response, const struct error *err, void *userdata)
{
    (void) response;
    struct saying *saying = userdata;
    struct announcer *announcer = saying->announcer;
    saying->call = NULL;
    (void) map_take(announcer->sayings, saying->id);
    struct ledger_entry *entry = entry_of(saying);
    bool is_gone = saying->phase == LEDGER_HOLDING && err && err->code == ERROR_NOT_FOUND;
    bool is_said = !err || err->code == ERROR_EXISTS || is_gone;
    tally_write(announcer->options.tally, TALLY_EVENT, is_said && !is_gone ? NULL : err);
    if (entry) {
        entry->event_in_flight = false;
        if (!is_said) {
            fail(saying, entry, err);
        } else {
            entry->retry_delay_ms = 0;
            entry->retry_at_ms = 0;
        }
        if (is_gone) {
            entry->announced = false; /* it expired or was deleted: it is created anew, under the same name */
        }
    }
    if (entry && is_said) {
        announcer->options.on_said(saying->ledger_name, saying->entry_id, saying->phase, announcer->options.userdata);
    } else {
        announcer->options.on_said(NULL, NULL, LEDGER_HOLDING, announcer->options.userdata);
    }
    saying_free(saying);
}

static void send_saying(struct announcer *announcer, struct ledger_entry *entry, const char *ledger_name,
                        enum ledger_phase phase, const struct kube_request *request)
{
    struct saying *saying = xcalloc(1, sizeof *saying);
    saying->announcer = announcer;
    saying->ledger_name = xstrdup(ledger_name);
    saying->entry_id = xstrdup(entry->id);
    saying->phase = phase;
    saying->since_us = entry->since_us;
    saying->id = xasprintf("%s\n%s", ledger_name, entry->id);
    entry->event_in_flight = true;
    map_put(announcer->sayings, saying->id, saying);
    saying->call = kube_client_send(announcer->client, request, on_response, saying);
}

static void say(struct announcer *announcer, struct ledger_entry *entry, const char *ledger_name,
                enum ledger_phase phase)
{
    struct kube_object_reference regarding = event_reference(&entry->finding.object);
    cleanup_json struct json_object *body = event_body(announcer, entry, phase);
    struct kube_request request = {
        .verb = KUBE_CREATE,
        .address = {.resource = &kube_events_resource, .namespace_name = kube_event_namespace(&regarding)},
        .body = body,
    };
    send_saying(announcer, entry, ledger_name, phase, &request);
}

static void confirm(struct announcer *announcer, struct ledger_entry *entry, const char *ledger_name,
                    struct instant now)
{
    struct kube_object_reference regarding = event_reference(&entry->finding.object);
    int64_t spells = (now.wall_us - entry->since_us) / 1000 / LEDGER_CONFIRM_INTERVAL_MS;
    cleanup_json struct json_object *body = kube_event_series_patch(spells < 1 ? 2 : spells + 1, now.wall_us);
    cleanup_free char *name = ledger_event_name(entry, LEDGER_RAISED);
    struct kube_request request = {
        .verb = KUBE_STRATEGIC_PATCH,
        .address = {.resource = &kube_events_resource,
                    .namespace_name = kube_event_namespace(&regarding),
                    .name = name},
        .body = body,
    };
    entry->confirm_at_ms = now.monotonic_ms + LEDGER_CONFIRM_INTERVAL_MS;
    send_saying(announcer, entry, ledger_name, LEDGER_HOLDING, &request);
}

/* Returns when the entry is due next, or INT64_MAX. */
static int64_t run_entry(struct announcer *announcer, struct ledger *ledger, struct ledger_entry *entry,
                         const char *ledger_name, struct instant now)
{
    enum ledger_phase phase = ledger_due(ledger, entry);
    bool is_confirmation = phase == LEDGER_HOLDING;
    if (is_confirmation && (entry->event_in_flight || entry->phase != LEDGER_RAISED || !entry->announced)) {
        return INT64_MAX;
    }
    int64_t due_ms = is_confirmation ? entry->confirm_at_ms : now.monotonic_ms;
    due_ms = entry->retry_at_ms > due_ms ? entry->retry_at_ms : due_ms;
    if (due_ms > now.monotonic_ms) {
        return due_ms;
    }
    if (map_count(announcer->sayings) >= BOUND_CALLS_IN_FLIGHT) {
        return INT64_MAX; /* an answer makes room and brings us back */
    }
    if (is_confirmation) {
        confirm(announcer, entry, ledger_name, now);
        return entry->confirm_at_ms;
    }
    int64_t wait_ms = take_token(announcer, &entry->finding.object, now.monotonic_ms);
    if (wait_ms > 0) {
        return now.monotonic_ms + wait_ms;
    }
    say(announcer, entry, ledger_name, phase);
    return INT64_MAX;
}

int64_t announcer_run(struct announcer *announcer, struct ledger *ledger, const char *ledger_name, struct instant now)
{
    int64_t next_ms = INT64_MAX;
    size_t count;
    struct ledger_entry *const *entries = ledger_published(ledger, &count);
    for (size_t i = 0; i < count; i++) {
        int64_t due_ms = run_entry(announcer, ledger, entries[i], ledger_name, now);
        next_ms = due_ms < next_ms ? due_ms : next_ms;
    }
    return next_ms;
}
