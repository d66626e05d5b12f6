/*
 * Findings as JUnit XML, which build servers show as test results.
 *
 * A suite for each cluster that is judged, in it a test case for each code of the catalogue: a failure with the
 * sentences, whatever the severity (it is the failure's type); skipped with the reason where all was left out. A suite
 * "input" with an error for each problem where part of the input was unusable.
 */
#ifndef PROGET_CLI_OUTPUT_JUNIT_H
#define PROGET_CLI_OUTPUT_JUNIT_H

#include <stdio.h>

#include "audit_result.h"

void output_junit(const struct audit_result *result, FILE *target);

#endif
