/* Drives a reflector_machine: opens streams, asks for pages, waits, and does to the store what the machine says. */
#include "proget/kube/reflector.h"

#include <assert.h>
#include <string.h>

#include "address.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/kube/resource_version.h"
#include "reflector_machine.h"
#include "status.h"
#include "stream.h"

enum {
    LIST_TIMEOUT_MS = 60 * 1000,
    SYNC_SILENCE_MS = 15 * 1000,  /* a WatchList on which nothing comes for so long before its end is given up */
    SILENCE_MS = 100 * 1000,      /* a server sends a bookmark about every minute: a stream without any is stuck. Where
                                     one sends none, opening it again costs little */
    SELECTOR_LENGTH_MAX = 4096,   /* bytes */
    QUERY_LENGTH_MAX = 40 * 1024, /* bytes */
    HURRY_SPREAD_MS = 500,        /* many reflectors are hurried at once */
};
/* Every byte of these three may become three; the rest is numbers and names. A query is never cut. */
static_assert(3 * (2 * SELECTOR_LENGTH_MAX + RESOURCE_VERSION_LENGTH_MAX + REFLECTOR_CONTINUE_LENGTH_MAX) + 512 <=
                  QUERY_LENGTH_MAX,
              "a query has to hold all that may go into it");
static_assert((int) QUERY_LENGTH_MAX < (int) URL_LENGTH_MAX, "a URL has to hold a query");

struct reflector {
    struct kube_client *client;
    struct reflector_options options;
    char *namespace_name, *label_selector, *field_selector;
    struct reflector_machine machine;
    struct kube_stream *stream;
    struct kube_call *call;
    struct loop_timer *timer; /* the wait; or, during a WatchList's first part, the notice that it takes long */
    int64_t alive_ms;
    int64_t asked_until_ms; /* monotonic: the server itself asked to wait until then; past where it did not */
    struct store_replacement *replacement;                     /* of the sync under way; else NULL */
    char changed_version[RESOURCE_VERSION_LENGTH_MAX + 1];     /* the newest of an object in the store; "": none */
    char replacement_version[RESOURCE_VERSION_LENGTH_MAX + 1]; /* the same of the replacement */
};

static struct loop *loop_of(const struct reflector *reflector)
{
    return kube_client_loop(reflector->client);
}

static struct kube_address address_of(const struct reflector *reflector)
{
    return (struct kube_address){.resource = &reflector->options.resource, .namespace_name = reflector->namespace_name};
}

static void add_number(struct buffer *query, const char *name, int64_t value)
{
    int result = buffer_appendf(query, "%s%s=%lld", query->length ? "&" : "", name, (long long) value);
    assert(result == 0);
    (void) result;
}

static void add_text(struct buffer *query, const char *name, const char *value)
{
    if (!text_is_empty(value)) {
        int result = address_append_parameter(query, name, value);
        assert(result == 0);
        (void) result;
    }
}

static void log_skipped(struct reflector *reflector, const struct error *err)
{
    if (reflector->options.on_skipped) {
        reflector->options.on_skipped(err, reflector->options.userdata);
    }
}

/* The object, or its end, is part of what the store or its replacement holds from now on. */
static void note_version(struct reflector *reflector, struct json_object *object)
{
    const char *version = json_text_at(object, "metadata.resourceVersion", "");
    char *newest = reflector->replacement ? reflector->replacement_version : reflector->changed_version;
    if (resource_version_is_valid(version) && strlen(version) <= RESOURCE_VERSION_LENGTH_MAX &&
        (text_is_empty(newest) || resource_version_is_older(newest, version))) {
        memcpy(newest, version, strlen(version) + 1);
    }
}

static void upsert(struct reflector *reflector, struct json_object *object)
{
    struct error err;
    note_version(reflector, object);
    struct instant now = loop_now(loop_of(reflector));
    int result = reflector->replacement ? store_replace_upsert(reflector->replacement, object, now, &err)
                                        : store_upsert(reflector->options.store, object, now, &err);
    if (result < 0) {
        log_skipped(reflector, &err);
    }
}

static void upsert_items(struct reflector *reflector, struct json_object *list)
{
    struct json_object *items = json_member(list, "items");
    size_t count = json_object_is_type(items, json_type_array) ? json_object_array_length(items) : 0;
    for (size_t i = 0; i < count; i++) {
        upsert(reflector, json_object_array_get_idx(items, i));
    }
}

static void remove_object(struct reflector *reflector, struct json_object *object)
{
    note_version(reflector, object);
    if (reflector->replacement) {
        store_replace_remove(reflector->replacement, object);
    } else {
        store_remove(reflector->options.store, object);
    }
}

static void drop_replacement(struct reflector *reflector)
{
    store_replace_abort(reflector->replacement);
    reflector->replacement = NULL;
}

