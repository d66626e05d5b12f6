/*
 * json_parse() over any bytes. What it takes has to come out of json_text() such that it reads as the same again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proget/core/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_json struct json_object *value = NULL;
    struct error err = {0};
    if (json_parse((const char *) data, size, &value, &err) != 0) {
        if (value != NULL || err.text[0] == '\0') {
            abort();
        }
        return 0;
    }
    const char *text = json_text(value);
    cleanup_json struct json_object *again = NULL;
    /* Numbers that no double holds are written as json-c read them, which need not be the same text. */
    if (json_parse(text, strlen(text), &again, &err) == 0 && strcmp(json_text(again), text) != 0) {
        abort();
    }
    return 0;
}
