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

#include "../../sidecar/key_source.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

#define KEY                   "00112233445566778899aabbccddeefe"
#define OTHER_KEY             "8a3f0c51d2e94b7706c18efa93b5d240"
#define PUBLIC_KEY            "37D27A670394F7D82CE57F1F07D69747"
#define FINGERPRINT_OF_PUBLIC "hmac-sha256:602a3f30583e1bfd8fb5da4589afae40"

static char folder[] = "/tmp/test_key_source.XXXXXX";
static char key_path[64];
static char config_path[64];

static void write_file(const char *path, const char *bytes, size_t length)
{
    cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
}

static int clean(void **state)
{
    static const char *const names[] = {"PROGET_ENCRYPTION_KEY", "PROGET_ENCRYPTION_KEY_FILE", "OTTER_ENCRYPTION_KEY",
                                        "OTTER_ENCRYPTION_KEY_FILE"};
    (void) state;
    for (size_t i = 0; i < array_length(names); i++) {
        (void) unsetenv(names[i]);
    }
    (void) unlink(key_path);
    (void) unlink(config_path);
    return 0;
}

/* One way in which the product may get its key. NULL: not set, or no such file. */
struct way {
    enum product product;
    const char *variable, *file, *config;
    bool names_file; /* _FILE is set, to a file that may not be there */
    const char *source;
    enum key_form form;
};

static const struct way ways[] = {
    {PRODUCT_PROGET, NULL, NULL, NULL, false, "none", KEY_ABSENT},
    {PRODUCT_UNKNOWN, KEY, NULL, NULL, false, "env", KEY_OK},
    {PRODUCT_PROGET, KEY, NULL, NULL, false, "env", KEY_OK},
    {PRODUCT_PROGET, " " KEY "\n", NULL, NULL, false, "env", KEY_OK},
    {PRODUCT_PROGET, PUBLIC_KEY, NULL, NULL, false, "env", KEY_PUBLIC},
    {PRODUCT_PROGET, "secret", NULL, NULL, false, "env", KEY_MALFORMED},
    {PRODUCT_PROGET, "", NULL, NULL, false, "none", KEY_ABSENT},
    {PRODUCT_PROGET, " ", NULL, NULL, false, "env", KEY_ABSENT},
    {PRODUCT_OTTER, KEY, NULL, NULL, false, "env", KEY_OK},
    {PRODUCT_PROGET, NULL, KEY "\n", NULL, true, "file", KEY_OK},
    {PRODUCT_OTTER, NULL, PUBLIC_KEY, NULL, true, "file", KEY_PUBLIC},
    {PRODUCT_PROGET, NULL, "", NULL, true, "file", KEY_ABSENT},
    {PRODUCT_PROGET, NULL, NULL, NULL, true, "file", KEY_UNREADABLE},
    {PRODUCT_PROGET, "", KEY, NULL, true, "file", KEY_OK},
    {PRODUCT_PROGET, KEY, KEY, NULL, true, "env", KEY_CONFLICT},
    {PRODUCT_PROGET, KEY, NULL, NULL, true, "env", KEY_CONFLICT},
    {PRODUCT_PROGET, NULL, NULL, "<InedoAppConfig><EncryptionKey>" KEY "</EncryptionKey></InedoAppConfig>", false,
     "config", KEY_OK},
    {PRODUCT_PROGET, NULL, NULL,
     "<a><!-- <EncryptionKey>x</EncryptionKey> -->\n<EncryptionKey>\n" KEY "\n</EncryptionKey></a>", false, "config",
     KEY_OK},
    {PRODUCT_PROGET, NULL, NULL, "<a><EncryptionKey>zzz</EncryptionKey></a>", false, "config", KEY_MALFORMED},
    {PRODUCT_PROGET, NULL, NULL, "<a><EncryptionKey></EncryptionKey></a>", false, "none", KEY_ABSENT},
    {PRODUCT_PROGET, NULL, NULL, "<a><EncryptionKey>" KEY, false, "none", KEY_ABSENT},
    {PRODUCT_PROGET, NULL, NULL, "<a><EncryptionKeyId>" KEY "</EncryptionKeyId><!-- ", false, "none", KEY_ABSENT},
    {PRODUCT_PROGET, NULL, NULL, "", false, "none", KEY_ABSENT},
    /* A value in the environment wins over the configuration. */
    {PRODUCT_PROGET, "secret", NULL, "<EncryptionKey>" KEY "</EncryptionKey>", false, "env", KEY_MALFORMED},
    {PRODUCT_PROGET, NULL, KEY, "<EncryptionKey>zzz</EncryptionKey>", true, "file", KEY_OK},
};

