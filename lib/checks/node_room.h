/*
 * Which nodes could take a server, as the scheduler would judge it: selectors and affinity, taints, room, and that no
 * other server of the cluster is there. Room is processor time, memory, ephemeral storage and the number of pods. Not
 * looked at: extended resources (GPUs), huge pages, host ports, affinity and anti-affinity to pods of others, topology
 * spread, volumes of one node or zone. So NODE_TAKES may be said of a node that the scheduler refuses for one of them;
 * no other verdict is wrong for it. Pure.
 */
#ifndef PROGET_CHECKS_NODE_ROOM_H
#define PROGET_CHECKS_NODE_ROOM_H

#include "proget/checks/check.h"

enum node_verdict {
    NODE_TAKES,
    NODE_OCCUPIED, /* another server is in its domain */
    NODE_PROMISED, /* that, or it takes a server that is not placed yet; for node_tally_text() only */
    NODE_EXCLUDED, /* node selector or affinity */
    NODE_CLOSED,   /* cordoned, a taint that is not tolerated, or not ready */
    NODE_FULL,     /* too little room, even where pods of lower priority make way */
    NODE_VERDICT_COUNT,
};

/* Everything but who else is there. */
enum node_verdict node_judge(const struct model *model, const struct node *node, const struct pod_spec *spec);

/* How many nodes had which verdict. Of a question whose answer is no, NODE_TAKES is 0. */
struct node_tally {
    size_t counts[NODE_VERDICT_COUNT];
};
/*
 * All that do not take it: "of the other nodes 2 run a server of the cluster, 1 has no room for what it requests"; with
 * `which` "" instead of "other " that is "of the nodes ...". Owned.
 */
char *node_tally_text(const struct node_tally *tally, const char *which);

/* The node that a live server is on, by name; NULL: none. */
const char *server_node_name(const struct server *server);

/* Says what these questions need and cannot have; true where something is missing without which none can be asked. */
bool node_room_is_unobserved(const struct check_context *context);

#endif
