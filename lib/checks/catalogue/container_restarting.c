/*
 * ContainerRestarting: the product's container, or the sidecar's, does not stay up.
 */
#include <inttypes.h>

#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"

#define CANNOT_START_HOLD_MS ((int64_t) 2 * 60 * 1000) /* a registry that hiccups is no news */

enum { EXIT_KILLED = 128 + 9, EXIT_TERMINATED = 128 + 15 };

/* One of the two containers of a server that are looked at. */
struct candidate {
    const struct subject *subject;
    const struct container *container;
    const struct container_status *status;
    const struct restart_memory *memory;
    bool is_sidecar;
};

static const char *cause_of(const struct candidate *candidate)
{
    return candidate->is_sidecar ? "Sidecar" : "Server";
}

/* --- whether --- */

/* A finding that an earlier process raised, and that nothing since has disproved. */
static bool had_finding(const struct check_context *context, const struct candidate *candidate)
{
    const struct history *history = context->cluster->history;
    return history && history_had_finding_of_cause(history, context->row->code, cause_of(candidate),
                                                   candidate->subject->meta->uid);
}

/* How long the newest run has lasted by now, or did last; negative: not known. */
static int64_t run_length_ms(const struct container_status *status, struct instant now)
{
    if (status->state.running_since_us) {
        int64_t length_ms = (now.wall_us - status->state.running_since_us) / 1000;
        return length_ms > 0 ? length_ms : 0;
    }
    const struct container_state *ended = container_last_exit(status);
    if (!ended || !ended->started_us || !ended->finished_us) {
        return -1;
    }
    return (ended->finished_us - ended->started_us) / 1000;
}

/* It crashed again and again, and runs at the moment: too short a time to call that over. */
static bool is_between_crashes(const struct check_context *context, const struct candidate *candidate,
                               const struct restart_view *view)
{
    int64_t length_ms = run_length_ms(candidate->status, context->now);
    bool was_looping = view->is_looping || (!view->has_run_long && had_finding(context, candidate));
    if (!was_looping || length_ms < 0 || length_ms >= RESTARTS_RECOVERED_MS) {
        return false;
    }
    finding_wake_at(context, context->now.monotonic_ms + RESTARTS_RECOVERED_MS - length_ms);
    return true;
}

/* Three restarts within an hour, until an hour has passed without one. */
static bool is_frequent(const struct check_context *context, const struct candidate *candidate,
                        const struct restart_view *view)
{
    bool was_frequent = view->is_frequent ||
                        (view->count >= RESTARTS_TOO_MANY && !view->has_been_quiet && had_finding(context, candidate));
    if (!was_frequent || !view->has_newest) {
        return false;
    }
    int64_t age_ms = view->newest.time_us ? (context->now.wall_us - view->newest.time_us) / 1000 : 0;
    /* It happened no later than it was seen, whatever the node's clock says. */
    int64_t seen_ms = view->newest.seen_ms ? context->now.monotonic_ms - view->newest.seen_ms : 0;
    age_ms = age_ms > seen_ms ? age_ms : seen_ms;
    if (age_ms >= RESTARTS_WINDOW_MS) {
        return false;
    }
    finding_wake_at(context, context->now.monotonic_ms + RESTARTS_WINDOW_MS - age_ms);
    return true;
}

/* It ran, it ended, and something keeps it from being started again: its image, a Secret that is gone. */
static bool cannot_start(const struct container_status *status)
{
    const char *reason = status->state.waiting_reason;
    bool is_underway = text_equal(reason, "PodInitializing") || text_equal(reason, "ContainerCreating");
    return !text_is_empty(reason) && !is_underway && container_last_exit(status);
}

/* --- what to say --- */

struct exit_words {
    const char *reason; /* of the terminated state; NULL: any */
    int64_t exit_code;  /* counts where there is no reason; negative: any */
    const char *what;   /* behind "its last run ended " */
    const char *advice; /* in front of the commands */
};

static const struct exit_words words_of_exits[] = {
    {"OOMKilled", -1, "because it used more memory than its limit allows (OOMKilled)",
     "Raise the container's memory limit, and its request with it so that the QoS class stays Guaranteed, or find what "
     "fills it"},
    {"StartError", -1, "before it began: it could not be started (StartError)",
     "Correct its command or its mounts, which the pod's description shows"},
    {"ContainerCannotRun", -1, "before it began: it could not be started (ContainerCannotRun)",
     "Correct its command or its mounts, which the pod's description shows"},
    {NULL, 0, "by itself, as if its work were done", "See whether its command or arguments were changed"},
    {NULL, EXIT_KILLED, "because it was killed",
     "See whether a liveness probe failed or it did not stop in time (both leave Events), or the node ran out of "
     "memory"},
    {NULL, EXIT_TERMINATED, "because it was told to stop",
     "See which probe failed, for the kubelet stops a container whose liveness or startup probe fails"},
    {NULL, -1, "with an error", "See what it said before it ended"},
};

