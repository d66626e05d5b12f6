/*
 * EncryptionKeyMalformed and EncryptionKeyPublic: the form of the key, by the report, a literal, or offline a Secret.
 */
#include "catalogue.h"
#include "key_fact.h"
#include "phrase.h"

/* "let every server take it from there: kubectl ... patch ..." where the key is in the spec now; else NULL. Owned. */
static char *out_of_spec(const struct check_context *context, const struct subject *subject,
                         const struct key_fact *fact)
{
    if (fact->variable.kind != KEY_SETTING_LITERAL) {
        return NULL;
    }
    cleanup_free char *patch = phrase_key_patch(subject, phrase_product(context->cluster)->key_variable);
    return xasprintf("let every server take it from there (%s)", patch);
}

static void say_malformed(const struct check_context *context, const struct subject *subject,
                          const struct key_fact *fact)
{
    const struct product_names *names = phrase_product(context->cluster);
    cleanup_free char *who = phrase_subject(subject);
    cleanup_free char *message =
        xasprintf("The encryption key of %s is not 32 hexadecimal digits: %s cannot use it as the cluster's key, so "
                  "stored secrets and other servers' cookies stay unreadable to it.",
                  who, names->name);
    cleanup_free char *meanwhile = out_of_spec(context, subject, fact);
    cleanup_free char *restart = phrase_restart_together(context->cluster, meanwhile, "EncryptionKeyMalformed");
    cleanup_free char *action = xasprintf(
        "%s the key that the stored data is encrypted with%s (a new key only where nothing was stored yet), "
        "%s",
        meanwhile ? "Make a Secret with" : "Put", meanwhile ? "" : " into the Secret that all servers share", restart);
    raise_on_subject(
        context, subject,
        (struct finding_draft){.code = "EncryptionKeyMalformed", .message = message, .action = action, .hold_ms = -1});
}

static void say_public(const struct check_context *context, const struct subject *subject, const struct key_fact *fact)
{
    const struct product_names *names = phrase_product(context->cluster);
    cleanup_free char *who = phrase_subject(subject);
    cleanup_free char *message =
        xasprintf("The encryption key of %s is one that everybody knows (the documentation's example, one digit "
                  "repeated, or a plain sequence): whoever reaches the database or the network can decrypt what %s "
                  "stores and forge its cookies.",
                  who, names->name);
    cleanup_free char *from_there = out_of_spec(context, subject, fact);
    cleanup_free char *meanwhile = from_there ? xasprintf("make a Secret with a key of your own and %s", from_there)
                                              : xstrdup("put a key of your own into the Secret that they share");
    cleanup_free char *restart = phrase_restart_together(context->cluster, meanwhile, "EncryptionKeyPublic");
    cleanup_free char *action =
        xasprintf("Use a key of your own, and enter stored secrets anew afterwards: %s", restart);
    raise_on_subject(
        context, subject,
        (struct finding_draft){.code = "EncryptionKeyPublic", .message = message, .action = action, .hold_ms = -1});
}

void check_encryption_key_form(const struct check_context *context)
{
    subject_each(subject, context->cluster)
    {
        if (!subject->product) {
            continue;
        }
        cleanup_key_fact struct key_fact fact;
        key_fact_read(context, subject, &fact);
        enum key_form form = key_fact_worst_form(&fact);
        if (form == KEY_MALFORMED) {
            say_malformed(context, subject, &fact);
        } else if (form == KEY_PUBLIC) {
            say_public(context, subject, &fact);
        } else if (form == KEY_UNKNOWN && fact.report && fact.report->key.form == KEY_UNREADABLE) {
            cleanup_free char *what = xasprintf("encryption key of pod %s", subject->meta->name);
            finding_unobserved(context, what, "its file is not there or may not be read by the sidecar");
        }
    }
}
