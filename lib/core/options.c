#include "proget/core/options.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "options_private.h"
#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { VALUE_SHOWN_MAX = 64 /* bytes of a bad value that an error repeats */ };

/* What was said of one option. Kept apart from the targets until all is known to be good. */
struct setting {
    bool seen;
    bool flag;
    int choice;
    int64_t number;
    const char *text;
    struct option_list list;
};

struct parse {
    const struct program *program;
    struct setting *settings; /* one for each option */
    struct option_list operands;
    bool operands_allowed;
    int argc;
    char *const *argv;
    int next; /* index of the next argument */
};

static void option_list_append(struct option_list *list, const char *item)
{
    list->items = xrealloc(list->items, list->count + 1, sizeof(*list->items));
    list->items[list->count++] = item;
}

static void parse_free(struct parse *parse)
{
    for (size_t index = 0; index < parse->program->option_count; index++) {
        free(parse->settings[index].list.items);
    }
    free(parse->settings);
    free(parse->operands.items);
}

static int usage_error(const struct program *program, struct error *err, const char *sentence)
{
    return error_set(err, ERROR_BAD_INPUT, "%s; see %s --help", sentence, program->name);
}

/* "`what` (--port, PREFIX_PORT) ..." with a bad value cut to a length fit for a sentence. */
static int value_error(const struct program *program, const char *what, const char *value, const char *expected,
                       struct error *err)
{
    char shown[VALUE_SHOWN_MAX];
    cleanup_free char *sentence = NULL;

    text_copy_cut(shown, sizeof(shown), value);
    sentence = xasprintf("%s: \"%s\" is not %s", what, shown, expected);
    return usage_error(program, err, sentence);
}

char *options_choices_text(const char *const *choices)
{
    cleanup_buffer struct buffer text = BUFFER_INIT(BOUND_ERROR_TEXT);

    for (size_t index = 0; choices[index] != NULL; index++) {
        const char *separator = index == 0 ? "" : choices[index + 1] == NULL ? " or " : ", ";

        /* Too many to tell: the first ones will do. */
        (void) buffer_appendf(&text, "%s%s", separator, choices[index]);
    }
    return buffer_take(&text);
}

static int setting_read_choice(const struct program *program, const struct option *option, const char *what,
                               const char *value, struct setting *setting, struct error *err)
{
    cleanup_free char *expected = NULL;

    for (int index = 0; option->choices[index] != NULL; index++) {
        if (text_equal(option->choices[index], value)) {
            setting->choice = index;
            return 0;
        }
    }
    expected = options_choices_text(option->choices);
    return value_error(program, what, value, expected, err);
}

static int check_length(const struct program *program, const char *what, const char *value, struct error *err)
{
    cleanup_free char *sentence = NULL;

    if (strlen(value) <= BOUND_OPTION_VALUE) {
        return 0;
    }
    sentence = xasprintf("%s: the value is longer than %d bytes", what, BOUND_OPTION_VALUE);
    return usage_error(program, err, sentence);
}

static int check_text(const struct program *program, const struct option *option, const char *what, const char *value,
                      struct error *err)
{
    if (option->is_valid == NULL || option->is_valid(value)) {
        return 0;
    }
    return value_error(program, what, value, option->expected, err);
}

/* Reads one value. `what` names the option or the variable, as the user wrote it. */
static int setting_read(const struct program *program, const struct option *option, const char *what, const char *value,
                        struct setting *setting, struct error *err)
{
    if (check_length(program, what, value, err) < 0) {
        return ERROR_BAD_INPUT;
    }
    switch (option->kind) {
    case OPTION_FLAG:
        if (!text_equal(value, "true") && !text_equal(value, "false")) {
            return value_error(program, what, value, "true or false", err);
        }
        setting->flag = text_equal(value, "true");
        break;
    case OPTION_TEXT:
        if (check_text(program, option, what, value, err) < 0) {
            return ERROR_BAD_INPUT;
        }
        setting->text = value;
        break;
    case OPTION_TEXT_LIST:
        if (check_text(program, option, what, value, err) < 0) {
            return ERROR_BAD_INPUT;
        }
        option_list_append(&setting->list, value);
        break;
    case OPTION_INT64:
        if (text_parse_int64(value, option->minimum, option->maximum, &setting->number) < 0) {
            cleanup_free char *expected =
                xasprintf("a whole number from %lld to %lld", (long long) option->minimum, (long long) option->maximum);

            return value_error(program, what, value, expected, err);
        }
        break;
    case OPTION_CHOICE:
        if (setting_read_choice(program, option, what, value, setting, err) < 0) {
            return ERROR_BAD_INPUT;
        }
        break;
    }
    setting->seen = true;
    return 0;
}

