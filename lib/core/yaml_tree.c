#include "yaml_tree.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "yaml_scalar.h"

#define cleanup_event __attribute__((cleanup(yaml_event_delete)))

/* A value with what an alias to it costs. */
struct node {
    struct json_object *value; /* owned; shared by all aliases of it */
    size_t nodes;              /* itself and all below */
    size_t height;             /* levels of containers: 0 for a scalar */
};

struct anchor {
    struct node node;
    size_t serial;
    bool is_open; /* its own content is still being read */
};

/* A mapping under way. */
struct mapping {
    struct node node;
    struct map *own_keys; /* those written in it, once others were merged in; NULL before: all are its own */
};

static int build_node(struct yaml_tree *tree, const yaml_event_t *event, size_t depth, struct node *ret_node);

static void node_cleanup(struct node *node)
{
    json_object_put(node->value);
}
#define cleanup_node __attribute__((cleanup(node_cleanup)))

static void mapping_cleanup(struct mapping *mapping)
{
    json_object_put(mapping->node.value);
    map_free(mapping->own_keys);
}
#define cleanup_mapping __attribute__((cleanup(mapping_cleanup)))

static void anchor_free(void *value)
{
    struct anchor *anchor = value;
    json_object_put(anchor->node.value);
    free(anchor);
}

/* --- positions and errors --- */

static struct yaml_position position_of(const struct yaml_tree *tree, const yaml_mark_t *mark)
{
    size_t columns_before = mark->line == 0 ? tree->input->section_column : 0;
    return (struct yaml_position){.line = tree->input->section_line + mark->line + 1,
                                  .column = columns_before + mark->column + 1};
}

static int tree_fail(struct yaml_tree *tree, const yaml_mark_t *mark, const char *why)
{
    struct yaml_position at = position_of(tree, mark);
    tree->problem_at = at;
    return error_set(tree->err, ERROR_BAD_INPUT, "%s:%zu:%zu: %s", tree->name, at.line, at.column, why);
}

/* To be said after why something is no YAML: "" where no template is the cause. A line after it may be the first to
 * fail. */
static const char *template_advice(const struct yaml_tree *tree, struct yaml_position at)
{
    enum { LINES_BEFORE = 2 };
    size_t last = at.line - 1, first = last > LINES_BEFORE ? last - LINES_BEFORE : 0;
    return yaml_input_has_template(tree->input, first, last)
               ? "; {{ }} is of a template, which is YAML only once it is rendered: give what helm template prints"
               : "";
}

/* What libyaml says is static text, without any of the content. */
static int parser_fail(struct yaml_tree *tree)
{
    const yaml_parser_t *parser = &tree->parser;
    const struct yaml_input *input = tree->input;
    if (parser->error == YAML_MEMORY_ERROR) {
        abort();
    }
    tree->is_broken = true;
    if (input->problem != NULL) {
        enum error_code code = input->is_read_error ? ERROR_IO : ERROR_BAD_INPUT;
        tree->problem_at = (struct yaml_position){.line = input->line + 1, .column = input->column + 1};
        return error_set(tree->err, code, "%s:%zu:%zu: %s", tree->name, input->line + 1, input->column + 1,
                         input->problem);
    }
    if (parser->error == YAML_READER_ERROR) { /* it knows no line; the parser is at most a buffer behind */
        return tree_fail(tree, &parser->mark, parser->problem);
    }
    struct yaml_position at = position_of(tree, &parser->problem_mark);
    const char *advice = template_advice(tree, at);
    tree->problem_at = at;
    if (parser->error == YAML_SCANNER_ERROR && parser->unread > 0 && *parser->buffer.pointer == '\t' &&
        *advice == '\0') {
        return tree_fail(tree, &parser->problem_mark, "a tab where YAML takes only spaces");
    }
    if (parser->context == NULL) {
        return error_set(tree->err, ERROR_BAD_INPUT, "%s:%zu:%zu: %s%s", tree->name, at.line, at.column,
                         parser->problem, advice);
    }
    struct yaml_position context = position_of(tree, &parser->context_mark);
    return error_set(tree->err, ERROR_BAD_INPUT, "%s:%zu:%zu: %s %s that began at line %zu%s", tree->name, at.line,
                     at.column, parser->problem, parser->context, context.line, advice);
}

/* --- events --- */

