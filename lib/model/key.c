#include "proget/model/key.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "proget/core/error.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { KEY_DIGITS = 32, KEY_BYTES = KEY_DIGITS / 2, FINGERPRINT_BYTES = 16 };

static const char *const form_texts[] = {
    [KEY_UNKNOWN] = NULL,        [KEY_OK] = "ok",         [KEY_MALFORMED] = "malformed",   [KEY_PUBLIC] = "public",
    [KEY_CONFLICT] = "conflict", [KEY_ABSENT] = "absent", [KEY_UNREADABLE] = "unreadable",
};

/* The vendor's documentation shows this key, and people paste it. */
static const uint8_t documented_key[KEY_BYTES] = {0x37, 0xD2, 0x7A, 0x67, 0x03, 0x94, 0xF7, 0xD8,
                                                  0x2C, 0xE5, 0x7F, 0x1F, 0x07, 0xD6, 0x97, 0x47};

const char *key_form_text(enum key_form form)
{
    size_t index = (size_t) form;
    return index < array_length(form_texts) ? form_texts[index] : NULL;
}

enum key_form key_form_from_text(const char *text)
{
    for (size_t i = KEY_OK; text && i < array_length(form_texts); i++) {
        if (text_equal(text, form_texts[i])) {
            return (enum key_form) i;
        }
    }
    return KEY_UNKNOWN;
}

/* isspace() of the C locale, whatever locale is set. */
static bool is_space(char character)
{
    return character == ' ' || (character >= '\t' && character <= '\r');
}

/* Value of a hexadecimal digit, or -1. */
static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    if (digit >= 'A' && digit <= 'F') {
        return digit - 'A' + 10;
    }
    return -1;
}

/* Trims and reads the digits. KEY_OK with `digits` filled, KEY_MALFORMED or KEY_ABSENT. */
static enum key_form read_digits(const char *key, uint8_t digits[KEY_DIGITS])
{
    if (!key) {
        return KEY_ABSENT;
    }
    while (is_space(*key)) {
        key++;
    }
    size_t length = strlen(key);
    while (length > 0 && is_space(key[length - 1])) {
        length--;
    }
    if (length == 0) {
        return KEY_ABSENT;
    }
    if (length != KEY_DIGITS) {
        return KEY_MALFORMED;
    }
    for (size_t i = 0; i < KEY_DIGITS; i++) {
        int value = digit_value(key[i]);
        if (value < 0) {
            return KEY_MALFORMED;
        }
        digits[i] = (uint8_t) value;
    }
    return KEY_OK;
}

/* Every element is the one before plus `step`, modulo `modulus`. */
static bool is_sequence(const uint8_t *values, size_t count, unsigned step, unsigned modulus)
{
    for (size_t i = 1; i < count; i++) {
        if (values[i - 1] >= modulus || values[i] != (values[i - 1] + step) % modulus) {
            return false;
        }
    }
    return true;
}

static void pack_bytes(const uint8_t digits[KEY_DIGITS], uint8_t bytes[KEY_BYTES])
{
    for (size_t i = 0; i < KEY_BYTES; i++) {
        bytes[i] = (uint8_t) (digits[2 * i] << 4 | digits[2 * i + 1]);
    }
}

static bool is_public(const uint8_t digits[KEY_DIGITS])
{
    /* 0123456789abcdef..., 01234567890123..., 00010203..., 00112233..., upwards and downwards; step 0: one digit. */
    static const struct {
        bool of_bytes;
        unsigned step, modulus;
    } sequences[] = {
        {false, 0, 16}, {false, 1, 16},   {false, 15, 16}, {false, 1, 10},   {false, 9, 10},
        {true, 1, 256}, {true, 255, 256}, {true, 17, 256}, {true, 239, 256},
    };
    uint8_t bytes[KEY_BYTES];
    pack_bytes(digits, bytes);
    bool found = memcmp(bytes, documented_key, KEY_BYTES) == 0;
    for (size_t i = 0; i < array_length(sequences); i++) {
        found =
            found || is_sequence(sequences[i].of_bytes ? bytes : digits, sequences[i].of_bytes ? KEY_BYTES : KEY_DIGITS,
                                 sequences[i].step, sequences[i].modulus);
    }
    memory_wipe(bytes, sizeof bytes);
    return found;
}

enum key_form key_form_of(const char *key)
{
    uint8_t digits[KEY_DIGITS];
    enum key_form form = read_digits(key, digits);
    if (form == KEY_OK && is_public(digits)) {
        form = KEY_PUBLIC;
    }
    memory_wipe(digits, sizeof digits);
    return form;
}

int key_fingerprint(const char *key, const char *namespace_name, char target[KEY_FINGERPRINT_SIZE])
{
    uint8_t digits[KEY_DIGITS];
    uint8_t bytes[KEY_BYTES];
    if (read_digits(key, digits) != KEY_OK) {
        memory_wipe(digits, sizeof digits);
        return ERROR_BAD_INPUT;
    }
    pack_bytes(digits, bytes);
    cleanup_free char *salt = xasprintf("proget-operator/v1/%s", namespace_name ? namespace_name : "");
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned int digest_length = 0;
    const unsigned char *made =
        HMAC(EVP_sha256(), salt, (int) strlen(salt), bytes, sizeof bytes, digest, &digest_length);
    memory_wipe(digits, sizeof digits);
    memory_wipe(bytes, sizeof bytes);
    if (!made || digest_length < FINGERPRINT_BYTES) {
        return ERROR_BAD_INPUT; /* a libcrypto without SHA-256: nothing that can be said of the key */
    }
    char hex[2 * FINGERPRINT_BYTES + 1];
    text_to_hex(hex, digest, FINGERPRINT_BYTES);
    (void) snprintf(target, KEY_FINGERPRINT_SIZE, "hmac-sha256:%s", hex);
    return 0;
}
