/*
 * kubectl proget audit: the catalogue of checks over manifests or dumps, without a cluster.
 */
#ifndef PROGET_CLI_AUDIT_H
#define PROGET_CLI_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "command.h"
#include "connection.h"
#include "proget/core/clock.h"

enum audit_format { AUDIT_TABLE, AUDIT_JSON, AUDIT_YAML, AUDIT_SARIF, AUDIT_JUNIT };
enum audit_fail_on { AUDIT_FAIL_ON_ERROR, AUDIT_FAIL_ON_WARNING, AUDIT_FAIL_ON_INFO, AUDIT_FAIL_ON_NEVER };

struct audit_settings {
    const char *const *paths;
    size_t path_count;
    const struct connection_options *cluster; /* in place of paths: what that cluster holds now; NULL: paths */
    const char *namespace_name;               /* with paths: of objects that name none; NULL: "default" */
    struct instant now;
    enum audit_format format;
    enum audit_fail_on fail_on;
    bool no_pod_ignores;
};

/* The clock of an audit: both of its clocks stand at that time. */
struct instant audit_instant(int64_t wall_us);
/* Reads, evaluates, prints. Returns an exit status; unusable input beats findings. */
int audit_run(const struct audit_settings *settings, FILE *output, FILE *errors);
/* The command line from argv[0] = "audit" on. Returns an exit status. */
int audit_main(int argc, char *const *argv, FILE *output, FILE *errors);

#endif