static int read_handler(void *data, unsigned char *buffer, size_t size, size_t *size_read)
{
    return yaml_input_read(data, buffer, size, size_read) == 0 ? 1 : 0;
}

void yaml_tree_begin_section(struct yaml_tree *tree)
{
    if (yaml_parser_initialize(&tree->parser) == 0) {
        abort();
    }
    yaml_parser_set_encoding(&tree->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input(&tree->parser, read_handler, tree->input);
    tree->is_broken = false;
}

void yaml_tree_end_section(struct yaml_tree *tree)
{
    yaml_parser_delete(&tree->parser);
}

int yaml_tree_next_event(struct yaml_tree *tree, yaml_event_t *ret_event)
{
    return yaml_parser_parse(&tree->parser, ret_event) == 0 ? parser_fail(tree) : 0;
}

/* --- anchors --- */

/* Returns the serial number of what was opened, 0 without a name. A name used again means the newer one from here on.
 */
static size_t open_anchor(struct yaml_tree *tree, const yaml_char_t *name)
{
    if (name == NULL) {
        return 0;
    }
    struct anchor *anchor = xcalloc(1, sizeof(*anchor));
    anchor->serial = ++tree->anchor_serial;
    anchor->is_open = true;
    map_put(tree->anchors, (const char *) name, anchor);
    return anchor->serial;
}

/* The content may have used the name again: then that one stays. */
static void close_anchor(struct yaml_tree *tree, const yaml_char_t *name, size_t serial, const struct node *node)
{
    struct anchor *anchor = serial == 0 ? NULL : map_get(tree->anchors, (const char *) name);
    if (anchor != NULL && anchor->serial == serial) {
        anchor->node = *node;
        anchor->node.value = json_object_get(node->value);
        anchor->is_open = false;
    }
}

/* --- nodes --- */

static int count_nodes(struct yaml_tree *tree, const yaml_mark_t *mark, size_t nodes)
{
    tree->nodes += nodes;
    return tree->nodes <= BOUND_YAML_NODES ? 0 : tree_fail(tree, mark, "too many nodes, aliases expanded");
}

static int build_alias(struct yaml_tree *tree, const yaml_event_t *event, size_t depth, struct node *ret_node)
{
    const struct anchor *anchor = map_get(tree->anchors, (const char *) event->data.alias.anchor);
    if (anchor == NULL) {
        return tree_fail(tree, &event->start_mark, "alias of an unknown anchor");
    }
    if (anchor->is_open) {
        return tree_fail(tree, &event->start_mark, "an anchor's value contains itself");
    }
    if (depth + anchor->node.height > BOUND_JSON_DEPTH) {
        return tree_fail(tree, &event->start_mark, "nested too deep");
    }
    tree->aliased_nodes += anchor->node.nodes;
    if (tree->aliased_nodes > BOUND_YAML_NODES) {
        return tree_fail(tree, &event->start_mark, "too many nodes, aliases expanded");
    }
    int result = count_nodes(tree, &event->start_mark, anchor->node.nodes);
    if (result == 0) {
        *ret_node = anchor->node;
        ret_node->value = json_object_get(anchor->node.value);
    }
    return result;
}

static int build_scalar(struct yaml_tree *tree, const yaml_event_t *event, struct node *ret_node)
{
    const char *why = NULL;
    struct json_object *value = NULL;
    int result = yaml_scalar_resolve((const char *) event->data.scalar.value, event->data.scalar.length,
                                     (const char *) event->data.scalar.tag, event->data.scalar.plain_implicit != 0,
                                     &value, &why);
    if (result < 0) {
        return tree_fail(tree, &event->start_mark, why);
    }
    *ret_node = (struct node){.value = value, .nodes = 1};
    size_t anchor = open_anchor(tree, event->data.scalar.anchor);
    close_anchor(tree, event->data.scalar.anchor, anchor, ret_node);
    return 0;
}

/* What a child adds to its parent. */
static void adopt(struct node *parent, const struct node *child)
{
    parent->nodes += child->nodes;
    parent->height = child->height + 1 > parent->height ? child->height + 1 : parent->height;
}

static int build_sequence(struct yaml_tree *tree, const yaml_event_t *start, size_t depth, struct node *ret_node)
{
    size_t anchor = open_anchor(tree, start->data.sequence_start.anchor);
    cleanup_node struct node sequence = {.value = json_object_new_array(), .nodes = 1, .height = 1};
    for (;;) {
        cleanup_event yaml_event_t event = {0};
        int result = yaml_tree_next_event(tree, &event);
        if (result < 0) {
            return result;
        }
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            break;
        }
        struct node element = {0};
        result = build_node(tree, &event, depth + 1, &element);
        if (result < 0) {
            return result;
        }
        adopt(&sequence, &element);
        if (json_object_array_add(sequence.value, element.value) != 0) {
            abort();
        }
    }
    close_anchor(tree, start->data.sequence_start.anchor, anchor, &sequence);
    *ret_node = sequence;
    sequence.value = NULL;
    return 0;
}

