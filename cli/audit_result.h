/*
 * What an audit found: the clusters of a model, each with its findings.
 */
#ifndef PROGET_CLI_AUDIT_RESULT_H
#define PROGET_CLI_AUDIT_RESULT_H

#include "input.h"
#include "proget/checks/evaluation.h"

#define AUDIT_FOUND_NONE "found no ProGet, BuildMaster or Otter in the input"

struct audit_result {
    const struct model *model; /* borrowed */
    struct cluster_list clusters;
    struct finding_list *findings; /* one for each cluster */
    /* Over all clusters, each once. Borrowed from the lists. */
    struct unobserved *unobserved;
    size_t unobserved_count;
    /* Set by the caller: */
    const struct input *input; /* borrowed: where objects were read, and what was unusable; NULL: not known */
    bool is_partial;           /* part of the input was unusable, so that it is not judged */
};

/* Joins and evaluates. The model must not change before audit_result_clear(). */
void audit_result_make(struct model *model, struct instant now, struct audit_result *ret_result);
void audit_result_clear(struct audit_result *result);

size_t audit_result_count(const struct audit_result *result, enum severity severity);
size_t audit_result_suppressed_count(const struct audit_result *result);
/* Clusters that are evaluated: those that a user's ProGetCluster took over are not. */
size_t audit_result_cluster_count(const struct audit_result *result);
/* Live servers, and those that templates without pods stand for. */
int64_t audit_result_server_count(const struct audit_result *result);
int64_t audit_cluster_server_count(const struct cluster *cluster);
/* Kinds among what is not observed; the rest are facts of single pods. */
size_t audit_result_unobserved_kinds(const struct audit_result *result);

#endif
