/*
 * The ProGetClusters of a store, printed: what `status` shows once and `status --watch` at each change.
 */
#ifndef PROGET_CLI_STATUS_VIEW_H
#define PROGET_CLI_STATUS_VIEW_H

#include <stdio.h>

#include "proget/core/store.h"
#include "status_command.h"

/* Field selector for the request: "metadata.name=main"; NULL: all. Owned. */
char *status_view_selector(const struct status_request *request);
/* `store` holds struct shown_cluster; the time stands before it. Returns an exit status. */
int status_view_print(const struct store *store, const struct status_request *request, int64_t now_us, FILE *output,
                      FILE *errors);
/* An error as a line. */
void status_view_tell(const struct error *err, FILE *errors);

#endif
