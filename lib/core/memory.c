#include "proget/core/memory.h"

#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void memory_give_up(void)
{
    /* No stdio: it may want memory itself. */
    static const char message[] = "out of memory\n";

    (void) !write(STDERR_FILENO, message, sizeof(message) - 1);
    abort();
}

static void *memory_check(void *block)
{
    if (block == NULL) {
        memory_give_up();
    }
    return block;
}

void *xmalloc(size_t size)
{
    return memory_check(malloc(size == 0 ? 1 : size));
}

void *xcalloc(size_t count, size_t size)
{
    if (count == 0 || size == 0) {
        count = 1;
        size = 1;
    }
    return memory_check(calloc(count, size));
}

void *xrealloc(void *block, size_t count, size_t size)
{
    if (count == 0 || size == 0) {
        count = 1;
        size = 1;
    }
    return memory_check(reallocarray(block, count, size));
}

char *xstrdup(const char *text)
{
    return text == NULL ? NULL : memory_check(strdup(text));
}

char *xstrndup(const char *text, size_t length)
{
    return text == NULL ? NULL : memory_check(strndup(text, length));
}

char *xasprintf(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        memory_give_up();
    }
    return memory_check(text);
}

void memory_wipe(void *block, size_t size)
{
    if (block != NULL) {
        explicit_bzero(block, size);
    }
}

void memory_wipe_free(char *text)
{
    if (text != NULL) {
        memory_wipe(text, strlen(text));
        free(text);
    }
}

void memory_cleanup_free(void *pointer_to_pointer)
{
    void *block;

    /* The variable may be of any pointer type: copying its bytes breaks no aliasing rule. */
    memcpy(&block, pointer_to_pointer, sizeof(block));
    free(block);
    block = NULL;
    memcpy(pointer_to_pointer, &block, sizeof(block));
}

void memory_cleanup_close(int *fd)
{
    if (*fd >= 0) {
        int errno_before = errno; /* the caller may still want to tell why it fails */

        (void) close(*fd);
        *fd = -1;
        errno = errno_before;
    }
}

void memory_stay_small(void)
{
    /* Fixed thresholds: glibc would raise them after the first large block, and keep the bursts of a sync for good. */
    enum { THRESHOLD_BYTES = 128 * 1024 };
    (void) mallopt(M_TRIM_THRESHOLD, THRESHOLD_BYTES);
    (void) mallopt(M_MMAP_THRESHOLD, THRESHOLD_BYTES);
}
