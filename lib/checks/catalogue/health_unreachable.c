/*
 * HealthUnreachable: the sidecar gets no answer from the server beside it.
 */
#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"

void check_health_unreachable(const struct check_context *context)
{
    const struct product_names *names = phrase_product(context->cluster);
    subject_each(subject, context->cluster)
    {
        const struct report *report = subject->server ? subject->server->report : NULL;
        if (!report || report->health.state != REPORT_HEALTH_UNREACHABLE) {
            continue;
        }
        const char *detail = report->health.detail;
        cleanup_free char *message =
            xasprintf("%s in pod %s does not answer /health to the sidecar beside it%s%s%s: it is starting, hangs, or "
                      "listens on another port.",
                      names->name, subject->meta->name, text_is_empty(detail) ? "" : " (",
                      text_is_empty(detail) ? "" : detail, text_is_empty(detail) ? "" : ")");
        cleanup_free char *action =
            xasprintf("See what it does: kubectl -n %s logs %s%s%s; where it listens on another port, "
                      "set PROGET_SIDECAR_URL in the sidecar (docs/findings/HealthUnreachable.md)",
                      subject->meta->namespace_name, subject->meta->name, subject->product ? " -c " : "",
                      subject->product ? subject->product->name : "");
        raise_on_subject(context, subject, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
    }
}
