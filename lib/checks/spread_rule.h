/*
 * Whether the specs of servers forbid them to share a domain: required anti-affinity, or a hard spread constraint that
 * leaves each domain one of them. Pure.
 */
#ifndef PROGET_CHECKS_SPREAD_RULE_H
#define PROGET_CHECKS_SPREAD_RULE_H

#include "proget/checks/check.h"

struct spread_question {
    const struct check_context *context;
    const char *topology_key;
    int64_t servers;        /* that have to find a domain each */
    bool lacked_nodes;      /* out: a rule was taken as good because nodes are not observed */
    bool lacked_namespaces; /* out: the same of a namespaceSelector */
};

/* Two servers made from these specs cannot share a domain. `a` and `b` may be the same subject. */
bool spread_forbids_sharing(struct spread_question *question, const struct subject *a, const struct subject *b);

#endif
