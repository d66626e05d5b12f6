#include "sidecar.h"

#include <signal.h>
#include <string.h>

#include "activation.h"
#include "beat.h"
#include "health_prober.h"
#include "key_source.h"
#include "lease_settings.h"
#include "machine_source.h"
#include "messenger.h"
#include "pod_lease.h"
#include "proget/core/log.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/kube/client.h"
#include "trouble.h"

enum {
    HEALTH_TIMEOUT_MS = 10000,
    REQUEST_TIMEOUT_MS = 15000,
    WEB_ANSWERED_STEP_MS = 3600 * 1000, /* web.answered moves at most hourly: not every heartbeat is a new report */
    MS_PER_SECOND = 1000,
    WARM_ROUNDS = 6, /* 1, 2, 4, 8, 16 and 32 s: longer than any sensible interval */
};

struct sidecar {
    const struct sidecar_options *options;
    struct loop *loop;

    struct kube_client *client; /* NULL until there is a configuration to make it from */
    struct loop_timer *client_timer;
    struct backoff client_backoff;
    char *lease_name;
    struct beat beat;
    struct loop_timer *beat_timer;
    struct trouble trouble; /* with the API server */
    struct lease_settings settings;

    struct health_prober *prober;
    struct messenger *messenger;
    struct activation *activation;
    struct loop_timer *probe_timer;
    int64_t probed_ms; /* monotonic: when the last round of probes began */
    int probe_rounds;  /* so far, counted up to WARM_ROUNDS */

    struct health_answer health; /* the last one; state UNKNOWN before the first */
    int64_t web_answered_us;     /* as reported; 0: never */
    int64_t web_answered_ms;     /* the same moment, monotonic */
    struct key_facts key;
    char key_current[KEY_FINGERPRINT_SIZE];
    struct machine machine; /* empty texts: unknown */
    char *report;           /* as JSON; NULL until the first probes have answered */
};

static const char *text_or_null(const char *text)
{
    return text_is_empty(text) ? NULL : text;
}

/*
 * Milliseconds from one heartbeat and round of probes to the next. At first they follow quickly: ProGet is seldom up
 * when its sidecar is, and settings come with the answer to a heartbeat. It ends by itself where neither ever comes.
 */
static int64_t pace_ms(const struct sidecar *sidecar)
{
    int64_t interval_ms = sidecar->settings.interval_seconds * MS_PER_SECOND;
    enum report_health state = sidecar->health.facts.health.state;
    bool is_known = state == REPORT_HEALTH_OK || state == REPORT_HEALTH_ERROR;
    if (sidecar->settings.arrived && is_known) {
        return interval_ms;
    }
    int64_t warm_ms = (int64_t) MS_PER_SECOND << (sidecar->probe_rounds > 0 ? sidecar->probe_rounds - 1 : 0);
    return warm_ms < interval_ms ? warm_ms : interval_ms;
}

/* ---- the report ---- */

/* A report whose texts are all borrowed; report_format() only reads them. */
static struct report gather(const struct sidecar *sidecar)
{
    const struct sidecar_options *options = sidecar->options;
    struct report report = sidecar->health.facts;
    if (!report.product && options->product != PRODUCT_UNKNOWN) {
        report.product = (char *) product_names(options->product)->name;
    }
    report.node = (char *) options->pod.node;
    report.ip = (char *) options->pod.ip;
    report.web_answered_us = sidecar->web_answered_us;
    report.messenger.port = messenger_port(sidecar->messenger);
    report.messenger.reachable = messenger_reachable(sidecar->messenger);
    report.key.source = (char *) sidecar->key.source;
    report.key.form = sidecar->key.form;
    report.key.fingerprint = (char *) text_or_null(sidecar->key.fingerprint);
    report.key.current = (char *) text_or_null(sidecar->key_current);
    report.machine.id = (char *) text_or_null(sidecar->machine.id);
    report.machine.cpu = (char *) text_or_null(sidecar->machine.cpu);
    report.activation_reachable = activation_reachable(sidecar->activation);
    return report;
}

