/*
 * PEM texts held against what they are said to be, before a connection fails on them with fewer words.
 */
#ifndef PROGET_KUBE_CERTIFICATE_H
#define PROGET_KUBE_CERTIFICATE_H

#include "proget/core/error.h"

/* ERROR_BAD_INPUT unless there is at least one certificate in it and each can be read. `name`: what messages call it.
 */
int certificate_check_bundle(const char *pem, const char *name, struct error *err);
/* ERROR_BAD_INPUT unless the first certificate belongs to the key. No text tells anything of the key. */
int certificate_check_pair(const char *certificate_pem, const char *key_pem, struct error *err);

#endif
