/*
 * What manifests/components/sidecar adds, made to measure for one workload: the very files of that component, with the
 * workload's names in them. Pure.
 */
#ifndef PROGET_CLI_SIDECAR_PATCH_H
#define PROGET_CLI_SIDECAR_PATCH_H

#include "proget/core/json.h"
#include "proget/model/pod.h"
#include "proget/model/product.h"

struct sidecar_target {
    const char *kind, *namespace_name, *name; /* the workload: "StatefulSet"; it is of apps/v1 */
    enum product product;
    const struct pod_spec *spec;       /* of its template */
    const struct container *container; /* the product's, in it; NULL: not known */
    const char *image;                 /* of the sidecar */
};

/*
 * A strategic merge patch, for kubectl patch and kustomize. Owned. *ret_note (owned): a sentence on what it could not
 * know, such as where the key comes from; NULL: nothing.
 */
struct json_object *sidecar_patch(const struct sidecar_target *target, char **ret_note);

/* The Role to report. Owned. */
struct json_object *sidecar_role(const char *namespace_name);
/* Its binding to no ServiceAccount yet. Owned. */
struct json_object *sidecar_role_binding(const char *namespace_name);
/* Adds a ServiceAccount (NULL: default) to it, once. */
void sidecar_role_binding_add(struct json_object *binding, const char *namespace_name, const char *account);

#endif
