/*
 * Where objects were read.
 */
#include "checks_fixture.h"

#include "location.h"

static const struct location *find(const struct location_table *table, const char *kind, const char *namespace_name,
                                   const char *name)
{
    return location_of_object(table,
                              &(struct object_reference){.kind = kind, .namespace_name = namespace_name, .name = name});
}

static void test_objects_are_found_again(void **state)
{
    (void) state;
    enum { OBJECTS = 5000 };
    struct location_table *table = location_table_new();
    char name[32];
    (void) snprintf(name, sizeof name, "a.yaml");
    const char *file = location_table_file(table, name);
    (void) snprintf(name, sizeof name, "changed");
    assert_string_equal(file, "a.yaml");
    assert_ptr_equal(location_table_file(table, "a.yaml"), file);
    for (size_t i = 1; i <= OBJECTS; i++) {
        (void) snprintf(name, sizeof name, "pod-%zu", i);
        struct location location = {.file = file, .line = i, .column = 3};
        assert_false(location_table_put(table, "Pod", i % 2 == 0 ? "even" : "odd", name, location));
    }
    for (size_t i = 1; i <= OBJECTS; i++) {
        (void) snprintf(name, sizeof name, "pod-%zu", i);
        assert_int_equal(find(table, "Pod", i % 2 == 0 ? "even" : "odd", name)->line, i);
        assert_null(find(table, "Pod", i % 2 == 0 ? "odd" : "even", name));
        assert_null(find(table, "Node", i % 2 == 0 ? "even" : "odd", name));
    }
    location_table_free(table);
    location_table_free(NULL);
}

static void test_the_newer_place_counts(void **state)
{
    (void) state;
    struct location_table *table = location_table_new();
    assert_false(location_table_put(table, "Node", NULL, "a", (struct location){.file = "f", .line = 1}));
    assert_true(location_table_put(table, "Node", "", "a", (struct location){.file = "f", .line = 2}));
    assert_int_equal(find(table, "Node", NULL, "a")->line, 2);
    assert_null(find(table, "Node", NULL, NULL));
    assert_null(find(table, NULL, NULL, "a"));
    location_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects_are_found_again),
        cmocka_unit_test(test_the_newer_place_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
