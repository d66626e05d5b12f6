#include "publish/writer.h"

#include <string.h>

#include "proget/core/log.h"
#include "proget/core/map.h"
#include "proget/core/memory.h"
#include "proget/core/rate.h"
#include "proget/core/text.h"
#include "proget/kube/resource_version.h"

enum { LASTING_MS = 5000 };

/* Texts are compared by their hash: what is kept per object stays small. */
struct slot {
    struct writer *writer;
    char *key;
    const struct kube_resource *resource;
    char *namespace_name, *name, *subresource;
    const char *field_manager;
    enum tally_target target;
    struct json_object *body; /* what is wanted and not sent; NULL: nothing to send */
    uint64_t wanted, sent, written;
    uint64_t wanted_ticket, sent_ticket, told_ticket;
    bool has_written;           /* `written` is what the server was last told, or was seen to hold */
    uint64_t observed_at_write; /* what the watch showed when `written` was sent: an echo may be still to come */
    bool awaits_echo;
    struct kube_call *call;
    struct backoff backoff;
    int64_t retry_at_ms;
    uint64_t complained; /* the text whose failure was logged; 0: none */
    bool wished;         /* since writer_sweep_begin() */
    char *version;       /* the newest that is known, where wishes come with one; else NULL */
    bool is_overtaken;   /* that version was refused: somebody wrote meanwhile */
};

struct writer {
    struct kube_client *client;
    writer_written_fn *on_written;
    void *userdata;
    struct tally *tally; /* NULL: nobody counts */
    struct map *slots;
    struct loop_timer *retry_timer;
    size_t in_flight;
    bool is_waiting; /* a slot may have something to send that could not be sent at once */
};

static void slot_free(void *value)
{
    struct slot *slot = value;
    if (slot->call) {
        slot->writer->in_flight--;
        kube_call_cancel(slot->call);
    }
    json_cleanup(&slot->body);
    free(slot->key);
    free(slot->namespace_name);
    free(slot->name);
    free(slot->subresource);
    free(slot->version);
    free(slot);
}

static void send_due(struct writer *writer);

static void on_retry(void *userdata)
{
    send_due(userdata);
}

struct writer *writer_new(struct kube_client *client, writer_written_fn *on_written, void *userdata)
{
    struct writer *writer = xcalloc(1, sizeof *writer);
    writer->client = client;
    writer->on_written = on_written;
    writer->userdata = userdata;
    writer->slots = map_new(slot_free);
    writer->retry_timer = loop_timer_new(kube_client_loop(client), on_retry, writer);
    return writer;
}

void writer_free(struct writer *writer)
{
    if (!writer) {
        return;
    }
    map_free(writer->slots);
    loop_timer_free(writer->retry_timer);
    free(writer);
}

void writer_count_into(struct writer *writer, struct tally *tally)
{
    writer->tally = tally;
}

static int64_t now_ms(const struct writer *writer)
{
    return loop_now(kube_client_loop(writer->client)).monotonic_ms;
}

/*
 * Whether a failure is worth a line. A race settles itself with the next try; and an object that is not there has just
 * been deleted, and is wished for until the watch shows it; or the server does not know its kind yet.
 */
static bool is_worth_telling(const struct slot *slot, const struct error *err)
{
    bool is_new = slot->backoff.current_ms < LASTING_MS;
    return err->code != ERROR_CONFLICT && !(err->code == ERROR_NOT_FOUND && is_new);
}

static void complain(struct slot *slot, const struct error *err)
{
    if (slot->complained == slot->sent || !is_worth_telling(slot, err)) {
        return;
    }
    slot->complained = slot->sent;
    cleanup_free char *object = xasprintf("%s/%s", slot->namespace_name ? slot->namespace_name : "", slot->name);
    log_warning(LOG_FIELDS({"kind", slot->resource->plural}, {"object", object}, {"error", err->text}),
                "cannot write yet, trying again");
}

