/*
 * SpreadNotEnforced: nothing keeps the scheduler from putting two servers into one domain.
 */
#include <inttypes.h>

#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"
#include "server_count.h"
#include "spread_rule.h"

/* The first pair of servers that may share a domain. */
static bool find_unforbidden_pair(struct spread_question *question, const struct subject **ret_a,
                                  const struct subject **ret_b)
{
    const struct cluster *cluster = question->context->cluster;
    for (size_t i = 0; i < cluster->subject_count; i++) {
        const struct subject *a = &cluster->subjects[i];
        /* A single pod still has to keep away from those of its kind that are to come. */
        bool alone = cluster->subject_count == 1;
        for (size_t k = a->servers > 1 || alone ? i : i + 1; k < cluster->subject_count; k++) {
            const struct subject *b = &cluster->subjects[k];
            if (a->servers > 0 && b->servers > 0 && !spread_forbids_sharing(question, a, b)) {
                *ret_a = a;
                *ret_b = b;
                return true;
            }
        }
    }
    return false;
}

/* Whoever wrote a rule wants to know why it does not count. Owned. */
static char *phrase_stray_rule(const struct subject *subject)
{
    const struct container *product = subject->product;
    return product && product->has_stray_affinity
               ? xasprintf(
                     " (An affinity stands in container %s, where Kubernetes reads none: it belongs one level up, "
                     "beside \"containers\".)",
                     product->name ? product->name : "?")
               : xstrdup("");
}

static void say_not_enforced(const struct check_context *context, int64_t servers, const struct subject *a,
                             const struct subject *b)
{
    const struct cluster *cluster = context->cluster;
    cleanup_free char *first = phrase_subject(a);
    cleanup_free char *second = phrase_subject(b);
    cleanup_free char *who = a == b ? xstrdup("two of them") : xasprintf("%s and %s", first, second);
    const char *key = cluster->settings.topology_key;
    cleanup_free char *where = text_equal(key, "kubernetes.io/hostname") ? xstrdup("on one node")
                                                                         : xasprintf("on nodes that share one %s", key);
    cleanup_free char *stray = phrase_stray_rule(a);
    cleanup_free char *message =
        xasprintf("Nothing keeps the %" PRId64 " servers of cluster %s apart: the scheduler may put %s %s; they would "
                  "share its network card, and one failure would take both.%s",
                  servers, cluster->name, who, where, stray);
    cleanup_free char *target = phrase_cluster_target(cluster);
    cleanup_free char *edit = phrase_edit(cluster->namespace_name, target);
    cleanup_free char *action =
        xasprintf("Give the pods a required anti-affinity with topologyKey %s whose selector matches the "
                  "servers' own labels (docs/findings/SpreadNotEnforced.md has the patch): %s",
                  cluster->settings.topology_key, edit);
    raise_on_cluster(context, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
}

void check_spread_not_enforced(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    struct spread_question question = {
        .context = context,
        .topology_key = cluster->settings.topology_key,
        .servers = server_count(cluster),
    };
    if (question.servers < 2) {
        return;
    }
    const struct subject *a = NULL;
    const struct subject *b = NULL;
    if (find_unforbidden_pair(&question, &a, &b)) {
        say_not_enforced(context, question.servers, a, b);
    }
    if (question.lacked_nodes) {
        finding_unobserved(context, model_kind_info(MODEL_NODES)->plural,
                           model_unobserved(context->model, MODEL_NODES));
    }
    if (question.lacked_namespaces) {
        finding_unobserved(context, "namespaces", "their labels are not read, so a namespaceSelector is taken as good");
    }
}
