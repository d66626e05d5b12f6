#include "publish/ledger.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

#include "proget/checks/check.h"
#include "proget/core/map.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

/* A code is the reason of an Event. Whoever may write the status may have put anything there. */
enum { CODE_BYTES_MAX = 128 };

/* What comes and goes, as it may during a rollout, is not said each time: back within a minute, it has to last. */
enum { RETURN_MS = 60 * 1000, RETURN_HOLD_MS = 5 * 1000 };

struct ledger {
    struct map *entries; /* id -> struct ledger_entry */
    struct map *ended;   /* id -> int64_t: the monotonic time at which it ended, for RETURN_MS */
    uint64_t sequence;   /* of the last change of phase */
    uint64_t sent;       /* highest number handed out by ledger_send() */
    uint64_t acknowledged;
    struct ledger_entry **published; /* as ledger_published() made it */
    size_t published_count;
    bool is_published_current; /* nothing was added, removed or moved since */
    uint64_t evaluation;       /* number of the one under way, or the last */
    size_t waiting;            /* true and due, but BOUND_FINDINGS_PUBLISHED are published already */
    size_t published_total;    /* entries that are not HOLDING, as counted by the evaluation under way */
    size_t published_capacity;
};

static void reference_copy(struct object_reference *target, const struct object_reference *source)
{
    target->api_version = xstrdup(source->api_version);
    target->kind = xstrdup(source->kind);
    target->namespace_name = xstrdup(source->namespace_name);
    target->name = xstrdup(source->name);
    target->uid = xstrdup(source->uid);
}

static void reference_clear(const struct object_reference *reference)
{
    free((char *) reference->api_version);
    free((char *) reference->kind);
    free((char *) reference->namespace_name);
    free((char *) reference->name);
    free((char *) reference->uid);
}

static void finding_copy(struct finding *target, const struct finding *source)
{
    *target = *source;
    target->code = xstrdup(source->code);
    reference_copy(&target->object, &source->object);
    target->related = NULL;
    if (source->related_count) {
        target->related = xcalloc(source->related_count, sizeof *target->related);
        for (size_t i = 0; i < source->related_count; i++) {
            reference_copy(&target->related[i], &source->related[i]);
        }
    }
    target->cause = xstrdup(source->cause);
    target->occurrence = xstrdup(source->occurrence);
    target->message = xstrdup(source->message);
    target->action = xstrdup(source->action);
    target->key = xstrdup(source->key);
}

static void finding_clear(struct finding *finding)
{
    free((char *) finding->code);
    reference_clear(&finding->object);
    for (size_t i = 0; i < finding->related_count; i++) {
        reference_clear(&finding->related[i]);
    }
    free(finding->related);
    free((char *) finding->cause);
    free((char *) finding->occurrence);
    free((char *) finding->message);
    free((char *) finding->action);
    free((char *) finding->key);
    *finding = (struct finding){0};
}

static void entry_free(void *value)
{
    struct ledger_entry *entry = value;
    finding_clear(&entry->finding);
    free(entry);
}

static void digest_hex(const char *text, size_t bytes, char *target)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int digest_size = 0;
    int done = EVP_Digest(text, strlen(text), digest, &digest_size, EVP_sha256(), NULL);
    assert(done == 1 && digest_size >= bytes);
    (void) done;
    text_to_hex(target, digest, bytes);
}

static void id_of(const char *key, char id[LEDGER_ID_SIZE])
{
    digest_hex(key, (LEDGER_ID_SIZE - 1) / 2, id);
}

struct ledger *ledger_new(void)
{
    struct ledger *ledger = xcalloc(1, sizeof *ledger);
    ledger->entries = map_new(entry_free);
    ledger->ended = map_new(free);
    return ledger;
}

void ledger_free(struct ledger *ledger)
{
    if (!ledger) {
        return;
    }
    map_free(ledger->entries);
    map_free(ledger->ended);
    free(ledger->published);
    free(ledger);
}

static struct object_reference reference_of_status(const struct status_reference *source)
{
    return (struct object_reference){.api_version = source->api_version,
                                     .kind = source->kind,
                                     .namespace_name = source->namespace_name,
                                     .name = source->name,
                                     .uid = source->uid};
}

