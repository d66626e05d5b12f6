/*
 * Feels whether the API server answers, by a small request now and then. A watch alone does not tell: a server that has
 * stopped without closing its connections looks like one with no news, and every heartbeat behind it would look stale.
 *
 * The answers also tell when the server's database was restored from a backup: its versions go back. A watch does not
 * tell that either; it would wait for versions that the server has yet to reach.
 */
#ifndef OPERATOR_PULSE_H
#define OPERATOR_PULSE_H

#include <stdbool.h>

#include "proget/kube/client.h"

struct pulse;

struct pulse_options {
    int64_t interval_ms;        /* between two questions; 0: 3 s */
    const char *namespace_name; /* whose Leases may be listed, or else no version is told; NULL: ours. Borrowed */
    /*
     * Told on each change. `since`: when the question was sent that got no answer, or when one came again. `why` there
     * is none; NULL where there is one.
     */
    void (*on_change)(bool answers, struct instant since, const char *why, void *userdata);
    /* Each answer: to a question sent at `asked`; `quiet_since`: the first one since the last answer. Before on_change.
     */
    void (*on_answer)(struct instant quiet_since, struct instant asked, void *userdata);
    /* The server's state is older than what was seen before. `why`: one sentence. */
    void (*on_rewind)(const char *why, void *userdata);
    void *userdata;
};

struct pulse *pulse_start(struct kube_client *client, const struct pulse_options *options);
void pulse_stop(struct pulse *pulse); /* NULL is allowed */

#endif
