/*
 * The settings that the operator writes into the annotations of the sidecar's Lease.
 */
#ifndef SIDECAR_LEASE_SETTINGS_H
#define SIDECAR_LEASE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "proget/core/json.h"

enum internet_access {
    INTERNET_UNTOLD, /* nothing arrived yet: no call to the outside */
    INTERNET_AUTO,
    INTERNET_ALLOWED,
    INTERNET_BLOCKED,
};

enum { ACTIVATION_HOST_SIZE = 253 + sizeof ":65535" };

struct lease_settings {
    int64_t interval_seconds;
    int64_t stale_after_seconds;
    int64_t messenger_port; /* 0: not told */
    enum internet_access internet;
    char activation_host[ACTIVATION_HOST_SIZE]; /* "host" or "host:port" */
    bool arrived;                               /* at least one usable setting was read */
    uint64_t seen_hash;                         /* of the annotations last read, so that they are judged once */
};

/* What holds until settings arrive: 30 s, 300 s, my.inedo.com, and no word on the internet. */
void lease_settings_init(struct lease_settings *settings);

/* Told once per unusable annotation: its name, its value (printable, cut) and what was expected. */
typedef void lease_settings_refused_fn(const char *name, const char *value, const char *expected, void *userdata);

/*
 * Reads the annotations (an object, or NULL for none). An absent annotation leaves its setting as it is; a value that
 * is out of bounds or malformed too, and is told through `on_refused`. Returns true when a setting changed. The same
 * annotations as last time are not judged again.
 */
bool lease_settings_read(struct lease_settings *settings, struct json_object *annotations,
                         lease_settings_refused_fn *on_refused, void *userdata);

const char *internet_access_text(enum internet_access access); /* "Auto", ...; "untold" before any arrived */

#endif
