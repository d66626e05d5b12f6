/*
 * Runs a credential plugin, one at a time, and reads what it gives. It knows nothing of when.
 */
#ifndef PROGET_KUBE_CREDENTIAL_PLUGIN_H
#define PROGET_KUBE_CREDENTIAL_PLUGIN_H

#include "exec_credential.h"
#include "proget/core/loop.h"

enum {
    PLUGIN_TIMEOUT_MS = 60 * 1000,              /* then it is killed */
    PLUGIN_INTERACTIVE_TIMEOUT_MS = 300 * 1000, /* somebody has to type */
    PLUGIN_OUTPUT_BYTES_MAX = 1024 * 1024,
};

struct credential_plugin;

/* From the loop's body. `given` is the callee's to keep or release; NULL: it failed, and `err` says how. */
typedef void credential_plugin_fn(struct exec_credential *given, const struct error *err, void *userdata);

/* `config` (with its `exec`) is borrowed and outlives the plugin. `timeout_ms` 0: the limits above. */
struct credential_plugin *credential_plugin_new(struct loop *loop, const struct kube_config *config, int64_t timeout_ms,
                                                credential_plugin_fn *on_end, void *userdata);
void credential_plugin_free(struct credential_plugin *plugin); /* kills it, no callback; NULL is allowed */

/*
 * Starts it; not while it runs. Errors: NOT_FOUND (with the install hint), DENIED, IO, BAD_INPUT (it needs a terminal
 * and there is none). The text names the command, never its arguments.
 */
int credential_plugin_run(struct credential_plugin *plugin, struct error *err);
bool credential_plugin_is_running(const struct credential_plugin *plugin);

#endif
