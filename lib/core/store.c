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
    struct table aside; /* of the open replacement */
    bool is_replacing;
    bool is_filled;
    struct listener listeners[STORE_LISTENERS];
    size_t listener_count;
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
    table_clear(&store->aside);
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
static void store_mark_row(const struct store *store, const struct row *before, struct row *after)
{
    bool is_same_object = before != NULL && text_equal(before->entry.object->uid, after->entry.object->uid);
    after->entry.seen_in_first_replace = is_same_object && before->entry.seen_in_first_replace;
    after->entry.changed_since = store->is_filled;
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

static void store_remove_key(struct store *store, const char *key)
{
    struct table *table = store->is_replacing ? &store->aside : &store->live;
    struct row *row = table_find(table, key);
    if (row == NULL) {
        return;
    }
    table_detach(table, row);
    if (!store->is_replacing) {
        store_tell(store, row, NULL);
    }
    row_free(row);
}

void store_remove(struct store *store, struct json_object *object)
{
    char key[STORE_KEY_SIZE];
    if (key_of_object(object, key) == 0) {
        store_remove_key(store, key);
    }
}

static int upsert_live(struct store *store, const char *key, void *record, uint64_t hash, int64_t now_ms)
{
    struct row *before = table_find(&store->live, key);
    if (before != NULL && before->entry.hash == hash) {
        free(record);
        return 0;
    }
    struct change change = {.before = before, .after = row_new(key, record, hash, now_ms)};
    store_mark_row(store, before, change.after);
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
static int upsert_aside(struct store *store, const char *key, void *record, uint64_t hash, int64_t now_ms)
{
    const struct row *live = table_find(&store->live, key);
    bool is_same = live != NULL && live->entry.hash == hash;
    if (is_same) {
        free(record);
        record = NULL;
    }
    struct row *row = table_find(&store->aside, key);
    if (row == NULL) {
        table_attach(&store->aside, row_new(key, record, hash, now_ms));
    } else {
        free((void *) row->entry.object);
        row->entry.object = record;
        row->entry.hash = hash;
        row->entry.changed_ms = now_ms;
    }
    return is_same ? 0 : 1;
}

int store_upsert(struct store *store, struct json_object *object, struct instant now, struct error *err)
{
    char key[STORE_KEY_SIZE];
    int result = key_of_object(object, key);
    if (result < 0) {
        return error_set(err, ERROR_BAD_INPUT, "%s without a usable name", store->type->name);
    }
    void *record = NULL;
    uint64_t hash = 0;
    result = record_fill(store->type, object, &record, &hash, err);
    if (result < 0) {
        store_remove_key(store, key);
        return result;
    }
    return store->is_replacing ? upsert_aside(store, key, record, hash, now.monotonic_ms)
                               : upsert_live(store, key, record, hash, now.monotonic_ms);
}

/* --- replacement --- */

void store_replace_begin(struct store *store)
{
    store_replace_abort(store);
    store->is_replacing = true;
}

void store_replace_abort(struct store *store)
{
    table_clear(&store->aside);
    store->is_replacing = false;
}

/*
 * Moves everything that stays from the live table, and everything new from aside, into `ret_next`; what then is left
 * in the live table is gone. Rows that leave are collected in `changes`, removals first. Returns their count.
 */
static size_t replace_collect(struct store *store, struct table *ret_next, struct change *changes)
{
    size_t count = 0;
    struct row *row = NULL;
    struct row *following = NULL;
    HASH_ITER(hh, store->live.rows, row, following)
    {
        if (table_find(&store->aside, row->key) == NULL) {
            table_detach(&store->live, row);
            changes[count++] = (struct change){.before = row};
        }
    }
    HASH_ITER(hh, store->aside.rows, row, following)
    {
        struct row *before = table_find(&store->live, row->key);
        if (before != NULL) {
            table_detach(&store->live, before);
        }
        table_detach(&store->aside, row);
        if (row->entry.object == NULL) {
            assert(before != NULL);
            row_free(row);
            table_attach(ret_next, before);
            continue;
        }
        store_mark_row(store, before, row);
        row->entry.seen_in_first_replace = row->entry.seen_in_first_replace || !store->is_filled;
        table_attach(ret_next, row);
        changes[count++] = (struct change){.before = before, .after = row};
    }
    assert(store->live.rows == NULL && store->aside.rows == NULL);
    return count;
}

void store_replace_commit(struct store *store)
{
    assert(store->is_replacing);
    size_t most = (size_t) HASH_COUNT(store->live.rows) + HASH_COUNT(store->aside.rows);
    cleanup_free struct change *changes = xcalloc(most + 1, sizeof(*changes));
    struct table next = {0};
    size_t count = replace_collect(store, &next, changes);
    store->live = next;
    store->is_replacing = false;
    store->is_filled = true;
    for (size_t i = 0; i < count; i++) {
        store_tell_change(store, &changes[i]);
    }
    for (size_t i = 0; i < count; i++) {
        row_free(changes[i].before);
    }
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
