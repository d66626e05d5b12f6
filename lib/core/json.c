#include "proget/core/json.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "proget/core/clock.h"
#include "proget/core/memory.h"
#include "utf8.h"

enum { JSON_NAME_SIZE = 128 }; /* room for one member's name of a path; paths are literals of ours */

/* json-c's own check lets overlong forms and surrogates pass, and ends at a NUL as if the text did. */
static int check_bytes(const char *text, size_t length, struct error *err)
{
    const unsigned char *bytes = (const unsigned char *) text;
    for (size_t at = 0; at < length;) {
        if (bytes[at] == 0) {
            return error_set(err, ERROR_BAD_INPUT, "NUL byte at byte %zu", at);
        }
        size_t step = utf8_sequence_length(bytes + at, length - at);
        if (step == 0) {
            return error_set(err, ERROR_BAD_INPUT, "invalid UTF-8 at byte %zu", at);
        }
        at += step;
    }
    return 0;
}

static bool is_white_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/*
 * Checks the string that opens at `start`; *ret_behind is behind its closing quote, or `length` where it has none.
 *
 * json-c cuts a member's name at an escaped NUL, so that "metadata\u0000x" would be taken for "metadata". Such names
 * are refused. Values keep theirs: an API server passes them on, and one such annotation must not spoil a whole list.
 */
static int check_string(const char *text, size_t length, size_t start, size_t *ret_behind, struct error *err)
{
    bool has_nul = false;
    size_t at = start + 1;
    for (; at < length && text[at] != '"'; at++) {
        if ((unsigned char) text[at] < 0x20) {
            return error_set(err, ERROR_BAD_INPUT, "control character in a string at byte %zu", at);
        }
        if (text[at] == '\\') {
            has_nul = has_nul || (length - at >= 6 && memcmp(text + at, "\\u0000", 6) == 0);
            at++;
        }
    }
    at = at < length ? at + 1 : length;
    *ret_behind = at;
    while (at < length && is_white_space(text[at])) {
        at++;
    }
    if (has_nul && at < length && text[at] == ':') {
        return error_set(err, ERROR_BAD_INPUT, "NUL in a member's name at byte %zu", start);
    }
    return 0;
}

static size_t skip_digits(const char *text, size_t length, size_t at)
{
    while (at < length && text[at] >= '0' && text[at] <= '9') {
        at++;
    }
    return at;
}

/* Where the number that starts at `start` ends, or `start` where it is none of RFC 8259 ("01", "1.", "1e"). */
static size_t number_end(const char *text, size_t length, size_t start)
{
    size_t integer = start + (text[start] == '-' ? 1 : 0);
    size_t at = skip_digits(text, length, integer);
    if (at == integer || (text[integer] == '0' && at > integer + 1)) {
        return start;
    }
    if (at < length && text[at] == '.') {
        size_t fraction = at + 1;
        at = skip_digits(text, length, fraction);
        if (at == fraction) {
            return start;
        }
    }
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        size_t exponent = at + 1;
        exponent += exponent < length && (text[exponent] == '+' || text[exponent] == '-') ? 1 : 0;
        at = skip_digits(text, length, exponent);
        if (at == exponent) {
            return start;
        }
    }
    return at;
}

/*
 * What json-c lets pass even when strict: names in single quotes, control characters, NaN and Infinity, numbers such as
 * "1.", one level too many if it is empty.
 */
static int check_structure(const char *text, size_t length, struct error *err)
{
    size_t depth = 0;
    for (size_t at = 0; at < length;) {
        if (text[at] == '"') {
            int result = check_string(text, length, at, &at, err);
            if (result < 0) {
                return result;
            }
            continue;
        }
        if (text[at] == '-' || (text[at] >= '0' && text[at] <= '9')) {
            size_t end = number_end(text, length, at);
            if (end == at) {
                return error_set(err, ERROR_BAD_INPUT, "malformed number at byte %zu", at);
            }
            at = end;
            continue;
        }
        if (text[at] == '\'' || text[at] == 'N' || text[at] == 'I') {
            return error_set(err, ERROR_BAD_INPUT, "unexpected character at byte %zu", at);
        }
        if (text[at] == '[' || text[at] == '{') {
            if (++depth > BOUND_JSON_DEPTH) {
                return error_set(err, ERROR_BAD_INPUT, "nested deeper than %d levels at byte %zu",
                                 (int) BOUND_JSON_DEPTH, at);
            }
        } else if (text[at] == ']' || text[at] == '}') {
            depth -= depth > 0 ? 1 : 0; /* one too many is json-c's to refuse */
        }
        at++;
    }
    return 0;
}

static void tokener_cleanup(struct json_tokener **tokener)
{
    if (*tokener != NULL) {
        /* The last strings of the input are still in it, and they may be secrets. */
        memory_wipe((*tokener)->pb->buf, (size_t) (*tokener)->pb->size);
        json_tokener_free(*tokener);
    }
}

