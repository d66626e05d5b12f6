#include "pod_config.h"

#include <string.h>
#include <unistd.h>

#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "token.h"

enum { NAMESPACE_LENGTH_MAX = 253 };

/* The namespace file's one word; "default" where there is none. Owned. */
static char *read_namespace(const char *folder)
{
    cleanup_free char *path = xasprintf("%s/namespace", folder);
    cleanup_buffer struct buffer content = BUFFER_INIT(NAMESPACE_LENGTH_MAX + 2);
    if (buffer_read_file(&content, path, NULL) < 0) {
        return xstrdup("default");
    }
    size_t length = strcspn(buffer_text(&content), " \t\r\n");
    return length ? xstrndup(buffer_text(&content), length) : xstrdup("default");
}

int pod_config_read(const struct pod_config_environment *environment, struct kube_config **ret_config,
                    struct error *err)
{
    int64_t port = 0;
    if (text_parse_int64(environment->port, 1, 65535, &port) < 0 || strpbrk(environment->host, "/@?# []")) {
        return error_set(err, ERROR_BAD_INPUT,
                         "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT do not make an address");
    }
    cleanup_free char *token_path = xasprintf("%s/token", environment->folder);
    struct token_source token = {.path = token_path};
    const char *ignored = NULL;
    struct error problem;
    int result = token_source_get(&token, 0, &ignored, &problem);
    token_source_release(&token);
    if (result < 0) {
        error_set(err, problem.code, "in-cluster: %s%s", problem.text,
                  result == ERROR_NOT_FOUND ? " (is automountServiceAccountToken off for this pod?)" : "");
        return result;
    }
    cleanup_free char *ca_path = xasprintf("%s/ca.crt", environment->folder);
    bool is_ipv6 = strchr(environment->host, ':') != NULL;
    struct kube_config *config = xcalloc(1, sizeof(*config));
    config->server =
        xasprintf("https://%s%s%s:%lld", is_ipv6 ? "[" : "", environment->host, is_ipv6 ? "]" : "", (long long) port);
    /* Without the file the server may still be signed by a CA that the system knows. */
    config->ca_file = access(ca_path, F_OK) == 0 ? memory_take(&ca_path) : NULL;
    config->token_file = memory_take(&token_path);
    config->namespace_name = text_is_empty(environment->namespace_name) ? read_namespace(environment->folder)
                                                                        : xstrdup(environment->namespace_name);
    config->source = xstrdup("in-cluster");
    *ret_config = config;
    return 0;
}
