/*
 * Who agrees with whom, judged by a strong fact (a fingerprint, a reported version) where there is one, else by a weak
 * one (the source in the spec, an image tag). Pure.
 */
#ifndef PROGET_CHECKS_AGREEMENT_H
#define PROGET_CHECKS_AGREEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "proget/checks/finding.h"

#define AGREEMENT_NO_GROUP ((size_t) -1)

struct agreement {
    size_t *group_of;    /* per member; AGREEMENT_NO_GROUP: nothing is known, or nothing certain */
    size_t count;        /* members */
    size_t group_count;  /* numbered by first appearance, those by a strong fact first */
    size_t strong_count; /* of them, groups by a strong fact */
};

/*
 * Members with equal strong facts agree, whatever their weak ones. A member without a strong fact agrees with those
 * that share its weak fact; where those disagree among themselves, it is in no group. NULL entries are unknown.
 */
void agreement_find(char *const *strong, char *const *weak, size_t count, struct agreement *ret_agreement);
void agreement_clear(struct agreement *agreement);
#define cleanup_agreement __attribute__((cleanup(agreement_clear)))

/*
 * Two owners (workloads; NULL is one of its own) have no group in common. While a rollout is under way two groups in
 * one workload are its old and its new pods; what divides two workloads is no rollout's doing.
 */
bool agreement_divides_owners(const struct agreement *agreement, const void *const *owners);

/* Index of the first member of a group. */
size_t agreement_first(const struct agreement *agreement, size_t group);
/* "proget-0 and proget-1" of one group, from the names of all members. Owned. */
char *agreement_names(const struct agreement *agreement, size_t group, const char *const *names);
/*
 * "proget-0 and proget-1 from Secret a, key k; proget-2 from Secret b, key k": each group with the weak fact of its
 * first member, or `unknown` where it has none. Owned.
 */
char *agreement_sources(const struct agreement *agreement, const char *const *names, char *const *sources,
                        const char *unknown);
/* Takes out, in place, the references of members that are in no group. Returns how many are left. */
size_t agreement_keep_grouped(const struct agreement *agreement, struct object_reference *references);

#endif
