/* Answers that tell of an error, from a server or whatever stands before it: the text stays one printable line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/kube/status.h"
#include "proget/core/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

/* The first two bytes choose the HTTP status, from 0 (an ERROR event) on. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    int number = (data[0] << 8 | data[1]) % 501;
    int http_status = number == 0 ? 0 : 99 + number;
    cleanup_json struct json_object *body = NULL;
    struct error err;
    (void) json_parse((const char *) data + 2, size - 2, &body, NULL);
    struct kube_status status = kube_status_read(http_status, body);
    require(status.code >= 100 && status.code <= 599);
    require(http_status == 0 || status.code == http_status);
    for (int is_create = 0; is_create <= 1; is_create++) {
        int result = kube_status_error(&status, "GET things", is_create, "text/html", &err);
        require(result < 0 && result == (int) err.code);
        require(strncmp(err.text, "GET things: HTTP ", 17) == 0);
        for (const unsigned char *at = (const unsigned char *) err.text; *at; at++) {
            require(*at >= ' ' && *at != 0x7f);
        }
    }
    return 0;
}
