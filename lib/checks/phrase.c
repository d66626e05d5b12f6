#include "phrase.h"

#include "proget/core/buffer.h"
#include "proget/core/text.h"
#include "server_count.h"

enum { PHRASE_NAMES_MAX = 8, PHRASE_BYTES_MAX = 16 * 1024 };

char *phrase_names(const char *const *names, size_t count)
{
    cleanup_buffer struct buffer text = BUFFER_INIT(PHRASE_BYTES_MAX);
    size_t shown = count > PHRASE_NAMES_MAX ? PHRASE_NAMES_MAX : count;
    for (size_t i = 0; i < shown; i++) {
        const char *before = i == 0 ? "" : (i + 1 == count ? " and " : ", ");
        (void) buffer_appendf(&text, "%s%s", before, names[i]);
    }
    if (count > shown) {
        (void) buffer_appendf(&text, " and %zu others", count - shown);
    }
    return buffer_take(&text);
}

char *phrase_subject(const struct subject *subject)
{
    return xasprintf("%s %s", subject->server ? "pod" : subject->kind, subject->meta->name);
}

static char *lower_case(const char *text)
{
    char *copy = xstrdup(text ? text : "workload");
    for (char *at = copy; *at; at++) {
        if (*at >= 'A' && *at <= 'Z') {
            *at = (char) (*at - 'A' + 'a');
        }
    }
    return copy;
}

static char *command_target(const char *kind, const char *name)
{
    cleanup_free char *lower = lower_case(kind);
    return xasprintf("%s/%s", lower, name);
}

char *phrase_target(const struct subject *subject)
{
    const struct server *server = subject->server;
    if (!server) {
        return command_target(subject->kind, subject->meta->name);
    }
    if (server->workload_name) {
        return command_target(server->workload_kind, server->workload_name);
    }
    return command_target("pod", subject->meta->name);
}

char *phrase_cluster_target(const struct cluster *cluster)
{
    if (cluster->workload_count > 0) {
        return command_target(workload_kind(cluster->workloads[0]), cluster->workloads[0]->meta.name);
    }
    if (cluster->subject_count > 0) {
        return phrase_target(&cluster->subjects[0]);
    }
    return command_target(CLUSTER_KIND, cluster->name);
}

bool phrase_target_is_pod(const char *target)
{
    return text_starts_with(target, "pod/");
}

char *phrase_edit(const char *namespace_name, const char *target)
{
    if (phrase_target_is_pod(target)) {
        return xasprintf("in the manifest that %s comes from; then delete the pod and create it anew from there, for "
                         "this cannot be changed in a pod that is there",
                         target);
    }
    return xasprintf("kubectl -n %s edit %s", namespace_name, target);
}

/* A DaemonSet and a bare pod cannot be scaled. */
static bool target_can_scale(const char *target)
{
    return !phrase_target_is_pod(target) && !text_starts_with(target, "daemonset/");
}

/* "statefulset/a deployment/b" of all servers; NULL where a command could not name them all. Owned. */
static char *scale_targets(const struct cluster *cluster)
{
    cleanup_buffer struct buffer text = BUFFER_INIT(PHRASE_BYTES_MAX);
    char *seen[PHRASE_NAMES_MAX] = {NULL};
    size_t count = 0;
    bool is_whole = true;
    subject_each(subject, cluster)
    {
        cleanup_free char *target = phrase_target(subject);
        bool is_known = false;
        for (size_t i = 0; i < count; i++) {
            is_known = is_known || text_equal(seen[i], target);
        }
        if (is_known) {
            continue;
        }
        if (count == PHRASE_NAMES_MAX || !target_can_scale(target)) {
            is_whole = false;
            break;
        }
        (void) buffer_appendf(&text, "%s%s", count ? " " : "", target);
        seen[count++] = memory_take(&target);
    }
    for (size_t i = 0; i < count; i++) {
        free(seen[i]);
    }
    return is_whole && count > 0 ? buffer_take(&text) : NULL;
}

char *phrase_restart_together(const struct cluster *cluster, const char *meanwhile, const char *code)
{
    cleanup_free char *targets = scale_targets(cluster);
    cleanup_free char *command =
        targets ? xasprintf(" (kubectl -n %s scale %s --replicas=0)", cluster->namespace_name, targets) : xstrdup("");
    return xasprintf("stop all servers together%s, wait until their pods are gone, %s%sand %s again: a downtime, but a "
                     "rolling restart would run two keys side by side (docs/findings/%s.md has the steps)",
                     command, meanwhile ? meanwhile : "", meanwhile ? ", " : "", targets ? "scale up" : "start them",
                     code);
}

char *phrase_key_patch(const struct subject *subject, const char *variable)
{
    cleanup_free char *target = phrase_target(subject);
    if (phrase_target_is_pod(target)) {
        return phrase_edit(subject->meta->namespace_name, target);
    }
    return xasprintf("kubectl -n %s patch %s -p '{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"%s\","
                     "\"env\":[{\"name\":\"%s\",\"value\":null,\"valueFrom\":{\"configMapKeyRef\":null,"
                     "\"secretKeyRef\":{\"name\":\"proget-encryption-key\",\"key\":\"key\"}}}]}]}}}}'",
                     subject->meta->namespace_name, target, subject->product->name, variable);
}

const char *phrase_eviction(const struct cluster *cluster)
{
    return server_count(cluster) > 1 ? "a failover" : "an outage";
}

const struct product_names *phrase_product(const struct cluster *cluster)
{
    return product_names(cluster->product);
}

void raise_on_subject(const struct check_context *context, const struct subject *subject, struct finding_draft draft)
{
    draft.object = reference_to_subject(subject);
    finding_raise(context, &draft);
}

void raise_on_cluster(const struct check_context *context, struct finding_draft draft)
{
    draft.object = reference_to_cluster(context->cluster);
    draft.about_cluster = true;
    finding_raise(context, &draft);
}

static const char *why_no_report(const struct server *server)
{
    if (server->heartbeat_state == HEARTBEAT_STALE) {
        return "its heartbeat is stale";
    }
    if (!server->sidecar && !server->lease) {
        return "it has no sidecar";
    }
    if (!server->lease) {
        return "there is no Lease of it";
    }
    if (server->heartbeat && server->heartbeat->report_problem) {
        return server->heartbeat->report_problem;
    }
    return server->heartbeat_state == HEARTBEAT_FRESH ? "its Lease carries none" : "no renewal was seen yet";
}

const struct report *report_or_unobserved(const struct check_context *context, const struct subject *subject)
{
    const struct server *server = subject->server;
    if (!server || server->report) {
        return server ? server->report : NULL;
    }
    const char *leases = model_unobserved(context->model, MODEL_LEASES);
    if (leases && server->sidecar) {
        finding_unobserved(context, model_kind_info(MODEL_LEASES)->plural, leases);
        return NULL;
    }
    cleanup_free char *what = xasprintf("report of pod %s", subject->meta->name);
    finding_unobserved(context, what, why_no_report(server));
    return NULL;
}
