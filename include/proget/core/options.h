/*
 * Command lines from a table. Every option can be given as an environment variable; the option wins.
 * "--log-format" of a program with the prefix PROGET_OPERATOR_ is PROGET_OPERATOR_LOG_FORMAT.
 */
#ifndef PROGET_CORE_OPTIONS_H
#define PROGET_CORE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "proget/core/error.h"

enum option_kind {
    OPTION_FLAG,      /* bool: --name, --name=true|false, --no-... is an option of its own */
    OPTION_TEXT,      /* const char * */
    OPTION_TEXT_LIST, /* struct option_list: may be repeated; in the environment separated by commas, empty ones do not
                         count, nothing but commas is an error */
    OPTION_INT64,     /* int64_t within [minimum, maximum] */
    OPTION_CHOICE,    /* int: index into `choices` */
};

struct option_list {
    const char **items; /* the array is owned (free), the texts are borrowed from argv or the environment */
    size_t count;
};

struct option {
    const char *name; /* without dashes */
    char letter;      /* short form, 0 for none */
    enum option_kind kind;
    void *target;           /* holds the default before parsing */
    const char *value_name; /* "FILE" in the help; NULL for flags */
    /*
     * One sentence. The choices, the default and that it may be repeated follow by themselves; a sentence with
     * "Default:" in it tells its default itself.
     */
    const char *help;
    /* For OPTION_TEXT, and for each of an OPTION_TEXT_LIST: a value that fails is an error. NULL: any text will do */
    bool (*is_valid)(const char *value);
    const char *expected; /* with is_valid: what the error says that the value is not, "an address such as ..." */
    int64_t minimum, maximum;
    const char *const *choices; /* NULL-terminated, for OPTION_CHOICE */
};

struct program {
    const char *name;               /* "proget-operator" */
    const char *environment_prefix; /* "PROGET_OPERATOR_" */
    const char *usage;              /* what follows the name: "[OPTION]..." */
    const char *summary;            /* one or two sentences; wrapped, as is each option's help */
    const char *epilogue;           /* after the options, line by line as it is: examples, exit status; may be NULL */
    const struct option *options;
    size_t option_count;
};

enum options_outcome { OPTIONS_RUN, OPTIONS_DONE }; /* DONE: --help or --version was printed to stdout */

/*
 * Parses argv from index 1. Operands (what is no option, and all after "--") go to *ret_operands when not NULL (owned
 * array, borrowed texts); else an operand is an error. Returns an outcome or ERROR_BAD_INPUT with a sentence that ends
 * in "see NAME --help". The caller prints it and exits with 2.
 */
int options_parse(const struct program *program, int argc, char *const *argv, struct option_list *ret_operands,
                  struct error *err);
void options_print_help(const struct program *program, FILE *target);

#endif
