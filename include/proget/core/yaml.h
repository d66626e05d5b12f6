/*
 * YAML from outside, turned into the JSON tree that the API server would have made of it.
 *
 * Plain scalars are resolved as sigs.k8s.io/yaml does (YAML 1.1 booleans y/n/yes/no/on/off/true/false, null, integers
 * in decimal, octal, hexadecimal and binary, floats); quoted scalars are text. Keys that are numbers or booleans become
 * text, as there. Duplicate keys, keys that are null, mappings or sequences, infinities, nesting deeper than
 * BOUND_JSON_DEPTH, more than BOUND_YAML_NODES nodes with aliases expanded (of a list: in one item, or in all its
 * aliases together) and more than BOUND_INPUT_FILE bytes (of a list: in one item, or in all items with anchors
 * together, which hold them) make a document unusable. JSON is YAML: the same reader takes both, and JSON documents one
 * behind the other need no marker between them. Bytes other than UTF-8 are refused.
 */
#ifndef PROGET_CORE_YAML_H
#define PROGET_CORE_YAML_H

#include <stdio.h>

#include "proget/core/error.h"
#include "proget/core/json.h"

struct yaml_reader;

struct yaml_position {
    size_t line;   /* of the document's or element's first token, from 1 */
    size_t column; /* from 1 */
};

/* Reads from an open stream (borrowed); `name` (copied) is what errors call it, such as the file's path. */
struct yaml_reader *yaml_reader_open_file(FILE *stream, const char *name);
/* Reads from memory (borrowed for the reader's life). */
struct yaml_reader *yaml_reader_open_text(const char *text, size_t length, const char *name);
void yaml_reader_free(struct yaml_reader *reader);

/*
 * Called for each value: a document, or, where a document is a mapping whose `kind` ends in "List" or that has an
 * `items` sequence, each of its items one by one, so that a dump of any size is never held whole (an item that is a
 * list again is taken apart as well). Documents without content are left out. An item of a PodList (kind and apiVersion
 * written before the items, as an API server does) that has no kind gets kind Pod and the list's apiVersion. `value` is
 * borrowed for the call. A negative return ends the reading and is returned by yaml_read_objects().
 */
typedef int yaml_object_fn(struct json_object *value, struct yaml_position at, void *userdata);
/*
 * Called for each document that is unusable ("<name>:<line>:<column>: <why>"); reading goes on with the next document.
 * Items before the problem were handed out by then. ERROR_IO where the stream cannot be read; that is the end.
 */
typedef void yaml_problem_fn(const struct error *err, struct yaml_position at, void *userdata);

/* Reads to the end. Returns 0, 1 where a problem was reported, or what `on_object` returned. */
int yaml_read_objects(struct yaml_reader *reader, yaml_object_fn *on_object, yaml_problem_fn *on_problem,
                      void *userdata);

/*
 * Exactly one document into one tree. ERROR_BAD_INPUT with "<name>:<line>:<column>: <why>". For kubeconfig and the
 * like.
 */
int yaml_parse(const char *text, size_t length, const char *name, struct json_object **ret_value, struct error *err);

/*
 * Writes the tree as one YAML document in block style, members in their order. Texts that a reader could take for
 * something else (numbers, times, booleans, null) are quoted. What cannot be written shows in the stream's error.
 */
void yaml_print(struct json_object *value, FILE *target);

#endif
