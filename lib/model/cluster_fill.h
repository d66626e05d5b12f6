/*
 * From a draft, which knows what belongs to it, to a cluster with its servers, subjects and settings.
 */
#ifndef PROGET_MODEL_CLUSTER_FILL_H
#define PROGET_MODEL_CLUSTER_FILL_H

#include "assembly.h"

/* Everything but the implied spec, which is handed over, lives in the view's arena. */
void cluster_fill(struct namespace_view *view, const struct cluster_draft *draft, struct instant now,
                  struct cluster *ret_cluster);

#endif
