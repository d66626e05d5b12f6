/*
 * A command of the plugin over the scripted API server, with what it printed.
 */
#ifndef PROGET_TESTS_CLI_FIXTURE_H
#define PROGET_TESTS_CLI_FIXTURE_H

#include "api_fixture.h"

#include <stdio.h>

#include "audit.h"
#include "connection.h"

struct command {
    struct api api;
    struct connection connection;
    char *output, *errors;
    size_t output_size, errors_size;
    FILE *output_file, *errors_file;
};

static inline void command_begin(struct command *command)
{
    command->output_file = open_memstream(&command->output, &command->output_size);
    command->errors_file = open_memstream(&command->errors, &command->errors_size);
    assert_non_null(command->output_file);
    assert_non_null(command->errors_file);
}

/* The answers in the order in which requests come. */
static inline void command_start(struct command *command, const struct api_answer *answers, size_t count)
{
    memset(command, 0, sizeof *command);
    api_start_with(&command->api, answers, count);
    command->connection =
        (struct connection){.loop = command->api.loop, .client = command->api.client, .namespace_name = "proget"};
    command_begin(command);
}

/* Before what was printed is looked at. */
static inline void command_flush(struct command *command)
{
    assert_int_equal(fflush(command->output_file), 0);
    assert_int_equal(fflush(command->errors_file), 0);
}

static inline void command_end(struct command *command)
{
    (void) fclose(command->output_file);
    (void) fclose(command->errors_file);
    free(command->output);
    free(command->errors);
    if (command->api.loop) {
        api_end(&command->api);
    }
}

typedef int command_main_fn(int argc, char *const *argv, FILE *output, FILE *errors);

/* A command line that asks no cluster. Returns its exit status. */
static inline int command_line(struct command *command, command_main_fn *run, const char *const *words, size_t count)
{
    char *argv[16] = {0};
    assert_true(count < array_length(argv));
    memset(command, 0, sizeof *command);
    command_begin(command);
    for (size_t i = 0; i < count; i++) {
        argv[i] = xstrdup(words[i]);
    }
    int status = run((int) count, argv, command->output_file, command->errors_file);
    for (size_t i = 0; i < count; i++) {
        free(argv[i]);
    }
    command_flush(command);
    return status;
}
#define COMMAND_LINE(command, run, ...)                                    \
    command_line(command, run, (const char *const[]){"word", __VA_ARGS__}, \
                 sizeof((const char *const[]){"word", __VA_ARGS__}) / sizeof(char *))

static inline void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part)) {
        fail_msg("\"%s\" is not in:\n%s", part, text);
    }
}

static inline void assert_has_not(const char *text, const char *part)
{
    if (strstr(text, part)) {
        fail_msg("\"%s\" is in:\n%s", part, text);
    }
}

/* JSON written with single quotes. Owned. */
static inline char *json_of(const char *text)
{
    char *json = xstrdup(text);
    for (char *at = json; *at; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    return json;
}

#endif
