#include "pulse.h"

#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/kube/resource_version.h"

/* A server that is merely slow answers within the time-out; the shortest useful stale timer is some seconds. */
enum { INTERVAL_MS = 3000, TIMEOUT_MS = 2000 };
/* A busy server may be late once. */
enum { MISSED_MAX = 1, AGAIN_MS = 500 };

/* One Lease of a namespace, there or not: any answer will do, a refusal too. */
static const struct kube_resource leases = {.group = "coordination.k8s.io", .version = "v1", .plural = "leases"};

struct pulse {
    struct kube_client *client;
    struct pulse_options options;
    struct loop_timer *timer;
    struct kube_call *call;
    struct instant sent;
    struct instant missed_since; /* the first question without an answer was sent then */
    int missed;                  /* questions in a row without an answer */
    bool answers;
    char *newest; /* the highest version that a list told; NULL: none did */
};

/* A list without a version is read from the database itself: what it tells never goes back by itself. */
static void follow_version(struct pulse *pulse, const char *version)
{
    if (!resource_version_is_valid(version)) {
        return;
    }
    bool is_rewound = resource_version_is_older(version, pulse->newest);
    cleanup_free char *why =
        is_rewound ? xasprintf("the API server's state went back from version %s to %s: its database was restored",
                               pulse->newest, version)
                   : NULL;
    free(pulse->newest);
    pulse->newest = xstrdup(version);
    if (is_rewound) {
        pulse->options.on_rewind(why, pulse->options.userdata);
    }
}

/* A gateway that answers in the server's place (502, 503, 504) says that it is away; the server itself sends a Status.
 */
static bool is_answer(const struct kube_response *response)
{
    return response && (response->status < 500 || text_equal(json_text_at(response->body, "kind", ""), "Status"));
}

static void set_answers(struct pulse *pulse, bool answers, const char *why)
{
    if (answers == pulse->answers) {
        return;
    }
    pulse->answers = answers;
    struct instant since = answers ? loop_now(kube_client_loop(pulse->client)) : pulse->missed_since;
    pulse->options.on_change(answers, since, why, pulse->options.userdata);
}

static void on_response(const struct kube_response *response, const struct error *err, void *userdata)
{
    struct pulse *pulse = userdata;
    pulse->call = NULL;
    if (is_answer(response)) {
        struct instant quiet_since = pulse->missed ? pulse->missed_since : pulse->sent;
        pulse->options.on_answer(quiet_since, pulse->sent, pulse->options.userdata);
        pulse->missed = 0;
        loop_timer_set_after(pulse->timer, pulse->options.interval_ms);
        set_answers(pulse, true, NULL);
        if (!err) {
            follow_version(pulse, json_text_at(response->body, "metadata.resourceVersion", ""));
        }
        return;
    }
    if (pulse->missed++ == 0) {
        pulse->missed_since = pulse->sent;
    }
    bool is_silent = pulse->missed > MISSED_MAX;
    loop_timer_set_after(pulse->timer, is_silent ? pulse->options.interval_ms : AGAIN_MS);
    if (is_silent) {
        set_answers(pulse, false, err->text);
    }
}

static void ask(void *userdata)
{
    struct pulse *pulse = userdata;
    const char *ours = kube_client_config(pulse->client)->namespace_name;
    struct kube_request request = {
        .verb = KUBE_GET,
        .address = {.resource = &leases,
                    .namespace_name = pulse->options.namespace_name ? pulse->options.namespace_name : ours},
        .query = "limit=1",
        .timeout_ms = TIMEOUT_MS,
    };
    pulse->sent = loop_now(kube_client_loop(pulse->client));
    pulse->call = kube_client_send(pulse->client, &request, on_response, pulse);
}

struct pulse *pulse_start(struct kube_client *client, const struct pulse_options *options)
{
    struct pulse *pulse = xcalloc(1, sizeof *pulse);
    pulse->client = client;
    pulse->options = *options;
    if (pulse->options.interval_ms == 0) {
        pulse->options.interval_ms = INTERVAL_MS;
    }
    pulse->answers = true;
    pulse->timer = loop_timer_new(kube_client_loop(client), ask, pulse);
    loop_timer_set_after(pulse->timer, pulse->options.interval_ms);
    return pulse;
}

void pulse_stop(struct pulse *pulse)
{
    if (pulse) {
        kube_call_cancel(pulse->call);
        loop_timer_free(pulse->timer);
        free(pulse->newest);
        free(pulse);
    }
}
