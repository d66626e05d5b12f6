/* Two kubeconfigs (cut at the first NUL): merging them harms nothing, and what comes out keeps its promises. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/kube/exec_credential.h"
#include "../../lib/kube/kubeconfig.h"
#include "proget/core/memory.h"
#include "proget/core/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

static void check_exec(const struct kube_exec *exec)
{
    require(exec->command && *exec->command && exec->arguments && exec->environment);
    require(strcmp(exec->api_version, EXEC_CREDENTIAL_V1) == 0 ||
            strcmp(exec->api_version, EXEC_CREDENTIAL_V1BETA1) == 0);
    for (char **variable = exec->environment; *variable; variable++) {
        require(strchr(*variable, '=') > *variable);
    }
}

static void check(const struct kube_config *config)
{
    require(config->server && config->namespace_name && config->source);
    require(config->server[strlen(config->server) - 1] != '/');
    require(!(config->insecure && (config->ca_data || config->ca_file)));
    require(!((config->token || config->token_file || config->exec) && config->username));
    require(!((config->token || config->token_file) && config->exec));
    require((config->client_certificate || config->client_certificate_file) ==
            (config->client_key || config->client_key_file));
    require(!(config->client_certificate && config->client_certificate_file));
    require(!config->impersonate_user || !strpbrk(config->impersonate_user, "\r\n"));
    require(config->impersonate_user ||
            (!config->impersonate_uid && !config->impersonate_groups && !config->impersonate_extra_count));
    for (size_t i = 0; i < config->impersonate_extra_count; i++) {
        require(*config->impersonate_extra[i].key && !strpbrk(config->impersonate_extra[i].value, "\r\n"));
    }
    require(!config->token || !strpbrk(config->token, "\r\n "));
    require(!(config->token || config->exec) || strncmp(config->server, "https://", 8) == 0);
    if (config->exec) {
        check_exec(config->exec);
        free(exec_credential_request(config, "CA", /* is_interactive= */ false));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path_a[] = "/a/config";
    char path_b[] = "b/config";
    struct kubeconfig_file files[2] = {{.path = path_a}, {.path = path_b}};
    const char *text = (const char *) data;
    const char *cut = size ? memchr(text, '\0', size) : NULL;
    size_t first = cut ? (size_t) (cut - text) : size;
    size_t second = cut ? size - first - 1 : 0;
    struct error err;
    (void) yaml_parse(text, first, path_a, &files[0].tree, &err);
    if (second) {
        (void) yaml_parse(cut + 1, second, path_b, &files[1].tree, &err);
    }
    static const char *const contexts[] = {NULL, "x"};
    for (size_t i = 0; i < array_length(contexts); i++) {
        struct kube_config *config = NULL;
        if (kubeconfig_resolve(files, second ? 2 : 1, contexts[i], &config, &err) == 0) {
            check(config);
            kube_config_free(config);
        }
    }
    kubeconfig_wipe(files[0].tree);
    kubeconfig_wipe(files[1].tree);
    return 0;
}
