#include "suppression.h"

#include <stdio.h>

#include "proget/core/text.h"

static const char no_reason[] = "no reason given";

static const char *annotation_reason(const struct record_list *annotations, const char *code)
{
    const char *const words[] = {code, "all"};
    for (size_t i = 0; annotations && i < 2; i++) {
        char key[sizeof IGNORE_ANNOTATION_PREFIX + 128];
        (void) snprintf(key, sizeof key, "%s%s", IGNORE_ANNOTATION_PREFIX, words[i]);
        const char *value = record_map_get(annotations, key);
        if (value) {
            return text_is_empty(value) ? no_reason : value;
        }
    }
    return NULL;
}

static const char *pod_ignores(const struct model *model, const struct record_list *annotations, const char *code)
{
    return model_options(model)->no_pod_ignores ? NULL : annotation_reason(annotations, code);
}

static const char *workload_reason(const struct model *model, const struct workload *workload, const char *code)
{
    if (!workload) {
        return NULL;
    }
    const char *reason = pod_ignores(model, &workload->template_annotations, code);
    return reason ? reason : annotation_reason(&workload->annotations, code);
}

static const char *server_reason(const struct model *model, const struct server *server, const char *code)
{
    const char *reason = pod_ignores(model, &server->pod->annotations, code);
    return reason ? reason : workload_reason(model, server->workload, code);
}

static const char *declared_reason(const struct cluster *cluster, const char *code)
{
    if (!cluster->resource) {
        return NULL;
    }
    const char *reason = annotation_reason(&cluster->resource->annotations, code);
    if (reason) {
        return reason;
    }
    record_list_each (const struct code_reason *, ignore, &cluster->resource->ignore) {
        if (text_equal(ignore->code, code)) {
            return text_is_empty(ignore->reason) ? no_reason : ignore->reason;
        }
    }
    return NULL;
}

/* What all live pods and templates share. */
static const char *unanimous_reason(const struct model *model, const struct cluster *cluster, const char *code)
{
    const char *reason = NULL;
    for (size_t i = 0; i < cluster->subject_count; i++) {
        const struct subject *subject = &cluster->subjects[i];
        const char *its = subject->server ? server_reason(model, subject->server, code)
                                          : workload_reason(model, subject->workload, code);
        if (!its) {
            return NULL;
        }
        reason = reason ? reason : its;
    }
    return reason;
}

static const struct server *server_of(const struct cluster *cluster, const struct object_reference *object)
{
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct object_meta *meta = &cluster->servers[i].pod->meta;
        if (text_equal(object->kind, "Pod") && text_equal(meta->name, object->name) &&
            text_equal(meta->namespace_name, object->namespace_name) && text_equal(meta->uid, object->uid)) {
            return &cluster->servers[i];
        }
    }
    return NULL;
}

static const struct workload *workload_of(const struct cluster *cluster, const struct object_reference *object)
{
    for (size_t i = 0; i < cluster->workload_count; i++) {
        const struct object_meta *meta = &cluster->workloads[i]->meta;
        if (text_equal(meta->kind, object->kind) && text_equal(meta->name, object->name) &&
            text_equal(meta->namespace_name, object->namespace_name)) {
            return cluster->workloads[i];
        }
    }
    return NULL;
}

const char *suppression_reason(const struct model *model, const struct cluster *cluster, const char *code,
                               const struct object_reference *object, bool about_cluster)
{
    const struct server *server = about_cluster ? NULL : server_of(cluster, object);
    const struct workload *workload = workload_of(cluster, object);
    const char *reason = NULL;
    if (server) {
        reason = server_reason(model, server, code);
    } else if (workload) {
        reason = workload_reason(model, workload, code);
    }
    if (!reason && !server && (about_cluster || !workload)) {
        reason = unanimous_reason(model, cluster, code);
    }
    return reason ? reason : declared_reason(cluster, code);
}
