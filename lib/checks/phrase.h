/*
 * Wording that the checks share, and the two ways to say something about a subject or the whole cluster.
 */
#ifndef PROGET_CHECKS_PHRASE_H
#define PROGET_CHECKS_PHRASE_H

#include "proget/checks/check.h"
#include "proget/core/memory.h"

/* "a", "a and b", "a, b and c"; over eight: the first eight "and 3 others". Owned. */
char *phrase_names(const char *const *names, size_t count);
/* "pod proget-0", "StatefulSet proget". Owned. */
char *phrase_subject(const struct subject *subject);
/* "statefulset/proget" for commands; "pod/proget-0" where the workload is not known. Owned. */
char *phrase_target(const struct subject *subject);
/* The same for the cluster's first workload. Owned. */
char *phrase_cluster_target(const struct cluster *cluster);
/* The target is a pod that no workload made: the API server takes next to no change of its spec. */
bool phrase_target_is_pod(const char *target);
/*
 * Where to change the spec of the pods of such a target: "kubectl -n ns edit statefulset/proget"; of a pod without a
 * workload the manifest, from which it has to be made anew. Owned.
 */
char *phrase_edit(const char *namespace_name, const char *target);
/*
 * How a key comes into force: "stop all servers together (kubectl ... --replicas=0), wait until their pods are gone,
 * <meanwhile>, and scale up again: ..." with the page that has the steps, which is named after `code`. `meanwhile`
 * may be NULL. Owned.
 */
char *phrase_restart_together(const struct cluster *cluster, const char *meanwhile, const char *code);
/*
 * "kubectl -n ns patch ... -p '...'": makes the product's container (which has to be known) take `variable` from the
 * Secret that manifests and pages name, whatever it takes it from now. In words where a pod has no workload. Owned.
 */
char *phrase_key_patch(const struct subject *subject, const char *variable);
/*
 * What an eviction of one of the servers costs: "a failover", or "an outage" where there is but one. Static.
 */
const char *phrase_eviction(const struct cluster *cluster);
/* "PROGET_ENCRYPTION_KEY" and so on: the names of the cluster's product. Static. */
const struct product_names *phrase_product(const struct cluster *cluster);

/* Raises the draft on the subject; its `object` is filled in. */
void raise_on_subject(const struct check_context *context, const struct subject *subject, struct finding_draft draft);
/* Raises the draft on the cluster as a whole; its `object` is filled in. */
void raise_on_cluster(const struct check_context *context, struct finding_draft draft);

/* Walks the subjects that stand for at least one server: live pods, and templates that are not scaled to zero. */
#define subject_each(variable, cluster)                                                                        \
    for (const struct subject *variable = (cluster)->subjects,                                                 \
                              *variable##_end = (cluster)->subject_count ? variable + (cluster)->subject_count \
                                                                         : variable;                           \
         variable != variable##_end; variable++)                                                               \
        if (variable->servers > 0)

/*
 * The report of a live server, or NULL after saying that it is not observed and why. A template has none, and nothing
 * is said of it.
 */
const struct report *report_or_unobserved(const struct check_context *context, const struct subject *subject);

#endif
