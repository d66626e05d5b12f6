/*
 * Evicted and EvictionsFrequent: who was driven from where, why, and that it happens too often.
 */
#include <string.h>

#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"
#include "quality.h"
#include "recent_eviction.h"

enum { EVICTIONS_FREQUENT = 3 };

struct cause_words {
    const char *cause;  /* as in disruption.h */
    const char *what;   /* completes "pod x on node y " */
    const char *action; /* with one %s for the node and nothing else; advice_for() may precede it */
};

static const struct cause_words words_of_causes[] = {
    {"NodePressure", "was evicted because the node ran out of a resource",
     "see what filled the node: kubectl describe node %s"},
    {"LocalStorage", "was evicted because it used more local storage than its limit allows",
     "Raise the emptyDir's sizeLimit or the ephemeral-storage limit, or move the data to a volume; usage is shown by: "
     "kubectl describe node %s"},
    {"Preemption", "was preempted: a pod of higher priority took its place",
     "see which pods they are: kubectl get pods -A --field-selector spec.nodeName=%s"},
    {"Taint", "was evicted because of a NoExecute taint on the node",
     "Find out who tainted the node and why: kubectl describe node %s"},
    {"Api", "was evicted through the Eviction API, as a drain or a descheduler does",
     "If this was no planned drain, find the caller in the API server's audit log, and give the servers a "
     "PodDisruptionBudget if they have none yet; the node: kubectl describe node %s"},
    {"NodeShutdown", "was terminated because the node shut down",
     "Plan such shutdowns one node at a time, draining first: kubectl drain %s --ignore-daemonsets"},
    {"NodeGone", "was lost because the node no longer exists",
     "Replace the node, with the same CPU where the licence has to stay active; what is there: kubectl get nodes (%s "
     "is not)"},
    {"Admission", "was refused by the kubelet after it had been bound to the node",
     "See what the node lacks: kubectl describe node %s"},
    {"Unknown", "was disrupted for a reason that left no trace",
     "Look at what happened on the node: kubectl describe node %s"},
};

static const struct cause_words *words_of(const char *cause)
{
    for (size_t i = 0; i < array_length(words_of_causes); i++) {
        if (text_equal(words_of_causes[i].cause, cause)) {
            return &words_of_causes[i];
        }
    }
    return &words_of_causes[array_length(words_of_causes) - 1];
}

/* What keeps servers from being evicted, and what of it they lack now: the evicted pod itself is often gone. */
struct resistance {
    bool is_known, lacks_quality, lacks_class;
    const char *class_name; /* of one of them; NULL: none has one */
};

static struct resistance resistance_of(const struct cluster *cluster)
{
    struct resistance resistance = {0};
    subject_each(subject, cluster)
    {
        const char *quality = NULL;
        cleanup_free char *why = NULL;
        bool has_class = !text_is_empty(subject->spec->priority_class_name);
        resistance.is_known = true;
        resistance.lacks_quality = resistance.lacks_quality || !quality_is_guaranteed(subject, &quality, &why);
        resistance.lacks_class = resistance.lacks_class || !has_class;
        resistance.class_name = has_class ? subject->spec->priority_class_name : resistance.class_name;
    }
    return resistance;
}

/* What to do that depends on what the servers have already; "" for causes whose words say it all. Owned. */
static char *advice_for(const struct cause_words *words, const struct resistance *resistance)
{
    if (text_equal(words->cause, "Preemption")) {
        return resistance->class_name && !resistance->lacks_class
                   ? xasprintf("Give the servers a PriorityClass of a higher value than those of the pods that pushed "
                               "it off (%s has not kept it); ",
                               resistance->class_name)
                   : xstrdup("Give the servers a PriorityClass above those of the pods that pushed it off; ");
    }
    if (!text_equal(words->cause, "NodePressure")) {
        return xstrdup("");
    }
    if (!resistance->is_known) {
        return xstrdup(
            "Set requests equal to limits and give the servers a PriorityClass, where they are without, and ");
    }
    if (resistance->lacks_quality) {
        return xasprintf("Set CPU and memory requests equal to limits%s, and ",
                         resistance->lacks_class ? ", give the servers a PriorityClass" : "");
    }
    return xstrdup(resistance->lacks_class
                       ? "Give the servers a PriorityClass, and "
                       : "The servers are Guaranteed and have a PriorityClass already, so make room: ");
}

