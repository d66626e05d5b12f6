/*
 * What reading a command line and printing its help share.
 */
#ifndef PROGET_CORE_OPTIONS_PRIVATE_H
#define PROGET_CORE_OPTIONS_PRIVATE_H

#include "proget/core/options.h"

/* "text, json or yaml". `choices` ends with NULL. Owned. */
char *options_choices_text(const char *const *choices);
/* "PREFIX_LOG_FORMAT" for --log-format. Owned. */
char *options_environment_name(const struct program *program, const struct option *option);

#endif
