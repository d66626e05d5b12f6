#include <inttypes.h>
#include <string.h>

#include "proget/checks/evaluation.h"
#include "proget/checks/idle_setting.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

#include "condition_name.h"
#include "finding_arena.h"
#include "finding_order.h"

_Static_assert((int) CONDITION_COUNT == (int) EVALUATION_CONDITION_COUNT, "one name per condition");

/* Names of unobserved facts that fit into one condition's message. */
enum { UNOBSERVED_NAMED_MAX = 16 };

static const char *const names[CONDITION_COUNT] = {
    CONDITION_KEY_IN_SYNC,        CONDITION_VERSION_IN_SYNC, CONDITION_SERVERS_SPREAD, CONDITION_FIXED_SIZE,
    CONDITION_EVICTION_RESISTANT, CONDITION_ACTIVATED,       CONDITION_OBSERVED,       CONDITION_READY,
};

static const char *const good_news[CONDITION_COUNT] = {
    "All servers use the same encryption key.",
    "All servers run the same version.",
    "No two servers share a machine, and nothing lets them.",
    "The number of servers is fixed.",
    "No eviction was seen, and none of the checked things that invite one was found.",
    "All servers are activated.",
    "Everything that the checks need is observed.",
    NULL,
};

int condition_index(const char *name)
{
    for (int i = 0; name && i < (int) CONDITION_COUNT; i++) {
        if (text_equal(name, names[i])) {
            return i;
        }
    }
    return -1;
}

static void condition_set(struct evaluation_condition *condition, const char *status, const char *reason, char *message)
{
    condition->status = status;
    condition->reason = reason;
    condition->message = message;
}

static bool condition_has_checks(const char *name)
{
    size_t count;
    const struct check_row *rows = catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        if (text_equal(rows[i].condition, name)) {
            return true;
        }
    }
    return false;
}

/* The worst of the standing findings that this condition is about; with NULL the worst error of any. */
static const struct finding *standing_worst(const struct evaluation_standing *standing, const char *name)
{
    const struct finding *worst = NULL;
    for (size_t i = 0; i < standing->count; i++) {
        const struct finding *finding = standing->findings[i];
        const struct check_row *row = catalogue_find(finding->code);
        bool counts = name ? row && text_equal(row->condition, name) : finding->severity == SEVERITY_ERROR;
        if (counts && (!worst || finding_order(finding, worst) < 0)) {
            worst = finding;
        }
    }
    return worst;
}

/* A pod that waits for a node or an image runs no version yet. */
static bool has_running_server(const struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->server_count; i++) {
        if (cluster->servers[i].live && !text_equal(cluster->servers[i].pod->phase, "Pending")) {
            return true;
        }
    }
    return false;
}

static void judge_by_findings(const struct cluster *cluster, const struct finding_list *findings,
                              const struct evaluation_standing *standing, struct evaluation_condition *condition)
{
    const struct finding *worst = standing_worst(standing, condition->type);
    if (worst) {
        condition_set(condition, "False", worst->code, xstrdup(worst->message));
    } else if (!condition_has_checks(condition->type)) {
        condition_set(condition, "Unknown", "NotChecked", xstrdup("This version has no check for it."));
    } else if (cluster->subject_count == 0) {
        condition_set(condition, "Unknown", "NoServers", xstrdup("There is no server to look at."));
    } else if ((text_equal(condition->type, CONDITION_ACTIVATED) && cluster->live_count == 0) ||
               (text_equal(condition->type, CONDITION_VERSION_IN_SYNC) && !has_running_server(cluster))) {
        condition_set(condition, "Unknown", "NoServers", xstrdup("No server runs that could tell."));
    } else if (finding_arena_is_unjudged(findings->arena, condition->type)) {
        condition_set(condition, "Unknown", "NotObserved",
                      xstrdup("What is needed to judge it is not observed; the condition Observed names it."));
    } else {
        condition_set(condition, "True", "NoFindings", xstrdup(good_news[condition_index(condition->type)]));
    }
}

/* Named, for whoever expects them to be there. Owned; NULL: none is missing. */
static char *missing_extensions(const struct model *model)
{
    cleanup_buffer struct buffer text = BUFFER_INIT((size_t) 4 * 1024);
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        if (model_is_missing(model, (enum model_kind) kind)) {
            (void) buffer_appendf(&text, "%s%s", text.length ? ", " : "", model_kind_title((enum model_kind) kind));
        }
    }
    return text.length ? buffer_take(&text) : NULL;
}

