#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proget/core/bounds.h"
#include "proget/core/memory.h"
#include "proget/core/options.h"
#include "proget/core/text.h"

/* One of each kind, with its default. */
struct values {
    bool verbose, discover, quiet;
    const char *context;
    struct option_list namespaces;
    int64_t port;
    int format;
};

static const char *const formats[] = {"text", "json", "yaml", NULL};

enum { OPTION_COUNT = 7 };

struct fixture {
    struct values values;
    struct option options[OPTION_COUNT];
    struct program program;
    struct error err;
};

static void fixture_init(struct fixture *fixture)
{
    struct values *values = &fixture->values;

    *fixture = (struct fixture){.values = {.discover = true, .context = "default-context", .port = 8080}};
    fixture->options[0] = (struct option){.name = "log-format",
                                          .letter = 'o',
                                          .kind = OPTION_CHOICE,
                                          .target = &values->format,
                                          .value_name = "FORMAT",
                                          .help = "How to write.",
                                          .choices = formats};
    fixture->options[1] = (struct option){
        .name = "verbose", .letter = 'v', .kind = OPTION_FLAG, .target = &values->verbose, .help = "Say more."};
    fixture->options[2] =
        (struct option){.name = "discover", .kind = OPTION_FLAG, .target = &values->discover, .help = "Look around."};
    fixture->options[3] = (struct option){
        .name = "context", .kind = OPTION_TEXT, .target = &values->context, .value_name = "NAME", .help = "Which one."};
    fixture->options[4] = (struct option){.name = "namespace",
                                          .letter = 'n',
                                          .kind = OPTION_TEXT_LIST,
                                          .target = &values->namespaces,
                                          .value_name = "NS",
                                          .help = "Only this."};
    fixture->options[5] = (struct option){.name = "port",
                                          .letter = 'p',
                                          .kind = OPTION_INT64,
                                          .target = &values->port,
                                          .value_name = "N",
                                          .help = "Where.",
                                          .minimum = 1,
                                          .maximum = 65535};
    fixture->options[6] = (struct option){
        .name = "quiet", .letter = 'q', .kind = OPTION_FLAG, .target = &values->quiet, .help = "Say less."};
    fixture->program = (struct program){.name = "proget-test",
                                        .environment_prefix = "PROGET_TEST_",
                                        .usage = "[OPTION]... [FILE]...",
                                        .summary = "Tests what there is to test.",
                                        .options = fixture->options,
                                        .option_count = OPTION_COUNT};
}

/* Parses what follows the program's name: a list that NULL ends. */
#define PARSE(fixture, ret_operands, ...) \
    parse((fixture), (const char *const[]){"proget-test", __VA_ARGS__, NULL}, (ret_operands))
#define PARSE_NOTHING(fixture) parse((fixture), (const char *const[]){"proget-test", NULL}, NULL)

static int parse(struct fixture *fixture, const char *const *arguments, struct option_list *ret_operands)
{
    int argc = 0;

    while (arguments[argc] != NULL) {
        argc++;
    }
    return options_parse(&fixture->program, argc, (char *const *) arguments, ret_operands, &fixture->err);
}

static void defaults_stand_when_nothing_is_said(void **state)
{
    struct fixture fixture;

    (void) state;
    fixture_init(&fixture);
    assert_int_equal(PARSE_NOTHING(&fixture), OPTIONS_RUN);
    assert_false(fixture.values.verbose);
    assert_true(fixture.values.discover);
    assert_string_equal(fixture.values.context, "default-context");
    assert_int_equal(fixture.values.namespaces.count, 0);
    assert_int_equal(fixture.values.port, 8080);
    assert_int_equal(fixture.values.format, 0);
}

static void long_options_take_their_value_either_way(void **state)
{
    struct fixture fixture;

    (void) state;
    fixture_init(&fixture);
    assert_int_equal(PARSE(&fixture, NULL, "--log-format=json", "--verbose", "--discover=false", "--context", "--odd",
                           "--namespace=a", "--namespace", "b,c", "--port", "1"),
                     OPTIONS_RUN);
    assert_int_equal(fixture.values.format, 1);
    assert_true(fixture.values.verbose);
    assert_false(fixture.values.discover);
    assert_string_equal(fixture.values.context, "--odd");
    assert_int_equal(fixture.values.namespaces.count, 2);
    assert_string_equal(fixture.values.namespaces.items[0], "a");
    assert_string_equal(fixture.values.namespaces.items[1], "b,c"); /* commas are for the environment */
    assert_int_equal(fixture.values.port, 1);
    free(fixture.values.namespaces.items);
}

