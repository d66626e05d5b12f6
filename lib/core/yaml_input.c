#include "yaml_input.h"

#include <stdint.h>
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

/*
 * At the begin of a line: false where it begins another section. *ret_marker is how long the marker is that it starts
 * with, if any.
 */
static bool continue_section(struct yaml_input *input, const char *line, size_t available, size_t *ret_marker)
{
    *ret_marker = 0;
    if (is_marker(line, available, "---")) {
        if (input->has_begun && !input->is_prologue) {
            return false;
        }
        input->is_prologue = false;
        *ret_marker = 3;
    } else if (is_marker(line, available, "...")) {
        input->is_prologue = true;
        input->splitter = (struct json_splitter){0};
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

/* How many bytes from `bytes` on are printable ASCII, eight at a time: nearly all of a dump is. */
static size_t plain_run(const char *bytes, size_t length)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);
    size_t at = 0;
    for (uint64_t word; length - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, bytes + at, sizeof(word));
        uint64_t below_space = (word - ones * 0x20) & ~word;
        uint64_t above_tilde = (word + ones) | word;
        if (((below_space | above_tilde) & tops) != 0) {
            break;
        }
    }
    while (at < length && bytes[at] >= 0x20 && bytes[at] < 0x7F) {
        at++;
    }
    return at;
}

static size_t count_characters(const char *bytes, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        count += ((unsigned char) bytes[i] & 0xC0) != 0x80;
    }
    return count;
}

/* UTF-16 begins with a mark that is no UTF-8, and a shell writes it that many a Helm chart is rendered with. */
static const char *invalid_bytes(const struct yaml_input *input, size_t at)
{
    const char *mark = input->bytes + at;
    bool is_first = input->line == 0 && input->column == 0 && input->end - at >= 2;
    bool is_utf16 = is_first && (memcmp(mark, "\xFF\xFE", 2) == 0 || memcmp(mark, "\xFE\xFF", 2) == 0);
    return is_utf16 ? "UTF-16, as '>' of Windows PowerShell writes it: save it as UTF-8" : "invalid UTF-8";
}

/* Checks the bytes of one line, [start, *stop). *stop moves to before a character whose rest was not read yet. */
static int check_bytes(struct yaml_input *input, size_t start, size_t *stop)
{
    const unsigned char *bytes = (const unsigned char *) input->bytes;
    size_t at = start;
    for (;;) {
        at += plain_run(input->bytes + at, *stop - at);
        if (at == *stop) {
            return 0;
        }
        size_t step = utf8_sequence_length(bytes + at, *stop - at);
        if (step == 0 && !input->is_at_end && input->end - at < 4 && at > input->start) {
            *stop = at;
            return 0;
        }
        bool is_control = bytes[at] == 0x7F || (bytes[at] < 0x20 && memchr("\t\n\r", bytes[at], 3) == NULL);
        if (step == 0 || is_control) {
            input->column += count_characters(input->bytes + start, at - start);
            return input_fail(input, at, step == 0 ? invalid_bytes(input, at) : "control character");
        }
        at += step;
    }
}

/*
 * Adds the line that begins (or goes on) at the piece's end to the piece. 1: done; 0: the section ends there; -1: it is
 * broken there.
 */
static int add_line(struct yaml_input *input)
{
    size_t start = input->piece_end;
    const char *line = input->bytes + start;
    size_t marker = 0;
    if (input->column == 0 && !continue_section(input, line, input->end - start, &marker)) {
        return 0;
    }
    input->has_begun = true;
    if (input->held_bytes >= BOUND_INPUT_FILE) {
        return input_fail(input, start, "an object of more than 64 MiB");
    }
    const char *newline = memchr(line, '\n', input->end - start);
    size_t stop = newline != NULL ? (size_t) (newline - input->bytes) + 1 : input->end;
    if (check_bytes(input, start, &stop) < 0) {
        return -1;
    }
    if (!input->is_prologue) {
        size_t own = json_splitter_scan(&input->splitter, line + marker, stop - start - marker);
        input->is_cut = own < stop - start - marker;
        stop = start + marker + own;
    }
    if (memmem(line, stop - start, "{{", 2) != NULL) {
        input->template_lines[input->template_count++ % YAML_INPUT_TEMPLATES] = input->line;
    }
    bool is_whole = stop > start && input->bytes[stop - 1] == '\n';
    input->line += is_whole ? 1 : 0;
    input->column = is_whole ? 0 : input->column + count_characters(line, stop - start);
    input->held_bytes += stop - start;
    input->piece_end = stop;
    return input->is_cut ? 0 : 1;
}

/*
 * Makes the next piece, of as many lines as are there, where none is left. Lines and columns are counted here, so a
 * piece is handed out whole before the next is made. 1: there is one; 0: the section ends; -1: it is broken.
 */
static int next_piece(struct yaml_input *input)
{
    if (input->problem != NULL) {
        return -1;
    }
    if (input->start < input->piece_end) {
        return 1;
    }
    if (input->is_cut) {
        return 0;
    }
    refill(input);
    input->piece_end = input->start;
    if (input->is_read_error) {
        return input_fail(input, input->start, "cannot be read");
    }
    int result = 1;
    while (result > 0 && input->piece_end < input->end) {
        size_t before = input->piece_end, column_before = input->column;
        bool is_first = before == input->start, was_prologue = input->is_prologue;
        if (!is_first && !input->is_at_end && input->end - before < INPUT_LOOKAHEAD) {
            break;
        }
        result = add_line(input);
        if (result < 0 && !is_first) { /* what is before it comes first */
            input->problem = NULL;
            input->piece_end = before;
            input->column = column_before;
            input->is_prologue = was_prologue;
        }
    }
    return input->start < input->piece_end ? 1 : result < 0 ? -1 : 0;
}

/* Steps over what made the section unusable, to the begin of the next line. */
static void skip_line(struct yaml_input *input)
{
    input->problem = NULL;
    if (input->splitter.state == JSON_SPLITTER_BEFORE) {
        input->splitter.state = JSON_SPLITTER_BEHIND; /* what is stepped over was the document */
    }
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
        input->held_bytes = 0; /* what is skipped is not held */
        left = next_piece(input);
    }
    refill(input);
    if (!input->is_started && input->end >= 3 && memcmp(input->bytes, "\xEF\xBB\xBF", 3) == 0) {
        input->start = 3; /* a byte order mark */
    }
    input->is_started = true;
    input->has_begun = false;
    input->section_line = input->line;
    input->section_column = input->column;
    input->held_bytes = 0;
    input->is_cut = false;
    input->splitter = (struct json_splitter){0};
    return input->start < input->end || (input->is_read_error && input->problem == NULL);
}

bool yaml_input_has_template(const struct yaml_input *input, size_t first_line, size_t last_line)
{
    size_t known = input->template_count < YAML_INPUT_TEMPLATES ? input->template_count : YAML_INPUT_TEMPLATES;
    for (size_t i = 0; i < known; i++) {
        if (input->template_lines[i] >= first_line && input->template_lines[i] <= last_line) {
            return true;
        }
    }
    return false;
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
