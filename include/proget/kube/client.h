/*
 * Requests to an API server, over one HTTP/2 connection for all of them and all watches.
 *
 * Asynchronous: a call is sent, and its callback runs once from the loop with the answer or an error. A call carries
 * its own result; the client holds only configuration, credentials and connections. Nothing is retried that may have
 * been carried out: retries follow kube-algorithms section 3 (Retry-After on 429 and 5xx; GET after a lost
 * connection); and what was refused for its credential (401) or never left for the server's certificate is sent once
 * more where a newer credential or CA is to be had.
 */
#ifndef PROGET_KUBE_CLIENT_H
#define PROGET_KUBE_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "proget/core/error.h"
#include "proget/core/json.h"
#include "proget/core/loop.h"
#include "proget/kube/config.h"

struct kube_client;
struct kube_call;

/* A resource of the API: where its URLs begin. Texts are borrowed, normally literals. */
struct kube_resource {
    const char *group;   /* "" for the core group */
    const char *version; /* "v1" */
    const char *plural;  /* "pods" */
};

/* What is addressed. Texts are borrowed for the call. */
struct kube_address {
    const struct kube_resource *resource;
    const char *namespace_name; /* NULL: cluster-scoped, or all namespaces in a list */
    const char *name;           /* NULL: the collection */
    const char *subresource;    /* "status"; may be NULL */
};

enum kube_verb {
    KUBE_GET,
    KUBE_CREATE,
    KUBE_MERGE_PATCH,     /* application/merge-patch+json */
    KUBE_STRATEGIC_PATCH, /* application/strategic-merge-patch+json */
    KUBE_APPLY,           /* server-side apply, always with force: controllers own what they send */
    KUBE_UPDATE,          /* PUT of the whole object; with its resourceVersion, or it overwrites what others did */
};

struct kube_request {
    enum kube_verb verb;
    struct kube_address address;
    const char *field_manager;  /* required for APPLY; optional for CREATE, UPDATE and patches */
    struct json_object *body;   /* borrowed for the call to kube_client_send(); NULL for GET */
    const char *query;          /* further "name=value&name=value", already escaped; may be NULL */
    const char *continue_token; /* of a list's page before, as it came; may be NULL */
    int64_t timeout_ms;         /* total, retries included; 0: 35 s */
};

struct kube_response {
    int status;               /* HTTP */
    struct json_object *body; /* the object or Status; NULL when the answer was no JSON. Borrowed for the callback */
};

/*
 * Either `err` is NULL and the status is 2xx, or `err` tells: NOT_FOUND 404, EXISTS 409 on POST, CONFLICT 409 else,
 * GONE 410, DENIED 401 and 403, BAD_INPUT 400, 413, 415 and 422, AGAIN 429, TIMEOUT 504 or ours, IO for the rest. Its
 * text names verb, object, HTTP status, reason and the server's message (printable, cut). `response` is there whenever
 * the server answered at all, else NULL.
 */
typedef void kube_response_fn(const struct kube_response *response, const struct error *err, void *userdata);

/* Takes over `config`, also on failure. ERROR_BAD_INPUT when a certificate, key or CA bundle is unusable; the text
 * names which. */
int kube_client_new(struct loop *loop, struct kube_config *config, struct kube_client **ret_client, struct error *err);
/* Cancels all calls without callbacks. Reflectors on it have to be stopped before. NULL is allowed. */
void kube_client_free(struct kube_client *client);
const struct kube_config *kube_client_config(const struct kube_client *client);
struct loop *kube_client_loop(const struct kube_client *client);

/* Sends. Never fails at once: trouble reaches the callback from the loop. The result is valid until then. */
struct kube_call *kube_client_send(struct kube_client *client, const struct kube_request *request,
                                   kube_response_fn *on_response, void *userdata);
void kube_call_cancel(struct kube_call *call);                        /* no callback; NULL is allowed */
size_t kube_client_calls_in_flight(const struct kube_client *client); /* without watches */

/* For the metrics: answers so far by verb and status, watches included. */
struct kube_client_count {
    const char *verb; /* "GET", "LIST", "WATCH", "CREATE", "PATCH", "APPLY", "UPDATE" */
    int status;       /* 0: no answer */
    uint64_t count;
};
/* Borrowed until the next request. */
const struct kube_client_count *kube_client_counts(const struct kube_client *client, size_t *ret_count);

#endif
