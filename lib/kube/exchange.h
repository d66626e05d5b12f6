/*
 * One HTTP request and its answer on the client's connection: what calls and watches have in common. The callbacks of
 * libcurl only store bytes and wake the owner; the owner works in the loop's body.
 */
#ifndef PROGET_KUBE_EXCHANGE_H
#define PROGET_KUBE_EXCHANGE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "credential.h"
#include "proget/core/buffer.h"
#include "proget/core/loop.h"
#include "proget/kube/client.h"

/*
 * Two troubles it mends by itself, once each, because the request was not carried out: a credential that was refused
 * (401) where another one can be had, and a CA that was exchanged on disk. Neither reaches the owner.
 */

/* Texts are borrowed until the exchange is over. */
struct exchange_request {
    const char *method; /* "GET" */
    const char *url;
    const char *content_type; /* NULL: no body */
    const char *body;         /* NULL: no body */
    size_t body_length;
    int64_t timeout_ms; /* total; 0: none */
};

enum exchange_wait {
    EXCHANGE_RUNS,           /* or is over; it waits for no credential */
    EXCHANGE_WAITS_TO_START, /* for the first credential */
    EXCHANGE_WAITS_TO_RETRY, /* for another one, after a 401: the answer is kept */
};

struct exchange {
    /* Set by the owner before the first start. */
    struct kube_client *client;
    const char *verb;       /* as counted: answers that the owner does not see */
    struct buffer received; /* with its limit; bytes are added behind, the owner consumes */
    loop_fn *on_activity;   /* bytes or the answer's head came: from within libcurl, so it may only wake the owner */
    loop_transfer_fn *on_done;
    void *userdata;
    /* Its own. */
    CURL *easy;
    struct loop_transfer *transfer;
    struct curl_slist *headers; /* secret */
    struct exchange_request request;
    size_t body_sent;
    bool has_head;                  /* the final answer's head came */
    bool is_overflowing;            /* the answer passed the buffer's limit */
    int64_t began_ms, sent_ms;      /* monotonic: exchange_start(), and when it was last given to libcurl */
    struct identity *identity;      /* in use by `easy` */
    uint64_t credential_generation; /* in use */
    uint64_t ca_generation;
    bool is_renewed;   /* it was sent again after a 401, */
    bool is_retrusted; /* or after a CA was exchanged */
    enum exchange_wait wait;
    struct credential_waiter waiter;
    struct loop_timer *deadline; /* if its time is limited */
    struct error *failure;       /* no credential is to be had; NULL: no such trouble */
    char detail[CURL_ERROR_SIZE];
};

/*
 * Starts; one at a time, again and again. Where a credential has to be fetched first it waits, which counts for the
 * timeout, as does a wait for a connection. Errors: no credential is to be had. The request's texts stay borrowed until
 * exchange_end().
 */
int exchange_start(struct exchange *exchange, const struct exchange_request *request, struct error *err);
/* Ends it, under way or done, and forgets the credentials; `received` stays. Never from within `on_activity`. */
void exchange_end(struct exchange *exchange);
void exchange_free(struct exchange *exchange); /* the above, and `received` */

int exchange_status(const struct exchange *exchange);             /* HTTP; 0 before there is an answer */
int64_t exchange_retry_after_ms(const struct exchange *exchange); /* of the header; negative: none, or no number */
const char *exchange_content_type(const struct exchange *exchange);
bool exchange_is_refused(const struct exchange *exchange, CURLcode result); /* ECONNREFUSED */
bool exchange_is_cut(CURLcode result);                                      /* the connection was lost */
/* The server's certificate was not accepted: the handshake failed, nothing of the request has left. */
bool exchange_is_untrusted(const struct exchange *exchange, CURLcode result);
/* Fills *err with a sentence that starts with `what` and names the server, and returns its code. */
int exchange_error(const struct exchange *exchange, CURLcode result, const char *what, struct error *err);
/* To the error of a 401: why there was no other credential to try, if there is anything to say. */
void exchange_explain_denial(const struct exchange *exchange, struct error *err);

#endif
