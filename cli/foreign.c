#include "foreign.h"

#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/model/product.h"

/* Objects from which a controller in the cluster makes others. */
static const struct {
    const char *group, *kind, *by;
} releases[] = {
    {"helm.toolkit.fluxcd.io/", "HelmRelease", "Flux"},
    {"helm.fluxcd.io/", "HelmRelease", "Flux"},
    {"argoproj.io/", "Application", "Argo CD"},
    {"argoproj.io/", "ApplicationSet", "Argo CD"},
    {"helm.cattle.io/", "HelmChart", "K3s"},
};

bool foreign_is_kustomization(const char *name)
{
    return text_equal(name, "kustomization.yaml") || text_equal(name, "kustomization.yml") ||
           text_equal(name, "Kustomization");
}

bool foreign_is_chart(const char *name)
{
    return text_equal(name, "Chart.yaml");
}

bool foreign_is_of_chart(const char *name)
{
    bool is_values =
        text_starts_with(name, "values") && (text_ends_with(name, ".yaml") || text_ends_with(name, ".yml"));
    return is_values || foreign_is_chart(name) || text_equal(name, "values.schema.json") ||
           text_equal(name, "requirements.yaml") || text_equal(name, "templates") || text_equal(name, "charts");
}

const char *foreign_document(struct json_object *value)
{
    if (json_object_is_type(json_member(value, "services"), json_type_object)) {
        return "a Compose file; kompose convert makes manifests of it";
    }
    return NULL;
}

/* A word of it is an image or chart of a product, or one of its variables. */
static bool text_names_product(const char *text)
{
    static const char separators[] = " \t\r\n\"',;=[]{}";
    while (*text) {
        text += strspn(text, separators);
        size_t length = strcspn(text, separators);
        cleanup_free char *word = xstrndup(text, length);
        if (product_from_image(word) != PRODUCT_UNKNOWN || product_from_variable(word) != PRODUCT_UNKNOWN) {
            return true;
        }
        text += length;
    }
    return false;
}

/* No deeper than the reader lets it be. */
static bool names_product(struct json_object *value)
{
    if (json_object_is_type(value, json_type_string)) {
        return text_names_product(json_object_get_string(value));
    }
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            if (names_product(json_object_array_get_idx(value, i))) {
                return true;
            }
        }
    }
    if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, key, member)
        {
            if (product_from_variable(key) != PRODUCT_UNKNOWN || names_product(member)) {
                return true;
            }
        }
    }
    return false;
}

const char *foreign_release(struct json_object *value)
{
    const char *api_version = json_text_at(value, "apiVersion", "");
    const char *kind = json_text_at(value, "kind", "");
    for (size_t i = 0; i < array_length(releases); i++) {
        if (text_starts_with(api_version, releases[i].group) && text_equal(kind, releases[i].kind)) {
            return names_product(json_member(value, "spec")) ? releases[i].by : NULL;
        }
    }
    return NULL;
}
