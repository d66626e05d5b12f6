#include "proget/core/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proget/core/clock.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { TURN_MS = 20, LIMIT_MS = 20000, OUTPUT_MAX = 4096, FOREIGN_FD = 77 };

struct fixture {
    struct loop *loop;
    struct process *process;
    int ends;
    enum process_end end;
    int number;
    char output[OUTPUT_MAX + 1];
    size_t output_length;
    char folder[64];
};

static int set_up(void **state)
{
    struct fixture *fixture = xcalloc(1, sizeof(*fixture));
    struct error err;
    assert_int_equal(loop_new(&fixture->loop, &err), 0);
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/test-process-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    loop_free(fixture->loop);
    assert_int_equal(rmdir(fixture->folder), 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left, not even a zombie */
    assert_int_equal(errno, ECHILD);
    free(fixture);
    return 0;
}

static void on_end(const struct process_result *result, void *userdata)
{
    struct fixture *fixture = userdata;
    fixture->process = NULL;
    fixture->ends++;
    fixture->end = result->end;
    fixture->number = result->number;
    fixture->output_length = result->output_length;
    assert_true(result->output_length <= OUTPUT_MAX);
    memcpy(fixture->output, result->output, result->output_length + 1);
}

static struct process_options options_for(const char *const *arguments)
{
    return (struct process_options){.arguments = arguments, .output_bytes_max = OUTPUT_MAX, .timeout_ms = LIMIT_MS};
}

static void start(struct fixture *fixture, const struct process_options *options)
{
    struct error err;
    if (process_start(fixture->loop, options, on_end, fixture, &fixture->process, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

static void wait_for_end(struct fixture *fixture)
{
    struct error err;
    int before = fixture->ends;
    int64_t deadline_ms = clock_now().monotonic_ms + LIMIT_MS;
    while (fixture->ends == before) {
        assert_int_equal(loop_turn(fixture->loop, TURN_MS, &err), 0);
        assert_true(clock_now().monotonic_ms < deadline_ms);
    }
}

static void run(struct fixture *fixture, const char *const *arguments)
{
    struct process_options options = options_for(arguments);
    start(fixture, &options);
    wait_for_end(fixture);
}

static void run_script(struct fixture *fixture, const char *script)
{
    const char *const arguments[] = {"/bin/sh", "-c", script, NULL};
    run(fixture, arguments);
}

static void test_how_it_ends(void **state)
{
    static const struct {
        const char *script;
        enum process_end end;
        int number;
        const char *output;
    } cases[] = {
        {"printf 'one\\ntwo'", PROCESS_EXITED, 0, "one\ntwo"},
        {"exit 3", PROCESS_EXITED, 3, ""},
        {"printf x; exit 255", PROCESS_EXITED, 255, "x"},
        {"printf x; exec >&-; exit 4", PROCESS_EXITED, 4, "x"}, /* the output ends before the process */
        {"kill -9 $$", PROCESS_SIGNALLED, SIGKILL, ""},
        {"kill -TERM $$", PROCESS_SIGNALLED, SIGTERM, ""},
        {"cat", PROCESS_EXITED, 0, ""}, /* nothing to read */
        {"test -t 0 || printf none", PROCESS_EXITED, 0, "none"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < array_length(cases); i++) {
        run_script(fixture, cases[i].script);
        assert_int_equal(fixture->end, cases[i].end);
        assert_int_equal(fixture->number, cases[i].number);
        assert_string_equal(fixture->output, cases[i].output);
        assert_int_equal(fixture->output_length, strlen(cases[i].output));
    }
}

static void test_arguments_and_environment_go_as_they_are(void **state)
{
    static const char *const arguments[] = {"printf", "%s|", "$HOME", "a b;exit 1", "", "*", NULL};
    static const char *const variables[] = {"A=1 2", "PATH=/nowhere", NULL};
    static const char *const show[] = {"env", NULL};
    struct fixture *fixture = *state;
    run(fixture, arguments); /* found in PATH, and no shell looks at it */
    assert_string_equal(fixture->output, "$HOME|a b;exit 1||*|");
    struct process_options options = options_for(show);
    options.environment = variables;
    start(fixture, &options); /* its PATH is its own affair */
    wait_for_end(fixture);
    assert_string_equal(fixture->output, "A=1 2\nPATH=/nowhere\n");
    setenv("TEST_PROCESS_OURS", "yes", 1);
    run_script(fixture, "printf %s \"$TEST_PROCESS_OURS\"");
    assert_string_equal(fixture->output, "yes");
    unsetenv("TEST_PROCESS_OURS");
}

static void test_what_cannot_be_run(void **state)
{
    struct fixture *fixture = *state;
    cleanup_free char *plain = xasprintf("%s/plain", fixture->folder);
    cleanup_free char *absent = xasprintf("%s/absent\n", fixture->folder);
    cleanup_free char *path = xstrdup(getenv("PATH"));
    const struct {
        const char *program, *path;
        int code;
        const char *text;
    } cases[] = {
        {"no-such-program-here", "/bin:/usr/bin", ERROR_NOT_FOUND, "there is no program \"no-such-program-here\" in"},
        {"plain", ".:relative::", ERROR_NOT_FOUND, "in PATH"}, /* the working folder is not searched */
        {"plain", fixture->folder, ERROR_DENIED, "plain is no program that may be run"},
        {absent, NULL, ERROR_NOT_FOUND, "/absent?"},
        {plain, NULL, ERROR_DENIED, "/plain is no program"},
        {fixture->folder, NULL, ERROR_DENIED, "is no program"},
    };
    int fd = open(plain, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < array_length(cases); i++) {
        const char *const arguments[] = {cases[i].program, "secret", NULL};
        struct process_options options = options_for(arguments);
        struct process *process = NULL;
        struct error err;
        setenv("PATH", cases[i].path ? cases[i].path : path, 1);
        int result = process_start(fixture->loop, &options, on_end, fixture, &process, &err);
        setenv("PATH", path, 1);
        assert_int_equal(result, cases[i].code);
        assert_null(process);
        assert_non_null(strstr(err.text, cases[i].text));
        assert_null(strstr(err.text, "secret"));
    }
    unlink(plain);
    assert_int_equal(fixture->ends, 0);
}

/* A pipe with a name, so that what a script started is seen to be gone: then nobody has it open any more. */
static char *new_fifo(const struct fixture *fixture)
{
    char *path = xasprintf("%s/fifo", fixture->folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    return path;
}

/* Waits for the script to open it. */
static int open_fifo(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void test_time_limit_ends_all_that_it_started(void **state)
{
    struct fixture *fixture = *state;
    cleanup_free char *path = new_fifo(fixture);
    cleanup_free char *script = xasprintf("exec 9>'%s'; printf x >&9; printf began; sleep 600 & sleep 600", path);
    const char *const arguments[] = {"/bin/sh", "-c", script, NULL};
    struct process_options options = options_for(arguments);
    char byte = 0;
    options.timeout_ms = 200;
    start(fixture, &options);
    cleanup_close int fd = open_fifo(path, O_RDONLY);
    assert_int_equal(read(fd, &byte, 1), 1); /* it runs */
    wait_for_end(fixture);
    assert_int_equal(fixture->end, PROCESS_TOO_LONG);
    assert_int_equal(read(fd, &byte, 1), 0); /* neither it nor its child does */
    unlink(path);
}

static void test_kill(void **state)
{
    struct fixture *fixture = *state;
    cleanup_free char *path = new_fifo(fixture);
    cleanup_free char *script = xasprintf("exec 9>'%s'; printf x >&9; sleep 600 & sleep 600", path);
    const char *const arguments[] = {"/bin/sh", "-c", script, NULL};
    struct process_options options = options_for(arguments);
    char byte = 0;
    process_kill(NULL);
    start(fixture, &options);
    cleanup_close int fd = open_fifo(path, O_RDONLY);
    assert_int_equal(read(fd, &byte, 1), 1);
    process_kill(fixture->process);
    assert_int_equal(read(fd, &byte, 1), 0);
    assert_int_equal(fixture->ends, 0);
    unlink(path);
}

static void test_output_has_a_limit(void **state)
{
    struct fixture *fixture = *state;
    run_script(fixture, "while :; do echo more and more; done");
    assert_int_equal(fixture->end, PROCESS_TOO_MUCH);
    run_script(fixture, "printf %04096d 7");
    assert_int_equal(fixture->end, PROCESS_EXITED);
    assert_int_equal(fixture->output_length, OUTPUT_MAX);
    run_script(fixture, "printf %04097d 7");
    assert_int_equal(fixture->end, PROCESS_TOO_MUCH);
}

static void test_helper_that_stays_behind_is_not_waited_for(void **state)
{
    struct fixture *fixture = *state;
    cleanup_free char *path = new_fifo(fixture);
    cleanup_free char *script = xasprintf("(read line < '%s') & printf done", path);
    run_script(fixture, script); /* its standard output is still open in the helper */
    assert_int_equal(fixture->end, PROCESS_EXITED);
    assert_string_equal(fixture->output, "done");
    close(open_fifo(path, O_WRONLY)); /* which ends it */
    unlink(path);
}

static void test_child_starts_clean(void **state)
{
    static const char *const status[] = {"grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status", NULL};
    struct fixture *fixture = *state;
    sigset_t blocked;
    sigset_t before;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction old;
    assert_int_equal(dup2(STDERR_FILENO, FOREIGN_FD), FOREIGN_FD); /* one that would be inherited */
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigaddset(&blocked, SIGTERM);
    assert_int_equal(sigprocmask(SIG_BLOCK, &blocked, &before), 0);
    assert_int_equal(sigaction(SIGUSR2, &ignore, &old), 0);
    run(fixture, status);
    assert_true(text_starts_with(fixture->output, "SigBlk:\t0000000000000000\nSigIgn:\t"));
    const char *ignored = strstr(fixture->output, "SigIgn:\t") + strlen("SigIgn:\t");
    assert_int_equal(strtoull(ignored, NULL, 16) & 0x7fffffff, 0); /* behind these come those of the C library */
    run_script(fixture, "for fd in /proc/$$/fd/*; do printf '%s ' \"${fd##*/}\"; done");
    assert_null(strstr(fixture->output, "77"));
    assert_true(text_starts_with(fixture->output, "0 1 2 "));
    assert_int_equal(sigaction(SIGUSR2, &old, NULL), 0);
    assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
    close(FOREIGN_FD);
    cleanup_free char *own = xasprintf("%d", (int) getsid(0));
    run_script(fixture, "read pid name state parent group session rest < /proc/self/stat; printf %s $session");
    assert_string_not_equal(fixture->output, own);
}

static void test_status_that_is_lost(void **state)
{
    struct fixture *fixture = *state;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction old;
    assert_int_equal(sigaction(SIGCHLD, &ignore, &old), 0);
    run_script(fixture, "printf x; exit 7");
    assert_int_equal(sigaction(SIGCHLD, &old, NULL), 0);
    assert_int_equal(fixture->end, PROCESS_EXITED);
    assert_string_equal(fixture->output, "x");
}

static void test_terminal(void **state)
{
    static const char *const arguments[] = {
        "/bin/sh", "-c",
        "test -t 0 && read pid name state parent group session rest < /proc/self/stat && printf %s $session", NULL};
    struct fixture *fixture = *state;
    struct process_options options = options_for(arguments);
    cleanup_close int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    cleanup_close int old = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(terminal >= 0);
    assert_int_equal(dup2(terminal, STDIN_FILENO), STDIN_FILENO);
    close(terminal);
    options.is_interactive = true;
    start(fixture, &options);
    wait_for_end(fixture);
    cleanup_free char *own = xasprintf("%d", (int) getsid(0));
    assert_int_equal(fixture->number, 0);
    assert_string_equal(fixture->output, own);
    options.is_interactive = false;
    start(fixture, &options);
    wait_for_end(fixture);
    assert_int_equal(fixture->number, 1); /* no terminal */
    if (old >= 0) {
        assert_int_equal(dup2(old, STDIN_FILENO), STDIN_FILENO);
    } else {
        close(STDIN_FILENO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_how_it_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_arguments_and_environment_go_as_they_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_time_limit_ends_all_that_it_started, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_kill, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_output_has_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_helper_that_stays_behind_is_not_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_child_starts_clean, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_status_that_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_terminal, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
