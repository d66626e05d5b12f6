/*
 * ReplicationError: feeds are not replicated, as the server itself says.
 */
#include "catalogue.h"
#include "phrase.h"
#include "proget/core/text.h"

enum { DETAIL_BYTES_MAX = 384 }; /* so that a server's long text leaves room for ours */

static bool is_error(const char *status)
{
    return status && text_equal_ignore_case(status, "Error");
}

/* Which of its two parts; NULL: neither is in error. */
static const char *part_in_error(const struct report *report)
{
    bool as_server = is_error(report->health.replication_server);
    bool as_client = is_error(report->health.replication_client);
    if (as_server && as_client) {
        return "both what it serves to others and what it fetches from others";
    }
    if (as_server) {
        return "what it serves to other instances (replication server)";
    }
    return as_client ? "what it fetches from or sends to other instances (replication client)" : NULL;
}

void check_replication_error(const struct check_context *context)
{
    const struct product_names *names = phrase_product(context->cluster);
    subject_each(subject, context->cluster)
    {
        const struct report *report = report_or_unobserved(context, subject);
        const char *part = report && report->health.has_replication ? part_in_error(report) : NULL;
        if (!part) {
            continue;
        }
        char detail[DETAIL_BYTES_MAX] = "";
        text_copy_cut(detail, sizeof detail,
                      report->health.replication_detail ? report->health.replication_detail : "");
        cleanup_free char *quoted = detail[0] ? xasprintf(" (\"%s\")", detail) : xstrdup("");
        cleanup_free char *message =
            xasprintf("%s in pod %s says that replication is in error: %s%s. Until it is mended the instances drift "
                      "apart: packages that were pushed to one are missing on the other.",
                      names->name, subject->meta->name, part, quoted);
        cleanup_free char *action =
            xasprintf("Look at the replications of its feeds in its administration pages, and try the way to the other "
                      "instance (address, API key, certificate); the server's log: kubectl -n %s logs %s%s%s",
                      subject->meta->namespace_name, subject->meta->name, subject->product ? " -c " : "",
                      subject->product ? subject->product->name : "");
        raise_on_subject(context, subject, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
    }
}
