#include "intake.h"

#include <stdlib.h>

#include "outage.h"
#include "poller.h"
#include "proget/core/log.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/kube/reflector.h"
#include "pulse.h"

enum { LATE_MS = 15 * 1000, LASTING_MS = 60 * 1000, REVIEW_INTERVAL_MS = 5 * 1000 };
/* A server that took so long to answer stood still for all. */
enum { SLOW_MS = 1000 };

struct source {
    struct intake *intake;
    enum model_kind kind;
    const char *namespace_name; /* NULL: all, or cluster-scoped */
    struct reflector *reflector;
    bool is_synced, is_behind, is_unobserved;
    bool is_missing;          /* of an extension that the server does not have */
    uint64_t skipped;         /* objects that could not be read */
    int64_t trouble_since_ms; /* monotonic: not in step since then, though not refused; 0: it is in step */
    char *trouble;            /* why not; NULL: not told yet */
};

struct intake {
    struct intake_options options;
    struct source *sources;
    size_t count;
    struct pulse *pulse;
    struct instant asked;     /* the question of the last answer was sent then; all 0: none was answered */
    bool is_silent;           /* the server does not answer the pulse */
    int64_t partial_since_ms; /* monotonic: some kinds are in step and some are not; 0: all or none are */
    struct outage *outage;
    struct loop_timer *review_timer; /* set while any source is in trouble */
    struct poller *node_metrics;     /* the one kind that cannot be watched */
};

static struct instant now_of(const struct intake *intake)
{
    return loop_now(kube_client_loop(intake->options.client));
}

static bool are_leases_behind(const struct intake *intake)
{
    for (size_t i = 0; i < intake->count; i++) {
        if (intake->sources[i].kind == MODEL_LEASES && intake->sources[i].is_behind) {
            return true;
        }
    }
    return false;
}

/* While nobody can renew a Lease, or nobody can see it renewed, no heartbeat grows stale. */
static void settle_behind(struct intake *intake, struct instant since)
{
    model_set_behind(intake->options.model, intake->is_silent || are_leases_behind(intake), since);
}

static void settle_outage(struct intake *intake, const char *why)
{
    size_t behind = 0;
    for (size_t i = 0; i < intake->count; i++) {
        behind += intake->sources[i].is_behind ? 1 : 0;
    }
    outage_settle(intake->outage, intake->is_silent, behind, intake->count, why);
}

/*
 * What was waiting at the server when it went on is seen by the next answer, not by the first: a sidecar whose request
 * was stuck with ours writes at that moment.
 */
static void on_answer(struct instant quiet_since, struct instant asked, void *userdata)
{
    struct intake *intake = userdata;
    struct instant now = now_of(intake);
    if (!intake->is_silent && now.monotonic_ms - quiet_since.monotonic_ms >= SLOW_MS) {
        model_skip_time(intake->options.model, quiet_since, now);
    }
    if (intake->asked.monotonic_ms) {
        model_set_served(intake->options.model, intake->asked);
    }
    intake->asked = asked;
}

static void on_pulse(bool answers, struct instant since, const char *why, void *userdata)
{
    struct intake *intake = userdata;
    intake->is_silent = !answers;
    for (size_t i = 0; answers && i < intake->count; i++) {
        reflector_hurry(intake->sources[i].reflector);
    }
    settle_behind(intake, since);
    settle_outage(intake, why);
    if (answers) {
        poller_hurry(intake->node_metrics);
        intake->options.on_return(intake->options.userdata);
    }
}

static void on_rewind(const char *why, void *userdata)
{
    struct intake *intake = userdata;
    log_warning(LOG_FIELDS({"why", why}), "reading everything anew");
    for (size_t i = 0; i < intake->count; i++) {
        intake->sources[i].is_synced = false;
        reflector_rewind(intake->sources[i].reflector, why);
    }
    intake->options.on_rewind(why, intake->options.userdata);
}

static void set_behind(struct source *source, bool is_behind, const char *why)
{
    struct intake *intake = source->intake;
    if (source->is_behind == is_behind) {
        return;
    }
    source->is_behind = is_behind;
    if (source->kind == MODEL_LEASES) {
        settle_behind(intake, now_of(intake));
    }
    settle_outage(intake, why);
}

