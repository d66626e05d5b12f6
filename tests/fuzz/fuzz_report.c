/*
 * Reports as annotations: what is read can be written, fits, and reads the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proget/core/memory.h"
#include "proget/model/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_report struct report report = {0};
    struct error err = {0};

    if (report_parse((const char *) data, size, &report, &err) < 0) {
        require(err.text[0] != '\0');
        return 0;
    }
    cleanup_free char *written = report_format(&report);
    require(strlen(written) < BOUND_REPORT_BYTES);
    cleanup_report struct report again = {0};
    require(report_parse(written, strlen(written), &again, NULL) == 0);
    cleanup_free char *rewritten = report_format(&again);
    require(strcmp(written, rewritten) == 0);
    return 0;
}
