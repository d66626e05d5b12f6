/*
 * The objects of one kind as typed records: the cache that a watch fills (or offline input) and that the model reads.
 *
 * Keys are "namespace/name", or "name" for cluster-scoped kinds. Records are read-only. A replacement is prepared
 * aside and swapped in at once, so no reader ever sees half of one. A change that touches nothing the table reads is
 * no change: nobody is told and the old record stays.
 */
#ifndef PROGET_CORE_STORE_H
#define PROGET_CORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proget/core/clock.h"
#include "proget/core/error.h"
#include "proget/core/json.h"
#include "proget/core/record.h"

struct store;

/* What every stored object has; the first member of every struct a store holds: `struct object_meta meta;` */
struct object_meta {
    const char *api_version; /* empty in items of a list; NULL then */
    const char *kind;
    const char *namespace_name; /* NULL for cluster-scoped objects */
    const char *name;
    const char *uid; /* NULL in manifests that were never applied */
    int64_t created_us;
    int64_t deleted_us;        /* metadata.deletionTimestamp; 0: not terminating */
    struct record_list owners; /* of struct object_owner */
};
struct object_owner {
    const char *api_version;
    const char *kind;
    const char *name;
    const char *uid;
    bool controller;
};
/* The table of the above, for use as a RECORD_OBJECT-less prefix: {"metadata.…", …} rows of every kind's table. */
#define OBJECT_META_FIELDS(struct_type)                                                                       \
    {"apiVersion", RECORD_TEXT, offsetof(struct_type, meta.api_version), NULL, NULL},                         \
        {"kind", RECORD_TEXT, offsetof(struct_type, meta.kind), NULL, NULL},                                  \
        {"metadata.namespace", RECORD_TEXT, offsetof(struct_type, meta.namespace_name), NULL, NULL},          \
        {"metadata.name", RECORD_TEXT, offsetof(struct_type, meta.name), NULL, NULL},                         \
        {"metadata.uid", RECORD_TEXT, offsetof(struct_type, meta.uid), NULL, NULL},                           \
        {"metadata.creationTimestamp", RECORD_TIME, offsetof(struct_type, meta.created_us), NULL, NULL},      \
        {"metadata.deletionTimestamp", RECORD_TIME, offsetof(struct_type, meta.deleted_us), NULL, NULL},      \
    {                                                                                                         \
        "metadata.ownerReferences", RECORD_LIST, offsetof(struct_type, meta.owners), &object_owner_type, NULL \
    }
extern const struct record_type object_owner_type;

/* One row of the store: the record and what is known about its arrival. */
struct store_entry {
    const struct object_meta *object; /* the record; cast to the kind's struct */
    const char *key;
    uint64_t hash;              /* of the record's content */
    int64_t changed_ms;         /* monotonic: when this content was first seen by this process */
    bool seen_in_first_replace; /* it came with the first one of its namespace, so it may be older than this process */
    bool changed_since;         /* it was changed (not merely loaded) while this process watched */
};

/* `before` NULL: added; `after` NULL: removed. Both are borrowed for the call. */
typedef void store_change_fn(const struct store_entry *before, const struct store_entry *after, void *userdata);

/* `type`'s struct starts with struct object_meta. */
struct store *store_new(const struct record_type *type);
void store_free(struct store *store); /* NULL is allowed */

/* Listeners (at most 4) are told after each change, and once per difference after a replacement. */
void store_listen(struct store *store, store_change_fn *on_change, void *userdata);

/*
 * Adds or replaces one object. Returns 1 when something read changed, 0 when not, ERROR_BAD_INPUT or ERROR_TOO_LARGE
 * (the text names the object); then what was stored before under that name is removed as well: an object that
 * cannot be read is unknown, not unchanged.
 */
int store_upsert(struct store *store, struct json_object *object, struct instant now, struct error *err);
/* Removes by the object's namespace and name. Absent is no error. */
void store_remove(struct store *store, struct json_object *object);

/*
 * A replacement of everything, or of everything in one namespace (copied; NULL: all): filled aside, then swapped in at
 * once. Several may be open, of different namespaces. The store's objects in its namespace must not change meanwhile.
 */
struct store_replacement;
struct store_replacement *store_replace_begin(struct store *store, const char *namespace_name);
int store_replace_upsert(struct store_replacement *replacement, struct json_object *object, struct instant now,
                         struct error *err); /* as store_upsert() */
void store_replace_remove(struct store_replacement *replacement, struct json_object *object);
void store_replace_commit(struct store_replacement *replacement); /* swaps, tells each difference, frees it */
void store_replace_abort(struct store_replacement *replacement);  /* frees it; NULL is allowed */

/*
 * Nothing is known of that namespace (NULL: of anything) any more: its objects go, as from a replacement with nothing,
 * and the next replacement is a first one again.
 */
void store_forget(struct store *store, const char *namespace_name);

bool store_is_filled(const struct store *store); /* a replacement was committed, or store_mark_filled() */
void store_mark_filled(struct store *store);

size_t store_count(const struct store *store);
/* `namespace_name` NULL for cluster-scoped kinds. NULL when absent. Borrowed until the next change. */
const struct store_entry *store_get(const struct store *store, const char *namespace_name, const char *name);

/*
 * Walks all entries, or those of one namespace without touching the others (an index is kept):
 * for (at = store_first(store, ns_or_NULL); at; at = store_next(store, ns_or_NULL, at)) in no particular but stable
 * order. Both calls get the same namespace, so that walks can nest without hidden state.
 */
const struct store_entry *store_first(const struct store *store, const char *namespace_name);
const struct store_entry *store_next(const struct store *store, const char *namespace_name,
                                     const struct store_entry *at);

#endif