/* It was the only kind that was behind, and is not waited for any more. */
static void drop_outage(const struct source *source)
{
    const struct intake *intake = source->intake;
    for (size_t i = 0; i < intake->count; i++) {
        if (intake->sources[i].is_behind && &intake->sources[i] != source) {
            return;
        }
    }
    if (source->is_behind && !intake->is_silent) {
        outage_drop(intake->outage);
    }
}

/* What is not observed in one of several namespaces is not observed. */
static void set_unobserved(struct source *source, bool is_unobserved, const char *why)
{
    struct intake *intake = source->intake;
    if (source->is_unobserved == is_unobserved) {
        return;
    }
    source->is_unobserved = is_unobserved;
    const struct model_kind_info *info = model_kind_info(source->kind);
    const struct log_field *fields =
        LOG_FIELDS({"kind", info->plural}, {"namespace", source->namespace_name}, {"error", why});
    if (is_unobserved) {
        log_warning(fields,
                    "cannot observe this kind: what needs it is reported as not observed (manifests/base has the "
                    "kinds and rights that the operator needs)");
        model_set_unobserved(intake->options.model, source->kind, why ? why : "it cannot be read");
        return;
    }
    log_info(fields, "this kind is observed from now on");
    for (size_t i = 0; i < intake->count; i++) {
        if (intake->sources[i].kind == source->kind && intake->sources[i].is_unobserved) {
            return;
        }
    }
    model_set_unobserved(intake->options.model, source->kind, NULL);
}

/* An extension that is not installed is no lack: there are none of its objects, until it comes. */
static void set_missing(struct source *source, bool is_missing)
{
    if (source->is_missing == is_missing) {
        return;
    }
    source->is_missing = is_missing;
    model_set_missing(source->intake->options.model, source->kind, is_missing);
    const struct log_field *fields = LOG_FIELDS({"kind", model_kind_info(source->kind)->plural});
    if (is_missing) {
        log_info(fields, "not installed on this API server; it is looked at when it comes");
    } else {
        log_info(fields, "installed on this API server from now on");
    }
}

static void set_trouble(struct source *source, bool is_in_trouble, const char *why)
{
    struct intake *intake = source->intake;
    if (!is_in_trouble) {
        source->trouble_since_ms = 0;
    } else if (source->trouble_since_ms == 0) {
        source->trouble_since_ms = now_of(intake).monotonic_ms;
    }
    if (!is_in_trouble || why) {
        free(source->trouble);
        source->trouble = xstrdup(why);
    }
    if (is_in_trouble && !loop_timer_is_set(intake->review_timer)) {
        loop_timer_set_after(intake->review_timer, REVIEW_INTERVAL_MS);
    }
}

static bool is_any_in_step(const struct intake *intake)
{
    for (size_t i = 0; i < intake->count; i++) {
        if (intake->sources[i].is_synced && intake->sources[i].trouble_since_ms == 0) {
            return true;
        }
    }
    return false;
}

static int64_t later(int64_t a_ms, int64_t b_ms)
{
    return a_ms > b_ms ? a_ms : b_ms;
}

/* One kind alone that is long in trouble: what is known of it is no longer gone by, and it holds up nothing. */
static void on_review(void *userdata)
{
    struct intake *intake = userdata;
    int64_t now_ms = now_of(intake).monotonic_ms;
    bool is_any_in_trouble = false;
    if (intake->is_silent || !is_any_in_step(intake)) {
        intake->partial_since_ms = 0;
    } else if (intake->partial_since_ms == 0) {
        intake->partial_since_ms = now_ms;
    }
    for (size_t i = 0; i < intake->count; i++) {
        struct source *source = &intake->sources[i];
        if (source->trouble_since_ms == 0) {
            continue;
        }
        is_any_in_trouble = true;
        int64_t limit_ms = source->is_synced ? LASTING_MS : LATE_MS;
        if (intake->partial_since_ms &&
            now_ms - later(source->trouble_since_ms, intake->partial_since_ms) >= limit_ms) {
            set_unobserved(source, true, source->trouble);
        }
    }
    if (is_any_in_trouble) {
        loop_timer_set_after(intake->review_timer, REVIEW_INTERVAL_MS);
    } else {
        intake->partial_since_ms = 0;
    }
}