static void short_options_take_their_value_in_every_way(void **state)
{
    struct fixture fixture;

    (void) state;
    fixture_init(&fixture);
    assert_int_equal(PARSE(&fixture, NULL, "-vqo", "yaml", "-na", "-n=b", "-n", "c", "-p65535"), OPTIONS_RUN);
    assert_true(fixture.values.verbose);
    assert_true(fixture.values.quiet);
    assert_int_equal(fixture.values.format, 2);
    assert_int_equal(fixture.values.namespaces.count, 3);
    assert_string_equal(fixture.values.namespaces.items[0], "a");
    assert_string_equal(fixture.values.namespaces.items[1], "b");
    assert_string_equal(fixture.values.namespaces.items[2], "c");
    assert_int_equal(fixture.values.port, 65535);
    free(fixture.values.namespaces.items);

    fixture_init(&fixture);
    assert_int_equal(PARSE(&fixture, NULL, "-v", "-v=false"), OPTIONS_RUN);
    assert_false(fixture.values.verbose);
}

static void the_last_of_a_repeated_option_counts(void **state)
{
    struct fixture fixture;

    (void) state;
    fixture_init(&fixture);
    assert_int_equal(PARSE(&fixture, NULL, "--port=1", "--verbose", "--context=", "--port=2", "--verbose=false"),
                     OPTIONS_RUN);
    assert_int_equal(fixture.values.port, 2);
    assert_false(fixture.values.verbose);
    assert_string_equal(fixture.values.context, "");
}

static void operands_are_collected_or_refused(void **state)
{
    struct option_list operands = {NULL, 0};
    struct fixture fixture;

    (void) state;
    fixture_init(&fixture);
    assert_int_equal(PARSE(&fixture, &operands, "audit", "-", "-v", "b.yaml", "--", "--port", "-x", "--"), OPTIONS_RUN);
    assert_true(fixture.values.verbose);
    assert_int_equal(fixture.values.port, 8080);
    assert_int_equal(operands.count, 6);
    assert_string_equal(operands.items[0], "audit");
    assert_string_equal(operands.items[1], "-");
    assert_string_equal(operands.items[2], "b.yaml");
    assert_string_equal(operands.items[3], "--port");
    assert_string_equal(operands.items[4], "-x");
    assert_string_equal(operands.items[5], "--");
    free(operands.items);
    assert_int_equal(PARSE(&fixture, NULL, "--verbose", "audit"), ERROR_BAD_INPUT);
    assert_string_equal(fixture.err.text, "unexpected argument \"audit\"; see proget-test --help");
}

static void mistakes_are_named_and_change_nothing(void **state)
{
    static const struct {
        const char *arguments[3];
        const char *text;
    } cases[] = {
        {{"--nonsense"}, "there is no option --nonsense"},
        {{"--token=hunter2"}, "there is no option --token"},
        {{"--verb"}, "there is no option --verb"},
        {{"--verbosely"}, "there is no option --verbosely"},
        {{"-x"}, "there is no option -x"},
        {{"-vx"}, "there is no option -x"},
        {{"--port"}, "--port needs a value"},
        {{"-v", "-p"}, "-p needs a value"},
        {{"--port", "0"}, "--port: \"0\" is not a whole number from 1 to 65535"},
        {{"-p65536"}, "-p: \"65536\" is not a whole number from 1 to 65535"},
        {{"--port="}, "--port: \"\" is not a whole number from 1 to 65535"},
        {{"--verbose=yes"}, "--verbose: \"yes\" is not true or false"},
        {{"--log-format=xml"}, "--log-format: \"xml\" is not text, json or yaml"},
        {{"-o=JSON"}, "-o: \"JSON\" is not text, json or yaml"},
        {{"--help=yes"}, "there is no option --help"},
        {{"--=x"}, "there is no option --"},
    };

    (void) state;
    for (size_t index = 0; index < array_length(cases); index++) {
        const char *const *arguments = cases[index].arguments;
        struct option_list operands = {NULL, 77};
        struct fixture fixture;
        cleanup_free char *expected = xasprintf("%s; see proget-test --help", cases[index].text);

        fixture_init(&fixture);
        assert_int_equal(
            PARSE(&fixture, &operands, "operand", "--context=changed", "-nlost", arguments[0], arguments[1]),
            ERROR_BAD_INPUT);
        assert_string_equal(fixture.err.text, expected);
        assert_string_equal(fixture.values.context, "default-context");
        assert_int_equal(fixture.values.namespaces.count, 0);
        assert_int_equal(operands.count, 77);
    }
}

