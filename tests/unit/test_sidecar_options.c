#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../../sidecar/sidecar_options.h"
#include "help_fixture.h"
#include "proget/core/log.h"
#include "proget/core/memory.h"
#include "proget/core/options.h"
#include "proget/core/text.h"

static void urls_are_brought_into_their_plain_form(void **state)
{
    static const struct {
        const char *given, *aspnetcore_urls, *expected; /* expected NULL: unusable */
    } cases[] = {
        {NULL, NULL, "http://127.0.0.1"},
        {NULL, "", "http://127.0.0.1"},
        {NULL, "http://*:8080;https://*:4343", "http://127.0.0.1:8080"},
        {NULL, "https://*:4343;http://+:8080/", "http://127.0.0.1:8080"},
        {NULL, " https://0.0.0.0:4343 ", "https://127.0.0.1:4343"},
        {NULL, "http://[::]:8080", "http://127.0.0.1:8080"},
        {NULL, "http://[::1]:8080", "http://[::1]:8080"},
        {NULL, "http://localhost:5000/base/;", "http://127.0.0.1:5000/base"},
        {NULL, "http://10.1.0.7:80", "http://10.1.0.7:80"},
        {NULL, ";;nonsense;://;http://;[", "http://127.0.0.1"},
        {NULL, "unix:///run/proget.sock", "http://127.0.0.1"},
        {"http://10.1.0.7:8080", "http://*:1", "http://10.1.0.7:8080"},
        {"https://[fd00::1]:8443/proget//", NULL, "https://[fd00::1]:8443/proget"},
        {"http://h/#part", NULL, "http://h"},
        {"http://user:secret@h", NULL, NULL},
        {"http://h/?x=1", NULL, NULL},
        {"ftp://h", NULL, NULL},
        {"file:///etc/passwd", NULL, NULL},
        {"127.0.0.1:80", NULL, NULL},
        {"", NULL, NULL},
    };

    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free char *url = NULL;
        struct error err = {.text = ""};
        int result = sidecar_options_url(cases[i].given, cases[i].aspnetcore_urls, &url, &err);
        if (cases[i].expected) {
            assert_int_equal(result, 0);
            assert_string_equal(url, cases[i].expected);
        } else {
            assert_int_equal(result, ERROR_BAD_INPUT);
            assert_null(url);
            assert_non_null(strstr(err.text, "--url"));
            assert_null(strstr(err.text, "secret"));
        }
    }
}

static void the_product_follows_from_the_variables(void **state)
{
    static const struct {
        const char *environment[4];
        enum product product;
    } cases[] = {
        {{"PATH=/bin"}, PRODUCT_UNKNOWN},
        {{NULL}, PRODUCT_UNKNOWN},
        {{"A=b", "OTTER_ENCRYPTION_KEY=x"}, PRODUCT_OTTER},
        {{"BUILDMASTER_ENCRYPTION_KEY_FILE=/k"}, PRODUCT_BUILDMASTER},
        {{"PROGET_SQL_CONNECTION_STRING=x", "OTTER_ENCRYPTION_KEY=y"}, PRODUCT_OTTER},
        {{"PROGET_SQL_CONNECTION_STRING=x"}, PRODUCT_PROGET},
        {{"PROGET_ENCRYPTION_KEY=", "OTTER_POSTGRES_CONNECTION_STRING=y"}, PRODUCT_OTTER},
        {{"PROGET_ENCRYPTION_KEY", "=", ""}, PRODUCT_UNKNOWN},
        {{"PROGET_ENCRYPTION_KEY_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX=1"}, PRODUCT_UNKNOWN},
    };

    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        assert_int_equal(sidecar_options_product((char *const *) cases[i].environment), cases[i].product);
    }
    assert_int_equal(sidecar_options_product(NULL), PRODUCT_UNKNOWN);
}

static char *const no_environment[] = {NULL};

static int set_pod(void **state)
{
    (void) state;
    (void) unsetenv("ASPNETCORE_URLS");
    (void) unsetenv("POD_IP");
    (void) unsetenv("NODE_NAME");
    return setenv("POD_NAME", "proget-0", 1) || setenv("POD_NAMESPACE", "shop", 1) || setenv("POD_UID", "u-1", 1);
}

static int parse(const char **argv, struct sidecar_options *options, struct error *err)
{
    int argc = 0;
    while (argv[argc]) {
        argc++;
    }
    return sidecar_options_parse(argc, (char *const *) argv, no_environment, options, err);
}

