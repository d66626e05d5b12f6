/*
 * What a status was made from: of each kind the newest version that the operator had taken in. It is written into the
 * status, so that whoever takes over does not judge by an older copy than the one that its predecessor judged by: what
 * was said would look mended, and objects deleted that are only not seen yet.
 */
#ifndef OPERATOR_BASIS_H
#define OPERATOR_BASIS_H

#include <stdbool.h>

#include "intake.h"
#include "proget/core/json.h"

#define BASIS_FIELD "observedVersions" /* of the status */

typedef bool basis_versions_fn(enum model_kind kind, const char *namespace_name, struct intake_versions *ret_versions,
                               void *userdata);

/* Where the versions come from; `userdata` is borrowed. */
struct basis_source {
    basis_versions_fn *versions;
    void *userdata;
};

/*
 * A kind's plural (with its field selector) -> version, of what there is in that namespace and of the kinds that have
 * none. Owned.
 */
struct json_object *basis_build(const struct basis_source *source, const char *namespace_name);

/*
 * Whether the copies are as complete as those that `basis` was made from. What it says of kinds that are unknown or not
 * observed, and what is no version, is not gone by. NULL: of a status that has none. On false, *ret_kind is the first
 * that is behind.
 */
bool basis_is_reached(const struct basis_source *source, const char *namespace_name, struct json_object *basis,
                      enum model_kind *ret_kind);

#endif
