/*
 * RolloutBlocked: a Deployment that must bring up a new pod before it ends an old one, and no node may take it.
 */
#include <inttypes.h>
#include <string.h>

#include "catalogue.h"
#include "node_match.h"
#include "node_room.h"
#include "phrase.h"
#include "proget/core/map.h"
#include "proget/core/text.h"

#define POD_TEMPLATE_HASH    "pod-template-hash"
#define LABEL_NAMESPACE_NAME "kubernetes.io/metadata.name"
#define DEFAULT_STEP         "25%"

/* --- the arithmetic of the Deployment controller --- */

/* A number, or a percentage of `total`. False where it is neither. */
static bool scale(const char *value, int64_t total, bool rounds_up, int64_t *ret_count)
{
    size_t length = strlen(value);
    if (length == 0 || value[length - 1] != '%') {
        return text_parse_int64(value, 0, INT32_MAX, ret_count) == 0;
    }
    cleanup_free char *number = xasprintf("%.*s", (int) (length - 1), value);
    int64_t percent;
    if (text_parse_int64(number, 0, INT32_MAX, &percent) < 0) {
        return false;
    }
    int64_t hundredths = percent * (total < INT32_MAX ? total : INT32_MAX);
    *ret_count = hundredths / 100 + (rounds_up && hundredths % 100 > 0 ? 1 : 0);
    return true;
}

/* No old pod may end before a new one runs, and there may be a new one beside them. Both 0: one may be missing. */
static bool has_to_surge(const struct workload *workload)
{
    bool rolls = !workload->strategy || text_equal(workload->strategy, "RollingUpdate");
    int64_t replicas = workload_servers(workload);
    const char *surge = workload->max_surge ? workload->max_surge : DEFAULT_STEP;
    const char *unavailable = workload->max_unavailable ? workload->max_unavailable : DEFAULT_STEP;
    int64_t surge_count;
    int64_t unavailable_count;
    return workload->is_deployment && rolls && replicas > 0 &&
           scale(surge, replicas, /* rounds_up= */ true, &surge_count) &&
           scale(unavailable, replicas, /* rounds_up= */ false, &unavailable_count) && unavailable_count == 0 &&
           surge_count > 0;
}

/* --- who keeps the new pod away --- */

/* A rule by which pods of the template keep away from each other, and the domains that are taken by it. */
struct rule {
    const struct affinity_term *term;
    struct map *taken;
};

static bool namespace_is_meant(const struct affinity_term *term, const char *namespace_name)
{
    if (term->namespaces.count == 0 && !term->namespace_selector) {
        return true; /* the workload's own, and only its pods are asked about */
    }
    record_list_each (const char *const *, each, &term->namespaces) {
        if (text_equal(*each, namespace_name)) {
            return true;
        }
    }
    const struct record_pair name = {.key = LABEL_NAMESPACE_NAME, .value = namespace_name};
    const struct record_list labels = {.items = &name, .count = 1};
    return term->namespace_selector && selector_matches(term->namespace_selector, &labels);
}

/*
 * A pod of the next revision keeps away from what has these labels. The next revision has a hash of its own: a rule
 * within one revision does not bind it.
 */
static bool rule_is_about(const struct affinity_term *term, const struct workload *workload,
                          const struct record_list *labels)
{
    if (!term->selector || !selector_matches(term->selector, labels)) {
        return false;
    }
    record_list_each (const char *const *, key, &term->match_label_keys) {
        const char *value = record_map_get(&workload->template_labels, *key);
        if (text_equal(*key, POD_TEMPLATE_HASH) || (value && !text_equal(value, record_map_get(labels, *key)))) {
            return false;
        }
    }
    record_list_each (const char *const *, other_key, &term->mismatch_label_keys) {
        const char *value = record_map_get(&workload->template_labels, *other_key);
        if (value && text_equal(value, record_map_get(labels, *other_key))) {
            return false;
        }
    }
    return namespace_is_meant(term, workload->meta.namespace_name);
}

static const struct node *node_named(const struct model *model, const char *name)
{
    const struct store_entry *entry = store_get(model_read(model, MODEL_NODES), NULL, name);
    return entry ? (const struct node *) entry->object : NULL;
}

static void take_domain(const struct rule *rule, const struct node *node)
{
    const char *domain = node_label(node, rule->term->topology_key);
    if (domain) {
        map_put(rule->taken, domain, rule->taken);
    }
}

/* Where the pods are that the rule is about. What is terminating will make room. */
static void take_domains_of_pods(const struct check_context *context, const struct workload *workload,
                                 const struct rule *rule)
{
    const char *namespace_name = workload->meta.namespace_name ? workload->meta.namespace_name : "";
    const struct store *pods = model_read(context->model, MODEL_PODS);
    for (const struct store_entry *at = store_first(pods, namespace_name); at;
         at = store_next(pods, namespace_name, at)) {
        const struct pod *pod = (const struct pod *) at->object;
        const struct node *node =
            text_is_empty(pod->spec.node_name) ? NULL : node_named(context->model, pod->spec.node_name);
        if (node && !pod->meta.deleted_us && !pod_is_finished(pod) &&
            rule_is_about(rule->term, workload, &pod->labels)) {
            take_domain(rule, node);
        }
    }
}

