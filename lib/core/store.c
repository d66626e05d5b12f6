#include "proget/core/store.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "hash_table.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include <utlist.h>

enum {
    STORE_LISTENERS = 4,
    STORE_KEY_SIZE = 1024, /* "namespace/name" with its terminator; an API server allows 63 + 1 + 253 */
};

struct namespace_rows;

struct row {
    struct store_entry entry; /* first, so that an entry's address is its row's */
    UT_hash_handle hh;        /* in struct table */
    struct namespace_rows *home;
    struct row *next; /* in `home` */
    struct row *prev;
    char key[];
};

/* The rows of one namespace; it exists while it has rows. Cluster-scoped objects are under "". */
struct namespace_rows {
    UT_hash_handle hh;
    struct row *rows;
    char name[];
};

struct table {
    struct row *rows;
    struct namespace_rows *namespaces;
};

struct listener {
    store_change_fn *on_change;
    void *userdata;
};

struct store {
    const struct record_type *type;
    struct table live;
    bool is_filled;
    char **replaced; /* namespaces that were replaced once; "" for a replacement of everything */
    size_t replaced_count;
    struct listener listeners[STORE_LISTENERS];
    size_t listener_count;
};

struct store_replacement {
    struct store *store;
    char *namespace_name; /* NULL: everything */
    struct table aside;
};

/* A difference that is to be told; `before` has left the store and is freed afterwards. */
struct change {
    struct row *before;
    struct row *after;
};

static const struct record_field object_owner_fields[] = {
    {"apiVersion", RECORD_TEXT, offsetof(struct object_owner, api_version), NULL, NULL},
    {"kind", RECORD_TEXT, offsetof(struct object_owner, kind), NULL, NULL},
    {"name", RECORD_TEXT, offsetof(struct object_owner, name), NULL, NULL},
    {"uid", RECORD_TEXT, offsetof(struct object_owner, uid), NULL, NULL},
    {"controller", RECORD_BOOL, offsetof(struct object_owner, controller), NULL, NULL},
};
const struct record_type object_owner_type = RECORD_TYPE("owner reference", struct object_owner, object_owner_fields);

/* --- rows and tables --- */

/* Takes over `record`. The entry's key lives as long as the row. */
static struct row *row_new(const char *key, void *record, uint64_t hash, int64_t now_ms)
{
    size_t size = strlen(key) + 1;
    struct row *row = xmalloc(sizeof(*row) + size);
    memset(row, 0, sizeof(*row));
    memcpy(row->key, key, size);
    row->entry = (struct store_entry){.object = record, .key = row->key, .hash = hash, .changed_ms = now_ms};
    return row;
}

static void row_free(struct row *row)
{
    if (row != NULL) {
        free((void *) row->entry.object);
        free(row);
    }
}

static struct row *table_find(const struct table *table, const char *key)
{
    struct row *row = NULL;
    HASH_FIND(hh, table->rows, key, strlen(key), row);
    return row;
}

static struct namespace_rows *table_namespace(const struct table *table, const char *name, size_t length)
{
    struct namespace_rows *found = NULL;
    HASH_FIND(hh, table->namespaces, name, length, found);
    return found;
}

static void table_attach(struct table *table, struct row *row)
{
    const char *slash = strchr(row->key, '/');
    size_t length = slash == NULL ? 0 : (size_t) (slash - row->key);
    struct namespace_rows *home = table_namespace(table, row->key, length);
    if (home == NULL) {
        home = xmalloc(sizeof(*home) + length + 1);
        memset(home, 0, sizeof(*home));
        memcpy(home->name, row->key, length);
        home->name[length] = '\0';
        HASH_ADD_KEYPTR(hh, table->namespaces, home->name, length, home);
    }
    row->home = home;
    DL_APPEND(home->rows, row);
    HASH_ADD_KEYPTR(hh, table->rows, row->key, strlen(row->key), row);
}

