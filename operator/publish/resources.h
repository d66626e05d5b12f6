/*
 * The API resources that the publisher writes, and the name it writes under.
 */
#ifndef OPERATOR_PUBLISH_RESOURCES_H
#define OPERATOR_PUBLISH_RESOURCES_H

#include "proget/kube/client.h"

#define FIELD_MANAGER "proget-operator"

extern const struct kube_resource pods_resource;
extern const struct kube_resource leases_resource;
extern const struct kube_resource clusters_resource;

#endif
