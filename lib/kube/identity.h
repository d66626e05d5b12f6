/*
 * A client certificate with its key. It is shared: connections that are being opened with it may outlive its
 * replacement.
 */
#ifndef PROGET_KUBE_IDENTITY_H
#define PROGET_KUBE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

#include "proget/core/error.h"

struct identity {
    size_t references;
    char *certificate, *key; /* PEM; the key is secret */
};

/* Copies; with one reference, the caller's. */
struct identity *identity_new(const char *certificate, const char *key);
/* Reads the pair where a path is given; where it is NULL that half is copied from `known`. Errors: those of the
 * files, or BAD_INPUT (the halves do not belong together); the text names the path. */
int identity_read(const char *certificate_path, const char *key_path, const struct identity *known,
                  struct identity **ret_identity, struct error *err);
struct identity *identity_take(struct identity *identity);               /* one more reference; NULL gives NULL */
void identity_release(struct identity *identity);                        /* wipes with the last one; NULL is allowed */
bool identity_equal(const struct identity *a, const struct identity *b); /* NULL equals NULL only */

#endif
