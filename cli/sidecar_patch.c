#include "sidecar_patch.h"

#include <assert.h>
#include <string.h>

#include "embedded.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/core/yaml.h"

#define KEY_VOLUME "proget-sidecar-key"

/* --- the component's files --- */

struct pick {
    size_t index; /* of the document that is meant */
    struct json_object *found;
};

static int on_object(struct json_object *value, struct yaml_position at, void *userdata)
{
    (void) at;
    struct pick *pick = userdata;
    if (pick->index-- == 0) {
        pick->found = json_object_get(value);
    }
    return 0;
}

static void on_problem(const struct error *err, struct yaml_position at, void *userdata)
{
    (void) err;
    (void) at;
    (void) userdata;
}

/* They are part of the program, and tested with it. */
static struct json_object *document(const char *name, size_t index)
{
    const struct embedded_file *file = embedded_find(sidecar_files, sidecar_files_count, name);
    assert(file);
    struct pick pick = {.index = index};
    struct yaml_reader *reader = yaml_reader_open_text(file->text, file->length, file->name);
    (void) yaml_read_objects(reader, on_object, on_problem, &pick);
    yaml_reader_free(reader);
    assert(pick.found);
    return pick.found;
}

/* The element of a list with that name; NULL where there is none. Borrowed. */
static struct json_object *named(struct json_object *list, const char *name, size_t *ret_index)
{
    size_t count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        if (text_equal(json_text_at(item, "name", NULL), name)) {
            *ret_index = i;
            return item;
        }
    }
    return NULL;
}

static void remove_named(struct json_object *list, const char *name)
{
    size_t index;
    if (named(list, name, &index)) {
        (void) json_object_array_del_idx(list, index, 1);
    }
}

static void set_text(struct json_object *object, const char *name, const char *text)
{
    json_object_object_add(object, name, json_object_new_string(text));
}

static struct json_object *add_named(struct json_object *list, const char *name)
{
    struct json_object *item = json_object_new_object();
    json_add_text(item, "name", name);
    json_object_array_add(list, item);
    return item;
}

/* --- the key --- */

/* What is filled in. Borrowed from the patch. */
struct parts {
    struct json_object *sidecar, *arguments, *environment, *mounts, *volumes;
};

static void take_secret(struct parts *parts, const char *variable, const struct env_variable *source)
{
    bool is_secret = source->secret_name != NULL;
    const char *name = is_secret ? source->secret_name : source->config_map_name;
    const char *key = is_secret ? source->secret_key : source->config_map_key;
    struct json_object *from = json_add_object(add_named(parts->environment, variable), "valueFrom");
    struct json_object *reference = json_add_object(from, is_secret ? "secretKeyRef" : "configMapKeyRef");
    json_add_text(reference, "name", name);
    json_add_text(reference, "key", key);
    json_add_bool(reference, "optional", true);
    remove_named(parts->volumes, KEY_VOLUME);
    struct json_object *volume = add_named(parts->volumes, KEY_VOLUME);
    struct json_object *files = json_add_object(volume, is_secret ? "secret" : "configMap");
    json_add_text(files, is_secret ? "secretName" : "name", name);
    json_add_int64(files, "defaultMode", 0444);
    json_add_bool(files, "optional", true);
    struct json_object *item = json_object_new_object();
    json_add_text(item, "key", key);
    json_add_text(item, "path", "key");
    json_object_array_add(json_add_array(files, "items"), item);
}

/* Which mount a file lies in: the longest path before it. */
static const struct volume_mount *mount_of(const struct container *container, const char *path)
{
    const struct volume_mount *found = NULL;
    record_list_each (const struct volume_mount *, mount, &container->mounts) {
        size_t length = mount->path ? strlen(mount->path) : 0;
        bool is_above = length > 0 && text_starts_with(path, mount->path) &&
                        (path[length] == '/' || path[length] == '\0' || mount->path[length - 1] == '/');
        if (is_above && (!found || length > strlen(found->path))) {
            found = mount;
        }
    }
    return found;
}

/* The sidecar gets the same file at the same path, now and as it will be. */
static bool take_file(struct parts *parts, const struct container *container, const char *variable, const char *path)
{
    const struct volume_mount *mount = mount_of(container, path);
    if (!mount || !mount->name || mount->sub_path_expr) {
        return false;
    }
    json_add_text(add_named(parts->environment, variable), "value", path);
    remove_named(parts->volumes, KEY_VOLUME);
    remove_named(parts->mounts, KEY_VOLUME);
    struct json_object *copy = add_named(parts->mounts, mount->name);
    json_add_text(copy, "mountPath", mount->path);
    json_add_text(copy, "subPath", mount->sub_path);
    json_add_bool(copy, "readOnly", true);
    cleanup_free char *argument = xasprintf("--key-file=%s", path);
    json_object_array_del_idx(parts->arguments, 0, json_object_array_length(parts->arguments));
    json_object_array_add(parts->arguments, json_object_new_string(argument));
    return true;
}

