/*
 * Findings on pods, as annotations: what a user sees with `kubectl describe pod`. Pure. Design section 6.
 */
#ifndef OPERATOR_PUBLISH_ANNOTATIONS_H
#define OPERATOR_PUBLISH_ANNOTATIONS_H

#include "proget/model/model.h"
#include "publish/ledger.h"

#define ANNOTATION_PREFIX "proget-operator.io/"

/* Which findings concern which pod: made once for all pods of a cluster. Borrows from the ledger until that changes. */
struct annotation_index;
struct annotation_index *annotation_index_new(struct ledger *ledger);
void annotation_index_free(struct annotation_index *index); /* NULL is allowed */

/* What a pod's annotations under our prefix are to be: name to value, by name. Owned: map_free(). */
struct map *annotations_wanted(const struct cluster *cluster, const struct server *server,
                               const struct annotation_index *index, struct instant now);
/* Planned work: findings stay out of Events and annotations until then. */
bool cluster_in_maintenance(const struct cluster *cluster, struct instant now);

/* Both as one text for comparison: "name=value\n", sorted by name. Owned. */
char *annotations_text(const struct map *wanted);
char *annotations_observed_text(const struct pod *pod);

/* The object for server-side apply through pods/status, pinned to the pod's uid. Owned. */
struct json_object *annotations_apply_body(const struct pod *pod, const struct map *wanted);

#endif