static void fail(struct slot *slot, const struct error *err)
{
    struct writer *writer = slot->writer;
    complain(slot, err);
    writer->is_waiting = true;
    slot->is_overtaken = err->code == ERROR_CONFLICT && slot->version;
    slot->retry_at_ms = now_ms(writer) + backoff_next(&slot->backoff, now_ms(writer), random_fraction());
}

static void tell(struct slot *slot, uint64_t ticket)
{
    if (ticket > slot->told_ticket) {
        slot->told_ticket = ticket;
        slot->writer->on_written(slot->key, ticket, slot->writer->userdata);
    }
}

/*
 * The watch may be behind our own writes, and these behind what it shows: the newer one counts. One that is newer than
 * our last write is somebody else's: what is wanted is written over it, which changes nothing where they left it alone.
 */
static void follow_version(struct slot *slot, const char *version)
{
    if (text_is_empty(version) || text_equal(slot->version, version) ||
        resource_version_is_older(version, slot->version)) {
        return;
    }
    slot->has_written = slot->has_written && (slot->call || !slot->version);
    free(slot->version);
    slot->version = xstrdup(version);
    if (slot->is_overtaken) {
        slot->is_overtaken = false;
        slot->retry_at_ms = 0;
    }
}

static void on_response(const struct kube_response *response, const struct error *err, void *userdata)
{
    struct slot *slot = userdata;
    struct writer *writer = slot->writer;
    slot->call = NULL;
    writer->in_flight--;
    tally_write(writer->tally, slot->target, err);
    if (err) {
        fail(slot, err);
        send_due(writer);
        return;
    }
    backoff_reset(&slot->backoff);
    slot->retry_at_ms = 0;
    slot->is_overtaken = false;
    if (slot->version) {
        follow_version(slot, json_text_at(response->body, "metadata.resourceVersion", ""));
    }
    slot->complained = 0;
    slot->written = slot->sent;
    slot->has_written = true; /* up to the version that the answer names */
    uint64_t ticket = slot->sent_ticket;
    if (slot->wanted == slot->written) {
        json_cleanup(&slot->body);
        ticket = slot->wanted_ticket;
    }
    writer->is_waiting = writer->is_waiting || slot->body;
    send_due(writer);
    tell(slot, ticket);
}

static void send_one(struct slot *slot)
{
    struct writer *writer = slot->writer;
    struct kube_request request = {
        .verb = KUBE_APPLY,
        .address = {.resource = slot->resource,
                    .namespace_name = slot->namespace_name,
                    .name = slot->name,
                    .subresource = slot->subresource},
        .field_manager = slot->field_manager,
        .body = slot->body,
    };
    if (slot->version) {
        json_add_text(json_member(slot->body, "metadata"), "resourceVersion", slot->version);
    }
    slot->sent = slot->wanted;
    slot->sent_ticket = slot->wanted_ticket;
    slot->awaits_echo = true;
    writer->in_flight++;
    slot->call = kube_client_send(writer->client, &request, on_response, slot);
}

static void send_due(struct writer *writer)
{
    if (!writer->is_waiting) {
        return;
    }
    writer->is_waiting = false;
    int64_t now = now_ms(writer);
    int64_t next_ms = INT64_MAX;
    for (const struct map_entry *at = map_first(writer->slots); at; at = map_next(at)) {
        struct slot *slot = map_value(at);
        if (!slot->body || slot->call) {
            continue;
        }
        if (slot->retry_at_ms <= now && writer->in_flight < BOUND_CALLS_IN_FLIGHT) {
            send_one(slot);
            continue;
        }
        writer->is_waiting = true;
        if (slot->retry_at_ms > now && slot->retry_at_ms < next_ms) {
            next_ms = slot->retry_at_ms;
        }
    }
    if (next_ms != INT64_MAX) {
        loop_timer_set_at(writer->retry_timer, next_ms);
    }
}

static uint64_t hash_of(const char *text)
{
    return text_hash(TEXT_HASH_SEED, text, strlen(text));
}

