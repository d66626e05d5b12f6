/*
 * The operator as a whole: watch -> model -> checks -> publish, on one loop.
 */
#ifndef OPERATOR_OPERATOR_H
#define OPERATOR_OPERATOR_H

#include "options.h"

/*
 * Runs until SIGTERM or SIGINT; then finishes the writes under way, five seconds at the most. Returns 0, or the error
 * that kept it from starting.
 */
int operator_run(const struct operator_options *options, struct error *err);

#endif
