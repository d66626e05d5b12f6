/*
 * yaml_read_objects() and yaml_parse() over any bytes. Both have to agree on a single document, and each value has to
 * be JSON.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proget/core/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct counts {
    size_t objects;
    size_t problems;
};

static int count_object(struct json_object *value, struct yaml_position at, void *userdata)
{
    struct counts *counts = userdata;
    counts->objects++;
    if (at.line == 0 || at.column == 0 || json_text(value)[0] == '\0') {
        abort();
    }
    return 0;
}

static void count_problem(const struct error *err, struct yaml_position at, void *userdata)
{
    struct counts *counts = userdata;
    counts->problems++;
    if (strncmp(err->text, "fuzz:", 5) != 0 || at.line == 0 || at.column == 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct counts counts = {0};
    struct yaml_reader *reader = yaml_reader_open_text((const char *) data, size, "fuzz");
    int result = yaml_read_objects(reader, count_object, count_problem, &counts);
    yaml_reader_free(reader);
    if (result != (counts.problems > 0 ? 1 : 0)) {
        abort();
    }

    cleanup_json struct json_object *value = NULL;
    struct error err = {0};
    result = yaml_parse((const char *) data, size, "fuzz", &value, &err);
    if ((result == 0) != (value != NULL) || (result == 0 && counts.problems > 0)) {
        abort();
    }
    return 0;
}