static void every_way_is_told_apart(void **state)
{
    for (size_t i = 0; i < array_length(ways); i++) {
        const struct way *way = &ways[i];
        const struct product_names *names = product_names(way->product);
        (void) clean(state);
        if (way->variable) {
            assert_int_equal(setenv(names->key_variable, way->variable, 1), 0);
        }
        if (way->names_file) {
            assert_int_equal(setenv(names->key_file_variable, key_path, 1), 0);
        }
        if (way->file) {
            write_file(key_path, way->file, strlen(way->file));
        }
        if (way->config) {
            write_file(config_path, way->config, strlen(way->config));
        }
        struct key_place place = {way->product, "proget", config_path};
        struct key_facts facts = key_source_read(&place);
        assert_string_equal(facts.source, way->source);
        assert_int_equal(facts.form, way->form);
        bool has_fingerprint = way->form == KEY_OK || way->form == KEY_PUBLIC;
        assert_int_equal(facts.fingerprint[0] != '\0', has_fingerprint);
    }
}

static void another_products_variables_do_not_count(void **state)
{
    struct key_place place = {PRODUCT_PROGET, "proget", NULL};

    (void) state;
    assert_int_equal(setenv("OTTER_ENCRYPTION_KEY", KEY, 1), 0);
    assert_int_equal(setenv("OTTER_ENCRYPTION_KEY_FILE", key_path, 1), 0);
    assert_string_equal(key_source_read(&place).source, "none");
}

static void a_mounted_secret_is_read_as_it_is_now(void **state)
{
    static const char with_nul[] = KEY "\0" KEY;
    char now[KEY_FINGERPRINT_SIZE] = "as before";
    cleanup_free char *large = xmalloc(8192);

    (void) state;
    assert_int_equal(key_source_read_file(key_path, "proget", now), KEY_UNREADABLE);
    assert_string_equal(now, "");
    write_file(key_path, PUBLIC_KEY "\n", strlen(PUBLIC_KEY) + 1);
    assert_int_equal(key_source_read_file(key_path, "proget", now), KEY_PUBLIC);
    assert_string_equal(now, FINGERPRINT_OF_PUBLIC);
    write_file(key_path, OTHER_KEY, strlen(OTHER_KEY));
    assert_int_equal(key_source_read_file(key_path, "proget", now), KEY_OK);
    assert_string_not_equal(now, FINGERPRINT_OF_PUBLIC);
    write_file(key_path, with_nul, sizeof with_nul - 1);
    assert_int_equal(key_source_read_file(key_path, "proget", now), KEY_MALFORMED);
    assert_string_equal(now, "");
    memset(large, ' ', 8192);
    memcpy(large, KEY, strlen(KEY));
    write_file(key_path, large, 8192);
    assert_int_equal(key_source_read_file(key_path, "proget", now), KEY_MALFORMED);
    assert_int_equal(key_source_read_file(folder, "proget", now), KEY_UNREADABLE);
}

static void the_environment_forgets_the_key(void **state)
{
    (void) state;
    assert_int_equal(setenv("PROGET_ENCRYPTION_KEY", KEY, 1), 0);
    assert_int_equal(setenv("OTTER_ENCRYPTION_KEY", OTHER_KEY, 1), 0);
    assert_int_equal(setenv("PROGET_ENCRYPTION_KEY_FILE", key_path, 1), 0);
    char *value = getenv("PROGET_ENCRYPTION_KEY");
    char *other = getenv("OTTER_ENCRYPTION_KEY");
    key_source_wipe_environment();
    for (size_t i = 0; i < strlen(KEY); i++) {
        assert_int_equal(value[i], 0);
        assert_int_equal(other[i], 0);
    }
    assert_string_equal(getenv("PROGET_ENCRYPTION_KEY_FILE"), key_path); /* a path is no secret, and still needed */
    key_source_wipe_environment();
}

static int make_folder(void **state)
{
    (void) state;
    if (!mkdtemp(folder)) {
        return -1;
    }
    (void) snprintf(key_path, sizeof key_path, "%s/key", folder);
    (void) snprintf(config_path, sizeof config_path, "%s/config", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void) clean(state);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_way_is_told_apart, clean),
        cmocka_unit_test_setup(another_products_variables_do_not_count, clean),
        cmocka_unit_test_setup(a_mounted_secret_is_read_as_it_is_now, clean),
        cmocka_unit_test_setup(the_environment_forgets_the_key, clean),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