static void values_are_bounded_and_cut_in_errors(void **state)
{
    cleanup_free char *large = xcalloc(BOUND_OPTION_VALUE + 2, 1);
    struct fixture fixture;

    (void) state;
    memset(large, '9', BOUND_OPTION_VALUE + 1);
    fixture_init(&fixture);
    assert_int_equal(PARSE(&fixture, NULL, "--context", large), ERROR_BAD_INPUT);
    assert_string_equal(fixture.err.text, "--context: the value is longer than 4096 bytes; see proget-test --help");
    large[BOUND_OPTION_VALUE] = '\0';
    assert_int_equal(PARSE(&fixture, NULL, "--context", large), OPTIONS_RUN);
    assert_ptr_equal(fixture.values.context, large);
    assert_int_equal(PARSE(&fixture, NULL, "--port", large), ERROR_BAD_INPUT);
    assert_true(strlen(fixture.err.text) < 200);
    assert_non_null(strstr(fixture.err.text, "9...\" is not"));
    assert_non_null(strstr(fixture.err.text, "see proget-test --help"));
}

static void set_variable(const char *name, const char *value)
{
    assert_int_equal(setenv(name, value, 1), 0);
}

static int clear_environment(void **state)
{
    static const char *const names[] = {"LOG_FORMAT", "VERBOSE", "DISCOVER", "CONTEXT", "NAMESPACE", "PORT", "QUIET"};

    (void) state;
    for (size_t index = 0; index < array_length(names); index++) {
        cleanup_free char *name = xasprintf("PROGET_TEST_%s", names[index]);

        (void) unsetenv(name);
    }
    return 0;
}

static void variables_stand_in_for_options(void **state)
{
    struct fixture fixture;

    (void) state;
    fixture_init(&fixture);
    set_variable("PROGET_TEST_LOG_FORMAT", "yaml");
    set_variable("PROGET_TEST_VERBOSE", "true");
    set_variable("PROGET_TEST_DISCOVER", "false");
    set_variable("PROGET_TEST_CONTEXT", "theirs");
    set_variable("PROGET_TEST_NAMESPACE", ",a,,bc,");
    set_variable("PROGET_TEST_PORT", ""); /* counts as not set */
    assert_int_equal(PARSE_NOTHING(&fixture), OPTIONS_RUN);
    assert_int_equal(fixture.values.format, 2);
    assert_true(fixture.values.verbose);
    assert_false(fixture.values.discover);
    assert_string_equal(fixture.values.context, "theirs");
    assert_int_equal(fixture.values.namespaces.count, 2);
    assert_string_equal(fixture.values.namespaces.items[0], "a");
    assert_string_equal(fixture.values.namespaces.items[1], "bc");
    assert_int_equal(fixture.values.port, 8080);
    assert_string_equal(getenv("PROGET_TEST_NAMESPACE"), ",a,,bc,");
    free(fixture.values.namespaces.items);
}

static void options_win_over_variables(void **state)
{
    struct fixture fixture;

    (void) state;
    fixture_init(&fixture);
    set_variable("PROGET_TEST_NAMESPACE", "a,b");
    set_variable("PROGET_TEST_PORT", "not looked at");
    set_variable("PROGET_TEST_VERBOSE", "true");
    assert_int_equal(PARSE(&fixture, NULL, "-nc", "--port=5", "--verbose=false"), OPTIONS_RUN);
    assert_int_equal(fixture.values.namespaces.count, 1);
    assert_string_equal(fixture.values.namespaces.items[0], "c");
    assert_int_equal(fixture.values.port, 5);
    assert_false(fixture.values.verbose);
    free(fixture.values.namespaces.items);
}

static void a_bad_variable_is_named(void **state)
{
    struct fixture fixture;

    (void) state;
    fixture_init(&fixture);
    set_variable("PROGET_TEST_PORT", "http");
    assert_int_equal(PARSE(&fixture, NULL, "-v"), ERROR_BAD_INPUT);
    assert_string_equal(fixture.err.text, "PROGET_TEST_PORT: \"http\" is not a whole number from 1 to 65535; see "
                                          "proget-test --help");
    assert_false(fixture.values.verbose);
}

