/*
 * Small checked helpers over text. None of them depends on the locale.
 */
#ifndef PROGET_CORE_TEXT_H
#define PROGET_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool text_equal(const char *a, const char *b); /* NULL equals NULL only */
bool text_equal_ignore_case(const char *a, const char *b);
bool text_starts_with(const char *text, const char *prefix);
bool text_ends_with(const char *text, const char *suffix);
bool text_is_empty(const char *text); /* NULL or "" */
bool text_contains_ignore_case(const char *text, const char *part);

/*
 * Letters to add, drop or change to get from one to the other (Levenshtein), whatever their case: for "did you mean".
 * SIZE_MAX where one is longer than TEXT_DISTANCE_LENGTH_MAX.
 */
enum { TEXT_DISTANCE_LENGTH_MAX = 64 };
size_t text_distance_ignore_case(const char *a, const char *b);

/* Whole text as a decimal number within [minimum, maximum]; no sign but '-', no spaces. 0 or ERROR_BAD_INPUT. */
int text_parse_int64(const char *text, int64_t minimum, int64_t maximum, int64_t *ret_value);

/* Copies into `target` (size bytes, at least 1), cut at a UTF-8 character's border with "..." when too long. */
void text_copy_cut(char *target, size_t size, const char *source);

/*
 * Replaces what is not printable, valid UTF-8 (control characters, broken sequences, bidirectional overrides) by '?',
 * in place: for texts of others before they go to a log, an annotation or a terminal.
 */
void text_make_printable(char *text);

/* Lower-case hexadecimal of `length` bytes into `target` (2 * length + 1 bytes). */
void text_to_hex(char *target, const uint8_t *bytes, size_t length);

/* FNV-1a, 64 bit; `seed` is the hash so far or TEXT_HASH_SEED. Not for secrets, not for identity across users. */
#define TEXT_HASH_SEED UINT64_C(0xcbf29ce484222325)
uint64_t text_hash(uint64_t seed, const void *bytes, size_t length);

#endif
