/*
 * How to reach an API server: from inside a pod, or from a kubeconfig. kube-algorithms sections 8 and 9.
 */
#ifndef PROGET_KUBE_CONFIG_H
#define PROGET_KUBE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "proget/core/error.h"

enum kube_interactive {
    KUBE_INTERACTIVE_NEVER,
    KUBE_INTERACTIVE_IF_AVAILABLE, /* standard input is handed on where it is a terminal */
    KUBE_INTERACTIVE_ALWAYS,
};

/* A credential plugin. Arguments and environment may be secrets. */
struct kube_exec {
    char *command;      /* a path where it holds a '/', else a name for PATH */
    char **arguments;   /* without the command; ends with NULL, never NULL itself */
    char **environment; /* "NAME=value" in addition to ours; ends with NULL, never NULL itself */
    char *api_version;  /* "client.authentication.k8s.io/v1" or ".../v1beta1" */
    char *install_hint; /* may be NULL */
    bool provides_cluster_info;
    enum kube_interactive interactive;
    char *cluster_config; /* JSON, from the cluster's extension for plugins; may be NULL */
};

/* One value of impersonated extra information; a key with several values has several of these. */
struct kube_extra {
    char *key;
    char *value;
};

struct kube_config {
    char *server;             /* "https://host:port[/path]", no trailing slash */
    char *ca_file;            /* PEM bundle on disk, re-read when it changes; or */
    char *ca_data;            /* PEM bundle; or both NULL: the system's */
    bool insecure;            /* insecure-skip-tls-verify */
    bool disable_compression; /* never asked for anyway; credential plugins hear of it */
    char *tls_server_name;    /* name to verify instead of the server's; may be NULL */
    char *proxy_url;          /* http, https or socks5, may be NULL; secret, as it may hold a password */
    char *token;              /* bearer token; secret */
    char *token_file;         /* beats `token` once read; re-read by path (kube-algorithms 8) */
    char *client_certificate; /* PEM, both or neither */
    char *client_key;         /* PEM; secret */
    char *client_certificate_file, *client_key_file; /* where they came from, re-read when they change; or NULL */
    char *username, *password;                       /* basic; secret */
    struct kube_exec *exec;                          /* may be NULL; excludes tokens and basic */
    char *impersonate_user;                          /* may be NULL; the rest of these needs it */
    char *impersonate_uid;                           /* may be NULL */
    char **impersonate_groups;                       /* ends with NULL; may be NULL */
    struct kube_extra *impersonate_extra;            /* may be NULL */
    size_t impersonate_extra_count;
    char *namespace_name; /* of the context or the pod; "default" otherwise */
    char *source;         /* for messages: "in-cluster" or the kubeconfig's path(s) and context */
};

/* Where to look. All may be NULL. */
struct kube_config_options {
    const char *kubeconfig; /* explicit path: must exist */
    const char *context;    /* instead of current-context; it means a kubeconfig also inside a pod */
};

/*
 * Explicit path; else in-cluster when KUBERNETES_SERVICE_HOST and _PORT are set; else $KUBECONFIG (a list, merged);
 * else ~/.kube/config. *ret_config is owned. Errors: NOT_FOUND (nothing to go by; the text says what was tried),
 * BAD_INPUT (file, line and column, or file, entry and member that is wrong and what to do), DENIED, IO. An
 * auth-provider is BAD_INPUT with a clear sentence. No text ever holds a credential. Credential plugins are not run
 * here, but by the client when it needs them.
 */
int kube_config_load(const struct kube_config_options *options, struct kube_config **ret_config, struct error *err);
/* Wipes secrets. NULL is allowed. */
void kube_config_free(struct kube_config *config);

#endif
