#include "package_storage.h"

#include <string.h>

#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { TEXT_BYTES_MAX = 4 * 1024 };

/* CSI drivers whose inline volumes are a share on the network; any other's may be anything. */
static const char *const share_drivers[] = {
    "nfs.csi.k8s.io", "smb.csi.k8s.io", "file.csi.azure.com", "blob.csi.azure.com", "gcsfuse.csi.storage.gke.io",
};

void package_storage_clear(struct package_storage *storage)
{
    free(storage->text);
    free(storage->unknown);
    free(storage->why);
    *storage = (struct package_storage){0};
}

static void set_own(struct package_storage *storage, char *text)
{
    storage->kind = PACKAGE_STORAGE_OWN;
    storage->text = text;
}

static void set_shared(struct package_storage *storage, char *text)
{
    storage->kind = PACKAGE_STORAGE_SHARED;
    storage->text = text;
}

static void set_unknown(struct package_storage *storage, char *what, const char *why)
{
    storage->kind = PACKAGE_STORAGE_UNKNOWN;
    storage->unknown = what;
    storage->why = xstrdup(why);
}

/* What is left of the packages' folder below a mount; NULL: the mount does not hold it. "" for the folder itself. */
static const char *rest_below(const char *mount_path)
{
    size_t length = mount_path ? strlen(mount_path) : 0;
    while (length > 1 && mount_path[length - 1] == '/') {
        length--;
    }
    if (length == 0 || strncmp(PACKAGE_STORAGE_PATH, mount_path, length) != 0) {
        return NULL;
    }
    const char *rest = &PACKAGE_STORAGE_PATH[length];
    return *rest == '\0' || *rest == '/' ? rest + (*rest == '/') : NULL;
}

/* The deepest one wins. */
static const struct volume_mount *mount_of_packages(const struct container *container)
{
    const struct volume_mount *best = NULL;
    record_list_each (const struct volume_mount *, mount, &container->mounts) {
        const char *rest = rest_below(mount->path);
        if (rest && (!best || strlen(rest) < strlen(rest_below(best->path)))) {
            best = mount;
        }
    }
    return best;
}

static const struct volume *volume_named(const struct pod_spec *spec, const char *name)
{
    record_list_each (const struct volume *, volume, &spec->volumes) {
        if (text_equal(volume->name, name)) {
            return volume;
        }
    }
    return NULL;
}

static bool is_claim_template(const struct workload *workload, const char *name)
{
    if (!workload) {
        return false;
    }
    record_list_each (const struct claim *, claim, &workload->claim_templates) {
        if (text_equal(claim->meta.name, name)) {
            return true;
        }
    }
    return false;
}

/* ", folder a/b" of the volume: where the mount begins, and what lies below it. Owned. */
static char *folder_text(const struct volume_mount *mount)
{
    const char *start = !text_is_empty(mount->sub_path) ? mount->sub_path : mount->sub_path_expr;
    const char *rest = rest_below(mount->path);
    bool has_start = !text_is_empty(start);
    if (!has_start && *rest == '\0') {
        return xstrdup("");
    }
    return xasprintf(", folder %s%s%s", has_start ? start : "", has_start && *rest ? "/" : "", rest);
}

static bool claim_has_mode(const struct claim *claim, const char *mode)
{
    record_list_each (const char *const *, each, &claim->access_modes) {
        if (text_equal(*each, mode)) {
            return true;
        }
    }
    return false;
}

/* "ReadWriteOnce and ReadOnlyMany". Owned. */
static char *modes_text(const struct claim *claim)
{
    cleanup_buffer struct buffer text = BUFFER_INIT(TEXT_BYTES_MAX);
    record_list_each (const char *const *, mode, &claim->access_modes) {
        (void) buffer_appendf(&text, "%s%s", text.length ? " and " : "", *mode);
    }
    return text.length ? buffer_take(&text) : xstrdup("without an access mode");
}