static void on_state(enum reflector_state state, const char *why, void *userdata)
{
    struct source *source = userdata;
    switch (state) {
    case REFLECTOR_SYNCING:
        set_trouble(source, true, why);
        if (why) {
            outage_at_start(source->intake->outage, why);
        }
        break;
    case REFLECTOR_WATCHING:
        source->is_synced = true;
        outage_started(source->intake->outage);
        set_trouble(source, false, NULL);
        set_missing(source, false);
        set_unobserved(source, false, NULL);
        set_behind(source, false, NULL);
        break;
    case REFLECTOR_BEHIND:
        set_trouble(source, true, why);
        set_behind(source, true, why);
        break;
    case REFLECTOR_UNOBSERVED:
        set_trouble(source, false, NULL);
        set_missing(source, model_kind_info(source->kind)->is_extension && reflector_is_missing(source->reflector));
        set_unobserved(source, !source->is_missing, why);
        drop_outage(source);
        set_behind(source, false, NULL);
        break;
    }
}

static void on_skipped(const struct error *err, void *userdata)
{
    struct source *source = userdata;
    source->skipped++;
    log_warning(LOG_FIELDS({"kind", model_kind_info(source->kind)->kind}, {"error", err->text}),
                "an object cannot be read and is left out");
}

/* What the nodes use: without it their pods' requests are judged alone, so it not being installed is no lack. */
static void on_node_metrics(enum poller_state state, const char *why, void *userdata)
{
    struct intake *intake = userdata;
    struct model *model = intake->options.model;
    bool is_lacking = state == POLLER_REFUSED || state == POLLER_SILENT;
    const struct log_field *fields = LOG_FIELDS({"kind", model_kind_title(MODEL_NODE_METRICS)}, {"error", why});
    if (is_lacking) {
        log_warning(fields, "cannot observe this kind: what needs it is reported as not observed");
    } else if (state == POLLER_MISSING) {
        log_info(LOG_FIELDS({"kind", model_kind_title(MODEL_NODE_METRICS)}),
                 "not installed on this API server; it is looked at when it comes");
    } else {
        log_info(fields, "this kind is observed from now on");
    }
    model_set_unobserved(model, MODEL_NODE_METRICS, is_lacking ? why : NULL);
    model_set_missing(model, MODEL_NODE_METRICS, state == POLLER_MISSING);
}

static bool is_server_away(void *userdata)
{
    const struct intake *intake = userdata;
    return intake->is_silent;
}

static void start_node_metrics(struct intake *intake)
{
    const struct model_kind_info *info = model_kind_info(MODEL_NODE_METRICS);
    struct poller_options options = {
        .resource = {.group = info->group, .version = info->version, .plural = info->plural},
        .store = model_store(intake->options.model, MODEL_NODE_METRICS),
        .on_state = on_node_metrics,
        .is_server_away = is_server_away,
        .userdata = intake,
    };
    intake->node_metrics = poller_start(intake->options.client, &options);
}

static void start_source(struct source *source)
{
    const struct model_kind_info *info = model_kind_info(source->kind);
    struct reflector_options options = {
        .resource = {.group = info->group, .version = info->version, .plural = info->plural},
        .namespace_name = source->namespace_name,
        .label_selector = info->label_selector,
        .field_selector = info->field_selector,
        .store = model_store(source->intake->options.model, source->kind),
        .on_state = on_state,
        .on_skipped = on_skipped,
        .userdata = source,
    };
    set_trouble(source, true, "the first list has no answer yet");
    source->reflector = reflector_start(source->intake->options.client, &options);
}

