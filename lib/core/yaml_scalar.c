#include "yaml_scalar.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "proget/core/memory.h"

/* Longer runs of digits are texts. */
enum { NUMBER_SIZE = 512, WORD_LENGTH_MAX = 5 };

/* What a plain text turns out to be. */
enum scalar_kind {
    SCALAR_TEXT,
    SCALAR_NULL,
    SCALAR_BOOL,
    SCALAR_INTEGER,
    SCALAR_FLOAT,
    SCALAR_NOT_JSON, /* infinities and not-a-number */
};

struct scalar {
    enum scalar_kind kind;
    struct json_object *value; /* owned; NULL for texts, null and what is no JSON */
};

struct word {
    const char *text;
    enum scalar_kind kind;
    bool truth;
};

static const struct word words[] = {
    {"", SCALAR_NULL, false},          {"~", SCALAR_NULL, false},         {"null", SCALAR_NULL, false},
    {"Null", SCALAR_NULL, false},      {"NULL", SCALAR_NULL, false},      {"y", SCALAR_BOOL, true},
    {"Y", SCALAR_BOOL, true},          {"yes", SCALAR_BOOL, true},        {"Yes", SCALAR_BOOL, true},
    {"YES", SCALAR_BOOL, true},        {"true", SCALAR_BOOL, true},       {"True", SCALAR_BOOL, true},
    {"TRUE", SCALAR_BOOL, true},       {"on", SCALAR_BOOL, true},         {"On", SCALAR_BOOL, true},
    {"ON", SCALAR_BOOL, true},         {"n", SCALAR_BOOL, false},         {"N", SCALAR_BOOL, false},
    {"no", SCALAR_BOOL, false},        {"No", SCALAR_BOOL, false},        {"NO", SCALAR_BOOL, false},
    {"false", SCALAR_BOOL, false},     {"False", SCALAR_BOOL, false},     {"FALSE", SCALAR_BOOL, false},
    {"off", SCALAR_BOOL, false},       {"Off", SCALAR_BOOL, false},       {"OFF", SCALAR_BOOL, false},
    {".nan", SCALAR_NOT_JSON, false},  {".NaN", SCALAR_NOT_JSON, false},  {".NAN", SCALAR_NOT_JSON, false},
    {".inf", SCALAR_NOT_JSON, false},  {".Inf", SCALAR_NOT_JSON, false},  {".INF", SCALAR_NOT_JSON, false},
    {"+.inf", SCALAR_NOT_JSON, false}, {"+.Inf", SCALAR_NOT_JSON, false}, {"+.INF", SCALAR_NOT_JSON, false},
    {"-.inf", SCALAR_NOT_JSON, false}, {"-.Inf", SCALAR_NOT_JSON, false}, {"-.INF", SCALAR_NOT_JSON, false},
};

/* json-c answers NULL only when out of memory. */
static struct json_object *must(struct json_object *value)
{
    if (value == NULL) {
        abort();
    }
    return value;
}

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static size_t count_digits(const char *text)
{
    size_t count = 0;
    while (is_digit(text[count])) {
        count++;
    }
    return count;
}

static unsigned digit_value(char character)
{
    if (is_digit(character)) {
        return (unsigned) (character - '0');
    }
    char lower = (char) (character | 0x20);
    return lower >= 'a' && lower <= 'f' ? (unsigned) (lower - 'a') + 10 : 16;
}

/* Go's ParseInt and ParseUint with base 0: a sign, then 0x, 0o, 0b, or a leading 0 for octal. NULL where it is none. */
static struct json_object *parse_integer(const char *text)
{
    bool has_sign = text[0] == '-' || text[0] == '+';
    bool is_negative = text[0] == '-';
    text += has_sign ? 1 : 0;
    unsigned base = 10;
    if (text[0] == '0' && text[1] != '\0') {
        char letter = (char) (text[1] | 0x20);
        base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
        text += letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1;
    }
    if (text[0] == '\0') {
        return NULL;
    }
    uint64_t magnitude = 0;
    for (; *text != '\0'; text++) {
        unsigned digit = digit_value(*text);
        if (digit >= base || __builtin_mul_overflow(magnitude, (uint64_t) base, &magnitude) ||
            __builtin_add_overflow(magnitude, (uint64_t) digit, &magnitude)) {
            return NULL;
        }
    }
    if (is_negative) {
        bool fits = magnitude <= (uint64_t) INT64_MAX + 1;
        return fits ? must(json_object_new_int64(magnitude > 0 ? -(int64_t) (magnitude - 1) - 1 : 0)) : NULL;
    }
    if (magnitude <= (uint64_t) INT64_MAX) {
        return must(json_object_new_int64((int64_t) magnitude));
    }
    return has_sign ? NULL : must(json_object_new_uint64(magnitude));
}

