/*
 * Findings for people: per cluster, worst first, sentence and action wrapped, a summary at the end.
 */
#ifndef PROGET_CLI_OUTPUT_TABLE_H
#define PROGET_CLI_OUTPUT_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "audit_result.h"

struct table_style {
    bool coloured;
    size_t width; /* columns; at least 40 are used */
};

/* Coloured on a terminal unless NO_COLOR is set; as wide as the terminal, else 100 columns. */
struct table_style table_style_of(FILE *target);
/* Nothing at all where no cluster was found and part of the input was unusable. */
void output_table(const struct audit_result *result, struct table_style style, FILE *target);
/* "2 clusters, 4 servers: 5 errors, 3 warnings, 1 info (1 suppressed, 4 kinds not observed)". Owned. */
char *output_table_summary(const struct audit_result *result);

#endif
