/*
 * A check: a pure function (model, cluster, clock) -> findings. No I/O, no globals, no JSON. One check, one file, one
 * row in the catalogue, one fixture folder, one page in docs/findings/.
 */
#ifndef PROGET_CHECKS_CHECK_H
#define PROGET_CHECKS_CHECK_H

#include "proget/checks/finding.h"
#include "proget/model/model.h"

struct check_row;
struct check_sink; /* where findings go; private to the evaluation */

struct check_context {
    const struct model *model;
    const struct cluster *cluster;
    struct instant now;
    const struct check_row *row;
    struct check_sink *sink;
};

typedef void check_fn(const struct check_context *context);

/*
 * What a finding rests on beyond the pods and the ProGetClusters: while that cannot be seen, a finding that stands is
 * not disproved by being missing. The kind of its object always belongs to it.
 */
#define CHECK_RESTS_ON_REPORT     (1u << 31) /* the servers' reports */
#define CHECK_RESTS_ON_KIND(kind) (1u << (kind))

/* One row of the catalogue. A function may serve several codes (rows); it is called once per function. */
struct check_row {
    const char *code;
    enum severity severity; /* unless spec.severity says otherwise */
    int64_t hold_ms;
    const char *condition; /* of the status: "EncryptionKeyInSync", ...; NULL: Ready alone */
    check_fn *check;
    const char *summary; /* one line, for lists */
    unsigned rests_on;   /* CHECK_RESTS_ON_…: what has to be seen to say that it is true, or no longer */
    bool is_moment;    /* it happened once, such as an eviction: its end is nothing that was mended, and is not said */
    bool is_live_only; /* only who watches can tell: not judged offline */
};

/* The catalogue, in the order of the design. */
const struct check_row *catalogue(size_t *ret_count);
const struct check_row *catalogue_find(const char *code); /* NULL: no such code */

/* What a check says. Texts are copied. `message` and `action` are formatted by the caller into buffers of any size. */
struct finding_draft {
    const char *code; /* NULL: the row's */
    struct object_reference object;
    const struct object_reference *related;
    size_t related_count;
    const char *cause, *occurrence;
    const char *message, *action;
    int64_t true_since_us;
    int64_t hold_ms;    /* negative: the row's */
    bool about_cluster; /* about the whole, whatever the object is: one pod's annotation does not leave it out */
};
void finding_raise(const struct check_context *context, const struct finding_draft *draft);
/* A fact that the check needed and could not have: named in the condition Observed. Repeats are folded. */
void finding_unobserved(const struct check_context *context, const char *what, const char *why);
/* Asks for an evaluation at that monotonic time. */
void finding_wake_at(const struct check_context *context, int64_t monotonic_ms);

/* References to what the model holds. Texts borrowed. */
struct object_reference reference_to_subject(const struct subject *subject);
struct object_reference reference_to_server(const struct server *server);
struct object_reference reference_to_node(const struct node *node);
struct object_reference reference_to_workload(const struct workload *workload);
/* The ProGetCluster, or the first workload of an implied cluster (its first pod where it has none). */
struct object_reference reference_to_cluster(const struct cluster *cluster);

#endif
