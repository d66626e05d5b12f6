/*
 * kubectl proget explain: pages, the list, unknown codes.
 */
#include "cli_fixture.h"

#include "embedded.h"
#include "explain.h"
#include "help_fixture.h"
#include "page.h"
#include "plugin.h"
#include "proget/checks/check.h"

static void test_every_code_has_its_page(void **state)
{
    (void) state;
    size_t count;
    const struct check_row *rows = catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        const struct embedded_file *page = embedded_find(finding_pages, finding_pages_count, rows[i].code);
        if (!page) {
            fail_msg("docs/findings has no page %s.md", rows[i].code);
        }
        assert_int_equal(strlen(page->text), page->length);
        struct command command;
        assert_int_equal(COMMAND_LINE(&command, explain_main, rows[i].code), STATUS_DONE);
        assert_true(text_starts_with(command.output, rows[i].code));
        assert_has(command.output, "\nMitigation\n----------\n");
        assert_has_not(command.output, "```");
        assert_has_not(command.output, "**");
        assert_has_not(command.output, "](");
        assert_string_equal(command.errors, "");
        command_end(&command);
    }
    for (size_t i = 0; i < finding_pages_count; i++) {
        if (!catalogue_find(finding_pages[i].name)) {
            fail_msg("docs/findings/%s.md is of no code of the catalogue", finding_pages[i].name);
        }
    }
}

static void test_case_does_not_matter(void **state)
{
    (void) state;
    struct command command;
    assert_int_equal(COMMAND_LINE(&command, explain_main, "coscheduled"), STATUS_DONE);
    assert_true(text_starts_with(command.output, "CoScheduled\n===========\n"));
    command_end(&command);
}

static void test_all_codes(void **state)
{
    (void) state;
    struct command command;
    const char *const words[] = {"explain"};
    assert_int_equal(command_line(&command, explain_main, words, 1), STATUS_DONE);
    size_t count;
    const struct check_row *rows = catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        cleanup_free char *start = xasprintf("\n%-28s%-9s", rows[i].code, severity_name(rows[i].severity));
        assert_has(command.output, start);
    }
    command_end(&command);
}

static void test_unknown_codes(void **state)
{
    (void) state;
    static const struct {
        const char *code, *told;
    } cases[] = {
        {"CoSchduled", "code \"CoSchduled\"; did you mean CoScheduled?\n"},
        {"keydrift", "did you mean EncryptionKeyDrift?\n"},
        {"EncryptionKeyMalformd", "did you mean EncryptionKeyMalformed"},
        {"Xyzzy", "code \"Xyzzy\"\nkubectl proget explain lists all codes.\n"},
        {"", "code \"\"\n"},
        {"\033[31mred", "code \"?[31mred\"\n"},
        {"AnEndlessCodeThatNobodyEverWroteAndThatIsFarLongerThanAnyOfThemCouldEverBe", "...\"\n"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        struct command command;
        assert_int_equal(COMMAND_LINE(&command, explain_main, cases[i].code), STATUS_UNUSABLE);
        assert_has(command.errors, cases[i].told);
        assert_string_equal(command.output, "");
        command_end(&command);
    }
}

static void test_usage(void **state)
{
    (void) state;
    struct command command;
    assert_int_equal(COMMAND_LINE(&command, explain_main, "CoScheduled", "Evicted"), STATUS_UNUSABLE);
    assert_has(command.errors, "one code at a time");
    command_end(&command);
    assert_int_equal(COMMAND_LINE(&command, explain_main, "--loudly"), STATUS_UNUSABLE);
    command_end(&command);
    assert_int_equal(COMMAND_LINE(&command, plugin_main, "explain", "CoScheduled"), STATUS_DONE);
    command_end(&command);
}

/* A full disk behind "> file" must not look like success. */
static void test_output_that_cannot_be_written(void **state)
{
    (void) state;
    struct command command = {0};
    command_begin(&command);
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    char *line[] = {(char *) "kubectl-proget", (char *) "explain", NULL};
    assert_int_equal(plugin_main(2, line, full, command.errors_file), STATUS_UNUSABLE);
    (void) fclose(full);
    command_flush(&command);
    assert_string_equal(command.errors, "error: the output could not be written\n");
    command_end(&command);
}

static void test_markdown(void **state)
{
    (void) state;
    static const char page[] =
        "# Title\n\nOne **bold** `a**b` word\nand [a link](Other.md), [another](https://e.example/x).\n"
        "\n## Part\n```sh\nkubectl get pods   # as it is **here**\n\ndone\n```\n"
        "- first\n  and more\n- second\n\n| a | b |\n| --- | --- |\n| `c` | d |\n[open";
    char *text = NULL;
    size_t size;
    FILE *target = open_memstream(&text, &size);
    page_print(page, (struct table_style){.width = 60}, target);
    (void) fclose(target);
    assert_string_equal(text, "Title\n=====\n\nOne bold `a**b` word and a link, another\n(https://e.example/x).\n"
                              "\nPart\n----\n    kubectl get pods   # as it is **here**\n\n    done\n"
                              "  - first and more\n  - second\n  a | b\n  `c` | d\n\n[open\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_has_its_page),
        cmocka_unit_test(test_case_does_not_matter),
        cmocka_unit_test(test_all_codes),
        cmocka_unit_test(test_unknown_codes),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_output_that_cannot_be_written),
        cmocka_unit_test(test_markdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
