#include "serve/process_figures.h"

#include <dirent.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { STATM_BYTES = 4096 };
static const int64_t pages_max = INT64_C(1) << 44; /* more than any address space; times a page's bytes no overflow */

static double cpu_seconds(void)
{
    struct timespec spent;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent) < 0) {
        return -1;
    }
    return (double) spent.tv_sec + (double) spent.tv_nsec / 1e9;
}

/* /proc/self/statm: pages in all, pages resident, and more. */
static void read_memory(struct process_figures *figures)
{
    cleanup_buffer struct buffer statm = BUFFER_INIT(STATM_BYTES);
    int64_t pages[2];
    if (buffer_read_file(&statm, "/proc/self/statm", NULL) < 0) {
        return;
    }
    const char *at = buffer_text(&statm);
    for (size_t i = 0; i < array_length(pages); i++) {
        size_t length = strcspn(at, " \n");
        cleanup_free char *word = xstrndup(at, length);
        if (text_parse_int64(word, 0, pages_max, &pages[i]) < 0) {
            return;
        }
        at += length + (at[length] ? 1 : 0);
    }
    int64_t page_bytes = sysconf(_SC_PAGESIZE);
    figures->virtual_bytes = pages[0] * page_bytes;
    figures->resident_bytes = pages[1] * page_bytes;
}

static int64_t count_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder) {
        return -1;
    }
    int64_t count = -1; /* the folder's own is none of ours */
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        count += entry->d_name[0] != '.' ? 1 : 0;
    }
    (void) closedir(folder);
    return count;
}

struct process_figures process_figures_read(void)
{
    struct process_figures figures = {
        .cpu_seconds = cpu_seconds(),
        .resident_bytes = -1,
        .virtual_bytes = -1,
        .open_fds = count_fds(),
        .max_fds = -1,
    };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= INT64_MAX) {
        figures.max_fds = (int64_t) limit.rlim_cur;
    }
    read_memory(&figures);
    return figures;
}
