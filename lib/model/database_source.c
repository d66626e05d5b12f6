#include "database_source.h"

#include <string.h>

#include "proget/core/text.h"

/* The rest of `path` below the mount, without a leading slash; NULL when it is not below. */
static const char *path_below(const char *path, const char *mount_path)
{
    if (mount_path == NULL || !text_starts_with(path, mount_path)) {
        return NULL;
    }
    size_t length = strlen(mount_path);
    if (length > 0 && mount_path[length - 1] == '/') {
        return path + length;
    }
    if (path[length] == '\0') {
        return path + length;
    }
    return path[length] == '/' ? path + length + 1 : NULL;
}

static const struct volume *volume_named(const struct pod_spec *spec, const char *name)
{
    record_list_each (const struct volume *, volume, &spec->volumes) {
        if (name != NULL && text_equal(volume->name, name)) {
            return volume;
        }
    }
    return NULL;
}

/* The same path in two pods may be two files: what counts is the volume that lies there. The deepest mount wins. */
static struct database_source source_of_file(const struct pod_spec *spec, const struct container *container,
                                             const char *path)
{
    const struct volume_mount *deepest = NULL;
    record_list_each (const struct volume_mount *, mount, &container->mounts) {
        if (path_below(path, mount->path) != NULL && (deepest == NULL || strlen(mount->path) > strlen(deepest->path))) {
            deepest = mount;
        }
    }
    const struct volume *volume = deepest == NULL ? NULL : volume_named(spec, deepest->name);
    if (volume == NULL) {
        return (struct database_source){0};
    }
    /* A mount of one file has its name in subPath. */
    const char *below = path_below(path, deepest->path);
    const char *file = below[0] == '\0' && deepest->sub_path != NULL ? deepest->sub_path : below;
    if (volume->secret_name != NULL) {
        return (struct database_source){.form = "file of secret", .first = volume->secret_name, .second = file};
    }
    if (volume->claim_name != NULL) {
        return (struct database_source){.form = "file of claim", .first = volume->claim_name, .second = file};
    }
    return (struct database_source){0};
}

static struct database_source source_of_variable(const struct pod_spec *spec, const struct container *container,
                                                 const struct env_variable *variable)
{
    if (variable->secret_name != NULL) {
        return (struct database_source){
            .form = "secret", .first = variable->secret_name, .second = variable->secret_key};
    }
    if (variable->config_map_name != NULL) {
        return (struct database_source){
            .form = "configMap", .first = variable->config_map_name, .second = variable->config_map_key};
    }
    if (variable->value == NULL || variable->value[0] == '\0') {
        return (struct database_source){0};
    }
    if (text_ends_with(variable->name, "_FILE")) {
        return source_of_file(spec, container, variable->value);
    }
    return (struct database_source){.form = "value", .first = variable->value};
}

struct database_source database_source_of(const struct pod_spec *spec, const struct container *container,
                                          enum product product)
{
    struct database_source source = {0};
    if (container == NULL) {
        return source;
    }
    record_list_each (const struct env_variable *, variable, &container->env) {
        bool counts = product_is_connection_variable(product, variable->name) &&
                      container_variable(container, variable->name) == variable;
        if (counts && source.form == NULL) {
            source = source_of_variable(spec, container, variable);
        }
    }
    return source;
}

bool database_source_is_shared(const struct database_source *a, const struct database_source *b)
{
    return a->form != NULL && text_equal(a->form, b->form) && text_equal(a->first, b->first) &&
           text_equal(a->second, b->second);
}
