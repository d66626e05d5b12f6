#include "operator.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "intake.h"
#include "policies.h"
#include "proget/core/loop.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/kube/client.h"
#include "publish/publisher.h"
#include "serve/http.h"

/* Writes under way get this long after SIGTERM: well within a pod's usual 30 s of grace. */
enum { FINISH_MS = 5000, HOST_NAME_BYTES = 256 };

struct operator
{
    struct loop *loop;
    struct kube_client *client;
    struct model *model;
    struct intake *intake;
    struct publisher *publisher;
    struct policy_review *policies;
    struct http_server *server;
    struct loop_timer *wake_timer; /* the next evaluation that time alone makes due */
    struct loop_timer *finish_timer;
    bool is_due;   /* an evaluation is to run at the end of this turn */
    bool is_ready; /* every kind was synced once */
    bool is_finishing;
};

static void mark_due(void *userdata)
{
    struct operator* self = userdata;
    self->is_due = true;
}

static bool is_ready(void *userdata)
{
    const struct operator* self = userdata;
    return self->is_ready;
}

static void evaluate(struct operator* self)
{
    self->is_due = false;
    if (model_unobserved(self->model, MODEL_PODS) || model_unobserved(self->model, MODEL_CLUSTERS)) {
        return; /* without them everything would look gone: what was said stands until they are seen again */
    }
    int64_t wake_at_ms = publisher_run(self->publisher, loop_now(self->loop));
    if (wake_at_ms == INT64_MAX) {
        loop_timer_stop(self->wake_timer);
    } else {
        loop_timer_set_at(self->wake_timer, wake_at_ms);
    }
}

/* Once per turn, after everything that came in: a burst of changes costs one evaluation. */
static void on_turn(void *userdata)
{
    struct operator* self = userdata;
    if (self->is_finishing) {
        if (publisher_pending(self->publisher) == 0) {
            loop_stop(self->loop);
        }
        return;
    }
    if (!self->is_ready) {
        self->is_ready = intake_is_ready(self->intake);
        if (!self->is_ready) {
            return;
        }
        self->is_due = true;
        log_info(LOG_NONE, "in step with the API server");
    }
    bool has_changed = model_take_changed(self->model);
    if (has_changed || self->is_due) {
        evaluate(self);
    }
}

static void on_signal(int signal_number, void *userdata)
{
    struct operator* self = userdata;
    if (self->is_finishing) {
        loop_stop(self->loop);
        return;
    }
    log_info(LOG_NONE, "%s: finishing the writes under way", signal_number == SIGINT ? "SIGINT" : "SIGTERM");
    self->is_finishing = true;
    if (publisher_pending(self->publisher) == 0) {
        loop_stop(self->loop);
        return;
    }
    loop_timer_set_after(self->finish_timer, FINISH_MS);
}

static void on_finish_timeout(void *userdata)
{
    struct operator* self = userdata;
    log_warning(LOG_NONE, "some writes did not end in time; what was not said will be said after the next start");
    loop_stop(self->loop);
}

static char *instance_name(void)
{
    const char *pod_name = getenv("POD_NAME");
    if (!text_is_empty(pod_name)) {
        return xstrdup(pod_name);
    }
    char host[HOST_NAME_BYTES] = "";
    (void) gethostname(host, sizeof host - 1);
    return xstrdup(host[0] ? host : "proget-operator");
}

static void operator_clear(struct operator* self)
{
    http_server_stop(self->server);
    policy_review_free(self->policies);
    publisher_free(self->publisher);
    intake_stop(self->intake);
    model_free(self->model);
    kube_client_free(self->client);
    loop_timer_free(self->wake_timer);
    loop_timer_free(self->finish_timer);
    loop_free(self->loop);
}

static int connect_client(struct operator* self, const struct operator_options *options, struct error *err)
{
    struct kube_config *config = NULL;
    struct kube_config_options where = {.kubeconfig = options->kubeconfig, .context = options->context};
    int result = kube_config_load(&where, &config, err);
    if (result < 0) {
        return result;
    }
    log_info(LOG_FIELDS({"server", config->server}, {"credentials", config->source}), "proget-operator %s",
             PROGET_VERSION);
    return kube_client_new(self->loop, config, &self->client, err);
}

static int start(struct operator* self, const struct operator_options *options, struct error *err)
{
    int result = loop_new(&self->loop, err);
    if (result < 0) {
        return result;
    }
    self->wake_timer = loop_timer_new(self->loop, mark_due, self);
    self->finish_timer = loop_timer_new(self->loop, on_finish_timeout, self);
    result = loop_on_signal(self->loop, SIGTERM, on_signal, self, err);
    result = result < 0 ? result : loop_on_signal(self->loop, SIGINT, on_signal, self, err);
    result = result < 0 ? result : connect_client(self, options, err);
    if (result < 0) {
        return result;
    }
    struct http_options http = {.listen = options->listen, .is_ready = is_ready, .userdata = self};
    result = http_server_start(self->loop, &http, &self->server, err);
    if (result < 0) {
        return result;
    }
    self->model =
        model_new(&(struct model_options){.discover = options->discover, .no_pod_ignores = options->no_pod_ignores});
    cleanup_free char *instance = instance_name();
    self->publisher = publisher_new(&(struct publisher_options){
        .client = self->client, .model = self->model, .instance = instance, .on_progress = mark_due, .userdata = self});
    self->intake = intake_start(self->client, self->model, &options->namespaces);
    self->policies = policy_review_start(self->client);
    loop_on_turn(self->loop, on_turn, self);
    return 0;
}

int operator_run(const struct operator_options *options, struct error *err)
{
    struct operator self = {0};
    int result = start(&self, options, err);
    result = result < 0 ? result : loop_run(self.loop, err);
    operator_clear(&self);
    return result;
}