/* Composes the report anew, once each of the local probes has answered. The beat finds out whether it changed. */
static void compose(struct sidecar *sidecar)
{
    bool awaits_messenger =
        messenger_reachable(sidecar->messenger) == REPORT_UNKNOWN && messenger_is_busy(sidecar->messenger);
    if (sidecar->health.facts.health.state == REPORT_HEALTH_UNKNOWN || awaits_messenger) {
        return;
    }
    struct report report = gather(sidecar);
    free(sidecar->report);
    sidecar->report = report_format(&report);
}

static const char *health_state_text(enum report_health state)
{
    return state == REPORT_HEALTH_OK ? "ok" : state == REPORT_HEALTH_ERROR ? "error" : "unreachable";
}

static void log_health(const struct report *before, const struct report *after)
{
    if (before->health.state == after->health.state && text_equal(before->health.detail, after->health.detail)) {
        return;
    }
    enum log_level level = after->health.state == REPORT_HEALTH_OK ? LOG_INFO : LOG_WARNING;
    log_write(level, LOG_FIELDS({"detail", after->health.detail}, {"version", after->version}), "health is %s%s%s",
              health_state_text(after->health.state), before->health.state == REPORT_HEALTH_UNKNOWN ? "" : ", was ",
              before->health.state == REPORT_HEALTH_UNKNOWN ? "" : health_state_text(before->health.state));
}

static void on_health(struct health_answer *answer, void *userdata)
{
    struct sidecar *sidecar = userdata;
    struct instant now = loop_now(sidecar->loop);
    log_health(&sidecar->health.facts, &answer->facts);
    health_answer_clear(&sidecar->health);
    sidecar->health = *answer;
    *answer = (struct health_answer){0};
    bool is_answered = sidecar->health.facts.health.state != REPORT_HEALTH_UNREACHABLE;
    bool is_new = sidecar->web_answered_us == 0 || now.monotonic_ms - sidecar->web_answered_ms >= WEB_ANSWERED_STEP_MS;
    if (is_answered && is_new) {
        sidecar->web_answered_us = now.wall_us;
        sidecar->web_answered_ms = now.monotonic_ms;
    }
    compose(sidecar);
}

static void on_probe_result(void *userdata)
{
    compose(userdata);
}

static const char *form_text_or(enum key_form form, const char *fallback)
{
    const char *text = key_form_text(form);
    return text ? text : fallback;
}

/* The key that the product started with: read once, and again only while its file cannot be read. */
static void read_key(struct sidecar *sidecar)
{
    struct key_place place = {
        .product = sidecar->options->product,
        .namespace_name = sidecar->options->pod.namespace_name,
        .config_file = sidecar->options->config_file,
    };
    enum key_form before = sidecar->key.form;
    sidecar->key = key_source_read(&place);
    if (sidecar->key.form != before) {
        enum log_level level = sidecar->key.form == KEY_OK ? LOG_INFO : LOG_WARNING;
        log_write(level, LOG_FIELDS({"source", sidecar->key.source}), "encryption key: %s",
                  form_text_or(sidecar->key.form, "unknown"));
    }
}

static void read_current_key(struct sidecar *sidecar)
{
    const struct sidecar_options *options = sidecar->options;
    char before[KEY_FINGERPRINT_SIZE];
    if (!options->key_file) {
        return;
    }
    memcpy(before, sidecar->key_current, sizeof before);
    (void) key_source_read_file(options->key_file, options->pod.namespace_name, sidecar->key_current);
    if (before[0] && sidecar->key_current[0] && !text_equal(before, sidecar->key_current)) {
        log_warning(LOG_NONE, "the key's Secret was changed while this server runs");
    }
}

