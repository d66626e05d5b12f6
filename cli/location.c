#include "location.h"

#include "proget/checks/check.h"
#include "proget/core/map.h"
#include "proget/core/memory.h"

struct location_table {
    struct map *files;   /* name to the same name */
    struct map *objects; /* "Kind namespace/name" to struct location */
};

struct location_table *location_table_new(void)
{
    struct location_table *table = xcalloc(1, sizeof *table);
    table->files = map_new(free);
    table->objects = map_new(free);
    return table;
}

void location_table_free(struct location_table *table)
{
    if (table) {
        map_free(table->objects);
        map_free(table->files);
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

bool location_table_put(struct location_table *table, const char *kind, const char *namespace_name, const char *name,
                        struct location location)
{
    cleanup_free char *key = key_of(kind, namespace_name, name);
    struct location *known = map_get(table->objects, key);
    if (known) {
        *known = location;
        return true;
    }
    struct location *kept = xmalloc(sizeof *kept);
    *kept = location;
    map_put(table->objects, key, kept);
    return false;
}

const struct location *location_of_object(const struct location_table *table, const struct object_reference *object)
{
    if (!object->kind || !object->name) {
        return NULL;
    }
    cleanup_free char *key = key_of(object->kind, object->namespace_name, object->name);
    return map_get(table->objects, key);
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
