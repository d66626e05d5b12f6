/*
 * Findings as SARIF 2.1.0, so that code hosts annotate the line at which an object begins.
 *
 * One run. A rule for each code of the catalogue; a result for each finding, those left out with `suppressions`; what
 * of the input was unusable, and what was not observed, as notifications of the invocation.
 */
#ifndef PROGET_CLI_OUTPUT_SARIF_H
#define PROGET_CLI_OUTPUT_SARIF_H

#include <stdio.h>

#include "audit_result.h"

/* Owned (json_object_put). */
struct json_object *output_sarif_tree(const struct audit_result *result);
void output_sarif(const struct audit_result *result, FILE *target);

#endif
