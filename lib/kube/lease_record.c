#include "lease_record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proget/core/clock.h"
#include "proget/core/text.h"

static_assert((int) LEASE_HOLDER_LENGTH_MAX > (int) LEADER_IDENTITY_LENGTH_MAX + 8,
              "a holder that was cut must not be taken for one of ours");

const struct kube_resource lease_resource = {.group = "coordination.k8s.io", .version = "v1", .plural = "leases"};

/* *ret_text NULL: absent. */
static int read_text(struct json_object *object, const char *name, struct json_object **ret_text, struct error *err)
{
    struct json_object *member = json_member(object, name);
    if (member && !json_object_is_type(member, json_type_string)) {
        return error_set(err, ERROR_BAD_INPUT, "%s of the Lease is no text", name);
    }
    *ret_text = member;
    return 0;
}

static int read_number(struct json_object *object, const char *name, int64_t maximum, int64_t *ret_value,
                       struct error *err)
{
    struct json_object *member = json_member(object, name);
    if (member && !json_object_is_type(member, json_type_int)) {
        return error_set(err, ERROR_BAD_INPUT, "%s of the Lease is no whole number", name);
    }
    int64_t value = member ? json_object_get_int64(member) : 0;
    value = value < 0 ? 0 : value;
    *ret_value = value > maximum ? maximum : value;
    return 0;
}

static int read_time(struct json_object *object, const char *name, int64_t *ret_wall_us, struct error *err)
{
    struct json_object *member = NULL;
    int result = read_text(object, name, &member, err);
    if (result < 0) {
        return result;
    }
    int64_t wall_us = 0;
    if (member && clock_parse(json_object_get_string(member), &wall_us) < 0) {
        wall_us = 0;
    }
    *ret_wall_us = wall_us;
    return 0;
}

/* A NUL within, which JSON can hold, must not let "us\0and more" pass for "us". */
static int read_holder(struct json_object *spec, char target[LEASE_HOLDER_LENGTH_MAX + 1], struct error *err)
{
    struct json_object *member = NULL;
    int result = read_text(spec, "holderIdentity", &member, err);
    if (result < 0) {
        return result;
    }
    target[0] = '\0';
    if (!member) {
        return 0;
    }
    const char *text = json_object_get_string(member);
    size_t length = (size_t) json_object_get_string_len(member);
    if (strlen(text) == length) {
        text_copy_cut(target, LEASE_HOLDER_LENGTH_MAX + 1, text);
        return 0;
    }
    size_t kept = length > LEASE_HOLDER_LENGTH_MAX ? LEASE_HOLDER_LENGTH_MAX : length;
    for (size_t i = 0; i < kept; i++) {
        target[i] = text[i];
        if (text[i] == '\0') {
            target[i] = '\x01'; /* no identity of ours has a control character */
        }
    }
    target[kept] = '\0';
    return 0;
}

static int read_version(struct json_object *lease, char target[RESOURCE_VERSION_LENGTH_MAX + 1], struct error *err)
{
    struct json_object *metadata = json_member(lease, "metadata");
    struct json_object *member = NULL;
    int result = read_text(metadata, "resourceVersion", &member, err);
    if (result < 0) {
        return result;
    }
    const char *version = member ? json_object_get_string(member) : "";
    size_t length = strlen(version);
    /* Without one, or with "0", a write would overwrite whatever is there. */
    if (length == 0 || length > RESOURCE_VERSION_LENGTH_MAX || text_equal(version, "0")) {
        return error_set(err, ERROR_BAD_INPUT, "resourceVersion of the Lease is none");
    }
    memcpy(target, version, length + 1);
    return 0;
}

int lease_record_read(struct json_object *lease, struct lease_record *ret_record, struct error *err)
{
    struct lease_record record = {0};
    if (!json_object_is_type(lease, json_type_object) || !text_equal(json_text_at(lease, "kind", "Lease"), "Lease")) {
        return error_set(err, ERROR_BAD_INPUT, "the object is no Lease");
    }
    struct json_object *spec = json_member(lease, "spec");
    if (spec && !json_object_is_type(spec, json_type_object)) {
        return error_set(err, ERROR_BAD_INPUT, "spec of the Lease is no object");
    }
    int result = read_version(lease, record.resource_version, err);
    result = result < 0 ? result : read_holder(spec, record.holder, err);
    if (result == 0) {
        result = read_number(spec, "leaseDurationSeconds", LEASE_DURATION_SECONDS_MAX, &record.duration_seconds, err);
    }
    result = result < 0 ? result : read_time(spec, "acquireTime", &record.acquired_us, err);
    result = result < 0 ? result : read_time(spec, "renewTime", &record.renewed_us, err);
    result =
        result < 0 ? result : read_number(spec, "leaseTransitions", LEASE_TRANSITIONS_MAX, &record.transitions, err);
    if (result < 0) {
        return result;
    }
    const char *text = spec ? json_text(spec) : "";
    record.spec_hash = text_hash(TEXT_HASH_SEED, text, strlen(text));
    *ret_record = record;
    return 0;
}

static void add_time(struct json_object *spec, const char *name, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format_micros(wall_us, text);
    json_add_text(spec, name, text);
}

/* The member as an object, made where there is none. Borrowed. */
static struct json_object *take_object(struct json_object *object, const char *name)
{
    struct json_object *member = json_member(object, name);
    return json_object_is_type(member, json_type_object) ? member : json_add_object(object, name);
}

struct json_object *lease_record_build(const struct lease_record *record, struct json_object *base,
                                       const char *namespace_name, const char *name)
{
    struct json_object *lease = NULL;
    if (!base) {
        lease = json_object_new_object();
    } else if (json_object_deep_copy(base, &lease, NULL) < 0) {
        abort(); /* only when out of memory */
    }
    json_add_text(lease, "apiVersion", "coordination.k8s.io/v1");
    json_add_text(lease, "kind", "Lease");
    struct json_object *metadata = take_object(lease, "metadata");
    json_add_text(metadata, "name", name);
    json_add_text(metadata, "namespace", namespace_name);
    json_object_object_del(metadata, "managedFields"); /* the server keeps its own account */
    if (record->resource_version[0]) {
        json_add_text(metadata, "resourceVersion", record->resource_version);
    }
    struct json_object *spec = take_object(lease, "spec");
    json_add_text(spec, "holderIdentity", record->holder);
    json_add_int64(spec, "leaseDurationSeconds", record->duration_seconds);
    add_time(spec, "acquireTime", record->acquired_us);
    add_time(spec, "renewTime", record->renewed_us);
    json_add_int64(spec, "leaseTransitions", record->transitions);
    return lease;
}