/* What is set and has no effect is no lack, but this is where somebody looks who wonders. */
static void append_idle_settings(const struct cluster *cluster, struct evaluation_condition *condition)
{
    cleanup_idle_settings struct idle_settings settings;
    idle_settings_take(cluster, &settings);
    for (size_t i = 0; i < settings.count; i++) {
        char *message = xasprintf("%s Without effect: %s%s", condition->message, settings.items[i],
                                  text_ends_with(settings.items[i], "?") ? "" : ".");
        free(condition->message);
        condition->message = message;
    }
}

static void judge_observed(const struct model *model, const struct finding_list *findings,
                           struct evaluation_condition *condition)
{
    if (findings->unobserved_count == 0) {
        cleanup_free char *missing = missing_extensions(model);
        condition_set(
            condition, "True", "NoFindings",
            missing ? xasprintf("%s Not installed here: %s.", good_news[condition_index(condition->type)], missing)
                    : xstrdup(good_news[condition_index(condition->type)]));
        return;
    }
    cleanup_buffer struct buffer text = BUFFER_INIT((size_t) 32 * 1024);
    (void) buffer_append_text(&text, "Not observed: ");
    for (size_t i = 0; i < findings->unobserved_count && i < UNOBSERVED_NAMED_MAX; i++) {
        (void) buffer_appendf(&text, "%s%s (%s)", i ? ", " : "", findings->unobserved[i].what,
                              findings->unobserved[i].why);
    }
    if (findings->unobserved_count > UNOBSERVED_NAMED_MAX) {
        (void) buffer_appendf(&text, " and %zu more", findings->unobserved_count - UNOBSERVED_NAMED_MAX);
    }
    (void) buffer_append_text(&text, ".");
    condition_set(condition, "False", "NotObserved", buffer_take(&text));
}

/* More servers may live than are intended: "3 of 2" would make no sense. Owned. */
static char *healthy_words(const struct cluster *cluster, int64_t healthy)
{
    int64_t live = (int64_t) cluster->live_count;
    if (cluster->intended == 0 && live == 0) {
        return xstrdup("No server is intended, and none is there.");
    }
    if (live > cluster->intended) {
        return xasprintf("%" PRId64 " of %" PRId64 " servers are healthy; %" PRId64 " %s intended.", healthy, live,
                         cluster->intended, cluster->intended == 1 ? "is" : "are");
    }
    return xasprintf("%" PRId64 " of %" PRId64 " servers are healthy.", healthy, cluster->intended);
}

static void judge_ready(const struct model *model, const struct cluster *cluster,
                        const struct evaluation_standing *standing, struct evaluation_condition *condition)
{
    const struct finding *worst = standing_worst(standing, NULL);
    const char *unobserved = model_unobserved(model, MODEL_PODS);
    if (worst) {
        condition_set(condition, "False", worst->code, xstrdup(worst->message));
    } else if (unobserved) {
        condition_set(condition, "Unknown", "NotObserved", xasprintf("Pods are not observed: %s.", unobserved));
    } else if (standing->healthy_servers < cluster->intended || standing->healthy_servers == 0) {
        condition_set(condition, "False", "ServersNotHealthy", healthy_words(cluster, standing->healthy_servers));
    } else {
        condition_set(condition, "True", "AllServersHealthy", healthy_words(cluster, standing->healthy_servers));
    }
}

void evaluation_conditions(const struct model *model, const struct cluster *cluster,
                           const struct finding_list *findings, const struct evaluation_standing *standing,
                           struct evaluation_condition ret_conditions[EVALUATION_CONDITION_COUNT])
{
    memset(ret_conditions, 0, EVALUATION_CONDITION_COUNT * sizeof *ret_conditions);
    for (size_t i = 0; i < EVALUATION_CONDITION_COUNT; i++) {
        struct evaluation_condition *condition = &ret_conditions[i];
        condition->type = names[i];
        if (cluster->superseded_by) {
            condition_set(condition, "Unknown", "Superseded",
                          xasprintf("ProGetCluster %s, which a user wrote, selects these pods and watches over them.",
                                    cluster->superseded_by->meta.name));
        } else if (text_equal(condition->type, CONDITION_OBSERVED)) {
            judge_observed(model, findings, condition);
            append_idle_settings(cluster, condition);
        } else if (text_equal(condition->type, CONDITION_READY)) {
            judge_ready(model, cluster, standing, condition);
        } else {
            judge_by_findings(cluster, findings, standing, condition);
        }
    }
}

void evaluation_conditions_clear(struct evaluation_condition conditions[EVALUATION_CONDITION_COUNT])
{
    for (size_t i = 0; i < EVALUATION_CONDITION_COUNT; i++) {
        free(conditions[i].message);
        conditions[i] = (struct evaluation_condition){0};
    }
}
