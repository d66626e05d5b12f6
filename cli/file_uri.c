#include "file_uri.h"

#include <string.h>

#include "location.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { ENCODED_BYTES = 3 };

/* Of the unreserved characters, and what parts a path. A colon could pass for the end of a scheme. */
static bool is_allowed(char byte)
{
    bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    return is_letter || (byte >= '0' && byte <= '9') || (byte != '\0' && strchr("-._~/", byte) != NULL);
}

char *file_uri(const char *file)
{
    if (text_equal(file, LOCATION_STANDARD_INPUT)) {
        return xstrdup("stdin");
    }
    static const char digits[] = "0123456789ABCDEF";
    bool is_absolute = file[0] == '/';
    while (text_starts_with(file, "./")) {
        file += 2;
        file += strspn(file, "/");
    }
    cleanup_free char *path = xmalloc(strlen(file) * ENCODED_BYTES + 1);
    char *to = path;
    for (const char *from = file; *from; from++) {
        if (is_allowed(*from)) {
            *to++ = *from;
        } else {
            *to++ = '%';
            *to++ = digits[(unsigned char) *from >> 4];
            *to++ = digits[(unsigned char) *from & 0x0f];
        }
    }
    *to = '\0';
    /* Two slashes at the begin would name a host. */
    return is_absolute ? xasprintf("file:///%s", path + strspn(path, "/")) : xstrdup(path);
}
