/*
 * EncryptionKeyMismatch: the servers do not agree on one key, by fingerprints where known, else by their sources.
 */
#include "agreement.h"
#include "catalogue.h"
#include "key_fact.h"
#include "phrase.h"

#define SENTENCE_BYTES_MAX ((size_t) 16 * 1024)

struct key_vote {
    char **fingerprints, **sources;
    const char **names;
    struct object_reference *references;
    const void **owners;
    size_t count;
};

static void key_vote_clear(struct key_vote *vote)
{
    for (size_t i = 0; i < vote->count; i++) {
        free(vote->fingerprints[i]);
        free(vote->sources[i]);
    }
    free(vote->fingerprints);
    free(vote->sources);
    free(vote->names);
    free(vote->references);
    free(vote->owners);
}

/*
 * A sidecar that started before the Secret was there has no key for good, while the product waited for it: where it is
 * to come from says nothing of which one came.
 */
static void name_blind_sidecar(const struct check_context *context, const struct subject *subject,
                               const struct key_fact *fact, const struct key_vote *vote)
{
    bool is_blind = fact->report && fact->report->key.form == KEY_ABSENT && !vote->fingerprints[vote->count] &&
                    vote->sources[vote->count];
    if (is_blind) {
        cleanup_free char *what = xasprintf("encryption key of pod %s", subject->meta->name);
        finding_unobserved(context, what,
                           "its sidecar started before the Secret was there, so it cannot tell which key the server "
                           "runs with until the pod is replaced");
    }
}

static void key_vote_take(const struct check_context *context, struct key_vote *vote)
{
    size_t most = context->cluster->subject_count;
    vote->fingerprints = xcalloc(most, sizeof *vote->fingerprints);
    vote->sources = xcalloc(most, sizeof *vote->sources);
    vote->names = xcalloc(most, sizeof *vote->names);
    vote->references = xcalloc(most, sizeof *vote->references);
    vote->owners = xcalloc(most, sizeof *vote->owners);
    subject_each(subject, context->cluster)
    {
        if (!subject->product) {
            continue;
        }
        cleanup_key_fact struct key_fact fact;
        key_fact_read(context, subject, &fact);
        vote->fingerprints[vote->count] = key_fact_fingerprint(&fact, subject);
        vote->sources[vote->count] = key_fact_source(&fact, subject);
        vote->names[vote->count] = subject->meta->name;
        vote->references[vote->count] = reference_to_subject(subject);
        vote->owners[vote->count] = subject->workload;
        name_blind_sidecar(context, subject, &fact, vote);
        bool known = vote->fingerprints[vote->count] || vote->sources[vote->count];
        vote->count++;
        if (!known && !fact.report) {
            (void) report_or_unobserved(context, subject);
        } else if (!known) {
            cleanup_free char *what = xasprintf("encryption key of pod %s", subject->meta->name);
            finding_unobserved(context, what, "its report does not say which key the server runs with");
        }
    }
}

/* "proget-0 and proget-1 share one key, proget-2 has another" */
static char *groups_by_key(const struct agreement *agreement, const char *const *names)
{
    cleanup_buffer struct buffer text = BUFFER_INIT(SENTENCE_BYTES_MAX);
    for (size_t group = 0; group < agreement->group_count; group++) {
        cleanup_free char *members = agreement_names(agreement, group, names);
        size_t size = 0;
        for (size_t i = 0; i < agreement->count; i++) {
            size += agreement->group_of[i] == group;
        }
        const char *verb = size > 1 ? "share" : "has";
        (void) buffer_appendf(&text, "%s%s %s %s", group ? ", " : "", members, verb, group ? "another" : "one key");
    }
    return buffer_take(&text);
}

static void say_mismatch(const struct check_context *context, struct key_vote *vote, const struct agreement *agreement)
{
    const struct cluster *cluster = context->cluster;
    bool certain = agreement->strong_count == agreement->group_count;
    cleanup_free char *groups =
        certain ? groups_by_key(agreement, vote->names)
                : agreement_sources(agreement, vote->names, vote->sources, "elsewhere, as reported");
    cleanup_free char *message =
        xasprintf("The servers of cluster %s %s: %s. %s login at one of them is invalid at the next, and secrets that "
                  "one stored cannot be decrypted by another.",
                  cluster->name,
                  certain ? "do not use the same encryption key" : "take their encryption key from different places",
                  groups, certain ? "A" : "Unless it is the same key in each, a");
    cleanup_free char *meanwhile =
        xasprintf("let every server take %s from that Secret", phrase_product(cluster)->key_variable);
    cleanup_free char *restart = phrase_restart_together(cluster, meanwhile, "EncryptionKeyMismatch");
    cleanup_free char *action =
        xasprintf("Put the key that the stored data is encrypted with into one Secret, %s", restart);
    size_t related_count = agreement_keep_grouped(agreement, vote->references);
    raise_on_cluster(context, (struct finding_draft){.message = message,
                                                     .action = action,
                                                     .related = vote->references,
                                                     .related_count = related_count,
                                                     .hold_ms = -1});
}

/*
 * Two keys that are known are two keys, rollout or not. Where only their sources differ, it may be the same key on its
 * way from one place to another: then a rollout, in whose course both are there, says nothing.
 */
static bool is_mismatch(const struct cluster *cluster, const struct key_vote *vote, const struct agreement *agreement)
{
    return agreement->strong_count > 1 ||
           (agreement->group_count > 1 &&
            (!cluster->rollout_under_way || agreement_divides_owners(agreement, vote->owners)));
}

void check_encryption_key_mismatch(const struct check_context *context)
{
    __attribute__((cleanup(key_vote_clear))) struct key_vote vote = {0};
    key_vote_take(context, &vote);
    cleanup_agreement struct agreement agreement = {0};
    agreement_find(vote.fingerprints, vote.sources, vote.count, &agreement);
    if (is_mismatch(context->cluster, &vote, &agreement)) {
        say_mismatch(context, &vote, &agreement);
    }
}
