/*
 * uthash as all of this library uses it: out of memory aborts, keys are hashed with text_hash(). Include this and never
 * uthash.h itself.
 */
#ifndef PROGET_CORE_HASH_TABLE_H
#define PROGET_CORE_HASH_TABLE_H

#include <stdint.h>
#include <stdlib.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

#define uthash_malloc(size)      xmalloc(size)
#define uthash_free(block, size) free(block)
#define uthash_fatal(message)    abort()

static inline unsigned hash_table_hash(const void *key, size_t length)
{
    uint64_t hash = text_hash(TEXT_HASH_SEED, key, length);
    return (unsigned) (hash ^ (hash >> 32));
}
#define HASH_FUNCTION(key, length, result) ((result) = hash_table_hash((key), (length)))

#include <uthash.h>

#endif
