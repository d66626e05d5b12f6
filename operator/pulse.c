#include "pulse.h"

#include "proget/core/memory.h"

/* A server that is merely slow answers within the time-out; the shortest useful stale timer is some seconds. */
enum { INTERVAL_MS = 3000, TIMEOUT_MS = 2000 };

/* The operator's own Lease, there or not: any answer will do, a refusal too. */
static const struct kube_resource leases = {.group = "coordination.k8s.io", .version = "v1", .plural = "leases"};
#define LEASE_NAME "proget-operator"

struct pulse {
    struct kube_client *client;
    pulse_fn *on_change;
    void *userdata;
    struct loop_timer *timer;
    struct kube_call *call;
    struct instant sent;
    bool answers;
};

static void on_response(const struct kube_response *response, const struct error *err, void *userdata)
{
    struct pulse *pulse = userdata;
    pulse->call = NULL;
    loop_timer_set_after(pulse->timer, INTERVAL_MS);
    bool answers = response != NULL;
    if (answers == pulse->answers) {
        return;
    }
    pulse->answers = answers;
    struct instant since = answers ? loop_now(kube_client_loop(pulse->client)) : pulse->sent;
    pulse->on_change(answers, since, answers ? NULL : err->text, pulse->userdata);
}

static void ask(void *userdata)
{
    struct pulse *pulse = userdata;
    struct kube_request request = {
        .verb = KUBE_GET,
        .address = {.resource = &leases,
                    .namespace_name = kube_client_config(pulse->client)->namespace_name,
                    .name = LEASE_NAME},
        .timeout_ms = TIMEOUT_MS,
    };
    pulse->sent = loop_now(kube_client_loop(pulse->client));
    pulse->call = kube_client_send(pulse->client, &request, on_response, pulse);
}

struct pulse *pulse_start(struct kube_client *client, pulse_fn *on_change, void *userdata)
{
    struct pulse *pulse = xcalloc(1, sizeof *pulse);
    pulse->client = client;
    pulse->on_change = on_change;
    pulse->userdata = userdata;
    pulse->answers = true;
    pulse->timer = loop_timer_new(kube_client_loop(client), ask, pulse);
    loop_timer_set_after(pulse->timer, INTERVAL_MS);
    return pulse;
}

void pulse_stop(struct pulse *pulse)
{
    if (pulse) {
        kube_call_cancel(pulse->call);
        loop_timer_free(pulse->timer);
        free(pulse);
    }
}
