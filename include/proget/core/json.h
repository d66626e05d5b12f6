/*
 * JSON from outside, read with care: bounded depth, whole input or nothing, every access checked for its type.
 * Trees are json-c's; no pointer into one is kept past the call that was given it.
 */
#ifndef PROGET_CORE_JSON_H
#define PROGET_CORE_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proget/core/buffer.h"
#include "proget/core/error.h"

/*
 * Parses exactly one value; white space may follow, nothing else. Invalid UTF-8, NUL bytes, nesting deeper than
 * BOUND_JSON_DEPTH and trailing bytes are ERROR_BAD_INPUT; the text says what and at which byte, never the content.
 * Duplicate member names: the last one counts, as in the API server. *ret_value is owned by the caller
 * (json_object_put) and may be NULL only for the literal `null`.
 */
int json_parse(const char *text, size_t length, struct json_object **ret_value, struct error *err);

/* Member of an object by its exact name; NULL when absent, null, or `object` is no object (NULL included). Borrowed. */
struct json_object *json_member(struct json_object *object, const char *name);
/* The same along a path of members without dots in their names: "spec.template.spec". Borrowed. */
struct json_object *json_at(struct json_object *object, const char *path);

/* By path as above. Each returns the fallback when absent or of another type. Text is borrowed from the tree. */
const char *json_text_at(struct json_object *object, const char *path, const char *fallback);
int64_t json_int64_at(struct json_object *object, const char *path, int64_t fallback);
bool json_bool_at(struct json_object *object, const char *path, bool fallback);

/* Building: a NULL text adds nothing. `object` takes over. */
void json_add_text(struct json_object *object, const char *name, const char *text);
void json_add_int64(struct json_object *object, const char *name, int64_t value);
void json_add_bool(struct json_object *object, const char *name, bool value);
/* Adds a timestamp as metav1.Time; 0 adds nothing. */
void json_add_time(struct json_object *object, const char *name, int64_t wall_us);
/* Adds and returns the new child (borrowed). */
struct json_object *json_add_object(struct json_object *object, const char *name);
struct json_object *json_add_array(struct json_object *object, const char *name);

/* Compact text, slashes unescaped. Borrowed from the tree until it changes. */
const char *json_text(struct json_object *value);

void json_cleanup(struct json_object **value);
#define cleanup_json __attribute__((cleanup(json_cleanup)))

#endif
