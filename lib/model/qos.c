#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/quantity.h"
#include "proget/core/text.h"
#include "proget/model/pod.h"

static const char *const class_names[] = {
    [QOS_BEST_EFFORT] = "BestEffort",
    [QOS_BURSTABLE] = "Burstable",
    [QOS_GUARANTEED] = "Guaranteed",
};

const char *qos_class_name(enum qos_class class_of_pod)
{
    return (size_t) class_of_pod < array_length(class_names) ? class_names[class_of_pod] : NULL;
}

/* Over what has been looked at so far. */
struct qos_tally {
    bool has_any;
    enum qos_class common; /* a mix is Burstable */
    struct buffer why;
    bool wants_why;
};

/* 0 and what cannot be read are the same as absent. */
static int64_t amount_of(const char *quantity)
{
    int64_t thousandths = 0;
    if (quantity == NULL || quantity_parse(quantity, &thousandths) < 0 || thousandths < 0) {
        return 0;
    }
    return thousandths;
}

static void tally_add(struct qos_tally *tally, enum qos_class found)
{
    tally->common = tally->has_any && tally->common != found ? QOS_BURSTABLE : found;
    tally->has_any = true;
}

/* A text over its bound loses its end: it is for people, and names the first culprits. */
static void tally_explain(struct qos_tally *tally, const char *who, const char *resource, const char *request,
                          const char *limit)
{
    if (!tally->wants_why) {
        return;
    }
    const char *separator = tally->why.length == 0 ? "" : "; ";
    if (amount_of(limit) == 0) {
        (void) buffer_appendf(&tally->why, "%s%s has no %s limit", separator, who, resource);
    } else {
        (void) buffer_appendf(&tally->why, "%s%s requests %s %s, which is not its limit %s", separator, who, request,
                              resource, limit);
    }
}

static void tally_resource(struct qos_tally *tally, const char *who, const char *resource, const char *request,
                           const char *limit)
{
    int64_t limit_amount = amount_of(limit);
    /* What the API server does to a request that is not given; "0" is given. */
    int64_t ignored = 0;
    const char *effective = request == NULL || quantity_parse(request, &ignored) < 0 ? limit : request;
    int64_t request_amount = amount_of(effective);
    if (request_amount == limit_amount) {
        tally_add(tally, request_amount == 0 ? QOS_BEST_EFFORT : QOS_GUARANTEED);
    } else {
        tally_add(tally, QOS_BURSTABLE);
    }
    if (request_amount != limit_amount || limit_amount == 0) {
        tally_explain(tally, who, resource, effective, limit);
    }
}

static void tally_resources(struct qos_tally *tally, const char *who, const struct resources *resources)
{
    tally_resource(tally, who, "cpu", resources->requests.cpu, resources->limits.cpu);
    tally_resource(tally, who, "memory", resources->requests.memory, resources->limits.memory);
}

static void tally_containers(struct qos_tally *tally, const struct record_list *containers,
                             const struct container *without)
{
    record_list_each (const struct container *, container, containers) {
        if (container != without) {
            cleanup_free char *who = xasprintf("container %s", container->name ? container->name : "without a name");
            tally_resources(tally, who, &container->resources);
        }
    }
}

static bool resources_say_something(const struct resources *resources)
{
    return amount_of(resources->requests.cpu) != 0 || amount_of(resources->requests.memory) != 0 ||
           amount_of(resources->limits.cpu) != 0 || amount_of(resources->limits.memory) != 0;
}

enum qos_class pod_spec_qos(const struct pod_spec *spec, const struct container *without, char **ret_why)
{
    struct qos_tally tally = {
        .common = QOS_BEST_EFFORT,
        .why = BUFFER_INIT(BOUND_SENTENCE_BYTES),
        .wants_why = ret_why != NULL,
    };
    if (spec->resources != NULL && resources_say_something(spec->resources)) {
        tally_resources(&tally, "the pod as a whole", spec->resources);
    } else {
        tally_containers(&tally, &spec->init_containers, without);
        tally_containers(&tally, &spec->containers, without);
    }
    if (ret_why != NULL) {
        char *why = tally.common == QOS_GUARANTEED ? NULL : buffer_take(&tally.why);
        if (why != NULL) {
            text_make_printable(why);
        }
        *ret_why = why;
    }
    buffer_free(&tally.why);
    return tally.common;
}
