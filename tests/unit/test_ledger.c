#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "publish/ledger.h"

struct world {
    struct ledger *ledger;
    struct instant now;
    bool object_is_gone, is_unknown, is_superseded;
    size_t raised, resolved, dropped;
    char id[LEDGER_ID_SIZE]; /* of the entry that only() saw last */
};

static void on_change(const struct ledger_entry *entry, enum ledger_change change, const char *why, void *userdata)
{
    struct world *world = userdata;
    assert_non_null(entry->finding.code);
    world->raised += change == LEDGER_CHANGE_RAISED ? 1 : 0;
    world->resolved += change == LEDGER_CHANGE_RESOLVED ? 1 : 0;
    world->dropped += change == LEDGER_CHANGE_DROPPED ? 1 : 0;
    assert_int_equal(change == LEDGER_CHANGE_DROPPED, why != NULL);
}

static bool exists(const struct object_reference *object, void *userdata)
{
    const struct world *world = userdata;
    assert_non_null(object->name);
    return !world->object_is_gone;
}

static bool is_unknown(const struct finding *finding, void *userdata)
{
    const struct world *world = userdata;
    assert_non_null(finding->code);
    return world->is_unknown;
}

static int setup(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    world->ledger = ledger_new();
    world->now = (struct instant){.wall_us = 1700000000 * CLOCK_US_PER_SECOND, .monotonic_ms = 5000};
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    ledger_free(world->ledger);
    free(world);
    return 0;
}

static void advance(struct world *world, int64_t ms)
{
    world->now.monotonic_ms += ms;
    world->now.wall_us += ms * 1000;
}

static struct finding finding_of(const char *key, int64_t hold_ms)
{
    return (struct finding){
        .code = "CoScheduled",
        .severity = SEVERITY_ERROR,
        .object = {.api_version = "v1", .kind = "Pod", .namespace_name = "proget", .name = "proget-0", .uid = "u0"},
        .message = "Two servers share a node.",
        .action = "Move one.",
        .hold_ms = hold_ms,
        .key = key,
    };
}

/* One evaluation that sees these findings. */
static int64_t see(struct world *world, struct finding *findings, size_t count)
{
    struct finding_list list = {.items = findings, .count = count};
    return ledger_update(world->ledger, &list, world->now,
                         &(struct ledger_callbacks){.on_change = on_change,
                                                    .exists = exists,
                                                    .is_unknown = is_unknown,
                                                    .is_superseded = world->is_superseded,
                                                    .userdata = world});
}

static struct ledger_entry *only(struct world *world)
{
    size_t count;
    struct ledger_entry *const *entries = ledger_published(world->ledger, &count);
    assert_int_equal(count, 1);
    memcpy(world->id, entries[0]->id, sizeof world->id);
    return entries[0];
}

static size_t published(struct world *world)
{
    size_t count;
    (void) ledger_published(world->ledger, &count);
    return count;
}

static void persist(struct world *world)
{
    ledger_acknowledge(world->ledger, ledger_send(world->ledger));
}

static void goes_from_status_to_event_to_end(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("k", 0);
    assert_true(see(world, &finding, 1) == INT64_MAX);
    struct ledger_entry *entry = only(world);
    assert_int_equal(entry->phase, LEDGER_RAISED);
    assert_int_equal(world->raised, 1);
    assert_int_equal(ledger_due(world->ledger, entry), LEDGER_HOLDING); /* not before the status is there */
    persist(world);
    assert_int_equal(ledger_due(world->ledger, entry), LEDGER_RAISED);
    assert_true(ledger_announced(world->ledger, world->id, LEDGER_RAISED, world->now));
    assert_true(entry->announced);
    assert_int_equal(ledger_due(world->ledger, entry), LEDGER_HOLDING);
    advance(world, 1000);
    see(world, &finding, 1);
    assert_int_equal(world->raised, 1); /* said once */
    advance(world, 1000);
    see(world, NULL, 0);
    assert_int_equal(entry->phase, LEDGER_CLEARED);
    assert_true(entry->cleared_us == world->now.wall_us);
    assert_int_equal(ledger_due(world->ledger, entry), LEDGER_HOLDING);
    persist(world);
    assert_int_equal(ledger_due(world->ledger, entry), LEDGER_CLEARED);
    see(world, NULL, 0);
    assert_int_equal(world->resolved, 1);
    assert_true(ledger_announced(world->ledger, world->id, LEDGER_CLEARED, world->now));
    assert_int_equal(published(world), 0);
    assert_false(ledger_announced(world->ledger, world->id, LEDGER_CLEARED, world->now));
}

