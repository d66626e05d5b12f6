/*
 * WebStale: the web server of a pod has not answered for longer than the product's own overview waits.
 */
#include "catalogue.h"
#include "phrase.h"

static void say_stale(const struct check_context *context, const struct subject *subject, int64_t answered_us,
                      int64_t limit_ms)
{
    char last[CLOCK_TEXT_SIZE];
    clock_format_seconds(answered_us, last);
    char limit[CLOCK_TEXT_SIZE];
    clock_format_duration(limit_ms, limit);
    cleanup_free char *message =
        xasprintf("The web server of pod %s gave its last answer at %s, more than %s ago, although the sidecar beside "
                  "it asks all the time: it serves no one, and the product's overview shows its web component as "
                  "stale.",
                  subject->meta->name, last, limit);
    cleanup_free char *action =
        xasprintf("See what it does: kubectl -n %s logs %s%s%s; where it answers, and the sidecar asks at the wrong "
                  "port, set PROGET_SIDECAR_URL in the sidecar (docs/findings/WebStale.md)",
                  subject->meta->namespace_name, subject->meta->name, subject->product ? " -c " : "",
                  subject->product ? subject->product->name : "");
    raise_on_subject(
        context, subject,
        (struct finding_draft){
            .message = message, .action = action, .true_since_us = answered_us + limit_ms * 1000, .hold_ms = -1});
}

void check_web_stale(const struct check_context *context)
{
    int64_t limit_ms = context->cluster->settings.web_stale_after_ms;
    subject_each(subject, context->cluster)
    {
        const struct report *report = report_or_unobserved(context, subject);
        if (!report || report->web_answered_us == 0) {
            continue; /* a server that never answered is HealthUnreachable's */
        }
        int64_t age_ms = (context->now.wall_us - report->web_answered_us) / 1000;
        if (age_ms >= limit_ms) {
            say_stale(context, subject, report->web_answered_us, limit_ms);
        } else if (!context->cluster->is_offline) {
            finding_wake_at(context, context->now.monotonic_ms + limit_ms - age_ms);
        }
    }
}
