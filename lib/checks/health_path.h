/*
 * Whether a probe asks the product's /health, in any of the forms that reach it. Pure.
 */
#ifndef PROGET_CHECKS_HEALTH_PATH_H
#define PROGET_CHECKS_HEALTH_PATH_H

#include "proget/model/pod.h"

/* "/health", "//health/?x", "/Health/json": the first segment of the path, once dots and doubled slashes are gone. */
bool health_path_matches(const char *path);
/* httpGet, on a port by number or name, or exec of curl or wget. NULL is no probe. */
bool health_probe_asks(const struct probe *probe);

#endif
