#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "help_fixture.h"
#include "options.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

#define SIXTY_THREE "a23456789012345678901234567890123456789012345678901234567890123"

static const char *const variables[] = {
    "PROGET_OPERATOR_KUBECONFIG", "PROGET_OPERATOR_CONTEXT",        "PROGET_OPERATOR_NAMESPACE",
    "PROGET_OPERATOR_LISTEN",     "PROGET_OPERATOR_LOG_FORMAT",     "PROGET_OPERATOR_LOG_LEVEL",
    "PROGET_OPERATOR_DISCOVER",   "PROGET_OPERATOR_NO_POD_IGNORES",
};

static int clear_environment(void **state)
{
    (void) state;
    for (size_t i = 0; i < array_length(variables); i++) {
        (void) unsetenv(variables[i]);
    }
    return 0;
}

static int parse(const char *const *argv, struct operator_options *options, struct error *err)
{
    int argc = 0;
    while (argv[argc]) {
        argc++;
    }
    return operator_options_parse(options, argc, (char *const *) argv, err);
}

static void defaults_are_those_of_the_contract(void **state)
{
    static const char *const argv[] = {"proget-operator", NULL};
    __attribute__((cleanup(operator_options_clear))) struct operator_options options = {0};
    (void) state;
    assert_int_equal(parse(argv, &options, NULL), OPTIONS_RUN);
    assert_null(options.kubeconfig);
    assert_null(options.context);
    assert_int_equal(options.namespaces.count, 0);
    assert_string_equal(options.listen, "0.0.0.0:8080");
    assert_int_equal(options.log_format, LOG_FORMAT_TEXT);
    assert_int_equal(options.log_level, LOG_INFO);
    assert_true(options.discover);
    assert_false(options.no_pod_ignores);
}

static void options_are_all_taken(void **state)
{
    static const char *const argv[] = {"proget-operator",
                                       "--kubeconfig=k",
                                       "--context",
                                       "c",
                                       "--namespace=a",
                                       "-n",
                                       SIXTY_THREE,
                                       "--listen=[::]:0",
                                       "--log-format=json",
                                       "--log-level=debug",
                                       "--discover=false",
                                       "--no-pod-ignores",
                                       NULL};
    __attribute__((cleanup(operator_options_clear))) struct operator_options options = {0};
    (void) state;
    assert_int_equal(parse(argv, &options, NULL), OPTIONS_RUN);
    assert_string_equal(options.kubeconfig, "k");
    assert_string_equal(options.context, "c");
    assert_int_equal(options.namespaces.count, 2);
    assert_string_equal(options.namespaces.items[0], "a");
    assert_string_equal(options.namespaces.items[1], SIXTY_THREE);
    assert_string_equal(options.listen, "[::]:0");
    assert_int_equal(options.log_format, LOG_FORMAT_JSON);
    assert_int_equal(options.log_level, LOG_DEBUG);
    assert_false(options.discover);
    assert_true(options.no_pod_ignores);
}

static void variables_say_the_same_and_options_win(void **state)
{
    static const char *const argv[] = {"proget-operator", "--log-level=warning", "--namespace=z", NULL};
    __attribute__((cleanup(operator_options_clear))) struct operator_options options = {0};
    (void) state;
    (void) setenv("PROGET_OPERATOR_KUBECONFIG", "k", 1);
    (void) setenv("PROGET_OPERATOR_NAMESPACE", "a,b", 1);
    (void) setenv("PROGET_OPERATOR_LISTEN", "127.0.0.1:1", 1);
    (void) setenv("PROGET_OPERATOR_LOG_FORMAT", "json", 1);
    (void) setenv("PROGET_OPERATOR_LOG_LEVEL", "error", 1);
    (void) setenv("PROGET_OPERATOR_DISCOVER", "false", 1);
    (void) setenv("PROGET_OPERATOR_NO_POD_IGNORES", "true", 1);
    assert_int_equal(parse(argv, &options, NULL), OPTIONS_RUN);
    assert_string_equal(options.kubeconfig, "k");
    assert_int_equal(options.namespaces.count, 1);
    assert_string_equal(options.namespaces.items[0], "z");
    assert_string_equal(options.listen, "127.0.0.1:1");
    assert_int_equal(options.log_format, LOG_FORMAT_JSON);
    assert_int_equal(options.log_level, LOG_WARNING);
    assert_false(options.discover);
    assert_true(options.no_pod_ignores);
}

