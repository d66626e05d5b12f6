/*
 * kubeconfig files, already read: merging them and picking one context. Pure: nothing is opened here, so files that
 * are only named come out as paths. kube-algorithms section 9.
 */
#ifndef PROGET_KUBE_KUBECONFIG_H
#define PROGET_KUBE_KUBECONFIG_H

#include <stddef.h>

#include "proget/core/error.h"
#include "proget/core/json.h"
#include "proget/kube/config.h"

enum { KUBECONFIG_FILES_MAX = 64, KUBECONFIG_ENTRIES_MAX = 4096 };

struct kubeconfig_file {
    char *path;
    struct json_object *tree; /* NULL: an empty file */
};

/* What a user entry names by path, made absolute or relative to the working folder; NULL where data was given. */
struct kubeconfig_paths {
    char *client_certificate;
    char *client_key;
};

/*
 * `context_name` NULL: the first current-context. *ret_config (owned) lacks what *ret_paths (owned, may be of no use
 * afterwards) names. ERROR_BAD_INPUT: the text names the file and the member, never a credential.
 */
int kubeconfig_resolve(const struct kubeconfig_file *files, size_t count, const char *context_name,
                       struct kube_config **ret_config, struct kubeconfig_paths *ret_paths, struct error *err);

void kubeconfig_paths_release(struct kubeconfig_paths *paths);
/* Overwrites every text below `tree` (of which credentials are some) and frees it. NULL is allowed. */
void kubeconfig_wipe(struct json_object *tree);

#endif
