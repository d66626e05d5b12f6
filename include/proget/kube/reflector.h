/*
 * Keeps a store equal to the objects of one kind on the API server: list and watch. kube-algorithms section 1.
 *
 * WatchList first, falling back to list + watch; bookmarks, both forms of 410, back-off with jitter. The store is
 * replaced atomically after each sync and changed object by object in between. An object that cannot be read is
 * skipped, reported and counted; the others go on. A kind that the server does not have (404) or that may not be read
 * (403) is "unobserved", after 10 s of refusal where it was in step before: the store is emptied (one that was never
 * filled stays so), the reason told, and it is tried again at growing intervals (at most a minute), so that it is
 * picked up by itself when it comes.
 */
#ifndef PROGET_KUBE_REFLECTOR_H
#define PROGET_KUBE_REFLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "proget/core/store.h"
#include "proget/kube/client.h"

struct reflector;

enum reflector_state {
    REFLECTOR_SYNCING,    /* first sync under way or interrupted; the store is not to be trusted yet */
    REFLECTOR_WATCHING,   /* in step, as far as the stream tells */
    REFLECTOR_BEHIND,     /* was in step; the server is away: the store holds what was last seen */
    REFLECTOR_UNOBSERVED, /* the kind is missing or forbidden */
};

struct reflector_options {
    struct kube_resource resource;
    const char *namespace_name; /* copied; NULL: all, or a cluster-scoped kind */
    const char *label_selector; /* copied; unescaped; NULL: none */
    const char *field_selector; /* copied; unescaped; NULL: none */
    struct store *store;        /* borrowed; must outlive the reflector */
    int64_t sync_silence_ms;    /* a WatchList on which nothing comes for so long before its end is given up; 0: 15 s */
    /*
     * State changed, or trouble came or went in it. `why` is NULL unless BEHIND, UNOBSERVED, or SYNCING that met with
     * trouble; one sentence. The reflector may be stopped from within. May be NULL.
     */
    void (*on_state)(enum reflector_state state, const char *why, void *userdata);
    /* An object was skipped; `err` names it. Must not stop the reflector, nor may a listener of the store. May be NULL.
     */
    void (*on_skipped)(const struct error *err, void *userdata);
    void *userdata;
};

struct reflector *reflector_start(struct kube_client *client, const struct reflector_options *options);
void reflector_stop(struct reflector *reflector); /* NULL is allowed; frees it, the store stays as it is */

/*
 * The server is known to answer again: what waits for the next try tries within half a second, and
 * then again as after a first failure; not before the time that the
 * server itself asked for, nor for a kind that is not observed.
 */
void reflector_hurry(struct reflector *reflector);
/*
 * The server holds an older state than was seen: its database was restored. A watch that goes on from a version which
 * that server has yet to reach would miss everything up to it, so all is read anew. `why`: one sentence.
 */
void reflector_rewind(struct reflector *reflector, const char *why);

enum reflector_state reflector_state(const struct reflector *reflector);
/* UNOBSERVED because the server does not have the kind, and not because it may not be read. */
bool reflector_is_missing(const struct reflector *reflector);
/* Monotonic time at which the stream last gave a sign of life (event or bookmark); for the watch-lag metric. */
int64_t reflector_alive_ms(const struct reflector *reflector);
/*
 * The newest resourceVersion of an object, or of an object's end, that the store has taken in; "" where there is none.
 * Another copy of the kind has seen as much as this one when its reflector_seen_version() is not older.
 */
const char *reflector_changed_version(const struct reflector *reflector);
/* How far the store is known to be in step: the newest version of an object or a bookmark. "": it never was. Both are
 * borrowed until the next turn of the loop. */
const char *reflector_seen_version(const struct reflector *reflector);

#endif
