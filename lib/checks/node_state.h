/*
 * The nodes that servers run on: what their conditions and taints say. Pure.
 */
#ifndef PROGET_CHECKS_NODE_STATE_H
#define PROGET_CHECKS_NODE_STATE_H

#include "proget/checks/check.h"

/* Of that type; NULL: the node does not tell. Borrowed. */
const struct pod_condition *node_condition(const struct node *node, const char *type);
/* The taint by which an autoscaler says that it is taking the node away; NULL: none. Borrowed. */
const char *node_removal_taint(const struct node *node);

/* The node of a live server. NULL: it has none yet, or its node cannot be seen, which is said. */
const struct node *node_of_live(const struct check_context *context, const struct server *server);

/* Raises the draft on the server; its `object` and the node as the related one are filled in. */
void raise_on_server_of_node(const struct check_context *context, const struct server *server,
                             struct finding_draft draft);

#endif
