#include "proget/core/record.h"

#include <assert.h>
#include <inttypes.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "proget/core/clock.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "record_hash.h"

/*
 * Both passes run the same walk, so that they cannot disagree: without a block it only adds up, with one it writes.
 * The block is [structs and arrays, each aligned][texts, unaligned], so texts cost no padding.
 */
struct filler {
    const struct record_type *type; /* outermost: whose name errors start with */
    struct json_object *object;     /* outermost */
    char *block;                    /* NULL in the first pass */
    size_t struct_bytes;            /* so far */
    size_t text_bytes;              /* so far */
    size_t text_start;              /* where texts begin in `block` */
    struct error *err;
};

/* Where the walk is, innermost first, for error texts. Lives on the stack of the walk. */
struct place {
    const struct place *parent;
    const char *path; /* members, or NULL */
    const char *key;  /* of a map, or NULL */
    size_t index;     /* of a list, where both are NULL */
};

enum {
    RECORD_NAME_SIZE = 128,  /* room for one member's name of a path; paths are literals of ours */
    RECORD_PLACE_SIZE = 384, /* of a place written out for an error's text */
    RECORD_WORD_LENGTH = 96, /* of a name or key in an error's text */
    RECORD_ALIGNMENT = alignof(int64_t) > alignof(void *) ? alignof(int64_t) : alignof(void *),
};

static int fill_struct(struct filler *filler, const struct record_type *type, struct json_object *object, char *target,
                       const struct place *place);

/* Appends to a text that is cut when full: places are for people. */
static void place_append(char text[RECORD_PLACE_SIZE], const char *format, const char *word, size_t number)
{
    size_t used = strlen(text);
    if (word != NULL) {
        (void) snprintf(text + used, RECORD_PLACE_SIZE - used, "%s%.*s%s", format, RECORD_WORD_LENGTH, word,
                        format[0] == '[' ? "]" : "");
    } else {
        (void) snprintf(text + used, RECORD_PLACE_SIZE - used, "[%zu]", number);
    }
}

static void place_write(const struct place *place, char text[RECORD_PLACE_SIZE])
{
    if (place == NULL) {
        return;
    }
    place_write(place->parent, text);
    if (place->path != NULL) {
        if (place->path[0] != '\0') {
            place_append(text, text[0] == '\0' ? "" : ".", place->path, 0);
        }
    } else if (place->key != NULL) {
        place_append(text, "[", place->key, 0);
    } else {
        place_append(text, "", NULL, place->index);
    }
}

/* "Pod proget/proget-0: spec.containers[2].image is not a text". Names come from outside, so they are made printable.
 */
static int fill_fail(const struct filler *filler, enum error_code code, const struct place *place, const char *what)
{
    char where[RECORD_PLACE_SIZE] = "";
    place_write(place, where);
    char who[RECORD_PLACE_SIZE] = "";
    const char *namespace_name = json_text_at(filler->object, "metadata.namespace", NULL);
    const char *name = json_text_at(filler->object, "metadata.name", NULL);
    if (name != NULL) {
        (void) snprintf(who, sizeof(who), " %.*s%s%.*s", RECORD_WORD_LENGTH, namespace_name ? namespace_name : "",
                        namespace_name ? "/" : "", RECORD_WORD_LENGTH, name);
    }
    text_make_printable(where);
    text_make_printable(who);
    return error_set(filler->err, code, "%s%s: %s%s%s", filler->type->name, who, where, where[0] == '\0' ? "" : " ",
                     what);
}

/* Space for structs; NULL in the first pass. `size` is a sizeof, thus keeps what follows aligned for its own kind. */
static void *reserve_structs(struct filler *filler, size_t size)
{
    size_t start = filler->struct_bytes;
    filler->struct_bytes += (size + RECORD_ALIGNMENT - 1) / RECORD_ALIGNMENT * RECORD_ALIGNMENT;
    return filler->block == NULL ? NULL : filler->block + start;
}

/* Space for a text, copied in the second pass; NULL in the first. */
static const char *keep_text(struct filler *filler, const char *text, size_t length)
{
    size_t start = filler->text_start + filler->text_bytes;
    filler->text_bytes += length + 1;
    if (filler->block == NULL) {
        return NULL;
    }
    memcpy(filler->block + start, text, length);
    filler->block[start + length] = '\0';
    return filler->block + start;
}