static void load_one(struct ledger *ledger, const struct status_finding *source, struct instant now)
{
    if (!source->id || strlen(source->id) != LEDGER_ID_SIZE - 1 || text_is_empty(source->code) ||
        strlen(source->code) > CODE_BYTES_MAX || text_is_empty(source->object.kind) ||
        text_is_empty(source->object.name) || !source->since_us) {
        return;
    }
    size_t related_count = source->related.count < BOUND_RELATED ? source->related.count : BOUND_RELATED;
    struct object_reference related[BOUND_RELATED];
    const struct status_reference *references = source->related.items;
    for (size_t i = 0; i < related_count; i++) {
        related[i] = reference_of_status(&references[i]);
    }
    struct finding finding = {
        .code = source->code,
        .object = reference_of_status(&source->object),
        .related = related,
        .related_count = related_count,
        .cause = source->cause,
        .occurrence = source->occurrence,
        .message = source->message,
        .action = source->action,
    };
    if (severity_from_name(source->severity, &finding.severity) < 0) {
        finding.severity = SEVERITY_WARNING;
    }
    struct ledger_entry *entry = xcalloc(1, sizeof *entry);
    finding_copy(&entry->finding, &finding);
    memcpy(entry->id, source->id, LEDGER_ID_SIZE);
    entry->phase = source->cleared_us ? LEDGER_CLEARED : LEDGER_RAISED;
    entry->since_us = source->since_us;
    entry->cleared_us = source->cleared_us;
    entry->announced = source->announced;
    entry->first_true_ms = now.monotonic_ms;
    /* Its Event was confirmed at most one interval ago; half of one from now it is still there. */
    entry->confirm_at_ms = entry->announced ? now.monotonic_ms + LEDGER_CONFIRM_INTERVAL_MS / 2 : INT64_MAX;
    map_put(ledger->entries, entry->id, entry);
}

void ledger_load(struct ledger *ledger, const struct cluster_resource *resource, struct instant now)
{
    ledger->is_published_current = false;
    record_list_each (const struct status_finding *, finding, &resource->status.findings) {
        load_one(ledger, finding, now);
    }
}

static bool is_sent(const struct ledger *ledger, const struct ledger_entry *entry)
{
    return entry->sequence <= ledger->sent;
}

static void change_phase(struct ledger *ledger, struct ledger_entry *entry, enum ledger_phase phase)
{
    entry->phase = phase;
    entry->sequence = ++ledger->sequence;
}

static void raise_entry(struct ledger *ledger, struct ledger_entry *entry, struct instant now,
                        const struct ledger_callbacks *callbacks)
{
    if (ledger->published_total >= BOUND_FINDINGS_PUBLISHED) {
        ledger->waiting++; /* said without being in the status, it would be said again after a restart */
        return;
    }
    ledger->published_total++;
    /*
     * A state is "since now": two spells of one state must never share an Event's name. An occurrence happened once,
     * at a time of its own.
     */
    bool is_occurrence = entry->finding.occurrence && entry->finding.true_since_us;
    entry->since_us = is_occurrence ? entry->finding.true_since_us : now.wall_us;
    change_phase(ledger, entry, LEDGER_RAISED);
    callbacks->on_change(entry, LEDGER_CHANGE_RAISED, NULL, callbacks->userdata);
}

static bool is_same_reference(const struct object_reference *a, const struct object_reference *b)
{
    return text_equal(a->name, b->name) && text_equal(a->namespace_name, b->namespace_name) &&
           text_equal(a->kind, b->kind) && text_equal(a->uid, b->uid) && text_equal(a->api_version, b->api_version);
}

/* All that can differ between two findings of one key; of an occurrence the objects are no part of the key. */
static bool is_same_wording(const struct finding *held, const struct finding *finding)
{
    if (!held->key || held->severity != finding->severity || held->hold_ms != finding->hold_ms ||
        held->true_since_us != finding->true_since_us || held->related_count != finding->related_count ||
        !text_equal(held->message, finding->message) || !text_equal(held->action, finding->action) ||
        !is_same_reference(&held->object, &finding->object)) {
        return false;
    }
    for (size_t i = 0; i < held->related_count; i++) {
        if (!is_same_reference(&held->related[i], &finding->related[i])) {
            return false;
        }
    }
    return true;
}

/*
 * The newest words win: severity, names and figures in a sentence may change while the finding stands. The object of an
 * occurrence may change too (an evicted pod's finding moves to the cluster once the pod is gone), but not between the
 * status and the Event: the Event's name has the object in it.
 */