struct intake *intake_start(const struct intake_options *options)
{
    struct intake *intake = xcalloc(1, sizeof *intake);
    struct loop *loop = kube_client_loop(options->client);
    const struct option_list *namespaces = options->namespaces;
    intake->options = *options;
    intake->outage = outage_new(loop);
    intake->review_timer = loop_timer_new(loop, on_review, intake);
    size_t per_kind = namespaces->count ? namespaces->count : 1;
    intake->sources = xcalloc(MODEL_KIND_COUNT * per_kind, sizeof *intake->sources);
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        const struct model_kind_info *info = model_kind_info((enum model_kind) kind);
        size_t copies = !info->watched ? 0 : info->namespaced ? per_kind : 1;
        for (size_t i = 0; i < copies; i++) {
            bool is_restricted = info->namespaced && namespaces->count;
            intake->sources[intake->count++] = (struct source){
                .intake = intake,
                .kind = (enum model_kind) kind,
                .namespace_name = is_restricted ? namespaces->items[i] : NULL,
            };
        }
    }
    for (size_t i = 0; i < intake->count; i++) {
        start_source(&intake->sources[i]);
    }
    start_node_metrics(intake);
    struct pulse_options pulse = {
        .namespace_name = namespaces->count ? namespaces->items[0] : NULL,
        .on_change = on_pulse,
        .on_answer = on_answer,
        .on_rewind = on_rewind,
        .userdata = intake,
    };
    intake->pulse = pulse_start(options->client, &pulse);
    model_set_served(options->model, loop_now(loop));
    return intake;
}

void intake_stop(struct intake *intake)
{
    if (!intake) {
        return;
    }
    for (size_t i = 0; i < intake->count; i++) {
        reflector_stop(intake->sources[i].reflector);
        free(intake->sources[i].trouble);
    }
    poller_stop(intake->node_metrics);
    pulse_stop(intake->pulse);
    outage_free(intake->outage);
    loop_timer_free(intake->review_timer);
    free(intake->sources);
    free(intake);
}

bool intake_is_ready(const struct intake *intake)
{
    for (size_t i = 0; i < intake->count; i++) {
        const struct source *source = &intake->sources[i];
        if (!source->is_synced && !source->is_unobserved && !source->is_missing) {
            return false;
        }
    }
    return poller_state(intake->node_metrics) != POLLER_ASKING;
}

static enum intake_state state_of(const struct source *source)
{
    if (source->is_unobserved) {
        return INTAKE_UNOBSERVED;
    }
    if (source->is_behind) {
        return INTAKE_BEHIND;
    }
    if (source->is_missing) {
        return INTAKE_ABSENT;
    }
    return source->is_synced ? INTAKE_SYNCED : INTAKE_SYNCING;
}

static int64_t silent_ms(const struct source *source)
{
    int64_t alive_ms = source->reflector ? reflector_alive_ms(source->reflector) : 0;
    return alive_ms == 0 || source->is_unobserved || source->is_missing
               ? -1
               : now_of(source->intake).monotonic_ms - alive_ms;
}

bool intake_watch(const struct intake *intake, enum model_kind kind, struct intake_watch *ret_watch)
{
    struct intake_watch watch = {.state = INTAKE_SYNCED, .silent_ms = -1};
    bool is_watched = false;
    for (size_t i = 0; i < intake->count; i++) {
        const struct source *source = &intake->sources[i];
        if (source->kind != kind) {
            continue;
        }
        enum intake_state state = state_of(source);
        is_watched = true;
        watch.state = state > watch.state ? state : watch.state;
        watch.silent_ms = later(watch.silent_ms, silent_ms(source));
        watch.skipped += source->skipped;
    }
    if (is_watched) {
        *ret_watch = watch;
    }
    return is_watched;
}

bool intake_versions(const struct intake *intake, enum model_kind kind, const char *namespace_name,
                     struct intake_versions *ret_versions)
{
    for (size_t i = 0; i < intake->count; i++) {
        const struct source *source = &intake->sources[i];
        bool is_there = !source->namespace_name || text_equal(source->namespace_name, namespace_name);
        if (source->kind == kind && is_there && !source->is_unobserved && !source->is_missing) {
            ret_versions->changed = reflector_changed_version(source->reflector);
            ret_versions->seen = reflector_seen_version(source->reflector);
            return true;
        }
    }
    return false;
}

bool intake_is_connected(const struct intake *intake)
{
    bool has_answered = intake->asked.monotonic_ms != 0;
    for (size_t i = 0; i < intake->count && !has_answered; i++) {
        const struct source *source = &intake->sources[i];
        has_answered = source->is_synced || source->is_unobserved || source->is_missing;
    }
    return has_answered && !intake->is_silent;
}