/* Stores into the target of the second pass; with the block there is one. */
#define fill_store(filler, target, type, ...)          \
    do {                                               \
        if ((filler)->block != NULL) {                 \
            assert((target) != NULL);                  \
            *(type *) (void *) (target) = __VA_ARGS__; \
        }                                              \
    } while (0)

static int fill_text(struct filler *filler, struct json_object *value, bool numbers_too, const char **ret_text,
                     const struct place *place)
{
    bool is_number = json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double);
    if (!json_object_is_type(value, json_type_string) && !(numbers_too && is_number)) {
        return fill_fail(filler, ERROR_BAD_INPUT, place, numbers_too ? "is no text and no number" : "is not a text");
    }
    const char *text = json_object_get_string(value);
    size_t length = is_number ? strlen(text) : (size_t) json_object_get_string_len(value);
    if (memchr(text, '\0', length) != NULL) {
        return fill_fail(filler, ERROR_BAD_INPUT, place, "has a NUL in it");
    }
    *ret_text = keep_text(filler, text, length);
    return 0;
}

static int fill_text_field(struct filler *filler, struct json_object *value, bool numbers_too, char *target,
                           const struct place *place)
{
    const char *text = NULL;
    int result = fill_text(filler, value, numbers_too, &text, place);
    if (result == 0) {
        fill_store(filler, target, const char *, text);
    }
    return result;
}

static int read_int64(struct filler *filler, struct json_object *value, int64_t *ret_number, const struct place *place)
{
    if (!json_object_is_type(value, json_type_int)) {
        return fill_fail(filler, ERROR_BAD_INPUT, place, "is not an integer");
    }
    int64_t number = json_object_get_int64(value);
    if (number == INT64_MAX && json_object_get_uint64(value) > (uint64_t) INT64_MAX) {
        return fill_fail(filler, ERROR_BAD_INPUT, place, "is larger than 64 bits hold");
    }
    *ret_number = number;
    return 0;
}

static int fill_int64(struct filler *filler, struct json_object *value, bool is_optional, char *target,
                      const struct place *place)
{
    int64_t number = 0;
    int result = read_int64(filler, value, &number, place);
    if (result < 0) {
        return result;
    }
    if (is_optional) {
        fill_store(filler, target, struct record_optional_int64, (struct record_optional_int64){true, number});
    } else {
        fill_store(filler, target, int64_t, number);
    }
    return 0;
}

static int fill_bool(struct filler *filler, struct json_object *value, bool is_optional, char *target,
                     const struct place *place)
{
    if (!json_object_is_type(value, json_type_boolean)) {
        return fill_fail(filler, ERROR_BAD_INPUT, place, "is not true or false");
    }
    bool truth = json_object_get_boolean(value) != 0;
    if (is_optional) {
        fill_store(filler, target, struct record_optional_bool, (struct record_optional_bool){true, truth});
    } else {
        fill_store(filler, target, bool, truth);
    }
    return 0;
}

static int fill_time(struct filler *filler, struct json_object *value, char *target, const struct place *place)
{
    int64_t wall_us = 0;
    const char *text = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
    if (text == NULL || strlen(text) != (size_t) json_object_get_string_len(value) ||
        clock_parse(text, &wall_us) != 0) {
        return fill_fail(filler, ERROR_BAD_INPUT, place, "is not a time");
    }
    fill_store(filler, target, int64_t, wall_us);
    return 0;
}

static int fill_object(struct filler *filler, const struct record_field *field, struct json_object *value, char *target,
                       const struct place *place)
{
    assert(field->type != NULL);
    char *inner = reserve_structs(filler, field->type->size);
    fill_store(filler, target, const void *, inner);
    return fill_struct(filler, field->type, value, inner, place);
}

/* A null element is the zero value of its kind, as it is to the API server. */
static int fill_element(struct filler *filler, const struct record_field *field, struct json_object *value,
                        char *target, const struct place *place)
{
    if (field->kind == RECORD_LIST) {
        return value == NULL ? 0 : fill_struct(filler, field->type, value, target, place);
    }
    if (value != NULL) {
        return fill_text_field(filler, value, false, target, place);
    }
    const char *empty = keep_text(filler, "", 0);
    fill_store(filler, target, const char *, empty);
    return 0;
}

