/*
 * What the live pods on each node request, as the scheduler counts it: pods of all namespaces, by priority and class.
 *
 * Sums are kept as pods come, change and go, so that neither a pod costs memory here nor a question a walk over all
 * pods. Live is what is neither terminating nor finished: what leaves a node soon makes room there.
 */
#ifndef PROGET_MODEL_NODE_LOAD_H
#define PROGET_MODEL_NODE_LOAD_H

#include "proget/model/objects.h"
#include "proget/model/pod.h"

/* One pod counts with 2^50 at the most of each, which is more than any node has. */
struct resource_sums {
    uint64_t cpu_thousandths, memory_bytes, storage_bytes; /* storage: ephemeral */
    uint64_t pods;
};

/*
 * What one pod takes of its node: the sum of its containers and native sidecars, or what the largest of its other init
 * containers takes together with the sidecars before it, whichever is more; for CPU and memory what the pod as a whole
 * requests beats that; overhead comes on top. A request that is not given is the limit, as the API server would have
 * it. Quantities that cannot be read, and negative ones, count as 0.
 */
struct resource_sums pod_spec_requests(const struct pod_spec *spec);
/* Of a node's status, or of measured usage: thousandths of CPUs and bytes; 0 where absent or unreadable. */
uint64_t cpu_amount(const char *quantity);
uint64_t bytes_amount(const char *quantity);

/* Neither of a system class, nor a DaemonSet's, nor the kubelet's own (static): one that came by its priority alone. */
bool pod_is_ordinary(const struct pod *pod);

/* The pods of one priority and class on one node. */
struct node_share {
    struct record_optional_int64 priority; /* not set: as its class says, which manifests leave to the API server */
    char *class_name;                      /* NULL: none */
    struct resource_sums requests;
    uint64_t ordinary; /* of the pods, how many are: see pod_is_ordinary() */
};

struct node_load;
struct node_load *node_load_new(void);
void node_load_free(struct node_load *load); /* NULL is allowed */
/* As a store_change_fn of pods is told. True when it changed what some node bears. */
bool node_load_follow(struct node_load *load, const struct store_entry *before, const struct store_entry *after);

/* In no particular order. Borrowed until the next change; NULL and 0 for a node without pods. */
const struct node_share *node_load_shares(const struct node_load *load, const char *node_name, size_t *ret_count);
/* Over all priorities. */
struct resource_sums node_load_total(const struct node_load *load, const char *node_name);

/* --- how full is too full --- */

/* Percentages of allocatable, as the findings' sentences have them. */
enum { NODE_REQUESTED_MAX = 90, NODE_USED_MAX = 85 };
/* A measurement that was not seen renewed for so long says nothing of now. */
enum { NODE_MEASURED_WITHIN_MS = 5 * 60 * 1000 };

struct node_fullness {
    bool is_cpu, is_memory; /* above that percentage; never of what the node does not say it has */
};
struct node_fullness node_fullness(const struct resource_sums *taken, const struct resource_amounts *allocatable,
                                   unsigned percent);
struct resource_sums node_usage(const struct node_metrics *metrics);
/*
 * As a store_change_fn of node metrics is told; `node` may be NULL. True when it is another answer: each measurement
 * differs from the last a little, and all but a few of them mean the same.
 */
bool node_usage_follow(const struct node *node, const struct store_entry *before, const struct store_entry *after);

#endif