/* --- mappings --- */

static void mapping_set(struct mapping *mapping, const char *key, struct json_object *value)
{
    if (json_object_object_add(mapping->node.value, key, value) != 0) {
        abort();
    }
}

/* The same of a key that note_own_key() found new: where nothing was merged, it need not be looked for again. */
static void mapping_set_own(struct mapping *mapping, const char *key, struct json_object *value)
{
    unsigned flags = mapping->own_keys == NULL ? JSON_C_OBJECT_ADD_KEY_IS_NEW : 0;
    if (json_object_object_add_ex(mapping->node.value, key, value, flags) != 0) {
        abort();
    }
}

/* Once keys are merged in, those that the mapping writes itself are told apart: they alone can be duplicates. */
static void track_own_keys(struct mapping *mapping)
{
    if (mapping->own_keys != NULL) {
        return;
    }
    mapping->own_keys = map_new(NULL);
    json_object_object_foreach(mapping->node.value, key, value)
    {
        (void) value;
        map_put(mapping->own_keys, key, mapping);
    }
}

/* True where the mapping itself wrote the key before. */
static bool note_own_key(struct mapping *mapping, const char *key)
{
    if (mapping->own_keys == NULL) {
        return json_object_object_get_ex(mapping->node.value, key, NULL);
    }
    bool is_there = map_get(mapping->own_keys, key) != NULL;
    map_put(mapping->own_keys, key, mapping);
    return is_there;
}

static void merge_one(struct mapping *mapping, struct json_object *source)
{
    json_object_object_foreach(source, key, value)
    {
        mapping_set(mapping, key, json_object_get(value));
    }
}

/*
 * As sigs.k8s.io/yaml does: what is merged counts from where the "<<" stands, so it overrides keys before it and is
 * overridden by those behind; of several sources the first counts.
 */
static int merge(struct yaml_tree *tree, struct mapping *mapping, const struct node *source, const yaml_mark_t *mark)
{
    track_own_keys(mapping);
    adopt(&mapping->node, source);
    if (json_object_is_type(source->value, json_type_object)) {
        merge_one(mapping, source->value);
        return 0;
    }
    bool is_list = json_object_is_type(source->value, json_type_array);
    size_t count = is_list ? json_object_array_length(source->value) : 0;
    for (size_t i = 0; i < count; i++) {
        is_list = is_list && json_object_is_type(json_object_array_get_idx(source->value, i), json_type_object);
    }
    if (!is_list) {
        return tree_fail(tree, mark, "only mappings can be merged with '<<'");
    }
    for (size_t i = count; i > 0; i--) {
        merge_one(mapping, json_object_array_get_idx(source->value, i - 1));
    }
    return 0;
}

static bool is_merge_key(const yaml_event_t *event)
{
    if (event->type != YAML_SCALAR_EVENT || strcmp((const char *) event->data.scalar.value, "<<") != 0) {
        return false;
    }
    const char *tag = (const char *) event->data.scalar.tag;
    return event->data.scalar.plain_implicit != 0 || (tag != NULL && strcmp(tag, "tag:yaml.org,2002:merge") == 0);
}

/*
 * Hands out the items of the root one by one. Each is counted for itself, for none is kept; but one with anchors in it
 * is held by them until the document ends.
 */
