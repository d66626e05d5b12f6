/*
 * How many servers a cluster has or is to have, whichever is more. Pure.
 */
#ifndef PROGET_CHECKS_SERVER_COUNT_H
#define PROGET_CHECKS_SERVER_COUNT_H

#include "proget/model/model.h"

int64_t server_count(const struct cluster *cluster);

#endif
