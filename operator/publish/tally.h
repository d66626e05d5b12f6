/*
 * What this process has done since its start, for the metrics. It outlives the publisher, which comes and goes with
 * leadership: a counter must not go back while the process lives.
 */
#ifndef OPERATOR_PUBLISH_TALLY_H
#define OPERATOR_PUBLISH_TALLY_H

#include <stdint.h>

#include "proget/core/error.h"
#include "proget/core/map.h"
#include "proget/model/history.h"

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

struct tally_evictions {
    uint64_t by_cause[DISRUPTION_UNKNOWN + 1];
};

struct tally { /* zeroed at first */
    uint64_t writes[TALLY_TARGET_COUNT][TALLY_OUTCOME_COUNT];
    uint64_t evaluations;
    uint64_t evaluation_ns; /* that all of them took */
    struct map *evictions;  /* ProGetCluster's uid -> struct tally_evictions; NULL: none yet */
};
void tally_clear(struct tally *tally);

/* In each of these, `tally` NULL: nobody counts. */

/* One answer to a write, or none. `err` NULL: it is written. */
void tally_write(struct tally *tally, enum tally_target target, const struct error *err);

/* Moves over what a cluster's history noted: it is forgotten between two terms of leadership, and this is not. */
void tally_take_evictions(struct tally *tally, const char *cluster_uid, struct history *history);
/* NULL: none of that cluster were ever taken. Borrowed until they are forgotten. */
const struct tally_evictions *tally_evictions_of(const struct tally *tally, const char *cluster_uid);
/* Those of clusters whose uid is no key of `clusters`. */
void tally_forget_evictions(struct tally *tally, const struct map *clusters);

#endif
