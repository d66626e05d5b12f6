/*
 * A map from text to a pointer, iterated in the order of insertion.
 */
#ifndef PROGET_CORE_MAP_H
#define PROGET_CORE_MAP_H

#include <stddef.h>

struct map;
struct map_entry; /* opaque position of an iteration */

typedef void map_value_free(void *value);

/* `free_value` (NULL: values are borrowed) runs on each value that leaves the map. */
struct map *map_new(map_value_free *free_value);
void map_free(struct map *map); /* NULL is allowed */

size_t map_count(const struct map *map);
void *map_get(const struct map *map, const char *key); /* NULL when absent */
/* Copies the key. A value that was there under it is freed, unless it is the same pointer. */
void map_put(struct map *map, const char *key, void *value);
void map_remove(struct map *map, const char *key); /* absent is no error */
void *map_take(struct map *map, const char *key);  /* removes without freeing; NULL when absent */
void map_clear(struct map *map);

/*
 * for (const struct map_entry *at = map_first(map); at; at = map_next(at)) { ... map_key(at) ... map_value(at) ... }
 * The entry just visited may be removed once its successor was taken.
 */
const struct map_entry *map_first(const struct map *map);
const struct map_entry *map_next(const struct map_entry *entry);
const char *map_key(const struct map_entry *entry);
void *map_value(const struct map_entry *entry);

#endif
