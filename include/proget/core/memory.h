/*
 * Allocation and cleanup.
 *
 * Out of memory aborts: all durable state is in the API server and restart is the recovery path. Every size that comes
 * from outside is bounded (bounds.h) before it gets here.
 */
#ifndef PROGET_CORE_MEMORY_H
#define PROGET_CORE_MEMORY_H

#include <stddef.h>
#include <stdlib.h>

void *xmalloc(size_t size);                             /* size 0 gives a unique pointer */
void *xcalloc(size_t count, size_t size);               /* zeroed; aborts when the product overflows */
void *xrealloc(void *block, size_t count, size_t size); /* aborts when the product overflows */
char *xstrdup(const char *text);                        /* NULL gives NULL */
char *xstrndup(const char *text, size_t length);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

/* Once at a program's start: what is freed goes back to the system soon. For programs that run for months and idle. */
void memory_stay_small(void);

/* Overwrites a secret such that the compiler keeps the write. NULL is allowed. */
void memory_wipe(void *block, size_t size);
/* Wipes a text up to its terminator and frees it. NULL is allowed. */
void memory_wipe_free(char *text);

/* Cleanup at the end of the scope: `cleanup_free char *name = NULL;` */
void memory_cleanup_free(void *pointer_to_pointer);
void memory_cleanup_close(int *fd); /* closes once, without retry; a negative fd is left */
#define cleanup_free  __attribute__((cleanup(memory_cleanup_free)))
#define cleanup_close __attribute__((cleanup(memory_cleanup_close)))

/* Hands ownership out of a cleanup variable: `return memory_take(&name);` */
#define memory_take(pointer_to_pointer)                                   \
    ({                                                                    \
        __typeof__(*(pointer_to_pointer)) taken_ = *(pointer_to_pointer); \
        *(pointer_to_pointer) = NULL;                                     \
        taken_;                                                           \
    })

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

#endif
