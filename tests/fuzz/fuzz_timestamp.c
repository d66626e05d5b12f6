/*
 * Timestamps of others: what is read can be written again and reads the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proget/core/clock.h"
#include "proget/core/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_free char *text = xmalloc(size + 1);
    char written[CLOCK_TEXT_SIZE];
    int64_t wall_us = -1;
    int64_t again_us = -1;

    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    if (clock_parse(text, &wall_us) < 0) {
        require(wall_us == -1); /* untouched on failure */
        return 0;
    }
    require(wall_us >= 0);
    clock_format_micros(wall_us, written);
    require(strlen(written) == strlen("2026-11-22T07:00:00.000000Z"));
    require(clock_parse(written, &again_us) == 0 && again_us == wall_us);
    clock_format_seconds(wall_us, written);
    require(clock_parse(written, &again_us) == 0 && again_us == wall_us / CLOCK_US_PER_SECOND * CLOCK_US_PER_SECOND);
    clock_format_duration(wall_us, written);
    require(strlen(written) > 0);
    return 0;
}
