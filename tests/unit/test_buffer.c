#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proget/core/buffer.h"
#include "proget/core/memory.h"

/* The library's free() comes here: no block may go back with the secret in it. */
void __real_free(void *block); // NOLINT(bugprone-reserved-identifier): the linker's name
void __wrap_free(void *block); // NOLINT(bugprone-reserved-identifier)
static int blocks_with_secret, blocks_wiped;
static const char secret[] = "b37e-the-secret";
static size_t watched_size; /* of every block given back while it is set */

void __wrap_free(void *block) // NOLINT(bugprone-reserved-identifier)
{
    if (block && watched_size) {
        bool has_secret = memmem(block, watched_size, secret, sizeof secret - 1) != NULL;
        blocks_with_secret += has_secret;
        blocks_wiped += !has_secret;
    }
    __real_free(block);
}

static void a_secret_is_wiped_from_all_its_memory(void **state)
{
    struct buffer buffer = BUFFER_SECRET_INIT(4096);
    (void) state;
    assert_int_equal(buffer_append_text(&buffer, secret), 0);
    watched_size = sizeof secret;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(buffer_append_text(&buffer, "more of the file"), 0);
    }
    assert_true(blocks_wiped >= 3); /* it grew */
    assert_memory_equal(buffer.data, secret, sizeof secret - 1);
    int wiped = blocks_wiped;
    buffer_free(&buffer);
    assert_int_equal(blocks_wiped, wiped + 1);
    buffer = BUFFER_INIT(4096);
    assert_int_equal(buffer_append_text(&buffer, secret), 0);
    buffer_free(&buffer);
    watched_size = 0;
    assert_int_equal(blocks_with_secret, 1); /* that last one alone, which was not said to be a secret */
}

static void grows_and_stays_a_text(void **state)
{
    cleanup_buffer struct buffer buffer = BUFFER_INIT(100000);

    (void) state;
    assert_string_equal(buffer_text(&buffer), "");
    for (int index = 0; index < 10000; index++) {
        assert_int_equal(buffer_append(&buffer, "abc", 3), 0);
        assert_int_equal(buffer.data[buffer.length], '\0');
    }
    assert_int_equal(buffer.length, 30000);
    assert_true(buffer.capacity <= buffer.limit + 1);
}

static void limit_is_exact_and_nothing_is_appended_beyond(void **state)
{
    cleanup_buffer struct buffer buffer = BUFFER_INIT(5);
    cleanup_buffer struct buffer closed = {0};

    (void) state;
    assert_int_equal(buffer_append_text(&buffer, "abc"), 0);
    assert_int_equal(buffer_append_text(&buffer, "def"), ERROR_TOO_LARGE);
    assert_int_equal(buffer_appendf(&buffer, "%d", 123), ERROR_TOO_LARGE);
    assert_string_equal(buffer_text(&buffer), "abc");
    assert_int_equal(buffer_appendf(&buffer, "%d", 12), 0);
    assert_string_equal(buffer_text(&buffer), "abc12");
    assert_int_equal(buffer_append(&buffer, "x", 1), ERROR_TOO_LARGE);
    assert_int_equal(buffer_append(&buffer, NULL, 0), 0);
    assert_int_equal(buffer_append(&buffer, "x", SIZE_MAX), ERROR_TOO_LARGE);
    assert_int_equal(buffer_append(&closed, "x", 1), ERROR_TOO_LARGE);
    assert_int_equal(buffer_append(&closed, NULL, 0), 0);
}

static void consume_keeps_the_rest(void **state)
{
    cleanup_buffer struct buffer buffer = BUFFER_INIT(100);

    (void) state;
    buffer_consume(&buffer, 3);
    assert_int_equal(buffer_append_text(&buffer, "one\ntwo"), 0);
    buffer_consume(&buffer, 0);
    buffer_consume(&buffer, 4);
    assert_string_equal(buffer_text(&buffer), "two");
    assert_int_equal(buffer.length, 3);
    buffer_consume(&buffer, 50);
    assert_string_equal(buffer_text(&buffer), "");
    assert_int_equal(buffer.length, 0);
}

static void reset_keeps_small_memory_only(void **state)
{
    cleanup_buffer struct buffer buffer = BUFFER_INIT(100000);

    (void) state;
    buffer_reset(&buffer, 1024);
    assert_int_equal(buffer_append_text(&buffer, "small"), 0);
    buffer_reset(&buffer, 1024);
    assert_true(buffer.capacity > 0);
    assert_string_equal(buffer_text(&buffer), "");
    for (int index = 0; index < 1000; index++) {
        assert_int_equal(buffer_append_text(&buffer, "large"), 0);
    }
    buffer_reset(&buffer, 1024);
    assert_int_equal(buffer.capacity, 0);
    assert_null(buffer.data);
    assert_int_equal(buffer_append_text(&buffer, "again"), 0);
}

static void take_leaves_it_empty_and_usable(void **state)
{
    cleanup_buffer struct buffer buffer = BUFFER_INIT(100);
    cleanup_free char *nothing = buffer_take(&buffer);
    cleanup_free char *text = NULL;

    (void) state;
    assert_string_equal(nothing, "");
    assert_int_equal(buffer_append_text(&buffer, "text"), 0);
    text = buffer_take(&buffer);
    assert_string_equal(text, "text");
    assert_int_equal(buffer.length, 0);
    assert_string_equal(buffer_text(&buffer), "");
    assert_int_equal(buffer_append_text(&buffer, "more"), 0);
    buffer_free(NULL);
}

