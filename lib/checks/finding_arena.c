#include "finding_arena.h"

#include <stdalign.h>
#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

#include "condition_name.h"

/* Small pieces share a block; a piece that would not fit into one has its own. */
enum { BLOCK_BYTES = 32 * 1024, PIECE_BYTES_MAX = BLOCK_BYTES / 8 };

struct finding_arena {
    void **blocks;
    size_t count, capacity;
    char *open; /* the block that small pieces come from; NULL: none yet */
    size_t taken;
    bool unjudged[CONDITION_COUNT];
};

struct finding_arena *finding_arena_new(void)
{
    return xcalloc(1, sizeof(struct finding_arena));
}

void finding_arena_free(struct finding_arena *arena)
{
    if (!arena) {
        return;
    }
    for (size_t i = 0; i < arena->count; i++) {
        free(arena->blocks[i]);
    }
    free(arena->blocks);
    free(arena);
}

static void *block_add(struct finding_arena *arena, size_t count, size_t size)
{
    if (arena->count == arena->capacity) {
        arena->capacity = arena->capacity ? arena->capacity * 2 : 8;
        arena->blocks = xrealloc(arena->blocks, arena->capacity, sizeof *arena->blocks);
    }
    return arena->blocks[arena->count++] = xcalloc(count, size);
}

void *finding_arena_take(struct finding_arena *arena, size_t count, size_t size)
{
    if (count > PIECE_BYTES_MAX || size > PIECE_BYTES_MAX || count * size > PIECE_BYTES_MAX) {
        return block_add(arena, count, size);
    }
    size_t bytes = (count * size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    if (!arena->open || arena->taken + bytes > BLOCK_BYTES) {
        arena->open = block_add(arena, BLOCK_BYTES, 1);
        arena->taken = 0;
    }
    void *piece = arena->open + arena->taken;
    arena->taken += bytes;
    return piece;
}

char *finding_arena_text(struct finding_arena *arena, const char *text)
{
    return text ? finding_arena_text_cut(arena, text, strlen(text) + 1) : NULL;
}

char *finding_arena_text_cut(struct finding_arena *arena, const char *text, size_t size)
{
    if (!text) {
        return NULL;
    }
    size_t needed = strlen(text) + 1;
    if (needed < size) {
        size = needed;
    }
    char *copy = finding_arena_take(arena, size, 1);
    text_copy_cut(copy, size, text);
    text_make_printable(copy);
    return copy;
}

void finding_arena_mark_unjudged(struct finding_arena *arena, const char *condition)
{
    int index = condition_index(condition);
    if (index >= 0) {
        arena->unjudged[index] = true;
    }
}

bool finding_arena_is_unjudged(const struct finding_arena *arena, const char *condition)
{
    int index = condition_index(condition);
    return arena && index >= 0 && arena->unjudged[index];
}
