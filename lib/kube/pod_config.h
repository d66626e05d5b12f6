/*
 * The configuration that a pod finds in itself: kube-algorithms section 8.
 */
#ifndef PROGET_KUBE_POD_CONFIG_H
#define PROGET_KUBE_POD_CONFIG_H

#include "proget/core/error.h"
#include "proget/kube/config.h"

#define POD_CONFIG_FOLDER "/var/run/secrets/kubernetes.io/serviceaccount"

struct pod_config_environment {
    const char *host;           /* KUBERNETES_SERVICE_HOST */
    const char *port;           /* KUBERNETES_SERVICE_PORT */
    const char *namespace_name; /* POD_NAMESPACE; NULL or empty: the file */
    const char *folder;         /* POD_CONFIG_FOLDER */
};

/* Host and port are not empty. Errors: NOT_FOUND (no token is mounted), BAD_INPUT, DENIED, IO; the text names the file.
 */
int pod_config_read(const struct pod_config_environment *environment, struct kube_config **ret_config,
                    struct error *err);

#endif
