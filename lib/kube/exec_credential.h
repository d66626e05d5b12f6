/*
 * The words that a credential plugin is spoken to in: ExecCredential of client.authentication.k8s.io. Pure, but for the
 * program's own environment, which the plugin inherits. kube-algorithms section 9.
 */
#ifndef PROGET_KUBE_EXEC_CREDENTIAL_H
#define PROGET_KUBE_EXEC_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proget/core/error.h"
#include "proget/kube/config.h"

#define EXEC_CREDENTIAL_V1      "client.authentication.k8s.io/v1"
#define EXEC_CREDENTIAL_V1BETA1 "client.authentication.k8s.io/v1beta1"

/* What a plugin gave: a token, a certificate with its key, or both. Secret. */
struct exec_credential {
    char *token;
    char *certificate, *key; /* PEM */
    int64_t expires_us;      /* wall clock; 0: never */
};

/*
 * Reads what the plugin wrote. ERROR_BAD_INPUT (no ExecCredential of `api_version`, nothing in it, half a pair, what
 * cannot be a token, a certificate or a time): the text tells nothing of the content.
 */
int exec_credential_parse(const char *output, size_t length, const char *api_version, struct exec_credential *ret,
                          struct error *err);
void exec_credential_release(struct exec_credential *credential); /* wipes */

/* KUBERNETES_EXEC_INFO's value. `ca` (PEM) may be NULL. Owned; secret, as a proxy's URL may hold a password. */
char *exec_credential_request(const struct kube_config *config, const char *ca, bool is_interactive);

/*
 * The plugin's environment, ending with NULL: `ours`, then the plugin's own, then KUBERNETES_EXEC_INFO; of equal names
 * the last counts. Owned, each text too; to be freed by exec_environment_free(), which wipes.
 */
char **exec_environment_new(const char *const *ours, const struct kube_exec *exec, const char *request);
void exec_environment_free(char **environment);

#endif
