#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "proget/core/error.h"
#include "proget/core/memory.h"
#include "proget/model/key.h"

static void forms_are_told_apart(void **state)
{
    static const struct {
        const char *key;
        enum key_form form;
    } cases[] = {
        {"8a3f0c51d2e94b7706c18efa93b5d240", KEY_OK},
        {" \t8A3F0C51D2E94B7706C18EFA93B5D240\r\n", KEY_OK},
        {"37D27A670394F7D82CE57F1F07D69747", KEY_PUBLIC},
        {"37d27a670394f7d82ce57f1f07d69747\n", KEY_PUBLIC},
        {"00000000000000000000000000000000", KEY_PUBLIC},
        {"ffffFFFFffffFFFFffffFFFFffffFFFF", KEY_PUBLIC},
        {"0123456789abcdef0123456789ABCDEF", KEY_PUBLIC},
        {"fedcba9876543210fedcba9876543210", KEY_PUBLIC},
        {"01234567890123456789012345678901", KEY_PUBLIC},
        {"12345678901234567890123456789012", KEY_PUBLIC},
        {"98765432109876543210987654321098", KEY_PUBLIC},
        {"00112233445566778899aabbccddeeff", KEY_PUBLIC},
        {"000102030405060708090a0b0c0d0e0f", KEY_PUBLIC},
        {"0123456789abcdef0123456789abcdee", KEY_OK},
        {"00112233445566778899aabbccddeefe", KEY_OK},
        {"8a3f0c51d2e94b7706c18efa93b5d24", KEY_MALFORMED},
        {"8a3f0c51d2e94b7706c18efa93b5d2401", KEY_MALFORMED},
        {"8a3f0c51d2e94b77 6c18efa93b5d2401", KEY_MALFORMED},
        {"8a3f0c51d2e94b7706c18efa93b5d24g", KEY_MALFORMED},
        {"0x8a3f0c51d2e94b7706c18efa93b5d2", KEY_MALFORMED},
        {"changeme", KEY_MALFORMED},
        {" \r\n\t\v\f", KEY_ABSENT},
        {"", KEY_ABSENT},
        {NULL, KEY_ABSENT},
    };

    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        assert_int_equal(key_form_of(cases[i].key), cases[i].form);
    }
}

static void form_texts_go_both_ways(void **state)
{
    (void) state;
    for (int form = KEY_OK; form <= KEY_UNREADABLE; form++) {
        assert_int_equal(key_form_from_text(key_form_text((enum key_form) form)), form);
    }
    assert_null(key_form_text(KEY_UNKNOWN));
    assert_null(key_form_text((enum key_form) 99));
    assert_int_equal(key_form_from_text(NULL), KEY_UNKNOWN);
    assert_int_equal(key_form_from_text("OK"), KEY_UNKNOWN);
    assert_int_equal(key_form_from_text(""), KEY_UNKNOWN);
}

/* The expected values come from `openssl dgst -sha256 -hmac proget-operator/v1/proget` over the decoded bytes. */
static void fingerprints_are_the_hmac_of_the_decoded_bytes(void **state)
{
    char fingerprint[KEY_FINGERPRINT_SIZE] = "";
    char other[KEY_FINGERPRINT_SIZE] = "";

    (void) state;
    assert_int_equal(key_fingerprint("0011223444556677"
                                     "8899aabbccddeeff",
                                     "proget", fingerprint),
                     0);
    assert_string_equal(fingerprint, "hmac-sha256:3451951c5c525198ba9fd31f6a2a9d80");
    assert_int_equal(key_fingerprint("\n 00112234445566778899AABBCCDDEEFF ", "proget", other), 0);
    assert_string_equal(fingerprint, other);
    assert_int_equal(key_fingerprint("37D27A670394F7D82CE57F1F07D69747", "proget", other), 0);
    assert_string_equal(other, "hmac-sha256:602a3f30583e1bfd8fb5da4589afae40");
    assert_int_equal(key_fingerprint("00112234445566778899aabbccddeeff", "other", other), 0);
    assert_string_not_equal(fingerprint, other);
    assert_int_equal(strlen(fingerprint) + 1, KEY_FINGERPRINT_SIZE);
}

static void a_malformed_key_has_no_fingerprint(void **state)
{
    char fingerprint[KEY_FINGERPRINT_SIZE] = "as before";

    (void) state;
    assert_int_equal(key_fingerprint("changeme", "proget", fingerprint), ERROR_BAD_INPUT);
    assert_int_equal(key_fingerprint(" ", "proget", fingerprint), ERROR_BAD_INPUT);
    assert_int_equal(key_fingerprint(NULL, "proget", fingerprint), ERROR_BAD_INPUT);
    assert_string_equal(fingerprint, "as before");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_are_told_apart),
        cmocka_unit_test(form_texts_go_both_ways),
        cmocka_unit_test(fingerprints_are_the_hmac_of_the_decoded_bytes),
        cmocka_unit_test(a_malformed_key_has_no_fingerprint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
