/*
 * MoveInvited: an annotation that tells a descheduler or an autoscaler that a server may be moved.
 */
#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"

#define ANNOTATION_DESCHEDULER "descheduler.alpha.kubernetes.io/evict"
#define ANNOTATION_AUTOSCALER  "cluster-autoscaler.kubernetes.io/safe-to-evict"

/* A pod's annotation can be taken off without a restart; a template's replaces the pods. */
static char *what_to_do(const struct subject *subject, bool by_descheduler, bool by_autoscaler)
{
    const char *namespace_name = subject->meta->namespace_name ? subject->meta->namespace_name : "";
    cleanup_free char *target = phrase_target(subject);
    cleanup_free char *keys =
        xasprintf("%s%s%s", by_descheduler ? ANNOTATION_DESCHEDULER "-" : "",
                  by_descheduler && by_autoscaler ? " " : "", by_autoscaler ? ANNOTATION_AUTOSCALER "-" : "");
    if (!subject->server) {
        return xasprintf("Take it out of the pod template: kubectl -n %s edit %s", namespace_name, target);
    }
    if (phrase_target_is_pod(target)) {
        return xasprintf("Take it off the pod, which restarts nothing: kubectl -n %s annotate %s %s; and out of the "
                         "manifest that it comes from",
                         namespace_name, target, keys);
    }
    return xasprintf("Take it off the running pod: kubectl -n %s annotate pod %s %s; and out of where it comes from "
                     "(the template, a webhook) with the next planned restart: kubectl -n %s edit %s",
                     namespace_name, subject->meta->name, keys, namespace_name, target);
}

static void say_invited(const struct check_context *context, const struct subject *subject, const char *evict,
                        bool by_autoscaler)
{
    cleanup_free char *who = phrase_subject(subject);
    cleanup_free char *descheduler =
        evict ? xasprintf("annotation " ANNOTATION_DESCHEDULER ", which asks the descheduler to evict it, whatever its "
                          "value (\"%s\")",
                          evict)
              : xstrdup("");
    cleanup_free char *message = xasprintf(
        "%c%s carries %s%s%s: every such move is a failover, and the server may have to be activated anew.",
        who[0] == 'p' ? 'P' : who[0], who + 1, descheduler, evict && by_autoscaler ? ", and " : "",
        by_autoscaler ? "annotation " ANNOTATION_AUTOSCALER ": \"true\", which lets the cluster autoscaler remove its "
                        "node"
                      : "");
    cleanup_free char *action = what_to_do(subject, evict != NULL, by_autoscaler);
    raise_on_subject(context, subject, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
}

void check_move_invited(const struct check_context *context)
{
    subject_each(subject, context->cluster)
    {
        const char *evict = record_map_get(subject->annotations, ANNOTATION_DESCHEDULER);
        bool by_autoscaler = text_equal(record_map_get(subject->annotations, ANNOTATION_AUTOSCALER), "true");
        if (evict || by_autoscaler) {
            say_invited(context, subject, evict, by_autoscaler);
        }
    }
}
