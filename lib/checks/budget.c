#include "budget.h"

#include <string.h>

#include "proget/core/map.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { PERCENT_MAX = 100, REPLICAS_MAX = INT32_MAX };

/* --- what it selects --- */

static bool selects_labels(const struct disruption_budget *budget, const struct record_list *labels)
{
    const struct selector *selector = budget->selector;
    if (!selector || (selector_is_empty(selector) && text_equal(budget->meta.api_version, "policy/v1beta1"))) {
        return false;
    }
    return selector_matches(selector, labels);
}

bool budget_selects(const struct disruption_budget *budget, const struct subject *subject)
{
    return text_equal(budget->meta.namespace_name, subject->meta->namespace_name) && subject->labels->count > 0 &&
           selects_labels(budget, subject->labels);
}

bool budget_selects_all(const struct disruption_budget *budget, const struct cluster *cluster)
{
    bool has_servers = false;
    for (size_t i = 0; i < cluster->subject_count; i++) {
        if (cluster->subjects[i].servers > 0 && !budget_selects(budget, &cluster->subjects[i])) {
            return false;
        }
        has_servers = has_servers || cluster->subjects[i].servers > 0;
    }
    return has_servers;
}

static bool selects_any(const struct disruption_budget *budget, const struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->subject_count; i++) {
        if (cluster->subjects[i].servers > 0 && budget_selects(budget, &cluster->subjects[i])) {
            return true;
        }
    }
    return false;
}

static int budget_order(const void *a, const void *b)
{
    const struct disruption_budget *const *left = a;
    const struct disruption_budget *const *right = b;
    return strcmp((*left)->meta.name, (*right)->meta.name);
}

void budget_list_take(const struct model *model, const struct cluster *cluster, struct budget_list *ret_list)
{
    *ret_list = (struct budget_list){0};
    const struct store *budgets = model_read(model, MODEL_DISRUPTION_BUDGETS);
    const char *namespace_name = cluster->namespace_name;
    for (const struct store_entry *at = store_first(budgets, namespace_name); at;
         at = store_next(budgets, namespace_name, at)) {
        const struct disruption_budget *budget = (const struct disruption_budget *) at->object;
        if (selects_any(budget, cluster)) {
            ret_list->items = xrealloc(ret_list->items, ret_list->count + 1, sizeof *ret_list->items);
            ret_list->items[ret_list->count++] = budget;
        }
    }
    if (ret_list->count > 0) {
        qsort(ret_list->items, ret_list->count, sizeof *ret_list->items, budget_order);
    }
}

void budget_list_clear(struct budget_list *list)
{
    free(list->items);
    *list = (struct budget_list){0};
}

/* --- what it counts --- */

/* One workload of which the budget selects pods. */
struct counted {
    int64_t replicas, selected;
    bool is_whole;  /* its template is selected: so are all its pods, those to come too */
    bool has_other; /* a live pod of it is not selected */
};

struct tally {
    const struct model *model;
    const struct disruption_budget *budget;
    struct map *workloads; /* struct counted, by kind and name */
    int64_t unknown;       /* pods of controllers that cannot be looked at */
    int64_t bare;
    const char *unscaled_kind, *unscaled_name;
    bool is_open; /* a DaemonSet's manifest: how many nodes there will be is not known */
};

static const struct object_owner *controller_of(const struct object_meta *meta)
{
    record_list_each (const struct object_owner *, owner, &meta->owners) {
        if (owner->controller) {
            return owner;
        }
    }
    return NULL;
}

static struct counted *counted_of(struct tally *tally, const struct workload *workload, bool is_wanted)
{
    cleanup_free char *key = xasprintf("%s/%s", workload_kind(workload), workload->meta.name);
    struct counted *counted = map_get(tally->workloads, key);
    if (!counted && is_wanted) {
        int64_t replicas = workload_servers(workload);
        counted = xcalloc(1, sizeof *counted);
        counted->replicas = replicas < REPLICAS_MAX ? replicas : REPLICAS_MAX;
        map_put(tally->workloads, key, counted);
        if (workload->is_daemon_set && replicas > 0) {
            tally->unscaled_kind = workload_kind(workload);
            tally->unscaled_name = workload->meta.name;
            tally->is_open = tally->is_open || workload->status.observed_generation == 0;
        }
    }
    return counted;
}

