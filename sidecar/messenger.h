/*
 * Whether the service's messenger takes a TCP connection. Nonessential to the product, so asked sparingly.
 */
#ifndef SIDECAR_MESSENGER_H
#define SIDECAR_MESSENGER_H

#include <stdint.h>

#include "proget/core/loop.h"
#include "proget/model/report.h"

enum { MESSENGER_PORT_DEFAULT = 33237, MESSENGER_PAUSE_MS = 10000 };

struct messenger;

/* `base_url` (borrowed) gives the host: the product's own. `on_result` runs once per try, from the loop. */
struct messenger *messenger_new(struct loop *loop, const char *base_url, loop_fn *on_result, void *userdata);
void messenger_free(struct messenger *messenger); /* NULL is allowed */

/* Another port makes what is known of the old one unknown. */
void messenger_set_port(struct messenger *messenger, int64_t port);
/* Tries, unless a try is under way or the last one began less than MESSENGER_PAUSE_MS ago. */
void messenger_start(struct messenger *messenger, int64_t now_ms);

bool messenger_is_busy(const struct messenger *messenger);
int64_t messenger_port(const struct messenger *messenger);
enum report_truth messenger_reachable(const struct messenger *messenger);

/* "http://host:port" of the messenger beside `base_url`; NULL where that is no URL. Owned. */
char *messenger_url(const char *base_url, int64_t port);

#endif