static void table_detach(struct table *table, struct row *row)
{
    struct namespace_rows *home = row->home;
    HASH_DELETE(hh, table->rows, row);
    assert(table->rows != row);
    DL_DELETE(home->rows, row);
    row->home = NULL;
    if (home->rows == NULL) {
        HASH_DELETE(hh, table->namespaces, home);
        free(home);
    }
}

static void table_clear(struct table *table)
{
    while (table->rows != NULL) {
        struct row *row = table->rows;
        table_detach(table, row);
        row_free(row);
    }
}

/* --- the store --- */

struct store *store_new(const struct record_type *type)
{
    assert(type->size >= sizeof(struct object_meta));
    struct store *store = xcalloc(1, sizeof(*store));
    store->type = type;
    return store;
}

void store_free(struct store *store)
{
    if (store == NULL) {
        return;
    }
    table_clear(&store->live);
    for (size_t i = 0; i < store->replaced_count; i++) {
        free(store->replaced[i]);
    }
    free(store->replaced);
    free(store);
}

void store_listen(struct store *store, store_change_fn *on_change, void *userdata)
{
    assert(store->listener_count < STORE_LISTENERS);
    store->listeners[store->listener_count++] = (struct listener){.on_change = on_change, .userdata = userdata};
}

static void store_tell(const struct store *store, const struct row *before, const struct row *after)
{
    for (size_t i = 0; i < store->listener_count; i++) {
        store->listeners[i].on_change(before == NULL ? NULL : &before->entry, after == NULL ? NULL : &after->entry,
                                      store->listeners[i].userdata);
    }
}

/* Another object under the same name is a removal and an addition. */
static void store_tell_change(const struct store *store, const struct change *change)
{
    if (change->before != NULL && change->after != NULL &&
        !text_equal(change->before->entry.object->uid, change->after->entry.object->uid)) {
        store_tell(store, change->before, NULL);
        store_tell(store, NULL, change->after);
    } else {
        store_tell(store, change->before, change->after);
    }
}

/* What a row inherits from the one that it replaces. */
static void store_mark_row(const struct row *before, struct row *after, bool is_change)
{
    bool is_same_object = before != NULL && text_equal(before->entry.object->uid, after->entry.object->uid);
    after->entry.seen_in_first_replace = is_same_object && before->entry.seen_in_first_replace;
    after->entry.changed_since = is_change;
}

/* --- one object --- */

static int key_write(const char *namespace_name, const char *name, char key[STORE_KEY_SIZE])
{
    bool has_namespace = !text_is_empty(namespace_name);
    if (text_is_empty(name) || strchr(name, '/') != NULL || (has_namespace && strchr(namespace_name, '/') != NULL)) {
        return ERROR_BAD_INPUT;
    }
    int length =
        snprintf(key, STORE_KEY_SIZE, "%s%s%s", has_namespace ? namespace_name : "", has_namespace ? "/" : "", name);
    return length < 0 || length >= STORE_KEY_SIZE ? ERROR_BAD_INPUT : 0;
}

static int key_of_object(struct json_object *object, char key[STORE_KEY_SIZE])
{
    return key_write(json_text_at(object, "metadata.namespace", NULL), json_text_at(object, "metadata.name", NULL),
                     key);
}

static void live_remove(struct store *store, const char *key)
{
    struct row *row = table_find(&store->live, key);
    if (row != NULL) {
        table_detach(&store->live, row);
        store_tell(store, row, NULL);
        row_free(row);
    }
}

void store_remove(struct store *store, struct json_object *object)
{
    char key[STORE_KEY_SIZE];
    if (key_of_object(object, key) == 0) {
        live_remove(store, key);
    }
}

static int upsert_live(struct store *store, const char *key, void *record, uint64_t hash, int64_t now_ms)
{
    struct row *before = table_find(&store->live, key);
    assert(record != NULL);
    if (before != NULL && before->entry.hash == hash) {
        free(record);
        return 0;
    }
    struct change change = {.before = before, .after = row_new(key, record, hash, now_ms)};
    store_mark_row(before, change.after, store->is_filled);
    if (before != NULL) {
        table_detach(&store->live, before);
    }
    table_attach(&store->live, change.after);
    store_tell_change(store, &change);
    row_free(before);
    return 1;
}

