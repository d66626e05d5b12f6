/*
 * How the commands that ask a cluster reach its API server: the options, the connection, requests that are waited for,
 * and what to tell somebody whose cluster does not answer.
 */
#ifndef PROGET_CLI_CONNECTION_H
#define PROGET_CLI_CONNECTION_H

#include <stdbool.h>
#include <stdio.h>

#include "proget/kube/client.h"

/* As given on the command line; NULL: not given. */
struct connection_options {
    const char *kubeconfig, *context, *namespace_name;
};

bool connection_namespace_is_valid(const char *name);
/* Of an object: a DNS subdomain, as the API server wants it; a uid is one too. */
bool connection_name_is_valid(const char *name);

/* The rows of a command's table of options that fill in a struct connection_options. */
#define CONNECTION_OPTIONS(options, namespace_help)                                                                 \
    {.name = "kubeconfig",                                                                                          \
     .kind = OPTION_TEXT,                                                                                           \
     .target = &(options)->kubeconfig,                                                                              \
     .value_name = "FILE",                                                                                          \
     .help = "How to reach the API server. Default: in-cluster inside a pod, else $KUBECONFIG or ~/.kube/config."}, \
        {.name = "context",                                                                                         \
         .kind = OPTION_TEXT,                                                                                       \
         .target = &(options)->context,                                                                             \
         .value_name = "NAME",                                                                                      \
         .help = "Context of the kubeconfig to use instead of its current one."},                                   \
    {                                                                                                               \
        .name = "namespace", .letter = 'n', .kind = OPTION_TEXT, .target = &(options)->namespace_name,              \
        .value_name = "NS", .help = (namespace_help), .is_valid = connection_namespace_is_valid,                    \
        .expected = "a namespace's name (lower-case letters, digits and '-', at most 63)"                           \
    }

struct connection {
    struct loop *loop;
    struct kube_client *client;
    const char *namespace_name; /* the one given, else the context's; borrowed */
};

/* Opens nothing yet on the network. Errors: those of kube_config_load() and kube_client_new(). */
int connection_open(const struct connection_options *options, struct connection *ret_connection, struct error *err);
void connection_close(struct connection *connection); /* half-open ones too */
#define cleanup_connection __attribute__((cleanup(connection_close)))

/*
 * Sends one request and waits for its end. *ret_body (owned; may be NULL where it is not wanted) is the answer.
 * *ret_status, unlike other outputs, is set on failure too: the HTTP status, 0 where there was no answer. Errors: those
 * of kube_response_fn.
 */
int connection_call(struct connection *connection, const struct kube_request *request, struct json_object **ret_body,
                    int *ret_status, struct error *err);

/*
 * Prints the error, and a sentence that says what to do. `status` as above. `verb` (as a role knows it: "list",
 * "patch"), `resource` and `namespace_name` (NULL: all namespaces): what was asked for, where it may not be had.
 */
void connection_tell(const struct connection *connection, const struct error *err, int status, const char *verb,
                     const struct kube_resource *resource, const char *namespace_name, FILE *errors);
/* The second line of that alone. */
void connection_advise(const struct connection *connection, int status, const char *verb,
                       const struct kube_resource *resource, const char *namespace_name, FILE *errors);
/* The same of a connection that could not even be opened. */
void connection_tell_unopened(const struct error *err, FILE *errors);
void connection_advise_unopened(FILE *errors);

extern const struct kube_resource connection_clusters; /* ProGetClusters */

#endif
