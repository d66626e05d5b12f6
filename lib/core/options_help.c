#include <stdlib.h>
#include <string.h>

#include "options_private.h"
#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/options.h"
#include "proget/core/text.h"

enum {
    HELP_COLUMN = 30, /* where the sentences of the help start */
    HELP_WIDTH = 100  /* columns of the help */
};
#define WHITE_SPACE " \t\n"

/*
 * Words of `text` from `column` on, broken between words at HELP_WIDTH, further lines indented. Where the text's own
 * lines end does not count.
 */
static void print_wrapped(FILE *target, const char *text, size_t column, size_t indent)
{
    bool line_start = true;

    text += strspn(text, WHITE_SPACE);
    while (*text != '\0') {
        size_t length = strcspn(text, WHITE_SPACE);

        if (!line_start && column + 1 + length > HELP_WIDTH) {
            (void) fprintf(target, "\n%*s", (int) indent, "");
            column = indent;
            line_start = true;
        }
        (void) fprintf(target, "%s%.*s", line_start ? "" : " ", (int) length, text);
        column += length + (line_start ? 0 : 1);
        line_start = false;
        text += length;
        text += strspn(text, WHITE_SPACE);
    }
    (void) fputc('\n', target);
}

/* "help sentence (a, b or c; default: x)"; no default where the sentence says it itself */
static char *option_sentence(const struct option *option)
{
    cleanup_buffer struct buffer text = BUFFER_INIT(BOUND_OPTION_VALUE);
    bool tells_default = !text_contains_ignore_case(option->help, "default:");

    (void) buffer_append_text(&text, option->help);
    switch (option->kind) {
    case OPTION_FLAG:
        if (tells_default && *(const bool *) option->target) {
            (void) buffer_append_text(&text, " (default: true)");
        }
        break;
    case OPTION_TEXT:
        if (tells_default && !text_is_empty(*(const char *const *) option->target)) {
            (void) buffer_appendf(&text, " (default: %s)", *(const char *const *) option->target);
        }
        break;
    case OPTION_TEXT_LIST:
        (void) buffer_append_text(&text, " (may be repeated)");
        break;
    case OPTION_INT64:
        if (tells_default) {
            (void) buffer_appendf(&text, " (default: %lld)", (long long) *(const int64_t *) option->target);
        }
        break;
    case OPTION_CHOICE: {
        cleanup_free char *choices = options_choices_text(option->choices);

        (void) buffer_appendf(&text, " (%s%s%s)", choices, tells_default ? "; default: " : "",
                              tells_default ? option->choices[*(const int *) option->target] : "");
        break;
    }
    }
    return buffer_take(&text);
}

static void print_option(FILE *target, char letter, const char *name, const char *value_name, const char *sentence)
{
    char letter_text[] = {'-', letter, ',', ' ', '\0'};
    cleanup_free char *left = xasprintf("  %s--%s%s%s", letter == 0 ? "    " : letter_text, name,
                                        value_name == NULL ? "" : "=", value_name == NULL ? "" : value_name);

    if (strlen(left) + 2 > HELP_COLUMN) {
        (void) fprintf(target, "%s\n%*s", left, HELP_COLUMN, "");
    } else {
        (void) fprintf(target, "%-*s", HELP_COLUMN, left);
    }
    print_wrapped(target, sentence, HELP_COLUMN, HELP_COLUMN);
}

void options_print_help(const struct program *program, FILE *target)
{
    bool letter_h_taken = false;

    (void) fprintf(target, "Usage: %s %s\n", program->name, program->usage);
    print_wrapped(target, program->summary, 0, 0);
    (void) fprintf(target, "\nOptions:\n");
    for (size_t index = 0; index < program->option_count; index++) {
        const struct option *option = &program->options[index];
        cleanup_free char *sentence = option_sentence(option);

        letter_h_taken = letter_h_taken || option->letter == 'h';
        print_option(target, option->letter, option->name, option->value_name, sentence);
    }
    print_option(target, letter_h_taken ? 0 : 'h', "help", NULL, "Print this help and exit.");
    print_option(target, 0, "version", NULL, "Print the version and exit.");
    if (program->environment_prefix != NULL && program->option_count > 0) {
        cleanup_free char *example = options_environment_name(program, &program->options[0]);
        cleanup_free char *sentence =
            xasprintf("Every option can be given as an environment variable, such as %s for --%s; the option wins.",
                      example, program->options[0].name);

        (void) fputc('\n', target);
        print_wrapped(target, sentence, 0, 0);
    }
    if (!text_is_empty(program->epilogue)) {
        (void) fprintf(target, "\n%s%s", program->epilogue, text_ends_with(program->epilogue, "\n") ? "" : "\n");
    }
}
