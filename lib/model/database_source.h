/*
 * Where a server's database connection comes from, compared without looking at what it says.
 */
#ifndef PROGET_MODEL_DATABASE_SOURCE_H
#define PROGET_MODEL_DATABASE_SOURCE_H

#include "proget/model/pod.h"
#include "proget/model/product.h"

struct database_source {
    const char *form; /* NULL: none named; static: "value", "secret", "configMap", "file of secret", "file of claim" */
    const char *first, *second; /* borrowed from the spec; a literal is a secret: never to be shown */
};

/* `container` may be NULL. An envFrom, and a file that no mount explains, name none. */
struct database_source database_source_of(const struct pod_spec *spec, const struct container *container,
                                          enum product product);
/* Both name one, and the same. */
bool database_source_is_shared(const struct database_source *a, const struct database_source *b);

#endif