static void on_probe_timer(void *userdata)
{
    struct sidecar *sidecar = userdata;
    int64_t now_ms = loop_now(sidecar->loop).monotonic_ms;
    sidecar->probed_ms = now_ms;
    if (sidecar->key.form == KEY_UNREADABLE) {
        read_key(sidecar);
    }
    read_current_key(sidecar);
    messenger_start(sidecar->messenger, now_ms);
    activation_update(sidecar->activation, &sidecar->settings, now_ms);
    health_prober_start(sidecar->prober);
    compose(sidecar);
    sidecar->probe_rounds += sidecar->probe_rounds < WARM_ROUNDS ? 1 : 0;
    double wait_ms = (double) pace_ms(sidecar) * (0.95 + 0.05 * random_fraction());
    loop_timer_set_after(sidecar->probe_timer, (int64_t) wait_ms);
}

/* ---- settings ---- */

static void on_setting_refused(const char *name, const char *value, const char *expected, void *userdata)
{
    (void) userdata;
    log_warning(LOG_FIELDS({"annotation", name}, {"value", value}), "unusable setting, ignoring it: expected %s",
                expected);
}

static int64_t chosen_messenger_port(const struct sidecar *sidecar)
{
    if (sidecar->options->messenger_port != 0) {
        return sidecar->options->messenger_port; /* said of this very server: it beats what is said of all */
    }
    return sidecar->settings.messenger_port != 0 ? sidecar->settings.messenger_port : MESSENGER_PORT_DEFAULT;
}

static void read_settings(struct sidecar *sidecar, struct json_object *lease)
{
    const struct lease_settings *settings = &sidecar->settings;
    int64_t now_ms = loop_now(sidecar->loop).monotonic_ms;
    if (!lease_settings_read(&sidecar->settings, pod_lease_annotations(lease), on_setting_refused, sidecar)) {
        return;
    }
    log_info(LOG_FIELDS({"internet", internet_access_text(settings->internet)},
                        {"activation_host", settings->activation_host}),
             "settings arrived: a heartbeat every %lld s, stale after %lld s", (long long) settings->interval_seconds,
             (long long) settings->stale_after_seconds);
    messenger_set_port(sidecar->messenger, chosen_messenger_port(sidecar));
    messenger_start(sidecar->messenger, now_ms);
    activation_update(sidecar->activation, settings, now_ms);
    int64_t next_ms = sidecar->probed_ms + pace_ms(sidecar);
    loop_timer_set_at(sidecar->probe_timer, next_ms > now_ms ? next_ms : now_ms);
    compose(sidecar);
}

/* ---- the heartbeat ---- */

static struct beat_wish current_wish(const struct sidecar *sidecar)
{
    return (struct beat_wish){
        .report = sidecar->report,
        .duration_seconds = sidecar->settings.stale_after_seconds,
        .interval_ms = pace_ms(sidecar),
    };
}

static void log_news(struct sidecar *sidecar, enum beat_news news, const struct error *err)
{
    int64_t now_ms = loop_now(sidecar->loop).monotonic_ms;
    switch (news) {
    case BEAT_NEWS_NONE:
        break;
    case BEAT_NEWS_CREATED:
        trouble_is_over(&sidecar->trouble, now_ms);
        log_info(LOG_FIELDS({"lease", sidecar->lease_name}), "Lease created");
        break;
    case BEAT_NEWS_TAKEN_OVER:
        if (sidecar->trouble.kind == TROUBLE_NONE) {
            log_info(LOG_FIELDS({"lease", sidecar->lease_name}), "this pod's Lease is there already, going on with it");
        }
        break;
    case BEAT_NEWS_RENEWED:
        trouble_is_over(&sidecar->trouble, now_ms);
        break;
    case BEAT_NEWS_FOREIGN:
        trouble_say(&sidecar->trouble, TROUBLE_FOREIGN, err, now_ms);
        break;
    case BEAT_NEWS_LOST:
        trouble_say(&sidecar->trouble, TROUBLE_LOST, err, now_ms);
        break;
    case BEAT_NEWS_FAILED:
        trouble_say(&sidecar->trouble, trouble_kind_of(err), err, now_ms);
        break;
    }
}

