/*
 * SidecarMissing: nobody looks at the server from inside its pod.
 */
#include "catalogue.h"
#include "phrase.h"

void check_sidecar_missing(const struct check_context *context)
{
    subject_each(subject, context->cluster)
    {
        if (subject->sidecar) {
            continue;
        }
        cleanup_free char *who = phrase_subject(subject);
        cleanup_free char *target = phrase_target(subject);
        cleanup_free char *message =
            xasprintf("There is no proget-sidecar in %s: health, version, the key in use, the CPU and the activation "
                      "of the server stay unknown.",
                      who);
        cleanup_free char *action = xasprintf(
            "Add the kustomize component manifests/components/sidecar to %s%s at the next "
            "planned restart, for it replaces the pods (docs/findings/SidecarMissing.md has all that it "
            "takes)",
            phrase_target_is_pod(target) ? "the manifest of a workload that takes the place of " : "", target);
        raise_on_subject(context, subject, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
    }
}
