/*
 * ReactivationRequired, ReactivationExpected, ManualActivationRequired: the licence follows the CPU and the major
 * version, and all but stops the product where it does not.
 */
#include "catalogue.h"
#include "licence.h"
#include "phrase.h"
#include "proget/core/text.h"

static void say_required(const struct check_context *context, const struct subject *subject,
                         const struct report *report)
{
    const struct product_names *names = phrase_product(context->cluster);
    const char *detail = licence_detail(report);
    cleanup_free char *message =
        xasprintf("%s in pod %s says that its licence is not activated%s%s%s: it all but stops working until it is; no "
                  "data is lost.",
                  names->name, subject->meta->name, detail ? " (" : "", detail ? detail : "", detail ? ")" : "");
    cleanup_free char *action =
        xasprintf("Activate it again under Admin > License Key & Activation of that server: kubectl -n %s port-forward "
                  "pod/%s 8080:80",
                  subject->meta->namespace_name, subject->meta->name);
    raise_on_subject(
        context, subject,
        (struct finding_draft){.code = "ReactivationRequired", .message = message, .action = action, .hold_ms = -1});
}

static void say_expected(const struct check_context *context, const struct subject *subject,
                         const struct report *report, const char *major_version)
{
    const struct product_names *names = phrase_product(context->cluster);
    cleanup_free char *message = xasprintf(
        "Server %s runs on a CPU (%s) on which %s %s was never seen active: it will have to activate its "
        "licence, and until then it all but stops working.",
        subject->meta->name, report->machine.cpu ? report->machine.cpu : "of unknown kind", names->name, major_version);
    cleanup_free char *action =
        xasprintf("Watch whether it activates itself, and activate it by hand where it does not (Admin > License Key & "
                  "Activation): kubectl -n %s port-forward pod/%s 8080:80",
                  subject->meta->namespace_name, subject->meta->name);
    raise_on_subject(
        context, subject,
        (struct finding_draft){.code = "ReactivationExpected", .message = message, .action = action, .hold_ms = -1});
}

static void say_manual(const struct check_context *context, const struct subject *subject, const struct report *report,
                       const char *major_version, bool blocked)
{
    const struct cluster *cluster = context->cluster;
    const struct product_names *names = phrase_product(cluster);
    cleanup_free char *message = xasprintf(
        "Server %s runs on a CPU (%s) on which %s %s was never seen active, and it cannot activate itself because %s "
        "%s: until somebody activates it by hand it all but stops working.",
        subject->meta->name, report->machine.cpu ? report->machine.cpu : "of unknown kind", names->name, major_version,
        cluster->settings.activation_host,
        blocked ? "is not to be reached from this site (internetAccess: Blocked)" : "is out of its reach");
    cleanup_free char *action =
        xasprintf("Take the Machine UID from Admin > License Key & Activation, get the activation code for it from "
                  "MyInedo, and enter it there: kubectl -n %s port-forward pod/%s 8080:80",
                  subject->meta->namespace_name, subject->meta->name);
    raise_on_subject(context, subject,
                     (struct finding_draft){
                         .code = "ManualActivationRequired", .message = message, .action = action, .hold_ms = -1});
}

void check_reactivation(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    subject_each(subject, cluster)
    {
        const struct report *report = report_or_unobserved(context, subject);
        if (!report) {
            continue;
        }
        if (licence_needs_activation(report)) {
            say_required(context, subject, report);
        }
        if (licence_is_ok(report)) {
            continue;
        }
        cleanup_free char *major_version = history_major_version(report);
        if (!report->machine.id || !major_version) {
            cleanup_free char *what = xasprintf("machine and version of pod %s", subject->meta->name);
            finding_unobserved(context, what, "its report does not say them");
            continue;
        }
        if (licence_was_active(cluster, report->machine.id, major_version)) {
            continue;
        }
        bool blocked = text_equal(cluster->settings.internet_access, "Blocked");
        if (blocked || report->activation_reachable == REPORT_FALSE) {
            say_manual(context, subject, report, major_version, blocked);
        } else {
            say_expected(context, subject, report, major_version);
        }
    }
}