int json_parse(const char *text, size_t length, struct json_object **ret_value, struct error *err)
{
    if (length >= INT_MAX) {
        return error_set(err, ERROR_TOO_LARGE, "JSON text of %zu bytes", length);
    }
    int result = check_bytes(text, length, err);
    if (result == 0) {
        result = check_structure(text, length, err);
    }
    if (result < 0) {
        return result;
    }

    /* json-c counts the level of the innermost scalar too; the bound itself is held above. */
    __attribute__((cleanup(tokener_cleanup))) struct json_tokener *tokener = json_tokener_new_ex(BOUND_JSON_DEPTH + 1);
    if (tokener == NULL) {
        abort();
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    cleanup_json struct json_object *value = json_tokener_parse_ex(tokener, text, (int) length);
    enum json_tokener_error problem = json_tokener_get_error(tokener);
    size_t end = json_tokener_get_parse_end(tokener);
    if (problem == json_tokener_continue) {
        /* A number at the very end is whole only once the end is seen: a NUL tells json-c so. */
        value = json_tokener_parse_ex(tokener, "", 1);
        problem = json_tokener_get_error(tokener);
        end = length;
        if (problem == json_tokener_continue || problem == json_tokener_error_parse_eof) {
            return error_set(err, ERROR_BAD_INPUT, "JSON text ends early, at byte %zu", end);
        }
    }
    if (problem != json_tokener_success) {
        return error_set(err, ERROR_BAD_INPUT, "%s at byte %zu", json_tokener_error_desc(problem), end);
    }
    while (end < length && is_white_space(text[end])) {
        end++;
    }
    if (end != length) {
        return error_set(err, ERROR_BAD_INPUT, "something after the JSON value at byte %zu", end);
    }
    *ret_value = memory_take(&value);
    return 0;
}

struct json_object *json_member(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;
    if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, name, &member)) {
        return NULL;
    }
    return member;
}

struct json_object *json_at(struct json_object *object, const char *path)
{
    char name[JSON_NAME_SIZE];
    while (object != NULL && *path != '\0') {
        size_t length = strcspn(path, ".");
        assert(length > 0 && length < sizeof(name));
        memcpy(name, path, length);
        name[length] = '\0';
        object = json_member(object, name);
        path += length;
        path += *path == '.' ? 1 : 0;
    }
    return object;
}

const char *json_text_at(struct json_object *object, const char *path, const char *fallback)
{
    struct json_object *member = json_at(object, path);
    return json_object_is_type(member, json_type_string) ? json_object_get_string(member) : fallback;
}

int64_t json_int64_at(struct json_object *object, const char *path, int64_t fallback)
{
    struct json_object *member = json_at(object, path);
    return json_object_is_type(member, json_type_int) ? json_object_get_int64(member) : fallback;
}

bool json_bool_at(struct json_object *object, const char *path, bool fallback)
{
    struct json_object *member = json_at(object, path);
    return json_object_is_type(member, json_type_boolean) ? json_object_get_boolean(member) != 0 : fallback;
}

/* json-c answers NULL or a negative number only when out of memory. */
static struct json_object *json_must(struct json_object *value)
{
    if (value == NULL) {
        abort();
    }
    return value;
}

static void json_add(struct json_object *object, const char *name, struct json_object *value)
{
    assert(json_object_is_type(object, json_type_object));
    if (json_object_object_add(object, name, json_must(value)) != 0) {
        abort();
    }
}

void json_add_text(struct json_object *object, const char *name, const char *text)
{
    if (text != NULL) {
        json_add(object, name, json_object_new_string(text));
    }
}

void json_add_int64(struct json_object *object, const char *name, int64_t value)
{
    json_add(object, name, json_object_new_int64(value));
}

void json_add_bool(struct json_object *object, const char *name, bool value)
{
    json_add(object, name, json_object_new_boolean(value));
}

void json_add_time(struct json_object *object, const char *name, int64_t wall_us)
{
    if (wall_us == 0) {
        return;
    }
    char text[CLOCK_TEXT_SIZE];
    clock_format_seconds(wall_us, text);
    json_add_text(object, name, text);
}

struct json_object *json_add_object(struct json_object *object, const char *name)
{
    struct json_object *child = json_must(json_object_new_object());
    json_add(object, name, child);
    return child;
}

struct json_object *json_add_array(struct json_object *object, const char *name)
{
    struct json_object *child = json_must(json_object_new_array());
    json_add(object, name, child);
    return child;
}

const char *json_text(struct json_object *value)
{
    const char *text = json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    if (text == NULL) {
        abort();
    }
    return text;
}

void json_cleanup(struct json_object **value)
{
    json_object_put(*value);
    *value = NULL;
}