static int check_count(const struct filler *filler, size_t count, const struct place *place)
{
    if (count <= BOUND_LIST_ITEMS) {
        return 0;
    }
    char what[64];
    (void) snprintf(what, sizeof(what), "has %zu elements, more than %d", count, (int) BOUND_LIST_ITEMS);
    return fill_fail(filler, ERROR_TOO_LARGE, place, what);
}

static bool is_kept(const struct record_field *field, const char *key, struct json_object *value)
{
    return field->keep == NULL || field->keep(key, value);
}

static int fill_list(struct filler *filler, const struct record_field *field, struct json_object *value, char *target,
                     const struct place *place)
{
    if (!json_object_is_type(value, json_type_array)) {
        return fill_fail(filler, ERROR_BAD_INPUT, place, "is not a list");
    }
    size_t length = json_object_array_length(value);
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        count += is_kept(field, NULL, json_object_array_get_idx(value, i)) ? 1 : 0;
    }
    int result = check_count(filler, count, place);
    if (result < 0 || count == 0) {
        return result;
    }

    size_t size = field->kind == RECORD_LIST ? field->type->size : sizeof(const char *);
    char *items = reserve_structs(filler, count * size);
    fill_store(filler, target, struct record_list, (struct record_list){.items = items, .count = count});
    size_t next = 0;
    for (size_t i = 0; i < length && result == 0; i++) {
        struct json_object *element = json_object_array_get_idx(value, i);
        if (is_kept(field, NULL, element)) {
            struct place inner = {.parent = place, .index = i};
            result = fill_element(filler, field, element, items == NULL ? NULL : items + next * size, &inner);
            next++;
        }
    }
    return result;
}

static int pair_compare(const void *a, const void *b)
{
    return strcmp(((const struct record_pair *) a)->key, ((const struct record_pair *) b)->key);
}

static int fill_pair(struct filler *filler, const char *key, struct json_object *value, struct record_pair *ret_pair,
                     const struct place *map_place)
{
    struct place place = {.parent = map_place, .key = key};
    struct record_pair pair = {.key = keep_text(filler, key, strlen(key))};
    int result = 0;
    if (value == NULL) {
        pair.value = keep_text(filler, "", 0);
    } else {
        result = fill_text(filler, value, false, &pair.value, &place);
    }
    if (ret_pair != NULL) {
        *ret_pair = pair;
    }
    return result;
}

static int fill_map(struct filler *filler, const struct record_field *field, struct json_object *value, char *target,
                    const struct place *place)
{
    if (!json_object_is_type(value, json_type_object)) {
        return fill_fail(filler, ERROR_BAD_INPUT, place, "is not a map of texts");
    }
    size_t count = 0;
    json_object_object_foreach(value, counted_key, counted)
    {
        count += is_kept(field, counted_key, counted) ? 1 : 0;
    }
    int result = check_count(filler, count, place);
    if (result < 0 || count == 0) {
        return result;
    }

    struct record_pair *pairs = reserve_structs(filler, count * sizeof(*pairs));
    fill_store(filler, target, struct record_list, (struct record_list){.items = pairs, .count = count});
    size_t next = 0;
    json_object_object_foreach(value, key, member)
    {
        if (result == 0 && is_kept(field, key, member)) {
            result = fill_pair(filler, key, member, pairs == NULL ? NULL : &pairs[next], place);
            next++;
        }
    }
    if (pairs != NULL) {
        qsort(pairs, count, sizeof(*pairs), pair_compare);
    }
    return result;
}

/* Follows a path; *ret_value is NULL where a member is absent or null. A member on the way that is no object fails. */
static int find_value(const struct filler *filler, struct json_object *object, const char *path,
                      struct json_object **ret_value, const struct place *parent)
{
    char name[RECORD_NAME_SIZE];
    char walked[RECORD_PLACE_SIZE] = "";
    for (const char *at = path; object != NULL && *at != '\0';) {
        if (!json_object_is_type(object, json_type_object)) {
            (void) snprintf(walked, sizeof(walked), "%.*s", at == path ? 0 : (int) (at - path - 1), path);
            struct place place = {.parent = parent, .path = walked};
            return fill_fail(filler, ERROR_BAD_INPUT, &place, "is not an object");
        }
        size_t length = strcspn(at, ".");
        assert(length > 0 && length < sizeof(name));
        memcpy(name, at, length);
        name[length] = '\0';
        object = json_member(object, name);
        at += length;
        at += *at == '.' ? 1 : 0;
    }
    *ret_value = object;
    return 0;
}

