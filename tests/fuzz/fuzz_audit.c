/*
 * The whole offline way of hostile bytes: YAML, records, joins, every check, every output.
 */
#include <stdint.h>
#include <stdio.h>

#include "audit.h"
#include "audit_result.h"
#include "input.h"
#include "output_json.h"
#include "output_junit.h"
#include "output_sarif.h"
#include "output_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    if (!nowhere) {
        nowhere = fopen("/dev/null", "we");
    }
    struct model *model = model_new(&(struct model_options){.offline = true, .discover = true});
    struct input input;
    input_init(&input, model, nowhere, audit_instant(INT64_C(1795348800) * CLOCK_US_PER_SECOND));
    input_read_text(&input, (const char *) data, size, "fuzz");
    input_finish(&input);
    struct audit_result result;
    audit_result_make(model, input.now, &result);
    result.input = &input;
    result.is_partial = input.has_problem;
    output_json(&result, nowhere);
    output_yaml(&result, nowhere);
    output_sarif(&result, nowhere);
    output_junit(&result, nowhere);
    output_table(&result, (struct table_style){.coloured = true, .width = 60}, nowhere);
    audit_result_clear(&result);
    input_clear(&input);
    model_free(model);
    return 0;
}