/*
 * What equals the live row is not kept twice: its row aside has no record, and the commit moves the live row over. So a
 * replacement that changes little needs little memory. The live rows cannot change while it is open.
 */
static int upsert_aside(struct store_replacement *replacement, const char *key, void *record, uint64_t hash,
                        int64_t now_ms)
{
    const struct row *live = table_find(&replacement->store->live, key);
    bool is_same = live != NULL && live->entry.hash == hash;
    if (is_same) {
        free(record);
        record = NULL;
    }
    struct row *row = table_find(&replacement->aside, key);
    if (row == NULL) {
        table_attach(&replacement->aside, row_new(key, record, hash, now_ms));
    } else {
        free((void *) row->entry.object);
        row->entry.object = record;
        row->entry.hash = hash;
        row->entry.changed_ms = now_ms;
    }
    return is_same ? 0 : 1;
}

/* The key and record of an object. Returns 0 or an error; the key is written wherever the object has a usable name. */
static int object_read(const struct store *store, struct json_object *object, char key[STORE_KEY_SIZE],
                       void **ret_record, uint64_t *ret_hash, struct error *err)
{
    key[0] = '\0';
    if (key_of_object(object, key) < 0) {
        key[0] = '\0';
        return error_set(err, ERROR_BAD_INPUT, "%s without a usable name", store->type->name);
    }
    return record_fill(store->type, object, ret_record, ret_hash, err);
}

int store_upsert(struct store *store, struct json_object *object, struct instant now, struct error *err)
{
    char key[STORE_KEY_SIZE];
    void *record = NULL;
    uint64_t hash = 0;
    int result = object_read(store, object, key, &record, &hash, err);
    if (result < 0) {
        live_remove(store, key);
        return result;
    }
    return upsert_live(store, key, record, hash, now.monotonic_ms);
}

/* --- replacement --- */

static const char *scope_name(const struct store_replacement *replacement)
{
    return replacement->namespace_name == NULL ? "" : replacement->namespace_name;
}

/* Whether it is the first of its namespace; notes that it was. */
static bool take_first(struct store_replacement *replacement)
{
    struct store *store = replacement->store;
    for (size_t i = 0; i < store->replaced_count; i++) {
        if (text_equal(store->replaced[i], scope_name(replacement))) {
            return false;
        }
    }
    store->replaced = xrealloc(store->replaced, store->replaced_count + 1, sizeof(*store->replaced));
    store->replaced[store->replaced_count++] = xstrdup(scope_name(replacement));
    return true;
}

struct store_replacement *store_replace_begin(struct store *store, const char *namespace_name)
{
    struct store_replacement *replacement = xcalloc(1, sizeof(*replacement));
    replacement->store = store;
    replacement->namespace_name = xstrdup(namespace_name);
    return replacement;
}

void store_replace_abort(struct store_replacement *replacement)
{
    if (replacement == NULL) {
        return;
    }
    table_clear(&replacement->aside);
    free(replacement->namespace_name);
    free(replacement);
}

static void aside_remove(struct store_replacement *replacement, const char *key)
{
    struct row *row = table_find(&replacement->aside, key);
    if (row != NULL) {
        table_detach(&replacement->aside, row);
        row_free(row);
    }
}

int store_replace_upsert(struct store_replacement *replacement, struct json_object *object, struct instant now,
                         struct error *err)
{
    char key[STORE_KEY_SIZE];
    void *record = NULL;
    uint64_t hash = 0;
    int result = object_read(replacement->store, object, key, &record, &hash, err);
    if (result < 0) {
        aside_remove(replacement, key);
        return result;
    }
    return upsert_aside(replacement, key, record, hash, now.monotonic_ms);
}

void store_replace_remove(struct store_replacement *replacement, struct json_object *object)
{
    char key[STORE_KEY_SIZE];
    if (key_of_object(object, key) == 0) {
        aside_remove(replacement, key);
    }
}

