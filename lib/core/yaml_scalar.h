/*
 * YAML scalars as JSON values, the way sigs.k8s.io/yaml resolves them (go-yaml v2's rules, then Go's JSON).
 */
#ifndef PROGET_CORE_YAML_SCALAR_H
#define PROGET_CORE_YAML_SCALAR_H

#include <stdbool.h>
#include <stddef.h>

#include "proget/core/error.h"
#include "proget/core/json.h"

/*
 * `tag` is the tag as libyaml expands it, or NULL; `is_plain`: neither quoted nor tagged. *ret_value is owned, NULL for
 * null. 0, or ERROR_BAD_INPUT with *ret_why (static text).
 */
int yaml_scalar_resolve(const char *text, size_t length, const char *tag, bool is_plain, struct json_object **ret_value,
                        const char **ret_why);

/*
 * True where yaml_scalar_resolve() would give the text as it is; false where it has to be asked. Cheap: most keys and
 * values are such texts.
 */
bool yaml_scalar_is_text(const char *text, size_t length, const char *tag, bool is_plain);

/*
 * A resolved scalar as the name of a member: texts as they are, numbers and booleans as JSON writes them. Borrowed from
 * `value`. NULL where it cannot be one: null, a mapping, a sequence, a text with a NUL.
 */
const char *yaml_scalar_key(struct json_object *value);

#endif