/* `object`: the event's, or the list whose items are meant. */
static void change_store(struct reflector *reflector, unsigned actions, struct json_object *object, bool is_list)
{
    struct store *store = reflector->options.store;
    if (actions & (REFLECTOR_STORE_ABORT | REFLECTOR_STORE_BEGIN)) {
        drop_replacement(reflector);
    }
    if (actions & REFLECTOR_STORE_BEGIN) {
        reflector->replacement = store_replace_begin(store, reflector->namespace_name);
        reflector->replacement_version[0] = '\0';
    }
    if (actions & REFLECTOR_STORE_UPSERT) {
        if (is_list) {
            upsert_items(reflector, object);
        } else {
            upsert(reflector, object);
        }
    }
    if (actions & REFLECTOR_STORE_REMOVE) {
        remove_object(reflector, object);
    }
    if (actions & REFLECTOR_STORE_COMMIT) {
        store_replace_commit(reflector->replacement);
        reflector->replacement = NULL;
        memcpy(reflector->changed_version, reflector->replacement_version, sizeof reflector->changed_version);
    }
    /* When the kind comes (again), nobody knows how old its objects are. */
    if (actions & REFLECTOR_STORE_EMPTY) {
        store_forget(store, reflector->namespace_name);
        reflector->changed_version[0] = '\0';
    }
}

static void stop_all(struct reflector *reflector)
{
    kube_stream_close(reflector->stream);
    reflector->stream = NULL;
    kube_call_cancel(reflector->call);
    reflector->call = NULL;
    loop_timer_stop(reflector->timer);
}

static void step(struct reflector *reflector, const struct reflector_input *input, struct json_object *object);

static void take_failure_step(struct reflector *reflector, enum reflector_input_kind kind,
                              const struct kube_status *status, struct reflector_failure failure)
{
    if (status) {
        failure.status = status->code;
        failure.version_too_large = status->version_too_large;
        if (failure.retry_after_ms < 0 && status->retry_after_seconds >= 0) {
            failure.retry_after_ms = status->retry_after_seconds * 1000;
        }
    }
    struct reflector_input input = {.kind = kind, .resource_version = "", .continue_token = "", .failure = failure};
    step(reflector, &input, NULL);
}

static void on_opened(void *userdata)
{
    struct reflector *reflector = userdata;
    struct reflector_input input = {.kind = REFLECTOR_INPUT_OPENED, .resource_version = "", .continue_token = ""};
    reflector->alive_ms = loop_now(loop_of(reflector)).monotonic_ms;
    step(reflector, &input, NULL);
}

static void on_error_event(struct reflector *reflector, const struct watch_event *event)
{
    struct error err;
    char label[LABEL_LENGTH_MAX];
    struct kube_address address = address_of(reflector);
    struct kube_status status = kube_status_read(0, event->object);
    address_label("WATCH", &address, label);
    kube_status_error(&status, label, /* is_create= */ false, NULL, &err);
    take_failure_step(reflector, REFLECTOR_INPUT_ERROR, &status,
                      (struct reflector_failure){.retry_after_ms = -1, .why = err.text});
}

static void on_frame(const char *frame, size_t length, void *userdata)
{
    struct reflector *reflector = userdata;
    cleanup_json struct json_object *tree = NULL;
    struct watch_event event;
    struct error err;
    if (json_parse(frame, length, &tree, &err) < 0 || watch_event_read(tree, &event, &err) < 0) {
        error_wrap(&err, "an event of %s cannot be read", reflector->options.resource.plural);
        take_failure_step(reflector, REFLECTOR_INPUT_GARBAGE, NULL,
                          (struct reflector_failure){.retry_after_ms = -1, .why = err.text});
        return;
    }
    reflector->alive_ms = loop_now(loop_of(reflector)).monotonic_ms;
    if (event.type == WATCH_EVENT_ERROR) {
        on_error_event(reflector, &event);
        return;
    }
    struct reflector_input input = {
        .kind = REFLECTOR_INPUT_EVENT,
        .event = event.type,
        .initial_events_end = event.initial_events_end,
        .resource_version = event.resource_version,
        .continue_token = "",
    };
    step(reflector, &input, event.object);
}

static void on_end(const struct kube_stream_end *end, void *userdata)
{
    struct reflector *reflector = userdata;
    reflector->stream = NULL; /* it is gone when this returns */
    struct reflector_failure failure = {
        .refused = end->refused, .retry_after_ms = end->retry_after_ms, .why = end->err->text};
    if (end->was_opened) {
        take_failure_step(reflector, end->is_garbled ? REFLECTOR_INPUT_GARBAGE : REFLECTOR_INPUT_ENDED, NULL, failure);
        return;
    }
    struct kube_status status = kube_status_read(end->status, end->body);
    take_failure_step(reflector, REFLECTOR_INPUT_FAILED, end->status ? &status : NULL, failure);
}

