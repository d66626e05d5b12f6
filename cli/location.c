#include "location.h"

#include <string.h>

#include "proget/checks/check.h"
#include "proget/core/map.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { SLOTS_LEAST = 64 };

struct entry {
    uint64_t hash;
    size_t key; /* where it begins in `keys` */
    struct location location;
};

/*
 * A dump has tens of thousands of objects, each read between the trees of two others. So entries and keys lie in few
 * large blocks: small ones would stay behind in the middle of the memory that every tree uses anew.
 */
struct location_table {
    struct map *files; /* name to the same name */
    struct entry *entries;
    size_t count, capacity;
    char *keys; /* "Kind namespace/name", each with its NUL */
    size_t key_bytes, key_capacity;
    size_t *slots;     /* open addressing: index into entries + 1; 0: free */
    size_t slot_count; /* a power of two, at least twice the entries */
};

struct location_table *location_table_new(void)
{
    struct location_table *table = xcalloc(1, sizeof *table);
    table->files = map_new(free);
    table->slot_count = SLOTS_LEAST;
    table->slots = xcalloc(table->slot_count, sizeof *table->slots);
    return table;
}

void location_table_free(struct location_table *table)
{
    if (table) {
        map_free(table->files);
        free(table->entries);
        free(table->keys);
        free(table->slots);
        free(table);
    }
}

const char *location_table_file(struct location_table *table, const char *name)
{
    char *kept = map_get(table->files, name);
    if (!kept) {
        kept = xstrdup(name);
        map_put(table->files, name, kept);
    }
    return kept;
}

/* Of the kind alone, not its group or version: the model keeps one object under a name, whatever version it came in. */
static char *key_of(const char *kind, const char *namespace_name, const char *name)
{
    return xasprintf("%s %s/%s", kind, namespace_name ? namespace_name : "", name);
}

static uint64_t hash_of(const char *key)
{
    return text_hash(TEXT_HASH_SEED, key, strlen(key));
}

/* The slot of the key, or the free one where it belongs: there always is one. */
static size_t find_slot(const struct location_table *table, const char *key, uint64_t hash)
{
    size_t at = (size_t) hash & (table->slot_count - 1);
    while (table->slots[at] > 0) {
        const struct entry *entry = &table->entries[table->slots[at] - 1];
        if (entry->hash == hash && text_equal(table->keys + entry->key, key)) {
            break;
        }
        at = (at + 1) & (table->slot_count - 1);
    }
    return at;
}

static void grow_slots(struct location_table *table)
{
    free(table->slots);
    table->slot_count *= 2;
    table->slots = xcalloc(table->slot_count, sizeof *table->slots);
    for (size_t i = 0; i < table->count; i++) {
        const struct entry *entry = &table->entries[i];
        table->slots[find_slot(table, table->keys + entry->key, entry->hash)] = i + 1;
    }
}

static void add_entry(struct location_table *table, const char *key, uint64_t hash, struct location location)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity > 0 ? 2 * table->capacity : SLOTS_LEAST;
        table->entries = xrealloc(table->entries, table->capacity, sizeof *table->entries);
    }
    size_t length = strlen(key) + 1;
    if (table->key_capacity - table->key_bytes < length) {
        table->key_capacity = 2 * (table->key_capacity + length);
        table->keys = xrealloc(table->keys, table->key_capacity, 1);
    }
    memcpy(table->keys + table->key_bytes, key, length);
    table->entries[table->count++] = (struct entry){.hash = hash, .key = table->key_bytes, .location = location};
    table->key_bytes += length;
    if (2 * table->count > table->slot_count) {
        grow_slots(table); /* finds a place for the new one as well */
    } else {
        table->slots[find_slot(table, key, hash)] = table->count;
    }
}

bool location_table_put(struct location_table *table, const char *kind, const char *namespace_name, const char *name,
                        struct location location)
{
    cleanup_free char *key = key_of(kind, namespace_name, name);
    uint64_t hash = hash_of(key);
    size_t index = table->slots[find_slot(table, key, hash)];
    if (index > 0) {
        table->entries[index - 1].location = location;
        return true;
    }
    add_entry(table, key, hash, location);
    return false;
}

const struct location *location_of_object(const struct location_table *table, const struct object_reference *object)
{
    if (!object->kind || !object->name) {
        return NULL;
    }
    cleanup_free char *key = key_of(object->kind, object->namespace_name, object->name);
    size_t index = table->slots[find_slot(table, key, hash_of(key))];
    return index > 0 ? &table->entries[index - 1].location : NULL;
}

static const struct location *location_of_cluster(const struct location_table *table, const struct cluster *cluster)
{
    const struct location *location = NULL;
    if (cluster->resource) {
        struct object_reference reference = reference_to_cluster(cluster);
        location = location_of_object(table, &reference);
    }
    for (size_t i = 0; i < cluster->workload_count && !location; i++) {
        struct object_reference reference = reference_to_workload(cluster->workloads[i]);
        location = location_of_object(table, &reference);
    }
    for (size_t i = 0; i < cluster->subject_count && !location; i++) {
        struct object_reference reference = reference_to_subject(&cluster->subjects[i]);
        location = location_of_object(table, &reference);
    }
    for (size_t i = 0; i < cluster->server_count && !location; i++) {
        struct object_reference reference = reference_to_server(&cluster->servers[i]);
        location = location_of_object(table, &reference);
    }
    return location;
}

const struct location *location_of_finding(const struct location_table *table, const struct cluster *cluster,
                                           const struct finding *finding)
{
    const struct location *location = location_of_object(table, &finding->object);
    for (size_t i = 0; i < finding->related_count && !location; i++) {
        location = location_of_object(table, &finding->related[i]);
    }
    return location ? location : location_of_cluster(table, cluster);
}
