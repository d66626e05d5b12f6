/*
 * The user entry of a kubeconfig: who one is, and as whom one acts.
 */
#ifndef PROGET_KUBE_KUBECONFIG_USER_H
#define PROGET_KUBE_KUBECONFIG_USER_H

#include "kubeconfig_entry.h"

/*
 * Reads `user` into *config, which has its server already and is freed by the caller in any case. `cluster` is where a
 * credential plugin's settings stand. ERROR_BAD_INPUT.
 */
int kubeconfig_read_user(const struct entry *user, const struct entry *cluster, struct kube_config *config,
                         struct error *err);

#endif
