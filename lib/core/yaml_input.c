#include "yaml_input.h"

#include <string.h>

#include "proget/core/bounds.h"
#include "utf8.h"

enum { INPUT_LOOKAHEAD = 512 }; /* enough to see a marker, a character whole, and what kind of line it is */

void yaml_input_init(struct yaml_input *input, FILE *stream, const char *text, size_t length)
{
    memset(input, 0, sizeof(*input));
    input->stream = stream;
    input->text = text;
    input->text_left = length;
    input->is_prologue = true;
}

_Static_assert(BOUND_INPUT_FILE == (size_t) 64 << 20, "a text below names the bound");

static size_t read_source(struct yaml_input *input, char *target, size_t size)
{
    if (input->stream != NULL) {
        size_t got = fread(target, 1, size, input->stream);
        input->is_read_error = got < size && ferror(input->stream) != 0;
        return got;
    }
    size_t got = size < input->text_left ? size : input->text_left;
    if (got > 0) {
        memcpy(target, input->text, got);
        input->text += got;
        input->text_left -= got;
    }
    return got;
}

static void refill(struct yaml_input *input)
{
    if (input->is_at_end || input->end - input->start >= INPUT_LOOKAHEAD) {
        return;
    }
    memmove(input->bytes, input->bytes + input->start, input->end - input->start);
    input->end -= input->start;
    input->start = 0;
    size_t room = sizeof(input->bytes) - input->end;
    size_t got = read_source(input, input->bytes + input->end, room);
    input->end += got;
    input->is_at_end = got < room;
}

/* A marker stands alone or before white space. */
static bool is_marker(const char *line, size_t available, const char *marker)
{
    return available >= 3 && memcmp(line, marker, 3) == 0 && (available == 3 || strchr(" \t\r\n", line[3]) != NULL);
}

/* A comment, a directive or a blank line. */
static bool is_prologue_line(const char *line, size_t available)
{
    size_t at = 0;
    while (at < available && (line[at] == ' ' || line[at] == '\t' || line[at] == '\r')) {
        at++;
    }
    return at == available || line[at] == '\n' || line[at] == '#' || (at == 0 && line[0] == '%');
}

/* At the begin of a line: false where it begins another section. */
static bool continue_section(struct yaml_input *input)
{
    const char *line = input->bytes + input->start;
    size_t available = input->end - input->start;
    if (is_marker(line, available, "---")) {
        if (input->has_begun && !input->is_prologue) {
            return false;
        }
        input->is_prologue = false;
    } else if (is_marker(line, available, "...")) {
        input->is_prologue = true;
    } else {
        input->is_prologue = input->is_prologue && is_prologue_line(line, available);
    }
    return true;
}

static int input_fail(struct yaml_input *input, size_t at, const char *problem)
{
    input->problem = problem;
    input->piece_end = at;
    return -1;
}

/*
 * Checks [start, end of the line or of what is there) and makes it the piece. Lines and columns are counted here, so a
 * piece is handed out whole before the next is made.
 */
static int check_piece(struct yaml_input *input)
{
    size_t at = input->start;
    while (at < input->end) {
        const unsigned char *bytes = (const unsigned char *) input->bytes + at;
        size_t step = utf8_sequence_length(bytes, input->end - at);
        if (step == 0) {
            if (!input->is_at_end && input->end - at < 4 && at > input->start) {
                break; /* its rest was not read yet */
            }
            return input_fail(input, at, "invalid UTF-8");
        }
        if ((bytes[0] < 0x20 && bytes[0] != '\t' && bytes[0] != '\n' && bytes[0] != '\r') || bytes[0] == 0x7F) {
            return input_fail(input, at, "control character");
        }
        at += step;
        input->column++;
        if (bytes[0] == '\n') {
            input->line++;
            input->column = 0;
            break;
        }
    }
    input->piece_end = at;
    return 0;
}

/* Makes the next piece where none is left. 1: there is one; 0: the section ends; -1: it is broken. */
static int next_piece(struct yaml_input *input)
{
    if (input->problem != NULL) {
        return -1;
    }
    if (input->start < input->piece_end) {
        return 1;
    }
    refill(input);
    input->piece_end = input->start;
    if (input->is_read_error) {
        return input_fail(input, input->start, "cannot be read");
    }
    if (input->start == input->end || (input->column == 0 && !continue_section(input))) {
        return 0;
    }
    input->has_begun = true;
    if (input->section_bytes >= BOUND_INPUT_FILE) {
        return input_fail(input, input->start, "document of more than 64 MiB");
    }
    if (check_piece(input) < 0) {
        return -1;
    }
    input->section_bytes += input->piece_end - input->start;
    return 1;
}

/* Steps over what made the section unusable, to the begin of the next line. */
static void skip_line(struct yaml_input *input)
{
    input->problem = NULL;
    bool is_done = false;
    while (!is_done) {
        refill(input);
        if (input->start == input->end) {
            break;
        }
        const char *line = input->bytes + input->start;
        const char *newline = memchr(line, '\n', input->end - input->start);
        is_done = newline != NULL;
        input->start += is_done ? (size_t) (newline - line) + 1 : input->end - input->start;
    }
    input->piece_end = input->start;
    input->line++;
    input->column = 0;
}

bool yaml_input_next_section(struct yaml_input *input)
{
    int left = input->has_begun ? next_piece(input) : 0;
    while (left != 0) {
        if (input->is_read_error) {
            return false;
        }
        if (left < 0) {
            skip_line(input);
        } else {
            input->start = input->piece_end;
        }
        input->section_bytes = 0; /* what is skipped is not held */
        left = next_piece(input);
    }
    refill(input);
    if (!input->is_started && input->end >= 3 && memcmp(input->bytes, "\xEF\xBB\xBF", 3) == 0) {
        input->start = 3; /* a byte order mark */
    }
    input->is_started = true;
    input->has_begun = false;
    input->section_line = input->line;
    input->section_bytes = 0;
    return input->start < input->end || (input->is_read_error && input->problem == NULL);
}

int yaml_input_read(struct yaml_input *input, unsigned char *target, size_t size, size_t *ret_size)
{
    int left = next_piece(input);
    if (left < 0) {
        return -1;
    }
    size_t count = 0;
    if (left > 0) {
        size_t available = input->piece_end - input->start;
        count = available < size ? available : size;
        memcpy(target, input->bytes + input->start, count);
        input->start += count;
    }
    *ret_size = count;
    return 0;
}