static void holds_as_long_as_told(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("k", 60000);
    assert_true(see(world, &finding, 1) == world->now.monotonic_ms + 60000);
    assert_int_equal(published(world), 0);
    advance(world, 59999);
    assert_true(see(world, &finding, 1) == world->now.monotonic_ms + 1);
    advance(world, 1);
    see(world, &finding, 1);
    assert_int_equal(only(world)->phase, LEDGER_RAISED);
}

static void a_hold_that_the_object_tells_counts(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("k", 60000);
    finding.true_since_us = world->now.wall_us - 45 * CLOCK_US_PER_SECOND;
    assert_true(see(world, &finding, 1) == world->now.monotonic_ms + 15000);
    finding.true_since_us = world->now.wall_us + 45 * CLOCK_US_PER_SECOND; /* a clock that is ahead tells nothing */
    assert_true(see(world, &finding, 1) == world->now.monotonic_ms + 60000);
}

static void an_interrupted_hold_begins_anew(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("k", 60000);
    see(world, &finding, 1);
    advance(world, 50000);
    see(world, NULL, 0);
    assert_int_equal(world->dropped, 0); /* nobody had heard of it */
    see(world, &finding, 1);
    advance(world, 50000);
    see(world, &finding, 1);
    assert_int_equal(published(world), 0);
}

static void what_ended_before_it_was_sent_was_never_said(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("k", 0);
    see(world, &finding, 1);
    see(world, NULL, 0);
    assert_int_equal(published(world), 0);
    assert_int_equal(world->dropped, 1);
}

static void what_was_sent_is_said_even_if_it_ended(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("k", 0);
    see(world, &finding, 1);
    uint64_t number = ledger_send(world->ledger);
    see(world, NULL, 0);
    struct ledger_entry *entry = only(world);
    assert_int_equal(entry->phase, LEDGER_CLEARED);
    ledger_acknowledge(world->ledger, number);
    assert_int_equal(ledger_due(world->ledger, entry), LEDGER_HOLDING); /* that status did not hold the end */
    persist(world);
    assert_int_equal(ledger_due(world->ledger, entry), LEDGER_RAISED);
    ledger_announced(world->ledger, world->id, LEDGER_RAISED, world->now);
    assert_int_equal(ledger_due(world->ledger, entry), LEDGER_CLEARED);
}

static void an_end_that_nobody_heard_of_is_taken_back(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("k", 0);
    see(world, &finding, 1);
    persist(world);
    int64_t since_us = only(world)->since_us;
    advance(world, 10);
    see(world, NULL, 0);
    advance(world, 10);
    see(world, &finding, 1);
    assert_int_equal(only(world)->phase, LEDGER_RAISED);
    assert_true(only(world)->since_us == since_us);
    assert_true(only(world)->cleared_us == 0);
}

static void a_second_spell_is_another_one(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("k", 0);
    see(world, &finding, 1);
    persist(world);
    ledger_announced(world->ledger, world->id, LEDGER_RAISED, world->now);
    cleanup_free char *first = ledger_event_name(only(world), LEDGER_RAISED);
    advance(world, 10);
    see(world, NULL, 0);
    persist(world);
    advance(world, 10);
    see(world, &finding, 1); /* back before its end was announced: the end is said all the same */
    assert_int_equal(only(world)->phase, LEDGER_CLEARED);
    ledger_announced(world->ledger, world->id, LEDGER_CLEARED, world->now);
    advance(world, 60 * 1000);
    see(world, &finding, 1);
    cleanup_free char *second = ledger_event_name(only(world), LEDGER_RAISED);
    assert_string_not_equal(first, second);
    assert_int_equal(world->raised, 2);
}

static void a_moment_has_its_own_time_and_ends_silently(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("k", 0);
    finding.code = "ServerCountChanged";
    finding.occurrence = "uid-1";
    finding.true_since_us = world->now.wall_us - 7 * CLOCK_US_PER_SECOND;
    see(world, &finding, 1);
    assert_true(only(world)->since_us == finding.true_since_us);
    persist(world);
    ledger_announced(world->ledger, world->id, LEDGER_RAISED, world->now);
    see(world, NULL, 0);
    assert_int_equal(published(world), 0);
    assert_int_equal(world->resolved, 0);
    assert_int_equal(world->dropped, 1);
}

