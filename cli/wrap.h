/*
 * Text for a terminal: words broken into lines, nothing in it that could steer the terminal.
 */
#ifndef PROGET_CLI_WRAP_H
#define PROGET_CLI_WRAP_H

#include <stddef.h>
#include <stdio.h>

/* The width that is written in, of that of a terminal: long lines are hard to read. */
size_t wrap_width(size_t width);

/*
 * Writes the words of `text`, the first line from column `first` on (which the caller has reached, or 0: it is indented
 * here), further lines from column `indent` on, and a line's end. Runs of white space count as one.
 */
void wrap_print(FILE *target, size_t width, size_t first, size_t indent, const char *text);

/* Columns that a text takes: characters, not bytes. */
size_t wrap_columns(const char *text, size_t length);

/* A copy that is printable and at most `bytes_max` long, cut with "...". NULL gives "". Owned. */
char *wrap_shown(const char *text, size_t bytes_max);

#endif
