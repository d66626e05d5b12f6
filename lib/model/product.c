#include "proget/model/product.h"

#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

static const struct product_names products[] = {
    [PRODUCT_PROGET] = {"ProGet", "proget", "PROGET_", "PROGET_ENCRYPTION_KEY", "PROGET_ENCRYPTION_KEY_FILE"},
    [PRODUCT_BUILDMASTER] = {"BuildMaster", "buildmaster", "BUILDMASTER_", "BUILDMASTER_ENCRYPTION_KEY",
                             "BUILDMASTER_ENCRYPTION_KEY_FILE"},
    [PRODUCT_OTTER] = {"Otter", "otter", "OTTER_", "OTTER_ENCRYPTION_KEY", "OTTER_ENCRYPTION_KEY_FILE"},
};

/* Names that images of earlier versions had. */
static const struct {
    const char *image;
    enum product product;
} earlier_images[] = {
    {"progetcore", PRODUCT_PROGET}, /* 5.3, beside the one for Mono */
};

#define EARLIER_DATABASE "PROGET_DATABASE" /* up to 5.2 */

static const char *const connection_suffixes[] = {
    "SQL_CONNECTION_STRING",
    "SQL_CONNECTION_STRING_FILE",
    "POSTGRES_CONNECTION_STRING",
    "POSTGRES_CONNECTION_STRING_FILE",
};

const struct product_names *product_names(enum product product)
{
    size_t index = (size_t) product;
    return &products[index > PRODUCT_UNKNOWN && index < array_length(products) ? index : PRODUCT_PROGET];
}

enum product product_from_name(const char *name)
{
    for (size_t i = PRODUCT_PROGET; i < array_length(products); i++) {
        if (text_equal(name, products[i].name)) {
            return (enum product) i;
        }
    }
    return PRODUCT_UNKNOWN;
}

enum product product_from_image(const char *image)
{
    if (!image) {
        return PRODUCT_UNKNOWN;
    }
    /* The digest goes first: what is behind '@' may hold a ':'; a ':' before the last '/' is a port. */
    size_t end = strcspn(image, "@");
    size_t start = end;
    while (start > 0 && image[start - 1] != '/') {
        start--;
    }
    const char *colon = memchr(image + start, ':', end - start);
    size_t length = colon ? (size_t) (colon - (image + start)) : end - start;
    for (size_t i = PRODUCT_PROGET; i < array_length(products); i++) {
        if (strlen(products[i].image) == length && memcmp(image + start, products[i].image, length) == 0) {
            return (enum product) i;
        }
    }
    for (size_t i = 0; i < array_length(earlier_images); i++) {
        if (strlen(earlier_images[i].image) == length && memcmp(image + start, earlier_images[i].image, length) == 0) {
            return earlier_images[i].product;
        }
    }
    return PRODUCT_UNKNOWN;
}

/* `variable` is the product's prefix and then one of the connection-string names. */
static bool is_prefixed_connection_variable(const struct product_names *names, const char *variable)
{
    if (!text_starts_with(variable, names->prefix)) {
        return false;
    }
    for (size_t i = 0; i < array_length(connection_suffixes); i++) {
        if (text_equal(variable + strlen(names->prefix), connection_suffixes[i])) {
            return true;
        }
    }
    return false;
}

enum product product_from_variable(const char *variable)
{
    for (size_t i = PRODUCT_PROGET; variable && i < array_length(products); i++) {
        if (text_equal(variable, products[i].key_variable) || text_equal(variable, products[i].key_file_variable) ||
            is_prefixed_connection_variable(&products[i], variable)) {
            return (enum product) i;
        }
    }
    return PRODUCT_UNKNOWN;
}

bool product_is_connection_variable(enum product product, const char *variable)
{
    if (!variable) {
        return false;
    }
    bool is_earlier =
        product != PRODUCT_BUILDMASTER && product != PRODUCT_OTTER && text_equal(variable, EARLIER_DATABASE);
    return is_earlier || text_equal(variable, "SQL_CONNECTION_STRING") ||
           is_prefixed_connection_variable(product_names(product), variable);
}