static void on_list(const struct kube_response *response, const struct error *err, void *userdata)
{
    struct reflector *reflector = userdata;
    reflector->call = NULL;
    if (err) {
        struct kube_status status = {0};
        bool is_answered = response && (response->status < 200 || response->status > 299);
        if (is_answered) {
            status = kube_status_read(response->status, response->body);
        }
        take_failure_step(reflector, REFLECTOR_INPUT_FAILED, is_answered ? &status : NULL,
                          (struct reflector_failure){.answer_too_large = err->code == ERROR_TOO_LARGE,
                                                     .retry_after_ms = -1,
                                                     .why = err->text});
        return;
    }
    reflector->alive_ms = loop_now(loop_of(reflector)).monotonic_ms;
    struct reflector_input input = {
        .kind = REFLECTOR_INPUT_PAGE,
        .resource_version = json_text_at(response->body, "metadata.resourceVersion", ""),
        .continue_token = json_text_at(response->body, "metadata.continue", ""),
        .failure = {.retry_after_ms = -1, .why = "a list with a continue token too long to be one"},
    };
    step(reflector, &input, response->body);
}

static void add_selectors(const struct reflector *reflector, struct buffer *query)
{
    add_text(query, "labelSelector", reflector->label_selector);
    add_text(query, "fieldSelector", reflector->field_selector);
}

static void open_stream(struct reflector *reflector, const struct reflector_actions *actions)
{
    static const struct kube_stream_handlers handlers = {
        .on_opened = on_opened, .on_frame = on_frame, .on_end = on_end};
    cleanup_buffer struct buffer query = BUFFER_INIT(QUERY_LENGTH_MAX);
    struct kube_stream_handlers own = handlers;
    struct kube_address address = address_of(reflector);
    own.userdata = reflector;
    add_text(&query, "watch", "1");
    add_text(&query, "allowWatchBookmarks", "true");
    if (actions->initial_events) {
        add_text(&query, "sendInitialEvents", "true");
        add_text(&query, "resourceVersionMatch", "NotOlderThan");
        loop_timer_set_after(reflector->timer, reflector->options.sync_silence_ms);
    }
    add_text(&query, "resourceVersion", actions->resource_version);
    add_number(&query, "timeoutSeconds", actions->timeout_seconds);
    add_selectors(reflector, &query);
    reflector->stream = kube_stream_open(reflector->client, &address, buffer_text(&query), SILENCE_MS, &own);
}

static void send_list(struct reflector *reflector, const struct reflector_actions *actions)
{
    cleanup_buffer struct buffer query = BUFFER_INIT(QUERY_LENGTH_MAX);
    if (actions->limit) {
        add_number(&query, "limit", actions->limit);
    }
    add_text(&query, "continue", actions->continue_token);
    add_text(&query, "resourceVersion", actions->resource_version);
    add_selectors(reflector, &query);
    struct kube_request request = {
        .verb = KUBE_GET,
        .address = address_of(reflector),
        .query = buffer_text(&query),
        .timeout_ms = LIST_TIMEOUT_MS,
    };
    reflector->call = kube_client_send(reflector->client, &request, on_list, reflector);
}

/* `object` goes with the input: the event's, or the page. */
static void step(struct reflector *reflector, const struct reflector_input *input, struct json_object *object)
{
    int64_t now_ms = loop_now(loop_of(reflector)).monotonic_ms;
    struct reflector_actions actions = reflector_machine_step(&reflector->machine, input, now_ms, random_fraction());
    change_store(reflector, actions.store, object, input->kind == REFLECTOR_INPUT_PAGE);
    if (actions.store & REFLECTOR_STORE_COMMIT) {
        loop_timer_stop(reflector->timer);
    }
    switch (actions.next) {
    case REFLECTOR_NEXT_STAY:
        if (actions.settle_ms) {
            loop_timer_set_after(reflector->timer, actions.settle_ms);
        }
        break;
    case REFLECTOR_NEXT_STREAM:
        stop_all(reflector);
        open_stream(reflector, &actions);
        break;
    case REFLECTOR_NEXT_LIST:
        stop_all(reflector);
        send_list(reflector, &actions);
        break;
    case REFLECTOR_NEXT_WAIT:
        stop_all(reflector);
        reflector->asked_until_ms = now_ms + input->failure.retry_after_ms; /* negative where nobody asked: past */
        loop_timer_set_after(reflector->timer, actions.wait_ms);
        break;
    }
    if (actions.state_changed && reflector->options.on_state) {
        const struct reflector_machine *machine = &reflector->machine;
        reflector->options.on_state(machine->state, machine->has_why ? machine->why : NULL,
                                    reflector->options.userdata);
    }
}

/*
 * The end of the first events may be lost with the server in between, or never be sent: then the stream goes on as if
 * it were in step, and the store would wait for minutes. A stream that was not answered yet has its own limit.
 */
