#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "proget/core/memory.h"
#include "proget/model/machine.h"

#define X86_HEAD "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 106\n"
#define X86_TAIL "model name\t: Intel(R) Xeon(R)\nstepping\t: 6\nflags\t\t: fpu vme\n\n"
#define ARM                                                                                                     \
    "processor\t: 0\nBogoMIPS\t: 50.00\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x3\nCPU " \
    "part\t: "                                                                                                  \
    "0xd0c\nCPU revision\t: 1\n\n"

static int parse(const char *text, struct machine *machine, struct error *err)
{
    return machine_parse(text, strlen(text), machine, err);
}

/* The expected ids come from `printf 'GenuineIntel/6/106/6' | sha256sum`. */
static void cpus_are_named_as_the_licence_sees_them(void **state)
{
    static const struct {
        const char *cpuinfo, *cpu, *id;
    } cases[] = {
        {X86_HEAD X86_TAIL, "GenuineIntel/6/106/6",
         "sha256:4277f601b67a0fc1186ff25591174616ecd76ae61cd77a3ef2fc01c0924a3527"},
        /* The second processor does not count, nor do carriage returns and a missing last newline. */
        {X86_HEAD X86_TAIL "processor\t: 1\nvendor_id\t: AuthenticAMD\ncpu family\t: 25", "GenuineIntel/6/106/6",
         "sha256:4277f601b67a0fc1186ff25591174616ecd76ae61cd77a3ef2fc01c0924a3527"},
        {"vendor_id : GenuineIntel\r\ncpu family:6\r\nmodel:106\r\nstepping:6\r\n", "GenuineIntel/6/106/6",
         "sha256:4277f601b67a0fc1186ff25591174616ecd76ae61cd77a3ef2fc01c0924a3527"},
        {ARM, "0x41/8/0x3/0xd0c/1", "sha256:167134c968d75e6ec668b19171440b775f19a6a7ea2e092ec0ffb2b775cf9985"},
        {"vendor_id : GenuineIntel\nstepping :\n", "GenuineIntel/unknown/unknown/unknown", NULL},
    };

    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        struct machine machine = {.id = ""};
        assert_int_equal(parse(cases[i].cpuinfo, &machine, NULL), 0);
        assert_string_equal(machine.cpu, cases[i].cpu);
        if (cases[i].id) {
            assert_string_equal(machine.id, cases[i].id);
        }
        assert_int_equal(strlen(machine.id) + 1, MACHINE_ID_SIZE);
    }
}

static void what_names_no_cpu_is_refused(void **state)
{
    static const char *const cases[] = {"", "\n\n", "garbage", ":::", "model name: x\n", "vendor_idx : y\n"};

    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        struct machine machine = {.id = "as before"};
        struct error err = {.text = ""};
        assert_int_equal(parse(cases[i], &machine, &err), ERROR_BAD_INPUT);
        assert_string_equal(machine.id, "as before");
        assert_non_null(strstr(err.text, "vendor_id"));
    }
}

static void hostile_values_stay_printable_and_bounded(void **state)
{
    static const char nul[] = "vendor_id : a\0b\x1b[2J\ncpu family : 6\n";
    char longest[2048] = "vendor_id : ";
    struct machine machine;

    (void) state;
    assert_int_equal(machine_parse(nul, sizeof nul - 1, &machine, NULL), 0);
    assert_string_equal(machine.cpu, "a?b?[2J/6/unknown/unknown");
    memset(longest + strlen(longest), 'x', 1500);
    assert_int_equal(parse(longest, &machine, NULL), 0);
    assert_true(strlen(machine.cpu) < MACHINE_CPU_SIZE);
}

static void every_prefix_can_be_read(void **state)
{
    static const char text[] = X86_HEAD X86_TAIL;

    (void) state;
    for (size_t length = 0; length < sizeof text; length++) {
        cleanup_free char *exact = xmalloc(length);
        struct machine machine;
        memcpy(exact, text, length);
        int result = machine_parse(exact, length, &machine, NULL);
        assert_true(result == 0 || result == ERROR_BAD_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpus_are_named_as_the_licence_sees_them),
        cmocka_unit_test(what_names_no_cpu_is_refused),
        cmocka_unit_test(hostile_values_stay_printable_and_bounded),
        cmocka_unit_test(every_prefix_can_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
