/*
 * Keeps a store near the objects of a kind that the API can list and not watch, such as what metrics.k8s.io measures:
 * lists it all every so often.
 *
 * A kind that the server does not have (404) is missing; one that may not be read (403) is refused: at once in
 * the first answer, later when it has been so for ten seconds, for a server that is starting says either. Any other
 * failure is tried again at growing intervals and leaves what is known as it is for two and a half minutes; then the
 * kind is silent. Where nothing was ever read it is so at once, by the first answer, or after two seconds without one.
 * The store is emptied in each of these, and the next list that is answered ends them.
 */
#ifndef OPERATOR_POLLER_H
#define OPERATOR_POLLER_H

#include "proget/core/store.h"
#include "proget/kube/client.h"

struct poller;

enum poller_state {
    POLLER_ASKING, /* nothing was answered yet */
    POLLER_READING,
    POLLER_MISSING,
    POLLER_REFUSED,
    POLLER_SILENT,
};

struct poller_options {
    struct kube_resource resource;
    struct store *store; /* borrowed; must outlive the poller */
    int64_t interval_ms; /* between an answer and the next question; 0: 60 s */
    int64_t grace_ms;    /* how long a kind that was read, or missing, may be refused or missing untold; 0: 10 s */
    /* On each change. `why`: one sentence, NULL while READING. */
    void (*on_state)(enum poller_state state, const char *why, void *userdata);
    /* True while the server as a whole does not answer, which says nothing of this kind. May be NULL. */
    bool (*is_server_away)(void *userdata);
    void *userdata;
};

struct poller *poller_start(struct kube_client *client, const struct poller_options *options);
void poller_stop(struct poller *poller); /* NULL is allowed; the store stays as it is */
/* The server is known to answer again: what failed last is tried again within half a second. */
void poller_hurry(struct poller *poller);
enum poller_state poller_state(const struct poller *poller);

#endif
