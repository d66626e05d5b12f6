#include "help_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { HELP_BYTES_MAX = 64 * 1024, LINE_MAX_COLUMNS = 120 };

char *help_caught(void (*print)(void))
{
    cleanup_close int caught = memfd_create("stdout", MFD_CLOEXEC);
    cleanup_close int standard_output = -1;
    char *help = xcalloc(HELP_BYTES_MAX, 1);

    assert_true(caught >= 0);
    (void) fflush(stdout);
    standard_output = dup(STDOUT_FILENO);
    assert_int_equal(dup2(caught, STDOUT_FILENO), STDOUT_FILENO);
    print();
    (void) fflush(stdout);
    assert_int_equal(dup2(standard_output, STDOUT_FILENO), STDOUT_FILENO);
    assert_true(pread(caught, help, HELP_BYTES_MAX - 1, 0) > 0);
    return help;
}

static size_t occurrences(const char *text, const char *end, const char *part)
{
    size_t count = 0;

    for (const char *at = text; (size_t) (end - at) >= strlen(part); at++) {
        count += strncasecmp(at, part, strlen(part)) == 0;
    }
    return count;
}

/* The text of one option: up to the next line that starts one, or an empty line. */
static const char *end_of_option(const char *text)
{
    for (const char *at = strchr(text, '\n'); at != NULL; at = strchr(at + 1, '\n')) {
        if (at[1] == '\n' || at[1] == '\0' || strspn(at + 1, " ") < strlen("         ")) {
            return at;
        }
    }
    return text + strlen(text);
}

void assert_help_says_once(const char *help)
{
    size_t options = 0;

    for (const char *line = help; *line != '\0'; line += strcspn(line, "\n") + 1) {
        const char *end;

        assert_true(strcspn(line, "\n") <= LINE_MAX_COLUMNS);
        if (!text_starts_with(line, "  -") && !text_starts_with(line, "      --")) {
            continue;
        }
        options++;
        end = end_of_option(line);
        if (occurrences(line, end, "default:") > 1 || occurrences(line, end, "repeated") > 1) {
            fail_msg("said twice: %.*s", (int) (end - line), line);
        }
    }
    assert_true(options > 2);
}
