#include "explain.h"

#include <string.h>

#include "command.h"
#include "embedded.h"
#include "output_table.h"
#include "page.h"
#include "proget/checks/check.h"
#include "proget/core/memory.h"
#include "proget/core/options.h"
#include "proget/core/text.h"
#include "wrap.h"

enum {
    CODE_BYTES_MAX = TEXT_DISTANCE_LENGTH_MAX, /* of what is looked for; codes are shorter */
    SUGGESTIONS_MAX = 3,
    SEVERITY_COLUMN = 28,
    SUMMARY_COLUMN = 37,
};

static const struct embedded_file *page_of(const char *code)
{
    return embedded_find(finding_pages, finding_pages_count, code);
}

/* How far a code is from what was asked for; one that holds it, as EncryptionKeyDrift holds "drift", is near. */
static size_t farness(const char *code, const char *wanted)
{
    if (strlen(code) > CODE_BYTES_MAX) {
        return SIZE_MAX;
    }
    return text_contains_ignore_case(code, wanted) ? 1 : text_distance_ignore_case(code, wanted);
}

/* The nearest codes in the order of their farness, those of the catalogue's order first. Returns how many. */
static size_t suggest(const char *wanted, const char *suggestions[SUGGESTIONS_MAX])
{
    size_t farnesses[SUGGESTIONS_MAX];
    size_t row_count;
    size_t count = 0;
    const struct check_row *rows = catalogue(&row_count);
    for (size_t i = 0; i < row_count; i++) {
        size_t far = farness(rows[i].code, wanted);
        if (far > strlen(rows[i].code) / 2) {
            continue; /* more differs than agrees */
        }
        size_t at = count;
        while (at > 0 && farnesses[at - 1] > far) {
            at--;
        }
        if (at == SUGGESTIONS_MAX) {
            continue;
        }
        count = count < SUGGESTIONS_MAX ? count + 1 : count;
        for (size_t k = count - 1; k > at; k--) {
            farnesses[k] = farnesses[k - 1];
            suggestions[k] = suggestions[k - 1];
        }
        farnesses[at] = far;
        suggestions[at] = rows[i].code;
    }
    return count;
}

static void print_unknown(const char *code, FILE *errors)
{
    const char *suggestions[SUGGESTIONS_MAX];
    cleanup_free char *shown = wrap_shown(code, CODE_BYTES_MAX);
    size_t count = text_is_empty(code) ? 0 : suggest(shown, suggestions);
    (void) fprintf(errors, "error: there is no finding with the code \"%s\"", shown);
    for (size_t i = 0; i < count; i++) {
        (void) fprintf(errors, "%s%s", i == 0 ? "; did you mean " : i + 1 == count ? " or " : ", ", suggestions[i]);
    }
    (void) fprintf(errors, "%s\nkubectl proget explain lists all codes.\n", count > 0 ? "?" : "");
}

static void print_all(struct table_style style, FILE *output)
{
    size_t count;
    const struct check_row *rows = catalogue(&count);
    (void) fprintf(output, "%-*s%-*s%s\n", SEVERITY_COLUMN, "CODE", SUMMARY_COLUMN - SEVERITY_COLUMN, "SEVERITY",
                   "SUMMARY");
    for (size_t i = 0; i < count; i++) {
        (void) fprintf(output, "%-*s%-*s", SEVERITY_COLUMN, rows[i].code, SUMMARY_COLUMN - SEVERITY_COLUMN,
                       severity_name(rows[i].severity));
        wrap_print(output, style.width, SUMMARY_COLUMN, SUMMARY_COLUMN, rows[i].summary);
    }
    (void) fprintf(output, "\nkubectl proget explain CODE tells what one means, what it costs and what to do.\n");
}

/* NULL: no code of that name. Its case does not matter. */
static const char *known_code(const char *code)
{
    size_t count;
    const struct check_row *rows = catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        if (text_equal_ignore_case(rows[i].code, code)) {
            return rows[i].code;
        }
    }
    return NULL;
}

static int explain(const struct option_list *operands, void *line, FILE *output, FILE *errors)
{
    (void) line;
    if (operands->count > 1) {
        (void) fprintf(errors, "error: one code at a time; see kubectl proget explain --help\n");
        return STATUS_UNUSABLE;
    }
    struct table_style style = table_style_of(output);
    if (operands->count == 0) {
        print_all(style, output);
        return STATUS_DONE;
    }
    const char *code = known_code(operands->items[0]);
    const struct embedded_file *page = code ? page_of(code) : NULL;
    if (!page) {
        print_unknown(operands->items[0], errors);
        return STATUS_UNUSABLE;
    }
    page_print(page->text, style, output);
    return STATUS_DONE;
}

int explain_main(int argc, char *const *argv, FILE *output, FILE *errors)
{
    static const struct program program = {
        .name = "kubectl proget explain",
        .environment_prefix = "KUBECTL_PROGET_",
        .usage = "[CODE]",
        .summary = "Tells what a finding means, what it costs, how to look into it and what to do; without a code, "
                   "lists them all.",
        .epilogue = "Exit status: 0; 2 where there is no such code.\n"
                    "\n"
                    "Example:\n"
                    "  kubectl proget explain CoScheduled | less\n",
    };
    return command_run(&program, argc, argv, explain, NULL, output, errors);
}