static void read_claim(const struct model *model, const struct subject *subject, const struct volume_mount *mount,
                       const char *name, struct package_storage *storage)
{
    const char *why = model_unobserved(model, MODEL_CLAIMS);
    if (why) {
        set_unknown(storage, xstrdup(model_kind_info(MODEL_CLAIMS)->plural), why);
        return;
    }
    const struct store_entry *entry = store_get(model_read(model, MODEL_CLAIMS), subject->meta->namespace_name, name);
    if (!entry) {
        set_unknown(storage, xasprintf("claim %s", name),
                    model_options(model)->offline ? "not in the input" : "there is none of that name");
        return;
    }
    const struct claim *claim = (const struct claim *) (const void *) entry->object;
    if (claim_has_mode(claim, "ReadWriteMany")) {
        cleanup_free char *folder = folder_text(mount);
        set_shared(storage, xasprintf("claim %s%s", name, folder));
        return;
    }
    cleanup_free char *modes = modes_text(claim);
    set_own(storage, xasprintf("claim %s, which is %s and not ReadWriteMany", name, modes));
}

static bool is_share_driver(const char *driver)
{
    for (size_t i = 0; i < array_length(share_drivers); i++) {
        if (text_equal(driver, share_drivers[i])) {
            return true;
        }
    }
    return false;
}

/* Equal for equal shares. Owned. */
static char *share_text(const struct volume *volume, const struct volume_mount *mount)
{
    cleanup_buffer struct buffer text = BUFFER_INIT(TEXT_BYTES_MAX);
    cleanup_free char *folder = folder_text(mount);
    (void) buffer_append_text(&text, volume->is_nfs ? "NFS" : "network folder");
    if (volume->server || volume->path) {
        (void) buffer_appendf(&text, " %s:%s", volume->server ? volume->server : "", volume->path ? volume->path : "");
    }
    record_list_each (const struct record_pair *, pair, &volume->attributes) {
        (void) buffer_appendf(&text, " %s", pair->value);
    }
    (void) buffer_append_text(&text, folder);
    return buffer_take(&text);
}

static void read_volume(const struct model *model, const struct subject *subject, const struct volume_mount *mount,
                        const struct volume *volume, struct package_storage *storage)
{
    if (volume->claim_name) {
        read_claim(model, subject, mount, volume->claim_name, storage);
    } else if (volume->is_nfs || volume->is_network_folder || (volume->is_csi && is_share_driver(volume->driver))) {
        set_shared(storage, share_text(volume, mount));
    } else if (volume->is_empty_dir) {
        set_own(storage, xstrdup("an emptyDir, which is gone with the pod"));
    } else if (volume->is_host_path) {
        set_own(storage, xstrdup("a hostPath, which is a folder of the node that it runs on"));
    } else if (volume->is_ephemeral) {
        set_own(storage, xstrdup("an ephemeral volume, which is gone with the pod"));
    } else if (volume->is_disk) {
        set_own(storage, xstrdup("a disk, which one node at a time can write"));
    } else if (volume->secret_name) {
        set_own(storage, xasprintf("Secret %s, which is no storage", volume->secret_name));
    } else {
        set_unknown(storage, xasprintf("volume %s", mount->name),
                    "whether servers can share one of its kind is not known");
    }
}

void package_storage_read(const struct model *model, const struct subject *subject, struct package_storage *ret_storage)
{
    *ret_storage = (struct package_storage){0};
    const struct volume_mount *mount = mount_of_packages(subject->product);
    if (!mount) {
        set_own(ret_storage, xstrdup("nothing mounted there, so that packages go into the container itself"));
        return;
    }
    if (mount->sub_path_expr && strstr(mount->sub_path_expr, "$(")) {
        set_own(ret_storage, xasprintf("a folder per pod (subPathExpr %s)", mount->sub_path_expr));
        return;
    }
    /* Its volume of that name in the pod is the claim that was made from it. */
    if (is_claim_template(subject->workload, mount->name)) {
        set_own(ret_storage, xasprintf("a volume per pod, from claim template %s", mount->name));
        return;
    }
    const struct volume *volume = volume_named(subject->spec, mount->name);
    if (!volume) {
        set_unknown(ret_storage, xasprintf("volume %s", mount->name), "it is none that could hold packages");
        return;
    }
    read_volume(model, subject, mount, volume, ret_storage);
    if (ret_storage->kind == PACKAGE_STORAGE_SHARED && (mount->read_only || volume->is_read_only)) {
        cleanup_free char *place = memory_take(&ret_storage->text);
        set_own(ret_storage, xasprintf("%s, but mounted read-only", place));
    }
}
