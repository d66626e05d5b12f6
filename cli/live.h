/*
 * A model of what a cluster holds now, for the commands that judge or describe it.
 */
#ifndef PROGET_CLI_LIVE_H
#define PROGET_CLI_LIVE_H

#include "connection.h"
#include "input.h"

/*
 * Lists every kind that the model reads and fills input->model, which has to be one of `offline` and `whole`. Of
 * namespaced kinds all namespaces, or `namespace_name` alone. A kind that may not be listed is set unobserved; an
 * object that cannot be read is passed over and becomes a problem of the input. Secrets are never asked for. Returns 0,
 * or an error code where the cluster could not be read: then nothing is in the model, why is a problem of the input,
 * and what to do was told on input->errors.
 */
int live_load(struct connection *connection, const char *namespace_name, struct input *input);
/* The same over a connection of its own, by the options alone. */
int live_read(const struct connection_options *options, struct input *input);

#endif
