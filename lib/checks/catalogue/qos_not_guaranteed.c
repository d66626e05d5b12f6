/*
 * QosNotGuaranteed and SidecarBreaksQos, of which only one is said.
 */
#include "catalogue.h"
#include "phrase.h"
#include "quality.h"

/* A container of the pod, or one that starts before the others: a patch has to name the list that it is in. */
static const char *list_of(const struct subject *subject, const struct container *container)
{
    record_list_each (const struct container *, each, &subject->spec->init_containers) {
        if (each == container) {
            return "initContainers";
        }
    }
    return "containers";
}

static char *sidecar_patch(const struct subject *subject)
{
    cleanup_free char *target = phrase_target(subject);
    if (phrase_target_is_pod(target)) {
        return phrase_edit(subject->meta->namespace_name, target);
    }
    return xasprintf("kubectl -n %s patch %s -p '{\"spec\":{\"template\":{\"spec\":{\"%s\":[{\"name\":\"%s\","
                     "\"resources\":{\"requests\":{\"cpu\":\"20m\",\"memory\":\"24Mi\"},"
                     "\"limits\":{\"cpu\":\"20m\",\"memory\":\"24Mi\"}}}]}}}}'",
                     subject->meta->namespace_name, target, list_of(subject, subject->sidecar), subject->sidecar->name);
}

static void say_sidecar(const struct check_context *context, const struct subject *subject)
{
    cleanup_free char *who = phrase_subject(subject);
    cleanup_free char *message =
        xasprintf("Our sidecar, container %s, is the only reason why %s is not of QoS class Guaranteed: its CPU and "
                  "memory requests do not equal its limits, and so the server is evicted sooner when the node runs "
                  "short.",
                  subject->sidecar->name, who);
    cleanup_free char *patch = sidecar_patch(subject);
    cleanup_free char *action = xasprintf("Give the sidecar requests equal to limits: %s", patch);
    raise_on_subject(
        context, subject,
        (struct finding_draft){.code = "SidecarBreaksQos", .message = message, .action = action, .hold_ms = -1});
}

void check_qos(const struct check_context *context)
{
    subject_each(subject, context->cluster)
    {
        const char *class_name = NULL;
        cleanup_free char *why = NULL;
        if (quality_is_guaranteed(subject, &class_name, &why)) {
            continue;
        }
        if (quality_is_broken_by_sidecar(subject)) {
            say_sidecar(context, subject);
            continue;
        }
        cleanup_free char *who = phrase_subject(subject);
        cleanup_free char *target = phrase_target(subject);
        cleanup_free char *edit = phrase_edit(subject->meta->namespace_name, target);
        cleanup_free char *message =
            xasprintf("QoS class of %s is %s instead of Guaranteed (%s): when its node runs short of memory it is "
                      "evicted or killed before pods that are Guaranteed.",
                      who, class_name, why);
        cleanup_free char *action =
            xasprintf("Set CPU and memory requests equal to limits on every container of the pod: %s", edit);
        raise_on_subject(
            context, subject,
            (struct finding_draft){.code = "QosNotGuaranteed", .message = message, .action = action, .hold_ms = -1});
    }
}
