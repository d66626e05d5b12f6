#include "pod_lease.h"

#include <assert.h>

#include "proget/core/clock.h"
#include "proget/core/text.h"
#include "proget/model/report.h"

const struct kube_resource pod_lease_resource = {"coordination.k8s.io", "v1", "leases"};

static void add_micro_time(struct json_object *object, const char *name, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format_micros(wall_us, text);
    json_add_text(object, name, text);
}

static void add_owner(struct json_object *metadata, const struct pod_identity *pod)
{
    struct json_object *owner = json_object_new_object();
    json_add_text(owner, "apiVersion", "v1");
    json_add_text(owner, "kind", "Pod");
    json_add_text(owner, "name", pod->name);
    json_add_text(owner, "uid", pod->uid);
    json_object_array_add(json_add_array(metadata, "ownerReferences"), owner);
}

/* The whole Lease, for creating and applying. Applied, it leaves out what only its creation may say: the owner. Nobody
 * loses it by that: the apply never owned it (docs/sidecar.md). */
static struct json_object *whole_body(const struct pod_lease_content *content, bool is_creation)
{
    struct json_object *body = json_object_new_object();
    json_add_text(body, "apiVersion", "coordination.k8s.io/v1");
    json_add_text(body, "kind", "Lease");
    struct json_object *metadata = json_add_object(body, "metadata");
    json_add_text(metadata, "name", content->lease_name);
    json_add_text(metadata, "namespace", content->pod->namespace_name);
    json_add_text(json_add_object(metadata, "labels"), LEASE_LABEL, LEASE_LABEL_VALUE);
    if (content->report) {
        json_add_text(json_add_object(metadata, "annotations"), REPORT_ANNOTATION, content->report);
    }
    if (is_creation) {
        add_owner(metadata, content->pod);
    } else {
        json_add_text(metadata, "uid", content->lease_uid);
    }
    struct json_object *spec = json_add_object(body, "spec");
    json_add_text(spec, "holderIdentity", content->pod->name);
    json_add_int64(spec, "leaseDurationSeconds", content->duration_seconds);
    add_micro_time(spec, "renewTime", content->now_us);
    return body;
}

static struct json_object *renewal_body(const struct pod_lease_content *content)
{
    struct json_object *body = json_object_new_object();
    json_add_text(json_add_object(body, "metadata"), "uid", content->lease_uid);
    add_micro_time(json_add_object(body, "spec"), "renewTime", content->now_us);
    return body;
}

struct json_object *pod_lease_body(enum beat_action action, const struct pod_lease_content *content)
{
    switch (action) {
    case BEAT_CREATE:
        return whole_body(content, true);
    case BEAT_APPLY:
        return whole_body(content, false);
    case BEAT_RENEW:
        return renewal_body(content);
    case BEAT_LOOK:
    case BEAT_WAIT:
        break;
    }
    assert(action == BEAT_LOOK);
    return json_object_new_object();
}

struct json_object *pod_lease_annotations(struct json_object *lease)
{
    return json_at(lease, "metadata.annotations");
}

static bool has_owner(struct json_object *lease, const char *pod_uid)
{
    struct json_object *owners = json_at(lease, "metadata.ownerReferences");
    if (!owners || !json_object_is_type(owners, json_type_array)) {
        return false;
    }
    for (size_t i = 0; i < json_object_array_length(owners); i++) {
        struct json_object *owner = json_object_array_get_idx(owners, i);
        if (text_equal(json_text_at(owner, "uid", NULL), pod_uid) &&
            text_equal(json_text_at(owner, "kind", NULL), "Pod")) {
            return true;
        }
    }
    return false;
}

/* A text member of an object whose member names hold dots; NULL when absent or no text. */
static const char *member_text(struct json_object *object, const char *name)
{
    struct json_object *value = json_member(object, name);
    return value && json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

void pod_lease_read(struct json_object *lease, const struct pod_identity *pod, struct beat_answer *answer)
{
    const char *uid = json_text_at(lease, "metadata.uid", NULL);
    answer->lease_uid = text_is_empty(uid) ? NULL : uid;
    answer->report = member_text(pod_lease_annotations(lease), REPORT_ANNOTATION);
    answer->is_ours = has_owner(lease, pod->uid);
    answer->is_labelled = text_equal(member_text(json_at(lease, "metadata.labels"), LEASE_LABEL), LEASE_LABEL_VALUE);
}
