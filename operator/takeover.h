/*
 * Before a process begins to publish: its copy of the ProGetClusters has to be as new as what its predecessor wrote,
 * for their statuses say what was announced. A watch may be behind; a list without a version is not.
 */
#ifndef OPERATOR_TAKEOVER_H
#define OPERATOR_TAKEOVER_H

#include <stdbool.h>

#include "proget/core/options.h"
#include "proget/kube/client.h"
#include "proget/model/model.h"

struct takeover;

/* Everything is borrowed. `namespaces` empty: all. `on_progress`: takeover_is_done() may say otherwise now. */
struct takeover *takeover_start(struct kube_client *client, const struct model *model,
                                const struct option_list *namespaces, void (*on_progress)(void *userdata),
                                void *userdata);
void takeover_stop(struct takeover *takeover); /* NULL is allowed */

/*
 * Whether the model holds every ProGetCluster as it was when the takeover began, or newer. To be asked again after each
 * change of the model. Where the kind may not be read there is nothing to wait for.
 */
bool takeover_is_done(struct takeover *takeover);

#endif
