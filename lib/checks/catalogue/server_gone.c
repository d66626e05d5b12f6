/*
 * ServerGone: a server is gone, and no new one has taken its place.
 */
#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"

struct absence { /* borrowed */
    const char *name, *uid, *node, *why;
    int64_t since_us;
};

static void say_gone(const struct check_context *context, const struct absence *absence)
{
    const struct cluster *cluster = context->cluster;
    cleanup_free char *where = text_is_empty(absence->node) ? xstrdup("") : xasprintf(" on node %s", absence->node);
    cleanup_free char *why = text_is_empty(absence->why) ? xstrdup("") : xasprintf(" (%s)", absence->why);
    cleanup_free char *target = phrase_cluster_target(cluster);
    cleanup_free char *message =
        xasprintf("Server %s%s of cluster %s is gone%s, and no other has taken its place: the cluster runs with fewer "
                  "servers than intended.",
                  absence->name, where, cluster->name, why);
    cleanup_free char *action = xasprintf(
        "See why no pod is created in its place (kubectl -n %s describe %s). If it went for good, have it "
        "forgotten: kubectl proget forget %s -n %s, or without the plugin: kubectl -n %s annotate progetcluster %s "
        "--overwrite " CLUSTER_ANNOTATION_FORGET "=%s",
        cluster->namespace_name, target, absence->name, cluster->namespace_name, cluster->namespace_name, cluster->name,
        absence->uid);
    raise_on_cluster(context, (struct finding_draft){
                                  .occurrence = absence->uid,
                                  .message = message,
                                  .action = action,
                                  .true_since_us = absence->since_us,
                                  .hold_ms = -1,
                              });
}

static bool is_in_input(const struct cluster *cluster, const char *uid)
{
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        if (text_equal(server->pod->meta.uid, uid) && !pod_is_finished(server->pod)) {
            return true;
        }
    }
    return false;
}

/* What the operator wrote, as far as the rest of the input does not say otherwise. */
static void say_written(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    bool has_pods = model_unobserved(context->model, MODEL_PODS) == NULL;
    if (!cluster->resource || (has_pods && (int64_t) cluster->live_count >= cluster->intended)) {
        return;
    }
    record_list_each (const struct status_member *, member, &cluster->resource->status.members) {
        if (member->gone_since_us && member->name && member->uid && !is_in_input(cluster, member->uid)) {
            say_gone(context, &(struct absence){member->name, member->uid, member->node, member->gone_why,
                                                member->gone_since_us});
        }
    }
}

void check_server_gone(const struct check_context *context)
{
    const struct history *history = context->cluster->history;
    if (!history) {
        say_written(context);
        return;
    }
    for (size_t i = 0; i < history->member_count; i++) {
        const struct past_server *member = &history->members[i];
        if (member->gone_since_us) {
            say_gone(context, &(struct absence){member->name, member->uid, member->node, member->gone_why,
                                                member->gone_since_us});
        }
    }
}
