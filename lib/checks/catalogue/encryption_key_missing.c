/*
 * EncryptionKeyMissing: a server without PROGET_ENCRYPTION_KEY falls back to a key of its own machine.
 */
#include "catalogue.h"
#include "key_fact.h"
#include "phrase.h"
#include "proget/core/text.h"
#include "server_count.h"

/* The report says where the key is, beyond what the spec shows: "config" is one. */
static bool report_has_key(const struct report *report)
{
    return report && report->key.source && !text_equal(report->key.source, "none") && report->key.form != KEY_ABSENT;
}

static bool is_missing(const struct key_fact *fact)
{
    if (key_setting_is_certain(&fact->variable) || key_setting_is_certain(&fact->file) ||
        report_has_key(fact->report)) {
        return false;
    }
    if (fact->variable.kind == KEY_SETTING_NONE && fact->file.kind == KEY_SETTING_NONE) {
        return true;
    }
    if (!fact->report || fact->report->key.form != KEY_ABSENT) {
        return false;
    }
    /* The sidecar may lack the product's envFrom: only what the process itself holds disproves that one. */
    bool env_from = fact->variable.kind == KEY_SETTING_ENV_FROM || fact->file.kind == KEY_SETTING_ENV_FROM;
    return !env_from || text_equal(fact->report->key.source, "process");
}

static void say_missing(const struct check_context *context, const struct subject *subject)
{
    const struct product_names *names = phrase_product(context->cluster);
    cleanup_free char *who = phrase_subject(subject);
    cleanup_free char *meanwhile =
        xasprintf("let every server take %s from it (valueFrom.secretKeyRef)", names->key_variable);
    cleanup_free char *restart = phrase_restart_together(context->cluster, meanwhile, "EncryptionKeyMissing");
    const char *cost = server_count(context->cluster) > 1
                           ? "the other servers cannot read its cookies, and users are asked to log in again and again"
                           : "a pod that takes its place, or a second server, has another one and cannot decrypt what "
                             "was stored with this one, and users are asked to log in again";
    cleanup_free char *message =
        xasprintf("Container %s of %s has no encryption key: neither %s nor %s is set, so %s falls back to a key of "
                  "its own machine; %s.",
                  subject->product->name, who, names->key_variable, names->key_file_variable, names->name, cost);
    cleanup_free char *action = xasprintf(
        "Put the key that the stored data is encrypted with into one Secret (a new key only where nothing was "
        "stored yet), %s",
        restart);
    raise_on_subject(context, subject, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
}

void check_encryption_key_missing(const struct check_context *context)
{
    subject_each(subject, context->cluster)
    {
        if (!subject->product) {
            cleanup_free char *who = phrase_subject(subject);
            cleanup_free char *what = xasprintf("product's container of %s", who);
            finding_unobserved(context, what, "no container names the product by image, variables or spec.container");
            continue;
        }
        cleanup_key_fact struct key_fact fact;
        key_fact_read(context, subject, &fact);
        if (is_missing(&fact)) {
            say_missing(context, subject);
        } else if (!key_setting_is_certain(&fact.variable) && !key_setting_is_certain(&fact.file) && !fact.report) {
            cleanup_free char *who = phrase_subject(subject);
            cleanup_free char *what = xasprintf("encryption key of %s", who);
            finding_unobserved(context, what, "it may come from an envFrom or an optional reference");
            (void) report_or_unobserved(context, subject); /* only a report could tell */
        }
    }
}
