#include "operator.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "election.h"
#include "intake.h"
#include "policies.h"
#include "proget/core/loop.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/kube/client.h"
#include "publish/publisher.h"
#include "serve/http.h"
#include "serve/metrics.h"
#include "takeover.h"

/* Pods come and go all the time somewhere: what that does to the nodes is looked at so often at the most. */
enum { LOAD_INTERVAL_MS = 30 * 1000 };
/* Writes under way, and then the Lease, get this long after SIGTERM: well within a pod's usual 30 s of grace. */
enum { FINISH_MS = 5000, RELEASE_MS = 5000, HOST_NAME_BYTES = 256 };

/*
 * Everybody watches. Who leads takes over (its copy of what was said has to be as new as what its predecessor wrote),
 * then publishes: there is a publisher exactly while this process is the one that may.
 */
struct operator
{
    const struct operator_options *options;
    struct loop *loop;
    struct kube_client *client;
    struct model *model;
    struct intake *intake;
    struct election *election;
    struct takeover *takeover;   /* NULL: not under way */
    struct publisher *publisher; /* NULL: standing by, or taking over */
    struct policy_review *policies;
    struct http_server *server;
    struct loop_timer *wake_timer; /* the next evaluation that time alone makes due */
    struct loop_timer *load_timer; /* what the nodes bear has changed: the next look at it */
    struct loop_timer *finish_timer;
    struct tally tally;
    int64_t started_us;
    char *instance;
    bool is_due;   /* an evaluation is to run at the end of this turn */
    bool is_ready; /* every kind was synced once */
    bool is_finishing, is_releasing;
};

static void mark_due(void *userdata)
{
    struct operator* self = userdata;
    self->is_due = true;
}

/* Without them everything would look gone: what was said stands until they are seen again. */
static bool sees_servers(const struct operator* self)
{
    return !model_unobserved(self->model, MODEL_PODS) && !model_unobserved(self->model, MODEL_CLUSTERS);
}

static bool is_ready(void *userdata)
{
    const struct operator* self = userdata;
    return self->is_ready && sees_servers(self);
}

static bool is_healthy(void *userdata)
{
    const struct operator* self = userdata;
    return !self->election || election_is_healthy(self->election);
}

static char *render_metrics(void *userdata)
{
    const struct operator* self = userdata;
    return metrics_render(&(struct metrics_sources){.client = self->client,
                                                    .intake = self->intake,
                                                    .election = self->election,
                                                    .publisher = self->publisher,
                                                    .tally = &self->tally,
                                                    .started_us = self->started_us},
                          loop_now(self->loop));
}

/* What is under way is cancelled; what was said is in the statuses. */
static void step_down(struct operator* self)
{
    takeover_stop(self->takeover);
    self->takeover = NULL;
    publisher_free(self->publisher);
    self->publisher = NULL;
    loop_timer_stop(self->wake_timer);
}

/* A process that was stopped for a while must not send what it had in mind before. */
static void on_wake(void *userdata)
{
    struct operator* self = userdata;
    if ((self->publisher || self->takeover) && !election_leads(self->election)) {
        step_down(self);
    }
}

/* The database was restored: what was said is what it says now. */
static void on_rewind(const char *why, void *userdata)
{
    struct operator* self = userdata;
    (void) why;
    step_down(self);
}

static void on_return(void *userdata)
{
    struct operator* self = userdata;
    if (self->publisher) {
        publisher_hurry(self->publisher);
        self->is_due = true;
    }
}

static bool versions_of(enum model_kind kind, const char *namespace_name, struct intake_versions *ret_versions,
                        void *userdata)
{
    const struct operator* self = userdata;
    return intake_versions(self->intake, kind, namespace_name, ret_versions);
}

/* Whether there is a publisher; on the way there. */
static bool may_publish(struct operator* self)
{
    if (!election_leads(self->election)) {
        step_down(self);
        return false;
    }
    if (self->publisher) {
        return true;
    }
    if (!self->takeover) {
        self->takeover = takeover_start(&(struct takeover_options){.client = self->client,
                                                                   .model = self->model,
                                                                   .namespaces = &self->options->namespaces,
                                                                   .versions = {versions_of, self},
                                                                   .on_progress = mark_due,
                                                                   .userdata = self});
    }
    if (!takeover_is_done(self->takeover)) {
        return false;
    }
    takeover_stop(self->takeover);
    self->takeover = NULL;
    model_forget_histories(self->model);
    self->publisher = publisher_new(&(struct publisher_options){.client = self->client,
                                                                .model = self->model,
                                                                .instance = self->instance,
                                                                .versions = {versions_of, self},
                                                                .on_progress = mark_due,
                                                                .userdata = self,
                                                                .tally = &self->tally});
    self->is_due = true;
    return true;
}

