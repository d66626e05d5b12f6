/*
 * Settings that have no effect: codes to be left out, or to be given another severity, that the catalogue does not
 * have. The API server takes them, since a newer version's codes have to pass; so somebody has to say it. Pure.
 */
#ifndef PROGET_CHECKS_IDLE_SETTING_H
#define PROGET_CHECKS_IDLE_SETTING_H

#include "proget/model/model.h"

/* A sentence each, printable, without a full stop. */
struct idle_settings {
    char **items;
    size_t count; /* at most IDLE_SETTINGS_MAX */
};
enum { IDLE_SETTINGS_MAX = 16 };

/*
 * Of spec.ignore, spec.severity and the ignore annotations of the ProGetCluster, of its workloads with their templates,
 * and of pods that have none. Names the nearest code where there is one.
 */
void idle_settings_take(const struct cluster *cluster, struct idle_settings *ret_settings);
void idle_settings_clear(struct idle_settings *settings);
#define cleanup_idle_settings __attribute__((cleanup(idle_settings_clear)))

#endif
