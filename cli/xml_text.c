#include "xml_text.h"

#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

static const char *escape_of(char byte)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    default:
        return NULL;
    }
}

/* A run without line breaks and tabs, which would not count as printable. */
static void write_run(FILE *target, const char *run, size_t length)
{
    cleanup_free char *text = xstrndup(run, length);
    text_make_printable(text);
    for (const char *at = text; *at;) {
        bool is_no_character = text_starts_with(at, "\xef\xbf\xbe") || text_starts_with(at, "\xef\xbf\xbf");
        const char *escape = escape_of(*at);
        if (is_no_character) {
            (void) fputc('?', target);
        } else if (escape) {
            (void) fputs(escape, target);
        } else {
            (void) fputc(*at, target);
        }
        at += is_no_character ? strlen("\xef\xbf\xbe") : 1;
    }
}

void xml_write(FILE *target, const char *text)
{
    while (*text) {
        size_t length = strcspn(text, "\n\t\r");
        write_run(target, text, length);
        text += length;
        if (*text) {
            (void) fprintf(target, "&#%d;", *text++);
        }
    }
}
