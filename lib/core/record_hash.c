#include "record_hash.h"

#include <string.h>

#include "proget/core/text.h"

static uint64_t hash_int64(uint64_t seed, int64_t value)
{
    return text_hash(seed, &value, sizeof(value));
}

/* With its terminator, which no text holds, so that neighbours cannot run into each other; absent is not empty. */
static uint64_t hash_text(uint64_t seed, const char *text)
{
    seed = text_hash(seed, text == NULL ? "0" : "1", 1);
    return text == NULL ? seed : text_hash(seed, text, strlen(text) + 1);
}

static uint64_t hash_list(uint64_t seed, const struct record_field *field, const struct record_list *list)
{
    seed = hash_int64(seed, (int64_t) list->count);
    switch (field->kind) {
    case RECORD_TEXT_LIST:
        record_list_each (const char *const *, text, list) {
            seed = hash_text(seed, *text);
        }
        return seed;
    case RECORD_TEXT_MAP:
        record_list_each (const struct record_pair *, pair, list) {
            seed = hash_text(hash_text(seed, pair->key), pair->value);
        }
        return seed;
    default:
        for (size_t i = 0; i < list->count; i++) {
            seed = record_hash_struct(seed, field->type, (const char *) list->items + i * field->type->size);
        }
        return seed;
    }
}

static uint64_t hash_optional(uint64_t seed, bool is_set, int64_t value)
{
    return hash_int64(hash_int64(seed, is_set), value);
}

static uint64_t hash_field(uint64_t seed, const struct record_field *field, const void *member)
{
    switch (field->kind) {
    case RECORD_TEXT:
    case RECORD_SCALAR_TEXT:
        return hash_text(seed, *(const char *const *) member);
    case RECORD_INT64:
    case RECORD_TIME:
        return hash_int64(seed, *(const int64_t *) member);
    case RECORD_BOOL:
    case RECORD_PRESENT:
        return hash_int64(seed, *(const bool *) member);
    case RECORD_OPTIONAL_INT64: {
        const struct record_optional_int64 *optional = member;
        return hash_optional(seed, optional->is_set, optional->value);
    }
    case RECORD_OPTIONAL_BOOL: {
        const struct record_optional_bool *optional = member;
        return hash_optional(seed, optional->is_set, optional->value);
    }
    case RECORD_OBJECT: {
        const void *inner = *(const void *const *) member;
        seed = hash_int64(seed, inner != NULL);
        return inner == NULL ? seed : record_hash_struct(seed, field->type, inner);
    }
    case RECORD_LIST:
    case RECORD_TEXT_LIST:
    case RECORD_TEXT_MAP:
        return hash_list(seed, field, member);
    }
    return seed;
}

uint64_t record_hash_struct(uint64_t seed, const struct record_type *type, const void *record)
{
    for (size_t i = 0; i < type->field_count; i++) {
        seed = hash_field(seed, &type->fields[i], (const char *) record + type->fields[i].offset);
    }
    return seed;
}
