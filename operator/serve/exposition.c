#include "serve/exposition.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

struct exposition exposition_new(size_t samples_max, size_t bytes_max)
{
    return (struct exposition){.text = BUFFER_INIT(bytes_max), .samples_max = samples_max};
}

void exposition_free(struct exposition *exposition)
{
    buffer_free(&exposition->text);
}

void exposition_family(struct exposition *exposition, const char *name, enum exposition_type type, const char *help)
{
    assert(text_ends_with(name, "_total") == (type == EXPOSITION_COUNTER));
    assert(!strpbrk(help, "\\\n"));
    exposition->name = name;
    exposition->help = help;
    exposition->type = type;
    exposition->has_head = false;
}

/* Owned. Of an escaped text what is not printable is replaced: a reader in UTF-8 refuses the whole scrape for it. */
static char *escape(const char *value)
{
    char *escaped = xmalloc(2 * strlen(value) + 1);
    char *end = escaped;
    for (const char *at = value; *at; at++) {
        if (*at == '\\' || *at == '"' || *at == '\n') {
            *end++ = '\\';
        }
        *end++ = *at;
        if (*at == '\n') {
            end[-1] = 'n';
        }
    }
    *end = '\0';
    text_make_printable(escaped);
    return escaped;
}

static int append_labels(struct buffer *text, const struct exposition_label *labels, size_t label_count)
{
    int result = 0;
    for (size_t i = 0; i < label_count && result == 0; i++) {
        cleanup_free char *value = escape(labels[i].value ? labels[i].value : "");
        result = buffer_appendf(text, "%s%s=\"%s\"", i == 0 ? "{" : ",", labels[i].name, value);
    }
    return result == 0 && label_count ? buffer_append_text(text, "}") : result;
}

static int append_head(const struct exposition *exposition, struct buffer *text)
{
    return buffer_appendf(text, "# HELP %s %s\n# TYPE %s %s\n", exposition->name, exposition->help, exposition->name,
                          exposition->type == EXPOSITION_COUNTER ? "counter" : "gauge");
}

void exposition_add(struct exposition *exposition, const struct exposition_label *labels, size_t label_count,
                    double value)
{
    struct buffer *text = &exposition->text;
    size_t before = text->length;
    assert(exposition->name && isfinite(value));
    if (exposition->samples >= exposition->samples_max) {
        exposition->left_out++;
        return;
    }
    int result = exposition->has_head ? 0 : append_head(exposition, text);
    result = result < 0 ? result : buffer_append_text(text, exposition->name);
    result = result < 0 ? result : append_labels(text, labels, label_count);
    /* Fifteen digits: a timestamp keeps its milliseconds, and 0.1 stays 0.1. */
    result = result < 0 ? result : buffer_appendf(text, " %.15g\n", value);
    if (result < 0) {
        text->length = before; /* half a line is none */
        if (text->data) {
            text->data[before] = '\0';
        }
        exposition->left_out++;
        return;
    }
    exposition->has_head = true;
    exposition->samples++;
}