static void print_version(const struct program *program)
{
    (void) printf("%s %s\n", program->name, PROGET_VERSION);
    (void) fflush(stdout);
}

static void print_help_and_flush(const struct program *program)
{
    options_print_help(program, stdout);
    (void) fflush(stdout);
}

/* One argument "--name", "--name=value" or "--name value". */
static int parse_long(struct parse *parse, const char *argument, struct error *err)
{
    const struct program *program = parse->program;
    const char *equals = strchr(argument, '=');
    size_t length = equals == NULL ? strlen(argument) : (size_t) (equals - argument);
    cleanup_free char *name = xstrndup(argument, length);
    cleanup_free char *sentence = NULL;

    for (size_t index = 0; index < program->option_count; index++) {
        const struct option *option = &program->options[index];
        const char *value = equals == NULL ? NULL : equals + 1;

        if (!text_equal(option->name, name + 2)) {
            continue;
        }
        if (value == NULL && option->kind == OPTION_FLAG) {
            value = "true";
        }
        if (value == NULL && parse->next < parse->argc) {
            value = parse->argv[parse->next++];
        }
        if (value == NULL) {
            sentence = xasprintf("%s needs a value", name);
            return usage_error(program, err, sentence);
        }
        return setting_read(program, option, name, value, &parse->settings[index], err);
    }
    if (equals == NULL && text_equal(name, "--help")) {
        print_help_and_flush(program);
        return OPTIONS_DONE;
    }
    if (equals == NULL && text_equal(name, "--version")) {
        print_version(program);
        return OPTIONS_DONE;
    }
    /* The name alone: what follows it may be a secret. */
    sentence = xasprintf("there is no option %s", name);
    return usage_error(program, err, sentence);
}

/* One argument "-abc" of flags, the last of which may be an option with its value: "-n x", "-nx" or "-n=x". */
static int parse_letters(struct parse *parse, const char *argument, struct error *err)
{
    const struct program *program = parse->program;

    for (const char *at = argument + 1; *at != '\0'; at++) {
        char what[] = {'-', *at, '\0'};
        const char *value = NULL;
        size_t index = 0;
        int result;

        while (index < program->option_count && program->options[index].letter != *at) {
            index++;
        }
        if (index == program->option_count && *at == 'h') {
            print_help_and_flush(program);
            return OPTIONS_DONE;
        }
        if (index == program->option_count) {
            cleanup_free char *sentence = xasprintf("there is no option %s", what);

            return usage_error(program, err, sentence);
        }
        if (program->options[index].kind == OPTION_FLAG) {
            value = at[1] == '=' ? at + 2 : "true";
        } else if (at[1] != '\0') {
            value = at[1] == '=' ? at + 2 : at + 1;
        } else if (parse->next < parse->argc) {
            value = parse->argv[parse->next++];
        } else {
            cleanup_free char *sentence = xasprintf("%s needs a value", what);

            return usage_error(program, err, sentence);
        }
        result = setting_read(program, &program->options[index], what, value, &parse->settings[index], err);
        if (result < 0 || program->options[index].kind != OPTION_FLAG || at[1] == '=') {
            return result;
        }
    }
    return OPTIONS_RUN;
}

static int parse_operand(struct parse *parse, const char *argument, struct error *err)
{
    if (!parse->operands_allowed) {
        char shown[VALUE_SHOWN_MAX];
        cleanup_free char *sentence = NULL;

        text_copy_cut(shown, sizeof(shown), argument);
        sentence = xasprintf("unexpected argument \"%s\"", shown);
        return usage_error(parse->program, err, sentence);
    }
    option_list_append(&parse->operands, argument);
    return OPTIONS_RUN;
}

static int parse_arguments(struct parse *parse, struct error *err)
{
    bool options_ended = false;

    while (parse->next < parse->argc) {
        const char *argument = parse->argv[parse->next++];
        int result;

        if (options_ended || argument[0] != '-' || argument[1] == '\0') {
            result = parse_operand(parse, argument, err);
        } else if (text_equal(argument, "--")) {
            options_ended = true;
            result = OPTIONS_RUN;
        } else if (argument[1] == '-') {
            result = parse_long(parse, argument, err);
        } else {
            result = parse_letters(parse, argument, err);
        }
        if (result != OPTIONS_RUN) {
            return result;
        }
    }
    return OPTIONS_RUN;
}

