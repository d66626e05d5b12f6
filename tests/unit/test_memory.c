#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proget/core/memory.h"

static void sizes_of_zero_are_unique_blocks(void **state)
{
    cleanup_free void *first = xmalloc(0);
    cleanup_free void *second = xcalloc(0, 8);
    cleanup_free void *third = xrealloc(NULL, 8, 0);

    (void) state;
    assert_non_null(first);
    assert_ptr_not_equal(first, second);
    assert_ptr_not_equal(second, third);
}

static void texts_are_copied(void **state)
{
    cleanup_free char *whole = xstrdup("proget");
    cleanup_free char *part = xstrndup("proget", 3);
    cleanup_free char *made = xasprintf("%s-%d", part, 0);

    (void) state;
    assert_string_equal(whole, "proget");
    assert_string_equal(part, "pro");
    assert_string_equal(made, "pro-0");
    assert_null(xstrdup(NULL));
}

static void calloc_zeroes_and_realloc_keeps(void **state)
{
    cleanup_free int *numbers = xcalloc(4, sizeof(*numbers));

    (void) state;
    assert_int_equal(numbers[3], 0);
    numbers[0] = 11;
    numbers = xrealloc(numbers, 4096, sizeof(*numbers));
    assert_int_equal(numbers[0], 11);
}

static void take_hands_ownership_out(void **state)
{
    cleanup_free char *owned = xstrdup("mine");
    char *taken = memory_take(&owned);

    (void) state;
    assert_null(owned);
    assert_string_equal(taken, "mine");
    free(taken);
}

static void cleanup_free_and_close_clear_their_variable(void **state)
{
    char *text = xstrdup("gone");
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int number = fd;

    (void) state;
    memory_cleanup_free(&text);
    assert_null(text);
    assert_true(fd >= 0);
    errno = ENOENT;
    memory_cleanup_close(&fd);
    assert_int_equal(fd, -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(fcntl(number, F_GETFD), -1);
    memory_cleanup_close(&fd);
    assert_int_equal(fd, -1);
}

static void wipe_overwrites(void **state)
{
    char secret[] = "hunter2";
    static const char zeroes[sizeof(secret)];

    (void) state;
    memory_wipe(secret, sizeof(secret));
    assert_memory_equal(secret, zeroes, sizeof(secret));
    memory_wipe(NULL, 3);
    memory_wipe_free(NULL);
    memory_wipe_free(xstrdup("hunter2"));
}

static void a_product_that_overflows_ends_the_program(void **state)
{
    int status = 0;
    pid_t child;

    (void) state;
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

        (void) setrlimit(RLIMIT_CORE, &no_core);
        (void) dup2(null_fd, STDERR_FILENO);
        (void) signal(SIGABRT, SIG_DFL);
        free(xrealloc(NULL, SIZE_MAX / 2, 4));
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_of_zero_are_unique_blocks),
        cmocka_unit_test(texts_are_copied),
        cmocka_unit_test(calloc_zeroes_and_realloc_keeps),
        cmocka_unit_test(take_hands_ownership_out),
        cmocka_unit_test(cleanup_free_and_close_clear_their_variable),
        cmocka_unit_test(wipe_overwrites),
        cmocka_unit_test(a_product_that_overflows_ends_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
