/*
 * Whether anything still comes back over a client's connections.
 *
 * Something in between may go on acknowledging what is sent into a connection and forward none of it (a load balancer
 * whose backend is gone, a wedged server's kernel). TCP does not notice, and libcurl puts each new request onto the
 * same connection. So a request that runs into its time-out while nothing came back for a while cuts the connections
 * off, as Go's client does when an HTTP/2 PING has no answer: what is under way ends as cut, the next request opens
 * a connection of its own.
 */
#ifndef PROGET_KUBE_LIVENESS_H
#define PROGET_KUBE_LIVENESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    LIVENESS_SILENCE_MS = 15 * 1000, /* that long nothing has come, before a connection is given up */
    LIVENESS_SOCKETS_MAX = 16,       /* the newest; a client has one connection, or one per stream without HTTP/2 */
};

struct liveness {
    struct {
        int fd;
        ino_t inode; /* 0: unused; a descriptor that was closed may be somebody else's by now */
    } sockets[LIVENESS_SOCKETS_MAX];
    unsigned next;
    int64_t heard_ms; /* monotonic: the last byte came then, or connections were cut off */
};

void liveness_init(struct liveness *liveness, int64_t now_ms);
/* A connection was opened. */
void liveness_add_socket(struct liveness *liveness, int fd);
/* A byte came, over any of them. */
void liveness_hear(struct liveness *liveness, int64_t now_ms);
/*
 * A request that had nothing since `since_ms` was given up for it. Returns true when the connections were cut off:
 * nothing else had come either, and for long enough.
 */
bool liveness_doubt(struct liveness *liveness, int64_t since_ms, int64_t now_ms);

#endif
