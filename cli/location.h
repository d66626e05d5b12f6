/*
 * Where objects were read: file, line and column by kind, namespace and name. So the outputs can name the line of the
 * object that a finding is about, and neither model nor checks know of files.
 */
#ifndef PROGET_CLI_LOCATION_H
#define PROGET_CLI_LOCATION_H

#include <stdbool.h>
#include <stddef.h>

#include "proget/checks/finding.h"
#include "proget/model/model.h"

struct location {
    const char *file;    /* as it was named on the command line, or below a folder that was; LOCATION_STANDARD_INPUT */
    size_t line, column; /* of the object's first token, from 1; 0: of the file as a whole */
};
#define LOCATION_STANDARD_INPUT "standard input"

struct location_table;

struct location_table *location_table_new(void);
void location_table_free(struct location_table *table); /* NULL is allowed */

/* The file's name, kept for the table's life, so that a location can be made of it. */
const char *location_table_file(struct location_table *table, const char *name);
/* True where the object was there already; its newer place counts. `namespace_name` NULL or "": cluster-scoped. */
bool location_table_put(struct location_table *table, const char *kind, const char *namespace_name, const char *name,
                        struct location location);

/* NULL: the object was not read, such as a workload that only its pods name. Borrowed until the next put. */
const struct location *location_of_object(const struct location_table *table, const struct object_reference *object);
/*
 * Of the finding's object; where that was not read of the first related one that was, else of the cluster's resource, a
 * workload or a pod of it. NULL: none of them was. Borrowed until
 * the next put.
 */
const struct location *location_of_finding(const struct location_table *table, const struct cluster *cluster,
                                           const struct finding *finding);

#endif
