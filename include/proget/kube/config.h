/*
 * How to reach an API server: from inside a pod, or from a kubeconfig. kube-algorithms sections 8 and 9.
 */
#ifndef PROGET_KUBE_CONFIG_H
#define PROGET_KUBE_CONFIG_H

#include <stdbool.h>

#include "proget/core/error.h"

struct kube_config {
    char *server;              /* "https://host:port[/path]", no trailing slash */
    char *ca_file;             /* PEM bundle on disk, re-read when it changes; or */
    char *ca_data;             /* PEM bundle; or both NULL: the system's */
    bool insecure;             /* insecure-skip-tls-verify */
    char *tls_server_name;     /* name to verify instead of the server's; may be NULL */
    char *proxy_url;           /* may be NULL */
    char *token;               /* bearer token; secret */
    char *token_file;          /* beats `token` once read; re-read by path (kube-algorithms 8) */
    char *client_certificate;  /* PEM, both or neither */
    char *client_key;          /* PEM; secret */
    char *username, *password; /* basic; secret */
    char *impersonate_user;    /* may be NULL */
    char *namespace_name;      /* of the context or the pod; "default" otherwise */
    char *source;              /* for messages: "in-cluster" or the kubeconfig's path(s) and context */
};

/* Where to look. All may be NULL. */
struct kube_config_options {
    const char *kubeconfig; /* explicit path: must exist */
    const char *context;    /* instead of current-context; it means a kubeconfig also inside a pod */
};

/*
 * Explicit path; else in-cluster when KUBERNETES_SERVICE_HOST and _PORT are set; else $KUBECONFIG (a list, merged);
 * else ~/.kube/config. *ret_config is owned. Errors: NOT_FOUND (nothing to go by; the text says what was tried),
 * BAD_INPUT (file, line and column or the member that is wrong and what to do), DENIED, IO. An exec plugin or
 * auth-provider is BAD_INPUT with a clear sentence. No text ever holds a credential.
 */
int kube_config_load(const struct kube_config_options *options, struct kube_config **ret_config, struct error *err);
/* Wipes secrets. NULL is allowed. */
void kube_config_free(struct kube_config *config);

#endif
