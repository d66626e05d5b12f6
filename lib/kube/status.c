#include "status.h"

#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { MESSAGE_LENGTH_MAX = 512, REASON_LENGTH_MAX = 64, RETRY_AFTER_SECONDS_MAX = 3600 };

static const struct {
    int code;
    const char *reason;
    enum error_code error;
} meanings[] = {
    {400, "BadRequest", ERROR_BAD_INPUT},
    {401, "Unauthorized", ERROR_DENIED},
    {403, "Forbidden", ERROR_DENIED},
    {404, "NotFound", ERROR_NOT_FOUND},
    {409, "AlreadyExists", ERROR_EXISTS},
    {409, "Conflict", ERROR_CONFLICT},
    {410, "Expired", ERROR_GONE},
    {410, "Gone", ERROR_GONE},
    {413, "RequestEntityTooLarge", ERROR_BAD_INPUT},
    {415, "UnsupportedMediaType", ERROR_BAD_INPUT},
    {422, "Invalid", ERROR_BAD_INPUT},
    {429, "TooManyRequests", ERROR_AGAIN},
    {504, "Timeout", ERROR_TIMEOUT},
};

/* The code of an ERROR event: its own, else what its reason stands for, else the one for "something is wrong". */
static int code_of_event(int64_t code, const char *reason)
{
    if (code >= 400 && code <= 599) {
        return (int) code;
    }
    for (size_t i = 0; i < array_length(meanings); i++) {
        if (text_equal(meanings[i].reason, reason)) {
            return meanings[i].code;
        }
    }
    return 500;
}

static bool has_cause(struct json_object *body, const char *reason)
{
    struct json_object *causes = json_at(body, "details.causes");
    if (!json_object_is_type(causes, json_type_array)) {
        return false;
    }
    size_t count = json_object_array_length(causes);
    for (size_t i = 0; i < count && i < BOUND_LIST_ITEMS; i++) {
        if (text_equal(json_text_at(json_object_array_get_idx(causes, i), "reason", NULL), reason)) {
            return true;
        }
    }
    return false;
}

struct kube_status kube_status_read(int http_status, struct json_object *body)
{
    struct kube_status status = {.code = http_status, .reason = "", .message = "", .retry_after_seconds = -1};
    if (text_equal(json_text_at(body, "kind", NULL), "Status")) {
        status.has_object = true;
        status.reason = json_text_at(body, "reason", "");
        status.message = json_text_at(body, "message", "");
        status.version_too_large = has_cause(body, "ResourceVersionTooLarge");
        int64_t seconds = json_int64_at(body, "details.retryAfterSeconds", -1);
        status.retry_after_seconds = seconds > RETRY_AFTER_SECONDS_MAX ? RETRY_AFTER_SECONDS_MAX : seconds;
    }
    if (http_status == 0) {
        status.code = code_of_event(json_int64_at(body, "code", 0), status.reason);
    }
    return status;
}

enum error_code kube_status_code(const struct kube_status *status, bool is_create)
{
    if (status->code == 409) {
        /* A POST can also run into somebody else's change (a quota's), so a reason tells more than the verb. */
        if (text_equal(status->reason, "AlreadyExists")) {
            return ERROR_EXISTS;
        }
        return is_create && !text_equal(status->reason, "Conflict") ? ERROR_EXISTS : ERROR_CONFLICT;
    }
    for (size_t i = 0; i < array_length(meanings); i++) {
        if (meanings[i].code == status->code) {
            return meanings[i].error;
        }
    }
    return ERROR_IO;
}

int kube_status_error(const struct kube_status *status, const char *what, bool is_create, const char *content_type,
                      struct error *err)
{
    char reason[REASON_LENGTH_MAX];
    char message[MESSAGE_LENGTH_MAX];
    text_copy_cut(reason, sizeof(reason), status->reason);
    text_make_printable(reason);
    enum error_code code = kube_status_code(status, is_create);
    if (!status->has_object) {
        text_copy_cut(message, sizeof(message), content_type ? content_type : "no content type");
        text_make_printable(message);
        /* For a kind that it does not have the API server itself answers so; else something before it did. */
        return error_set(err, code, "%s: HTTP %d%s (%s, without a Status object)", what, status->code,
                         status->code == 404 ? ": the API server does not serve this" : "", message);
    }
    text_copy_cut(message, sizeof(message), status->message);
    text_make_printable(message);
    return error_set(err, code, "%s: HTTP %d%s%s%s%s", what, status->code, *reason ? " " : "", reason,
                     *message ? ": " : "", message);
}
