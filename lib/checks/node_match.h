/*
 * Which nodes a pod's spec allows, as the scheduler judges it: node selector, required node affinity, taints. Pure.
 */
#ifndef PROGET_CHECKS_NODE_MATCH_H
#define PROGET_CHECKS_NODE_MATCH_H

#include "proget/model/objects.h"

/* nodeSelector and the required terms of node affinity. */
bool node_matches_spec(const struct node *node, const struct pod_spec *spec);
/* Every taint that keeps pods away (NoSchedule, NoExecute; a cordon is one) is tolerated. */
bool node_is_tolerated(const struct node *node, const struct pod_spec *spec);
/* Value of a label; NULL when absent. */
const char *node_label(const struct node *node, const char *key);

#endif
