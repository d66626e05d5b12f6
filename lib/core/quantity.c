#include "proget/core/quantity.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "proget/core/error.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

/* Digits kept of a quantity; what is behind them only tells whether to round up. */
enum { QUANTITY_DIGITS = 38, WIDE_LIMBS = 7 };

/* An unsigned integer of 224 bits, lowest limb first: room for 38 digits, times 2^60, times ten. */
struct wide {
    uint32_t limbs[WIDE_LIMBS];
};

/* mantissa * 10^decimal_exponent * 2^binary_exponent, and a bit where `has_more`. */
struct number {
    bool is_negative;
    bool has_digits;
    bool has_more;
    struct wide mantissa;
    int64_t decimal_exponent;
    int binary_exponent;
};

struct suffix {
    const char *text;
    int decimal_exponent;
    int binary_exponent;
};

static const struct suffix suffixes[] = {
    {"", 0, 0},    {"n", -9, 0},  {"u", -6, 0},  {"m", -3, 0},  {"k", 3, 0},   {"M", 6, 0},
    {"G", 9, 0},   {"T", 12, 0},  {"P", 15, 0},  {"E", 18, 0},  {"Ki", 0, 10}, {"Mi", 0, 20},
    {"Gi", 0, 30}, {"Ti", 0, 40}, {"Pi", 0, 50}, {"Ei", 0, 60},
};

static void wide_multiply_add(struct wide *wide, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;
    for (size_t i = 0; i < WIDE_LIMBS; i++) {
        carry += (uint64_t) wide->limbs[i] * factor;
        wide->limbs[i] = (uint32_t) carry;
        carry >>= 32;
    }
}

/* Returns the remainder. */
static uint32_t wide_divide(struct wide *wide, uint32_t divisor)
{
    uint64_t remainder = 0;
    for (size_t i = WIDE_LIMBS; i > 0; i--) {
        remainder = remainder << 32 | wide->limbs[i - 1];
        wide->limbs[i - 1] = (uint32_t) (remainder / divisor);
        remainder %= divisor;
    }
    return (uint32_t) remainder;
}

/* Its value, or INT64_MAX where it is that or more. */
static int64_t wide_saturated(const struct wide *wide)
{
    for (size_t i = 2; i < WIDE_LIMBS; i++) {
        if (wide->limbs[i] != 0) {
            return INT64_MAX;
        }
    }
    uint64_t value = (uint64_t) wide->limbs[1] << 32 | wide->limbs[0];
    return value > (uint64_t) INT64_MAX ? INT64_MAX : (int64_t) value;
}

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

/* Digits with at most one point. */
static const char *read_digits(const char *text, struct number *number)
{
    int digits = 0;
    bool is_fraction = false;
    for (; is_digit(*text) || (*text == '.' && !is_fraction); text++) {
        if (*text == '.') {
            is_fraction = true;
            continue;
        }
        number->has_digits = true;
        if (digits > 0 || *text != '0') {
            digits++;
        }
        if (digits <= QUANTITY_DIGITS) {
            wide_multiply_add(&number->mantissa, 10, (uint32_t) (*text - '0'));
            number->decimal_exponent -= is_fraction ? 1 : 0;
        } else {
            number->has_more = number->has_more || *text != '0';
            number->decimal_exponent += is_fraction ? 0 : 1;
        }
    }
    return text;
}

static int read_suffix(const char *text, struct number *number)
{
    for (size_t i = 0; i < array_length(suffixes); i++) {
        if (strcmp(suffixes[i].text, text) == 0) {
            number->decimal_exponent += suffixes[i].decimal_exponent;
            number->binary_exponent = suffixes[i].binary_exponent;
            return 0;
        }
    }
    if (text[0] != 'e' && text[0] != 'E') {
        return ERROR_BAD_INPUT;
    }
    const char *digits = text[1] == '+' ? text + 2 : text + 1;
    int64_t exponent = 0;
    if ((text[1] == '+' && !is_digit(text[2])) || text_parse_int64(digits, INT32_MIN, INT32_MAX, &exponent) != 0) {
        return ERROR_BAD_INPUT;
    }
    number->decimal_exponent += exponent;
    return 0;
}

/* Away from zero, saturating. */
static int64_t number_in_thousandths(const struct number *number)
{
    struct wide value = number->mantissa;
    bool has_more = number->has_more;
    if (wide_saturated(&value) == 0) {
        return 0;
    }
    for (int i = 0; i < number->binary_exponent; i += 10) {
        wide_multiply_add(&value, 1024, 0);
    }
    int64_t exponent = number->decimal_exponent + 3;
    for (; exponent > 0 && wide_saturated(&value) < INT64_MAX; exponent--) {
        wide_multiply_add(&value, 10, 0);
    }
    for (; exponent < 0 && wide_saturated(&value) > 0; exponent++) {
        has_more = wide_divide(&value, 10) != 0 || has_more;
    }
    int64_t magnitude = wide_saturated(&value);
    magnitude += has_more && magnitude < INT64_MAX ? 1 : 0;
    return number->is_negative ? -magnitude : magnitude;
}

int quantity_parse(const char *text, int64_t *ret_thousandths)
{
    struct number number = {.is_negative = text[0] == '-'};
    if (text[0] == '\0') {
        return ERROR_BAD_INPUT;
    }
    text += text[0] == '-' || text[0] == '+' ? 1 : 0;
    int result = read_suffix(read_digits(text, &number), &number);
    if (result < 0 || !number.has_digits) {
        return ERROR_BAD_INPUT;
    }
    *ret_thousandths = number_in_thousandths(&number);
    return 0;
}
