/*
 * Who agrees with whom, and what a rollout explains of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../lib/checks/agreement.h"
#include "proget/core/memory.h"

enum { MEMBERS = 4 };

/* A letter per member; '-': none. */
struct facts {
    char texts[MEMBERS][2];
    char *items[MEMBERS];
};

static void facts_make(struct facts *facts, const char *letters)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        facts->texts[i][0] = letters[i];
        facts->texts[i][1] = '\0';
        facts->items[i] = letters[i] == '-' ? NULL : facts->texts[i];
    }
}

static const struct {
    const char *name, *weak, *owners;
    bool divides;
} cases[] = {
    {"one workload on its way", "oonn", "aaaa", false},
    {"two workloads apart", "xxyy", "aabb", true},
    {"two workloads, one of them on its way to the other's", "xyyy", "aabb", false},
    {"two workloads, one on its way elsewhere", "xzyy", "aabb", true},
    {"both on their way", "xyxy", "aabb", false},
    {"three, of which one is apart", "xxxy", "aabc", true},
    {"of one nothing is known", "xx--", "aabb", false},
    {"all alike", "xxxx", "abcd", false},
    {"pods of nobody", "xy--", "----", false},
};

static void test_division(void **state)
{
    (void) state;
    static const char places['d' - 'a' + 1]; /* their addresses stand for the owners */
    for (size_t i = 0; i < array_length(cases); i++) {
        struct facts strong;
        struct facts weak;
        facts_make(&strong, "----");
        facts_make(&weak, cases[i].weak);
        const void *owners[MEMBERS];
        for (size_t k = 0; k < MEMBERS; k++) {
            owners[k] = cases[i].owners[k] == '-' ? NULL : &places[cases[i].owners[k] - 'a'];
        }
        cleanup_agreement struct agreement agreement = {0};
        agreement_find(strong.items, weak.items, MEMBERS, &agreement);
        if (agreement_divides_owners(&agreement, owners) != cases[i].divides) {
            fail_msg("%s", cases[i].name);
        }
    }
}

static void test_strong_before_weak(void **state)
{
    (void) state;
    struct facts strong;
    struct facts weak;
    facts_make(&strong, "klk-");
    facts_make(&weak, "sstt");
    cleanup_agreement struct agreement agreement = {0};
    agreement_find(strong.items, weak.items, MEMBERS, &agreement);
    assert_int_equal(agreement.group_count, 2);
    assert_int_equal(agreement.strong_count, 2);
    assert_int_equal(agreement.group_of[0], agreement.group_of[2]);
    assert_int_equal(agreement.group_of[0], agreement.group_of[3]); /* by its source */
    facts_make(&weak, "ssss");
    cleanup_agreement struct agreement ambiguous = {0};
    agreement_find(strong.items, weak.items, MEMBERS, &ambiguous);
    assert_true(ambiguous.group_of[3] == AGREEMENT_NO_GROUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_division),
        cmocka_unit_test(test_strong_before_weak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
