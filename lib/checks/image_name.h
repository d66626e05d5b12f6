/*
 * Tag and digest of an image reference. Pure.
 */
#ifndef PROGET_CHECKS_IMAGE_NAME_H
#define PROGET_CHECKS_IMAGE_NAME_H

struct image_name {
    char *tag;    /* NULL: none; without a digest that means "latest" */
    char *digest; /* NULL: none */
};

void image_name_parse(const char *image, struct image_name *ret_name);
void image_name_clear(struct image_name *name);
#define cleanup_image_name __attribute__((cleanup(image_name_clear)))

#endif
