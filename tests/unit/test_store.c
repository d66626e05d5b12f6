#include "proget/core/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

struct thing {
    struct object_meta meta;
    const char *color;
};
static const struct record_field thing_fields[] = {
    OBJECT_META_FIELDS(struct thing),
    {"spec.color", RECORD_TEXT, offsetof(struct thing, color), NULL, NULL},
};
static const struct record_type thing_type = RECORD_TYPE("Thing", struct thing, thing_fields);

/* What the listener heard, one word per call: "+ns/name:color", "-ns/name:color", "~ns/name:old>new". */
struct fixture {
    struct store *store;
    struct store_replacement *open; /* upsert() and removal() act there while there is one */
    struct buffer heard;
    size_t count_seen; /* of the store, at the last call */
};

static const char *color_of(const struct store_entry *entry)
{
    const char *color = ((const struct thing *) (const void *) entry->object)->color;
    return color == NULL ? "none" : color;
}

static void listen(const struct store_entry *before, const struct store_entry *after, void *userdata)
{
    struct fixture *fixture = userdata;
    const char *gap = fixture->heard.length == 0 ? "" : " ";
    if (before != NULL && after != NULL) {
        assert_string_equal(before->key, after->key);
        buffer_appendf(&fixture->heard, "%s~%s:%s>%s", gap, after->key, color_of(before), color_of(after));
    } else {
        const struct store_entry *entry = before == NULL ? after : before;
        assert_non_null(entry);
        buffer_appendf(&fixture->heard, "%s%s%s:%s", gap, before == NULL ? "+" : "-", entry->key, color_of(entry));
    }
    if (after != NULL) { /* the store is in its new state already */
        const struct object_meta *meta = after->object;
        assert_ptr_equal(store_get(fixture->store, meta->namespace_name, meta->name), after);
    }
    fixture->count_seen = store_count(fixture->store);
}

static void assert_heard(struct fixture *fixture, const char *expected)
{
    assert_string_equal(buffer_text(&fixture->heard), expected);
    buffer_reset(&fixture->heard, SIZE_MAX);
}

