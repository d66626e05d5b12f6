/*
 * The operator's command line. Design section 10.
 */
#ifndef OPERATOR_OPTIONS_H
#define OPERATOR_OPTIONS_H

#include <stdbool.h>

#include "proget/core/log.h"
#include "proget/core/options.h"

struct operator_options {
    const char *kubeconfig, *context; /* NULL: the usual search */
    struct option_list namespaces;    /* empty: all */
    const char *listen;               /* "ADDR:PORT"; port 0: none in particular */
    enum log_format log_format;
    enum log_level log_level;
    bool discover;
    bool leader_elect;
    bool no_pod_ignores;
};

/* Fills in the defaults, then what argv and the environment say. See options_parse(). */
int operator_options_parse(struct operator_options *options, int argc, char *const *argv, struct error *err);
void operator_options_clear(struct operator_options *options);

#endif