/* The one place of "%s" in an action is replaced by the node. Owned. */
static char *action_for(const struct cause_words *words, const char *advice, const char *node)
{
    const char *hole = words->action;
    while (*hole && !(hole[0] == '%' && hole[1] == 's')) {
        hole++;
    }
    return xasprintf("%s%.*s%s%s", advice, (int) (hole - words->action), words->action, node, *hole ? hole + 2 : "");
}

static void say_evicted(const struct check_context *context, const struct recent_eviction *eviction,
                        const struct resistance *resistance)
{
    const struct cause_words *words = words_of(eviction->cause);
    const char *node = text_is_empty(eviction->node) ? "NODE" : eviction->node;
    char cut[256];
    text_copy_cut(cut, sizeof cut, eviction->message ? eviction->message : "");
    for (size_t end = strlen(cut); end > 0 && cut[end - 1] == ' '; end--) {
        cut[end - 1] = '\0'; /* the kubelet's messages end so */
    }
    cleanup_free char *where = text_is_empty(eviction->node) ? xstrdup("") : xasprintf(" on node %s", eviction->node);
    cleanup_free char *quoted = text_is_empty(cut) ? xstrdup("") : xasprintf(" (\"%s\")", cut);
    cleanup_free char *message =
        xasprintf("Server %s%s %s%s: its users were cut off, and where its successor runs on another CPU the licence "
                  "has to be activated again.",
                  eviction->pod, where, words->what, quoted);
    cleanup_free char *advice = advice_for(words, resistance);
    cleanup_free char *action = action_for(words, advice, node);
    struct finding_draft draft = {
        .code = "Evicted",
        .cause = words->cause,
        .occurrence = eviction->uid ? eviction->uid : eviction->pod,
        .message = message,
        .action = action,
        .true_since_us = eviction->time_us,
        .hold_ms = -1,
    };
    if (eviction->server) {
        draft.object = reference_to_server(eviction->server);
        finding_raise(context, &draft);
    } else {
        raise_on_cluster(context, draft);
    }
}

static void say_frequent(const struct check_context *context, const struct recent_eviction_list *list,
                         const struct resistance *resistance)
{
    const struct cluster *cluster = context->cluster;
    const char **names = xcalloc(list->count, sizeof *names);
    for (size_t i = 0; i < list->count; i++) {
        names[i] = list->items[i].pod;
    }
    cleanup_free char *pods = phrase_names(names, list->count);
    free(names);
    cleanup_free char *message =
        xasprintf("%zu servers of cluster %s were evicted within 24 hours (%s): each time users are cut off, and a "
                  "server that lands on another CPU stops until its licence is activated again.",
                  list->count, cluster->name, pods);
    cleanup_free char *action =
        xasprintf("Deal with the causes, and give the servers what they lack (%s%snodes with room, a "
                  "PodDisruptionBudget if there is none yet); what happened: kubectl -n %s get events "
                  "--sort-by=.metadata.creationTimestamp",
                  resistance->lacks_quality ? "QoS class Guaranteed, " : "",
                  resistance->lacks_class ? "a PriorityClass, " : "", cluster->namespace_name);
    /* It became true with the third, counted from the oldest that still counts. */
    raise_on_cluster(context,
                     (struct finding_draft){.code = "EvictionsFrequent",
                                            .message = message,
                                            .action = action,
                                            .true_since_us = list->items[list->count - EVICTIONS_FREQUENT].time_us,
                                            .hold_ms = -1});
}

void check_evicted(const struct check_context *context)
{
    cleanup_recent_evictions struct recent_eviction_list list;
    recent_eviction_collect(context, &list);
    struct resistance resistance = {0};
    if (list.count > 0) {
        resistance = resistance_of(context->cluster);
    }
    for (size_t i = 0; i < list.count; i++) {
        say_evicted(context, &list.items[i], &resistance);
        if (list.items[i].time_us > 0) {
            int64_t age_ms = (context->now.wall_us - list.items[i].time_us) / 1000;
            finding_wake_at(context, context->now.monotonic_ms + EVICTION_STANDS_MS - age_ms);
        }
    }
    if (list.count >= EVICTIONS_FREQUENT) {
        say_frequent(context, &list, &resistance);
    }
}
