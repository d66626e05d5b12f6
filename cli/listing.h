/*
 * Whole lists from the API server, page by page, several of them side by side, and waited for.
 */
#ifndef PROGET_CLI_LISTING_H
#define PROGET_CLI_LISTING_H

#include "connection.h"

enum { LISTING_PAGE_ITEMS = 500 };

struct listing {
    /* What is asked for. Borrowed. */
    struct kube_resource resource;
    const char *namespace_name;                  /* NULL: all namespaces, or a cluster-scoped kind */
    const char *label_selector, *field_selector; /* unescaped; NULL: none */
    /* The list begins, or begins anew since its first pages are too old to go on from: what came so far is void. */
    void (*on_begin)(void *userdata);
    void (*on_item)(struct json_object *item, void *userdata); /* borrowed for the call */
    void *userdata;

    /* How it went. */
    int result; /* 0, or the error's code; then what came is not the whole list */
    int status; /* HTTP; 0: no answer */
    struct error err;

    /* Private while it runs. */
    struct connection *connection;
    struct kube_call *call;
    char *continue_token;
    size_t pages;
    int begins;
};

/*
 * Reads them all and returns when each has ended, well or not: see `result` of each. Returns 0, or ERROR_IO where the
 * system fails. A list of over a million objects, and one whose pages lead in circles, is ERROR_TOO_LARGE.
 */
int listing_read(struct connection *connection, struct listing *listings, size_t count, struct error *err);

#endif
