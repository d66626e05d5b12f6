/*
 * Memory of one assembly: taken piece by piece, given back at once.
 */
#ifndef PROGET_MODEL_ARENA_H
#define PROGET_MODEL_ARENA_H

#include <stddef.h>

struct model_arena;

struct model_arena *model_arena_new(void);
void model_arena_free(struct model_arena *arena); /* NULL is allowed */
/* Zeroed, aligned for any struct; `count` 0 gives a pointer that is not to be read. Never NULL. */
void *model_arena_take(struct model_arena *arena, size_t count, size_t size);
char *model_arena_textf(struct model_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
