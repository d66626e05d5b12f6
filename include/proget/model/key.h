/*
 * The encryption key: its form and its fingerprint. The key itself never leaves these functions; callers wipe theirs.
 */
#ifndef PROGET_MODEL_KEY_H
#define PROGET_MODEL_KEY_H

enum key_form {
    KEY_UNKNOWN,
    KEY_OK,
    KEY_MALFORMED, /* not 32 hexadecimal digits once surrounding white space is trimmed */
    KEY_PUBLIC,    /* well-formed, but everybody's: the documentation's example, all one digit, a plain sequence */
    KEY_CONFLICT,  /* variable and _FILE both set: the product refuses that */
    KEY_ABSENT,
    KEY_UNREADABLE, /* the file is not there or may not be read */
};

const char *key_form_text(enum key_form form);      /* "ok", "malformed", ...; KEY_UNKNOWN gives NULL */
enum key_form key_form_from_text(const char *text); /* KEY_UNKNOWN for anything else, NULL included */

/* KEY_OK, KEY_MALFORMED, KEY_PUBLIC; KEY_ABSENT for NULL and for white space alone. */
enum key_form key_form_of(const char *key);

enum { KEY_FINGERPRINT_SIZE = sizeof "hmac-sha256:" + 32 };

/*
 * HMAC-SHA256 over the decoded bytes, keyed with "proget-operator/v1/<namespace>", first 128 bits in hex, behind
 * "hmac-sha256:". Hex case and surrounding white space do not matter. 0, or ERROR_BAD_INPUT for a malformed key (target
 * untouched).
 */
int key_fingerprint(const char *key, const char *namespace_name, char target[KEY_FINGERPRINT_SIZE]);

#endif
