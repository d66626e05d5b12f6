/*
 * DisruptionBudgetMissing: nothing keeps a drain from taking all servers at once.
 */
#include <inttypes.h>

#include "budget.h"
#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"

#define COST                                                                                                          \
    "so that an upgrade of the nodes, or a drain of several, may take all of them at the same time, and ProGet with " \
    "them"

/* A budget that does not do, and why. Owned. */
static char *why_not(const struct cluster *cluster, const struct disruption_budget *budget,
                     const struct budget_verdict *verdict)
{
    const char *name = budget->meta.name;
    cleanup_free char *terms = budget_terms(budget);
    if (verdict->flaw == BUDGET_REFUSED) {
        return xasprintf("PodDisruptionBudget %s (%s) is one that the API server refuses, " COST, name, terms);
    }
    if (!budget_selects_all(budget, cluster)) {
        subject_each(subject, cluster)
        {
            if (!budget_selects(budget, subject)) {
                cleanup_free char *who = phrase_subject(subject);
                return xasprintf("PodDisruptionBudget %s selects a part of them only (not %s), so that an upgrade of "
                                 "the nodes, or a drain of several, may take more of them at the same time than it "
                                 "lets go",
                                 name, who);
            }
        }
    }
    return xasprintf("PodDisruptionBudget %s (%s of the %" PRId64 " pods that it selects) lets %" PRId64
                     " go at once, " COST,
                     name, terms, verdict->pods, verdict->allowed);
}

/* "app=proget,tier=web" of the cluster's own selector; NULL where a command cannot carry it. Owned. */
static char *selector_words(const struct cluster *cluster)
{
    const struct selector *selector = cluster->resource              ? cluster->resource->selector
                                      : cluster->workload_count == 1 ? cluster->workloads[0]->selector
                                                                     : NULL;
    if (!selector || selector->requirements.count > 0 || selector->labels.count == 0) {
        return NULL;
    }
    cleanup_buffer struct buffer text = BUFFER_INIT((size_t) 4 * 1024);
    record_list_each (const struct record_pair *, label, &selector->labels) {
        (void) buffer_appendf(&text, "%s%s=%s", text.length ? "," : "", label->key, label->value);
    }
    return buffer_take(&text);
}

/* Bare pods and those of a DaemonSet count only for minAvailable as a whole number. */
static bool needs_number(const struct cluster *cluster)
{
    subject_each(subject, cluster)
    {
        const struct server *server = subject->server;
        const char *kind = server ? server->workload_kind : subject->kind;
        if (!kind || text_equal(kind, "DaemonSet")) {
            return true;
        }
    }
    return false;
}

/* How to mend the one budget that selects all servers. Owned. */
static char *how_to_mend(const struct disruption_budget *budget, const struct budget_verdict *verdict, bool by_number)
{
    if (verdict->flaw == BUDGET_REFUSED) {
        return xasprintf("Correct the manifest of PodDisruptionBudget %s: spec.maxUnavailable: 1 alone lets one server "
                         "go at a time",
                         budget->meta.name);
    }
    cleanup_free char *amounts = by_number
                                     ? xasprintf("\"maxUnavailable\":null,\"minAvailable\":%" PRId64, verdict->pods - 1)
                                     : xstrdup("\"minAvailable\":null,\"maxUnavailable\":1");
    return xasprintf(
        "Let one go at a time: kubectl -n %s patch poddisruptionbudget %s --type merge -p '{\"spec\":{%s}}'",
        budget->meta.namespace_name ? budget->meta.namespace_name : "", budget->meta.name, amounts);
}

static char *what_to_do(const struct check_context *context, const struct budget_list *budgets, int64_t servers)
{
    const struct cluster *cluster = context->cluster;
    bool by_number = needs_number(cluster);
    if (budgets->count == 1 && budget_selects_all(budgets->items[0], cluster)) {
        struct budget_verdict verdict;
        budget_judge(context->model, budgets->items[0], &verdict);
        return how_to_mend(budgets->items[0], &verdict, by_number);
    }
    const char *instead =
        budgets->count > 0 ? ", in the place of what there is (two that select one pod make its evictions fail)" : "";
    cleanup_free char *words = selector_words(cluster);
    if (!words) {
        return xasprintf("Make one whose selector matches all of them and that lets one go at a time%s: "
                         "docs/findings/DisruptionBudgetMissing.md has the manifest",
                         instead);
    }
    cleanup_free char *limit =
        by_number ? xasprintf("--min-available=%" PRId64, servers - 1) : xstrdup("--max-unavailable=1");
    return xasprintf("Make one that lets one go at a time%s: kubectl -n %s create poddisruptionbudget %s-servers "
                     "--selector=%s %s",
                     instead, cluster->namespace_name, cluster->name, words, limit);
}

static void say_missing(const struct check_context *context, const struct budget_list *budgets, int64_t servers)
{
    const struct cluster *cluster = context->cluster;
    cleanup_buffer struct buffer whys = BUFFER_INIT((size_t) 16 * 1024);
    for (size_t i = 0; i < budgets->count; i++) {
        struct budget_verdict verdict;
        budget_judge(context->model, budgets->items[i], &verdict);
        cleanup_free char *why = why_not(cluster, budgets->items[i], &verdict);
        (void) buffer_appendf(&whys, "%s%s", i ? "; " : "", why);
    }
    cleanup_free char *message =
        budgets->count == 0
            ? xasprintf("No PodDisruptionBudget selects the %" PRId64 " servers of cluster %s, " COST ".", servers,
                        cluster->name)
            : xasprintf("No PodDisruptionBudget guards the %" PRId64 " servers of cluster %s as a whole: %s.", servers,
                        cluster->name, buffer_text(&whys));
    cleanup_free char *action = what_to_do(context, budgets, servers);
    raise_on_cluster(context, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
}

void check_disruption_budget_missing(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    int64_t live = (int64_t) cluster->live_count;
    int64_t servers = cluster->intended > live ? cluster->intended : live;
    bool has_servers = false;
    subject_each(subject, cluster)
    {
        has_servers = true;
    }
    if (servers < 2 || !has_servers) {
        return;
    }
    const char *unobserved = model_unobserved(context->model, MODEL_DISRUPTION_BUDGETS);
    if (unobserved) {
        finding_unobserved(context, model_kind_info(MODEL_DISRUPTION_BUDGETS)->plural, unobserved);
        return;
    }
    cleanup_budget_list struct budget_list budgets;
    budget_list_take(context->model, cluster, &budgets);
    for (size_t i = 0; i < budgets.count; i++) {
        struct budget_verdict verdict;
        budget_judge(context->model, budgets.items[i], &verdict);
        if (verdict.flaw != BUDGET_REFUSED && verdict.allowed < servers &&
            budget_selects_all(budgets.items[i], cluster)) {
            return;
        }
    }
    say_missing(context, &budgets, servers);
}
