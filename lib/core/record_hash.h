/*
 * The hash of a filled record: over what it holds, not over the JSON that it came from.
 */
#ifndef PROGET_CORE_RECORD_HASH_H
#define PROGET_CORE_RECORD_HASH_H

#include "proget/core/record.h"

/* Goes on from `seed`. `record` is the struct that `type` describes. */
uint64_t record_hash_struct(uint64_t seed, const struct record_type *type, const void *record);

#endif
