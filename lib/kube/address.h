/*
 * URLs of the API, below the server's own: paths, queries, and the words for them in messages.
 */
#ifndef PROGET_KUBE_ADDRESS_H
#define PROGET_KUBE_ADDRESS_H

#include "proget/core/buffer.h"
#include "proget/kube/client.h"

enum { URL_LENGTH_MAX = 48 * 1024, LABEL_LENGTH_MAX = 320 };

/* Appends with everything escaped but letters, digits and "-._~". ERROR_TOO_LARGE as the buffer says. */
int address_append_escaped(struct buffer *url, const char *text);
/* Appends "/api/v1/namespaces/x/pods/y/status". */
int address_append_path(struct buffer *url, const struct kube_address *address);
/* Appends "name=value" to a query (without its "?"), after "&" where it is not the first; the value is escaped. A NULL
 * value adds nothing. */
int address_append_parameter(struct buffer *query, const char *name, const char *value);

/* "PATCH pods/status proget/proget-0" or "LIST leases.coordination.k8s.io": printable, cut. */
void address_label(const char *verb, const struct kube_address *address, char target[LABEL_LENGTH_MAX]);

#endif
