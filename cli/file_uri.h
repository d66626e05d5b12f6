/*
 * File names as URI references (RFC 3986).
 */
#ifndef PROGET_CLI_FILE_URI_H
#define PROGET_CLI_FILE_URI_H

/*
 * A relative name stays relative (without "./" before it), an absolute one becomes file:///...; what is not allowed in
 * a path is percent-encoded, whatever bytes it has. LOCATION_STANDARD_INPUT is "stdin". Owned by the caller.
 */
char *file_uri(const char *file);

#endif
