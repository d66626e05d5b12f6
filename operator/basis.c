#include "basis.h"

#include "proget/core/text.h"
#include "proget/kube/resource_version.h"

struct json_object *basis_build(const struct basis_source *source, const char *namespace_name)
{
    struct json_object *basis = json_object_new_object();
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        struct intake_versions versions;
        bool is_seen = source->versions((enum model_kind) kind, namespace_name, &versions, source->userdata);
        if (is_seen && !text_is_empty(versions.changed)) {
            json_add_text(basis, model_kind_info((enum model_kind) kind)->plural, versions.changed);
        }
    }
    return basis;
}

bool basis_is_reached(const struct basis_source *source, const char *namespace_name, struct json_object *basis,
                      enum model_kind *ret_kind)
{
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        const char *wanted = json_text_at(basis, model_kind_info((enum model_kind) kind)->plural, "");
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
