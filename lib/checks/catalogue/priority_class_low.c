/*
 * PriorityClassLow: ordinary pods beside a server would be kept when it has to go; or any pod would, that names no
 * class.
 */
#include <inttypes.h>
#include <string.h>

#include "catalogue.h"
#include "node_room.h"
#include "phrase.h"
#include "proget/core/map.h"
#include "proget/core/text.h"
#include "proget/model/node_load.h"
#include "proget/model/priority.h"

/*
 * What the pods of higher priority beside it are called by: their class, which outlasts them. The sums of its node
 * tell, so no pod is looked at. Owned; NULL: it has none beside it.
 */
static struct map *higher_classes(const struct check_context *context, const struct server *server, int64_t own)
{
    struct map *classes = NULL;
    size_t count;
    const struct node_share *shares =
        node_load_shares(model_node_load(context->model), server_node_name(server), &count);
    for (size_t i = 0; i < count; i++) {
        const char *class_name = shares[i].class_name;
        int64_t priority = shares[i].priority.value;
        if (!shares[i].priority.is_set) {
            (void) priority_of_class(context->model, class_name, &priority);
        }
        if (shares[i].ordinary == 0 || priority <= own) {
            continue;
        }
        cleanup_free char *name = text_is_empty(class_name)
                                      ? xasprintf("priority %" PRId64, priority)
                                      : xasprintf("PriorityClass %s (%" PRId64 ")", class_name, priority);
        classes = classes ? classes : map_new(NULL);
        map_put(classes, name, classes);
    }
    return classes;
}

static int text_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* In an order that does not depend on who came first. Owned. */
static char *classes_phrase(const struct map *classes)
{
    const char **names = xcalloc(map_count(classes) + 1, sizeof *names);
    size_t count = 0;
    for (const struct map_entry *at = map_first(classes); at; at = map_next(at)) {
        names[count++] = map_key(at);
    }
    qsort(names, count, sizeof *names, text_order);
    char *phrase = phrase_names(names, count);
    free(names);
    return phrase;
}

static void say_low(const struct check_context *context, const struct server *server, int64_t own,
                    const struct map *higher)
{
    cleanup_free char *classes = classes_phrase(higher);
    const char *node = server_node_name(server);
    cleanup_free char *message =
        xasprintf("Server %s has priority %" PRId64 ", and on its node %s run pods of %s: when the node runs short, "
                  "the server is evicted before them, and they may push it off that node at any time.",
                  server->pod->meta.name, own, node, classes);
    cleanup_free char *action =
        xasprintf("If the server matters more than they do, give its pods a PriorityClass of a higher value; a class's "
                  "value cannot be changed. Who they are: kubectl get pods -A --field-selector spec.nodeName=%s "
                  "-o custom-columns=NS:.metadata.namespace,POD:.metadata.name,PRIORITY:.spec.priority",
                  node);
    finding_raise(context,
                  &(struct finding_draft){
                      .object = reference_to_server(server), .message = message, .action = action, .hold_ms = -1});
}

/*
 * A priority below 0 is below every pod of which nobody thought, wherever it runs: those beside it need not be known.
 * *ret_classless is theirs.
 */
static bool is_below_classless(const struct check_context *context, int64_t own, int64_t *ret_classless)
{
    const char *unobserved = model_unobserved(context->model, MODEL_PRIORITY_CLASSES);
    if (own < 0 && unobserved) { /* a default class would change the answer */
        finding_unobserved(context, model_kind_title(MODEL_PRIORITY_CLASSES), unobserved);
    }
    (void) priority_of_class(context->model, NULL, ret_classless);
    return own < 0 && own < *ret_classless;
}

static void say_below_classless(const struct check_context *context, const struct subject *subject, int64_t own,
                                int64_t classless)
{
    cleanup_free char *who = phrase_subject(subject);
    cleanup_free char *target = phrase_target(subject);
    cleanup_free char *message =
        xasprintf("%c%s has PriorityClass %s, whose value is %" PRId64 ": pods that name no PriorityClass have %" PRId64
                  ". When a node runs short, it is evicted before all of them, and any of them that finds no place may "
                  "push it off its node; every eviction is %s.",
                  who[0] == 'p' ? 'P' : who[0], who + 1, subject->spec->priority_class_name, own, classless,
                  phrase_eviction(context->cluster));
    cleanup_free char *action =
        xasprintf("Make a PriorityClass of a positive value, as the value of one cannot be changed (kubectl create "
                  "priorityclass proget-first --value=1000000), and name it in the pod template as priorityClassName: "
                  "kubectl -n %s edit %s",
                  subject->meta->namespace_name, target);
    raise_on_subject(context, subject, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
}

/* True: it has its place and its priority is known. Without a class PriorityClassMissing says all that there is to do.
 */
static bool can_be_judged(const struct check_context *context, const struct server *server, int64_t *ret_own)
{
    if (!server_node_name(server) || text_is_empty(server->pod->spec.priority_class_name)) {
        return false;
    }
    if (model_options(context->model)->is_restricted) {
        finding_unobserved(context, "pods of other namespaces",
                           "only some namespaces are looked at, so what else runs on a node is not known");
    }
    bool is_known = priority_of_spec(context->model, &server->pod->spec, ret_own);
    const char *unobserved = model_unobserved(context->model, MODEL_PRIORITY_CLASSES);
    if (!is_known && unobserved) {
        finding_unobserved(context, model_kind_title(MODEL_PRIORITY_CLASSES), unobserved);
    }
    return is_known;
}

/* True: said so. */
static bool judge_beside(const struct check_context *context, const struct server *server)
{
    int64_t own = 0;
    struct map *higher = can_be_judged(context, server, &own) ? higher_classes(context, server, own) : NULL;
    if (higher) {
        say_low(context, server, own, higher);
    }
    map_free(higher);
    return higher != NULL;
}

void check_priority_class_low(const struct check_context *context)
{
    subject_each(subject, context->cluster)
    {
        int64_t own = 0;
        int64_t classless = 0;
        bool is_said = subject->server && judge_beside(context, subject->server);
        if (!is_said && !text_is_empty(subject->spec->priority_class_name) &&
            priority_of_spec(context->model, subject->spec, &own) && is_below_classless(context, own, &classless)) {
            say_below_classless(context, subject, own, classless);
        }
    }
}
