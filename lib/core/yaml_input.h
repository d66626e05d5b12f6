/*
 * The bytes of a YAML stream, cut where a line is a document marker.
 *
 * Such a line ends a document wherever it stands, in a block or quoted text too. So each piece between two of them (a
 * section) gets a parser of its own: what is broken in one cannot spoil the next, and lines keep their true numbers.
 * The same is done with JSON documents one behind the other, which have no markers between them. Bytes that YAML does
 * not allow (invalid UTF-8, control characters) end the section as an error.
 */
#ifndef PROGET_CORE_YAML_INPUT_H
#define PROGET_CORE_YAML_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "json_splitter.h"

enum { YAML_INPUT_SIZE = 16 * 1024, YAML_INPUT_TEMPLATES = 512 };

struct yaml_input {
    FILE *stream; /* NULL: from memory */
    const char *text;
    size_t text_left;

    char bytes[YAML_INPUT_SIZE]; /* read and not yet handed out: [start, end) */
    size_t start, end;
    size_t piece_end; /* [start, piece_end) was checked and is of this section */
    bool is_at_end;   /* nothing follows `bytes` */
    bool is_started;  /* a byte order mark was looked for */

    size_t line, column; /* of the next byte, from 0; columns count characters */
    bool is_prologue;    /* only comments, directives and blank lines so far: a marker belongs to them */
    bool has_begun;      /* the section has a byte */
    size_t section_line; /* where it begins, from 0 */
    size_t section_column;
    size_t held_bytes; /* read of what is being built: whoever hands out and forgets part of it takes that off */

    struct json_splitter splitter;
    bool is_cut; /* the section ends at the piece's end, for another JSON document begins there */

    size_t template_lines[YAML_INPUT_TEMPLATES]; /* the last lines that hold "{{", from 0; a ring */
    size_t template_count;                       /* how many there were */

    const char *problem; /* why the last read failed, else NULL; it happened at `line` and `column` */
    bool is_read_error;
};

void yaml_input_init(struct yaml_input *input, FILE *stream, const char *text, size_t length);

/*
 * Begins the next section, behind whatever is left of the current one. False at the end of the stream, and once a read
 * error was told.
 */
bool yaml_input_next_section(struct yaml_input *input);

/*
 * One of these lines (from 0, both included) holds "{{", as templates do that a program has yet to make YAML of. Of
 * lines far behind, it is not remembered.
 */
bool yaml_input_has_template(const struct yaml_input *input, size_t first_line, size_t last_line);

/* Reads on in the section; *ret_size 0 at its end. 0, or -1 with `problem` set. */
int yaml_input_read(struct yaml_input *input, unsigned char *target, size_t size, size_t *ret_size);

#endif
