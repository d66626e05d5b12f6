#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../sidecar/machine_source.h"
#include "proget/core/memory.h"

static char path[] = "/tmp/test_machine_source.XXXXXX";

static int make_file(void **state)
{
    (void) state;
    cleanup_close int fd = mkstemp(path);
    return fd < 0 ? -1 : 0;
}

static int remove_file(void **state)
{
    (void) state;
    return unlink(path);
}

static void write_file(const char *head, size_t filler)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(head, file) >= 0);
    for (size_t i = 0; i < filler; i++) {
        assert_int_equal(fputc('f', file), 'f');
    }
    assert_int_equal(fclose(file), 0);
}

/* As on a machine with hundreds of processors. */
static void only_the_head_of_a_large_file_is_read(void **state)
{
    struct machine machine;

    (void) state;
    write_file("vendor_id : GenuineIntel\ncpu family : 6\nmodel : 106\nstepping : 6\n", 2 * 1024 * 1024);
    assert_int_equal(machine_source_read(path, &machine, NULL), 0);
    assert_string_equal(machine.cpu, "GenuineIntel/6/106/6");
}

static void what_cannot_be_read_is_named(void **state)
{
    struct machine machine = {.cpu = "as before"};
    struct error err = {.text = ""};

    (void) state;
    write_file("", 5);
    assert_int_equal(machine_source_read(path, &machine, &err), ERROR_BAD_INPUT);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(machine_source_read("/tmp", &machine, &err), ERROR_IO);
    assert_int_equal(machine_source_read("/proc/self/no such file", &machine, &err), ERROR_NOT_FOUND);
    assert_string_equal(machine.cpu, "as before");
}

static void this_machine_has_a_cpu(void **state)
{
    struct machine machine;

    (void) state;
    assert_int_equal(machine_source_read(NULL, &machine, NULL), 0);
    assert_int_equal(strlen(machine.id) + 1, MACHINE_ID_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_head_of_a_large_file_is_read),
        cmocka_unit_test(what_cannot_be_read_is_named),
        cmocka_unit_test(this_machine_has_a_cpu),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