static int stream_items(struct yaml_tree *tree, struct json_object *root)
{
    tree->has_streamed = true;
    size_t nodes_before = tree->nodes;
    for (;;) {
        cleanup_event yaml_event_t event = {0};
        int result = yaml_tree_next_event(tree, &event);
        if (result < 0 || event.type == YAML_SEQUENCE_END_EVENT) {
            return result;
        }
        size_t bytes_before = tree->input->held_bytes, anchors_before = tree->anchor_serial;
        cleanup_node struct node item = {0};
        result = build_node(tree, &event, 2, &item);
        if (result == 0) {
            result = yaml_tree_hand_out(tree, root, item.value, position_of(tree, &event.start_mark));
        }
        if (result < 0) {
            return result;
        }
        tree->nodes = nodes_before;
        if (tree->anchor_serial == anchors_before) {
            tree->input->held_bytes = bytes_before;
        }
    }
}

static int fail_of_key(struct yaml_tree *tree, const yaml_event_t *event)
{
    struct yaml_position at = position_of(tree, &event->start_mark);
    const char *advice = event->type == YAML_MAPPING_START_EVENT ? template_advice(tree, at) : "";
    cleanup_free char *why = xasprintf("a key that is no text%s", advice);
    return tree_fail(tree, &event->start_mark, why);
}

/* Keys are no secrets, and of a long one the begin is enough to find it. */
static int fail_of_duplicate(struct yaml_tree *tree, const yaml_event_t *event, const char *name)
{
    enum { SHOWN_BYTES_MAX = 64 };
    char shown[SHOWN_BYTES_MAX];
    text_copy_cut(shown, sizeof shown, name);
    cleanup_free char *why = xasprintf("duplicate key \"%s\"", shown);
    return tree_fail(tree, &event->start_mark, why);
}

/*
 * A key as the name of a member, borrowed from `*ret_key` or from the event. Most keys are plain texts without an
 * anchor: no value is made of them.
 */
static int build_key(struct yaml_tree *tree, const yaml_event_t *event, size_t depth, struct node *ret_key,
                     const char **ret_name)
{
    if (event->type == YAML_SCALAR_EVENT && event->data.scalar.anchor == NULL) {
        const char *text = (const char *) event->data.scalar.value;
        size_t length = event->data.scalar.length;
        bool is_plain = event->data.scalar.plain_implicit != 0;
        if (yaml_scalar_is_text(text, length, (const char *) event->data.scalar.tag, is_plain) &&
            memchr(text, '\0', length) == NULL) {
            *ret_key = (struct node){.nodes = 1};
            *ret_name = text;
            return count_nodes(tree, &event->start_mark, 1);
        }
    }
    int result = build_node(tree, event, depth, ret_key);
    if (result == 0) {
        *ret_name = yaml_scalar_key(ret_key->value);
    }
    return result == 0 && *ret_name == NULL ? fail_of_key(tree, event) : result;
}

static int build_member(struct yaml_tree *tree, struct mapping *mapping, const yaml_event_t *key_event, size_t depth)
{
    cleanup_node struct node key = {0};
    const char *name = NULL;
    int result = build_key(tree, key_event, depth + 1, &key, &name);
    if (result < 0) {
        return result;
    }
    bool is_merge = is_merge_key(key_event);
    if (!is_merge && note_own_key(mapping, name)) {
        return fail_of_duplicate(tree, key_event, name);
    }

    cleanup_event yaml_event_t event = {0};
    result = yaml_tree_next_event(tree, &event);
    if (result < 0) {
        return result;
    }
    if (depth == 0 && tree->on_object != NULL && !is_merge && event.type == YAML_SEQUENCE_START_EVENT &&
        event.data.sequence_start.anchor == NULL && text_equal(name, "items")) {
        mapping_set(mapping, name, NULL); /* so that a second one is a duplicate */
        return stream_items(tree, mapping->node.value);
    }
    cleanup_node struct node value = {0};
    result = build_node(tree, &event, depth + 1, &value);
    if (result < 0) {
        return result;
    }
    if (is_merge) {
        return merge(tree, mapping, &value, &event.start_mark);
    }
    mapping->node.nodes += key.nodes;
    adopt(&mapping->node, &value);
    mapping_set_own(mapping, name, memory_take(&value.value));
    return 0;
}

