/*
 * The log: one line per entry to stderr, UTC timestamps, as text or JSON.
 *
 * Library code logs at `debug` only; programs log the rest. An entry is a sentence and fields with fixed keys
 * (cluster, object, code, error, kind, ...). Values are made printable before they are written. Never a secret.
 *
 *   log_info(LOG_FIELDS({"cluster", "proget/main"}, {"code", "CoScheduled"}), "finding raised: %s", sentence);
 *
 * text: 2026-11-22T07:00:00.123Z info  finding raised: ... cluster=proget/main code=CoScheduled
 * json: {"time":"...","level":"info","message":"...","cluster":"proget/main","code":"CoScheduled"}
 */
#ifndef PROGET_CORE_LOG_H
#define PROGET_CORE_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_field {
    const char *key;   /* NULL ends the list */
    const char *value; /* NULL: the field is left out */
};

/* Process-wide settings; the default is text at info. Tests may redirect with `fd` (negative: unchanged, else stderr).
 */
void log_configure(enum log_format format, enum log_level minimum, int fd);
bool log_enabled(enum log_level level);

void log_write(enum log_level level, const struct log_field *fields, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define LOG_FIELDS(...)          ((const struct log_field[]){__VA_ARGS__, {NULL, NULL}})
#define LOG_NONE                 ((const struct log_field *) NULL)
#define log_debug(fields, ...)   log_write(LOG_DEBUG, (fields), __VA_ARGS__)
#define log_info(fields, ...)    log_write(LOG_INFO, (fields), __VA_ARGS__)
#define log_warning(fields, ...) log_write(LOG_WARNING, (fields), __VA_ARGS__)
#define log_error(fields, ...)   log_write(LOG_ERROR, (fields), __VA_ARGS__)

#endif
