#include "image_name.h"

#include <string.h>

#include "proget/core/memory.h"

void image_name_parse(const char *image, struct image_name *ret_name)
{
    *ret_name = (struct image_name){0};
    const char *digest = strchr(image, '@');
    size_t length = digest ? (size_t) (digest - image) : strlen(image);
    if (digest) {
        ret_name->digest = xstrdup(digest + 1);
    }
    /* A colon before the last slash belongs to the registry's port. */
    for (size_t i = length; i > 0 && image[i - 1] != '/'; i--) {
        if (image[i - 1] == ':') {
            ret_name->tag = xstrndup(image + i, length - i);
            return;
        }
    }
}

void image_name_clear(struct image_name *name)
{
    free(name->tag);
    free(name->digest);
    *name = (struct image_name){0};
}
