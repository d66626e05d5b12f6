#include "proget/core/map.h"

#include <string.h>

#include "hash_table.h"
#include "proget/core/memory.h"

struct map_entry {
    UT_hash_handle hh; /* keeps the order of insertion as well */
    void *value;
    char key[];
};

struct map {
    struct map_entry *entries;
    map_value_free *free_value;
};

struct map *map_new(map_value_free *free_value)
{
    struct map *map = xcalloc(1, sizeof(*map));
    map->free_value = free_value;
    return map;
}

void map_free(struct map *map)
{
    if (map == NULL) {
        return;
    }
    map_clear(map);
    free(map);
}

size_t map_count(const struct map *map)
{
    return HASH_COUNT(map->entries);
}

static struct map_entry *map_find(const struct map *map, const char *key)
{
    struct map_entry *entry = NULL;
    HASH_FIND(hh, map->entries, key, strlen(key), entry);
    return entry;
}

/* The entry leaves the map before its value is freed, so that a free function that looks here finds it gone. */
static void *map_detach(struct map *map, struct map_entry *entry)
{
    void *value = entry->value;
    HASH_DELETE(hh, map->entries, entry);
    free(entry);
    return value;
}

static void map_drop_value(const struct map *map, void *value)
{
    if (map->free_value != NULL && value != NULL) {
        map->free_value(value);
    }
}

void *map_get(const struct map *map, const char *key)
{
    const struct map_entry *entry = map_find(map, key);
    return entry == NULL ? NULL : entry->value;
}

void map_put(struct map *map, const char *key, void *value)
{
    struct map_entry *entry = map_find(map, key);
    if (entry != NULL) {
        void *old = entry->value;
        entry->value = value;
        if (old != value) {
            map_drop_value(map, old);
        }
        return;
    }
    size_t length = strlen(key);
    entry = xmalloc(sizeof(*entry) + length + 1);
    memset(entry, 0, sizeof(*entry));
    entry->value = value;
    memcpy(entry->key, key, length + 1);
    HASH_ADD_KEYPTR(hh, map->entries, entry->key, length, entry);
}

void map_remove(struct map *map, const char *key)
{
    map_drop_value(map, map_take(map, key));
}

void *map_take(struct map *map, const char *key)
{
    struct map_entry *entry = map_find(map, key);
    return entry == NULL ? NULL : map_detach(map, entry);
}

void map_clear(struct map *map)
{
    while (map->entries != NULL) {
        map_drop_value(map, map_detach(map, map->entries));
    }
}

const struct map_entry *map_first(const struct map *map)
{
    return map->entries;
}

const struct map_entry *map_next(const struct map_entry *entry)
{
    return entry->hh.next;
}

const char *map_key(const struct map_entry *entry)
{
    return entry->key;
}

void *map_value(const struct map_entry *entry)
{
    return entry->value;
}
