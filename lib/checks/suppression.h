/*
 * What a user asked to leave out: annotations ignore.proget-operator.io/<Code> (or /all) and spec.ignore. Design
 * section 5, "Left out". Pure.
 */
#ifndef PROGET_CHECKS_SUPPRESSION_H
#define PROGET_CHECKS_SUPPRESSION_H

#include "proget/checks/finding.h"
#include "proget/model/model.h"

/*
 * Why a finding with that code on that object is left out; NULL: it is not. Borrowed from the model, or static.
 *
 * On a pod: its annotations, its template's, its workload's, the cluster's. On a workload: its template's, its own, the
 * cluster's. About the whole cluster, or on anything else: the cluster's, or those that all its servers share; one pod
 * of three does not speak for the cluster. A code's own annotation gives the reason before /all.
 */
const char *suppression_reason(const struct model *model, const struct cluster *cluster, const char *code,
                               const struct object_reference *object, bool about_cluster);

#endif
