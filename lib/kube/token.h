/*
 * A bearer token that lives in a file and is replaced there now and then. kube-algorithms section 8.
 */
#ifndef PROGET_KUBE_TOKEN_H
#define PROGET_KUBE_TOKEN_H

#include <stdint.h>

#include "proget/core/error.h"

enum {
    TOKEN_FRESH_MS = 50 * 1000,    /* then the file is read again at the next use: 60 s less 10 s of leeway */
    TOKEN_LENGTH_MAX = 128 * 1024, /* bytes */
};

/* Starts out zeroed but for `path` and `fallback`, which are borrowed. */
struct token_source {
    const char *path;     /* NULL: only the fallback */
    const char *fallback; /* used until the file was read once; may be NULL */
    char *token;          /* as last read; secret */
    int64_t loaded_ms;    /* monotonic */
    uint64_t changes;     /* how often another token came out of the file */
};

/*
 * *ret_token (borrowed until the next call; NULL where there is none at all) is what to send now. A file that cannot be
 * read, or holds nothing usable, while an older token is held: that one is kept. Else the errors of the file, or
 * ERROR_BAD_INPUT; the text names the path, never the content.
 */
int token_source_get(struct token_source *source, int64_t now_ms, const char **ret_token, struct error *err);

/* The server refused the token: the file is read at once. Whatever is wrong with it, the token held stays. */
void token_source_renew(struct token_source *source, int64_t now_ms);

/* Wipes what is held. */
void token_source_release(struct token_source *source);

/* Whether a text can go into an Authorization header: printable ASCII, no spaces, not empty. */
int token_check(const char *token, const char *source_name, struct error *err);

#endif