char *options_environment_name(const struct program *program, const struct option *option)
{
    char *name = xasprintf("%s%s", program->environment_prefix, option->name);

    for (char *at = name + strlen(program->environment_prefix); *at != '\0'; at++) {
        if (*at == '-') {
            *at = '_';
        } else if (*at >= 'a' && *at <= 'z') {
            *at = (char) (*at - 'a' + 'A');
        }
    }
    return name;
}

/*
 * "a,b" as two items. The pieces have to be terminated and the environment is not ours to change, so that a copy lies
 * in the same block as the array: free(items) frees both. Empty pieces are left out.
 */
static struct option_list list_from_commas(const char *value)
{
    size_t size = strlen(value) + 1;
    size_t pieces = 1;
    struct option_list list = {NULL, 0};
    char *at;

    for (const char *comma = strchr(value, ','); comma != NULL; comma = strchr(comma + 1, ',')) {
        pieces++;
    }
    list.items = xmalloc(pieces * sizeof(*list.items) + size);
    at = (char *) (list.items + pieces);
    memcpy(at, value, size);
    while (at != NULL) {
        char *comma = strchr(at, ',');

        if (comma != NULL) {
            *comma++ = '\0';
        }
        if (*at != '\0') {
            list.items[list.count++] = at;
        }
        at = comma;
    }
    return list;
}

/* A variable that names nothing but commas is a mistake: it must not come to mean the same as none. */
static int setting_read_commas(const struct program *program, const struct option *option, const char *what,
                               const char *value, struct setting *setting, struct error *err)
{
    if (check_length(program, what, value, err) < 0) {
        return ERROR_BAD_INPUT;
    }
    setting->list = list_from_commas(value);
    if (setting->list.count == 0) {
        return value_error(program, what, value, "a list, separated by commas", err);
    }
    for (size_t index = 0; index < setting->list.count; index++) {
        if (check_text(program, option, what, setting->list.items[index], err) < 0) {
            return ERROR_BAD_INPUT;
        }
    }
    setting->seen = true;
    return 0;
}

/* For options that the command line does not name. An empty variable counts as not set. */
static int parse_environment(struct parse *parse, struct error *err)
{
    const struct program *program = parse->program;

    for (size_t index = 0; index < program->option_count && program->environment_prefix != NULL; index++) {
        const struct option *option = &program->options[index];
        struct setting *setting = &parse->settings[index];
        cleanup_free char *name = options_environment_name(program, option);
        const char *value = getenv(name);
        int result;

        if (setting->seen || value == NULL || *value == '\0') {
            continue;
        }
        result = option->kind == OPTION_TEXT_LIST ? setting_read_commas(program, option, name, value, setting, err)
                                                  : setting_read(program, option, name, value, setting, err);
        if (result < 0) {
            return result;
        }
    }
    return OPTIONS_RUN;
}

static void setting_apply(const struct option *option, struct setting *setting)
{
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *) option->target = setting->flag;
        break;
    case OPTION_TEXT:
        *(const char **) option->target = setting->text;
        break;
    case OPTION_TEXT_LIST:
        free(((struct option_list *) option->target)->items);
        *(struct option_list *) option->target = setting->list;
        setting->list = (struct option_list){NULL, 0};
        break;
    case OPTION_INT64:
        *(int64_t *) option->target = setting->number;
        break;
    case OPTION_CHOICE:
        *(int *) option->target = setting->choice;
        break;
    }
}

int options_parse(const struct program *program, int argc, char *const *argv, struct option_list *ret_operands,
                  struct error *err)
{
    __attribute__((cleanup(parse_free))) struct parse parse = {
        .program = program,
        .settings = xcalloc(program->option_count, sizeof(struct setting)),
        .operands_allowed = ret_operands != NULL,
        .argc = argc,
        .argv = argv,
        .next = 1,
    };
    int result = parse_arguments(&parse, err);

    if (result == OPTIONS_RUN) {
        result = parse_environment(&parse, err);
    }
    if (result != OPTIONS_RUN) {
        return result;
    }
    for (size_t index = 0; index < program->option_count; index++) {
        if (parse.settings[index].seen) {
            setting_apply(&program->options[index], &parse.settings[index]);
        }
    }
    if (ret_operands != NULL) {
        *ret_operands = parse.operands;
        parse.operands = (struct option_list){NULL, 0};
    }
    return OPTIONS_RUN;
}
