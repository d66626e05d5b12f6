/*
 * EncryptionKeyExposed: the key is written in the pod's spec, where everybody who may read pods reads it.
 */
#include "catalogue.h"
#include "key_fact.h"
#include "phrase.h"

void check_encryption_key_exposed(const struct check_context *context)
{
    const struct product_names *names = phrase_product(context->cluster);
    subject_each(subject, context->cluster)
    {
        if (!subject->product) {
            continue;
        }
        cleanup_key_fact struct key_fact fact;
        key_fact_read(context, subject, &fact);
        if (fact.variable.kind != KEY_SETTING_LITERAL) {
            continue;
        }
        cleanup_free char *who = phrase_subject(subject);
        cleanup_free char *patch = phrase_key_patch(subject, names->key_variable);
        cleanup_free char *message =
            xasprintf("%s of container %s in %s is written out in the spec: whoever may read pods or the manifests' "
                      "repository has the key to everything that %s encrypts.",
                      names->key_variable, subject->product->name, who, names->name);
        cleanup_free char *action =
            xasprintf("Copy this very key into a Secret first (docs/findings/EncryptionKeyExposed.md has the command), "
                      "and only then refer to it: %s",
                      patch);
        raise_on_subject(context, subject, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
    }
}
