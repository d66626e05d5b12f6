#include "publish/settings.h"

#include <stdio.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { SETTING_COUNT = 5, VALUE_BYTES = 264, TEXT_BYTES = 4096 };

struct setting {
    const char *name;
    char value[VALUE_BYTES];
};

static void settings_of(const struct cluster *cluster, struct setting settings[SETTING_COUNT])
{
    const struct cluster_settings *source = &cluster->settings;
    settings[0].name = LEASE_ANNOTATION_INTERVAL;
    (void) snprintf(settings[0].value, VALUE_BYTES, "%lld", (long long) source->interval_ms / 1000);
    settings[1].name = LEASE_ANNOTATION_STALE;
    (void) snprintf(settings[1].value, VALUE_BYTES, "%lld", (long long) source->stale_after_ms / 1000);
    settings[2].name = LEASE_ANNOTATION_INTERNET;
    text_copy_cut(settings[2].value, VALUE_BYTES, source->internet_access);
    settings[3].name = LEASE_ANNOTATION_ACTIVATION_HOST;
    text_copy_cut(settings[3].value, VALUE_BYTES, source->activation_host);
    settings[4].name = LEASE_ANNOTATION_MESSENGER_PORT;
    (void) snprintf(settings[4].value, VALUE_BYTES, "%lld", (long long) source->messenger_port);
}

char *settings_text(const struct cluster *cluster)
{
    struct setting settings[SETTING_COUNT];
    settings_of(cluster, settings);
    struct buffer text = BUFFER_INIT(TEXT_BYTES);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        (void) buffer_appendf(&text, "%s=%s\n", settings[i].name, settings[i].value);
    }
    return buffer_take(&text);
}

char *settings_observed_text(const struct lease *lease)
{
    static const char *const names[SETTING_COUNT] = {LEASE_ANNOTATION_INTERVAL, LEASE_ANNOTATION_STALE,
                                                     LEASE_ANNOTATION_INTERNET, LEASE_ANNOTATION_ACTIVATION_HOST,
                                                     LEASE_ANNOTATION_MESSENGER_PORT};
    struct buffer text = BUFFER_INIT(TEXT_BYTES);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const char *value = record_map_get(&lease->annotations, names[i]);
        if (value) {
            (void) buffer_appendf(&text, "%s=%s\n", names[i], value);
        }
    }
    return buffer_take(&text);
}

struct json_object *settings_apply_body(const struct cluster *cluster, const struct lease *lease)
{
    struct setting settings[SETTING_COUNT];
    settings_of(cluster, settings);
    struct json_object *object = json_object_new_object();
    json_add_text(object, "apiVersion", "coordination.k8s.io/v1");
    json_add_text(object, "kind", "Lease");
    struct json_object *metadata = json_add_object(object, "metadata");
    json_add_text(metadata, "name", lease->meta.name);
    json_add_text(metadata, "namespace", lease->meta.namespace_name);
    json_add_text(metadata, "uid", lease->meta.uid);
    struct json_object *annotations = json_add_object(metadata, "annotations");
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        json_add_text(annotations, settings[i].name, settings[i].value);
    }
    return object;
}
