/*
 * What a PodDisruptionBudget lets go while all its pods are healthy, counted as the disruption controller counts. Pure.
 */
#ifndef PROGET_CHECKS_BUDGET_H
#define PROGET_CHECKS_BUDGET_H

#include "proget/model/model.h"

/* The budgets that select a server of a cluster, in the order of their names. Borrowed from the model. */
struct budget_list {
    const struct disruption_budget **items;
    size_t count;
};
void budget_list_take(const struct model *model, const struct cluster *cluster, struct budget_list *ret_list);
void budget_list_clear(struct budget_list *list);
#define cleanup_budget_list __attribute__((cleanup(budget_list_clear)))

/*
 * As the eviction API looks it up: same namespace, and the selector matches. An absent selector selects nothing; an
 * empty one all pods (under policy/v1beta1: none); a pod without any label is under no budget.
 */
bool budget_selects(const struct disruption_budget *budget, const struct subject *subject);
/* Every subject of the cluster that stands for a server. False where there is none. */
bool budget_selects_all(const struct disruption_budget *budget, const struct cluster *cluster);

enum budget_flaw { /* why none may ever go */
                   BUDGET_SOUND,
                   BUDGET_TIGHT, /* it wants as many as there are */
                   BUDGET_EMPTY, /* neither minAvailable nor maxUnavailable: the controller wants none and allows none
                                  */
                   BUDGET_UNMANAGED, /* bare pods count only for minAvailable as a whole number */
                   BUDGET_UNSCALED,  /* the same of a DaemonSet's and a Job's pods: how many there should be cannot be
                                        asked */
                   BUDGET_PARTIAL,   /* it selects some pods of a workload and measures them by the size of the whole */
                   BUDGET_REFUSED,   /* the API server takes no such amount: a manifest of no effect */
};

struct budget_verdict {
    enum budget_flaw flaw;
    int64_t pods;                              /* that it selects when all are there */
    int64_t wanted;                            /* of them, that have to stay */
    int64_t allowed;                           /* that may go at once; 0 with each flaw */
    const char *unscaled_kind, *unscaled_name; /* BUDGET_UNSCALED: whose pods they are; borrowed */
};

/*
 * By its spec, whatever the pods are doing at the moment: workloads count with their replicas, in the whole namespace.
 * A controller of a kind that the model does not read counts with the pods that there are.
 */
void budget_judge(const struct model *model, const struct disruption_budget *budget,
                  struct budget_verdict *ret_verdict);

/* "maxUnavailable: 1", "minAvailable: 50%", "neither minAvailable nor maxUnavailable". Owned. */
char *budget_terms(const struct disruption_budget *budget);

#endif
