/*
 * The sidecar's command line and what the downward API tells it about its pod.
 */
#ifndef SIDECAR_SIDECAR_OPTIONS_H
#define SIDECAR_SIDECAR_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "proget/core/error.h"
#include "proget/model/product.h"

/* The pod that is watched. Texts are borrowed from the environment. */
struct pod_identity {
    const char *name, *namespace_name, *uid; /* POD_NAME, POD_NAMESPACE, POD_UID: always there */
    const char *ip, *node;                   /* POD_IP, NODE_NAME: NULL where not given */
};

struct sidecar_options {
    char *url;              /* owned: scheme, host, port and path without trailing slash */
    enum product product;   /* as given, else by the variables that are set; may be PRODUCT_UNKNOWN */
    int64_t messenger_port; /* 0: not given */
    const char *kubeconfig, *key_file, *config_file, *cpuinfo; /* borrowed; NULL: not given */
    int log_format;                                            /* enum log_format */
    int log_level;                                             /* enum log_level */
    struct pod_identity pod;
};

/*
 * Returns an `enum options_outcome`, or ERROR_BAD_INPUT with a sentence for the user. `environment` is `environ`'s
 * form, used to guess the product.
 */
int sidecar_options_parse(int argc, char *const *argv, char *const *environment, struct sidecar_options *ret_options,
                          struct error *err);
void sidecar_options_clear(struct sidecar_options *options);

/* The base of the product's own URLs in its pod, from what is given (--url; may be NULL) and what ASPNETCORE_URLS says
 * (may be NULL). 0 with an owned text, or ERROR_BAD_INPUT. */
int sidecar_options_url(const char *given, const char *aspnetcore_urls, char **ret_url, struct error *err);

/* The product whose own variables are set; the key's beat the connection string's. PRODUCT_UNKNOWN: none. */
enum product sidecar_options_product(char *const *environment);

#endif