static bool is_even(const char *value)
{
    return strlen(value) % 2 == 0;
}

static void texts_are_held_against_their_form(void **state)
{
    static const struct {
        const char *arguments[2];
        const char *text;
    } cases[] = {
        {{"--context=odd"}, "--context: \"odd\" is not a text of even length"},
        {{"-nab", "-n=abc"}, "-n: \"abc\" is not a text of even length"},
        {{"--namespace", "abc"}, "--namespace: \"abc\" is not a text of even length"},
    };

    (void) state;
    for (size_t index = 0; index < array_length(cases); index++) {
        const char *const *arguments = cases[index].arguments;
        struct fixture fixture;
        cleanup_free char *expected = xasprintf("%s; see proget-test --help", cases[index].text);

        fixture_init(&fixture);
        fixture.options[3].is_valid = fixture.options[4].is_valid = is_even;
        fixture.options[3].expected = fixture.options[4].expected = "a text of even length";
        assert_int_equal(PARSE(&fixture, NULL, arguments[0], arguments[1]), ERROR_BAD_INPUT);
        assert_string_equal(fixture.err.text, expected);
        assert_int_equal(PARSE(&fixture, NULL, "--context=", "-nab", "-ncdef"), OPTIONS_RUN);
        assert_int_equal(fixture.values.namespaces.count, 2);
        free(fixture.values.namespaces.items);
    }
}

static void variables_are_held_against_their_form_too(void **state)
{
    static const struct {
        const char *variable, *value, *text;
    } cases[] = {
        {"PROGET_TEST_CONTEXT", "odd", "PROGET_TEST_CONTEXT: \"odd\" is not a text of even length"},
        {"PROGET_TEST_NAMESPACE", "ab,odd", "PROGET_TEST_NAMESPACE: \"odd\" is not a text of even length"},
        {"PROGET_TEST_NAMESPACE", ",,", "PROGET_TEST_NAMESPACE: \",,\" is not a list, separated by commas"},
    };

    (void) state;
    for (size_t index = 0; index < array_length(cases); index++) {
        struct fixture fixture;
        cleanup_free char *expected = xasprintf("%s; see proget-test --help", cases[index].text);

        (void) clear_environment(NULL);
        fixture_init(&fixture);
        fixture.options[3].is_valid = fixture.options[4].is_valid = is_even;
        fixture.options[3].expected = fixture.options[4].expected = "a text of even length";
        set_variable(cases[index].variable, cases[index].value);
        assert_int_equal(PARSE_NOTHING(&fixture), ERROR_BAD_INPUT);
        assert_string_equal(fixture.err.text, expected);
        assert_int_equal(fixture.values.namespaces.count, 0);
        /* Not looked at where an option says it. */
        assert_int_equal(PARSE(&fixture, NULL, "--context=even", "--namespace=ab"), OPTIONS_RUN);
        free(fixture.values.namespaces.items);
    }
}

/* Parses with standard output caught in `output`. */
static int parse_caught(struct fixture *fixture, const char *argument, char *output, size_t size)
{
    cleanup_close int caught = memfd_create("stdout", MFD_CLOEXEC);
    cleanup_close int standard_output = -1;
    ssize_t length;
    int result;

    assert_true(caught >= 0);
    (void) fflush(stdout);
    standard_output = dup(STDOUT_FILENO);
    assert_int_equal(dup2(caught, STDOUT_FILENO), STDOUT_FILENO);
    result = PARSE(fixture, NULL, argument, "--unknown");
    assert_int_equal(dup2(standard_output, STDOUT_FILENO), STDOUT_FILENO);
    length = pread(caught, output, size - 1, 0);
    assert_true(length >= 0);
    output[length] = '\0';
    return result;
}

static void version_and_help_are_printed(void **state)
{
    struct fixture fixture;
    char output[8192];

    (void) state;
    fixture_init(&fixture);
    assert_int_equal(parse_caught(&fixture, "--version", output, sizeof(output)), OPTIONS_DONE);
    assert_string_equal(output, "proget-test " PROGET_VERSION "\n");
    assert_int_equal(parse_caught(&fixture, "--help", output, sizeof(output)), OPTIONS_DONE);
    assert_ptr_equal(strstr(output, "Usage: proget-test [OPTION]... [FILE]...\n"), output);
    assert_int_equal(parse_caught(&fixture, "-h", output, sizeof(output)), OPTIONS_DONE);
    assert_ptr_equal(strstr(output, "Usage: "), output);
    assert_int_equal(parse_caught(&fixture, "-vh", output, sizeof(output)), OPTIONS_DONE);
    assert_false(fixture.values.verbose);
}