static int setup(void **state)
{
    struct fixture *fixture = xcalloc(1, sizeof(*fixture));
    fixture->store = store_new(&thing_type);
    fixture->heard = BUFFER_INIT((size_t) 64 * 1024);
    store_listen(fixture->store, listen, fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    store_replace_abort(fixture->open);
    store_replace_abort(NULL);
    store_free(fixture->store);
    store_free(NULL);
    buffer_free(&fixture->heard);
    free(fixture);
    return 0;
}

static struct json_object *thing_new(const char *namespace_name, const char *name, const char *uid, const char *color)
{
    struct json_object *object = json_object_new_object();
    struct json_object *meta = json_add_object(object, "metadata");
    json_add_text(meta, "namespace", namespace_name);
    json_add_text(meta, "name", name);
    json_add_text(meta, "uid", uid);
    json_add_text(json_add_object(object, "spec"), "color", color);
    return object;
}

static int upsert(struct fixture *fixture, const char *namespace_name, const char *name, const char *uid,
                  const char *color, int64_t now_ms)
{
    cleanup_json struct json_object *object = thing_new(namespace_name, name, uid, color);
    struct error err = {0};
    struct instant now = {.monotonic_ms = now_ms};
    int result = fixture->open ? store_replace_upsert(fixture->open, object, now, &err)
                               : store_upsert(fixture->store, object, now, &err);
    if (result < 0) {
        fail_msg("%s", err.text);
    }
    return result;
}

static void removal(struct fixture *fixture, const char *namespace_name, const char *name)
{
    cleanup_json struct json_object *object = thing_new(namespace_name, name, NULL, NULL);
    if (fixture->open) {
        store_replace_remove(fixture->open, object);
    } else {
        store_remove(fixture->store, object);
    }
}

static void begin(struct fixture *fixture, const char *namespace_name)
{
    fixture->open = store_replace_begin(fixture->store, namespace_name);
}

static void commit(struct fixture *fixture)
{
    store_replace_commit(fixture->open);
    fixture->open = NULL;
}

static void adds_changes_and_removes(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(upsert(fixture, "ns", "a", "1", "red", 10), 1);
    assert_heard(fixture, "+ns/a:red");
    const struct store_entry *entry = store_get(fixture->store, "ns", "a");
    const struct object_meta *record = entry->object;
    const char *key = entry->key;
    assert_string_equal(key, "ns/a");
    assert_int_equal(entry->changed_ms, 10);
    assert_false(entry->changed_since || entry->seen_in_first_replace);

    assert_int_equal(upsert(fixture, "ns", "a", "1", "red", 20), 0); /* nothing that is read changed */
    assert_heard(fixture, "");
    assert_ptr_equal(store_get(fixture->store, "ns", "a"), entry);
    assert_ptr_equal(entry->object, record);
    assert_ptr_equal(entry->key, key);
    assert_int_equal(entry->changed_ms, 10);

    assert_int_equal(upsert(fixture, NULL, "a", "2", "blue", 30), 1); /* cluster-scoped, another object */
    assert_int_equal(upsert(fixture, "ns", "b", "3", NULL, 30), 1);
    assert_int_equal(upsert(fixture, "ns", "a", "1", "green", 40), 1);
    assert_heard(fixture, "+a:blue +ns/b:none ~ns/a:red>green");
    assert_int_equal(store_get(fixture->store, "ns", "a")->changed_ms, 40);
    assert_int_equal(store_count(fixture->store), 3);

    removal(fixture, "ns", "a");
    removal(fixture, "ns", "a");
    removal(fixture, "elsewhere", "a");
    assert_heard(fixture, "-ns/a:green");
    assert_int_equal(fixture->count_seen, 2);
    assert_null(store_get(fixture->store, "ns", "a"));
    assert_string_equal(color_of(store_get(fixture->store, NULL, "a")), "blue");
    assert_null(store_get(fixture->store, NULL, "b"));
}

static void another_uid_is_another_object(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture, NULL);
    upsert(fixture, "ns", "a", "1", "red", 10);
    commit(fixture);
    assert_heard(fixture, "+ns/a:red");
    assert_true(store_get(fixture->store, "ns", "a")->seen_in_first_replace);
    assert_int_equal(upsert(fixture, "ns", "a", "2", "red", 20), 1);
    assert_heard(fixture, "-ns/a:red +ns/a:red");
    assert_false(store_get(fixture->store, "ns", "a")->seen_in_first_replace);

    begin(fixture, NULL);
    upsert(fixture, "ns", "a", "3", "green", 30);
    commit(fixture);
    assert_heard(fixture, "-ns/a:red +ns/a:green");
}

static void unreadable_objects_are_unknown(void **state)
{
    struct fixture *fixture = *state;
    upsert(fixture, "ns", "a", "1", "red", 10);
    assert_heard(fixture, "+ns/a:red");
    cleanup_json struct json_object *broken = thing_new("ns", "a", "1", "red");
    json_object_object_add(json_member(broken, "spec"), "color", json_object_new_int(5));
    struct error err = {0};
    struct instant now = {.monotonic_ms = 20};
    assert_int_equal(store_upsert(fixture->store, broken, now, &err), ERROR_BAD_INPUT);
    assert_string_equal(err.text, "Thing ns/a: spec.color is not a text");
    assert_heard(fixture, "-ns/a:red");
    assert_int_equal(store_count(fixture->store), 0);

    begin(fixture, NULL);
    upsert(fixture, "ns", "a", "1", "red", 10);
    assert_int_equal(store_replace_upsert(fixture->open, broken, now, &err), ERROR_BAD_INPUT);
    commit(fixture);
    assert_heard(fixture, "");
    assert_int_equal(store_count(fixture->store), 0);
}

static void refuses_names_that_make_no_key(void **state)
{
    struct fixture *fixture = *state;
    char *long_name = xmalloc(2000);
    memset(long_name, 'x', 1999);
    long_name[1999] = '\0';
    const struct {
        const char *namespace_name, *name;
    } cases[] = {{"ns", NULL}, {"ns", ""}, {NULL, NULL}, {"a/b", "c"}, {"a", "b/c"}, {NULL, "a/b"}, {"ns", long_name}};
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_json struct json_object *object = thing_new(cases[i].namespace_name, cases[i].name, "1", "red");
        struct error err = {0};
        assert_int_equal(store_upsert(fixture->store, object, (struct instant){0}, &err), ERROR_BAD_INPUT);
        assert_string_equal(err.text, "Thing without a usable name");
        store_remove(fixture->store, object);
    }
    assert_null(store_get(fixture->store, "ns", long_name));
    assert_int_equal(store_count(fixture->store), 0);
    assert_heard(fixture, "");
    free(long_name);
}