static struct slot *slot_get(struct writer *writer, const struct writer_wish *wish)
{
    struct slot *slot = map_get(writer->slots, wish->key);
    if (slot) {
        return slot;
    }
    slot = xcalloc(1, sizeof *slot);
    slot->writer = writer;
    slot->key = xstrdup(wish->key);
    slot->resource = wish->address.resource;
    slot->namespace_name = xstrdup(wish->address.namespace_name);
    slot->name = xstrdup(wish->address.name);
    slot->subresource = xstrdup(wish->address.subresource);
    slot->field_manager = wish->field_manager;
    slot->target = wish->target;
    slot->backoff = (struct backoff) BACKOFF_INIT;
    map_put(writer->slots, wish->key, slot);
    return slot;
}

/* Takes in what the watch shows. It may lag behind our own writes; what is neither old nor ours is somebody else's. */
static void observe(struct slot *slot, uint64_t observed)
{
    if (slot->call) {
        return;
    }
    if (slot->awaits_echo) {
        if (slot->has_written && observed == slot->observed_at_write && observed != slot->written) {
            return;
        }
        slot->awaits_echo = false;
    }
    slot->written = observed;
    slot->has_written = true;
}

void writer_wish(struct writer *writer, const struct writer_wish *wish)
{
    struct slot *slot = slot_get(writer, wish);
    slot->wished = true;
    slot->wanted = hash_of(wish->wanted);
    slot->wanted_ticket = wish->ticket;
    follow_version(slot, wish->version);
    if (wish->observed) {
        uint64_t observed = hash_of(wish->observed);
        observe(slot, observed);
        if (!slot->call && !slot->awaits_echo) {
            slot->observed_at_write = observed;
        }
    }
    json_cleanup(&slot->body);
    if (!slot->call && slot->has_written && slot->written == slot->wanted) {
        tell(slot, wish->ticket);
        return;
    }
    if (slot->call && slot->sent == slot->wanted) {
        slot->sent_ticket = wish->ticket;
    }
    slot->body = wish->build(wish->context); /* also while the same is under way: it may fail */
    if (!slot->call && slot->retry_at_ms <= now_ms(writer) && writer->in_flight < BOUND_CALLS_IN_FLIGHT) {
        send_one(slot);
    } else if (!slot->call) {
        writer->is_waiting = true;
    }
}

void writer_keep(struct writer *writer, const char *key)
{
    struct slot *slot = map_get(writer->slots, key);
    if (slot) {
        slot->wished = true;
    }
}

void writer_sweep_begin(struct writer *writer)
{
    for (const struct map_entry *at = map_first(writer->slots); at; at = map_next(at)) {
        ((struct slot *) map_value(at))->wished = false;
    }
}

void writer_sweep_end(struct writer *writer)
{
    const struct map_entry *at = map_first(writer->slots);
    while (at) {
        struct slot *slot = map_value(at);
        at = map_next(at);
        if (slot->wished) {
            continue;
        }
        json_cleanup(&slot->body);
        if (!slot->call) {
            cleanup_free char *key = xstrdup(slot->key);
            map_remove(writer->slots, key);
        }
    }
}

size_t writer_pending_of(const struct writer *writer, enum tally_target target)
{
    size_t pending = 0;
    for (const struct map_entry *at = map_first(writer->slots); at; at = map_next(at)) {
        const struct slot *slot = map_value(at);
        pending += slot->target == target && (slot->body || slot->call) ? 1 : 0;
    }
    return pending;
}

size_t writer_pending(const struct writer *writer)
{
    size_t pending = 0;
    for (const struct map_entry *at = map_first(writer->slots); at; at = map_next(at)) {
        const struct slot *slot = map_value(at);
        pending += slot->body || slot->call ? 1 : 0;
    }
    return pending;
}

void writer_hurry(struct writer *writer)
{
    for (const struct map_entry *at = map_first(writer->slots); at; at = map_next(at)) {
        struct slot *slot = map_value(at);
        slot->retry_at_ms = slot->is_overtaken ? slot->retry_at_ms : 0;
        writer->is_waiting = writer->is_waiting || slot->body;
    }
    send_due(writer);
}