static uint64_t exact_ns(void)
{
    struct timespec now;
    (void) clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with that clock */
    return (uint64_t) now.tv_sec * 1000000000 + (uint64_t) now.tv_nsec;
}

static void evaluate(struct operator* self)
{
    self->is_due = false;
    loop_timer_stop(self->load_timer);
    if (!sees_servers(self)) {
        return;
    }
    uint64_t began_ns = exact_ns();
    int64_t wake_at_ms = publisher_run(self->publisher, loop_now(self->loop));
    self->tally.evaluations++;
    self->tally.evaluation_ns += exact_ns() - began_ns;
    if (wake_at_ms == INT64_MAX) {
        loop_timer_stop(self->wake_timer);
    } else {
        loop_timer_set_at(self->wake_timer, wake_at_ms);
    }
}

static void on_released(void *userdata)
{
    struct operator* self = userdata;
    loop_stop(self->loop);
}

/* Once nothing is under way, the Lease is given up, so that a standby takes over at once. */
static void finish(struct operator* self)
{
    if (self->is_releasing || (self->publisher && publisher_pending(self->publisher) > 0)) {
        return;
    }
    self->is_releasing = true;
    step_down(self);
    loop_timer_set_after(self->finish_timer, RELEASE_MS);
    election_release(self->election, on_released, self);
}

/* Once per turn, after everything that came in: a burst of changes costs one evaluation. */
static void on_turn(void *userdata)
{
    struct operator* self = userdata;
    if (self->is_finishing) {
        finish(self);
        return;
    }
    bool has_changed = model_take_changed(self->model);
    if (model_take_load_changed(self->model) && !loop_timer_is_set(self->load_timer)) {
        loop_timer_set_after(self->load_timer, LOAD_INTERVAL_MS);
    }
    if (!intake_is_ready(self->intake)) {
        return;
    }
    if (!self->is_ready && sees_servers(self)) {
        self->is_ready = true;
        log_info(LOG_NONE, "in step with the API server");
    }
    if (may_publish(self) && (has_changed || self->is_due)) {
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
    loop_timer_set_after(self->finish_timer, FINISH_MS);
}

static void on_finish_timeout(void *userdata)
{
    struct operator* self = userdata;
    if (self->is_releasing) {
        log_warning(LOG_NONE, "the election Lease could not be given up in time; it expires by itself");
        loop_stop(self->loop);
        return;
    }
    log_warning(LOG_NONE, "some writes did not end in time; what was not said will be said after the next start");
    step_down(self);
    finish(self);
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
    step_down(self);
    election_stop(self->election);
    intake_stop(self->intake);
    model_free(self->model);
    kube_client_free(self->client);
    loop_timer_free(self->wake_timer);
    loop_timer_free(self->load_timer);
    loop_timer_free(self->finish_timer);
    loop_free(self->loop);
    tally_clear(&self->tally);
    free(self->instance);
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
    self->load_timer = loop_timer_new(self->loop, mark_due, self);
    self->finish_timer = loop_timer_new(self->loop, on_finish_timeout, self);
    result = loop_on_signal(self->loop, SIGTERM, on_signal, self, err);
    result = result < 0 ? result : loop_on_signal(self->loop, SIGINT, on_signal, self, err);
    result = result < 0 ? result : connect_client(self, options, err);
    if (result < 0) {
        return result;
    }
    struct http_options http = {.listen = options->listen,
                                .is_healthy = is_healthy,
                                .is_ready = is_ready,
                                .render_metrics = render_metrics,
                                .userdata = self};
    result = http_server_start(self->loop, &http, &self->server, err);
    if (result < 0) {
        return result;
    }
    self->model = model_new(&(struct model_options){.discover = options->discover,
                                                    .no_pod_ignores = options->no_pod_ignores,
                                                    .is_restricted = options->namespaces.count > 0});
    self->instance = instance_name();
    self->intake = intake_start(&(struct intake_options){.client = self->client,
                                                         .model = self->model,
                                                         .namespaces = &options->namespaces,
                                                         .on_rewind = on_rewind,
                                                         .on_return = on_return,
                                                         .userdata = self});
    self->election = election_start(&(struct election_options){.client = self->client,
                                                               .is_held = options->leader_elect,
                                                               .instance = self->instance,
                                                               .on_change = mark_due,
                                                               .userdata = self});
    self->policies = policy_review_start(self->client);
    loop_on_wake(self->loop, on_wake, self);
    loop_on_turn(self->loop, on_turn, self);
    return 0;
}

int operator_run(const struct operator_options *options, struct error *err)
{
    struct operator self = {.options = options, .started_us = clock_now().wall_us};
    int result = start(&self, options, err);
    result = result < 0 ? result : loop_run(self.loop, err);
    operator_clear(&self);
    return result;
}