/* A server that is gone is one of its kind, but it may come back: that is said. */
static void an_occurrence_that_is_no_moment_is_resolved(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("k", 120 * 1000);
    finding.code = "ServerGone";
    finding.occurrence = "uid-1";
    finding.true_since_us = world->now.wall_us - 119 * CLOCK_US_PER_SECOND;
    see(world, &finding, 1);
    assert_int_equal(published(world), 0);
    advance(world, 1000);
    see(world, &finding, 1);
    assert_true(only(world)->since_us == finding.true_since_us);
    persist(world);
    ledger_announced(world->ledger, world->id, LEDGER_RAISED, world->now);
    see(world, NULL, 0);
    assert_int_equal(only(world)->phase, LEDGER_CLEARED);
    assert_int_equal(world->resolved, 1);
    assert_int_equal(world->dropped, 0);
}

/* After a restart its code is all that the status tells of it. */
static void a_moment_from_the_status_ends_silently(void **state)
{
    struct world *world = *state;
    const struct status_finding past = {
        .id = "0123456789abcdef0123456789abcdef",
        .code = "Evicted",
        .occurrence = "uid-1",
        .object = {.kind = "ProGetCluster", .name = "main"},
        .since_us = 1,
        .announced = true,
    };
    const struct cluster_resource resource = {.status.findings = {&past, 1}};
    ledger_load(world->ledger, &resource, world->now);
    assert_int_equal(published(world), 1);
    see(world, NULL, 0);
    assert_int_equal(published(world), 0);
    assert_int_equal(world->resolved, 0);
    assert_int_equal(world->dropped, 1);
}

static void the_object_stays_until_the_event_is_there(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("k", 0);
    finding.occurrence = "uid-1";
    see(world, &finding, 1);
    cleanup_free char *before = ledger_event_name(only(world), LEDGER_RAISED);
    finding.object = (struct object_reference){.kind = "ProGetCluster", .namespace_name = "proget", .name = "main"};
    see(world, &finding, 1);
    assert_string_equal(only(world)->finding.object.name, "proget-0");
    cleanup_free char *after = ledger_event_name(only(world), LEDGER_RAISED);
    assert_string_equal(before, after);
    persist(world);
    ledger_announced(world->ledger, world->id, LEDGER_RAISED, world->now);
    see(world, &finding, 1);
    assert_string_equal(only(world)->finding.object.name, "main");
    assert_int_equal(world->raised, 1);
}

static void a_deleted_object_and_a_user_that_left_it_out_end_silently(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("k", 0);
    see(world, &finding, 1);
    persist(world);
    world->object_is_gone = true;
    see(world, NULL, 0);
    assert_int_equal(world->dropped, 1);
    world->object_is_gone = false;
    advance(world, 60 * 1000);
    see(world, &finding, 1);
    persist(world);
    struct suppressed_finding suppressed = {.finding = finding, .reason = "single rack"};
    struct finding_list list = {.suppressed = &suppressed, .suppressed_count = 1};
    (void) ledger_update(world->ledger, &list, world->now,
                         &(struct ledger_callbacks){.on_change = on_change, .exists = exists, .userdata = world});
    assert_int_equal(world->dropped, 2);
    assert_int_equal(world->resolved, 0);
}

static void what_cannot_be_told_stands(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("k", 0);
    see(world, &finding, 1);
    persist(world);
    world->is_unknown = true;
    see(world, NULL, 0);
    assert_int_equal(only(world)->phase, LEDGER_RAISED);
    world->is_unknown = false;
    see(world, NULL, 0);
    assert_int_equal(only(world)->phase, LEDGER_CLEARED);
    assert_int_equal(world->resolved, 1);
}

static void what_another_watches_over_goes_silently(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("k", 0);
    see(world, &finding, 1);
    persist(world);
    world->is_superseded = true;
    world->is_unknown = true;
    see(world, NULL, 0);
    assert_int_equal(published(world), 0);
    assert_int_equal(world->resolved, 0);
    assert_int_equal(world->dropped, 1);
}