/* The value of a number written as JSON; the conversion is json-c's, which no locale disturbs. */
static double decimal_value(const char *number)
{
    cleanup_json struct json_object *parsed = json_tokener_parse(number);
    return json_object_get_double(parsed);
}

/* A float as Go writes it into JSON: a whole one as an integer, others without idle zeros. `number` is JSON. */
static struct json_object *float_value(const char *number)
{
    double value = decimal_value(number);
    if (isinf(value)) {
        return NULL; /* Go's ParseFloat fails, and the text stays one */
    }
    if (value >= -9223372036854775808.0 && value < 9223372036854775808.0) { /* 2^63 */
        int64_t whole = (int64_t) value;
        if ((double) whole == value) {
            return must(json_object_new_int64(whole));
        }
    } else if (value > 0 && value < 18446744073709551616.0) { /* 2^64; doubles of that size are whole */
        return must(json_object_new_uint64((uint64_t) value));
    }
    return must(json_object_new_double_s(value, number));
}

/*
 * ^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$ written anew as JSON: without '+', with digits on both sides of
 * the point, without leading zeros and idle ones behind. NULL where the text is no such number.
 */
static struct json_object *parse_float(const char *text)
{
    const char *sign = text[0] == '-' ? "-" : "";
    text += text[0] == '-' || text[0] == '+' ? 1 : 0;
    const char *integer = text;
    size_t integer_length = count_digits(text);
    text += integer_length;
    const char *fraction = "";
    size_t fraction_length = 0;
    if (*text == '.') {
        fraction = text + 1;
        fraction_length = count_digits(fraction);
        text = fraction + fraction_length;
    }
    if (integer_length + fraction_length == 0) {
        return NULL;
    }
    const char *exponent = text;
    if (*text == 'e' || *text == 'E') {
        text += text[1] == '-' || text[1] == '+' ? 2 : 1;
        size_t exponent_length = count_digits(text);
        if (exponent_length == 0) {
            return NULL;
        }
        text += exponent_length;
    }
    if (*text != '\0') {
        return NULL;
    }
    while (integer_length > 0 && *integer == '0') {
        integer++;
        integer_length--;
    }
    while (fraction_length > 1 && fraction[fraction_length - 1] == '0') {
        fraction_length--;
    }
    cleanup_free char *number = xasprintf(
        "%s%.*s.%.*s%s", sign, integer_length > 0 ? (int) integer_length : 1, integer_length > 0 ? integer : "0",
        fraction_length > 0 ? (int) fraction_length : 1, fraction_length > 0 ? fraction : "0", exponent);
    return float_value(number);
}

static struct scalar number_or_text(struct json_object *number, enum scalar_kind kind)
{
    return (struct scalar){.kind = number == NULL ? SCALAR_TEXT : kind, .value = number};
}

static struct scalar resolve_number(const char *text)
{
    /* go-yaml drops underscores, but leaves what starts with a point to Go, which wants them between digits. */
    bool is_fraction = text[0] == '.';
    char plain[NUMBER_SIZE] = "";
    size_t length = 0;
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] != '_') {
            plain[length++] = text[i];
        } else if (is_fraction && !(is_digit(text[i - 1]) && is_digit(text[i + 1]))) {
            return (struct scalar){.kind = SCALAR_TEXT};
        }
    }
    plain[length] = '\0';
    if (is_fraction) {
        return number_or_text(parse_float(plain), SCALAR_FLOAT);
    }
    struct json_object *integer = parse_integer(plain);
    return integer != NULL ? number_or_text(integer, SCALAR_INTEGER) : number_or_text(parse_float(plain), SCALAR_FLOAT);
}

