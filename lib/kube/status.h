/*
 * What an answer other than 2xx means: from its Status object, or from the bare HTTP status where a proxy answered.
 * kube-algorithms section 0: branch on code, reason and cause, never on the message.
 */
#ifndef PROGET_KUBE_STATUS_H
#define PROGET_KUBE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "proget/core/error.h"
#include "proget/core/json.h"

/* Texts are borrowed from the tree. */
struct kube_status {
    int code;            /* HTTP's, or the Status object's in an ERROR event; always 100 to 599 */
    const char *reason;  /* "" without a Status object */
    const char *message; /* "" without a Status object */
    bool has_object;
    bool version_too_large;      /* cause ResourceVersionTooLarge: this server is behind the version asked for */
    int64_t retry_after_seconds; /* details.retryAfterSeconds; negative: none */
};

/* `http_status` 0: an ERROR event, whose own code counts. `body` may be NULL or anything else than a Status. */
struct kube_status kube_status_read(int http_status, struct json_object *body);

/* As client.h promises. `is_create`: a bare 409 then means EXISTS. */
enum error_code kube_status_code(const struct kube_status *status, bool is_create);

/*
 * Fills *err with "<what>: HTTP 409 Conflict: <message>", printable and cut, and returns its code. `content_type` (may
 * be NULL) tells who answered where there is no Status object.
 */
int kube_status_error(const struct kube_status *status, const char *what, bool is_create, const char *content_type,
                      struct error *err);

#endif