static struct rule *rules_of(const struct check_context *context, const struct workload *workload, size_t *ret_count)
{
    const struct record_list *terms = &workload->template_spec.anti_affinity;
    struct rule *rules = xcalloc(terms->count + 1, sizeof *rules);
    size_t count = 0;
    record_list_each (const struct affinity_term *, term, terms) {
        if (term->topology_key && rule_is_about(term, workload, &workload->template_labels)) {
            rules[count] = (struct rule){.term = term, .taken = map_new(NULL)};
            take_domains_of_pods(context, workload, &rules[count++]);
        }
    }
    *ret_count = count;
    return rules;
}

static void rules_free(struct rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        map_free(rules[i].taken);
    }
    free(rules);
}

static bool is_taken(const struct rule *rules, size_t count, const struct node *node)
{
    for (size_t i = 0; i < count; i++) {
        const char *domain = node_label(node, rules[i].term->topology_key);
        if (domain && map_get(rules[i].taken, domain)) {
            return true;
        }
    }
    return false;
}

/* The scheduler holds a rule against no node that lacks its label: it puts any number there. */
static bool is_bound(const struct rule *rules, size_t count, const struct node *node)
{
    for (size_t i = 0; i < count; i++) {
        if (node_label(node, rules[i].term->topology_key)) {
            return true;
        }
    }
    return false;
}

/* --- whether there is a place --- */

/* Places for one pod more than there are to be; a surge that has found its place counts. */
static int64_t places_wanted(const struct cluster *cluster, const struct workload *workload)
{
    int64_t wanted = workload_servers(workload) + 1;
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        wanted -= server->workload == workload && server_node_name(server) ? 1 : 0;
    }
    return wanted;
}

/* Puts pods one by one where they may go, until `wanted` are placed or no node is left. */
static bool find_places(const struct check_context *context, const struct workload *workload, const struct rule *rules,
                        size_t rule_count, struct node_tally *tally)
{
    int64_t wanted = places_wanted(context->cluster, workload);
    const struct store *nodes = model_read(context->model, MODEL_NODES);
    for (const struct store_entry *at = store_first(nodes, NULL); at && wanted > 0; at = store_next(nodes, NULL, at)) {
        const struct node *node = (const struct node *) at->object;
        enum node_verdict verdict = is_taken(rules, rule_count, node)
                                        ? NODE_OCCUPIED
                                        : node_judge(context->model, node, &workload->template_spec);
        tally->counts[verdict]++;
        if (verdict != NODE_TAKES) {
            continue;
        }
        if (!is_bound(rules, rule_count, node)) {
            return true;
        }
        wanted--;
        for (size_t i = 0; i < rule_count; i++) {
            take_domain(&rules[i], node);
        }
    }
    return wanted <= 0;
}

/* Where a pod was put in thought, none runs yet; nor does one, maybe, where that keeps another away. */
static void say_blocked(const struct check_context *context, const struct workload *workload,
                        const struct node_tally *tally)
{
    const char *namespace_name = context->cluster->namespace_name;
    const char *name = workload->meta.name;
    struct node_tally taken = *tally;
    if (taken.counts[NODE_TAKES] > 0) {
        taken.counts[NODE_PROMISED] = taken.counts[NODE_OCCUPIED] + taken.counts[NODE_TAKES];
        taken.counts[NODE_OCCUPIED] = taken.counts[NODE_TAKES] = 0;
    }
    cleanup_free char *reasons = node_tally_text(&taken, "");
    cleanup_free char *message =
        xasprintf("The next rollout of Deployment %s cannot begin: it may end no server before a new one runs "
                  "(maxUnavailable comes to 0), its anti-affinity keeps the new one away from the old ones, and no "
                  "node is left for it (%s). Its pod would wait for ever, and the change would not arrive.",
                  name, reasons);
    cleanup_free char *action =
        xasprintf("Let one server end first: kubectl -n %s patch deployment %s -p '{\"spec\":{\"strategy\":"
                  "{\"rollingUpdate\":{\"maxSurge\":0,\"maxUnavailable\":1}}}}'; or add a node that can take a server.",
                  namespace_name, name);
    finding_raise(context,
                  &(struct finding_draft){
                      .object = reference_to_workload(workload), .message = message, .action = action, .hold_ms = -1});
}

static void judge(const struct check_context *context, const struct workload *workload)
{
    size_t count;
    struct rule *rules = rules_of(context, workload, &count);
    struct node_tally tally = {0};
    if (count > 0 && !node_room_is_unobserved(context) && !find_places(context, workload, rules, count, &tally)) {
        say_blocked(context, workload, &tally);
    }
    rules_free(rules, count);
}

void check_rollout_blocked(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    for (size_t i = 0; i < cluster->workload_count; i++) {
        if (has_to_surge(cluster->workloads[i])) {
            judge(context, cluster->workloads[i]);
        }
    }
}
