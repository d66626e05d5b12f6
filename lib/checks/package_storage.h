/*
 * What lies at /var/proget/packages in a server, and whether all servers can have it in common. Pure.
 */
#ifndef PROGET_CHECKS_PACKAGE_STORAGE_H
#define PROGET_CHECKS_PACKAGE_STORAGE_H

#include "proget/model/model.h"

#define PACKAGE_STORAGE_PATH "/var/proget/packages"

enum package_storage_kind {
    PACKAGE_STORAGE_UNKNOWN,
    PACKAGE_STORAGE_SHARED, /* many nodes may read and write it */
    PACKAGE_STORAGE_OWN,    /* each server has its own, or cannot write it */
};

struct package_storage { /* texts owned */
    enum package_storage_kind kind;
    char *text; /* SHARED: which one, equal texts are one place; OWN: what is there instead; both completing "has " */
    char *unknown; /* UNKNOWN: what is not observed, and why */
    char *why;
};

/* `subject` has a product's container. Freed with package_storage_clear(). */
void package_storage_read(const struct model *model, const struct subject *subject,
                          struct package_storage *ret_storage);
void package_storage_clear(struct package_storage *storage);

#endif
