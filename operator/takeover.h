/*
 * Before a process begins to publish: its copy of the ProGetClusters has to be as new as what its predecessor wrote,
 * for their statuses say what was announced, and its copies of everything else as new as those that its predecessor
 * judged by. A watch may be behind; a list without a version is not.
 */
#ifndef OPERATOR_TAKEOVER_H
#define OPERATOR_TAKEOVER_H

#include <stdbool.h>

#include "basis.h"
#include "proget/core/options.h"
#include "proget/kube/client.h"
#include "proget/model/model.h"

struct takeover;

struct takeover_options {
    struct kube_client *client;           /* borrowed */
    const struct model *model;            /* borrowed */
    const struct option_list *namespaces; /* borrowed; empty: all */
    struct basis_source versions;         /* how far the model's copies go */
    void (*on_progress)(void *userdata);  /* takeover_is_done() may say otherwise now */
    void *userdata;
};

struct takeover *takeover_start(const struct takeover_options *options);
void takeover_stop(struct takeover *takeover); /* NULL is allowed */

/*
 * Whether the model holds every ProGetCluster as it was when the takeover began, or newer, and all that their statuses
 * were made from. To be asked again after each change of the model. Where a kind may not be read there is nothing to
 * wait for. A ProGetCluster that never comes, and copies that stay behind what a status was made from, are waited for
 * half a minute while the server answers; a copy of a ProGetCluster that stays behind itself is waited for until its
 * watch is given up, for by an older status all would be said twice.
 */
bool takeover_is_done(struct takeover *takeover);

#endif
