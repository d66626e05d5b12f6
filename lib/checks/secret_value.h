/*
 * Secrets that lie in an offline input, read to judge form and agreement of keys. No value of one is ever printed.
 */
#ifndef PROGET_CHECKS_SECRET_VALUE_H
#define PROGET_CHECKS_SECRET_VALUE_H

#include <stdbool.h>

#include "proget/model/model.h"

enum secret_lookup {
    SECRET_VALUE_UNKNOWN, /* no such Secret in the input (the operator never reads any), or not decodable */
    SECRET_VALUE_ABSENT,  /* the Secret is there, the key is not */
    SECRET_VALUE_HIDDEN,  /* the key is there; what it holds is encrypted, or filled in by another tool */
    SECRET_VALUE_FOUND,
};

/* *ret_value (owned, to be wiped) only with SECRET_VALUE_FOUND. */
enum secret_lookup secret_value(const struct model *model, const char *namespace_name, const char *name,
                                const char *key, char **ret_value);

/* What lies behind a path in the product's container. Texts borrowed from the spec and the path. */
struct secret_file_source {
    const char *secret_name; /* NULL: the volume is no Secret */
    const char *key;         /* of the Secret: the file's name in the volume */
    const char *volume_text; /* the claim, else the volume's name */
};
/* false: no volume is mounted there. */
bool secret_file_source(const struct subject *subject, const char *path, struct secret_file_source *ret_source);
/* The content of that file where it comes from a Secret in the input. */
enum secret_lookup secret_file_value(const struct model *model, const struct subject *subject, const char *path,
                                     char **ret_value);

#endif