static struct row *live_first(const struct store_replacement *replacement)
{
    const struct store *store = replacement->store;
    if (replacement->namespace_name == NULL) {
        return store->live.rows;
    }
    struct namespace_rows *home =
        table_namespace(&store->live, replacement->namespace_name, strlen(replacement->namespace_name));
    return home == NULL ? NULL : home->rows;
}

/* Takes what is gone out of the live table. Returns how many. */
static size_t collect_gone(struct store_replacement *replacement, struct change *changes)
{
    size_t count = 0;
    struct row *following = NULL;
    for (struct row *row = live_first(replacement); row != NULL; row = following) {
        following = replacement->namespace_name == NULL ? row->hh.next : row->next;
        if (table_find(&replacement->aside, row->key) == NULL) {
            table_detach(&replacement->store->live, row);
            changes[count++] = (struct change){.before = row};
        }
    }
    return count;
}

/* Moves what is new or another from aside into the live table. Returns how many. */
static size_t collect_new(struct store_replacement *replacement, struct change *changes)
{
    struct store *store = replacement->store;
    bool is_first = take_first(replacement);
    size_t count = 0;
    while (replacement->aside.rows != NULL) {
        struct row *row = replacement->aside.rows;
        struct row *before = table_find(&store->live, row->key);
        table_detach(&replacement->aside, row);
        assert(replacement->aside.rows != row);
        if (row->entry.object == NULL) {
            assert(before != NULL);
            row_free(row);
            continue;
        }
        if (before != NULL) {
            table_detach(&store->live, before);
        }
        store_mark_row(before, row, !is_first);
        row->entry.seen_in_first_replace = row->entry.seen_in_first_replace || is_first;
        table_attach(&store->live, row);
        changes[count++] = (struct change){.before = before, .after = row};
    }
    return count;
}

void store_replace_commit(struct store_replacement *replacement)
{
    struct store *store = replacement->store;
    size_t most = (size_t) HASH_COUNT(store->live.rows) + HASH_COUNT(replacement->aside.rows);
    cleanup_free struct change *changes = xcalloc(most + 1, sizeof(*changes));
    size_t count = collect_gone(replacement, changes);
    count += collect_new(replacement, changes + count);
    store->is_filled = true;
    store_replace_abort(replacement);
    for (size_t i = 0; i < count; i++) {
        store_tell_change(store, &changes[i]);
    }
    for (size_t i = 0; i < count; i++) {
        row_free(changes[i].before);
    }
}

void store_forget(struct store *store, const char *namespace_name)
{
    store_replace_commit(store_replace_begin(store, namespace_name));
    const char *scope = namespace_name == NULL ? "" : namespace_name;
    for (size_t i = 0; i < store->replaced_count; i++) {
        if (text_equal(store->replaced[i], scope)) {
            free(store->replaced[i]);
            store->replaced[i] = store->replaced[--store->replaced_count];
        }
    }
    store->is_filled = store->replaced_count > 0;
}

bool store_is_filled(const struct store *store)
{
    return store->is_filled;
}

void store_mark_filled(struct store *store)
{
    store->is_filled = true;
}

/* --- reading --- */

size_t store_count(const struct store *store)
{
    return HASH_COUNT(store->live.rows);
}

static const struct store_entry *row_entry(const struct row *row)
{
    return row == NULL ? NULL : &row->entry;
}

const struct store_entry *store_get(const struct store *store, const char *namespace_name, const char *name)
{
    char key[STORE_KEY_SIZE];
    return key_write(namespace_name, name, key) < 0 ? NULL : row_entry(table_find(&store->live, key));
}

const struct store_entry *store_first(const struct store *store, const char *namespace_name)
{
    if (namespace_name == NULL) {
        return row_entry(store->live.rows);
    }
    const struct namespace_rows *home = table_namespace(&store->live, namespace_name, strlen(namespace_name));
    return home == NULL ? NULL : row_entry(home->rows);
}

const struct store_entry *store_next(const struct store *store, const char *namespace_name,
                                     const struct store_entry *at)
{
    (void) store;
    const struct row *row = (const struct row *) (const void *) at;
    return row_entry(namespace_name == NULL ? row->hh.next : row->next);
}