static void on_response(const struct kube_response *response, const struct error *err, void *userdata)
{
    struct sidecar *sidecar = userdata;
    struct json_object *lease = !err && response ? response->body : NULL;
    struct beat_answer answer = {.code = err ? (int) err->code : 0};
    pod_lease_read(lease, &sidecar->options->pod, &answer);
    enum beat_news news =
        beat_answered(&sidecar->beat, &answer, loop_now(sidecar->loop).monotonic_ms, random_fraction());
    log_news(sidecar, news, err);
    if (lease && sidecar->beat.phase == BEAT_HELD) {
        read_settings(sidecar, lease);
    }
}

static void send_heartbeat(struct sidecar *sidecar, enum beat_action action, const struct beat_wish *wish)
{
    static const enum kube_verb verbs[] = {
        [BEAT_CREATE] = KUBE_CREATE,
        [BEAT_LOOK] = KUBE_MERGE_PATCH,
        [BEAT_APPLY] = KUBE_APPLY,
        [BEAT_RENEW] = KUBE_MERGE_PATCH,
    };
    struct instant now = loop_now(sidecar->loop);
    struct pod_lease_content content = {
        .pod = &sidecar->options->pod,
        .lease_name = sidecar->lease_name,
        .lease_uid = sidecar->beat.lease_uid,
        .report = wish->report,
        .duration_seconds = wish->duration_seconds,
        .now_us = now.wall_us,
    };
    cleanup_json struct json_object *body = pod_lease_body(action, &content);
    struct kube_request request = {
        .verb = verbs[action],
        .address = {.resource = &pod_lease_resource,
                    .namespace_name = sidecar->options->pod.namespace_name,
                    .name = action == BEAT_CREATE ? NULL : sidecar->lease_name},
        .field_manager = POD_LEASE_FIELD_MANAGER,
        .body = body,
        .timeout_ms = REQUEST_TIMEOUT_MS,
    };
    beat_sent(&sidecar->beat, action, wish, now.monotonic_ms);
    (void) kube_client_send(sidecar->client, &request, on_response, sidecar);
}

/* At the end of each turn: sends what the beat wants, and wakes up when it may want something again. */
static void on_turn(void *userdata)
{
    struct sidecar *sidecar = userdata;
    if (!sidecar->client) {
        return;
    }
    int64_t now_ms = loop_now(sidecar->loop).monotonic_ms;
    struct beat_wish wish = current_wish(sidecar);
    enum beat_action action = beat_next(&sidecar->beat, &wish, now_ms);
    if (action != BEAT_WAIT) {
        send_heartbeat(sidecar, action, &wish);
    }
    int64_t wait_ms = beat_wait_ms(&sidecar->beat, &wish, now_ms);
    if (wait_ms < 0) {
        loop_timer_stop(sidecar->beat_timer);
    } else {
        loop_timer_set_after(sidecar->beat_timer, wait_ms);
    }
}

static void on_beat_timer(void *userdata)
{
    (void) userdata; /* on_turn() does the work: this only makes it a turn */
}

/* Without a configuration there is no heartbeat, but the sidecar stays: ending would disturb the pod. */
static void on_client_timer(void *userdata)
{
    struct sidecar *sidecar = userdata;
    struct kube_config_options where = {.kubeconfig = sidecar->options->kubeconfig};
    struct kube_config *config = NULL;
    struct error err = {0};
    int result = kube_config_load(&where, &config, &err);
    if (result == 0) {
        cleanup_free char *source = xstrdup(config->source);
        cleanup_free char *server = xstrdup(config->server);
        result = kube_client_new(sidecar->loop, config, &sidecar->client, &err);
        if (result == 0) {
            log_info(LOG_FIELDS({"server", server}, {"source", source}), "heartbeat goes to the API server");
            return;
        }
    }
    int64_t now_ms = loop_now(sidecar->loop).monotonic_ms;
    trouble_say(&sidecar->trouble, TROUBLE_CONFIGURATION, &err, now_ms);
    loop_timer_set_after(sidecar->client_timer, backoff_next(&sidecar->client_backoff, now_ms, random_fraction()));
}