static void defaults_are_those_of_the_contract(void **state)
{
    const char *argv[] = {"proget-sidecar", NULL};
    __attribute__((cleanup(sidecar_options_clear))) struct sidecar_options options = {0};

    (void) state;
    assert_int_equal(parse(argv, &options, NULL), OPTIONS_RUN);
    assert_string_equal(options.url, "http://127.0.0.1");
    assert_int_equal(options.product, PRODUCT_UNKNOWN);
    assert_int_equal(options.messenger_port, 0);
    assert_null(options.kubeconfig);
    assert_null(options.key_file);
    assert_null(options.cpuinfo);
    assert_int_equal(options.log_format, LOG_FORMAT_TEXT);
    assert_int_equal(options.log_level, LOG_INFO);
    assert_string_equal(options.pod.name, "proget-0");
    assert_string_equal(options.pod.namespace_name, "shop");
    assert_string_equal(options.pod.uid, "u-1");
    assert_null(options.pod.ip);
    assert_null(options.pod.node);
}

static void options_are_all_taken(void **state)
{
    const char *argv[] = {"proget-sidecar",
                          "--url=http://h:1/",
                          "--product",
                          "Otter",
                          "--messenger-port=4000",
                          "--kubeconfig",
                          "k",
                          "--key-file=f",
                          "--config-file=c",
                          "--cpuinfo=i",
                          "--log-format=json",
                          "--log-level=debug",
                          NULL};
    __attribute__((cleanup(sidecar_options_clear))) struct sidecar_options options = {0};

    (void) state;
    assert_int_equal(setenv("POD_IP", "10.1.0.7", 1), 0);
    assert_int_equal(setenv("NODE_NAME", "node-a", 1), 0);
    assert_int_equal(parse(argv, &options, NULL), OPTIONS_RUN);
    assert_string_equal(options.url, "http://h:1");
    assert_int_equal(options.product, PRODUCT_OTTER);
    assert_int_equal(options.messenger_port, 4000);
    assert_string_equal(options.kubeconfig, "k");
    assert_string_equal(options.key_file, "f");
    assert_string_equal(options.config_file, "c");
    assert_string_equal(options.cpuinfo, "i");
    assert_int_equal(options.log_format, LOG_FORMAT_JSON);
    assert_int_equal(options.log_level, LOG_DEBUG);
    assert_string_equal(options.pod.ip, "10.1.0.7");
    assert_string_equal(options.pod.node, "node-a");
}

static void what_is_unusable_is_named(void **state)
{
    static const char *const needed[] = {"POD_NAME", "POD_NAMESPACE", "POD_UID"};
    static const char *const wrong[] = {"--product=Nexus", "--messenger-port=65536", "--url=gopher://h",
                                        "--log-level=loud", "operand"};
    struct sidecar_options options = {.messenger_port = 42};

    for (size_t i = 0; i < array_length(needed); i++) {
        const char *argv[] = {"proget-sidecar", NULL};
        struct error err = {.text = ""};
        assert_int_equal(set_pod(state), 0);
        assert_int_equal(setenv(needed[i], "", 1), 0); /* empty is not given */
        assert_int_equal(parse(argv, &options, &err), ERROR_BAD_INPUT);
        assert_non_null(strstr(err.text, needed[i]));
    }
    assert_int_equal(set_pod(state), 0);
    for (size_t i = 0; i < array_length(wrong); i++) {
        const char *argv[] = {"proget-sidecar", wrong[i], NULL};
        assert_int_equal(parse(argv, &options, NULL), ERROR_BAD_INPUT);
    }
    assert_int_equal(options.messenger_port, 42);
}

static void print_help(void)
{
    const char *argv[] = {"proget-sidecar", "--help", NULL};
    struct sidecar_options options;
    assert_int_equal(parse(argv, &options, NULL), OPTIONS_DONE);
}

static void help_says_each_thing_once(void **state)
{
    (void) state;
    cleanup_free char *help = help_caught(print_help);
    assert_help_says_once(help);
    assert_false(text_ends_with(help, "\n\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_brought_into_their_plain_form),
        cmocka_unit_test(the_product_follows_from_the_variables),
        cmocka_unit_test_setup(defaults_are_those_of_the_contract, set_pod),
        cmocka_unit_test_setup(options_are_all_taken, set_pod),
        cmocka_unit_test_setup(what_is_unusable_is_named, set_pod),
        cmocka_unit_test(help_says_each_thing_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