static void take_default(struct parts *parts, const char *variable, struct json_object *component_key)
{
    struct json_object *entry = add_named(parts->environment, variable);
    json_object_object_add(entry, "valueFrom", json_object_get(json_member(component_key, "valueFrom")));
}

/* Returns a note where the patch does not say what the product's own container does. Owned. */
static char *take_key(struct parts *parts, const struct sidecar_target *target, const struct product_names *names,
                      struct json_object *component_key)
{
    const struct container *container = target->container;
    const struct env_variable *key = container ? container_variable(container, names->key_variable) : NULL;
    const struct env_variable *file = container ? container_variable(container, names->key_file_variable) : NULL;
    if (key && ((key->secret_name && key->secret_key) || (key->config_map_name && key->config_map_key))) {
        take_secret(parts, names->key_variable, key);
        return NULL;
    }
    if (!key && file && !text_is_empty(file->value) &&
        take_file(parts, container, names->key_file_variable, file->value)) {
        return xasprintf("The sidecar runs as user 65532 and has to be able to read %s (defaultMode 0444, or fsGroup).",
                         file->value);
    }
    take_default(parts, names->key_variable, component_key);
    if (key && !key->has_value_from && !text_is_empty(key->value)) {
        return xasprintf(
            "The key is written out in the spec: put it into the Secret that is named here first, and let the "
            "product take it from there too (kubectl proget explain EncryptionKeyExposed).");
    }
    return xasprintf(
        "Where the product takes its key from could not be told: name the Secret and its key in both places "
        "here (kubectl proget explain EncryptionKeyMissing).");
}

static void take_product(struct parts *parts, const struct sidecar_target *target, const struct product_names *names)
{
    if (target->product != PRODUCT_PROGET && target->product != PRODUCT_UNKNOWN) {
        json_add_text(add_named(parts->environment, "PROGET_SIDECAR_PRODUCT"), "value", names->name);
    }
    const struct env_variable *urls =
        target->container ? container_variable(target->container, "ASPNETCORE_URLS") : NULL;
    if (urls && !text_is_empty(urls->value)) {
        json_add_text(add_named(parts->environment, urls->name), "value", urls->value);
    }
}

struct json_object *sidecar_patch(const struct sidecar_target *target, char **ret_note)
{
    struct json_object *patch = document("workload", 0);
    set_text(patch, "kind", target->kind);
    struct json_object *metadata = json_member(patch, "metadata");
    set_text(metadata, "name", target->name);
    set_text(metadata, "namespace", target->namespace_name);
    struct json_object *spec = json_at(patch, "spec.template.spec");
    struct parts parts = {.sidecar = json_object_array_get_idx(json_member(spec, "initContainers"), 0),
                          .volumes = json_member(spec, "volumes")};
    parts.arguments = json_member(parts.sidecar, "args");
    parts.environment = json_member(parts.sidecar, "env");
    parts.mounts = json_member(parts.sidecar, "volumeMounts");
    set_text(parts.sidecar, "image", target->image);
    const struct product_names *names = product_names(target->product);
    const struct product_names *proget = product_names(PRODUCT_PROGET);
    size_t index;
    cleanup_json struct json_object *key = json_object_get(named(parts.environment, proget->key_variable, &index));
    remove_named(parts.environment, proget->key_variable);
    *ret_note = take_key(&parts, target, names, key);
    take_product(&parts, target, names);
    return patch;
}

/* --- the permission --- */

struct json_object *sidecar_role(const char *namespace_name)
{
    struct json_object *role = document("role", 0);
    set_text(json_member(role, "metadata"), "namespace", namespace_name);
    return role;
}

struct json_object *sidecar_role_binding(const char *namespace_name)
{
    struct json_object *binding = document("role", 1);
    set_text(json_member(binding, "metadata"), "namespace", namespace_name);
    json_object_object_add(binding, "subjects", json_object_new_array());
    return binding;
}

void sidecar_role_binding_add(struct json_object *binding, const char *namespace_name, const char *account)
{
    struct json_object *subjects = json_member(binding, "subjects");
    account = text_is_empty(account) ? "default" : account;
    for (size_t i = 0; i < json_object_array_length(subjects); i++) {
        struct json_object *subject = json_object_array_get_idx(subjects, i);
        if (text_equal(json_text_at(subject, "kind", NULL), "ServiceAccount") &&
            text_equal(json_text_at(subject, "name", NULL), account) &&
            text_equal(json_text_at(subject, "namespace", namespace_name), namespace_name)) {
            return;
        }
    }
    struct json_object *subject = json_object_new_object();
    json_add_text(subject, "kind", "ServiceAccount");
    json_add_text(subject, "name", account);
    json_add_text(subject, "namespace", namespace_name);
    json_object_array_add(subjects, subject);
}
