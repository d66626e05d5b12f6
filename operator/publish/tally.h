/*
 * What this process has done since its start, for the metrics. It outlives the publisher, which comes and goes with
 * leadership: a counter must not go back while the process lives.
 */
#ifndef OPERATOR_PUBLISH_TALLY_H
#define OPERATOR_PUBLISH_TALLY_H

#include <stdint.h>

#include "proget/core/error.h"

/* What is written, apart from ProGetClusters for servers that nobody declared. */
enum tally_target { TALLY_STATUS, TALLY_ANNOTATIONS, TALLY_SETTINGS, TALLY_EVENT, TALLY_TARGET_COUNT };
enum tally_outcome {
    TALLY_WRITTEN,
    TALLY_OVERTAKEN, /* the object had changed or was gone: settled by the next look */
    TALLY_FAILED,    /* tried again */
    TALLY_OUTCOME_COUNT
};
const char *tally_target_name(enum tally_target target);    /* "status", "annotations", "settings", "event" */
const char *tally_outcome_name(enum tally_outcome outcome); /* "written", "overtaken", "failed" */

struct tally {
    uint64_t writes[TALLY_TARGET_COUNT][TALLY_OUTCOME_COUNT];
    uint64_t evaluations;
    uint64_t evaluation_ns; /* that all of them took */
};

/* One answer to a write, or none. `err` NULL: it is written. `tally` NULL: nobody counts. */
void tally_write(struct tally *tally, enum tally_target target, const struct error *err);

#endif