static const struct exit_words *words_of(const struct container_state *ended)
{
    for (size_t i = 0; i < array_length(words_of_exits); i++) {
        const struct exit_words *words = &words_of_exits[i];
        bool is_it = words->reason ? text_equal(words->reason, ended->terminated_reason)
                                   : words->exit_code < 0 || words->exit_code == ended->exit_code;
        if (is_it) {
            return words;
        }
    }
    return &words_of_exits[array_length(words_of_exits) - 1];
}

/* "its last run ended with an error (exit code 1)". Owned. */
static char *last_exit_text(const struct candidate *candidate, const struct container_state *ended)
{
    if (!ended) {
        return xstrdup("how its last run ended is not known");
    }
    const char *limit = candidate->container->resources.limits.memory;
    bool was_out_of_memory = text_equal(ended->terminated_reason, "OOMKilled");
    cleanup_free char *bound = was_out_of_memory && limit ? xasprintf(", the limit is %s", limit) : xstrdup("");
    return xasprintf("its last run ended %s (exit code %" PRId64 "%s)", words_of(ended)->what, ended->exit_code, bound);
}

static void say_restarting(const struct check_context *context, const struct candidate *candidate, const char *how,
                           const char *advice, int64_t hold_ms)
{
    const struct subject *subject = candidate->subject;
    const char *name = candidate->container->name;
    const struct container_state *ended = container_last_exit(candidate->status);
    cleanup_free char *last_exit = last_exit_text(candidate, ended);
    const char *cost = candidate->is_sidecar
                           ? "The server itself runs on, but what it does is not known while its heartbeat is missing."
                           : "Each time its users are cut off, and the other servers have to carry its load.";
    cleanup_free char *message =
        xasprintf("Container %s (%s) of pod %s %s; %s. %s", name, candidate->is_sidecar ? "the sidecar" : "the server",
                  subject->meta->name, how, last_exit, cost);
    cleanup_free char *action = xasprintf(
        "%s: kubectl -n %s logs %s -c %s --previous, and kubectl -n %s describe pod %s", advice,
        subject->meta->namespace_name, subject->meta->name, name, subject->meta->namespace_name, subject->meta->name);
    raise_on_subject(context, subject,
                     (struct finding_draft){.cause = cause_of(candidate),
                                            .message = message,
                                            .action = action,
                                            .true_since_us = hold_ms > 0 && ended ? ended->finished_us : 0,
                                            .hold_ms = hold_ms});
}

static void look_at(const struct check_context *context, const struct candidate *candidate)
{
    struct restart_view view;
    restart_view_make(candidate->memory, candidate->subject->server->pod, candidate->status, &view);
    const struct container_state *ended = container_last_exit(candidate->status);
    const char *advice = ended ? words_of(ended)->advice : "See what it said before it ended";
    bool is_looping = container_is_crash_looping(candidate->status);
    if (is_looping || is_between_crashes(context, candidate, &view)) {
        say_restarting(context, candidate, "keeps crashing and being started again (CrashLoopBackOff)", advice, 0);
    } else if (is_frequent(context, candidate, &view)) {
        say_restarting(context, candidate, "was restarted three times or more within an hour", advice, 0);
    } else if (cannot_start(candidate->status)) {
        cleanup_free char *how =
            xasprintf("has ended and cannot be started again (%s)", candidate->status->state.waiting_reason);
        say_restarting(context, candidate, how,
                       "See what keeps it from starting, which the pod's description says at its end",
                       CANNOT_START_HOLD_MS);
    }
}

void check_container_restarting(const struct check_context *context)
{
    subject_each(subject, context->cluster)
    {
        const struct server *server = subject->server;
        const struct candidate candidates[] = {
            {.container = subject->product, .memory = server ? server->product_restarts : NULL},
            {.container = subject->sidecar, .memory = server ? server->sidecar_restarts : NULL, .is_sidecar = true},
        };
        for (size_t i = 0; server && i < array_length(candidates); i++) {
            struct candidate candidate = candidates[i];
            candidate.subject = subject;
            candidate.status =
                candidate.container ? pod_container_status(server->pod, candidate.container->name) : NULL;
            if (candidate.status) {
                look_at(context, &candidate);
            }
        }
    }
}
