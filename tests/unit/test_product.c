#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proget/core/memory.h"
#include "proget/model/product.h"

static void names_lead_to_products_and_back(void **state)
{
    (void) state;
    for (int product = PRODUCT_PROGET; product <= PRODUCT_OTTER; product++) {
        assert_int_equal(product_from_name(product_names((enum product) product)->name), product);
    }
    assert_int_equal(product_from_name(NULL), PRODUCT_UNKNOWN);
    assert_int_equal(product_from_name("proget"), PRODUCT_UNKNOWN);
    assert_string_equal(product_names(PRODUCT_UNKNOWN)->name, "ProGet");
    assert_string_equal(product_names((enum product) 77)->key_variable, "PROGET_ENCRYPTION_KEY");
    assert_string_equal(product_names(PRODUCT_OTTER)->key_file_variable, "OTTER_ENCRYPTION_KEY_FILE");
}

static void images_tell_the_product_by_their_last_segment(void **state)
{
    static const struct {
        const char *image;
        enum product product;
    } cases[] = {
        {"proget.inedo.com/productimages/inedo/proget:25.0.13", PRODUCT_PROGET},
        {"host:5000/x/proget:25.0.13", PRODUCT_PROGET},
        {"host:5000/x/proget", PRODUCT_PROGET},
        {"proget", PRODUCT_PROGET},
        {"proget@sha256:aa/bb", PRODUCT_PROGET},
        {"proget.inedo.com/productimages/inedo/progetcore:5.3.11", PRODUCT_PROGET},
        {"r.example/progetcore-tools:1", PRODUCT_UNKNOWN},
        {"r.example/progetbase", PRODUCT_UNKNOWN},
        {"r.example/otter:1@sha256:0123", PRODUCT_OTTER},
        {"r.example/buildmaster:2025.1", PRODUCT_BUILDMASTER},
        {"r.example/proget/nginx:1", PRODUCT_UNKNOWN},
        {"r.example/proget-sidecar:1", PRODUCT_UNKNOWN},
        {"r.example/my-proget", PRODUCT_UNKNOWN},
        {"proget:5000/nginx", PRODUCT_UNKNOWN},
        {"r.example/proget/", PRODUCT_UNKNOWN},
        {"", PRODUCT_UNKNOWN},
        {NULL, PRODUCT_UNKNOWN},
    };

    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        assert_int_equal(product_from_image(cases[i].image), cases[i].product);
    }
}

static void variables_tell_the_product(void **state)
{
    static const struct {
        const char *variable;
        enum product product;
        bool is_connection; /* of that product, or of any where it is unknown */
    } cases[] = {
        {"PROGET_ENCRYPTION_KEY", PRODUCT_PROGET, false},
        {"BUILDMASTER_ENCRYPTION_KEY_FILE", PRODUCT_BUILDMASTER, false},
        {"OTTER_SQL_CONNECTION_STRING", PRODUCT_OTTER, true},
        {"PROGET_SQL_CONNECTION_STRING_FILE", PRODUCT_PROGET, true},
        {"PROGET_POSTGRES_CONNECTION_STRING", PRODUCT_PROGET, true},
        {"PROGET_POSTGRES_CONNECTION_STRING_FILE", PRODUCT_PROGET, true},
        {"SQL_CONNECTION_STRING", PRODUCT_UNKNOWN, true},
        {"POSTGRES_CONNECTION_STRING", PRODUCT_UNKNOWN, false},
        {"PROGET_DATABASE", PRODUCT_UNKNOWN, true}, /* of the earliest images; a backup's job may name it too */
        {"PROGET_URL_GROUP", PRODUCT_UNKNOWN, false},
        {"PROGET_SIDECAR_URL", PRODUCT_UNKNOWN, false},
        {"XPROGET_ENCRYPTION_KEY", PRODUCT_UNKNOWN, false},
        {NULL, PRODUCT_UNKNOWN, false},
    };

    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        assert_int_equal(product_from_variable(cases[i].variable), cases[i].product);
        assert_int_equal(product_is_connection_variable(cases[i].product, cases[i].variable), cases[i].is_connection);
    }
    assert_false(product_is_connection_variable(PRODUCT_OTTER, "PROGET_SQL_CONNECTION_STRING"));
    assert_false(product_is_connection_variable(PRODUCT_OTTER, "PROGET_DATABASE"));
    assert_true(product_is_connection_variable(PRODUCT_PROGET, "PROGET_DATABASE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_lead_to_products_and_back),
        cmocka_unit_test(images_tell_the_product_by_their_last_segment),
        cmocka_unit_test(variables_tell_the_product),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
