/*
 * What a finding_list owns: its texts and arrays, freed together, and which conditions could not be judged.
 */
#ifndef PROGET_CHECKS_FINDING_ARENA_H
#define PROGET_CHECKS_FINDING_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct finding_arena;

struct finding_arena *finding_arena_new(void);
void finding_arena_free(struct finding_arena *arena); /* NULL is allowed */

/* Zeroed memory for `count` elements of `size` bytes; it lives as long as the arena. */
void *finding_arena_take(struct finding_arena *arena, size_t count, size_t size);
/* A printable copy; NULL gives NULL. */
char *finding_arena_text(struct finding_arena *arena, const char *text);
/* The same of at most `size` bytes with the terminator, cut with "...". */
char *finding_arena_text_cut(struct finding_arena *arena, const char *text, size_t size);

/* A check of this condition (NULL: of none) lacked a fact. */
void finding_arena_mark_unjudged(struct finding_arena *arena, const char *condition);
bool finding_arena_is_unjudged(const struct finding_arena *arena, const char *condition);

#endif
