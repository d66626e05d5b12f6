#include "proget/model/node_load.h"

#include <string.h>

#include "proget/core/map.h"
#include "proget/core/memory.h"
#include "proget/core/quantity.h"
#include "proget/core/text.h"
#include "proget/model/priority.h"
#include "workloads.h"

/* --- one pod --- */

static const int64_t amount_max = INT64_C(1) << 50;

static int64_t thousandths_of(const char *quantity)
{
    int64_t thousandths = 0;
    if (quantity == NULL || quantity_parse(quantity, &thousandths) < 0 || thousandths < 0) {
        return 0;
    }
    return thousandths;
}

static uint64_t capped(int64_t amount)
{
    return (uint64_t) (amount < amount_max ? amount : amount_max);
}

uint64_t cpu_amount(const char *quantity)
{
    return capped(thousandths_of(quantity));
}

uint64_t bytes_amount(const char *quantity)
{
    int64_t thousandths = thousandths_of(quantity);
    return capped(thousandths / 1000 + (thousandths % 1000 > 0 ? 1 : 0));
}

static struct resource_sums amounts_read(const struct resource_amounts *amounts)
{
    return (struct resource_sums){
        .cpu_thousandths = cpu_amount(amounts->cpu),
        .memory_bytes = bytes_amount(amounts->memory),
        .storage_bytes = bytes_amount(amounts->ephemeral_storage),
    };
}

/* What the API server does to a request that is not given; "0" is given. */
static const char *request_or_limit(const char *request, const char *limit)
{
    return request == NULL ? limit : request;
}

static struct resource_sums container_requests(const struct container *container)
{
    const struct resource_amounts *requests = &container->resources.requests;
    const struct resource_amounts *limits = &container->resources.limits;
    return amounts_read(&(struct resource_amounts){
        .cpu = request_or_limit(requests->cpu, limits->cpu),
        .memory = request_or_limit(requests->memory, limits->memory),
        .ephemeral_storage = request_or_limit(requests->ephemeral_storage, limits->ephemeral_storage),
    });
}

/* Modulo 2^64, so that taking away again what was added is exact, whatever the sum. */
static void sums_add(struct resource_sums *sums, const struct resource_sums *more)
{
    sums->cpu_thousandths += more->cpu_thousandths;
    sums->memory_bytes += more->memory_bytes;
    sums->storage_bytes += more->storage_bytes;
    sums->pods += more->pods;
}

