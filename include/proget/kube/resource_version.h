/*
 * The order of resource versions. Defined since Kubernetes 1.35 (KEP 5504), kept by every server before: decimal
 * numbers without leading zeros, of any length. Only versions of one resource may be compared.
 */
#ifndef PROGET_KUBE_RESOURCE_VERSION_H
#define PROGET_KUBE_RESOURCE_VERSION_H

#include <stdbool.h>

/* Whether the text is a version: "" and "0" are none. NULL is allowed. */
bool resource_version_is_valid(const char *version);
/* Whether `version` is older than `other`. False where one of them is no version. */
bool resource_version_is_older(const char *version, const char *other);

#endif
