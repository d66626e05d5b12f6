/*
 * The QoS class of a subject, and whether our sidecar alone keeps it from Guaranteed. Pure.
 */
#ifndef PROGET_CHECKS_QUALITY_H
#define PROGET_CHECKS_QUALITY_H

#include "proget/model/model.h"

/* As the API server says, else as computed. *ret_why (owned; NULL when Guaranteed) says which container lacks what. */
bool quality_is_guaranteed(const struct subject *subject, const char **ret_class, char **ret_why);
/* Not Guaranteed, and without the sidecar it would be. */
bool quality_is_broken_by_sidecar(const struct subject *subject);

#endif