static void follow_words(struct ledger_entry *entry, const struct finding *finding)
{
    if (is_same_wording(&entry->finding, finding)) {
        return;
    }
    struct finding copy;
    finding_copy(&copy, finding);
    if (entry->phase == LEDGER_RAISED && !entry->announced) {
        struct object_reference object = entry->finding.object;
        entry->finding.object = copy.object;
        copy.object = object;
    }
    finding_clear(&entry->finding);
    entry->finding = copy;
}

static void note_end(struct ledger *ledger, const struct ledger_entry *entry, struct instant now)
{
    bool was_told = entry->phase != LEDGER_HOLDING && (entry->announced || is_sent(ledger, entry));
    if (!was_told || entry->finding.occurrence) {
        return;
    }
    int64_t *ended_ms = xmalloc(sizeof *ended_ms);
    *ended_ms = now.monotonic_ms;
    map_put(ledger->ended, entry->id, ended_ms);
}

static void forget_ends(struct ledger *ledger, struct instant now)
{
    const struct map_entry *at = map_first(ledger->ended);
    while (at) {
        const int64_t *ended_ms = map_value(at);
        cleanup_free char *id = xstrdup(map_key(at));
        at = map_next(at);
        if (now.monotonic_ms - *ended_ms >= RETURN_MS) {
            map_remove(ledger->ended, id);
        }
    }
}

/* How long the finding has to be true before it is raised. */
static int64_t hold_of(const struct ledger *ledger, const struct ledger_entry *entry)
{
    bool returns = map_get(ledger->ended, entry->id) != NULL;
    return returns && entry->finding.hold_ms < RETURN_HOLD_MS ? RETURN_HOLD_MS : entry->finding.hold_ms;
}

static void see(struct ledger *ledger, const struct finding *finding, struct instant now,
                const struct ledger_callbacks *callbacks, int64_t *wake_at_ms)
{
    char id[LEDGER_ID_SIZE];
    id_of(finding->key, id);
    struct ledger_entry *entry = map_get(ledger->entries, id);
    if (!entry) {
        entry = xcalloc(1, sizeof *entry);
        memcpy(entry->id, id, sizeof id);
        finding_copy(&entry->finding, finding);
        entry->first_true_ms = now.monotonic_ms;
        entry->first_evaluation = ledger->evaluation;
        entry->confirm_at_ms = INT64_MAX;
        map_put(ledger->entries, id, entry);
    } else {
        follow_words(entry, finding);
    }
    entry->evaluation = ledger->evaluation;
    if (entry->phase == LEDGER_CLEARED && !is_sent(ledger, entry)) {
        /* Nobody was told that it had ended. */
        entry->cleared_us = 0;
        change_phase(ledger, entry, LEDGER_RAISED);
    }
    if (entry->phase != LEDGER_HOLDING) {
        return;
    }
    int64_t hold_ms = hold_of(ledger, entry);
    int64_t held_ms = now.monotonic_ms - entry->first_true_ms;
    if (hold_ms == finding->hold_ms && finding->true_since_us && now.wall_us > finding->true_since_us) {
        int64_t told_ms = (now.wall_us - finding->true_since_us) / 1000;
        held_ms = told_ms > held_ms ? told_ms : held_ms;
    }
    if (held_ms >= hold_ms) {
        raise_entry(ledger, entry, now, callbacks);
        return;
    }
    int64_t over_at_ms = now.monotonic_ms + hold_ms - held_ms;
    *wake_at_ms = over_at_ms < *wake_at_ms ? over_at_ms : *wake_at_ms;
}

static bool is_suppressed(const struct finding_list *findings, const char *wanted_id)
{
    for (size_t i = 0; i < findings->suppressed_count; i++) {
        char id[LEDGER_ID_SIZE];
        id_of(findings->suppressed[i].finding.key, id);
        if (text_equal(id, wanted_id)) {
            return true;
        }
    }
    return false;
}

/*
 * The same is true of the same object now, with others involved or for another cause: another finding, but nothing that
 * was mended. NULL: there is none.
 */
static const struct ledger_entry *successor_of(const struct ledger *ledger, const struct ledger_entry *entry)
{
    for (const struct map_entry *at = map_first(ledger->entries); at && !entry->finding.occurrence; at = map_next(at)) {
        const struct ledger_entry *other = map_value(at);
        if (other->first_evaluation > entry->evaluation && other->phase != LEDGER_CLEARED &&
            text_equal(other->finding.code, entry->finding.code) &&
            is_same_reference(&other->finding.object, &entry->finding.object)) {
            return other;
        }
    }
    return NULL;
}

