#include "finding_arena.h"

#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

#include "condition_name.h"

struct finding_arena {
    void **blocks;
    size_t count, capacity;
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

void *finding_arena_take(struct finding_arena *arena, size_t count, size_t size)
{
    if (arena->count == arena->capacity) {
        arena->capacity = arena->capacity ? arena->capacity * 2 : 32;
        arena->blocks = xrealloc(arena->blocks, arena->capacity, sizeof *arena->blocks);
    }
    return arena->blocks[arena->count++] = xcalloc(count, size);
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
