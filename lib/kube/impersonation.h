/*
 * Impersonation's headers.
 */
#ifndef PROGET_KUBE_IMPERSONATION_H
#define PROGET_KUBE_IMPERSONATION_H

/*
 * A key of extra information as it stands in a header's name: what cannot stand there, and '%', is percent-encoded. The
 * API server turns it back, in lower case. Owned.
 */
char *impersonation_escape(const char *key);

#endif
