/*
 * The catalogue over one cluster: runs every check, leaves out what is to be left out, sets severities, sorts.
 */
#ifndef PROGET_CHECKS_EVALUATION_H
#define PROGET_CHECKS_EVALUATION_H

#include "proget/checks/check.h"

/* *ret_findings is freed with finding_list_free(); it borrows nothing. */
void evaluation_run(const struct model *model, const struct cluster *cluster, struct instant now,
                    struct finding_list *ret_findings);

/* A condition of the status, metav1.Condition without its times. */
struct evaluation_condition {
    const char *type, *status, *reason; /* static or borrowed from the findings */
    char *message;                      /* owned */
};
enum { EVALUATION_CONDITION_COUNT = 8 };

/* What a condition is judged by: the findings that are published (their hold is over). */
struct evaluation_standing {
    const struct finding *const *findings;
    size_t count;
    int64_t healthy_servers;
};
/*
 * The conditions of design section 3, in that order, each with its status, the worst finding's code as the reason, and
 * its sentence as the message. Unknown where what it needs is not observed.
 */
void evaluation_conditions(const struct model *model, const struct cluster *cluster,
                           const struct finding_list *findings, const struct evaluation_standing *standing,
                           struct evaluation_condition ret_conditions[EVALUATION_CONDITION_COUNT]);
void evaluation_conditions_clear(struct evaluation_condition conditions[EVALUATION_CONDITION_COUNT]);

/* A finding as design section 10 prints it (code, severity, object, related, cause, message, action). Owned. */
struct json_object *finding_to_json(const struct finding *finding);
struct json_object *object_reference_to_json(const struct object_reference *reference);

#endif
