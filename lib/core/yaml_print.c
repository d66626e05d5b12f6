#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/core/yaml.h"
#include "yaml_scalar.h"

/* What libyaml cannot write shows in the stream's error, which is the caller's to look at. */
static void emit(yaml_emitter_t *emitter, yaml_event_t *event)
{
    if (yaml_emitter_emit(emitter, event) == 0 && emitter->error == YAML_MEMORY_ERROR) {
        abort();
    }
}

/* False where the text is not UTF-8. */
static bool emit_scalar(yaml_emitter_t *emitter, const char *text, size_t length, yaml_scalar_style_t style)
{
    yaml_event_t event;
    if (yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *) text, (int) length, 1, 1, style) == 0) {
        return false;
    }
    emit(emitter, &event);
    return true;
}

/* A word such as "name" begins like a "no" without being one. What begins like a number is quoted, times too. */
static bool is_text_to_all(const char *text, size_t length)
{
    if (yaml_scalar_is_text(text, length, NULL, true)) {
        return text[0] != '=' && text[0] != '<'; /* "=" and "<<" are values of YAML 1.1 */
    }
    if (length == 0 || strchr("+-.0123456789", text[0])) {
        return false;
    }
    cleanup_json struct json_object *value = NULL;
    const char *why = NULL;
    return yaml_scalar_resolve(text, length, NULL, true, &value, &why) == 0 &&
           json_object_is_type(value, json_type_string);
}

/* Quoted where any reader could take it for something else than a text. */
static void emit_text(yaml_emitter_t *emitter, const char *text, size_t length)
{
    bool is_plain = is_text_to_all(text, length);
    yaml_scalar_style_t style = is_plain ? YAML_ANY_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    if (!emit_scalar(emitter, text, length, style)) {
        cleanup_free char *printable = xstrndup(text, length);
        text_make_printable(printable);
        (void) emit_scalar(emitter, printable, strlen(printable), YAML_DOUBLE_QUOTED_SCALAR_STYLE);
    }
}

static void emit_value(yaml_emitter_t *emitter, struct json_object *value);

static void emit_object(yaml_emitter_t *emitter, struct json_object *object)
{
    yaml_event_t event;
    if (yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE) == 0) {
        abort();
    }
    emit(emitter, &event);
    json_object_object_foreach(object, name, member)
    {
        emit_text(emitter, name, strlen(name));
        emit_value(emitter, member);
    }
    (void) yaml_mapping_end_event_initialize(&event);
    emit(emitter, &event);
}

static void emit_array(yaml_emitter_t *emitter, struct json_object *array)
{
    yaml_event_t event;
    if (yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE) == 0) {
        abort();
    }
    emit(emitter, &event);
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        emit_value(emitter, json_object_array_get_idx(array, i));
    }
    (void) yaml_sequence_end_event_initialize(&event);
    emit(emitter, &event);
}

/* As deep as the tree is nested. */
static void emit_value(yaml_emitter_t *emitter, struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_object:
        emit_object(emitter, value);
        break;
    case json_type_array:
        emit_array(emitter, value);
        break;
    case json_type_string:
        emit_text(emitter, json_object_get_string(value), (size_t) json_object_get_string_len(value));
        break;
    default: {
        const char *text = value == NULL ? "null" : json_object_get_string(value);
        (void) emit_scalar(emitter, text, strlen(text), YAML_PLAIN_SCALAR_STYLE);
    }
    }
}

void yaml_print(struct json_object *value, FILE *target)
{
    yaml_emitter_t emitter;
    yaml_event_t event;
    if (yaml_emitter_initialize(&emitter) == 0) {
        abort();
    }
    yaml_emitter_set_output_file(&emitter, target);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    (void) yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
    emit(&emitter, &event);
    (void) yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1);
    emit(&emitter, &event);
    emit_value(&emitter, value);
    (void) yaml_document_end_event_initialize(&event, 1);
    emit(&emitter, &event);
    (void) yaml_stream_end_event_initialize(&event);
    emit(&emitter, &event);
    yaml_emitter_delete(&emitter);
}
