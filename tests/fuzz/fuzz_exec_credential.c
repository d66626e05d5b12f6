/* What a credential plugin may write: what is taken keeps its promises, and nothing of it comes out in an error. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/kube/exec_credential.h"
#include "proget/core/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const versions[] = {EXEC_CREDENTIAL_V1, EXEC_CREDENTIAL_V1BETA1};
    for (size_t i = 0; i < array_length(versions); i++) {
        struct exec_credential credential = {0};
        struct error err = {0};
        if (exec_credential_parse((const char *) data, size, versions[i], &credential, &err) < 0) {
            require(err.code == ERROR_BAD_INPUT && *err.text);
            require(!credential.token && !credential.certificate && !credential.key);
            continue;
        }
        require(credential.token || credential.certificate);
        require(!credential.certificate == !credential.key);
        require(!credential.token || (*credential.token && !strpbrk(credential.token, " \r\n")));
        require(credential.expires_us >= 0);
        exec_credential_release(&credential);
    }
    return 0;
}
