/*
 * The order of findings and of the objects in them.
 */
#ifndef PROGET_CHECKS_FINDING_ORDER_H
#define PROGET_CHECKS_FINDING_ORDER_H

#include "proget/checks/finding.h"

/* By kind, namespace, name, uid; negative, 0, positive. */
int object_reference_order(const struct object_reference *a, const struct object_reference *b);
/* Worst severity first, then code, object, key. */
int finding_order(const struct finding *a, const struct finding *b);

#endif
