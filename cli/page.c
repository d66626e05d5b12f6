#include "page.h"

#include <string.h>

#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "wrap.h"

enum { CODE_INDENT = 4, PARAGRAPH_BYTES_MAX = 64 * 1024 };

#define BOLD "\033[1m"
#define END  "\033[0m"

struct page {
    struct table_style style;
    FILE *target;
    struct buffer paragraph; /* lines of the paragraph or list item under way, joined */
    bool is_item;
    bool is_code;
    bool has_printed; /* an empty line goes before the next block */
};

/* Bytes of a link "[text](target)" from `at` on, 0 where it is none. */
static size_t link_length(const char *at, size_t *ret_text_length)
{
    const char *close = strchr(at, ']');
    const char *end = close && close[1] == '(' ? strchr(close, ')') : NULL;
    if (!end) {
        return 0;
    }
    *ret_text_length = (size_t) (close - at) - 1;
    return (size_t) (end - at) + 1;
}

/* A link into the repository says nothing at a terminal; one to another site is shown. */
static void append_link(struct buffer *plain, const char *at, size_t length, size_t text_length)
{
    const char *target = at + text_length + 3;
    size_t target_length = length - text_length - 4;
    (void) buffer_append(plain, at + 1, text_length);
    if (text_starts_with(target, "http")) {
        (void) buffer_appendf(plain, " (%.*s)", (int) target_length, target);
    }
}

/* Without emphasis and link targets; what is in backquotes stays as it is, with them. Owned. */
static char *plain_text(const char *text)
{
    struct buffer plain = BUFFER_INIT(PARAGRAPH_BYTES_MAX);
    bool is_quoted = false;
    for (const char *at = text; *at;) {
        size_t text_length = 0;
        size_t length = !is_quoted && *at == '[' ? link_length(at, &text_length) : 0;
        if (length > 0) {
            append_link(&plain, at, length, text_length);
            at += length;
        } else if (!is_quoted && text_starts_with(at, "**")) {
            at += 2;
        } else {
            is_quoted = is_quoted != (*at == '`');
            (void) buffer_append(&plain, at, 1);
            at++;
        }
    }
    return buffer_take(&plain);
}

static void separate(struct page *page)
{
    if (page->has_printed) {
        (void) fputc('\n', page->target);
    }
    page->has_printed = true;
}

static void end_paragraph(struct page *page)
{
    if (page->paragraph.length == 0) {
        return;
    }
    cleanup_free char *plain = plain_text(buffer_text(&page->paragraph));
    if (!page->is_item) {
        separate(page);
    }
    wrap_print(page->target, page->style.width, 0, page->is_item ? 2 : 0, plain);
    page->has_printed = true;
    buffer_reset(&page->paragraph, PARAGRAPH_BYTES_MAX);
    page->is_item = false;
}

static void print_heading(struct page *page, const char *line)
{
    const char *text = line + strspn(line, "# ");
    end_paragraph(page);
    separate(page);
    (void) fprintf(page->target, "%s%s%s\n", page->style.coloured ? BOLD : "", text, page->style.coloured ? END : "");
    if (!page->style.coloured) {
        for (size_t i = wrap_columns(text, strlen(text)); i > 0; i--) {
            (void) fputc(text_starts_with(line, "# ") ? '=' : '-', page->target);
        }
        (void) fputc('\n', page->target);
    }
    page->has_printed = text_starts_with(line, "# ");
}

static void print_table_row(struct page *page, const char *line)
{
    end_paragraph(page);
    if (line[strspn(line, "|-: ")] == '\0') {
        return; /* the line below the heads */
    }
    cleanup_free char *plain = plain_text(line + strspn(line, "| "));
    for (char *end = plain + strlen(plain); end > plain && strchr("| ", end[-1]); end--) {
        end[-1] = '\0';
    }
    wrap_print(page->target, page->style.width, 0, 2, plain);
    page->has_printed = true;
}

static void take_line(struct page *page, const char *line)
{
    if (text_starts_with(line, "```")) {
        end_paragraph(page);
        page->is_code = !page->is_code;
        page->has_printed = true;
    } else if (page->is_code) {
        (void) fprintf(page->target, "%*s%s\n", *line ? CODE_INDENT : 0, "", line);
    } else if (*line == '\0') {
        end_paragraph(page);
    } else if (*line == '#') {
        print_heading(page, line);
    } else if (*line == '|') {
        print_table_row(page, line);
    } else {
        if (text_starts_with(line, "- ")) {
            end_paragraph(page);
            page->is_item = true;
        }
        (void) buffer_appendf(&page->paragraph, "%s%s", page->paragraph.length ? " " : "", line);
    }
}

void page_print(const char *markdown, struct table_style style, FILE *target)
{
    struct page page = {.style = style, .target = target, .paragraph = BUFFER_INIT(PARAGRAPH_BYTES_MAX)};
    for (const char *at = markdown; *at;) {
        size_t length = strcspn(at, "\n");
        cleanup_free char *line = xstrndup(at, length);
        take_line(&page, line);
        at += length + (at[length] == '\n' ? 1 : 0);
    }
    end_paragraph(&page);
    buffer_free(&page.paragraph);
}
