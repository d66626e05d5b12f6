/*
 * libyaml's events of one section, built into JSON trees.
 */
#ifndef PROGET_CORE_YAML_TREE_H
#define PROGET_CORE_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "proget/core/error.h"
#include "proget/core/json.h"
#include "proget/core/map.h"
#include "proget/core/yaml.h"
#include "yaml_input.h"

struct yaml_tree {
    yaml_parser_t parser;
    struct yaml_input *input;
    const char *name;                /* of the input, for error texts */
    bool is_broken;                  /* the parser cannot go on in this section */
    struct map *anchors;             /* of the document: name to struct anchor */
    size_t anchor_serial;            /* of the newest */
    size_t nodes;                    /* of the tree being built, aliases expanded */
    size_t aliased_nodes;            /* of the document: what came through aliases */
    struct error *err;               /* of the current document */
    struct yaml_position problem_at; /* where the last error was */

    /* Items of the root mapping are handed out one by one where this is set, and not kept. */
    yaml_object_fn *on_object;
    void *userdata;
    bool has_streamed;  /* the document's items were handed out */
    int stopped_result; /* what a callback returned to end the reading; else 0 */
};

void yaml_tree_begin_section(struct yaml_tree *tree); /* `input` is at its begin */
void yaml_tree_end_section(struct yaml_tree *tree);

/* The next event (to be deleted by the caller). 0, or ERROR_BAD_INPUT or ERROR_IO; then is_broken. */
int yaml_tree_next_event(struct yaml_tree *tree, yaml_event_t *ret_event);

/*
 * Builds the tree of the document whose start event was just read, up to its end event. *ret_value is owned, NULL for
 * null; of a mapping whose items were handed out it holds the rest. On failure without is_broken the caller steps over
 * the rest of the document; stopped_result tells where a callback ended the reading.
 */
int yaml_tree_build_document(struct yaml_tree *tree, struct json_object **ret_value, struct yaml_position *ret_at);

/* A mapping whose `kind` ends in "List" or that has an `items` sequence. */
bool yaml_tree_is_list(struct json_object *value);
/* Hands out the items of a list that was built whole. Results as below. */
int yaml_tree_hand_out_items(struct yaml_tree *tree, struct json_object *list, struct yaml_position at);

/*
 * Hands out one item of a list, of an item that is a list again each of its own; `list` NULL: a document. Where `list`
 * is of a kind like PodList and the item has none, as in an API server's own lists, the item gets kind Pod and the
 * list's apiVersion. Returns on_object's result, kept in stopped_result.
 */
int yaml_tree_hand_out(struct yaml_tree *tree, struct json_object *list, struct json_object *item,
                       struct yaml_position at);

#endif
