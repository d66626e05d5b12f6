/*
 * What the client identifies itself with, wherever it comes from: given, read from files that are exchanged now and
 * then, or got from a plugin that has to run first.
 *
 * Each change makes another generation, so that who was refused can tell whether there is anything new to try.
 */
#ifndef PROGET_KUBE_CREDENTIAL_H
#define PROGET_KUBE_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "identity.h"
#include "proget/core/error.h"
#include "proget/core/loop.h"
#include "proget/core/rate.h"
#include "proget/kube/config.h"
#include "token.h"

struct credential_plugin;

enum {
    CREDENTIAL_FILE_CHECK_MS = 5 * 60 * 1000, /* how often a client certificate's files are looked at */
    CREDENTIAL_RENEW_MS = 10 * 1000,          /* so long before it expires the plugin is run again, */
    CREDENTIAL_LIFE_MS_MIN = 1000,            /* but what it gives is used that long in any case */
    CREDENTIAL_PAUSE_MS_MIN = 1000,           /* after a failed run, doubling */
    CREDENTIAL_PAUSE_MS_MAX = 30 * 1000,
    CREDENTIAL_DENIALS_MAX = 8,       /* runs because the server said 401: so many at once, */
    CREDENTIAL_DENIAL_MS = 10 * 1000, /* and one more each */
};

/* Borrowed until the next call for the source, but for the identity, of which a reference can be taken. */
struct credential {
    const char *token;         /* NULL: none */
    struct identity *identity; /* NULL: none */
    uint64_t generation;
};

/* Somebody who waits for the plugin. Zeroed but for the first two. */
struct credential_waiter {
    void (*on_ready)(void *userdata); /* once, from the loop's body, when the plugin has ended, well or not */
    void *userdata;
    struct credential_waiter **list; /* NULL: does not wait */
    struct credential_waiter *prev, *next;
};

/* Its own, and its tests'. */
struct credential_source {
    struct loop *loop;
    const struct kube_config *config;
    struct token_source token;   /* given, or from a file */
    uint64_t token_changes;      /* of it, as far as they are counted in `generation` */
    struct identity *identity;   /* whatever its source */
    int64_t identity_checked_ms; /* its files */
    uint64_t generation;
    struct credential_plugin *plugin; /* NULL: none; all below is about it */
    char *given_token;                /* secret */
    bool has_given;
    bool is_denied;        /* the server refused what was given */
    int64_t renew_at_ms;   /* monotonic: from when on a new one is fetched, */
    int64_t expires_at_ms; /* and up to when the old one is used */
    bool has_failure;
    struct error failure; /* of the last run */
    int64_t pause_ms;     /* after it */
    int64_t paused_until_ms;
    struct token_bucket denials;
    struct credential_waiter *waiters, *ready; /* utlist */
    bool is_telling;                           /* and its memory stays until that is over */
    bool is_dead;
};

/* `config` is borrowed and outlives the source. ERROR_BAD_INPUT: a token or a client certificate is unusable. */
int credential_source_new(struct loop *loop, const struct kube_config *config, struct credential_source **ret_source,
                          struct error *err);
/* Ends the plugin. Nobody may wait. NULL is allowed. */
void credential_source_free(struct credential_source *source);

/*
 * What to send now. ERROR_AGAIN: the plugin runs, wait for it. Other errors: those of the token's file or of the
 * plugin's last run, which is not repeated at once.
 */
int credential_source_get(struct credential_source *source, struct credential *ret, struct error *err);

/*
 * The server refused that generation (401). 1: another one is there. 0: no other is to be had. ERROR_AGAIN: the plugin
 * runs for it; wait, then credential_source_check(). Other errors: the plugin cannot be run.
 */
int credential_source_renew(struct credential_source *source, uint64_t generation, struct error *err);
/* After the wait: 1 or 0 as above, or the error of the plugin's run. */
int credential_source_check(const struct credential_source *source, uint64_t generation, struct error *err);

void credential_source_wait(struct credential_source *source, struct credential_waiter *waiter);
void credential_waiter_leave(struct credential_waiter *waiter); /* also one that does not wait */

#endif