static bool is_like_number(const char *text, size_t length)
{
    bool has_start = is_digit(text[0]) || text[0] == '-' || text[0] == '+' || text[0] == '.';
    return has_start && length < NUMBER_SIZE;
}

/* False for most texts, at the cost of a look. */
static bool is_like_word(const char *text, size_t length)
{
    return length <= WORD_LENGTH_MAX && strchr("~nNyYtTfFoO.+-", text[0]) != NULL; /* the empty text's NUL too */
}

static struct scalar resolve_plain(const char *text, size_t length)
{
    for (size_t i = 0; i < array_length(words) && is_like_word(text, length); i++) {
        if (words[i].text[0] == text[0] && strcmp(words[i].text, text) == 0) {
            bool is_bool = words[i].kind == SCALAR_BOOL;
            return (struct scalar){.kind = words[i].kind,
                                   .value = is_bool ? must(json_object_new_boolean(words[i].truth)) : NULL};
        }
    }
    return is_like_number(text, length) ? resolve_number(text) : (struct scalar){.kind = SCALAR_TEXT};
}

struct tag {
    const char *name;
    enum scalar_kind kind;
};

/* Timestamps stay texts in go-yaml too. */
static const struct tag tags[] = {
    {"tag:yaml.org,2002:null", SCALAR_NULL},
    {"tag:yaml.org,2002:bool", SCALAR_BOOL},
    {"tag:yaml.org,2002:int", SCALAR_INTEGER},
    {"tag:yaml.org,2002:float", SCALAR_FLOAT},
};

/* True where the tag is one of those that say how a text is to be read. */
static bool find_kind(const char *tag, enum scalar_kind *ret_kind)
{
    for (size_t i = 0; i < array_length(tags); i++) {
        if (strcmp(tags[i].name, tag) == 0) {
            *ret_kind = tags[i].kind;
            return true;
        }
    }
    return false;
}

bool yaml_scalar_is_text(const char *text, size_t length, const char *tag, bool is_plain)
{
    return tag == NULL && (!is_plain || !(is_like_word(text, length) || is_like_number(text, length)));
}

int yaml_scalar_resolve(const char *text, size_t length, const char *tag, bool is_plain, struct json_object **ret_value,
                        const char **ret_why)
{
    if (yaml_scalar_is_text(text, length, tag, is_plain)) {
        *ret_value = must(json_object_new_string_len(text, (int) length));
        return 0;
    }
    if (tag != NULL && strcmp(tag, "tag:yaml.org,2002:binary") == 0) {
        *ret_why = "the tag !!binary is not supported";
        return ERROR_BAD_INPUT;
    }
    enum scalar_kind wanted = SCALAR_TEXT;
    bool is_read = tag == NULL ? is_plain : find_kind(tag, &wanted);
    bool has_nul = memchr(text, '\0', length) != NULL;
    struct scalar scalar = {.kind = SCALAR_TEXT};
    if (is_read && !has_nul) {
        scalar = resolve_plain(text, length);
    }
    if (scalar.kind == SCALAR_NOT_JSON) {
        *ret_why = "JSON has no infinity and no not-a-number";
        return ERROR_BAD_INPUT;
    }
    bool is_whole_float = wanted == SCALAR_FLOAT && scalar.kind == SCALAR_INTEGER;
    if (tag != NULL && is_read && scalar.kind != wanted && !is_whole_float) {
        json_object_put(scalar.value);
        *ret_why = "the value does not fit its tag";
        return ERROR_BAD_INPUT;
    }
    if (scalar.kind == SCALAR_TEXT) {
        scalar.value = must(json_object_new_string_len(text, (int) length));
    }
    *ret_value = scalar.value;
    return 0;
}

const char *yaml_scalar_key(struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_string: {
        const char *text = json_object_get_string(value);
        return strlen(text) == (size_t) json_object_get_string_len(value) ? text : NULL;
    }
    case json_type_boolean:
    case json_type_int:
    case json_type_double:
        return json_object_get_string(value);
    default:
        return NULL;
    }
}
