/*
 * Where JSON documents stand one behind the other without a marker between them, as a program prints them that writes
 * one after the other ("JSON lines" among them): where the next one begins.
 */
#ifndef PROGET_CORE_JSON_SPLITTER_H
#define PROGET_CORE_JSON_SPLITTER_H

#include <stdbool.h>
#include <stddef.h>

enum json_splitter_state {
    JSON_SPLITTER_BEFORE, /* nothing but white space and comments so far */
    JSON_SPLITTER_INSIDE, /* an object or array is open */
    JSON_SPLITTER_BEHIND, /* it was closed */
    JSON_SPLITTER_IDLE,   /* this is no JSON: YAML has markers, so nothing is split */
};

/* Zeroed: the begin of a document. */
struct json_splitter {
    enum json_splitter_state state;
    size_t depth;
    bool is_in_comment; /* before or behind: YAML's, to the end of the line */
    bool is_in_string;
    bool is_escaped; /* a backslash stands before the next byte */
};

/*
 * Looks at the next `length` bytes. Returns how many of them belong to the current document: fewer than `length` where
 * another object or array begins behind it, and then it has to be given those bytes again, zeroed.
 */
size_t json_splitter_scan(struct json_splitter *splitter, const char *bytes, size_t length);

#endif
