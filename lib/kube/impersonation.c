#include "impersonation.h"

#include <string.h>

#include "proget/core/memory.h"

/* RFC 9110's tokens, without the '%' that the encoding itself uses. */
static int is_plain(char byte)
{
    return byte && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&'*+-.^_`|~", byte) != NULL;
}

char *impersonation_escape(const char *key)
{
    static const char digits[] = "0123456789ABCDEF";
    char *escaped = xmalloc(strlen(key) * 3 + 1);
    char *target = escaped;
    for (const char *at = key; *at; at++) {
        unsigned char byte = (unsigned char) *at;
        if (is_plain(*at)) {
            *target++ = *at;
        } else {
            *target++ = '%';
            *target++ = digits[byte >> 4];
            *target++ = digits[byte & 15];
        }
    }
    *target = '\0';
    return escaped;
}
