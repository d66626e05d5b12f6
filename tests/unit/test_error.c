#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "proget/core/error.h"

static void set_fills_and_returns_the_code(void **state)
{
    struct error err;

    (void) state;
    assert_int_equal(error_set(&err, ERROR_GONE, "version %d of %s", 7, "pods"), ERROR_GONE);
    assert_int_equal(err.code, ERROR_GONE);
    assert_string_equal(err.text, "version 7 of pods");
    assert_int_equal(error_set(NULL, ERROR_TIMEOUT, "nobody listens"), ERROR_TIMEOUT);
}

static void set_may_use_its_own_text(void **state)
{
    struct error err;

    (void) state;
    error_set(&err, ERROR_IO, "inner");
    error_set(&err, ERROR_DENIED, "outer (%s)", err.text);
    assert_string_equal(err.text, "outer (inner)");
    assert_int_equal(err.code, ERROR_DENIED);
}

static void text_is_one_printable_line(void **state)
{
    struct error err;

    (void) state;
    error_set(&err, ERROR_IO, "%s", "first\nsecond\x1b[2J\xff\r\n");
    assert_string_equal(err.text, "first second?[2J?");
}

static void text_too_long_is_cut_with_dots(void **state)
{
    static const size_t lengths[] = {BOUND_ERROR_TEXT - 1, BOUND_ERROR_TEXT, BOUND_ERROR_TEXT + 1, 4000};
    char source[4001];
    struct error err;

    (void) state;
    for (size_t index = 0; index < sizeof(lengths) / sizeof(lengths[0]); index++) {
        memset(source, 'x', lengths[index]);
        source[lengths[index]] = '\0';
        error_set(&err, ERROR_IO, "%s", source);
        assert_int_equal(strlen(err.text), BOUND_ERROR_TEXT - 1);
        if (lengths[index] < BOUND_ERROR_TEXT) {
            assert_string_equal(err.text, source);
        } else {
            assert_string_equal(err.text + BOUND_ERROR_TEXT - 5, "x...");
        }
    }
}

static void wrap_puts_context_in_front(void **state)
{
    char long_context[2 * BOUND_ERROR_TEXT];
    struct error err;

    (void) state;
    error_set(&err, ERROR_CONFLICT, "somebody was faster");
    assert_int_equal(error_wrap(&err, "lease %s", "proget/main"), ERROR_CONFLICT);
    assert_string_equal(err.text, "lease proget/main: somebody was faster");
    assert_int_equal(error_wrap(NULL, "nobody"), ERROR_IO);

    memset(long_context, 'c', sizeof(long_context) - 1);
    long_context[sizeof(long_context) - 1] = '\0';
    assert_int_equal(error_wrap(&err, "%s", long_context), ERROR_CONFLICT);
    assert_int_equal(strlen(err.text), BOUND_ERROR_TEXT - 1);
    assert_string_equal(err.text + BOUND_ERROR_TEXT - 4, "...");
}

static void every_code_has_its_own_text(void **state)
{
    (void) state;
    assert_string_equal(error_code_text(ERROR_NOT_FOUND), "not found");
    for (int code = ERROR_TIMEOUT; code <= ERROR_AGAIN; code++) {
        const char *text = error_code_text((enum error_code) code);

        assert_string_not_equal(text, "unknown error");
        for (int other = code + 1; other <= ERROR_AGAIN; other++) {
            assert_string_not_equal(text, error_code_text((enum error_code) other));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_fills_and_returns_the_code), cmocka_unit_test(set_may_use_its_own_text),
        cmocka_unit_test(text_is_one_printable_line),     cmocka_unit_test(text_too_long_is_cut_with_dots),
        cmocka_unit_test(wrap_puts_context_in_front),     cmocka_unit_test(every_code_has_its_own_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
