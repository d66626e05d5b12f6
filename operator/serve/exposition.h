/*
 * Prometheus' text format (0.0.4), written sample by sample and bounded. Pure. It knows no metric.
 *
 * Samples of one family follow its exposition_family(). What passes a bound is left out and counted: a scrape with a
 * part missing is worth more than none, as long as it says so.
 */
#ifndef OPERATOR_SERVE_EXPOSITION_H
#define OPERATOR_SERVE_EXPOSITION_H

#include <stdbool.h>

#include "proget/core/buffer.h"

#define EXPOSITION_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum exposition_type { EXPOSITION_GAUGE, EXPOSITION_COUNTER };

struct exposition {
    struct buffer text;
    size_t samples, samples_max;
    size_t left_out;
    const char *name, *help; /* of the family under way */
    enum exposition_type type;
    bool has_head; /* its HELP and TYPE are written: they come with the first sample */
};

/* At most so many samples, and so many bytes in all. */
struct exposition exposition_new(size_t samples_max, size_t bytes_max);
void exposition_free(struct exposition *exposition);
#define cleanup_exposition __attribute__((cleanup(exposition_free)))

/* Literals: `name` of letters, digits and '_', ending in "_total" for a counter and for nothing else; `help` one line.
 */
void exposition_family(struct exposition *exposition, const char *name, enum exposition_type type, const char *help);

/* `name`: a literal as above. `value`: any text, escaped here, and made printable; NULL counts as "". */
struct exposition_label {
    const char *name, *value;
};
/* `value` is finite. No two samples of a family may have the same labels: that is the caller's to see to. */
void exposition_add(struct exposition *exposition, const struct exposition_label *labels, size_t label_count,
                    double value);
#define EXPOSITION_ADD(exposition, value, ...)                                   \
    exposition_add((exposition), (const struct exposition_label[]){__VA_ARGS__}, \
                   array_length(((const struct exposition_label[]){__VA_ARGS__})), (value))

#endif
