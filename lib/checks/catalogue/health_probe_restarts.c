/*
 * HealthProbeRestarts: a liveness or startup probe on /health restarts the server for problems that a restart does not
 * cure.
 */
#include "catalogue.h"
#include "health_path.h"
#include "phrase.h"

void check_health_probe_restarts(const struct check_context *context)
{
    const struct product_names *names = phrase_product(context->cluster);
    subject_each(subject, context->cluster)
    {
        if (!subject->product) {
            continue;
        }
        bool liveness = health_probe_asks(subject->product->liveness);
        bool startup = health_probe_asks(subject->product->startup);
        if (!liveness && !startup) {
            continue;
        }
        cleanup_free char *who = phrase_subject(subject);
        cleanup_free char *target = phrase_target(subject);
        cleanup_free char *edit = phrase_edit(subject->meta->namespace_name, target);
        const char *probes =
            liveness && startup ? "liveness and startup probes" : (liveness ? "a liveness probe" : "a startup probe");
        cleanup_free char *message = xasprintf(
            "Container %s of %s has %s on /health: Kubernetes restarts %s whenever it reports a problem, such "
            "as a database out of reach, which seldom cures the cause and tends to make it worse.",
            subject->product->name, who, probes, names->name);
        cleanup_free char *action =
            xasprintf("Ask /health in the readiness probe only, and let liveness and startup be tcpSocket probes or "
                      "leave them out: %s",
                      edit);
        raise_on_subject(context, subject, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
    }
}
