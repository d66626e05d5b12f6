#include "basis.h"

#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/kube/resource_version.h"

/*
 * What the kind is called in a basis: "pods"; of one that is watched by parts, "events reason=Evicted". No path, for it
 * may have dots. Owned.
 */
static char *name_of(enum model_kind kind)
{
    const struct model_kind_info *info = model_kind_info(kind);
    return info->field_selector ? xasprintf("%s %s", info->plural, info->field_selector) : xstrdup(info->plural);
}

struct json_object *basis_build(const struct basis_source *source, const char *namespace_name)
{
    struct json_object *basis = json_object_new_object();
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        struct intake_versions versions;
        bool is_seen = source->versions((enum model_kind) kind, namespace_name, &versions, source->userdata);
        if (is_seen && !text_is_empty(versions.changed)) {
            cleanup_free char *name = name_of((enum model_kind) kind);
            json_add_text(basis, name, versions.changed);
        }
    }
    return basis;
}

bool basis_is_reached(const struct basis_source *source, const char *namespace_name, struct json_object *basis,
                      enum model_kind *ret_kind)
{
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        cleanup_free char *name = name_of((enum model_kind) kind);
        struct json_object *value = json_member(basis, name);
        const char *wanted = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
        struct intake_versions versions;
        if (!resource_version_is_valid(wanted) ||
            !source->versions((enum model_kind) kind, namespace_name, &versions, source->userdata)) {
            continue;
        }
        if (text_is_empty(versions.seen) || resource_version_is_older(versions.seen, wanted)) {
            *ret_kind = (enum model_kind) kind;
            return false;
        }
    }
    return true;
}
