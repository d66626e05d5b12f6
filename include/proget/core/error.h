/*
 * Errors: a code for the caller to branch on, a text for people.
 *
 * A function that can fail returns 0 or more on success and one of the negative codes below on failure, and takes
 * `struct error *err` as its last parameter. An error is made where it happens, wrapped with context on the way up, and
 * logged once, by the caller that ends the chain. Outputs (`ret_...`) are untouched on failure.
 */
#ifndef PROGET_CORE_ERROR_H
#define PROGET_CORE_ERROR_H

#include "proget/core/bounds.h"

enum error_code {
    ERROR_AGAIN = -1,     /* nothing wrong: more input is needed, or try later */
    ERROR_NOT_FOUND = -2, /* the object, file or member is not there */
    ERROR_EXISTS = -3,    /* it is there already */
    ERROR_CONFLICT = -4,  /* somebody else changed it */
    ERROR_GONE = -5,      /* the version asked for is no longer kept */
    ERROR_DENIED = -6,    /* not allowed, or not authenticated */
    ERROR_BAD_INPUT = -7, /* malformed or out of bounds; the same input will fail again */
    ERROR_TOO_LARGE = -8, /* a maximum of bounds.h is passed */
    ERROR_IO = -9,        /* the system or the network failed; a later try may succeed */
    ERROR_TIMEOUT = -10,  /* it took longer than allowed */
};

struct error {
    enum error_code code;
    char text[BOUND_ERROR_TEXT]; /* one line, no trailing newline, never a secret */
};

/* Fills *err (NULL is allowed) and returns `code`, so that failing is one line. A text too long is cut with "...". */
int error_set(struct error *err, enum error_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "<context>: " before the text of *err. Returns err->code (ERROR_IO where err is NULL). */
int error_wrap(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Text of the code alone, in lower case words: "not found". Static storage. */
const char *error_code_text(enum error_code code);

#endif