/* What a killed operator left in the status. */
static void load(struct world *world, const char *status_text)
{
    cleanup_json struct json_object *object = json_tokener_parse(status_text);
    assert_non_null(object);
    void *block = NULL;
    struct error err;
    assert_int_equal(record_fill(&cluster_resource_type, object, &block, NULL, &err), 0);
    ledger_load(world->ledger, block, world->now);
    free(block);
}

#define STATUS(extra)                                                                                            \
    "{\"metadata\":{\"name\":\"main\",\"namespace\":\"proget\"},\"status\":{\"findings\":[{\"id\":"              \
    "\"8254c329a92850f6d539dd376f4816ee\",\"code\":\"CoScheduled\",\"severity\":\"error\",\"object\":{\"kind\":" \
    "\"Pod\","                                                                                                   \
    "\"namespace\":\"proget\",\"name\":\"proget-0\",\"uid\":\"u0\"},\"message\":\"m\",\"since\":"                \
    "\"2026-11-22T07:00:00.123456Z\"" extra "}]}}"

static void a_restart_repeats_nothing_and_forgets_nothing(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("k", 0); /* its id is the first half of the SHA-256 of "k" */
    load(world, STATUS(",\"announced\":true"));
    see(world, &finding, 1);
    assert_int_equal(world->raised, 0);
    assert_int_equal(ledger_due(world->ledger, only(world)), LEDGER_HOLDING);
    int64_t since_us = 0;
    assert_int_equal(clock_parse("2026-11-22T07:00:00.123456Z", &since_us), 0);
    assert_true(only(world)->since_us == since_us);
    see(world, NULL, 0);
    assert_int_equal(only(world)->phase, LEDGER_CLEARED);
}

static void a_restart_says_what_was_not_said(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("k", 0); /* its id is the first half of the SHA-256 of "k" */
    load(world, STATUS(",\"announced\":false"));
    see(world, &finding, 1);
    assert_int_equal(ledger_due(world->ledger, only(world)), LEDGER_RAISED);
}

static void a_restart_finishes_an_end(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("k", 0); /* its id is the first half of the SHA-256 of "k" */
    load(world, STATUS(",\"announced\":true,\"cleared\":\"2026-11-22T07:05:00Z\""));
    see(world, &finding, 1); /* true again meanwhile: its end may have been said, so it is said first */
    assert_int_equal(ledger_due(world->ledger, only(world)), LEDGER_CLEARED);
}

#define TEN       "CoCoCoCoCo"
#define LONG_CODE TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void what_nobody_could_have_written_is_left(void **state)
{
    static const char *const findings[] = {
        "'code':'','object':{'kind':'Pod','name':'p'}",
        "'code':'" LONG_CODE "','object':{'kind':'Pod','name':'p'}", /* longer than an Event's reason may be */
        "'code':'C','object':{'kind':'','name':'p'}",
        "'code':'C','object':{'kind':'Pod','name':''}",
        "'code':'C'",
        "'object':{'kind':'Pod','name':'p'}",
    };
    struct world *world = *state;
    for (size_t i = 0; i < array_length(findings); i++) {
        cleanup_free char *text = xasprintf(
            "{'metadata':{'name':'main'},'status':{'findings':[{'id':'8254c329a92850f6d539dd376f4816ee','since':"
            "'2026-11-22T07:00:00Z',%s}]}}",
            findings[i]);
        for (char *at = text; *at; at++) {
            *at = *at == '\'' ? '"' : *at;
        }
        load(world, text);
        assert_int_equal(published(world), 0);
    }
}

static void names_of_events_are_subdomains(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("k", 0);
    char long_name[254];
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    finding.object.name = long_name;
    see(world, &finding, 1);
    cleanup_free char *name = ledger_event_name(only(world), LEDGER_RAISED);
    assert_int_equal(strlen(name), 253);
    see(world, NULL, 0);
    finding.object.name = "system:odd/Name";
    see(world, &finding, 1);
    cleanup_free char *odd = ledger_event_name(only(world), LEDGER_RAISED);
    assert_true(text_starts_with(odd, "finding."));
}

/* Findings with names of their own: numbers from `first` on. The arrays are the caller's. */
static void fill_findings(struct finding *findings, char (*keys)[24], size_t first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void) snprintf(keys[i], sizeof keys[i], "key-%zu", first + i);
        findings[i] = finding_of(keys[i], 0);
    }
}