/* What happened once is not mended when it is no longer told. */
static bool is_moment(const struct ledger_entry *entry)
{
    const struct check_row *row = catalogue_find(entry->finding.code);
    return row && row->is_moment;
}

/* Why an entry that is no longer true ends without an announcement; NULL: it is to be announced. */
static const char *silent_end(const struct ledger *ledger, const struct ledger_entry *entry,
                              const struct finding_list *findings, const struct ledger_callbacks *callbacks)
{
    if (entry->phase == LEDGER_HOLDING) {
        return "it ended before its time to be reported";
    }
    if (entry->phase == LEDGER_RAISED && !entry->announced && !is_sent(ledger, entry)) {
        return "it ended before it could be reported";
    }
    const struct ledger_entry *successor = successor_of(ledger, entry);
    if (successor && successor->phase == LEDGER_RAISED) {
        return "it goes on, with others involved or for another cause";
    }
    if (callbacks->is_superseded) {
        return "another ProGetCluster watches over these servers";
    }
    if (is_suppressed(findings, entry->id)) {
        return "left out by the user";
    }
    if (is_moment(entry)) {
        return "it grew old";
    }
    if (!callbacks->exists(&entry->finding.object, callbacks->userdata)) {
        return "its object was deleted";
    }
    return NULL;
}

static void miss(struct ledger *ledger, struct ledger_entry *entry, const struct finding_list *findings,
                 struct instant now, const struct ledger_callbacks *callbacks)
{
    if (entry->phase == LEDGER_CLEARED && !callbacks->is_superseded) {
        return; /* the log has said that it ended, and so will its Event, whatever becomes of the object */
    }
    const struct ledger_entry *successor = entry->phase == LEDGER_RAISED ? successor_of(ledger, entry) : NULL;
    bool is_unknown = findings->dropped > 0 || (successor && successor->phase == LEDGER_HOLDING) ||
                      (callbacks->is_unknown && callbacks->is_unknown(&entry->finding, callbacks->userdata));
    bool is_replaced = callbacks->is_superseded || (successor && successor->phase == LEDGER_RAISED);
    if (entry->phase == LEDGER_RAISED && !is_replaced && is_unknown && !is_suppressed(findings, entry->id)) {
        return;
    }
    const char *why = silent_end(ledger, entry, findings, callbacks);
    if (why) {
        if (entry->phase != LEDGER_HOLDING) {
            callbacks->on_change(entry, LEDGER_CHANGE_DROPPED, why, callbacks->userdata);
        }
        note_end(ledger, entry, now);
        cleanup_free char *id = xstrdup(entry->id);
        map_remove(ledger->entries, id);
        return;
    }
    if (entry->phase == LEDGER_RAISED) {
        note_end(ledger, entry, now);
        entry->cleared_us = now.wall_us;
        change_phase(ledger, entry, LEDGER_CLEARED);
        callbacks->on_change(entry, LEDGER_CHANGE_RESOLVED, NULL, callbacks->userdata);
    }
}

int64_t ledger_update(struct ledger *ledger, const struct finding_list *findings, struct instant now,
                      const struct ledger_callbacks *callbacks)
{
    ledger->is_published_current = false;
    ledger->waiting = 0;
    ledger->evaluation++;
    forget_ends(ledger, now);
    ledger->published_total = 0;
    for (const struct map_entry *at = map_first(ledger->entries); at; at = map_next(at)) {
        const struct ledger_entry *entry = map_value(at);
        ledger->published_total += entry->phase != LEDGER_HOLDING ? 1 : 0;
    }
    int64_t wake_at_ms = INT64_MAX;
    for (size_t i = 0; i < findings->count; i++) {
        see(ledger, &findings->items[i], now, callbacks, &wake_at_ms);
    }
    const struct map_entry *at = map_first(ledger->entries);
    while (at) {
        struct ledger_entry *entry = map_value(at);
        at = map_next(at);
        if (entry->evaluation != ledger->evaluation) {
            miss(ledger, entry, findings, now, callbacks);
        }
    }
    return wake_at_ms;
}

static int compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int compare_entries(const void *left, const void *right)
{
    const struct ledger_entry *left_entry = *(struct ledger_entry *const *) left;
    const struct ledger_entry *right_entry = *(struct ledger_entry *const *) right;
    const struct finding *a = &left_entry->finding;
    const struct finding *b = &right_entry->finding;
    if (a->severity != b->severity) {
        return a->severity > b->severity ? -1 : 1;
    }
    int order = compare_text(a->code, b->code);
    order = order ? order : compare_text(a->object.kind, b->object.kind);
    order = order ? order : compare_text(a->object.name, b->object.name);
    return order ? order : strcmp(left_entry->id, right_entry->id);
}

