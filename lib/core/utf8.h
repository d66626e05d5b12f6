/*
 * UTF-8 as RFC 3629 has it, for the readers of outside bytes.
 */
#ifndef PROGET_CORE_UTF8_H
#define PROGET_CORE_UTF8_H

#include <stddef.h>

/*
 * Length of the well-formed sequence at `bytes` (no overlong forms, no surrogates, nothing above U+10FFFF), or 0 where
 * there is none or where it does not end within `available` (1 or more) bytes.
 */
size_t utf8_sequence_length(const unsigned char *bytes, size_t available);

#endif