/* ---- life ---- */

static void on_signal(int signal_number, void *userdata)
{
    struct sidecar *sidecar = userdata;
    log_info(LOG_NONE, "%s: ending; the Lease stays with its pod", signal_number == SIGTERM ? "SIGTERM" : "SIGINT");
    loop_stop(sidecar->loop);
}

static void sidecar_clear(struct sidecar *sidecar)
{
    kube_client_free(sidecar->client);
    health_prober_free(sidecar->prober);
    messenger_free(sidecar->messenger);
    activation_free(sidecar->activation);
    loop_timer_free(sidecar->client_timer);
    loop_timer_free(sidecar->beat_timer);
    loop_timer_free(sidecar->probe_timer);
    loop_free(sidecar->loop);
    beat_clear(&sidecar->beat);
    health_answer_clear(&sidecar->health);
    free(sidecar->lease_name);
    free(sidecar->report);
}

static void read_once(struct sidecar *sidecar)
{
    struct error err = {0};
    read_key(sidecar);
    key_source_wipe_environment();
    if (machine_source_read(sidecar->options->cpuinfo, &sidecar->machine, &err) < 0) {
        log_warning(LOG_FIELDS({"error", err.text}), "the CPU is unknown, reporting none");
    }
}

static void build_parts(struct sidecar *sidecar)
{
    const struct sidecar_options *options = sidecar->options;
    sidecar->prober = health_prober_new(sidecar->loop, options->url, HEALTH_TIMEOUT_MS, on_health, sidecar);
    sidecar->messenger = messenger_new(sidecar->loop, options->url, on_probe_result, sidecar);
    messenger_set_port(sidecar->messenger, chosen_messenger_port(sidecar));
    sidecar->activation = activation_new(sidecar->loop, on_probe_result, sidecar);
    sidecar->client_timer = loop_timer_new(sidecar->loop, on_client_timer, sidecar);
    sidecar->beat_timer = loop_timer_new(sidecar->loop, on_beat_timer, sidecar);
    sidecar->probe_timer = loop_timer_new(sidecar->loop, on_probe_timer, sidecar);
    loop_on_turn(sidecar->loop, on_turn, sidecar);
    loop_timer_set_after(sidecar->client_timer, 0);
    loop_timer_set_after(sidecar->probe_timer, 0);
}

int sidecar_run(const struct sidecar_options *options, struct error *err)
{
    __attribute__((cleanup(sidecar_clear))) struct sidecar sidecar = {
        .options = options,
        .client_backoff = BACKOFF_INIT,
        .lease_name = report_lease_name(options->pod.name),
    };
    beat_init(&sidecar.beat);
    lease_settings_init(&sidecar.settings);
    read_once(&sidecar);
    int result = loop_new(&sidecar.loop, err);
    if (result == 0) {
        result = loop_on_signal(sidecar.loop, SIGTERM, on_signal, &sidecar, err);
    }
    if (result == 0) {
        result = loop_on_signal(sidecar.loop, SIGINT, on_signal, &sidecar, err);
    }
    if (result < 0) {
        return result;
    }
    build_parts(&sidecar);
    log_info(LOG_FIELDS({"url", options->url}, {"lease", sidecar.lease_name}), "watching %s in pod %s/%s",
             product_names(options->product)->name, options->pod.namespace_name, options->pod.name);
    return loop_run(sidecar.loop, err);
}
