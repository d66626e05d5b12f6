/*
 * quantity_parse() over any text; its opposite has to be taken as well, and be the opposite.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/quantity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_free char *text = xstrndup((const char *) data, size);
    int64_t value = 0;
    if (quantity_parse(text, &value) != 0 || text[0] == '-' || text[0] == '+') {
        return 0;
    }
    cleanup_free char *opposite = xasprintf("-%s", text);
    int64_t negative = 0;
    if (value < 0 || quantity_parse(opposite, &negative) != 0 || negative != -value) {
        abort();
    }
    return 0;
}
