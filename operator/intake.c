#include "intake.h"

#include <stdlib.h>

#include "proget/core/log.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/kube/reflector.h"
#include "pulse.h"

enum { TROUBLE_HOLD_MS = 2500 };

struct source {
    struct intake *intake;
    enum model_kind kind;
    const char *namespace_name; /* NULL: all, or cluster-scoped */
    struct reflector *reflector;
    bool is_synced, is_behind, is_unobserved;
};

struct intake {
    struct kube_client *client;
    struct model *model;
    struct source *sources;
    size_t count;
    size_t behind; /* sources whose server is away */
    struct pulse *pulse;
    bool is_silent; /* the server does not answer the pulse */
    struct loop_timer *trouble_timer;
    bool is_trouble_said, is_start_said;
    char trouble[BOUND_ERROR_TEXT];
};

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
    model_set_behind(intake->model, intake->is_silent || are_leases_behind(intake), since);
}

/* A watch that expired is back within a second: only what lasts is said. */
static void settle_trouble(struct intake *intake, const char *why)
{
    bool is_in_trouble = intake->is_silent || intake->behind > 0;
    if (!is_in_trouble) {
        loop_timer_stop(intake->trouble_timer);
        if (intake->is_trouble_said) {
            log_info(LOG_NONE, "the API server is back, and everything is up to date again");
        }
        intake->is_trouble_said = false;
        return;
    }
    if (why) {
        text_copy_cut(intake->trouble, sizeof intake->trouble, why);
    }
    if (!intake->is_trouble_said && !loop_timer_is_set(intake->trouble_timer)) {
        loop_timer_set_after(intake->trouble_timer, TROUBLE_HOLD_MS);
    }
}

/* Nothing was ever in step: the reason is said once, and it is tried again. */
static void settle_trouble_at_start(struct intake *intake, const char *why)
{
    if (!intake->is_start_said) {
        intake->is_start_said = true;
        log_warning(LOG_FIELDS({"error", why}), "cannot get in step with the API server yet, trying again");
    }
}

static void on_trouble_timer(void *userdata)
{
    struct intake *intake = userdata;
    intake->is_trouble_said = true;
    log_warning(LOG_FIELDS({"error", intake->trouble}),
                "the API server is out of reach: keeping what is known, trying again");
}

static void on_pulse(bool answers, struct instant since, const char *why, void *userdata)
{
    struct intake *intake = userdata;
    intake->is_silent = !answers;
    settle_behind(intake, since);
    settle_trouble(intake, why);
}

static void count_behind(struct source *source, bool is_behind, const char *why)
{
    struct intake *intake = source->intake;
    if (source->is_behind == is_behind) {
        return;
    }
    source->is_behind = is_behind;
    intake->behind = is_behind ? intake->behind + 1 : intake->behind - 1;
    if (source->kind == MODEL_LEASES) {
        settle_behind(intake, loop_now(kube_client_loop(intake->client)));
    }
    settle_trouble(intake, why);
}

/* What is not observed in one of several namespaces is not observed. */
static void settle_unobserved(struct source *source, bool is_unobserved, const char *why)
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
        log_warning(fields, "cannot observe this kind: what needs it is reported as not observed");
        model_set_unobserved(intake->model, source->kind, why ? why : "it cannot be read");
        return;
    }
    log_info(fields, "this kind is observed from now on");
    for (size_t i = 0; i < intake->count; i++) {
        if (intake->sources[i].kind == source->kind && intake->sources[i].is_unobserved) {
            return;
        }
    }
    model_set_unobserved(intake->model, source->kind, NULL);
}

static void on_state(enum reflector_state state, const char *why, void *userdata)
{
    struct source *source = userdata;
    switch (state) {
    case REFLECTOR_SYNCING:
        if (why) {
            settle_trouble_at_start(source->intake, why);
        }
        break;
    case REFLECTOR_WATCHING:
        source->is_synced = true;
        settle_unobserved(source, false, NULL);
        count_behind(source, false, NULL);
        break;
    case REFLECTOR_BEHIND:
        count_behind(source, true, why);
        break;
    case REFLECTOR_UNOBSERVED:
        settle_unobserved(source, true, why);
        count_behind(source, false, NULL);
        break;
    }
}

static void on_skipped(const struct error *err, void *userdata)
{
    const struct source *source = userdata;
    log_warning(LOG_FIELDS({"kind", model_kind_info(source->kind)->kind}, {"error", err->text}),
                "an object cannot be read and is left out");
}

static void start_source(struct source *source, struct kube_client *client)
{
    const struct model_kind_info *info = model_kind_info(source->kind);
    struct reflector_options options = {
        .resource = {.group = info->group, .version = info->version, .plural = info->plural},
        .namespace_name = source->namespace_name,
        .label_selector = info->label_selector,
        .field_selector = info->field_selector,
        .store = model_store(source->intake->model, source->kind),
        .on_state = on_state,
        .on_skipped = on_skipped,
        .userdata = source,
    };
    source->reflector = reflector_start(client, &options);
}

struct intake *intake_start(struct kube_client *client, struct model *model, const struct option_list *namespaces)
{
    struct intake *intake = xcalloc(1, sizeof *intake);
    intake->client = client;
    intake->trouble_timer = loop_timer_new(kube_client_loop(client), on_trouble_timer, intake);
    intake->model = model;
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
        start_source(&intake->sources[i], client);
    }
    intake->pulse = pulse_start(client, on_pulse, intake);
    return intake;
}

void intake_stop(struct intake *intake)
{
    if (!intake) {
        return;
    }
    for (size_t i = 0; i < intake->count; i++) {
        reflector_stop(intake->sources[i].reflector);
    }
    pulse_stop(intake->pulse);
    loop_timer_free(intake->trouble_timer);
    free(intake->sources);
    free(intake);
}

bool intake_is_ready(const struct intake *intake)
{
    for (size_t i = 0; i < intake->count; i++) {
        if (!intake->sources[i].is_synced && !intake->sources[i].is_unobserved) {
            return false;
        }
    }
    return true;
}
