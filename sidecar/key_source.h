/*
 * Where the product's encryption key comes from, as far as the sidecar can tell, and its fingerprint. The key is read,
 * judged and wiped at once.
 *
 * Sources are tried in the order of the table in key_source.c, most truthful first; each says that it has something
 * to tell or leaves it to the next. (The environment of the product's own process would come first in that table; it
 * needs rights that the sidecar does not ask for by default.)
 */
#ifndef SIDECAR_KEY_SOURCE_H
#define SIDECAR_KEY_SOURCE_H

#include "proget/model/key.h"
#include "proget/model/product.h"

struct key_facts {
    const char *source; /* "file", "env", "config", "none": as in a report; static */
    enum key_form form;
    char fingerprint[KEY_FINGERPRINT_SIZE]; /* "": none, the form is neither ok nor public */
};

struct key_place {
    enum product product;
    const char *namespace_name;
    const char *config_file; /* the product's configuration, where it is visible; NULL: it is not */
};

/*
 * Reads the variables (of this process), the file that _FILE names, or the configuration file. Never fails: what is
 * not there is a form of its own. With the form KEY_UNREADABLE it is worth asking again later.
 */
struct key_facts key_source_read(const struct key_place *place);

/* Overwrites the values of all key variables in this process's environment: its memory and /proc/self/environ. */
void key_source_wipe_environment(void);

/* The fingerprint of the key in a mounted Secret as it is now. Returns its form; `target` is "" unless ok or public. */
enum key_form key_source_read_file(const char *path, const char *namespace_name, char target[KEY_FINGERPRINT_SIZE]);

#endif
