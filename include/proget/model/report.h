/*
 * The sidecar's report, version 1 (design section 4): what only the inside of a pod can tell. The sidecar writes it,
 * the operator reads it. Unknown members are ignored, missing ones are unknown, never an error.
 */
#ifndef PROGET_MODEL_REPORT_H
#define PROGET_MODEL_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proget/core/error.h"
#include "proget/model/key.h"

#define REPORT_ANNOTATION                "proget-operator.io/report"
#define LEASE_LABEL                      "app.kubernetes.io/managed-by"
#define LEASE_LABEL_VALUE                "proget-sidecar"
#define LEASE_ANNOTATION_INTERVAL        "proget-operator.io/interval-seconds"
#define LEASE_ANNOTATION_STALE           "proget-operator.io/stale-after-seconds"
#define LEASE_ANNOTATION_INTERNET        "proget-operator.io/internet-access"
#define LEASE_ANNOTATION_ACTIVATION_HOST "proget-operator.io/activation-host"
#define LEASE_ANNOTATION_MESSENGER_PORT  "proget-operator.io/messenger-port"

enum report_truth { REPORT_UNKNOWN, REPORT_FALSE, REPORT_TRUE };
enum report_health { REPORT_HEALTH_UNKNOWN, REPORT_HEALTH_OK, REPORT_HEALTH_ERROR, REPORT_HEALTH_UNREACHABLE };

/* Texts are owned by the report; NULL is unknown. Each is printable and at most 512 bytes, so a report as JSON stays
 * below BOUND_REPORT_BYTES. */
struct report {
    char *product, *version, *release, *os, *node, *ip;
    struct {
        enum report_health state;
        int64_t http;                       /* 0: unknown */
        char *database, *license, *service; /* "OK", "Error" */
        char *detail;                       /* of what is in error, or the plain text of a 500 */
        char *database_detail, *license_detail, *service_detail;
        bool has_replication;
        char *replication_server, *replication_client, *replication_detail;
    } health;
    int64_t web_answered_us;
    struct {
        int64_t port; /* 0: unknown */
        enum report_truth reachable;
    } messenger;
    struct {
        char *source; /* process, file, env, config, none */
        enum key_form form;
        char *fingerprint, *current;
    } key;
    struct {
        char *id;  /* "sha256:…" */
        char *cpu; /* "vendor/family/model/stepping", for people */
    } machine;
    enum report_truth activation_reachable;
};

/* Wipes nothing (there is no secret in it); frees the texts and zeroes it. NULL is allowed. */
void report_clear(struct report *report);
#define cleanup_report __attribute__((cleanup(report_clear)))

/* Compact JSON, one line, below BOUND_REPORT_BYTES whatever the texts hold (the longest details are cut). Owned. */
char *report_format(const struct report *report);

/*
 * Reads one. ERROR_TOO_LARGE over BOUND_REPORT_BYTES, ERROR_BAD_INPUT for what is no JSON object, a `v` other than 1,
 * or a member of a wrong type (named). Texts are made printable and cut to their bound.
 */
int report_parse(const char *text, size_t length, struct report *ret_report, struct error *err);

/* Name of the Lease of a pod: "proget-<pod>", and over 240 characters its head, '-' and a hash. Owned. */
char *report_lease_name(const char *pod_name);

#endif