static void help_tells_a_default_of_any_kind(void **state)
{
    static const struct {
        int option;
        const char *with, *without;
    } cases[] = {
        {0, "How. (text, json or yaml; default: text)\n", "Default: how. (text, json or yaml)\n"},
        {2, "How. (default: true)\n", "Default: how.\n"},
        {3, "How. (default: default-context)\n", "Default: how.\n"},
        {5, "How. (default: 8080)\n", "Default: how.\n"},
    };

    (void) state;
    for (size_t index = 0; index < array_length(cases); index++) {
        for (int round = 0; round < 2; round++) {
            char *text = NULL;
            size_t length = 0;
            struct fixture fixture;
            FILE *target = open_memstream(&text, &length);

            fixture_init(&fixture);
            fixture.options[cases[index].option].help = round == 0 ? "How." : "Default: how.";
            options_print_help(&fixture.program, target);
            assert_int_equal(fclose(target), 0);
            assert_non_null(strstr(text, round == 0 ? cases[index].with : cases[index].without));
            free(text);
        }
    }
}

static void help_tells_defaults_choices_and_wraps(void **state)
{
    char *text = NULL;
    size_t length = 0;
    struct fixture fixture;
    FILE *target = open_memstream(&text, &length);

    (void) state;
    assert_non_null(target);
    fixture_init(&fixture);
    fixture.options[3].help = "A sentence that is so long that it has to go on in a second line, where it starts below "
                              "the first word of the first.";
    fixture.options[4].help = "Only this.\nDefault: all.";
    fixture.options[5].help = "Where. Default: it depends.";
    fixture.program.summary =
        "Tests what there is to test in a text of which the lines are broken at the wrong place.\n"
        "It goes on.\n";
    fixture.program.epilogue = "Exit status: 0.\n  as it is\n";
    options_print_help(&fixture.program, target);
    assert_int_equal(fclose(target), 0);
    assert_non_null(
        strstr(text, "\n  -o, --log-format=FORMAT     How to write. (text, json or yaml; default: text)\n"));
    assert_non_null(strstr(text, "\n  -v, --verbose               Say more.\n"));
    assert_non_null(strstr(text, "\n      --discover              Look around. (default: true)\n"));
    assert_non_null(strstr(text, "\n      --context=NAME          A sentence that "));
    assert_non_null(strstr(text, "\n                              where it starts"));
    assert_non_null(strstr(text, "default-context)\n"));
    assert_non_null(strstr(text, " at the wrong place. It goes on.\n\nOptions:\n"));
    assert_non_null(strstr(text, "      Only this. Default: all. (may be repeated)\n"));
    assert_non_null(strstr(text, "      Where. Default: it depends.\n"));
    assert_non_null(strstr(text, "\n  -h, --help "));
    assert_non_null(strstr(text, "such as PROGET_TEST_LOG_FORMAT"));
    assert_true(text_ends_with(text, ".\n\nExit status: 0.\n  as it is\n"));
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        assert_true(strcspn(line, "\n") <= 100);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_stand_when_nothing_is_said),
        cmocka_unit_test(long_options_take_their_value_either_way),
        cmocka_unit_test(short_options_take_their_value_in_every_way),
        cmocka_unit_test(the_last_of_a_repeated_option_counts),
        cmocka_unit_test(operands_are_collected_or_refused),
        cmocka_unit_test(mistakes_are_named_and_change_nothing),
        cmocka_unit_test(values_are_bounded_and_cut_in_errors),
        cmocka_unit_test_teardown(variables_stand_in_for_options, clear_environment),
        cmocka_unit_test_teardown(options_win_over_variables, clear_environment),
        cmocka_unit_test_teardown(a_bad_variable_is_named, clear_environment),
        cmocka_unit_test(texts_are_held_against_their_form),
        cmocka_unit_test_teardown(variables_are_held_against_their_form_too, clear_environment),
        cmocka_unit_test(version_and_help_are_printed),
        cmocka_unit_test(help_tells_a_default_of_any_kind),
        cmocka_unit_test(help_tells_defaults_choices_and_wraps),
    };

    (void) clear_environment(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
