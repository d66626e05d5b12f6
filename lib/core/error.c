#include "proget/core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proget/core/text.h"

/* One line: what comes from a server or a file must not forge a second one. */
static void error_text_tidy(char *text)
{
    size_t length = strlen(text);

    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r')) {
        text[--length] = '\0';
    }
    for (char *at = text; *at != '\0'; at++) {
        if (*at == '\n' || *at == '\r' || *at == '\t') {
            *at = ' ';
        }
    }
    text_make_printable(text);
}

int error_set(struct error *err, enum error_code code, const char *format, ...)
{
    /* One byte more than fits, so that text_copy_cut() sees that it is too long. Not straight into err->text: that may
     * be among the arguments. */
    char whole[BOUND_ERROR_TEXT + 1];
    va_list arguments;

    if (err == NULL) {
        return code;
    }
    va_start(arguments, format);
    if (vsnprintf(whole, sizeof(whole), format, arguments) < 0) {
        text_copy_cut(whole, sizeof(whole), error_code_text(code));
    }
    va_end(arguments);
    err->code = code;
    text_copy_cut(err->text, sizeof(err->text), whole);
    error_text_tidy(err->text);
    return code;
}

int error_wrap(struct error *err, const char *format, ...)
{
    char context[BOUND_ERROR_TEXT + 1];
    char whole[2 * BOUND_ERROR_TEXT + 4];
    va_list arguments;
    size_t context_length;

    if (err == NULL) {
        return ERROR_IO;
    }
    va_start(arguments, format);
    if (vsnprintf(context, sizeof(context), format, arguments) < 0) {
        context[0] = '\0';
    }
    va_end(arguments);
    context_length = strlen(context);
    memcpy(whole, context, context_length);
    memcpy(whole + context_length, ": ", 2);
    text_copy_cut(whole + context_length + 2, sizeof(whole) - context_length - 2, err->text);
    text_copy_cut(err->text, sizeof(err->text), whole);
    error_text_tidy(err->text);
    return err->code;
}

const char *error_code_text(enum error_code code)
{
    switch (code) {
    case ERROR_AGAIN:
        return "try again later";
    case ERROR_NOT_FOUND:
        return "not found";
    case ERROR_EXISTS:
        return "exists already";
    case ERROR_CONFLICT:
        return "changed by somebody else";
    case ERROR_GONE:
        return "no longer kept";
    case ERROR_DENIED:
        return "denied";
    case ERROR_BAD_INPUT:
        return "bad input";
    case ERROR_TOO_LARGE:
        return "too large";
    case ERROR_IO:
        return "input or output failed";
    case ERROR_TIMEOUT:
        return "timed out";
    }
    return "unknown error";
}