static void sums_subtract(struct resource_sums *sums, const struct resource_sums *less)
{
    sums->cpu_thousandths -= less->cpu_thousandths;
    sums->memory_bytes -= less->memory_bytes;
    sums->storage_bytes -= less->storage_bytes;
    sums->pods -= less->pods;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void sums_raise(struct resource_sums *sums, const struct resource_sums *least)
{
    sums->cpu_thousandths = larger(sums->cpu_thousandths, least->cpu_thousandths);
    sums->memory_bytes = larger(sums->memory_bytes, least->memory_bytes);
    sums->storage_bytes = larger(sums->storage_bytes, least->storage_bytes);
}

/* KEP-753: a native sidecar runs beside all that start after it, init containers too. */
static struct resource_sums containers_request(const struct pod_spec *spec)
{
    struct resource_sums sidecars = {0};
    struct resource_sums at_start = {0};
    record_list_each (const struct container *, init, &spec->init_containers) {
        struct resource_sums now = container_requests(init);
        if (text_equal(init->restart_policy, "Always")) {
            sums_add(&sidecars, &now);
            sums_raise(&at_start, &sidecars);
        } else {
            sums_add(&now, &sidecars);
            sums_raise(&at_start, &now);
        }
    }
    struct resource_sums sums = sidecars;
    record_list_each (const struct container *, container, &spec->containers) {
        struct resource_sums now = container_requests(container);
        sums_add(&sums, &now);
    }
    sums_raise(&sums, &at_start);
    return sums;
}

/* What the pod as a whole requests; without that, what its containers do; where they say nothing either, its limit. */
static uint64_t whole_request(const char *request, const char *limit, uint64_t of_containers,
                              uint64_t (*read)(const char *))
{
    if (request != NULL) {
        return read(request);
    }
    return of_containers > 0 ? of_containers : read(limit);
}

struct resource_sums pod_spec_requests(const struct pod_spec *spec)
{
    struct resource_sums sums = containers_request(spec);
    if (spec->resources != NULL) {
        const struct resource_amounts *requests = &spec->resources->requests;
        const struct resource_amounts *limits = &spec->resources->limits;
        sums.cpu_thousandths = whole_request(requests->cpu, limits->cpu, sums.cpu_thousandths, cpu_amount);
        sums.memory_bytes = whole_request(requests->memory, limits->memory, sums.memory_bytes, bytes_amount);
    }
    if (spec->overhead != NULL) {
        struct resource_sums overhead = amounts_read(spec->overhead);
        sums_add(&sums, &overhead);
    }
    /* A list is bounded, so these sums do fit. */
    sums.cpu_thousandths = capped((int64_t) sums.cpu_thousandths);
    sums.memory_bytes = capped((int64_t) sums.memory_bytes);
    sums.storage_bytes = capped((int64_t) sums.storage_bytes);
    sums.pods = 1;
    return sums;
}

bool pod_is_ordinary(const struct pod *pod)
{
    const struct object_owner *owner = object_controller(&pod->meta);
    bool is_of_node = owner != NULL && (text_equal(owner->kind, "DaemonSet") || text_equal(owner->kind, "Node"));
    return !is_of_node && !priority_is_of_system(&pod->spec);
}

/* --- all of them --- */

struct slot {
    struct node_share *shares;
    size_t count;
};

struct node_load {
    struct map *slots; /* by the node's name; none without a pod */
};

static void slot_free(void *value)
{
    struct slot *slot = value;
    for (size_t i = 0; i < slot->count; i++) {
        free(slot->shares[i].class_name);
    }
    free(slot->shares);
    free(slot);
}

struct node_load *node_load_new(void)
{
    struct node_load *load = xcalloc(1, sizeof(*load));
    load->slots = map_new(slot_free);
    return load;
}

void node_load_free(struct node_load *load)
{
    if (load != NULL) {
        map_free(load->slots);
        free(load);
    }
}

/* What a pod adds to which node. */
struct burden {
    const char *node_name; /* NULL: nothing */
    struct record_optional_int64 priority;
    const char *class_name; /* NULL: none */
    struct resource_sums requests;
    bool is_ordinary;
};

static struct burden burden_of(const struct store_entry *entry)
{
    const struct pod *pod = entry == NULL ? NULL : (const struct pod *) (const void *) entry->object;
    if (pod == NULL || text_is_empty(pod->spec.node_name) || pod->meta.deleted_us != 0 || pod_is_finished(pod)) {
        return (struct burden){0};
    }
    return (struct burden){
        .node_name = pod->spec.node_name,
        .priority = pod->spec.priority,
        .class_name = pod->spec.priority_class_name,
        .requests = pod_spec_requests(&pod->spec),
        .is_ordinary = pod_is_ordinary(pod),
    };
}

static bool priorities_equal(struct record_optional_int64 a, const char *a_class, struct record_optional_int64 b,
                             const char *b_class)
{
    return a.is_set == b.is_set && a.value == b.value && text_equal(a_class, b_class);
}

static bool burdens_equal(const struct burden *a, const struct burden *b)
{
    return text_equal(a->node_name, b->node_name) &&
           priorities_equal(a->priority, a->class_name, b->priority, b->class_name) &&
           a->requests.cpu_thousandths == b->requests.cpu_thousandths &&
           a->requests.memory_bytes == b->requests.memory_bytes &&
           a->requests.storage_bytes == b->requests.storage_bytes && a->is_ordinary == b->is_ordinary;
}

static struct node_share *slot_share(struct slot *slot, const struct burden *burden)
{
    for (size_t i = 0; i < slot->count; i++) {
        struct node_share *share = &slot->shares[i];
        if (priorities_equal(share->priority, share->class_name, burden->priority, burden->class_name)) {
            return share;
        }
    }
    slot->shares = xrealloc(slot->shares, slot->count + 1, sizeof(*slot->shares));
    struct node_share *share = &slot->shares[slot->count++];
    *share = (struct node_share){.priority = burden->priority, .class_name = xstrdup(burden->class_name)};
    return share;
}

static void load_add(struct node_load *load, const struct burden *burden)
{
    struct slot *slot = map_get(load->slots, burden->node_name);
    if (slot == NULL) {
        slot = xcalloc(1, sizeof(*slot));
        map_put(load->slots, burden->node_name, slot);
    }
    struct node_share *share = slot_share(slot, burden);
    sums_add(&share->requests, &burden->requests);
    share->ordinary += burden->is_ordinary ? 1 : 0;
}

static void load_subtract(struct node_load *load, const struct burden *burden)
{
    struct slot *slot = map_get(load->slots, burden->node_name);
    if (slot == NULL) {
        return;
    }
    struct node_share *share = slot_share(slot, burden);
    sums_subtract(&share->requests, &burden->requests);
    share->ordinary -= burden->is_ordinary ? 1 : 0;
    if (share->requests.pods == 0) {
        free(share->class_name);
        *share = slot->shares[--slot->count];
    }
    if (slot->count == 0) {
        map_remove(load->slots, burden->node_name);
    }
}

bool node_load_follow(struct node_load *load, const struct store_entry *before, const struct store_entry *after)
{
    struct burden was = burden_of(before);
    struct burden is = burden_of(after);
    if (burdens_equal(&was, &is)) {
        return false;
    }
    if (was.node_name != NULL) {
        load_subtract(load, &was);
    }
    if (is.node_name != NULL) {
        load_add(load, &is);
    }
    return true;
}

const struct node_share *node_load_shares(const struct node_load *load, const char *node_name, size_t *ret_count)
{
    const struct slot *slot = node_name == NULL ? NULL : map_get(load->slots, node_name);
    *ret_count = slot == NULL ? 0 : slot->count;
    return slot == NULL ? NULL : slot->shares;
}

struct resource_sums node_load_total(const struct node_load *load, const char *node_name)
{
    struct resource_sums total = {0};
    size_t count = 0;
    const struct node_share *shares = node_load_shares(load, node_name, &count);
    for (size_t i = 0; i < count; i++) {
        sums_add(&total, &shares[i].requests);
    }
    return total;
}

/* --- how full is too full --- */

/* Sums of a few thousand pods of 2^50 at the most, and hundredths of a node's own: this does not overflow. */
static bool is_above(uint64_t amount, uint64_t whole, unsigned percent)
{
    return whole > 0 && amount > whole / 100 * percent + whole % 100 * percent / 100;
}

struct node_fullness node_fullness(const struct resource_sums *taken, const struct resource_amounts *allocatable,
                                   unsigned percent)
{
    return (struct node_fullness){
        .is_cpu = is_above(taken->cpu_thousandths, cpu_amount(allocatable->cpu), percent),
        .is_memory = is_above(taken->memory_bytes, bytes_amount(allocatable->memory), percent),
    };
}

struct resource_sums node_usage(const struct node_metrics *metrics)
{
    return amounts_read(&metrics->usage);
}

static struct node_fullness fullness_of_entry(const struct node *node, const struct store_entry *entry)
{
    if (node == NULL || entry == NULL) {
        return (struct node_fullness){0};
    }
    struct resource_sums usage = node_usage((const struct node_metrics *) (const void *) entry->object);
    return node_fullness(&usage, &node->allocatable, NODE_USED_MAX);
}

bool node_usage_follow(const struct node *node, const struct store_entry *before, const struct store_entry *after)
{
    struct node_fullness was = fullness_of_entry(node, before);
    struct node_fullness is = fullness_of_entry(node, after);
    if (was.is_cpu != is.is_cpu || was.is_memory != is.is_memory) {
        return true;
    }
    bool was_too_old =
        before != NULL && after != NULL && after->changed_ms - before->changed_ms > NODE_MEASURED_WITHIN_MS;
    return was_too_old && (is.is_cpu || is.is_memory);
}
