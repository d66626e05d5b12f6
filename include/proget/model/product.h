/*
 * The three products and the names that follow from them.
 */
#ifndef PROGET_MODEL_PRODUCT_H
#define PROGET_MODEL_PRODUCT_H

#include <stdbool.h>

enum product { PRODUCT_UNKNOWN, PRODUCT_PROGET, PRODUCT_BUILDMASTER, PRODUCT_OTTER };

struct product_names {
    const char *name;              /* "ProGet", as in spec.product and in /health */
    const char *image;             /* last path segment of the image: "proget" */
    const char *prefix;            /* of its environment variables: "PROGET_" */
    const char *key_variable;      /* "PROGET_ENCRYPTION_KEY" */
    const char *key_file_variable; /* "PROGET_ENCRYPTION_KEY_FILE" */
};

/* Static. PRODUCT_UNKNOWN gives ProGet's. */
const struct product_names *product_names(enum product product);
enum product product_from_name(const char *name); /* by `name`; PRODUCT_UNKNOWN otherwise, NULL included */
/*
 * By the image's last path segment, without tag and digest: "host:5000/x/proget:25.0.13" is ProGet. So is "progetcore",
 * as ProGet 5.3 was called.
 */
enum product product_from_image(const char *image);
/* By a variable of the product's own: key or connection string, with or without _FILE, under one of the prefixes. */
enum product product_from_variable(const char *variable);
/* The product's connection-string variables (…SQL_CONNECTION_STRING, …POSTGRES_CONNECTION_STRING, each with _FILE, and
 * the older unprefixed SQL_CONNECTION_STRING; ProGet's still older PROGET_DATABASE). */
bool product_is_connection_variable(enum product product, const char *variable);

#endif
