/*
 * Answers of /health, in whatever form: never a crash, always a state with its reason. The first byte chooses the
 * status and whether the body was cut.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../sidecar/health_answer.h"
#include "proget/core/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

static void read_answer(const uint8_t *data, size_t size, struct health_answer *answer)
{
    static const int64_t statuses[] = {200, 500, 302, 404, 204, 503};
    struct health_http http = {
        .status = statuses[(data[0] & 0x7f) % array_length(statuses)],
        .body = (const char *) data + 1,
        .length = size - 1,
        .is_cut = (data[0] & 0x80) != 0,
    };
    health_answer_read(&http, answer);
    require(answer->facts.health.http == http.status);
    require(answer->facts.health.state == REPORT_HEALTH_OK || answer->facts.health.state == REPORT_HEALTH_ERROR);
    require(answer->facts.health.state == REPORT_HEALTH_OK || answer->facts.health.detail != NULL);
    require(!http.is_cut || answer->facts.health.state == REPORT_HEALTH_ERROR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_health_answer struct health_answer answer = {0};
    cleanup_health_answer struct health_answer details = {0};

    if (size < 1) {
        return 0;
    }
    read_answer(data, size, &answer);
    read_answer(data, size, &details);
    cleanup_free char *written = report_format(&answer.facts);
    cleanup_report struct report again = {0};
    require(strlen(written) < BOUND_REPORT_BYTES);
    require(report_parse(written, strlen(written), &again, NULL) == 0);
    health_answer_merge(&answer, &details);
    require(answer.facts.health.state == REPORT_HEALTH_OK || answer.facts.health.detail != NULL);
    return 0;
}
