/*
 * Where a server's database connection comes from and, as far as it can be known, which database it names.
 */
#ifndef PROGET_CHECKS_DATABASE_FACT_H
#define PROGET_CHECKS_DATABASE_FACT_H

#include "proget/checks/check.h"

struct database_fact {
    bool is_set;      /* a connection string is given for certain */
    bool is_possible; /* not for certain: an optional reference, an envFrom or a configuration file could bring one */
    char *database;   /* what it names, to be compared and never shown; NULL: not known; owned, wiped */
    char *source;     /* "Secret a, key k", to be compared and shown; NULL: not known; owned */
};

/* Reads the subject's product container (which it must have). Freed with database_fact_clear(). */
void database_fact_read(const struct check_context *context, const struct subject *subject,
                        struct database_fact *ret_fact);
void database_fact_clear(struct database_fact *fact);
#define cleanup_database_fact __attribute__((cleanup(database_fact_clear)))

#endif