struct ledger_entry *const *ledger_published(struct ledger *ledger, size_t *ret_count)
{
    if (ledger->is_published_current) {
        *ret_count = ledger->published_count;
        return ledger->published;
    }
    size_t capacity = map_count(ledger->entries);
    if (capacity > ledger->published_capacity) {
        ledger->published = xrealloc(ledger->published, capacity, sizeof *ledger->published);
        ledger->published_capacity = capacity;
    }
    size_t count = 0;
    for (const struct map_entry *at = map_first(ledger->entries); at; at = map_next(at)) {
        struct ledger_entry *entry = map_value(at);
        if (entry->phase != LEDGER_HOLDING) {
            ledger->published[count++] = entry;
        }
    }
    if (count > 1) {
        qsort(ledger->published, count, sizeof *ledger->published, compare_entries);
    }
    *ret_count = count;
    ledger->published_count = count;
    ledger->is_published_current = true;
    return ledger->published;
}

void ledger_hurry(struct ledger *ledger)
{
    for (const struct map_entry *at = map_first(ledger->entries); at; at = map_next(at)) {
        ((struct ledger_entry *) map_value(at))->retry_at_ms = 0;
    }
}

size_t ledger_waiting(const struct ledger *ledger)
{
    return ledger->waiting;
}

struct ledger_entry *ledger_find(const struct ledger *ledger, const char *id)
{
    return map_get(ledger->entries, id);
}

bool ledger_has_unsent(const struct ledger *ledger)
{
    return ledger->sequence > ledger->sent;
}

bool ledger_has_unacknowledged(const struct ledger *ledger)
{
    return ledger->sequence > ledger->acknowledged;
}

uint64_t ledger_send(struct ledger *ledger)
{
    ledger->sent = ledger->sequence;
    return ledger->sent;
}

void ledger_acknowledge(struct ledger *ledger, uint64_t sequence)
{
    assert(sequence <= ledger->sent);
    if (sequence > ledger->acknowledged) {
        ledger->acknowledged = sequence;
    }
}

bool ledger_is_persisted(const struct ledger *ledger, const struct ledger_entry *entry)
{
    return entry->phase != LEDGER_HOLDING && entry->sequence <= ledger->acknowledged;
}

enum ledger_phase ledger_due(const struct ledger *ledger, const struct ledger_entry *entry)
{
    if (entry->event_in_flight || !ledger_is_persisted(ledger, entry)) {
        return LEDGER_HOLDING;
    }
    if (!entry->announced) {
        return LEDGER_RAISED;
    }
    return entry->phase == LEDGER_CLEARED ? LEDGER_CLEARED : LEDGER_HOLDING;
}

bool ledger_announced(struct ledger *ledger, const char *id, enum ledger_phase phase, struct instant now)
{
    ledger->is_published_current = false;
    struct ledger_entry *entry = map_get(ledger->entries, id);
    if (!entry) {
        return false;
    }
    if (phase == LEDGER_CLEARED) {
        map_remove(ledger->entries, id);
        return true;
    }
    entry->announced = true;
    entry->confirm_at_ms = now.monotonic_ms + LEDGER_CONFIRM_INTERVAL_MS;
    return true;
}

/* Object names are DNS subdomains of up to 253 bytes; a few kinds allow more characters, which a name may not hold. */
static bool is_subdomain(const char *name)
{
    return name[0] && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == strlen(name);
}

char *ledger_event_name(const struct ledger_entry *entry, enum ledger_phase phase)
{
    enum { HASH_BYTES = 10, NAME_BYTES_MAX = 253 - 1 - 2 * HASH_BYTES };
    cleanup_free char *identity = xasprintf("%s\n%lld\n%s", entry->id, (long long) entry->since_us,
                                            phase == LEDGER_CLEARED ? "resolved" : "detected");
    char hash[2 * HASH_BYTES + 1];
    digest_hex(identity, HASH_BYTES, hash);
    const char *name = entry->finding.object.name;
    if (!is_subdomain(name)) {
        return xasprintf("finding.%s", hash);
    }
    int length = (int) strnlen(name, NAME_BYTES_MAX);
    while (length > 1 && (name[length - 1] == '.' || name[length - 1] == '-')) {
        length--;
    }
    return xasprintf("%.*s.%s", length, name, hash);
}