static void copy_id(struct world *world, const char *key, char id[LEDGER_ID_SIZE])
{
    size_t count;
    struct ledger_entry *const *entries = ledger_published(world->ledger, &count);
    for (size_t i = 0; i < count; i++) {
        if (text_equal(entries[i]->finding.key, key)) {
            memcpy(id, entries[i]->id, LEDGER_ID_SIZE);
            return;
        }
    }
    fail_msg("%s is not published", key);
}

/* What does not fit into the status waits: it is neither said (it would be said again after a restart) nor lost. */
static void waits_for_room(void **state)
{
    enum { MORE = 40, MENDED = 10, FINDINGS = BOUND_FINDINGS_PUBLISHED + MORE };
    static struct finding findings[FINDINGS];
    static char keys[FINDINGS][24];
    struct world *world = *state;
    fill_findings(findings, keys, 0, FINDINGS);
    (void) see(world, findings, FINDINGS);
    assert_int_equal(published(world), BOUND_FINDINGS_PUBLISHED);
    assert_int_equal(ledger_waiting(world->ledger), MORE);
    assert_int_equal(world->raised, BOUND_FINDINGS_PUBLISHED);
    persist(world);
    /* Ten are mended; their places are free when their ends have been announced, not before. */
    char ids[MENDED][LEDGER_ID_SIZE];
    for (size_t i = 0; i < MENDED; i++) {
        copy_id(world, keys[i], ids[i]);
    }
    (void) see(world, findings + MENDED, FINDINGS - MENDED);
    assert_int_equal(world->resolved, MENDED);
    assert_int_equal(ledger_waiting(world->ledger), MORE);
    for (size_t i = 0; i < MENDED; i++) {
        assert_true(ledger_announced(world->ledger, ids[i], LEDGER_CLEARED, world->now));
    }
    (void) see(world, findings + MENDED, FINDINGS - MENDED);
    assert_int_equal(world->raised, BOUND_FINDINGS_PUBLISHED + MENDED);
    assert_int_equal(published(world), BOUND_FINDINGS_PUBLISHED);
    assert_int_equal(ledger_waiting(world->ledger), MORE - MENDED);
}

static struct finding shared_finding(const char *key, const struct object_reference *other, int64_t hold_ms)
{
    struct finding finding = finding_of(key, hold_ms);
    finding.related = (struct object_reference *) other;
    finding.related_count = 1;
    return finding;
}

/* A third server comes to the two of a node: nothing was resolved. */
static void says_no_end_of_what_goes_on_with_others(void **state)
{
    struct world *world = *state;
    static const struct object_reference first = {"v1", "Pod", "proget", "proget-1", "u1"};
    static const struct object_reference second = {"v1", "Pod", "proget", "proget-2", "u2"};
    struct finding before = shared_finding("with 1", &first, 0);
    (void) see(world, &before, 1);
    persist(world);
    struct finding held =
        shared_finding("with 2", &second, 1000); /* not to be said yet: till then the old one stands */
    (void) see(world, &held, 1);
    assert_int_equal(world->resolved + world->dropped, 0);
    assert_int_equal(published(world), 1);
    advance(world, 1000);
    world->is_unknown = true; /* what is replaced is not waited for */
    (void) see(world, &held, 1);
    world->is_unknown = false;
    assert_int_equal(world->raised, 2);
    assert_int_equal(world->resolved, 0);
    assert_int_equal(world->dropped, 1);
    assert_int_equal(published(world), 1);
    persist(world);
    (void) see(world, NULL, 0);
    assert_int_equal(world->resolved, 1);
    assert_int_equal(world->dropped, 1);
}

static void an_end_that_was_logged_is_said_whatever_becomes_of_the_object(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("a", 0);
    (void) see(world, &finding, 1);
    persist(world);
    assert_true(ledger_announced(world->ledger, only(world)->id, LEDGER_RAISED, world->now));
    (void) see(world, NULL, 0);
    world->object_is_gone = true;
    (void) see(world, NULL, 0);
    assert_int_equal(world->resolved, 1);
    assert_int_equal(world->dropped, 0);
    persist(world);
    assert_int_equal(ledger_due(world->ledger, only(world)), LEDGER_CLEARED);
}

/* The same of another object is no successor. */
static void says_the_end_of_one_of_two_objects(void **state)
{
    struct world *world = *state;
    struct finding findings[] = {finding_of("a", 0), finding_of("b", 0)};
    findings[1].object.name = "proget-1";
    findings[1].object.uid = "u1";
    (void) see(world, findings, 2);
    persist(world);
    (void) see(world, findings + 1, 1);
    assert_int_equal(world->resolved, 1);
    assert_int_equal(world->dropped, 0);
}

