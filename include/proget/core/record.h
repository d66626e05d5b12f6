/*
 * Typed records, filled from JSON through a table of fields.
 *
 * A table names what is read of an object (path, type, where it goes) and nothing else, so that an object of 11 KB
 * becomes a few hundred bytes. A record and all its texts and lists are one block of memory: sized in a first pass,
 * filled in a second, freed with one call, never changed after. Unknown members are ignored. A member of another type
 * than the table says makes the record unusable (ERROR_BAD_INPUT, naming the path), for the API server would not
 * have let it through either.
 *
 * Every struct that a table fills starts out zeroed: NULL texts, empty lists, 0, false mean "absent".
 */
#ifndef PROGET_CORE_RECORD_H
#define PROGET_CORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proget/core/error.h"
#include "proget/core/json.h"
#include "proget/core/memory.h"

enum record_kind {
    RECORD_TEXT,           /* const char * */
    RECORD_INT64,          /* int64_t */
    RECORD_BOOL,           /* bool */
    RECORD_OPTIONAL_INT64, /* struct record_optional_int64 */
    RECORD_OPTIONAL_BOOL,  /* struct record_optional_bool */
    RECORD_TIME,           /* int64_t, wall clock in microseconds; a text that is no RFC 3339 time is unusable */
    RECORD_SCALAR_TEXT,    /* const char *: a text, or a number written as text (quantities, int-or-string) */
    RECORD_PRESENT,        /* bool: the member is there and not null (an empty object counts) */
    RECORD_OBJECT,         /* const struct X *: NULL when absent; `type` describes X */
    RECORD_LIST,           /* struct record_list of struct X; `type` describes X */
    RECORD_TEXT_LIST,      /* struct record_list of const char * */
    RECORD_TEXT_MAP,       /* struct record_list of struct record_pair, sorted by key */
};

struct record_optional_int64 {
    bool is_set;
    int64_t value;
};
struct record_optional_bool {
    bool is_set;
    bool value;
};
struct record_pair {
    const char *key;
    const char *value;
};
struct record_list {
    const void *items; /* array of `count` elements of the field's type */
    size_t count;
};

struct record_type;

struct record_field {
    const char *path; /* from the enclosing object, by members without dots in their names; "" is the object itself */
    enum record_kind kind;
    size_t offset;                  /* offsetof(struct X, member) */
    const struct record_type *type; /* of the element, for OBJECT and LIST; else NULL */
    /* For LIST, TEXT_LIST and TEXT_MAP: keeps only what it returns true for (NULL: all). For a map `key` is the key
     * and `value` the member; for a list `key` is NULL. Has to be pure: it is asked in both passes. */
    bool (*keep)(const char *key, struct json_object *value);
};

struct record_type {
    const char *name; /* for error texts: "Pod", "container" */
    size_t size;      /* sizeof(struct X) */
    const struct record_field *fields;
    size_t field_count;
};

#define RECORD_TYPE(type_name, struct_type, field_array)                           \
    {                                                                              \
        .name = (type_name), .size = sizeof(struct_type), .fields = (field_array), \
        .field_count = array_length(field_array)                                   \
    }

/* Walks a list: `record_list_each (const struct container *, c, &pod->containers) { ... }` */
#define record_list_each(pointer_type, variable, list) \
    for (pointer_type variable = (list)->items;        \
         variable != NULL && variable != (pointer_type) (list)->items + (list)->count; variable++)

/*
 * Fills a record. *ret_block (owned, one free()) starts with the struct that `type` describes; *ret_hash (may be NULL)
 * is a hash over all kept content, equal for equal content. A list longer than BOUND_LIST_ITEMS or a
 * block over BOUND_RECORD_BYTES is ERROR_TOO_LARGE.
 */
int record_fill(const struct record_type *type, struct json_object *object, void **ret_block, uint64_t *ret_hash,
                struct error *err);

/* Value of a key in a sorted map list (RECORD_TEXT_MAP); NULL when absent. Borrowed from the record. */
const char *record_map_get(const struct record_list *map, const char *key);

#endif
