/*
 * Findings as a FindingList: design section 10. As JSON or as YAML.
 */
#ifndef PROGET_CLI_OUTPUT_JSON_H
#define PROGET_CLI_OUTPUT_JSON_H

#include <stdio.h>

#include "audit_result.h"

/* The list as a tree. Owned (json_object_put). */
struct json_object *output_json_tree(const struct audit_result *result);
void output_json(const struct audit_result *result, FILE *target);
void output_yaml(const struct audit_result *result, FILE *target);

/* Any tree as indented text. */
void output_json_value(struct json_object *tree, FILE *target);

#endif
