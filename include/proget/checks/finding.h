/*
 * A finding: what is wrong, with which object, what to do. Design section 5.
 */
#ifndef PROGET_CHECKS_FINDING_H
#define PROGET_CHECKS_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proget/core/json.h"

enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ERROR };
const char *severity_name(enum severity severity); /* "info", "warning", "error" */
/* 0 or ERROR_BAD_INPUT */
int severity_from_name(const char *name, enum severity *ret_severity);

struct object_reference {
    const char *api_version, *kind;
    const char *namespace_name; /* NULL: cluster-scoped */
    const char *name;
    const char *uid; /* NULL: unknown, as offline */
};
/* By kind, namespace, name and uid. */
bool object_reference_equal(const struct object_reference *a, const struct object_reference *b);

/* Texts are owned by the finding_list it is in. */
struct finding {
    const char *code;
    enum severity severity;
    struct object_reference object;
    struct object_reference *related; /* sorted by kind, namespace, name, uid */
    size_t related_count;
    const char *cause;      /* NULL: none; a further word of the code's own, such as "NodePressure" */
    const char *occurrence; /* NULL: a state; else what makes it one of its kind, such as an evicted pod's uid */
    const char *message;    /* one sentence: what is wrong, with the names in it; at most BOUND_SENTENCE_BYTES */
    const char *action;     /* one sentence: what to do */
    int64_t true_since_us;  /* since when it is true as the objects themselves tell; 0: they do not */
    int64_t hold_ms;        /* how long it must have been true before it is published */
    const char *key;        /* identity between evaluations: finding_key() */
};

/* The key above, of its parts; `related` need not be sorted. Owned by the caller. The publisher's memory uses it too.
 */
char *finding_key(const char *code, const struct object_reference *object, const struct object_reference *related,
                  size_t related_count, const char *cause, const char *occurrence);

struct suppressed_finding {
    struct finding finding;
    const char *reason;
};

struct unobserved {
    const char *what; /* "horizontalpodautoscalers", "report of pod proget-0" */
    const char *why;
};

struct finding_list {
    struct finding *items; /* sorted by severity (worst first), code, object */
    size_t count;
    struct suppressed_finding *suppressed;
    size_t suppressed_count;
    struct unobserved *unobserved;
    size_t unobserved_count;
    int64_t wake_at_ms; /* monotonic: evaluate again then, even if nothing changes; INT64_MAX: no need */
    size_t
        dropped; /* findings, left out ones included, over BOUND_FINDINGS_PER_CLUSTER: what is not listed may be true */
    void *arena; /* private */
};
void finding_list_free(struct finding_list *list); /* NULL is allowed */

#endif
