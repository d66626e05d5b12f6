/*
 * HeartbeatStale: the sidecar of a live server has not renewed its Lease for too long.
 */
#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"

/* After a restart, what had been said stands until a renewal is seen. */
static bool stands_from_before(const struct cluster *cluster, const struct server *server)
{
    return server->heartbeat_state == HEARTBEAT_UNKNOWN && cluster->history && server->heartbeat &&
           !server->heartbeat->renewed_since_start &&
           history_had_finding(cluster->history, "HeartbeatStale", server->pod->meta.uid);
}

/* When the limit was passed. */
static int64_t stale_since_us(const struct check_context *context, const struct server *server)
{
    if (context->cluster->is_offline) {
        int64_t renewed_us = server->lease ? server->lease->renewed_us : 0;
        return renewed_us ? renewed_us + server->stale_after_ms * 1000 : 0;
    }
    if (!server->heartbeat || !server->heartbeat->renewed_since_start) {
        return 0;
    }
    int64_t passed_ms = server->heartbeat->renewed_ms + server->stale_after_ms;
    return context->now.wall_us - (context->now.monotonic_ms - passed_ms) * 1000;
}

static void say_stale(const struct check_context *context, const struct subject *subject)
{
    const struct server *server = subject->server;
    char limit[CLOCK_TEXT_SIZE];
    clock_format_duration(server->stale_after_ms, limit);
    char last[CLOCK_TEXT_SIZE] = "";
    if (server->lease && server->lease->renewed_us) {
        clock_format_seconds(server->lease->renewed_us, last);
    }
    cleanup_free char *message =
        xasprintf("No heartbeat of server %s for more than %s%s%s: the pod, its node or the way to the API server is "
                  "gone, or the sidecar is; what it last reported counts no more.",
                  subject->meta->name, limit, last[0] ? ", the last one at " : "", last);
    cleanup_free char *node = text_is_empty(server->pod->spec.node_name)
                                  ? xstrdup("")
                                  : xasprintf(" and kubectl describe node %s", server->pod->spec.node_name);
    cleanup_free char *action =
        xasprintf("See whether pod and node are alive, and what the sidecar says: kubectl -n %s logs %s -c %s%s",
                  subject->meta->namespace_name, subject->meta->name,
                  subject->sidecar ? subject->sidecar->name : "proget-sidecar", node);
    raise_on_subject(
        context, subject,
        (struct finding_draft){
            .message = message, .action = action, .true_since_us = stale_since_us(context, server), .hold_ms = -1});
}

void check_heartbeat_stale(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    subject_each(subject, cluster)
    {
        const struct server *server = subject->server;
        if (!server) {
            continue;
        }
        if (server->heartbeat_state == HEARTBEAT_STALE || stands_from_before(cluster, server)) {
            say_stale(context, subject);
        }
        int64_t deadline_ms = server->heartbeat ? server->heartbeat->renewed_ms + server->stale_after_ms : 0;
        if (deadline_ms > context->now.monotonic_ms && !cluster->is_offline) {
            finding_wake_at(context, deadline_ms);
        }
    }
}
