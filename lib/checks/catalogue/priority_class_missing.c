/*
 * PriorityClassMissing: servers without a class are the first to go when a node runs short.
 */
#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"

static bool has_global_default(const struct model *model)
{
    const struct store *classes = model_read(model, MODEL_PRIORITY_CLASSES);
    for (const struct store_entry *at = store_first(classes, NULL); at; at = store_next(classes, NULL, at)) {
        if (((const struct priority_class *) at->object)->global_default) {
            return true;
        }
    }
    return false;
}

/* A pod that the API server has admitted would carry the default's name; a manifest gets it only then. */
static bool is_admitted(const struct subject *subject)
{
    return subject->server && !text_is_empty(subject->meta->uid);
}

static void say_missing(const struct check_context *context, const struct subject *subject)
{
    cleanup_free char *who = phrase_subject(subject);
    cleanup_free char *target = phrase_target(subject);
    cleanup_free char *edit = phrase_edit(subject->meta->namespace_name, target);
    cleanup_free char *message =
        xasprintf("%c%s has no PriorityClass: when a node runs short, Kubernetes evicts or preempts it before pods "
                  "that have one, and every eviction is %s.",
                  who[0] == 'p' ? 'P' : who[0], who + 1, phrase_eviction(context->cluster));
    cleanup_free char *action =
        xasprintf("Make a PriorityClass (kubectl create priorityclass proget --value=1000000) and name it as "
                  "priorityClassName of the pods: %s",
                  edit);
    raise_on_subject(context, subject, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
}

void check_priority_class_missing(const struct check_context *context)
{
    bool by_default = has_global_default(context->model);
    const char *unobserved = model_unobserved(context->model, MODEL_PRIORITY_CLASSES);
    subject_each(subject, context->cluster)
    {
        if (!text_is_empty(subject->spec->priority_class_name) || (by_default && !is_admitted(subject))) {
            continue;
        }
        say_missing(context, subject);
        if (unobserved && !is_admitted(subject)) { /* a default class would change the answer */
            finding_unobserved(context, model_kind_info(MODEL_PRIORITY_CLASSES)->plural, unobserved);
        }
    }
}
