#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "../../sidecar/trouble.h"
#include "proget/core/log.h"
#include "proget/core/memory.h"

static void trouble_is_said_once_until_it_changes(void **state)
{
    struct trouble trouble = {.kind = TROUBLE_NONE};
    struct error err = {.code = ERROR_TIMEOUT, .text = "no answer"};

    (void) state;
    assert_int_equal(trouble_is_over(&trouble, 1000), 0);
    assert_int_equal(trouble_say(&trouble, TROUBLE_AWAY, &err, 1000), 1);
    assert_int_equal(trouble_say(&trouble, TROUBLE_AWAY, &err, 2000), 0);
    assert_int_equal(trouble_say(&trouble, TROUBLE_DENIED, &err, 3000), 1);
    assert_int_equal(trouble_say(&trouble, TROUBLE_AWAY, NULL, 4000), 1);
    assert_int_equal(trouble.since_ms, 1000);
    assert_int_equal(trouble_is_over(&trouble, 9000), 1);
    assert_int_equal(trouble_is_over(&trouble, 9000), 0);
    assert_int_equal(trouble_say(&trouble, TROUBLE_LOST, NULL, 10000), 1);
    assert_int_equal(trouble.since_ms, 10000);
}

static void errors_have_their_kind(void **state)
{
    static const struct {
        enum error_code code;
        enum trouble_kind kind;
    } cases[] = {
        {ERROR_IO, TROUBLE_AWAY},          {ERROR_TIMEOUT, TROUBLE_AWAY},      {ERROR_AGAIN, TROUBLE_AWAY},
        {ERROR_DENIED, TROUBLE_DENIED},    {ERROR_NOT_FOUND, TROUBLE_REFUSED}, {ERROR_BAD_INPUT, TROUBLE_REFUSED},
        {ERROR_CONFLICT, TROUBLE_REFUSED},
    };

    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        struct error err = {.code = cases[i].code};
        assert_int_equal(trouble_kind_of(&err), cases[i].kind);
    }
    assert_int_equal(trouble_kind_of(NULL), TROUBLE_REFUSED);
}

static int be_quiet(void **state)
{
    (void) state;
    log_configure(LOG_FORMAT_TEXT, LOG_ERROR, STDERR_FILENO);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trouble_is_said_once_until_it_changes),
        cmocka_unit_test(errors_have_their_kind),
    };

    return cmocka_run_group_tests(tests, be_quiet, NULL);
}
