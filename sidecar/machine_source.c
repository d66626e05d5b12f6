#include "machine_source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "proget/core/memory.h"

/* The first processor is at the head. A machine with 512 of them has a file of more than a megabyte. */
enum { CPUINFO_BYTES_READ_MAX = 16 * 1024 };

int machine_source_read(const char *path, struct machine *ret_machine, struct error *err)
{
    char head[CPUINFO_BYTES_READ_MAX];
    size_t length = 0;
    path = path ? path : "/proc/cpuinfo";
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        enum error_code code = errno == ENOENT ? ERROR_NOT_FOUND : errno == EACCES ? ERROR_DENIED : ERROR_IO;
        return error_set(err, code, "cannot open %s: %s", path, strerror(errno));
    }
    while (length < sizeof head) {
        ssize_t count = read(fd, head + length, sizeof head - length);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return error_set(err, ERROR_IO, "cannot read %s: %s", path, strerror(errno));
        }
        if (count == 0) {
            break;
        }
        length += (size_t) count;
    }
    int result = machine_parse(head, length, ret_machine, err);
    return result < 0 ? error_wrap(err, "%s", path) : result;
}
