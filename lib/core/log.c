#include "proget/core/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proget/core/bounds.h"
#include "proget/core/clock.h"
#include "proget/core/text.h"

enum {
    LOG_MESSAGE_MAX = BOUND_LOG_LINE / 2, /* so that a long message leaves room for the fields */
    LOG_RESERVE = 8,                      /* for "...", the closing quote and brace, the line's end */
    LOG_FIELD_OVERHEAD = 16,              /* of a field besides its key and value; with less room it is left out */
};

/* The one thing in the libraries that is set process-wide: see log_configure(). */
static struct {
    enum log_format format;
    enum log_level minimum;
    int fd;
} settings = {.format = LOG_FORMAT_TEXT, .minimum = LOG_INFO, .fd = STDERR_FILENO};

struct line {
    char data[BOUND_LOG_LINE];
    size_t length;
};

void log_configure(enum log_format format, enum log_level minimum, int fd)
{
    settings.format = format;
    settings.minimum = minimum;
    if (fd >= 0) {
        settings.fd = fd;
    }
}

bool log_enabled(enum log_level level)
{
    return level >= settings.minimum;
}

static const char *log_level_text(enum log_level level)
{
    switch (level) {
    case LOG_DEBUG:
        return "debug";
    case LOG_INFO:
        return "info";
    case LOG_WARNING:
        return "warning";
    case LOG_ERROR:
        return "error";
    }
    return "error";
}

/* For texts of our own, which are short; the reserve is the only part that it may use at the end. */
static void line_put(struct line *line, const char *text)
{
    size_t length = strlen(text);

    if (length > sizeof(line->data) - line->length) {
        length = sizeof(line->data) - line->length;
    }
    memcpy(line->data + line->length, text, length);
    line->length += length;
}

/*
 * Puts `text` (made printable in place) up to the line's byte `end`; what is longer ends in "...". With `escape`,
 * quotes and backslashes get a backslash; other characters need none once they are printable.
 */
static void line_put_value(struct line *line, char *text, size_t end, bool escape)
{
    text_make_printable(text);
    for (const char *at = text; *at != '\0';) {
        bool escaped = escape && (*at == '"' || *at == '\\');
        size_t length = 1;

        while (((unsigned char) at[length] & 0xc0U) == 0x80U) {
            length++; /* a character is written whole or not at all */
        }
        if (line->length + length + (escaped ? 1 : 0) > end) {
            line_put(line, "...");
            return;
        }
        if (escaped) {
            line->data[line->length++] = '\\';
        }
        memcpy(line->data + line->length, at, length);
        line->length += length;
        at += length;
    }
}

static void line_put_time(struct line *line)
{
    char stamp[CLOCK_TEXT_SIZE];

    clock_format_micros(clock_now().wall_us, stamp);
    memcpy(stamp + strlen("2026-11-22T07:00:00.123"), "Z", sizeof("Z"));
    line_put(line, stamp);
}

/* In text, a value that is more than a word is quoted, so that fields can be told apart by a program too. */
static bool value_needs_quotes(const char *value)
{
    return value[0] == '\0' || strpbrk(value, " \"\\=\t\r\n") != NULL;
}

static void line_put_field(struct line *line, const struct log_field *field, char *scratch, size_t scratch_size)
{
    size_t end = sizeof(line->data) - LOG_RESERVE;
    bool json = settings.format == LOG_FORMAT_JSON;
    bool quoted = json || value_needs_quotes(field->value);

    if (line->length + strlen(field->key) + LOG_FIELD_OVERHEAD > end) {
        return;
    }
    line_put(line, json ? ",\"" : " ");
    line_put(line, field->key);
    line_put(line, json ? "\":\"" : quoted ? "=\"" : "=");
    text_copy_cut(scratch, scratch_size, field->value);
    line_put_value(line, scratch, end, quoted);
    if (quoted) {
        line_put(line, "\"");
    }
}

/* In one write, so that lines of several processes into one pipe do not mix. What cannot be written is lost. */
static void line_write(const struct line *line)
{
    size_t written = 0;

    while (written < line->length) {
        ssize_t count = write(settings.fd, line->data + written, line->length - written);

        if (count > 0) {
            written += (size_t) count;
        } else if (count == 0 || errno != EINTR) {
            return;
        }
    }
}

void log_write(enum log_level level, const struct log_field *fields, const char *format, ...)
{
    int errno_before = errno;
    struct line line;
    char scratch[BOUND_LOG_LINE];
    bool json = settings.format == LOG_FORMAT_JSON;
    char level_text[16];
    va_list arguments;

    if (!log_enabled(level)) {
        return;
    }
    va_start(arguments, format);
    if (vsnprintf(scratch, sizeof(scratch), format, arguments) < 0) {
        scratch[0] = '\0';
    }
    va_end(arguments);
    line.length = 0;
    line_put(&line, json ? "{\"time\":\"" : "");
    line_put_time(&line);
    (void) snprintf(level_text, sizeof(level_text), json ? "%s" : "%-5s", log_level_text(level));
    line_put(&line, json ? "\",\"level\":\"" : " ");
    line_put(&line, level_text);
    line_put(&line, json ? "\",\"message\":\"" : " ");
    line_put_value(&line, scratch, LOG_MESSAGE_MAX, json);
    line_put(&line, json ? "\"" : "");
    for (; fields != NULL && fields->key != NULL; fields++) {
        if (fields->value != NULL) {
            line_put_field(&line, fields, scratch, sizeof(scratch));
        }
    }
    line_put(&line, json ? "}\n" : "\n");
    line_write(&line);
    errno = errno_before;
}
