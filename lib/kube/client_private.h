/*
 * The client as its own parts see it.
 */
#ifndef PROGET_KUBE_CLIENT_PRIVATE_H
#define PROGET_KUBE_CLIENT_PRIVATE_H

#include <curl/curl.h>
#include <stdbool.h>

#include "credential.h"
#include "liveness.h"
#include "proget/kube/client.h"

enum {
    CLIENT_CA_CHECK_MS = 5 * 60 * 1000, /* how often the CA file is looked at, */
    CLIENT_CA_DOUBT_MS = 1000,          /* and when a certificate was not accepted */
    CLIENT_COUNTS_MAX = 256,            /* pairs of verb and status; more are not told apart, so not counted */
};

struct kube_client {
    struct loop *loop;
    struct kube_config *config;
    struct credential_source *credentials;
    char *ca;                      /* PEM in use; NULL: the system's */
    int64_t ca_checked_ms;         /* when the file was last looked at */
    uint64_t ca_generation;        /* counts its exchanges */
    char *proxy_url;               /* as libcurl has to have it; NULL: none. Secret */
    char *base_url;                /* as in URLs: with the name to verify, where another one is set */
    struct curl_slist *connect_to; /* where that name really is */
    char *host_header;             /* "Host: ..." where base_url has another name; else NULL */
    bool is_loopback;
    struct liveness liveness;
    struct kube_call *calls; /* utlist */
    size_t stream_count;
    struct kube_client_count counts[CLIENT_COUNTS_MAX];
    size_t count_count;
};

/* Sets everything about the way to the server. */
void kube_client_prepare(struct kube_client *client, CURL *easy);
/*
 * A server's certificate was not accepted by the CA of that generation: whether another one is there to try. Looks at
 * the file at most once per CLIENT_CA_DOUBT_MS.
 */
bool kube_client_doubt_ca(struct kube_client *client, uint64_t generation);
void kube_client_add_count(struct kube_client *client, const char *verb, int status);
const char *kube_verb_name(const struct kube_request *request);

/* Ends a call without a callback, its own timer included, and takes it off the client's list. */
void kube_call_free(struct kube_call *call);
struct kube_call *kube_call_next(const struct kube_call *call);

#endif
