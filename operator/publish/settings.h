/*
 * The settings that a sidecar follows, as annotations on its Lease. Pure. Design section 4.
 */
#ifndef OPERATOR_PUBLISH_SETTINGS_H
#define OPERATOR_PUBLISH_SETTINGS_H

#include "proget/model/model.h"

/* For comparison: what is wanted, and what the Lease has. Owned. */
char *settings_text(const struct cluster *cluster);
char *settings_observed_text(const struct lease *lease);

/* The object for server-side apply, pinned to the Lease's uid. Owned. */
struct json_object *settings_apply_body(const struct cluster *cluster, const struct lease *lease);

#endif