static void namespaces_come_separated_by_commas_from_the_environment(void **state)
{
    static const char *const argv[] = {"proget-operator", NULL};
    __attribute__((cleanup(operator_options_clear))) struct operator_options options = {0};
    (void) state;
    (void) setenv("PROGET_OPERATOR_NAMESPACE", "a,b", 1);
    assert_int_equal(parse(argv, &options, NULL), OPTIONS_RUN);
    assert_int_equal(options.namespaces.count, 2);
    assert_string_equal(options.namespaces.items[1], "b");
    operator_options_clear(&options);
    (void) setenv("PROGET_OPERATOR_NAMESPACE", "", 1); /* as an unset value in a manifest comes: all of them */
    assert_int_equal(parse(argv, &options, NULL), OPTIONS_RUN);
    assert_int_equal(options.namespaces.count, 0);
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *argument, *part;
    } cases[] = {
        {"--log-format=xml", "--log-format"},
        {"--log-level=loud", "--log-level"},
        {"--discover=maybe", "--discover"},
        {"--listne=x", "--listne"},
        {"operand", "operand"},
        {"--kubeconfig", "--kubeconfig"},
        {"-x", "-x"},
        {"--namespace=Bad_NS", "--namespace: \"Bad_NS\" is not a namespace's name"},
        {"--namespace=", "--namespace: \"\" is not "},
        {"-n=-a", "-n: \"-a\" is not "},
        {"-na-", "-n: \"a-\" is not "},
        {"-na.b", "-n: \"a.b\" is not "},
        {"-n" SIXTY_THREE "x", "-n: \""},
        {"--listen=hello", "--listen: \"hello\" is not ADDRESS:PORT"},
        {"--listen=", "--listen: \"\" is not "},
        {"--listen=localhost:8080", "--listen: \"localhost:8080\" is not "},
        {"--listen=0.0.0.0:65536", "--listen: \"0.0.0.0:65536\" is not "},
    };
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        const char *const argv[] = {"proget-operator", "--namespace=a", cases[i].argument, NULL};
        struct operator_options options;
        struct error err = {.text = ""};
        assert_int_equal(parse(argv, &options, &err), ERROR_BAD_INPUT);
        assert_non_null(strstr(err.text, cases[i].part));
        assert_true(text_ends_with(err.text, "see proget-operator --help"));
        operator_options_clear(&options); /* as main() does */
        operator_options_clear(&options);
    }
}

static void mistakes_in_variables_are_named(void **state)
{
    static const struct {
        const char *variable, *value, *part;
    } cases[] = {
        {"PROGET_OPERATOR_NAMESPACE", "a,B", "PROGET_OPERATOR_NAMESPACE: \"B\" is not "},
        {"PROGET_OPERATOR_NAMESPACE", ",", "PROGET_OPERATOR_NAMESPACE: \",\" is not "}, /* it would watch everything */
        {"PROGET_OPERATOR_LISTEN", "8080", "PROGET_OPERATOR_LISTEN: \"8080\" is not "},
    };
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        static const char *const argv[] = {"proget-operator", NULL};
        struct operator_options options;
        struct error err = {.text = ""};
        (void) clear_environment(NULL);
        (void) setenv(cases[i].variable, cases[i].value, 1);
        assert_int_equal(parse(argv, &options, &err), ERROR_BAD_INPUT);
        assert_non_null(strstr(err.text, cases[i].part));
        operator_options_clear(&options);
    }
}

static void print_help(void)
{
    static const char *const argv[] = {"proget-operator", "--help", NULL};
    struct operator_options options;
    assert_int_equal(parse(argv, &options, NULL), OPTIONS_DONE);
    operator_options_clear(&options);
}

static void help_says_each_thing_once(void **state)
{
    (void) state;
    /* In a pod too, where the default of --leader-elect is another. */
    for (int round = 0; round < 2; round++) {
        (void) (round ? setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1", 1) : unsetenv("KUBERNETES_SERVICE_HOST"));
        cleanup_free char *help = help_caught(print_help);
        assert_help_says_once(help);
        assert_non_null(strstr(help, "Watch this namespace only. Default: all namespaces. (may be repeated)\n"));
        assert_non_null(strstr(help, "Form of the log on stderr. (text or json; default: text)\n"));
        assert_null(strstr(help, "\nIt "));
    }
    (void) unsetenv("KUBERNETES_SERVICE_HOST");
}

int main(void)
{
#define OPTIONS_TEST(function) cmocka_unit_test_setup_teardown(function, clear_environment, clear_environment)
    const struct CMUnitTest tests[] = {
        OPTIONS_TEST(defaults_are_those_of_the_contract),
        OPTIONS_TEST(options_are_all_taken),
        OPTIONS_TEST(variables_say_the_same_and_options_win),
        OPTIONS_TEST(namespaces_come_separated_by_commas_from_the_environment),
        OPTIONS_TEST(mistakes_are_named),
        OPTIONS_TEST(mistakes_in_variables_are_named),
        OPTIONS_TEST(help_says_each_thing_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
