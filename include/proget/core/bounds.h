/*
 * Every maximum in one place.
 *
 * Whatever comes from outside (the API server, a pod, a file, the command line) is held against one of these.
 * Passing one is an error with a name, never a crash and never a silent cut.
 */
#ifndef PROGET_CORE_BOUNDS_H
#define PROGET_CORE_BOUNDS_H

#include <stddef.h>

enum {
    BOUND_ERROR_TEXT = 768,               /* bytes of an error's text, with its terminator */
    BOUND_LOG_LINE = 16 * 1024,           /* bytes of one log line */
    BOUND_JSON_DEPTH = 64,                /* nesting of any JSON or YAML input */
    BOUND_YAML_NODES = 2 * 1024 * 1024,   /* nodes of one YAML document, aliases expanded */
    BOUND_LIST_ITEMS = 1024,              /* elements kept of one list of a record, such as containers */
    BOUND_RECORD_BYTES = 2 * 1024 * 1024, /* what is kept of one object; the API server takes no larger ones */
    BOUND_REPORT_BYTES = 8 * 1024,        /* the sidecar's report as JSON */
    BOUND_HEALTH_BODY = 64 * 1024,        /* what is read of an answer of /health */
    BOUND_SENTENCE_BYTES = 1024,          /* a finding's sentence, an annotation's value, an Event's note */
    BOUND_RELATED = 64,                   /* objects named as related to one finding */
    BOUND_FINDINGS_PER_CLUSTER = 8192,    /* findings of one evaluation of one cluster */
    BOUND_FINDINGS_PUBLISHED = 512,       /* of them in its status, which an object's size limits; the others wait */
    BOUND_SERVERS_PER_CLUSTER = 256,      /* pods of one cluster */
    BOUND_EVICTIONS_KEPT = 20,            /* evictions remembered in a cluster's status */
    BOUND_ACTIVATIONS_KEPT = 64,          /* machine and version pairs remembered */
    BOUND_NODES_KEPT = 128,               /* node and machine pairs remembered */
    BOUND_SIZE_CHANGES_KEPT = 10,         /* changes of the number of servers remembered */
    BOUND_ENDS_KEPT = 64,                 /* servers of which it is not known whether they still run */
    BOUND_CALLS_IN_FLIGHT = 32,           /* requests of the publisher under way at once */
    BOUND_METRICS_SAMPLES = 20 * 1000,    /* samples of one scrape */
    BOUND_OPTION_VALUE = 4096,            /* bytes of one option's value */
};

#define BOUND_WATCH_FRAME   ((size_t) 8 * 1024 * 1024)  /* one watch event */
#define BOUND_RESPONSE_BODY ((size_t) 64 * 1024 * 1024) /* one answer that is not a watch */
#define BOUND_INPUT_FILE    ((size_t) 64 * 1024 * 1024) /* one document of offline input, a kubeconfig */
#define BOUND_SMALL_FILE    ((size_t) 1024 * 1024)      /* a token, a key, a CA bundle, /proc/cpuinfo */
#define BOUND_METRICS_BYTES ((size_t) 4 * 1024 * 1024)  /* the text of one scrape */

#endif
