/*
 * EncryptionKeyDrift: the Secret was changed under running servers, which keep the key that they started with.
 */
#include "catalogue.h"
#include "key_fact.h"
#include "phrase.h"
#include "proget/core/text.h"

/* Names of the other servers that run with this fingerprint. Owned; NULL for none. */
static char *holders(const struct cluster *cluster, const struct subject *except, const char *fingerprint)
{
    const char **names = xcalloc(cluster->subject_count, sizeof *names);
    size_t count = 0;
    subject_each(subject, cluster)
    {
        const struct report *report = subject->server ? subject->server->report : NULL;
        if (subject == except || !report || !text_equal(report->key.fingerprint, fingerprint)) {
            continue;
        }
        struct key_fact fact = {.report = report};
        if (!key_fact_is_uncertain(&fact, subject)) {
            names[count++] = subject->meta->name;
        }
    }
    char *text = count > 0 ? phrase_names(names, count) : NULL;
    free(names);
    return text;
}

static void say_drift(const struct check_context *context, const struct subject *subject, bool uncertain)
{
    const struct cluster *cluster = context->cluster;
    const struct report *report = subject->server->report;
    cleanup_free char *old_holders = holders(cluster, subject, report->key.fingerprint);
    cleanup_free char *new_holders = holders(cluster, subject, report->key.current);
    cleanup_free char *restart = phrase_restart_together(cluster, NULL, "EncryptionKeyDrift");
    cleanup_free char *message = xasprintf(
        "The Secret with the encryption key was changed under pod %s, which %s (other servers seen with the old key: "
        "%s; with the new one: %s). As soon as some servers restart and others do not, they disagree, and logins and "
        "stored secrets break.",
        subject->meta->name,
        uncertain ? "restarted its product since, so that which key it holds is not known"
                  : "still runs with the key that it started with",
        old_holders ? old_holders : "none", new_holders ? new_holders : "none");
    cleanup_free char *action =
        xasprintf("Put the old key back into the Secret; or, where the change is meant, %s", restart);
    raise_on_subject(context, subject, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
}

void check_encryption_key_drift(const struct check_context *context)
{
    subject_each(subject, context->cluster)
    {
        if (!subject->server || !subject->product) {
            continue;
        }
        struct key_fact fact = {.report = subject->server->report}; /* owns nothing: not cleared */
        if (key_fact_has_drifted(&fact)) {
            say_drift(context, subject, key_fact_is_uncertain(&fact, subject));
        }
    }
}
