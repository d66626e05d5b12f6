/*
 * Fills the model: one watch per kind (and namespace, where it is restricted to some); what cannot be watched is
 * polled.
 *
 * A kind that cannot be read is "not observed": refused, not there, never brought in step while others are (15 s), or
 * behind for more than a minute while the server answers. Everything else goes on without it. An extension that is not
 * installed is observed: it has no objects.
 */
#ifndef OPERATOR_INTAKE_H
#define OPERATOR_INTAKE_H

#include <stdbool.h>

#include "proget/core/options.h"
#include "proget/kube/client.h"
#include "proget/model/model.h"

struct intake;

struct intake_options {
    struct kube_client *client;           /* borrowed */
    struct model *model;                  /* borrowed */
    const struct option_list *namespaces; /* borrowed; empty: all */
    /*
     * The server's state is older than what was seen: its database was restored. All is read anew, and
     * intake_is_ready() is false until it has been.
     */
    void (*on_rewind)(const char *why, void *userdata);
    /* The server answers again after a silence. */
    void (*on_return)(void *userdata);
    void *userdata;
};

struct intake *intake_start(const struct intake_options *options);
void intake_stop(struct intake *intake); /* NULL is allowed */

/* How it stands with a kind, for the metrics; of several namespaces the worst. */
enum intake_state {
    INTAKE_SYNCED,
    INTAKE_ABSENT, /* an extension that is not installed */
    INTAKE_SYNCING,
    INTAKE_BEHIND,
    INTAKE_UNOBSERVED,
    INTAKE_STATE_COUNT
};
struct intake_watch {
    enum intake_state state;
    int64_t silent_ms; /* since the stream's last sign of life; negative: there was none, or none is expected */
    uint64_t skipped;  /* objects that could not be read, so far */
};
/* False: the kind is not watched. */
bool intake_watch(const struct intake *intake, enum model_kind kind, struct intake_watch *ret_watch);
/*
 * How far the copy of a kind goes, of the objects in one namespace (not looked at where the kind has none): the newest
 * version that it holds, and the newest up to which it is complete. "": none. Borrowed until the next turn of the loop.
 */
struct intake_versions {
    const char *changed, *seen;
};
/* False: the kind is not watched there, or not observed. */
bool intake_versions(const struct intake *intake, enum model_kind kind, const char *namespace_name,
                     struct intake_versions *ret_versions);
/* The server answers: it did at least once, and the last question was not left without an answer. */
bool intake_is_connected(const struct intake *intake);

/* Every kind was synced, or is known not to be observed: the model can be judged. */
bool intake_is_ready(const struct intake *intake);

#endif
