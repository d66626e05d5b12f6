/*
 * Which connection strings name one database.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../../lib/checks/connection_string.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

struct pair_case {
    const char *a, *b;
    bool is_postgres;
    bool is_one;
};

static const struct pair_case cases[] = {
    {"Server=db;Database=ProGet", "Database=ProGet;Server=db;", false, true},
    {"Server=db;Database=ProGet", " server = DB ; DATABASE=proget ", false, true},
    {"Data Source=tcp:db,1433;Initial Catalog=ProGet", "Server=db;Database=ProGet", false, true},
    {"Server=db,1434;Database=ProGet", "Server=db;Database=ProGet", false, false},
    {"Server=db;Database=ProGet;User Id=a;Password=b", "Server=db;Database=ProGet;UID=c;PWD=d;Max Pool Size=5", false,
     true},
    {"Server=db\\one;Database=ProGet", "Server=db\\two;Database=ProGet", false, false},
    {"Server=db;Database=ProGet", "Server=db;Database=Other", false, false},
    {"Server=old;Server=db;Database=ProGet", "Server=db;Database=ProGet", false, true}, /* the last counts */
    {"Host=db;Database=proget", "Host=DB;Port=5432;Database=proget;SSL Mode=Require", true, true},
    {"Host=db;Port=5433;Database=proget", "Host=db;Database=proget", true, false},
    {"Host=db;Database=proget", "Host=db;Database=ProGet", true, false}, /* to PostgreSQL they are two */
    {"Host=a,b;Database=proget", "Host=a;Database=proget", true, false},
    {"Host=db;Password=\"x;Host=evil\";Database=p", "Host=db;Database=p", true,
     true}, /* within quotes it ends nothing */
    {"Host=db;Password='x;y';Database=p", "Host=db;Password=\"z\";Database=p", true, true},
    {"Host=db;Password=it's;Database=p", "Host=db;Database=p", true, true}, /* a quote in the middle is none */
    {"Host='db';Database=p", "Host=db;Database=p", true, true},
    {"Host=db;Username=a", "username=a ; host=db", true, true}, /* names no database: all of it counts */
    {"Host=db;Username=a", "Host=db;Username=b", true, false},
    {"postgresql://a@db/p", " postgresql://a@db/p\n", true, true},
    {"postgresql://a@db/p", "postgresql://a@db/q", true, false},
    {"Host=db;Database=p;nonsense", "Host=db;Database=p", true, false},
    {"", " ", true, true},
    {";;;", "; ; ;", true, false}, /* no settings at all: as it is */
};

static void test_pairs(void **state)
{
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free char *a = connection_string_database(cases[i].a, cases[i].is_postgres);
        cleanup_free char *b = connection_string_database(cases[i].b, cases[i].is_postgres);
        if (text_equal(a, b) != cases[i].is_one) {
            fail_msg("\"%s\" and \"%s\" are %s", cases[i].a, cases[i].b,
                     cases[i].is_one ? "told apart" : "taken for one");
        }
    }
}

/* What is too long or has too many settings to be taken apart is compared as it is, and costs nothing more. */
static void test_large(void **state)
{
    (void) state;
    enum { SIZE = 80 * 1024 };
    cleanup_free char *text = xcalloc(SIZE + 1, 1);
    memset(text, ';', SIZE);
    memcpy(text, "a=1", 3);
    cleanup_free char *whole = connection_string_database(text, true);
    assert_string_equal(whole, text);
    text[0] = '\0';
    for (int i = 0; i < 65; i++) {
        cleanup_free char *part = xasprintf("k%d=v;", i);
        memcpy(text + strlen(text), part, strlen(part) + 1);
    }
    cleanup_free char *many = connection_string_database(text, true);
    assert_string_equal(many, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
