#include "json_splitter.h"

#include <string.h>

static bool is_white_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Of numbers, true, false and null. A YAML flow mapping with other bytes outside of quotes is none of ours. */
static bool is_of_literal(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte != '\0' && strchr("+-.eEtrufalsn", byte) != NULL);
}

/* Inside a string up to its closing quote. Returns where to go on. */
static size_t skip_string(struct json_splitter *splitter, const char *bytes, size_t length, size_t at)
{
    for (; at < length; at++) {
        if (splitter->is_escaped) {
            splitter->is_escaped = false;
        } else if (bytes[at] == '\\') {
            splitter->is_escaped = true;
        } else if (bytes[at] == '"') {
            splitter->is_in_string = false;
            return at + 1;
        }
    }
    return at;
}

static void step_inside(struct json_splitter *splitter, char byte)
{
    if (byte == '"') {
        splitter->is_in_string = true;
    } else if (byte == '{' || byte == '[') {
        splitter->depth++;
    } else if (byte == '}' || byte == ']') {
        splitter->depth--;
        splitter->state = splitter->depth == 0 ? JSON_SPLITTER_BEHIND : JSON_SPLITTER_INSIDE;
    } else if (byte != ',' && byte != ':' && !is_white_space(byte) && !is_of_literal(byte)) {
        splitter->state = JSON_SPLITTER_IDLE;
    }
}

/* Before or behind the document. False where another one begins. */
static bool step_outside(struct json_splitter *splitter, char byte)
{
    bool is_opener = byte == '{' || byte == '[';
    if (splitter->is_in_comment) {
        splitter->is_in_comment = byte != '\n';
    } else if (byte == '#') {
        splitter->is_in_comment = true;
    } else if (is_opener && splitter->state == JSON_SPLITTER_BEHIND) {
        return false;
    } else if (is_opener) {
        splitter->state = JSON_SPLITTER_INSIDE;
        splitter->depth = 1;
    } else if (!is_white_space(byte)) {
        splitter->state = JSON_SPLITTER_IDLE;
    }
    return true;
}

size_t json_splitter_scan(struct json_splitter *splitter, const char *bytes, size_t length)
{
    for (size_t at = 0; at < length && splitter->state != JSON_SPLITTER_IDLE;) {
        if (splitter->is_in_string) {
            at = skip_string(splitter, bytes, length, at);
        } else if (splitter->state == JSON_SPLITTER_INSIDE) {
            step_inside(splitter, bytes[at++]);
        } else if (step_outside(splitter, bytes[at])) {
            at++;
        } else {
            return at;
        }
    }
    return length;
}
