/*
 * HealthError: the server itself says that something is wrong.
 */
#include "catalogue.h"
#include "licence.h"
#include "phrase.h"
#include "proget/core/text.h"

#define COMPONENTS_BYTES_MAX ((size_t) 8 * 1024)

static void append_component(struct buffer *text, const char *name, const char *status, const char *detail)
{
    if (!status || !text_equal_ignore_case(status, "Error")) {
        return;
    }
    (void) buffer_appendf(text, "%s%s", text->length > 0 ? ", " : "", name);
    if (!text_is_empty(detail)) {
        (void) buffer_appendf(text, " (%s)", detail);
    }
}

/* "database (connection refused), service"; "" where only the licence's activation is in error. Owned. */
static char *components_in_error(const struct report *report)
{
    cleanup_buffer struct buffer text = BUFFER_INIT(COMPONENTS_BYTES_MAX);
    append_component(&text, "database", report->health.database, report->health.database_detail);
    if (licence_is_otherwise_in_error(report)) {
        append_component(&text, "licence", report->health.license, licence_detail(report));
    }
    append_component(&text, "service", report->health.service, report->health.service_detail);
    append_component(&text, "replication", report->health.replication_server, report->health.replication_detail);
    append_component(&text, "replication", report->health.replication_client, report->health.replication_detail);
    if (text.length == 0 && !licence_needs_activation(report)) {
        (void) buffer_appendf(&text, "no component named%s%s%s", text_is_empty(report->health.detail) ? "" : " (",
                              text_is_empty(report->health.detail) ? "" : report->health.detail,
                              text_is_empty(report->health.detail) ? "" : ")");
    }
    return buffer_take(&text);
}

void check_health_error(const struct check_context *context)
{
    const struct product_names *names = phrase_product(context->cluster);
    subject_each(subject, context->cluster)
    {
        const struct report *report = report_or_unobserved(context, subject);
        if (!report || report->health.state != REPORT_HEALTH_ERROR) {
            continue;
        }
        cleanup_free char *components = components_in_error(report);
        if (text_is_empty(components)) {
            continue; /* ReactivationRequired says it */
        }
        cleanup_free char *message = xasprintf(
            "%s in pod %s reports a problem on /health: %s. Nothing is restarted because of it, for a restart "
            "seldom cures the cause and tends to make it worse.",
            names->name, subject->meta->name, components);
        cleanup_free char *action = xasprintf(
            "Find the cause, starting with the log: kubectl -n %s logs %s%s%s", subject->meta->namespace_name,
            subject->meta->name, subject->product ? " -c " : "", subject->product ? subject->product->name : "");
        raise_on_subject(context, subject, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
    }
}
