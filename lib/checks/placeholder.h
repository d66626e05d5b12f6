/*
 * Texts in manifests that stand for a value which another tool puts there. Pure.
 */
#ifndef PROGET_CHECKS_PLACEHOLDER_H
#define PROGET_CHECKS_PLACEHOLDER_H

#include <stdbool.h>

/*
 * The whole text is encrypted (SOPS: "ENC[...]") or is filled in before the API server sees it: "${KEY}", "$KEY",
 * "{{ .Values.key }}", "#{Key}#", "<path:secret#key>", "__KEY__", "%KEY%", "ref+vault://...". NULL is none.
 */
bool placeholder_is(const char *text);
/* The whole text is a reference that is followed in the container when it starts: "vault:...", "op://...". */
bool placeholder_is_followed_in_container(const char *text);

#endif
