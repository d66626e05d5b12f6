#include "spread_rule.h"

#include "proget/core/map.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

#include "node_match.h"

#define LABEL_NAMESPACE_NAME "kubernetes.io/metadata.name"
#define LABEL_HOSTNAME       "kubernetes.io/hostname"

static bool list_contains(const struct record_list *list, const char *text)
{
    record_list_each (const char *const *, each, list) {
        if (text_equal(*each, text)) {
            return true;
        }
    }
    return false;
}

/* Servers of one workload count as of one revision: a roll-out is a passing state. */
static bool keys_match(const struct record_list *keys, const struct subject *a, const struct subject *b)
{
    bool same_workload = a->workload && a->workload == b->workload;
    record_list_each (const char *const *, key, keys) {
        const char *value = record_map_get(a->labels, *key);
        if (value && !same_workload && !text_equal(value, record_map_get(b->labels, *key))) {
            return false;
        }
    }
    return true;
}

static bool keys_mismatch(const struct record_list *keys, const struct subject *a, const struct subject *b)
{
    record_list_each (const char *const *, key, keys) {
        const char *value = record_map_get(a->labels, *key);
        if (value && text_equal(value, record_map_get(b->labels, *key))) {
            return false;
        }
    }
    return true;
}

static bool namespace_matches(struct spread_question *question, const struct affinity_term *term,
                              const struct subject *a, const struct subject *b)
{
    const char *other = b->meta->namespace_name;
    if (term->namespaces.count == 0 && !term->namespace_selector) {
        return text_equal(a->meta->namespace_name, other);
    }
    if (list_contains(&term->namespaces, other)) {
        return true;
    }
    if (!term->namespace_selector) {
        return false;
    }
    /* Of a namespace only the label that always says its name is known. */
    const struct record_pair name = {.key = LABEL_NAMESPACE_NAME, .value = other};
    const struct record_list labels = {.items = &name, .count = 1};
    if (!selector_matches(term->namespace_selector, &labels)) {
        question->lacked_namespaces = true;
    }
    return true;
}

/* b may not come to where a is. The scheduler keeps this in both directions. */
static bool anti_affinity_forbids(struct spread_question *question, const struct subject *a, const struct subject *b)
{
    record_list_each (const struct affinity_term *, term, &a->spec->anti_affinity) {
        if (text_equal(term->topology_key, question->topology_key) && term->selector &&
            selector_matches(term->selector, b->labels) && keys_match(&term->match_label_keys, a, b) &&
            keys_mismatch(&term->mismatch_label_keys, a, b) && namespace_matches(question, term, a, b)) {
            return true;
        }
    }
    return false;
}

/* Domains that the scheduler counts for this constraint. Negative: nodes are not observed. */
static int64_t domains_of(const struct spread_question *question, const struct topology_spread *spread,
                          const struct subject *subject)
{
    const struct model *model = question->context->model;
    if (model_unobserved(model, MODEL_NODES)) {
        return -1;
    }
    struct map *domains = map_new(NULL);
    const struct store *nodes = model_read(model, MODEL_NODES);
    for (const struct store_entry *at = store_first(nodes, NULL); at; at = store_next(nodes, NULL, at)) {
        const struct node *node = (const struct node *) at->object;
        const char *domain = node_label(node, question->topology_key);
        bool eligible =
            domain && (text_equal(spread->node_affinity_policy, "Ignore") || node_matches_spec(node, subject->spec)) &&
            (!text_equal(spread->node_taints_policy, "Honor") || node_is_tolerated(node, subject->spec));
        if (eligible) {
            map_put(domains, domain, domains);
        }
    }
    int64_t count = (int64_t) map_count(domains);
    map_free(domains);
    return count;
}

/* a's constraint leaves a domain that holds b to no other: then a cannot come to where b is. */
static bool spread_keeps_away(struct spread_question *question, const struct subject *a, const struct subject *b)
{
    record_list_each (const struct topology_spread *, spread, &a->spec->spread) {
        if (!text_equal(spread->topology_key, question->topology_key) ||
            !text_equal(spread->when_unsatisfiable, "DoNotSchedule") || spread->max_skew != 1 || !spread->selector ||
            !selector_matches(spread->selector, b->labels) || !keys_match(&spread->match_label_keys, a, b) ||
            !text_equal(a->meta->namespace_name, b->meta->namespace_name)) {
            continue;
        }
        if (spread->min_domains >= question->servers) {
            return true;
        }
        int64_t domains = domains_of(question, spread, a);
        if (domains < 0) {
            question->lacked_nodes = true;
        }
        if (domains < 0 || domains >= question->servers) {
            return true;
        }
    }
    return false;
}

/* A DaemonSet never puts two pods on one node. */
static bool is_one_per_node(const struct spread_question *question, const struct subject *a, const struct subject *b)
{
    return text_equal(question->topology_key, LABEL_HOSTNAME) && a->workload && a->workload == b->workload &&
           text_equal(workload_kind(a->workload), "DaemonSet");
}

bool spread_forbids_sharing(struct spread_question *question, const struct subject *a, const struct subject *b)
{
    return is_one_per_node(question, a, b) || anti_affinity_forbids(question, a, b) ||
           anti_affinity_forbids(question, b, a) ||
           (spread_keeps_away(question, a, b) && spread_keeps_away(question, b, a));
}