/* A ReplicaSet of a Deployment is counted with that; one of another controller by itself. */
static bool is_counted_by_itself(const struct workload *workload)
{
    const struct object_owner *owner = workload->is_replica_set ? controller_of(&workload->meta) : NULL;
    return !owner || !text_equal(owner->kind, "Deployment");
}

static void tally_templates(struct tally *tally, enum model_kind kind)
{
    const struct store *store = model_read(tally->model, kind);
    const char *namespace_name = tally->budget->meta.namespace_name;
    for (const struct store_entry *at = store_first(store, namespace_name); at;
         at = store_next(store, namespace_name, at)) {
        const struct workload *workload = (const struct workload *) at->object;
        if (is_counted_by_itself(workload) && selects_labels(tally->budget, &workload->template_labels)) {
            counted_of(tally, workload, true)->is_whole = true;
        }
    }
}

/* The one whose replicas the controller asks for. NULL: none is at hand. */
static const struct workload *workload_of(const struct model *model, const struct pod *pod)
{
    const struct workload *workload = model_workload_of_pod(model, pod);
    const struct object_owner *owner = controller_of(&pod->meta);
    if (workload || !owner || !text_equal(owner->kind, "ReplicaSet") || !owner->name) {
        return workload;
    }
    const struct store_entry *entry =
        store_get(model_read(model, MODEL_REPLICA_SETS), pod->meta.namespace_name, owner->name);
    return entry ? (const struct workload *) entry->object : NULL;
}

static bool owner_has_no_scale(const struct object_owner *owner)
{
    const char *group = owner->api_version ? owner->api_version : "";
    return (text_starts_with(group, "apps/") && text_equal(owner->kind, "DaemonSet")) ||
           (text_starts_with(group, "batch/") && text_equal(owner->kind, "Job"));
}

/* A Job's pod comes and goes: by the spec it is nobody's reserve. */
static bool is_lasting(const struct pod *pod)
{
    const struct object_owner *owner = controller_of(&pod->meta);
    bool is_of_job = owner && owner_has_no_scale(owner) && text_equal(owner->kind, "Job");
    return pod->meta.deleted_us == 0 && !pod_is_finished(pod) && !is_of_job;
}

static void tally_selected(struct tally *tally, const struct pod *pod)
{
    const struct object_owner *owner = controller_of(&pod->meta);
    if (owner && owner_has_no_scale(owner)) { /* the count fails for a finished pod of a Job as well */
        tally->unscaled_kind = owner->kind;
        tally->unscaled_name = owner->name;
    }
    if (!is_lasting(pod)) {
        return;
    }
    const struct workload *workload = workload_of(tally->model, pod);
    if (workload) {
        counted_of(tally, workload, true)->selected++;
    } else if (owner) {
        tally->unknown++;
    } else {
        tally->bare++;
    }
}

static void tally_other(struct tally *tally, const struct pod *pod)
{
    const struct workload *workload = is_lasting(pod) ? workload_of(tally->model, pod) : NULL;
    struct counted *counted = workload ? counted_of(tally, workload, false) : NULL;
    if (counted) {
        counted->has_other = true;
    }
}

static void tally_pods(struct tally *tally, bool are_selected)
{
    const struct store *pods = model_read(tally->model, MODEL_PODS);
    const char *namespace_name = tally->budget->meta.namespace_name;
    for (const struct store_entry *at = store_first(pods, namespace_name); at;
         at = store_next(pods, namespace_name, at)) {
        const struct pod *pod = (const struct pod *) at->object;
        if (selects_labels(tally->budget, &pod->labels) != are_selected) {
            continue;
        }
        if (are_selected) {
            tally_selected(tally, pod);
        } else {
            tally_other(tally, pod);
        }
    }
}

/* Pods when all are there, and the size of the workloads that they are measured by. */
struct size {
    int64_t pods, scale;
    bool is_partial;
};

static bool has_parts(const struct tally *tally)
{
    for (const struct map_entry *at = map_first(tally->workloads); at; at = map_next(at)) {
        if (!((const struct counted *) map_value(at))->is_whole) {
            return true;
        }
    }
    return false;
}

static struct size size_of(struct tally *tally)
{
    static const enum model_kind kinds[] = {MODEL_STATEFUL_SETS, MODEL_DEPLOYMENTS, MODEL_REPLICA_SETS,
                                            MODEL_DAEMON_SETS};
    for (size_t i = 0; i < array_length(kinds); i++) {
        tally_templates(tally, kinds[i]);
    }
    tally_pods(tally, true);
    if (has_parts(tally)) {
        tally_pods(tally, false);
    }
    struct size size = {.pods = tally->bare + tally->unknown, .scale = tally->unknown};
    for (const struct map_entry *at = map_first(tally->workloads); at; at = map_next(at)) {
        const struct counted *counted = map_value(at);
        bool is_part = !counted->is_whole && counted->has_other;
        size.pods += is_part ? counted->selected : counted->replicas;
        size.scale += counted->replicas;
        size.is_partial = size.is_partial || is_part;
    }
    return size;
}

