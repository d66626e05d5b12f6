#include "publish/resources.h"

const struct kube_resource pods_resource = {.group = "", .version = "v1", .plural = "pods"};
const struct kube_resource leases_resource = {.group = "coordination.k8s.io", .version = "v1", .plural = "leases"};
const struct kube_resource clusters_resource = {
    .group = "proget-operator.io", .version = "v1alpha1", .plural = "progetclusters"};
