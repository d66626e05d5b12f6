/*
 * What a pod's spec, its report and, offline, the Secrets in the input tell about its encryption key.
 */
#ifndef PROGET_CHECKS_KEY_FACT_H
#define PROGET_CHECKS_KEY_FACT_H

#include "proget/checks/check.h"

enum key_setting_kind {
    KEY_SETTING_NONE,       /* not set, or set to nothing */
    KEY_SETTING_LITERAL,    /* in the spec itself */
    KEY_SETTING_SECRET,     /* valueFrom.secretKeyRef, or an envFrom that is known to bring it */
    KEY_SETTING_CONFIG_MAP, /* valueFrom.configMapKeyRef */
    KEY_SETTING_OTHER,      /* set, from where it cannot be followed: fieldRef, $(VARIABLE), "vault:..." */
    KEY_SETTING_OPTIONAL,   /* an optional reference: perhaps not set */
    KEY_SETTING_ENV_FROM,   /* an envFrom could bring it */
};

/* One variable of the product's own, such as the key's or its _FILE form's. Texts borrowed from the spec, but `value`.
 */
struct key_setting {
    enum key_setting_kind kind;
    const char *object_name, *object_key; /* of the Secret or ConfigMap */
    char *value;                          /* as far as it is known: literal, or Secret in the input; owned, wiped */
};

/* How the subject's product container (which it must have) gets the variable. Freed with key_setting_clear(). */
void key_setting_read(const struct check_context *context, const struct subject *subject, const char *name,
                      struct key_setting *ret_setting);
void key_setting_clear(struct key_setting *setting);
#define cleanup_key_setting __attribute__((cleanup(key_setting_clear)))

struct key_fact {
    struct key_setting variable; /* PROGET_ENCRYPTION_KEY */
    struct key_setting file;     /* PROGET_ENCRYPTION_KEY_FILE */
    char *key;                   /* the key itself where it is known, no placeholder in a manifest; owned, wiped */
    const struct report *report; /* NULL: none that counts */
};

/* Reads the subject's product container (which it must have). Freed with key_fact_clear(). */
void key_fact_read(const struct check_context *context, const struct subject *subject, struct key_fact *ret_fact);
void key_fact_clear(struct key_fact *fact);
#define cleanup_key_fact __attribute__((cleanup(key_fact_clear)))

bool key_setting_is_certain(const struct key_setting *setting); /* it is set, whatever to */
bool key_setting_is_possible(const struct key_setting *setting);

/* Form of the key that the spec names, KEY_UNKNOWN where its value is not known. */
enum key_form key_fact_spec_form(const struct key_fact *fact);
/* KEY_MALFORMED or else KEY_PUBLIC where the spec or the report says so; otherwise what the spec says. */
enum key_form key_fact_worst_form(const struct key_fact *fact);
/* Where the spec takes the key from, such that equal texts are one source; NULL: unknown or nowhere. Owned. */
char *key_fact_source(const struct key_fact *fact, const struct subject *subject);
/*
 * Fingerprint of the key that the server runs with: the report's unless the product's container was restarted after
 * the Secret had changed; else of the value in the spec or the input. NULL: unknown. Owned.
 */
char *key_fact_fingerprint(const struct key_fact *fact, const struct subject *subject);

/*
 * The Secret was changed under the sidecar, and the product's container started later than it: which key the product
 * holds is unknown.
 */
bool key_fact_is_uncertain(const struct key_fact *fact, const struct subject *subject);
bool key_fact_has_drifted(const struct key_fact *fact);

#endif
