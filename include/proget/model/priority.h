/*
 * Priorities of pods: as admission writes them into the spec, or as it would.
 */
#ifndef PROGET_MODEL_PRIORITY_H
#define PROGET_MODEL_PRIORITY_H

#include "proget/model/pod.h"

struct model;

#define PRIORITY_CLASS_CLUSTER "system-cluster-critical"
#define PRIORITY_CLASS_NODE    "system-node-critical"

/* One of the two classes that are always there, or a priority that only they give. */
bool priority_is_of_system(const struct pod_spec *spec);
/*
 * The spec's own; else its class's; without a class the global default's (the lowest of several), else 0. False, and
 * *ret_priority is 0: it names a class that is not known.
 */
bool priority_of_spec(const struct model *model, const struct pod_spec *spec, int64_t *ret_priority);
/* The same for a spec of which only the class's name is known; NULL: it names none. */
bool priority_of_class(const struct model *model, const char *class_name, int64_t *ret_priority);
/* Pods of lower priority have to make room for it, unless its spec (or where that is silent, its class) says Never. */
bool priority_preempts(const struct model *model, const struct pod_spec *spec);

#endif