static int fill_field(struct filler *filler, const struct record_field *field, struct json_object *value, char *target,
                      const struct place *place)
{
    switch (field->kind) {
    case RECORD_TEXT:
        return fill_text_field(filler, value, false, target, place);
    case RECORD_SCALAR_TEXT:
        return fill_text_field(filler, value, true, target, place);
    case RECORD_INT64:
        return fill_int64(filler, value, false, target, place);
    case RECORD_OPTIONAL_INT64:
        return fill_int64(filler, value, true, target, place);
    case RECORD_BOOL:
        return fill_bool(filler, value, false, target, place);
    case RECORD_OPTIONAL_BOOL:
        return fill_bool(filler, value, true, target, place);
    case RECORD_TIME:
        return fill_time(filler, value, target, place);
    case RECORD_PRESENT:
        fill_store(filler, target, bool, true);
        return 0;
    case RECORD_OBJECT:
        return fill_object(filler, field, value, target, place);
    case RECORD_LIST:
    case RECORD_TEXT_LIST:
        return fill_list(filler, field, value, target, place);
    case RECORD_TEXT_MAP:
        return fill_map(filler, field, value, target, place);
    }
    assert(false); /* a kind that enum record_kind does not have */
    return 0;
}

static int fill_struct(struct filler *filler, const struct record_type *type, struct json_object *object, char *target,
                       const struct place *place)
{
    if (!json_object_is_type(object, json_type_object)) {
        return fill_fail(filler, ERROR_BAD_INPUT, place, "is not an object");
    }
    for (size_t i = 0; i < type->field_count; i++) {
        const struct record_field *field = &type->fields[i];
        assert(field->offset < type->size);
        struct json_object *value = NULL;
        int result = find_value(filler, object, field->path, &value, place);
        if (result == 0 && value != NULL) {
            struct place inner = {.parent = place, .path = field->path};
            result = fill_field(filler, field, value, target == NULL ? NULL : target + field->offset, &inner);
        }
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

int record_fill(const struct record_type *type, struct json_object *object, void **ret_block, uint64_t *ret_hash,
                struct error *err)
{
    struct filler sizer = {.type = type, .object = object, .err = err};
    (void) reserve_structs(&sizer, type->size);
    int result = fill_struct(&sizer, type, object, NULL, NULL);
    if (result < 0) {
        return result;
    }
    size_t total = sizer.struct_bytes + sizer.text_bytes;
    if (total > BOUND_RECORD_BYTES) {
        char what[64];
        (void) snprintf(what, sizeof(what), "%zu bytes to keep, more than %d", total, (int) BOUND_RECORD_BYTES);
        return fill_fail(&sizer, ERROR_TOO_LARGE, NULL, what);
    }

    cleanup_free char *block = xcalloc(1, total);
    struct filler filler = {
        .type = type, .object = object, .block = block, .text_start = sizer.struct_bytes, .err = err};
    char *target = reserve_structs(&filler, type->size);
    result = fill_struct(&filler, type, object, target, NULL);
    if (result < 0) {
        return result; /* only where a `keep` is not pure */
    }
    assert(filler.struct_bytes == sizer.struct_bytes && filler.text_bytes == sizer.text_bytes);
    if (ret_hash != NULL) {
        *ret_hash = record_hash_struct(TEXT_HASH_SEED, type, block);
    }
    *ret_block = memory_take(&block);
    return 0;
}

const char *record_map_get(const struct record_list *map, const char *key)
{
    if (map->count == 0) {
        return NULL;
    }
    struct record_pair wanted = {.key = key};
    const struct record_pair *pair = bsearch(&wanted, map->items, map->count, sizeof(wanted), pair_compare);
    return pair == NULL ? NULL : pair->value;
}
