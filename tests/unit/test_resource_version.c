#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proget/core/memory.h"
#include "proget/kube/resource_version.h"

static void test_order(void **state)
{
    static const struct {
        const char *version, *other;
        bool is_older;
    } cases[] = {
        {"1", "2", true},
        {"2", "1", false},
        {"7", "7", false},
        {"9", "10", true}, /* shorter is smaller */
        {"10", "9", false},
        {"18446744073709551615", "18446744073709551616", true}, /* of any length */
        {"99999999999999999999", "100000000000000000000", true},
        {"", "1", false}, /* no versions: nothing can be said */
        {"0", "1", false},
        {"1", "", false},
        {"05", "10", false},
        {"1a", "20", false},
        {"-1", "20", false},
        {NULL, "1", false},
        {"1", NULL, false},
    };
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        assert_int_equal(resource_version_is_older(cases[i].version, cases[i].other), cases[i].is_older);
    }
}

static void test_validity(void **state)
{
    (void) state;
    assert_true(resource_version_is_valid("1"));
    assert_true(resource_version_is_valid("123456789012345678901234567890"));
    assert_false(resource_version_is_valid("0"));
    assert_false(resource_version_is_valid(""));
    assert_false(resource_version_is_valid(NULL));
    assert_false(resource_version_is_valid("12 "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_validity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