static void replaces_at_once(void **state)
{
    struct fixture *fixture = *state;
    upsert(fixture, "ns", "gone", "1", "red", 10);
    upsert(fixture, "ns", "same", "2", "red", 10);
    upsert(fixture, "ns", "changed", "3", "red", 10);
    assert_heard(fixture, "+ns/gone:red +ns/same:red +ns/changed:red");
    const struct store_entry *same = store_get(fixture->store, "ns", "same");
    const struct object_meta *record = same->object;
    assert_false(store_is_filled(fixture->store));

    begin(fixture, NULL);
    assert_int_equal(upsert(fixture, "ns", "changed", "3", "blue", 20), 1);
    assert_int_equal(upsert(fixture, "ns", "same", "2", "red", 20), 0);
    assert_int_equal(upsert(fixture, "other", "new", "4", "red", 20), 1);
    assert_int_equal(upsert(fixture, "ns", "passing", "5", "red", 20), 1);
    removal(fixture, "ns", "passing");
    removal(fixture, "ns", "gone");
    assert_heard(fixture, ""); /* nothing is visible yet */
    assert_int_equal(store_count(fixture->store), 3);
    assert_string_equal(color_of(store_get(fixture->store, "ns", "changed")), "red");
    assert_null(store_get(fixture->store, "other", "new"));

    commit(fixture);
    assert_heard(fixture, "-ns/gone:red ~ns/changed:red>blue +other/new:red");
    assert_true(store_is_filled(fixture->store));
    assert_int_equal(store_count(fixture->store), 3);
    assert_ptr_equal(store_get(fixture->store, "ns", "same"), same);
    assert_ptr_equal(same->object, record);
    assert_int_equal(same->changed_ms, 10);
    assert_int_equal(store_get(fixture->store, "ns", "changed")->changed_ms, 20);
    assert_null(store_get(fixture->store, "ns", "gone"));
    assert_null(store_get(fixture->store, "ns", "passing"));
}

static void last_word_aside_counts(void **state)
{
    struct fixture *fixture = *state;
    upsert(fixture, "ns", "a", "1", "red", 10);
    upsert(fixture, "ns", "b", "1", "red", 10);
    buffer_reset(&fixture->heard, 0);
    begin(fixture, NULL);
    upsert(fixture, "ns", "a", "1", "red", 20); /* same, then not */
    upsert(fixture, "ns", "a", "1", "blue", 21);
    upsert(fixture, "ns", "b", "1", "blue", 20); /* not the same, then the same */
    upsert(fixture, "ns", "b", "1", "red", 21);
    commit(fixture);
    assert_heard(fixture, "~ns/a:red>blue");
    assert_int_equal(store_get(fixture->store, "ns", "a")->changed_ms, 21);
    assert_int_equal(store_get(fixture->store, "ns", "b")->changed_ms, 10);
}

static void abandoned_replacements_leave_no_trace(void **state)
{
    struct fixture *fixture = *state;
    upsert(fixture, "ns", "a", "1", "red", 10);
    begin(fixture, NULL);
    upsert(fixture, "ns", "b", "2", "red", 20);
    store_replace_abort(fixture->open);
    begin(fixture, NULL);
    upsert(fixture, "ns", "c", "3", "red", 20);
    store_replace_abort(fixture->open);
    fixture->open = NULL;
    assert_int_equal(store_count(fixture->store), 1);
    upsert(fixture, "ns", "d", "4", "red", 20);
    assert_heard(fixture, "+ns/a:red +ns/d:red");
    assert_false(store_is_filled(fixture->store));

    begin(fixture, NULL);
    commit(fixture); /* an empty one empties the store */
    assert_heard(fixture, "-ns/a:red -ns/d:red");
    assert_int_equal(store_count(fixture->store), 0);
    begin(fixture, NULL);
    upsert(fixture, "ns", "e", "5", "red", 20); /* still open: freed by the teardown */
}

