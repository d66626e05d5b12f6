#include "model_arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>

#include "proget/core/memory.h"

enum { ARENA_BLOCK_SIZE = 16 * 1024 };

struct arena_block {
    struct arena_block *previous;
    size_t used, size;
    alignas(max_align_t) char bytes[];
};

struct model_arena {
    struct arena_block *last;
};

struct model_arena *model_arena_new(void)
{
    return xcalloc(1, sizeof(struct model_arena));
}

void model_arena_free(struct model_arena *arena)
{
    if (arena == NULL) {
        return;
    }
    while (arena->last != NULL) {
        struct arena_block *previous = arena->last->previous;
        free(arena->last);
        arena->last = previous;
    }
    free(arena);
}

void *model_arena_take(struct model_arena *arena, size_t count, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes) ||
        __builtin_add_overflow(bytes, alignof(max_align_t) - 1, &bytes)) {
        abort();
    }
    bytes -= bytes % alignof(max_align_t);
    if (arena->last == NULL || arena->last->size - arena->last->used < bytes) {
        size_t block_size = bytes > ARENA_BLOCK_SIZE ? bytes : ARENA_BLOCK_SIZE;
        struct arena_block *block = xcalloc(1, sizeof(*block) + block_size);
        block->previous = arena->last;
        block->size = block_size;
        arena->last = block;
    }
    void *piece = arena->last->bytes + arena->last->used;
    arena->last->used += bytes;
    return piece;
}

char *model_arena_textf(struct model_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        abort();
    }
    char *text = model_arena_take(arena, (size_t) length + 1, 1);
    (void) vsnprintf(text, (size_t) length + 1, format, again);
    va_end(again);
    return text;
}
