#include "connection.h"

#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

enum {
    NAMESPACE_BYTES_MAX = 63,
    NAME_BYTES_MAX = 253,
    CALL_TIMEOUT_MS = 30 * 1000, /* somebody waits at a terminal */
    TURN_MS = 1000,
};

const struct kube_resource connection_clusters = {"proget-operator.io", "v1alpha1", "progetclusters"};

bool connection_namespace_is_valid(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= NAMESPACE_BYTES_MAX && name[0] != '-' && name[length - 1] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

bool connection_name_is_valid(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= NAME_BYTES_MAX && name[0] != '-' && name[0] != '.' && name[length - 1] != '-' &&
           name[length - 1] != '.' && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == length;
}

int connection_open(const struct connection_options *options, struct connection *ret_connection, struct error *err)
{
    struct connection connection = {0};
    struct kube_config *config = NULL;
    const struct kube_config_options where = {.kubeconfig = options->kubeconfig, .context = options->context};
    int result = loop_new(&connection.loop, err);
    result = result < 0 ? result : kube_config_load(&where, &config, err);
    result = result < 0 ? result : kube_client_new(connection.loop, config, &connection.client, err);
    if (result < 0) {
        connection_close(&connection);
        return result;
    }
    connection.namespace_name =
        options->namespace_name ? options->namespace_name : kube_client_config(connection.client)->namespace_name;
    *ret_connection = connection;
    return 0;
}

void connection_close(struct connection *connection)
{
    kube_client_free(connection->client);
    loop_free(connection->loop);
    *connection = (struct connection){0};
}

/* One request that is waited for. */
struct wait {
    bool is_over;
    int status;
    int result;
    struct json_object *body;
    struct error *err;
};

static void on_response(const struct kube_response *response, const struct error *err, void *userdata)
{
    struct wait *wait = userdata;
    wait->is_over = true;
    if (err) {
        wait->status = response ? response->status : 0;
        wait->result = error_set(wait->err, err->code, "%s", err->text);
        return;
    }
    wait->status = response->status;
    wait->body = json_object_get(response->body);
}

int connection_call(struct connection *connection, const struct kube_request *request, struct json_object **ret_body,
                    int *ret_status, struct error *err)
{
    struct wait wait = {.err = err};
    struct kube_request bounded = *request;
    bounded.timeout_ms = bounded.timeout_ms > 0 ? bounded.timeout_ms : CALL_TIMEOUT_MS;
    struct kube_call *call = kube_client_send(connection->client, &bounded, on_response, &wait);
    *ret_status = 0;
    while (!wait.is_over) {
        int result = loop_turn(connection->loop, TURN_MS, err);
        if (result < 0) {
            if (!wait.is_over) {
                kube_call_cancel(call);
            }
            json_cleanup(&wait.body);
            return result;
        }
    }
    *ret_status = wait.status;
    if (wait.result == 0 && ret_body) {
        *ret_body = wait.body;
    } else {
        json_cleanup(&wait.body);
    }
    return wait.result;
}

static char *advice_of(const struct kube_config *config, int status, const char *verb,
                       const struct kube_resource *resource, const char *namespace_name)
{
    bool is_core = text_is_empty(resource->group);
    cleanup_free char *kind = xasprintf("%s%s%s", resource->plural, is_core ? "" : ".", resource->group);
    bool is_read = text_equal(verb, "list");
    cleanup_free char *scope = namespace_name ? xasprintf("-n %s", namespace_name) : xstrdup("-A");
    switch (status) {
    case 0:
        return xasprintf("See whether kubectl cluster-info reaches %s (from %s); --context or --kubeconfig names "
                         "another cluster.",
                         config->server, config->source);
    case 401:
        return xasprintf("The credential (from %s) is not accepted, or no longer: log in again, and see who you are: "
                         "kubectl auth whoami",
                         config->source);
    case 403:
        return xasprintf(
            "Have the role \"%s\" granted to you there, or name a namespace of yours with -n. What you may: "
            "kubectl auth can-i %s %s %s",
            is_read ? "view" : "edit", verb, kind, scope);
    case 404:
        if (!is_read) {
            return xstrdup("It was deleted meanwhile: see what is there, kubectl proget status");
        }
        return xasprintf("The API server %s does not have the kind %s: the operator was never installed there "
                         "(kubectl apply -k manifests/base), or it is another cluster than you meant (--context).",
                         config->server, kind);
    default:
        return xasprintf("Try again in a while; whether the API server is well: kubectl get --raw '/readyz?verbose'");
    }
}

static void print_line(FILE *errors, const char *title, const char *text)
{
    cleanup_free char *printable = xstrdup(text);
    text_make_printable(printable);
    (void) fprintf(errors, "%s: %s\n", title, printable);
}

void connection_advise(const struct connection *connection, int status, const char *verb,
                       const struct kube_resource *resource, const char *namespace_name, FILE *errors)
{
    const struct kube_config *config = kube_client_config(connection->client);
    cleanup_free char *advice = advice_of(config, status, verb, resource, namespace_name);
    print_line(errors, "To do", advice);
}

void connection_tell(const struct connection *connection, const struct error *err, int status, const char *verb,
                     const struct kube_resource *resource, const char *namespace_name, FILE *errors)
{
    print_line(errors, "error", err->text);
    connection_advise(connection, status, verb, resource, namespace_name, errors);
}

void connection_advise_unopened(FILE *errors)
{
    print_line(
        errors, "To do",
        "Name a kubeconfig that leads to your cluster with --kubeconfig or $KUBECONFIG, and a context of it with "
        "--context: kubectl config get-contexts");
}

void connection_tell_unopened(const struct error *err, FILE *errors)
{
    print_line(errors, "error", err->text);
    connection_advise_unopened(errors);
}