static void replaces_one_namespace_and_leaves_the_others(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture, "one");
    struct store_replacement *one = fixture->open;
    upsert(fixture, "one", "a", "1", "red", 10);
    begin(fixture, "two"); /* two are open at once, as two watches would have them */
    upsert(fixture, "two", "a", "2", "red", 10);
    commit(fixture);
    assert_heard(fixture, "+two/a:red");
    fixture->open = one;
    commit(fixture);
    assert_heard(fixture, "+one/a:red");
    assert_true(store_get(fixture->store, "one", "a")->seen_in_first_replace); /* the first of its namespace */
    assert_false(store_get(fixture->store, "one", "a")->changed_since);

    begin(fixture, "one");
    upsert(fixture, "one", "b", "3", "red", 20);
    commit(fixture);
    assert_heard(fixture, "-one/a:red +one/b:red");
    assert_true(store_get(fixture->store, "one", "b")->changed_since);
    assert_non_null(store_get(fixture->store, "two", "a"));
}

static void knows_what_was_loaded_and_what_changed(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture, NULL);
    upsert(fixture, "ns", "a", "1", "red", 10);
    upsert(fixture, "ns", "b", "2", "red", 10);
    commit(fixture);
    const struct store_entry *entry = store_get(fixture->store, "ns", "a");
    assert_true(entry->seen_in_first_replace);
    assert_false(entry->changed_since);

    upsert(fixture, "ns", "a", "1", "blue", 20);
    entry = store_get(fixture->store, "ns", "a");
    assert_true(entry->seen_in_first_replace && entry->changed_since);
    upsert(fixture, "ns", "c", "3", "red", 20);
    entry = store_get(fixture->store, "ns", "c");
    assert_false(entry->seen_in_first_replace);
    assert_true(entry->changed_since);

    begin(fixture, NULL);
    upsert(fixture, "ns", "a", "1", "blue", 30);
    upsert(fixture, "ns", "b", "2", "blue", 30);
    upsert(fixture, "ns", "c", "3", "red", 30);
    upsert(fixture, "ns", "d", "4", "red", 30);
    commit(fixture);
    entry = store_get(fixture->store, "ns", "a");
    assert_true(entry->seen_in_first_replace && entry->changed_since && entry->changed_ms == 20);
    entry = store_get(fixture->store, "ns", "b");
    assert_true(entry->seen_in_first_replace && entry->changed_since && entry->changed_ms == 30);
    entry = store_get(fixture->store, "ns", "d");
    assert_true(!entry->seen_in_first_replace && entry->changed_since);
}

/* What comes back after nobody could look was not seen to change. */
static void what_was_forgotten_is_loaded_anew(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture, "one");
    upsert(fixture, "one", "a", "1", "red", 10);
    commit(fixture);
    begin(fixture, "two");
    upsert(fixture, "two", "b", "2", "red", 10);
    commit(fixture);
    assert_heard(fixture, "+one/a:red +two/b:red");
    store_forget(fixture->store, "one");
    assert_heard(fixture, "-one/a:red");
    assert_true(store_is_filled(fixture->store));
    begin(fixture, "one");
    upsert(fixture, "one", "a", "1", "red", 20);
    commit(fixture);
    assert_true(store_get(fixture->store, "one", "a")->seen_in_first_replace);
    assert_false(store_get(fixture->store, "one", "a")->changed_since);
    store_forget(fixture->store, "three"); /* never was filled: the next one is still its first */
    begin(fixture, "three");
    upsert(fixture, "three", "c", "3", "red", 20);
    commit(fixture);
    assert_false(store_get(fixture->store, "three", "c")->changed_since);
    store_forget(fixture->store, "one");
    store_forget(fixture->store, "two");
    store_forget(fixture->store, "three");
    assert_false(store_is_filled(fixture->store));
}

static void offline_input_is_loaded_not_changed(void **state)
{
    struct fixture *fixture = *state;
    upsert(fixture, "ns", "a", "1", "red", 10);
    store_mark_filled(fixture->store);
    assert_true(store_is_filled(fixture->store));
    assert_false(store_get(fixture->store, "ns", "a")->changed_since);
}

