/*
 * HeartbeatMissing: the sidecar is in the pod, and there is no Lease of it.
 */
#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"

/*
 * Live, a Lease may go a moment before its pod is seen to: only the operator's own clock tells how long it is missing.
 */
static int64_t missing_since_us(const struct cluster *cluster, const struct pod *pod)
{
    if (!cluster->is_offline) {
        return 0;
    }
    return pod->started_us ? pod->started_us : pod->meta.created_us;
}

void check_heartbeat_missing(const struct check_context *context)
{
    const char *unobserved = model_unobserved(context->model, MODEL_LEASES);
    subject_each(subject, context->cluster)
    {
        const struct server *server = subject->server;
        /* Before it has a node, nothing of a pod runs. */
        if (!server || !subject->sidecar || text_is_empty(server->pod->spec.node_name)) {
            continue;
        }
        if (unobserved) {
            finding_unobserved(context, model_kind_info(MODEL_LEASES)->plural, unobserved);
            return;
        }
        if (server->heartbeat_state != HEARTBEAT_MISSING) {
            continue;
        }
        cleanup_free char *lease = report_lease_name(subject->meta->name);
        cleanup_free char *message =
            xasprintf("Pod %s has the sidecar (container %s), but there is no heartbeat of it: no Lease %s. What only "
                      "the inside of the pod can tell stays unknown.",
                      subject->meta->name, subject->sidecar->name, lease);
        cleanup_free char *action = xasprintf(
            "See what the sidecar says (often its ServiceAccount may not create Leases): kubectl -n %s logs %s "
            "-c %s",
            subject->meta->namespace_name, subject->meta->name, subject->sidecar->name);
        raise_on_subject(context, subject,
                         (struct finding_draft){.message = message,
                                                .action = action,
                                                .true_since_us = missing_since_us(context->cluster, server->pod),
                                                .hold_ms = -1});
    }
}
