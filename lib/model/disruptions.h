/*
 * Disruptions as they pass by. A controller may delete an evicted pod within milliseconds of its last status, so that
 * both arrive at once and no evaluation ever sees the status: what the listener sees is noted here.
 */
#ifndef PROGET_MODEL_DISRUPTIONS_H
#define PROGET_MODEL_DISRUPTIONS_H

#include <stddef.h>

#include "proget/model/disruption.h"

enum { DISRUPTIONS_NOTED = 256 }; /* the newest; each is looked at by the evaluation that follows */

struct noted_disruption {
    char *namespace_name, *pod, *uid, *node, *message; /* node and message may be NULL */
    enum disruption_cause cause;
    int64_t time_us; /* 0: the pod does not tell */
};

struct disruptions {
    struct noted_disruption items[DISRUPTIONS_NOTED]; /* a ring */
    size_t next, count;
};

/* Notes the pod's disruption, if it has one and none is noted of its uid. */
void disruptions_note(struct disruptions *disruptions, const struct pod *pod);
void disruptions_clear(struct disruptions *disruptions);

#endif
