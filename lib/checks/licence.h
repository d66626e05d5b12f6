/*
 * What a report says of the licence, and what is remembered of activations. Pure.
 */
#ifndef PROGET_CHECKS_LICENCE_H
#define PROGET_CHECKS_LICENCE_H

#include "proget/checks/check.h"

/* Licence status "Error" whose detail speaks of activation, or is empty. */
bool licence_needs_activation(const struct report *report);
/* Licence status "Error" of another kind. */
bool licence_is_otherwise_in_error(const struct report *report);
/* The server says that its licence is in order, or that nothing at all is wrong. */
bool licence_is_ok(const struct report *report);
/* Details of the licence's error; NULL: none. Borrowed. */
const char *licence_detail(const struct report *report);

/*
 * The machine was seen active with that major version: in the history; offline in the ProGetCluster's status, or by the
 * report of a server.
 */
bool licence_was_active(const struct cluster *cluster, const char *machine, const char *major_version);

#endif
