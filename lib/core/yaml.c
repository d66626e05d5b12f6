#include "proget/core/yaml.h"

#include <assert.h>
#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "yaml_tree.h"

struct yaml_reader {
    struct yaml_input input;
    struct yaml_tree tree;
    char *name;
};

#define cleanup_event __attribute__((cleanup(yaml_event_delete)))

static struct yaml_reader *reader_new(FILE *stream, const char *text, size_t length, const char *name)
{
    struct yaml_reader *reader = xcalloc(1, sizeof(*reader));
    yaml_input_init(&reader->input, stream, text, length);
    reader->name = xstrdup(name);
    reader->tree.input = &reader->input;
    reader->tree.name = reader->name;
    return reader;
}

struct yaml_reader *yaml_reader_open_file(FILE *stream, const char *name)
{
    assert(stream != NULL);
    return reader_new(stream, NULL, 0, name);
}

struct yaml_reader *yaml_reader_open_text(const char *text, size_t length, const char *name)
{
    return reader_new(NULL, text, length, name);
}

void yaml_reader_free(struct yaml_reader *reader)
{
    if (reader != NULL) {
        free(reader->name);
        free(reader);
    }
}

/* What is done with each whole document; negative ends the reading. */
typedef int document_fn(struct yaml_tree *tree, struct json_object *value, struct yaml_position at, void *userdata);

struct reading {
    document_fn *on_document;
    yaml_problem_fn *on_problem;
    void *userdata;       /* of both */
    struct error problem; /* the last one */
    bool has_problem;
};

/*
 * Reads on to the document's end event without building. Where that cannot be, the section is given up: libyaml's time
 * grows with the square of the depth.
 */
static void skip_document(struct yaml_tree *tree)
{
    size_t opened = 0;
    bool is_done = false;
    while (!is_done && !tree->is_broken) {
        cleanup_event yaml_event_t event = {0};
        is_done = yaml_tree_next_event(tree, &event) < 0 || event.type == YAML_DOCUMENT_END_EVENT;
        if (event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT) {
            tree->is_broken = ++opened > BOUND_JSON_DEPTH;
        } else if (opened > 0 && (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT)) {
            opened--;
        }
    }
}

/* One document, from behind its start event. A problem with it is told here; negative only to end the reading. */
static int read_document(struct yaml_tree *tree, struct reading *reading)
{
    cleanup_json struct json_object *value = NULL;
    struct yaml_position at = {0};
    int result = yaml_tree_build_document(tree, &value, &at);
    if (result == 0) {
        return reading->on_document(tree, value, at, reading->userdata);
    }
    if (tree->stopped_result < 0) {
        return tree->stopped_result;
    }
    reading->has_problem = true;
    reading->on_problem(&reading->problem, tree->problem_at, reading->userdata);
    if (!tree->is_broken) {
        tree->err = NULL; /* one problem per document is told */
        skip_document(tree);
        tree->err = &reading->problem;
    }
    return 0;
}

/* All documents of one section. Negative only to end the reading. */
static int read_section(struct yaml_tree *tree, struct reading *reading)
{
    tree->err = &reading->problem;
    for (;;) {
        cleanup_event yaml_event_t event = {0};
        if (yaml_tree_next_event(tree, &event) < 0) {
            reading->has_problem = true;
            reading->on_problem(&reading->problem, tree->problem_at, reading->userdata);
            return 0;
        }
        if (event.type == YAML_STREAM_END_EVENT) {
            return 0;
        }
        if (event.type == YAML_DOCUMENT_START_EVENT) {
            int result = read_document(tree, reading);
            if (result < 0 || tree->is_broken) {
                return result;
            }
        }
    }
}

static int read_all(struct yaml_reader *reader, struct reading *reading)
{
    reader->tree.stopped_result = 0;
    while (yaml_input_next_section(&reader->input)) {
        yaml_tree_begin_section(&reader->tree);
        int result = read_section(&reader->tree, reading);
        yaml_tree_end_section(&reader->tree);
        reader->tree.err = NULL;
        if (result < 0) {
            return result;
        }
    }
    return reading->has_problem ? 1 : 0;
}

/* --- objects --- */

struct object_reading {
    struct reading reading; /* its userdata is this struct */
    yaml_object_fn *on_object;
    yaml_problem_fn *on_problem;
    void *userdata;
};

static void tell_problem(const struct error *err, struct yaml_position at, void *userdata)
{
    struct object_reading *objects = userdata;
    objects->on_problem(err, at, objects->userdata);
}

/* Documents without content are none. Items that came by an anchor or a merge could not be handed out on the way. */
static int take_objects(struct yaml_tree *tree, struct json_object *value, struct yaml_position at, void *userdata)
{
    (void) userdata;
    if (value == NULL || tree->has_streamed) {
        return 0;
    }
    return yaml_tree_is_list(value) ? yaml_tree_hand_out_items(tree, value, at)
                                    : yaml_tree_hand_out(tree, NULL, value, at);
}

int yaml_read_objects(struct yaml_reader *reader, yaml_object_fn *on_object, yaml_problem_fn *on_problem,
                      void *userdata)
{
    struct object_reading objects = {
        .reading = {.on_document = take_objects, .on_problem = tell_problem},
        .on_object = on_object,
        .on_problem = on_problem,
        .userdata = userdata,
    };
    objects.reading.userdata = &objects;
    reader->tree.on_object = on_object;
    reader->tree.userdata = userdata;
    return read_all(reader, &objects.reading);
}

/* --- one document --- */

struct single {
    struct json_object *value;
    size_t documents;
    struct error *err;
    const char *name;
};

static int take_single(struct yaml_tree *tree, struct json_object *value, struct yaml_position at, void *userdata)
{
    (void) tree;
    struct single *single = userdata;
    if (value == NULL) {
        return 0;
    }
    if (single->documents++ > 0) {
        return error_set(single->err, ERROR_BAD_INPUT, "%s:%zu:%zu: a second document where one is expected",
                         single->name, at.line, at.column);
    }
    single->value = json_object_get(value);
    return 0;
}

static void keep_first_problem(const struct error *err, struct yaml_position at, void *userdata)
{
    (void) at;
    struct single *single = userdata;
    if (single->err != NULL && single->err->text[0] == '\0') {
        *single->err = *err;
    }
}

int yaml_parse(const char *text, size_t length, const char *name, struct json_object **ret_value, struct error *err)
{
    struct error own_err = {0};
    struct single single = {.err = &own_err, .name = name};
    struct reading reading = {.on_document = take_single, .on_problem = keep_first_problem, .userdata = &single};
    struct yaml_reader *reader = yaml_reader_open_text(text, length, name);
    int result = read_all(reader, &reading);
    yaml_reader_free(reader);
    cleanup_json struct json_object *value = single.value;
    if (result == 0 && value != NULL) {
        *ret_value = memory_take(&value);
        return 0;
    }
    if (result == 0) {
        return error_set(err, ERROR_BAD_INPUT, "%s:1:1: no document", name);
    }
    if (err != NULL) {
        *err = own_err;
    }
    return own_err.code;
}
