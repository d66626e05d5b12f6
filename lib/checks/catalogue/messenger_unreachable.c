/*
 * MessengerUnreachable: nothing listens on the port by which the service tells the web pages its news.
 */
#include <inttypes.h>

#include "catalogue.h"
#include "phrase.h"

void check_messenger_unreachable(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    const struct product_names *names = phrase_product(cluster);
    subject_each(subject, cluster)
    {
        const struct report *report = report_or_unobserved(context, subject);
        /* Where the whole server does not answer, HealthUnreachable says so. */
        if (!report || report->messenger.reachable != REPORT_FALSE ||
            report->health.state == REPORT_HEALTH_UNREACHABLE) {
            continue;
        }
        int64_t port = report->messenger.port ? report->messenger.port : cluster->settings.messenger_port;
        cleanup_free char *message =
            xasprintf("Nothing answers on port %" PRId64 " of pod %s, the service messenger of %s: its web pages learn "
                      "of what the service does seconds to a minute late; nothing else depends on it.",
                      port, subject->meta->name, names->name);
        cleanup_free char *where = cluster->resource ? xasprintf(": kubectl -n %s edit progetcluster %s",
                                                                 cluster->namespace_name, cluster->name)
                                                     : xstrdup(" of its ProGetCluster");
        cleanup_free char *action =
            xasprintf("Compare the port with the one that %s is set to use, and restart its service from its own "
                      "administration pages (no pod has to go); where another port is meant, put it into "
                      "spec.messenger.port%s",
                      names->name, where);
        raise_on_subject(context, subject, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
    }
}
