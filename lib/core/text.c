#include "proget/core/text.h"

#include <assert.h>
#include <string.h>

#include "proget/core/error.h"

static char text_lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char) (character - 'A' + 'a') : character;
}

bool text_equal(const char *a, const char *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return strcmp(a, b) == 0;
}

bool text_equal_ignore_case(const char *a, const char *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    while (*a != '\0' && text_lower(*a) == text_lower(*b)) {
        a++;
        b++;
    }
    return text_lower(*a) == text_lower(*b);
}

bool text_starts_with(const char *text, const char *prefix)
{
    return text != NULL && prefix != NULL && strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends_with(const char *text, const char *suffix)
{
    size_t text_length;
    size_t suffix_length;

    if (text == NULL || suffix == NULL) {
        return false;
    }
    text_length = strlen(text);
    suffix_length = strlen(suffix);
    return suffix_length <= text_length && strcmp(text + text_length - suffix_length, suffix) == 0;
}

bool text_is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

bool text_contains_ignore_case(const char *text, const char *part)
{
    if (text == NULL || part == NULL) {
        return false;
    }
    for (const char *start = text;; start++) {
        size_t matched = 0;

        while (part[matched] != '\0' && text_lower(start[matched]) == text_lower(part[matched])) {
            matched++;
        }
        if (part[matched] == '\0') {
            return true;
        }
        if (*start == '\0') {
            return false;
        }
    }
}

size_t text_distance_ignore_case(const char *a, const char *b)
{
    size_t row[TEXT_DISTANCE_LENGTH_MAX + 1];
    size_t length = strlen(b);

    if (length > TEXT_DISTANCE_LENGTH_MAX || strlen(a) > TEXT_DISTANCE_LENGTH_MAX) {
        return SIZE_MAX;
    }
    for (size_t k = 0; k <= length; k++) {
        row[k] = k;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t k = 0; k < length; k++) {
            size_t least = diagonal + (text_lower(a[i]) == text_lower(b[k]) ? 0 : 1);

            diagonal = row[k + 1];
            least = row[k + 1] + 1 < least ? row[k + 1] + 1 : least;
            row[k + 1] = row[k] + 1 < least ? row[k] + 1 : least;
        }
    }
    return row[length];
}

int text_parse_int64(const char *text, int64_t minimum, int64_t maximum, int64_t *ret_value)
{
    bool negative;
    int64_t value = 0;

    if (text_is_empty(text)) {
        return ERROR_BAD_INPUT;
    }
    negative = *text == '-';
    if (negative) {
        text++;
    }
    if (*text == '\0') {
        return ERROR_BAD_INPUT;
    }
    /* Collected below zero: INT64_MIN has no positive counterpart. */
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return ERROR_BAD_INPUT;
        }
        if (__builtin_mul_overflow(value, INT64_C(10), &value) ||
            __builtin_sub_overflow(value, (int64_t) (*text - '0'), &value)) {
            return ERROR_BAD_INPUT;
        }
    }
    if (!negative && __builtin_sub_overflow(INT64_C(0), value, &value)) {
        return ERROR_BAD_INPUT;
    }
    if (value < minimum || value > maximum) {
        return ERROR_BAD_INPUT;
    }
    *ret_value = value;
    return 0;
}

static bool utf8_is_continuation(char byte)
{
    return ((unsigned char) byte & 0xc0U) == 0x80U;
}

void text_copy_cut(char *target, size_t size, const char *source)
{
    static const char dots[] = "...";
    size_t length = source == NULL ? 0 : strlen(source);
    size_t kept;

    assert(size > 0);
    if (length < size) {
        if (length > 0) {
            memmove(target, source, length);
        }
        target[length] = '\0';
        return;
    }
    kept = size - 1 < sizeof(dots) - 1 ? 0 : size - sizeof(dots);
    while (kept > 0 && utf8_is_continuation(source[kept])) {
        kept--;
    }
    memmove(target, source, kept);
    for (size_t dot = 0; dot < sizeof(dots) - 1 && kept < size - 1; dot++) {
        target[kept++] = dots[dot];
    }
    target[kept] = '\0';
}

/*
 * Length in bytes of the valid UTF-8 sequence at `at` and its character; 0 when it is broken (overlong, surrogate,
 * beyond U+10FFFF, cut). Never reads past the terminator: it is no continuation byte.
 */
static size_t utf8_decode(const char *at, uint32_t *ret_character)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char) at[0];
    uint32_t character;
    size_t length;

    if (first < 0x80) {
        *ret_character = first;
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        length = 2;
        character = first & 0x1fU;
    } else if (first >= 0xe0 && first <= 0xef) {
        length = 3;
        character = first & 0x0fU;
    } else if (first >= 0xf0 && first <= 0xf4) {
        length = 4;
        character = first & 0x07U;
    } else {
        return 0;
    }
    for (size_t index = 1; index < length; index++) {
        if (!utf8_is_continuation(at[index])) {
            return 0;
        }
        character = character << 6 | ((unsigned char) at[index] & 0x3fU);
    }
    if (character < smallest[length] || character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff)) {
        return 0;
    }
    *ret_character = character;
    return length;
}

/* Whether a terminal or a reader could be led astray by it. The joiners U+200C and U+200D stay: scripts need them. */
static bool character_is_printable(uint32_t character)
{
    static const struct {
        uint32_t first, last;
    } refused[] = {
        {0x0000, 0x001f}, {0x007f, 0x009f},   /* control characters */
        {0x061c, 0x061c}, {0x200e, 0x200f},   /* direction marks */
        {0x200b, 0x200b}, {0xfeff, 0xfeff},   /* invisible spaces */
        {0x2028, 0x202e},                     /* line separators, direction embeddings and overrides */
        {0x2060, 0x206f},                     /* invisible operators, direction isolates */
        {0xfff9, 0xfffb},                     /* interlinear annotation */
        {0xfdd0, 0xfdef}, {0xe0000, 0xe0fff}, /* no characters; tags */
    };

    for (size_t index = 0; index < sizeof(refused) / sizeof(refused[0]); index++) {
        if (character >= refused[index].first && character <= refused[index].last) {
            return false;
        }
    }
    return (character & 0xfffe) != 0xfffe; /* U+xxFFFE and U+xxFFFF are no characters */
}

/* How many bytes at the front are printable ASCII. */
static size_t plain_length(const char *text)
{
    size_t length = 0;

    while (text[length] >= ' ' && text[length] <= '~') {
        length++;
    }
    return length;
}

void text_make_printable(char *text)
{
    /* Nearly every text is plain all through, and stays where it is. */
    const char *from = text + plain_length(text);
    char *to = text + (from - text);

    while (*from != '\0') {
        uint32_t character = 0;
        size_t length = utf8_decode(from, &character);

        if (length == 0) {
            *to++ = '?';
            from++;
        } else if (!character_is_printable(character)) {
            *to++ = '?';
            from += length;
        } else {
            memmove(to, from, length);
            to += length;
            from += length;
        }
    }
    *to = '\0';
}

void text_to_hex(char *target, const uint8_t *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t index = 0; index < length; index++) {
        target[2 * index] = digits[bytes[index] >> 4];
        target[2 * index + 1] = digits[bytes[index] & 0x0f];
    }
    target[2 * length] = '\0';
}

uint64_t text_hash(uint64_t seed, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    uint64_t hash = seed;

    for (size_t index = 0; index < length; index++) {
        hash = (hash ^ at[index]) * UINT64_C(0x100000001b3);
    }
    return hash;
}