/* A file in a fresh folder, and its path. */
static char *file_make(size_t size)
{
    char folder[] = "/tmp/test_buffer.XXXXXX";
    char *path;
    FILE *file;

    assert_non_null(mkdtemp(folder));
    path = xasprintf("%s/file", folder);
    file = fopen(path, "we");
    assert_non_null(file);
    for (size_t index = 0; index < size; index++) {
        assert_int_not_equal(fputc('a' + (int) (index % 26), file), EOF);
    }
    assert_int_equal(fclose(file), 0);
    return path;
}

static void file_remove(char *path)
{
    assert_int_equal(unlink(path), 0);
    *strrchr(path, '/') = '\0';
    assert_int_equal(rmdir(path), 0);
    free(path);
}

static void files_are_read_up_to_the_limit(void **state)
{
    static const struct {
        size_t size, limit;
        int result;
    } cases[] = {
        {0, 10, 0},
        {0, 0, 0},
        {9, 10, 0},
        {10, 10, 0},
        {11, 10, ERROR_TOO_LARGE},
        {1, 0, ERROR_TOO_LARGE},
        {4095, 1 << 20, 0},
        {4096, 4096, 0},
        {4097, 4096, ERROR_TOO_LARGE},
        {100000, 1 << 20, 0},
    };

    (void) state;
    for (size_t index = 0; index < array_length(cases); index++) {
        cleanup_buffer struct buffer buffer = BUFFER_INIT(cases[index].limit);
        char *path = file_make(cases[index].size);
        struct error err = {0};

        assert_int_equal(buffer_read_file(&buffer, path, &err), cases[index].result);
        assert_int_equal(buffer.length, cases[index].result == 0 ? cases[index].size : 0);
        if (cases[index].result != 0) {
            assert_int_equal(err.code, cases[index].result);
            assert_non_null(strstr(err.text, path));
            assert_null(strstr(err.text, "abcdefghij"));
        }
        file_remove(path);
    }
}

static void a_file_is_appended_or_nothing_is(void **state)
{
    cleanup_buffer struct buffer buffer = BUFFER_INIT(10);
    char *path = file_make(5);

    (void) state;
    assert_int_equal(buffer_append_text(&buffer, "> "), 0);
    assert_int_equal(buffer_read_file(&buffer, path, NULL), 0);
    assert_string_equal(buffer_text(&buffer), "> abcde");
    assert_int_equal(buffer_read_file(&buffer, path, NULL), ERROR_TOO_LARGE);
    assert_string_equal(buffer_text(&buffer), "> abcde");
    file_remove(path);
}

static void files_of_proc_have_no_size_but_content(void **state)
{
    cleanup_buffer struct buffer buffer = BUFFER_INIT(1 << 20);
    struct error err;

    (void) state;
    assert_int_equal(buffer_read_file(&buffer, "/proc/self/status", &err), 0);
    assert_non_null(strstr(buffer_text(&buffer), "Pid:"));
}

static void failures_have_their_codes(void **state)
{
    cleanup_buffer struct buffer buffer = BUFFER_INIT(100);
    char *path = file_make(3);
    struct error err;

    (void) state;
    assert_int_equal(buffer_read_file(&buffer, "/nonexistent/file", &err), ERROR_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nonexistent/file"));
    assert_int_equal(buffer_read_file(&buffer, "/dev/null/file", &err), ERROR_NOT_FOUND);
    assert_int_equal(buffer_read_file(&buffer, "/proc", &err), ERROR_IO);
    assert_int_equal(chmod(path, 0), 0);
    /* The superuser may read it all the same. */
    assert_int_equal(buffer_read_file(&buffer, path, &err), geteuid() == 0 ? 0 : ERROR_DENIED);
    file_remove(path);
}

static void dash_is_standard_input_even_when_it_does_not_block(void **state)
{
    cleanup_buffer struct buffer buffer = BUFFER_INIT(100);
    int standard_input = dup(STDIN_FILENO);
    int ends[2];
    struct error err;

    (void) state;
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(write(ends[1], "piped", 5), 5);
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(buffer_read_file(&buffer, "-", &err), 0);
    assert_string_equal(buffer_text(&buffer), "piped");
    assert_int_equal(close(ends[0]), 0);
    if (standard_input >= 0) {
        assert_int_equal(dup2(standard_input, STDIN_FILENO), STDIN_FILENO);
        assert_int_equal(close(standard_input), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_wiped_from_all_its_memory),
        cmocka_unit_test(grows_and_stays_a_text),
        cmocka_unit_test(limit_is_exact_and_nothing_is_appended_beyond),
        cmocka_unit_test(consume_keeps_the_rest),
        cmocka_unit_test(reset_keeps_small_memory_only),
        cmocka_unit_test(take_leaves_it_empty_and_usable),
        cmocka_unit_test(files_are_read_up_to_the_limit),
        cmocka_unit_test(a_file_is_appended_or_nothing_is),
        cmocka_unit_test(files_of_proc_have_no_size_but_content),
        cmocka_unit_test(failures_have_their_codes),
        cmocka_unit_test(dash_is_standard_input_even_when_it_does_not_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
