/*
 * EncryptionKeyConflict: the variable and its _FILE form are both set, which the product refuses.
 */
#include "catalogue.h"
#include "key_fact.h"
#include "phrase.h"

void check_encryption_key_conflict(const struct check_context *context)
{
    const struct product_names *names = phrase_product(context->cluster);
    subject_each(subject, context->cluster)
    {
        if (!subject->product) {
            continue;
        }
        cleanup_key_fact struct key_fact fact;
        key_fact_read(context, subject, &fact);
        bool both = key_setting_is_certain(&fact.variable) && key_setting_is_certain(&fact.file);
        if (!both && !(fact.report && fact.report->key.form == KEY_CONFLICT)) {
            continue;
        }
        cleanup_free char *who = phrase_subject(subject);
        cleanup_free char *target = phrase_target(subject);
        cleanup_free char *message =
            xasprintf("Container %s of %s sets both %s and %s: %s refuses that, and the server does not start with "
                      "the cluster's key.",
                      subject->product->name, who, names->key_variable, names->key_file_variable, names->name);
        cleanup_free char *action = xasprintf(
            "Keep the one that holds the cluster's key, for example the first: kubectl -n %s set env %s -c %s %s-",
            subject->meta->namespace_name, target, subject->product->name, names->key_file_variable);
        raise_on_subject(context, subject, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
    }
}
