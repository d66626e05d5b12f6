/*
 * What an answer of the product's /health says, in each of its forms. Pure.
 */
#ifndef SIDECAR_HEALTH_ANSWER_H
#define SIDECAR_HEALTH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proget/model/report.h"

struct health_answer {
    struct report facts; /* `health`, `product`, `version` and `release` are filled, the rest is unknown */
    bool is_plain;       /* the plain form of 2026 and later ("OK", or the problem as text): the JSON form has more */
    bool is_report;      /* the JSON form, with at least one member that is known */
};

/* One HTTP answer. Texts are borrowed. */
struct health_http {
    int64_t status;
    const char *body;     /* any bytes; may be NULL when `length` is 0 */
    size_t length;        /* at most BOUND_HEALTH_BODY are read */
    bool is_cut;          /* the body was longer than what was read */
    const char *location; /* of a redirect; NULL: none */
};

/* Never fails: what cannot be read is `error`, and its detail says why. Owned: health_answer_clear(). */
void health_answer_read(const struct health_http *http, struct health_answer *ret_answer);

/* No HTTP answer at all: `unreachable`, with the reason as detail. Owned. */
void health_answer_unreachable(const char *why, struct health_answer *ret_answer);

/* `details`, the JSON form asked for after a plain answer, takes the place of the plain one where it is a report. Both
 * are consumed: `answer` holds the result, `details` is empty. */
void health_answer_merge(struct health_answer *answer, struct health_answer *details);

void health_answer_clear(struct health_answer *answer); /* NULL is allowed */
#define cleanup_health_answer __attribute__((cleanup(health_answer_clear)))

#endif