static void walks_all_or_one_namespace(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 300; i++) {
        char namespace_name[32], name[32];
        snprintf(namespace_name, sizeof(namespace_name), "ns-%d", i % 3);
        snprintf(name, sizeof(name), "thing-%d", i);
        upsert(fixture, namespace_name, name, "1", "red", 10);
    }
    upsert(fixture, NULL, "ns-1", "1", "red", 10); /* cluster-scoped, named like a namespace */
    removal(fixture, "ns-1", "thing-1");

    size_t all = 0, pairs = 0;
    for (const struct store_entry *at = store_first(fixture->store, NULL); at != NULL;
         at = store_next(fixture->store, NULL, at)) {
        all++;
        if (all <= 3) { /* walks nest */
            for (const struct store_entry *inner = store_first(fixture->store, "ns-1"); inner != NULL;
                 inner = store_next(fixture->store, "ns-1", inner)) {
                assert_string_equal(inner->object->namespace_name, "ns-1");
                pairs++;
            }
        }
    }
    assert_int_equal(all, 300);
    assert_int_equal(pairs, 3 * 99);
    assert_null(store_first(fixture->store, "ns-9"));
    const struct store_entry *cluster_scoped = store_first(fixture->store, "");
    assert_string_equal(cluster_scoped->key, "ns-1");
    assert_null(store_next(fixture->store, "", cluster_scoped));
    for (int i = 1; i < 300; i += 3) {
        char name[32];
        snprintf(name, sizeof(name), "thing-%d", i);
        removal(fixture, "ns-1", name);
    }
    assert_null(store_first(fixture->store, "ns-1"));
    assert_int_equal(store_count(fixture->store), 201);
}

static size_t second_calls;

static void listen_second(const struct store_entry *before, const struct store_entry *after, void *userdata)
{
    (void) before;
    (void) after;
    assert_null(userdata);
    second_calls++;
}

static void tells_each_listener(void **state)
{
    struct fixture *fixture = *state;
    second_calls = 0;
    store_listen(fixture->store, listen_second, NULL);
    upsert(fixture, "ns", "a", "1", "red", 10);
    upsert(fixture, "ns", "a", "1", "blue", 10);
    removal(fixture, "ns", "a");
    assert_int_equal(second_calls, 3);
    assert_heard(fixture, "+ns/a:red ~ns/a:red>blue -ns/a:blue");
}

static void reads_the_common_fields(void **state)
{
    struct fixture *fixture = *state;
    const char *text = "{\"apiVersion\":\"v1\",\"kind\":\"Thing\",\"metadata\":{\"namespace\":\"ns\",\"name\":\"a\","
                       "\"uid\":\"u\",\"creationTimestamp\":\"2026-11-22T07:00:00Z\",\"deletionTimestamp\":"
                       "\"2026-11-22T07:00:01Z\",\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":"
                       "\"StatefulSet\",\"name\":\"s\",\"uid\":\"v\",\"controller\":true}]}}";
    cleanup_json struct json_object *object = NULL;
    assert_int_equal(json_parse(text, strlen(text), &object, NULL), 0);
    assert_int_equal(store_upsert(fixture->store, object, (struct instant){0}, NULL), 1);
    const struct object_meta *meta = store_get(fixture->store, "ns", "a")->object;
    assert_string_equal(meta->api_version, "v1");
    assert_string_equal(meta->kind, "Thing");
    assert_string_equal(meta->uid, "u");
    assert_int_equal(meta->deleted_us - meta->created_us, CLOCK_US_PER_SECOND);
    assert_int_equal(meta->owners.count, 1);
    const struct object_owner *owner = meta->owners.items;
    assert_string_equal(owner->api_version, "apps/v1");
    assert_string_equal(owner->kind, "StatefulSet");
    assert_string_equal(owner->name, "s");
    assert_string_equal(owner->uid, "v");
    assert_true(owner->controller);
}

#define store_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(adds_changes_and_removes),
        store_test(another_uid_is_another_object),
        store_test(unreadable_objects_are_unknown),
        store_test(refuses_names_that_make_no_key),
        store_test(replaces_at_once),
        store_test(last_word_aside_counts),
        store_test(abandoned_replacements_leave_no_trace),
        store_test(replaces_one_namespace_and_leaves_the_others),
        store_test(knows_what_was_loaded_and_what_changed),
        store_test(what_was_forgotten_is_loaded_anew),
        store_test(offline_input_is_loaded_not_changed),
        store_test(walks_all_or_one_namespace),
        store_test(tells_each_listener),
        store_test(reads_the_common_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