static void what_returns_soon_has_to_last(void **state)
{
    struct world *world = *state;
    struct finding finding = finding_of("a", 0);
    (void) see(world, &finding, 1);
    persist(world);
    assert_true(ledger_announced(world->ledger, only(world)->id, LEDGER_RAISED, world->now));
    (void) see(world, NULL, 0);
    persist(world);
    assert_true(ledger_announced(world->ledger, only(world)->id, LEDGER_CLEARED, world->now));
    advance(world, 1000);
    assert_int_equal(see(world, &finding, 1), world->now.monotonic_ms + 5000);
    assert_int_equal(world->raised, 1);
    advance(world, 100);
    (void) see(world, NULL, 0); /* and is gone: it was never said, so neither is its end */
    assert_int_equal(world->resolved, 1);
    assert_int_equal(published(world), 0);
    (void) see(world, &finding, 1);
    advance(world, 5000);
    (void) see(world, &finding, 1);
    assert_int_equal(world->raised, 2);
    persist(world);
    (void) see(world, NULL, 0);
    persist(world);
    (void) ledger_announced(world->ledger, world->id, LEDGER_RAISED, world->now);
    assert_true(ledger_announced(world->ledger, world->id, LEDGER_CLEARED, world->now));
    advance(world, 60 * 1000);
    (void) see(world, &finding, 1); /* later it is as new */
    assert_int_equal(world->raised, 3);
}

/* An evaluation that could not list everything disproves nothing. */
static void keeps_what_a_cut_list_leaves_out(void **state)
{
    struct world *world = *state;
    struct finding findings[] = {finding_of("a", 0), finding_of("b", 0)};
    (void) see(world, findings, 2);
    persist(world);
    struct finding_list cut = {.items = findings, .count = 1, .dropped = 1};
    struct ledger_callbacks callbacks = {.on_change = on_change, .exists = exists, .userdata = world};
    (void) ledger_update(world->ledger, &cut, world->now, &callbacks);
    assert_int_equal(world->resolved + world->dropped, 0);
    assert_int_equal(published(world), 2);
    cut.dropped = 0;
    (void) ledger_update(world->ledger, &cut, world->now, &callbacks);
    assert_int_equal(world->resolved, 1);
}

int main(void)
{
#define LEDGER_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(goes_from_status_to_event_to_end),
        LEDGER_TEST(waits_for_room),
        LEDGER_TEST(an_end_that_was_logged_is_said_whatever_becomes_of_the_object),
        LEDGER_TEST(says_no_end_of_what_goes_on_with_others),
        LEDGER_TEST(says_the_end_of_one_of_two_objects),
        LEDGER_TEST(what_returns_soon_has_to_last),
        LEDGER_TEST(keeps_what_a_cut_list_leaves_out),
        LEDGER_TEST(holds_as_long_as_told),
        LEDGER_TEST(a_hold_that_the_object_tells_counts),
        LEDGER_TEST(an_interrupted_hold_begins_anew),
        LEDGER_TEST(what_ended_before_it_was_sent_was_never_said),
        LEDGER_TEST(what_was_sent_is_said_even_if_it_ended),
        LEDGER_TEST(an_end_that_nobody_heard_of_is_taken_back),
        LEDGER_TEST(a_second_spell_is_another_one),
        LEDGER_TEST(a_moment_has_its_own_time_and_ends_silently),
        LEDGER_TEST(an_occurrence_that_is_no_moment_is_resolved),
        LEDGER_TEST(a_moment_from_the_status_ends_silently),
        LEDGER_TEST(the_object_stays_until_the_event_is_there),
        LEDGER_TEST(a_deleted_object_and_a_user_that_left_it_out_end_silently),
        LEDGER_TEST(what_cannot_be_told_stands),
        LEDGER_TEST(what_another_watches_over_goes_silently),
        LEDGER_TEST(a_restart_repeats_nothing_and_forgets_nothing),
        LEDGER_TEST(a_restart_says_what_was_not_said),
        LEDGER_TEST(a_restart_finishes_an_end),
        LEDGER_TEST(what_nobody_could_have_written_is_left),
        LEDGER_TEST(names_of_events_are_subdomains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
