/*
 * A cluster's state for people: what an administrator wants to know first, worst first.
 */
#ifndef PROGET_CLI_STATUS_TABLE_H
#define PROGET_CLI_STATUS_TABLE_H

#include "output_table.h"
#include "status_record.h"

/* `now_us`: wall clock, for "2 h ago". Texts of the API server are cut and made printable. */
void status_table(const struct shown_cluster *cluster, int64_t now_us, struct table_style style, FILE *target);

#endif
