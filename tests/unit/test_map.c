#include "proget/core/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "proget/core/memory.h"

static void put_get_take_and_remove(void **state)
{
    (void) state;
    struct map *map = map_new(free);
    assert_null(map_get(map, "a"));
    assert_int_equal(map_count(map), 0);

    char key[] = "a";
    map_put(map, key, xstrdup("1"));
    key[0] = 'z'; /* the key was copied */
    map_put(map, "", xstrdup("empty"));
    assert_string_equal(map_get(map, "a"), "1");
    assert_string_equal(map_get(map, ""), "empty");
    assert_null(map_get(map, "z"));
    assert_int_equal(map_count(map), 2);

    char *same = map_get(map, "a");
    map_put(map, "a", same); /* the same pointer is not freed */
    assert_string_equal(map_get(map, "a"), "1");
    map_put(map, "a", xstrdup("2"));
    assert_string_equal(map_get(map, "a"), "2");
    assert_int_equal(map_count(map), 2);

    char *taken = map_take(map, "a");
    assert_string_equal(taken, "2");
    free(taken);
    assert_null(map_take(map, "a"));
    map_remove(map, "a");
    map_remove(map, "");
    assert_int_equal(map_count(map), 0);
    assert_null(map_first(map));
    map_free(map);
    map_free(NULL);
}

static void iterates_in_order_of_insertion(void **state)
{
    (void) state;
    struct map *map = map_new(NULL);
    static int values[500];
    for (int i = 0; i < 500; i++) {
        char key[32];
        snprintf(key, sizeof(key), "key-%d", (i * 7919) % 500);
        values[i] = i;
        map_put(map, key, &values[i]);
    }
    map_put(map, "key-0", &values[0]); /* a value replaced keeps its place */
    int next = 0;
    for (const struct map_entry *at = map_first(map); at; at = map_next(at)) {
        assert_int_equal(*(int *) map_value(at), next);
        assert_ptr_equal(map_get(map, map_key(at)), map_value(at));
        next++;
    }
    assert_int_equal(next, 500);

    for (const struct map_entry *at = map_first(map); at != NULL;) {
        const struct map_entry *following = map_next(at);
        if (*(int *) map_value(at) % 2 == 0) {
            map_remove(map, map_key(at));
        }
        at = following;
    }
    assert_int_equal(map_count(map), 250);
    next = 1;
    for (const struct map_entry *at = map_first(map); at; at = map_next(at)) {
        assert_int_equal(*(int *) map_value(at), next);
        next += 2;
    }
    map_free(map);
}

static size_t freed;

static void count_freed(void *value)
{
    freed++;
    free(value);
}

static void frees_each_value_once(void **state)
{
    (void) state;
    struct map *map = map_new(count_freed);
    freed = 0;
    map_put(map, "a", xstrdup("1"));
    map_put(map, "a", xstrdup("2"));
    assert_int_equal(freed, 1);
    map_put(map, "b", xstrdup("3"));
    map_remove(map, "b");
    assert_int_equal(freed, 2);
    free(map_take(map, "a"));
    assert_int_equal(freed, 2);
    map_put(map, "c", xstrdup("4"));
    map_put(map, "d", NULL); /* nothing to free */
    map_clear(map);
    assert_int_equal(freed, 3);
    assert_int_equal(map_count(map), 0);
    map_put(map, "e", xstrdup("5"));
    map_free(map);
    assert_int_equal(freed, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_get_take_and_remove),
        cmocka_unit_test(iterates_in_order_of_insertion),
        cmocka_unit_test(frees_each_value_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
