/*
 * DisruptionBudgetBlocking: a budget that never lets a server go, or two that select one server.
 */
#include <inttypes.h>

#include "budget.h"
#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"

#define BUDGET_API_VERSION "policy/v1"
#define BUDGET_KIND        "PodDisruptionBudget"

static struct object_reference reference_to_budget(const struct disruption_budget *budget)
{
    return (struct object_reference){BUDGET_API_VERSION, BUDGET_KIND, budget->meta.namespace_name, budget->meta.name,
                                     budget->meta.uid};
}

/* --- one that lets none go --- */

/* Why its spec never allows one: what it does. Owned. */
static char *reason_of(const struct disruption_budget *budget, const struct budget_verdict *verdict)
{
    cleanup_free char *terms = budget_terms(budget);
    switch (verdict->flaw) {
    case BUDGET_EMPTY:
        return xasprintf("says %s, which allows none", terms);
    case BUDGET_UNMANAGED:
        return xasprintf("says %s, which cannot be worked out for pods that no workload made, so that it allows none",
                         terms);
    case BUDGET_UNSCALED:
        return xasprintf("says %s, which cannot be worked out because it selects pods of %s %s, a kind without a "
                         "scale, so that it allows none",
                         terms, verdict->unscaled_kind, verdict->unscaled_name);
    case BUDGET_PARTIAL:
        return xasprintf("says %s but selects a part of a workload only, so that of its %" PRId64 " pods %" PRId64
                         " would have to stay, by the size of the whole",
                         terms, verdict->pods, verdict->wanted);
    case BUDGET_TIGHT:
    case BUDGET_SOUND:
    case BUDGET_REFUSED:
        break;
    }
    return budget->max_unavailable
               ? xasprintf("says %s", terms)
               : xasprintf("says %s, so that %" PRId64 " have to stay of the %" PRId64 " that it selects", terms,
                           verdict->wanted, verdict->pods);
}

static char *remedy_of(const struct disruption_budget *budget, const struct budget_verdict *verdict)
{
    const char *namespace_name = budget->meta.namespace_name ? budget->meta.namespace_name : "";
    const char *name = budget->meta.name;
    if (verdict->flaw == BUDGET_PARTIAL) {
        return xasprintf("Let its selector match all pods of the workload: kubectl -n %s edit poddisruptionbudget %s",
                         namespace_name, name);
    }
    if (verdict->flaw == BUDGET_UNMANAGED || verdict->flaw == BUDGET_UNSCALED) {
        return xasprintf("Say in a whole number how many have to stay: kubectl -n %s patch poddisruptionbudget %s "
                         "--type merge -p '{\"spec\":{\"maxUnavailable\":null,\"minAvailable\":%" PRId64 "}}'",
                         namespace_name, name, verdict->pods > 0 ? verdict->pods - 1 : 0);
    }
    return xasprintf("Let one go at a time: kubectl -n %s patch poddisruptionbudget %s --type merge -p "
                     "'{\"spec\":{\"minAvailable\":null,\"maxUnavailable\":1}}'",
                     namespace_name, name);
}

static void say_blocking(const struct check_context *context, const struct disruption_budget *budget,
                         const struct budget_verdict *verdict)
{
    cleanup_free char *reason = reason_of(budget, verdict);
    cleanup_free char *message =
        xasprintf("PodDisruptionBudget %s never lets a server of cluster %s go: it %s; a drain or an upgrade of its "
                  "node waits for ever, until somebody deletes the pod by hand.",
                  budget->meta.name, context->cluster->name, reason);
    cleanup_free char *action = remedy_of(budget, verdict);
    finding_raise(context,
                  &(struct finding_draft){
                      .object = reference_to_budget(budget), .message = message, .action = action, .hold_ms = -1});
}

/* --- two for one server --- */

static const struct subject *shared_server(const struct cluster *cluster, const struct disruption_budget *a,
                                           const struct disruption_budget *b)
{
    subject_each(subject, cluster)
    {
        if (budget_selects(a, subject) && budget_selects(b, subject)) {
            return subject;
        }
    }
    return NULL;
}

static void say_shared(const struct check_context *context, const struct budget_list *budgets, size_t index)
{
    const struct disruption_budget *self = budgets->items[index];
    const struct subject *server = NULL;
    struct object_reference *related = xcalloc(budgets->count, sizeof *related);
    const char **names = xcalloc(budgets->count, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < budgets->count; i++) {
        const struct subject *shared = i == index ? NULL : shared_server(context->cluster, self, budgets->items[i]);
        if (shared) {
            server = server ? server : shared;
            names[count] = budgets->items[i]->meta.name;
            related[count++] = reference_to_budget(budgets->items[i]);
        }
    }
    if (count > 0) {
        cleanup_free char *others = phrase_names(names, count);
        cleanup_free char *who = phrase_subject(server);
        cleanup_free char *message =
            xasprintf("PodDisruptionBudget %s and %s select the same server (%s): Kubernetes knows only one budget per "
                      "pod and answers each eviction of it with an error (500), so a drain of its node cannot end.",
                      self->meta.name, others, who);
        cleanup_free char *action =
            xasprintf("Keep the one that fits and delete the other (kubectl -n %s delete poddisruptionbudget NAME), or "
                      "narrow a selector: kubectl -n %s get poddisruptionbudgets "
                      "-o custom-columns=NAME:.metadata.name,SELECTOR:.spec.selector",
                      context->cluster->namespace_name, context->cluster->namespace_name);
        finding_raise(context, &(struct finding_draft){.object = reference_to_budget(self),
                                                       .related = related,
                                                       .related_count = count,
                                                       .message = message,
                                                       .action = action,
                                                       .hold_ms = -1});
    }
    free(related);
    free(names);
}

/* Says which let none go, and leaves the ones that exist: what the API server refuses stands in nobody's way. */
static void judge_each(const struct check_context *context, struct budget_list *budgets)
{
    size_t kept = 0;
    for (size_t i = 0; i < budgets->count; i++) {
        struct budget_verdict verdict;
        budget_judge(context->model, budgets->items[i], &verdict);
        if (verdict.flaw == BUDGET_REFUSED) {
            continue;
        }
        if (verdict.flaw != BUDGET_SOUND) {
            say_blocking(context, budgets->items[i], &verdict);
        }
        budgets->items[kept++] = budgets->items[i];
    }
    budgets->count = kept;
}

void check_disruption_budget_blocking(const struct check_context *context)
{
    const char *unobserved = model_unobserved(context->model, MODEL_DISRUPTION_BUDGETS);
    if (unobserved) {
        finding_unobserved(context, model_kind_info(MODEL_DISRUPTION_BUDGETS)->plural, unobserved);
        return;
    }
    cleanup_budget_list struct budget_list budgets;
    budget_list_take(context->model, context->cluster, &budgets);
    judge_each(context, &budgets);
    for (size_t i = 0; i < budgets.count; i++) {
        say_shared(context, &budgets, i);
    }
}
