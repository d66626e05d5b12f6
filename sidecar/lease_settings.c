#include "lease_settings.h"

#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/model/report.h"

enum {
    INTERVAL_DEFAULT_SECONDS = 30,
    INTERVAL_MAX_SECONDS = 3600,
    STALE_DEFAULT_SECONDS = 300,
    STALE_MAX_SECONDS = 7 * 24 * 3600,
    HOST_BYTES_MAX = 253,
    VALUE_SHOWN_SIZE = 80,
};

struct setting {
    const char *name;
    const char *expected;
    /* Reads a value; false where it is unusable. */
    bool (*read)(struct lease_settings *settings, const char *value);
};

static bool read_interval(struct lease_settings *settings, const char *value)
{
    return text_parse_int64(value, 1, INTERVAL_MAX_SECONDS, &settings->interval_seconds) == 0;
}

static bool read_stale_after(struct lease_settings *settings, const char *value)
{
    return text_parse_int64(value, 1, STALE_MAX_SECONDS, &settings->stale_after_seconds) == 0;
}

static bool read_messenger_port(struct lease_settings *settings, const char *value)
{
    return text_parse_int64(value, 1, 65535, &settings->messenger_port) == 0;
}

static bool read_internet(struct lease_settings *settings, const char *value)
{
    for (int access = INTERNET_AUTO; access <= INTERNET_BLOCKED; access++) {
        if (text_equal(value, internet_access_text((enum internet_access) access))) {
            settings->internet = (enum internet_access) access;
            return true;
        }
    }
    return false;
}

static bool is_host_character(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '-' || character == '.';
}

/* A DNS name or an IPv4 address, and a port if need be: nothing that could change the meaning of a URL. */
static bool read_host(struct lease_settings *settings, const char *value)
{
    size_t length = strcspn(value, ":");
    if (length == 0 || length > HOST_BYTES_MAX || value[0] == '.' || value[0] == '-') {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (!is_host_character(value[i]) || (i > 0 && value[i] == '.' && value[i - 1] == '.')) {
            return false;
        }
    }
    int64_t port = 0;
    if (value[length] == ':' && text_parse_int64(value + length + 1, 1, 65535, &port) < 0) {
        return false;
    }
    if (strlen(value) >= sizeof settings->activation_host) {
        return false; /* a port with leading zeros without end */
    }
    text_copy_cut(settings->activation_host, sizeof settings->activation_host, value);
    return true;
}

static const struct setting settings_table[] = {
    {LEASE_ANNOTATION_INTERVAL, "a whole number from 1 to 3600", read_interval},
    {LEASE_ANNOTATION_STALE, "a whole number from 1 to 604800", read_stale_after},
    {LEASE_ANNOTATION_INTERNET, "Auto, Allowed or Blocked", read_internet},
    {LEASE_ANNOTATION_ACTIVATION_HOST, "HOST or HOST:PORT", read_host},
    {LEASE_ANNOTATION_MESSENGER_PORT, "a whole number from 1 to 65535", read_messenger_port},
};

const char *internet_access_text(enum internet_access access)
{
    static const char *const texts[] = {
        [INTERNET_UNTOLD] = "untold",
        [INTERNET_AUTO] = "Auto",
        [INTERNET_ALLOWED] = "Allowed",
        [INTERNET_BLOCKED] = "Blocked",
    };
    return (size_t) access < array_length(texts) ? texts[access] : "untold";
}

void lease_settings_init(struct lease_settings *settings)
{
    *settings = (struct lease_settings){
        .interval_seconds = INTERVAL_DEFAULT_SECONDS,
        .stale_after_seconds = STALE_DEFAULT_SECONDS,
        .activation_host = "my.inedo.com",
    };
}

/* Text of an annotation; NULL when absent. A value of another type cannot come from an API server: as if absent. */
static const char *annotation_text(struct json_object *annotations, const char *name)
{
    struct json_object *value = json_member(annotations, name);
    return value && json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static uint64_t hash_annotations(struct json_object *annotations)
{
    uint64_t hash = TEXT_HASH_SEED;
    for (size_t i = 0; i < array_length(settings_table); i++) {
        const char *value = annotation_text(annotations, settings_table[i].name);
        /* With the terminator, and something for an absent one: no two sets run into each other. */
        hash = value ? text_hash(hash, value, strlen(value) + 1) : text_hash(hash, "\1", 2);
    }
    return hash;
}

bool lease_settings_read(struct lease_settings *settings, struct json_object *annotations,
                         lease_settings_refused_fn *on_refused, void *userdata)
{
    uint64_t hash = hash_annotations(annotations);
    if (hash == settings->seen_hash) {
        return false;
    }
    settings->seen_hash = hash;
    struct lease_settings before = *settings;
    for (size_t i = 0; i < array_length(settings_table); i++) {
        const struct setting *setting = &settings_table[i];
        const char *value = annotation_text(annotations, setting->name);
        if (!value) {
            continue;
        }
        if (setting->read(settings, value)) {
            settings->arrived = true;
        } else if (on_refused) {
            char shown[VALUE_SHOWN_SIZE];
            text_copy_cut(shown, sizeof shown, value);
            text_make_printable(shown);
            on_refused(setting->name, shown, setting->expected, userdata);
        }
    }
    return before.interval_seconds != settings->interval_seconds ||
           before.stale_after_seconds != settings->stale_after_seconds ||
           before.messenger_port != settings->messenger_port || before.internet != settings->internet ||
           !text_equal(before.activation_host, settings->activation_host) || before.arrived != settings->arrived;
}
