/*
 * The rows of status.members: the columns of the vendor's Cluster Overview, one row per server. Pure.
 */
#ifndef OPERATOR_PUBLISH_MEMBER_H
#define OPERATOR_PUBLISH_MEMBER_H

#include "proget/model/model.h"
#include "publish/ledger.h"

/* The CRD's bounds of what a report says, with the terminator: one text too long, and the whole status is refused. */
enum { MEMBER_MACHINE_SIZE = 128 + 1, MEMBER_COMPONENT_STATUS_SIZE = 64 + 1 };

/* The rows: live servers by name, then those that are gone and not replaced. Owned. */
struct json_object *members_build(const struct cluster *cluster, struct ledger *ledger, struct instant now);

/* The version that all servers report, "mixed" where they differ, NULL where none reports one. Borrowed. */
const char *member_common_version(const struct cluster *cluster);

#endif
