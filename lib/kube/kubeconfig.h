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

/*
 * `context_name` NULL: the first current-context. *ret_config (owned) names the files of a client certificate and key
 * without their content. ERROR_BAD_INPUT: the text names the file, the entry and the member, never a credential.
 */
int kubeconfig_resolve(const struct kubeconfig_file *files, size_t count, const char *context_name,
                       struct kube_config **ret_config, struct error *err);

/* Overwrites every text below `tree` (of which credentials are some) and frees it. NULL is allowed. */
void kubeconfig_wipe(struct json_object *tree);

#endif