static void watch_over_sync(struct reflector *reflector)
{
    int64_t now_ms = loop_now(loop_of(reflector)).monotonic_ms;
    int64_t silence_ms = reflector->options.sync_silence_ms;
    bool is_open = reflector->machine.opened_ms >= 0;
    if (!is_open || now_ms - reflector->alive_ms < silence_ms) {
        loop_timer_set_at(reflector->timer, (is_open ? reflector->alive_ms : now_ms) + silence_ms);
        return;
    }
    struct error err;
    char label[LABEL_LENGTH_MAX];
    struct kube_address address = address_of(reflector);
    address_label("WATCH", &address, label);
    error_set(&err, ERROR_TIMEOUT, "%s: the first events have no end, and nothing came for %lld s", label,
              (long long) (silence_ms / 1000));
    take_failure_step(reflector, REFLECTOR_INPUT_ENDED, NULL,
                      (struct reflector_failure){.retry_after_ms = -1, .why = err.text});
}

static void on_timer(void *userdata)
{
    struct reflector *reflector = userdata;
    if (reflector->machine.phase == REFLECTOR_PHASE_SYNC_STREAM) {
        watch_over_sync(reflector);
        return;
    }
    struct reflector_input input = {.kind = REFLECTOR_INPUT_TIMER, .resource_version = "", .continue_token = ""};
    step(reflector, &input, NULL);
}

struct reflector *reflector_start(struct kube_client *client, const struct reflector_options *options)
{
    assert(options->store && options->resource.plural);
    assert(!options->label_selector || strlen(options->label_selector) <= SELECTOR_LENGTH_MAX);
    assert(!options->field_selector || strlen(options->field_selector) <= SELECTOR_LENGTH_MAX);
    struct reflector *reflector = xcalloc(1, sizeof(*reflector));
    reflector->client = client;
    reflector->options = *options;
    if (reflector->options.sync_silence_ms == 0) {
        reflector->options.sync_silence_ms = SYNC_SILENCE_MS;
    }
    reflector->namespace_name = xstrdup(options->namespace_name);
    reflector->label_selector = xstrdup(options->label_selector);
    reflector->field_selector = xstrdup(options->field_selector);
    reflector->timer = loop_timer_new(kube_client_loop(client), on_timer, reflector);
    reflector_machine_init(&reflector->machine);
    struct reflector_input input = {.kind = REFLECTOR_INPUT_START, .resource_version = "", .continue_token = ""};
    step(reflector, &input, NULL);
    return reflector;
}

void reflector_stop(struct reflector *reflector)
{
    if (!reflector) {
        return;
    }
    stop_all(reflector);
    drop_replacement(reflector);
    loop_timer_free(reflector->timer);
    free(reflector->namespace_name);
    free(reflector->label_selector);
    free(reflector->field_selector);
    free(reflector);
}

void reflector_hurry(struct reflector *reflector)
{
    enum reflector_phase phase = reflector->machine.phase;
    bool is_waiting = phase == REFLECTOR_PHASE_WAIT_SYNC || phase == REFLECTOR_PHASE_WAIT_WATCH;
    if (is_waiting && reflector->machine.state != REFLECTOR_UNOBSERVED) {
        int64_t due_ms = loop_now(loop_of(reflector)).monotonic_ms + (int64_t) (random_fraction() * HURRY_SPREAD_MS);
        backoff_reset(&reflector->machine.backoff); /* a server that starts refuses at first */
        loop_timer_set_at(reflector->timer, due_ms > reflector->asked_until_ms ? due_ms : reflector->asked_until_ms);
    }
}

void reflector_rewind(struct reflector *reflector, const char *why)
{
    reflector->changed_version[0] = '\0'; /* of a history that is no more */
    take_failure_step(reflector, REFLECTOR_INPUT_REWOUND, NULL,
                      (struct reflector_failure){.retry_after_ms = -1, .why = why});
}

bool reflector_is_missing(const struct reflector *reflector)
{
    return reflector->machine.state == REFLECTOR_UNOBSERVED && reflector->machine.is_missing;
}

enum reflector_state reflector_state(const struct reflector *reflector)
{
    return reflector->machine.state;
}

const char *reflector_changed_version(const struct reflector *reflector)
{
    return reflector->changed_version;
}

const char *reflector_seen_version(const struct reflector *reflector)
{
    /* A bookmark may be newer than every object; an object may be newer where the stream's order is not known yet. */
    const char *last = reflector->machine.was_synced ? reflector->machine.last_version : "";
    const char *changed = reflector->changed_version;
    return text_is_empty(last) || resource_version_is_older(last, changed) ? changed : last;
}

int64_t reflector_alive_ms(const struct reflector *reflector)
{
    return reflector->alive_ms;
}
