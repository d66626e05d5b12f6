/*
 * Findings as a FindingList: design section 10.
 */
#ifndef PROGET_CLI_OUTPUT_JSON_H
#define PROGET_CLI_OUTPUT_JSON_H

#include <stdio.h>

#include "audit_result.h"

/* The list as a tree. Owned (json_object_put). */
struct json_object *output_json_tree(const struct audit_result *result);
void output_json(const struct audit_result *result, FILE *target);

#endif
