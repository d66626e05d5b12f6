#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../lib/checks/placeholder.h"
#include "proget/core/memory.h"

static void placeholders_are_told_from_values(void **state)
{
    static const struct {
        const char *text;
        bool is_placeholder, is_followed;
    } cases[] = {
        {"ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]", true, false},
        {"${PROGET_KEY}", true, false},
        {"$PROGET_KEY", true, false},
        {" ${PROGET_KEY}\n", true, false},
        {"{{ .Values.key }}", true, false},
        {"#{ProGet.Key}", true, false},
        {"#{ProGet.Key}#", true, false},
        {"<path:secret/data/proget#key>", true, false},
        {"__PROGET_KEY__", true, false},
        {"%PROGET_KEY%", true, false},
        {"ref+vault://secret/proget#key", true, false},
        {"vault:secret/data/proget#key", false, true},
        {">>vault:secret/data/proget#key", false, true},
        {"op://vault/proget/key", false, true},
        /* Values, good or bad. */
        {"0f8c4a1be39d72655a10c7e84fb2936d", false, false},
        {"CHANGE_ME", false, false},
        {"Server=sql;Password=${PASSWORD}", false, false},
        {"${A}-rest", false, false},
        {"$1", false, false},
        {"$", false, false},
        {"$(KEY)", false, false},
        {"$KEY-x", false, false},
        {"${}", false, false},
        {"<>", false, false},
        {"____", false, false},
        {"ENC[", false, false},
        {"", false, false},
        {NULL, false, false},
    };
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        if (placeholder_is(cases[i].text) != cases[i].is_placeholder ||
            placeholder_is_followed_in_container(cases[i].text) != cases[i].is_followed) {
            fail_msg("%s", cases[i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(placeholders_are_told_from_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