/* --- what it lets go --- */

struct amount {
    bool is_set, is_percentage, is_bad;
    int64_t value;
};

static struct amount amount_parse(const char *text)
{
    struct amount amount = {.is_set = text != NULL};
    if (!text) {
        return amount;
    }
    amount.is_percentage = text_ends_with(text, "%");
    cleanup_free char *digits = xstrndup(text, strlen(text) - (amount.is_percentage ? 1 : 0));
    int64_t maximum = amount.is_percentage ? PERCENT_MAX : REPLICAS_MAX;
    amount.is_bad = text_parse_int64(digits, 0, maximum, &amount.value) < 0;
    return amount;
}

/* The controller rounds both amounts up. */
static int64_t amount_of(const struct amount *amount, int64_t total)
{
    return amount->is_percentage ? (amount->value * total + PERCENT_MAX - 1) / PERCENT_MAX : amount->value;
}

static enum budget_flaw flaw_of(const struct tally *tally, const struct size *size, bool needs_scale)
{
    if (needs_scale && tally->unscaled_kind) {
        return BUDGET_UNSCALED;
    }
    if (needs_scale && size->scale == 0 && tally->bare > 0) {
        return BUDGET_UNMANAGED;
    }
    return needs_scale && size->is_partial ? BUDGET_PARTIAL : BUDGET_TIGHT;
}

static void judge_size(const struct tally *tally, const struct size *size, const struct amount *minimum,
                       const struct amount *maximum, struct budget_verdict *verdict)
{
    bool needs_scale = maximum->is_set || minimum->is_percentage;
    int64_t expected = needs_scale ? size->scale : size->pods;
    verdict->pods = size->pods;
    verdict->wanted = maximum->is_set ? expected - amount_of(maximum, expected) : amount_of(minimum, expected);
    verdict->wanted = verdict->wanted > 0 ? verdict->wanted : 0;
    if (tally->is_open && !needs_scale && verdict->wanted > 0) {
        verdict->allowed = 1; /* for the sake of a number: neither none nor all */
        return;
    }
    bool is_counted = expected > 0 && !(needs_scale && tally->unscaled_kind);
    verdict->allowed = is_counted && size->pods > verdict->wanted ? size->pods - verdict->wanted : 0;
    verdict->flaw = verdict->allowed > 0 ? BUDGET_SOUND : flaw_of(tally, size, needs_scale);
    if (verdict->flaw == BUDGET_UNSCALED) {
        verdict->unscaled_kind = tally->unscaled_kind;
        verdict->unscaled_name = tally->unscaled_name;
    }
}

void budget_judge(const struct model *model, const struct disruption_budget *budget, struct budget_verdict *ret_verdict)
{
    *ret_verdict = (struct budget_verdict){0};
    struct amount minimum = amount_parse(budget->min_available);
    struct amount maximum = amount_parse(budget->max_unavailable);
    if (minimum.is_bad || maximum.is_bad || (minimum.is_set && maximum.is_set)) {
        ret_verdict->flaw = BUDGET_REFUSED;
        return;
    }
    struct tally tally = {.model = model, .budget = budget, .workloads = map_new(free)};
    struct size size = size_of(&tally);
    if (minimum.is_set || maximum.is_set) {
        judge_size(&tally, &size, &minimum, &maximum, ret_verdict);
    } else {
        *ret_verdict = (struct budget_verdict){.flaw = BUDGET_EMPTY, .pods = size.pods};
    }
    map_free(tally.workloads);
}

char *budget_terms(const struct disruption_budget *budget)
{
    if (budget->min_available && budget->max_unavailable) {
        return xasprintf("minAvailable: %s and maxUnavailable: %s", budget->min_available, budget->max_unavailable);
    }
    if (budget->max_unavailable) {
        return xasprintf("maxUnavailable: %s", budget->max_unavailable);
    }
    if (budget->min_available) {
        return xasprintf("minAvailable: %s", budget->min_available);
    }
    return xstrdup("neither minAvailable nor maxUnavailable");
}
