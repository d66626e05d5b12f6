#include "wrap.h"

#include <stdbool.h>
#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { WIDTH_LEAST = 40, WIDTH_MOST = 120 };

#define WHITE_SPACE " \t\r\n"

size_t wrap_width(size_t width)
{
    return width < WIDTH_LEAST ? WIDTH_LEAST : width > WIDTH_MOST ? WIDTH_MOST : width;
}

size_t wrap_columns(const char *text, size_t length)
{
    size_t columns = 0;
    for (size_t i = 0; i < length; i++) {
        columns += ((unsigned char) text[i] & 0xc0) != 0x80; /* continuation bytes of UTF-8 take none */
    }
    return columns;
}

void wrap_print(FILE *target, size_t width, size_t first, size_t indent, const char *text)
{
    width = wrap_width(width);
    size_t column = first;
    bool is_start = true;
    if (first == 0) {
        (void) fprintf(target, "%*s", (int) indent, "");
        column = indent;
    }
    text += strspn(text, WHITE_SPACE);
    while (*text) {
        size_t length = strcspn(text, WHITE_SPACE);
        size_t columns = wrap_columns(text, length);
        if (!is_start && column + 1 + columns > width) {
            (void) fprintf(target, "\n%*s", (int) indent, "");
            column = indent;
            is_start = true;
        }
        (void) fprintf(target, "%s%.*s", is_start ? "" : " ", (int) length, text);
        column += columns + (is_start ? 0 : 1);
        is_start = false;
        text += length;
        text += strspn(text, WHITE_SPACE);
    }
    (void) fputc('\n', target);
}

char *wrap_shown(const char *text, size_t bytes_max)
{
    char *shown = xcalloc(bytes_max + 1, 1);
    text_copy_cut(shown, bytes_max + 1, text ? text : "");
    text_make_printable(shown);
    return shown;
}
