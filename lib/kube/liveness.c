#include "liveness.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

void liveness_init(struct liveness *liveness, int64_t now_ms)
{
    memset(liveness, 0, sizeof *liveness);
    liveness->heard_ms = now_ms;
}

static ino_t inode_of(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) ? status.st_ino : 0;
}

void liveness_add_socket(struct liveness *liveness, int fd)
{
    unsigned at = liveness->next++ % LIVENESS_SOCKETS_MAX;
    liveness->sockets[at].fd = fd;
    liveness->sockets[at].inode = inode_of(fd);
}

void liveness_hear(struct liveness *liveness, int64_t now_ms)
{
    liveness->heard_ms = now_ms;
}

bool liveness_doubt(struct liveness *liveness, int64_t since_ms, int64_t now_ms)
{
    if (liveness->heard_ms > since_ms || now_ms - liveness->heard_ms < LIVENESS_SILENCE_MS) {
        return false;
    }
    for (unsigned i = 0; i < LIVENESS_SOCKETS_MAX; i++) {
        ino_t inode = liveness->sockets[i].inode;
        if (inode != 0 && inode_of(liveness->sockets[i].fd) == inode) {
            (void) shutdown(liveness->sockets[i].fd, SHUT_RDWR);
        }
        liveness->sockets[i].inode = 0;
    }
    liveness->heard_ms = now_ms;
    return true;
}
