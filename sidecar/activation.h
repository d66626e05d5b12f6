/*
 * Whether the activation server can be reached, by a TLS connection that says nothing. Only once settings have arrived
 * that allow it: a site without internet access sees no unasked outbound call.
 */
#ifndef SIDECAR_ACTIVATION_H
#define SIDECAR_ACTIVATION_H

#include <stdint.h>

#include "lease_settings.h"
#include "proget/core/loop.h"
#include "proget/model/report.h"

enum { ACTIVATION_PAUSE_MS = 10 * 60 * 1000 };

struct activation;

/* `on_result` runs once per try, from the loop. */
struct activation *activation_new(struct loop *loop, loop_fn *on_result, void *userdata);
void activation_free(struct activation *activation); /* NULL is allowed */

/*
 * Tries if the settings say Auto or Allowed, none is under way, and this host was not tried within ACTIVATION_PAUSE_MS.
 * Settings that do not allow it end a try under way and make what is known unknown.
 */
void activation_update(struct activation *activation, const struct lease_settings *settings, int64_t now_ms);

bool activation_is_busy(const struct activation *activation);
enum report_truth activation_reachable(const struct activation *activation);

#endif