static int build_mapping(struct yaml_tree *tree, const yaml_event_t *start, size_t depth, struct node *ret_node)
{
    size_t anchor = open_anchor(tree, start->data.mapping_start.anchor);
    cleanup_mapping struct mapping mapping = {.node = {.value = json_object_new_object(), .nodes = 1, .height = 1}};
    for (;;) {
        cleanup_event yaml_event_t event = {0};
        int result = yaml_tree_next_event(tree, &event);
        if (result == 0 && event.type == YAML_MAPPING_END_EVENT) {
            break;
        }
        if (result == 0) {
            result = build_member(tree, &mapping, &event, depth);
        }
        if (result < 0) {
            return result;
        }
    }
    close_anchor(tree, start->data.mapping_start.anchor, anchor, &mapping.node);
    *ret_node = mapping.node;
    mapping.node.value = NULL;
    return 0;
}

static int build_node(struct yaml_tree *tree, const yaml_event_t *event, size_t depth, struct node *ret_node)
{
    if (event->type == YAML_ALIAS_EVENT) {
        return build_alias(tree, event, depth, ret_node);
    }
    int result = count_nodes(tree, &event->start_mark, 1);
    if (result < 0) {
        return result;
    }
    if (event->type == YAML_SCALAR_EVENT) {
        return build_scalar(tree, event, ret_node);
    }
    if (depth >= BOUND_JSON_DEPTH) {
        tree->is_broken = true; /* libyaml's time grows with the square of the depth: not a step further */
        return tree_fail(tree, &event->start_mark, "nested too deep");
    }
    if (event->type == YAML_SEQUENCE_START_EVENT) {
        return build_sequence(tree, event, depth, ret_node);
    }
    assert(event->type == YAML_MAPPING_START_EVENT);
    return build_mapping(tree, event, depth, ret_node);
}

/* --- documents --- */

static bool add_text_if_absent(struct json_object *item, const char *name, const char *text, size_t length)
{
    if (json_object_object_get_ex(item, name, NULL)) {
        return false;
    }
    cleanup_free char *copy = xstrndup(text, length);
    json_add_text(item, name, copy);
    return true;
}

bool yaml_tree_is_list(struct json_object *value)
{
    return json_object_is_type(json_member(value, "items"), json_type_array) ||
           text_ends_with(json_text_at(value, "kind", ""), "List");
}

int yaml_tree_hand_out_items(struct yaml_tree *tree, struct json_object *list, struct yaml_position at)
{
    struct json_object *items = json_member(list, "items");
    bool is_array = json_object_is_type(items, json_type_array);
    size_t count = is_array ? json_object_array_length(items) : 0;
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        result = yaml_tree_hand_out(tree, list, json_object_array_get_idx(items, i), at);
    }
    return result;
}

int yaml_tree_hand_out(struct yaml_tree *tree, struct json_object *list, struct json_object *item,
                       struct yaml_position at)
{
    if (list != NULL && yaml_tree_is_list(item)) { /* no deeper than the input is nested */
        return yaml_tree_hand_out_items(tree, item, at);
    }
    const char *kind = json_text_at(list, "kind", "");
    size_t length = strlen(kind);
    const char *api_version = json_text_at(list, "apiVersion", NULL);
    if (text_ends_with(kind, "List") && length > 4 && api_version != NULL &&
        json_object_is_type(item, json_type_object) && add_text_if_absent(item, "kind", kind, length - 4)) {
        (void) add_text_if_absent(item, "apiVersion", api_version, strlen(api_version));
    }
    int result = tree->on_object(item, at, tree->userdata);
    tree->stopped_result = result < 0 ? result : 0;
    return tree->stopped_result;
}

int yaml_tree_build_document(struct yaml_tree *tree, struct json_object **ret_value, struct yaml_position *ret_at)
{
    tree->nodes = 0;
    tree->aliased_nodes = 0;
    tree->has_streamed = false;
    tree->anchors = map_new(anchor_free);
    cleanup_event yaml_event_t root = {0};
    cleanup_node struct node node = {0};
    int result = yaml_tree_next_event(tree, &root);
    if (result == 0) {
        *ret_at = position_of(tree, &root.start_mark);
        result = build_node(tree, &root, 0, &node);
    }
    map_free(tree->anchors);
    tree->anchors = NULL;
    if (result < 0) {
        return result;
    }
    cleanup_event yaml_event_t end = {0};
    result = yaml_tree_next_event(tree, &end);
    if (result < 0) {
        return result;
    }
    assert(end.type == YAML_DOCUMENT_END_EVENT);
    *ret_value = memory_take(&node.value);
    return 0;
}
