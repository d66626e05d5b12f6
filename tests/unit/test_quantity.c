#include "proget/core/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proget/core/error.h"
#include "proget/core/memory.h"

static void reads_what_apimachinery_reads(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        int64_t expected;
    } cases[] = {
        {"0", 0},
        {"-0", 0},
        {"+0", 0},
        {"1", 1000},
        {"+1", 1000},
        {"-1", -1000},
        {"007", 7000},
        {"100m", 100},
        {"1500m", 1500},
        {"0.5", 500},
        {".5", 500},
        {"5.", 5000},
        {"1.5", 1500},
        {"1k", 1000000},
        {"2e3", 2000000},
        {"2E3", 2000000},
        {"2e+3", 2000000},
        {"2e-3", 2},
        {"1E", INT64_MAX},
        {"1e0", 1000},
        {"1M", 1000000000},
        {"1G", INT64_C(1000000000000)},
        {"1T", INT64_C(1000000000000000)},
        {"1P", INT64_C(1000000000000000000)},
        {"10P", INT64_MAX},
        {"1Ki", 1024000},
        {"1Mi", INT64_C(1048576000)},
        {"1.5Gi", INT64_C(1610612736000)},
        {"0.5Ki", 512000},
        {"1Ti", INT64_C(1099511627776000)},
        {"1Pi", INT64_C(1125899906842624000)},
        {"1Ei", INT64_MAX},
        {"0.001Ei", INT64_C(1152921504606846976)},
        {"-1Ei", -INT64_MAX},
        {"1u", 1},
        {"1000u", 1},
        {"1001u", 2},
        {"1n", 1},
        {"-1n", -1},
        {"0.0001", 1},
        {"-0.0001", -1},
        {"1.0001", 1001},
        {"1.0000", 1000},
        {"0n", 0},
        {"0.000000000000000000000000000000000000000000000000000000001", 1},
        {"1e-100", 1},
        {"1e-2147483648", 1},
        {"0e2147483647", 0},
        {"1e2147483647", INT64_MAX},
        {"-1e2147483647", -INT64_MAX},
        {"9223372036854775.807", INT64_MAX},
        {"9223372036854775.806", INT64_MAX - 1},
        {"9223372036854775.8061", INT64_MAX},
        {"9223372036854775808", INT64_MAX},
        {"123456789012345678901234567890", INT64_MAX},
        {"123456789012345678901234567890n", INT64_MAX},
        {"1234567890123456789012345n", INT64_C(1234567890123456790)},
        {"0.1234567890123456789012345", 124},
        {"1.00000000000000000000000001", 1001},
        {"1.00000000000000000000000000000000000000000000000001", 1001},
        {"02591341.7242098150533Gi", INT64_C(2782431989560351775)},
        {"-3892896164036.512616224Ki", -INT64_C(3986325671973388920)},
        {"0.0079999999999999999999999999Ei", INT64_C(9223372036854775807)},
        {"0.0000000000000000008673617379884035472Ei", 1000},
        {"0.0000000000000000008673617379884035473Ei", 1001},
        {"99999999999999999999999999999999999999999999999999e-49", 10000},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        int64_t value = -7;
        if (quantity_parse(cases[i].text, &value) != 0 || value != cases[i].expected) {
            fail_msg("'%s': %jd, not %jd", cases[i].text, (intmax_t) value, (intmax_t) cases[i].expected);
        }
    }
}

static void refuses_the_rest(void **state)
{
    (void) state;
    static const char *const cases[] = {
        "",        ".",     "m",
        "+",       "-.",    "Ki",
        " ",       "1 ",    " 1",
        "abc",     "1.1.M", "1+1.0M",
        "0.1mi",   "0.1am", "aoeu",
        ".5i",     "1i",    "-3.01i",
        "-3.01e-", "1e",    "1e+",
        "1e--1",   "1e+-1", "1e1.5",
        "1Ee5",    "1K",    "1ki",
        "1KI",     "1mm",   "--1",
        "+-1",     "0x10",  "1e99999999999999999999",
        "1,5",     "1_000", "Infinity",
        "NaN",     "1e5m",
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        int64_t value = -7;
        if (quantity_parse(cases[i], &value) != ERROR_BAD_INPUT || value != -7) {
            fail_msg("'%s' was taken as %jd", cases[i], (intmax_t) value);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_apimachinery_reads),
        cmocka_unit_test(refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
