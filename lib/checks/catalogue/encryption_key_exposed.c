/*
 * EncryptionKeyExposed: the key is written in the pod's spec, where everybody who may read pods reads it.
 */
#include "catalogue.h"
#include "key_fact.h"
#include "phrase.h"

/* A key that cannot stay is not worth keeping: the advice of its own code goes first. */
static char *what_to_do(const struct subject *subject, const struct key_fact *fact, const char *variable)
{
    enum key_form form = key_fact_worst_form(fact);
    if (form == KEY_MALFORMED || form == KEY_PUBLIC) {
        return xasprintf(
            "This key has to be replaced anyway (%s says how): put the new one into a Secret, not into the "
            "spec",
            form == KEY_MALFORMED ? "EncryptionKeyMalformed" : "EncryptionKeyPublic");
    }
    cleanup_free char *patch = phrase_key_patch(subject, variable);
    return xasprintf("Copy this very key into a Secret first (docs/findings/EncryptionKeyExposed.md has the command), "
                     "and only then refer to it: %s",
                     patch);
}

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
        cleanup_free char *message =
            xasprintf("%s of container %s in %s is written out in the spec: whoever may read pods or the manifests' "
                      "repository has the key to everything that %s encrypts.",
                      names->key_variable, subject->product->name, who, names->name);
        cleanup_free char *action = what_to_do(subject, &fact, names->key_variable);
        raise_on_subject(context, subject, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
    }
}
