/*
 * StorageNotShared: packages that one server stores have to be there for the others.
 */
#include <inttypes.h>

#include "agreement.h"
#include "catalogue.h"
#include "package_storage.h"
#include "phrase.h"
#include "proget/core/text.h"
#include "server_count.h"

#define SENTENCE_BYTES_MAX ((size_t) 16 * 1024)

/* What each server has there: `own` what it cannot share, else `places`; neither where it is not known. */
struct storage_vote {
    char **own, **places;
    const char **names;
    const void **owners;
    size_t count, own_count;
};

static void storage_vote_clear(struct storage_vote *vote)
{
    for (size_t i = 0; i < vote->count; i++) {
        free(vote->own[i]);
        free(vote->places[i]);
    }
    free(vote->own);
    free(vote->places);
    free(vote->names);
    free(vote->owners);
}

static void storage_vote_take(const struct check_context *context, struct storage_vote *vote)
{
    size_t most = context->cluster->subject_count;
    vote->own = xcalloc(most, sizeof *vote->own);
    vote->places = xcalloc(most, sizeof *vote->places);
    vote->names = xcalloc(most, sizeof *vote->names);
    vote->owners = xcalloc(most, sizeof *vote->owners);
    subject_each(subject, context->cluster)
    {
        if (!subject->product) {
            continue; /* EncryptionKeyMissing names it as not observed */
        }
        struct package_storage storage;
        package_storage_read(context->model, subject, &storage);
        if (storage.kind == PACKAGE_STORAGE_UNKNOWN) {
            finding_unobserved(context, storage.unknown, storage.why);
        } else if (storage.kind == PACKAGE_STORAGE_OWN) {
            vote->own[vote->count] = memory_take(&storage.text);
            vote->own_count++;
        } else {
            vote->places[vote->count] = memory_take(&storage.text);
        }
        vote->names[vote->count] = subject->meta->name;
        vote->owners[vote->count++] = subject->workload;
        package_storage_clear(&storage);
    }
}

/* "proget-0 and proget-1 each have an emptyDir; proget-2 has claim a". Owned. */
static char *groups_text(char *const *facts, const struct storage_vote *vote)
{
    cleanup_agreement struct agreement agreement = {0};
    agreement_find(facts, facts, vote->count, &agreement);
    cleanup_buffer struct buffer text = BUFFER_INIT(SENTENCE_BYTES_MAX);
    for (size_t group = 0; group < agreement.group_count; group++) {
        cleanup_free char *members = agreement_names(&agreement, group, vote->names);
        size_t size = 0;
        for (size_t i = 0; i < agreement.count; i++) {
            size += agreement.group_of[i] == group;
        }
        (void) buffer_appendf(&text, "%s%s %s %s", group ? "; " : "", members, size > 1 ? "have" : "has",
                              facts[agreement_first(&agreement, group)]);
    }
    return buffer_take(&text);
}

/* What makes the operator silent where packages lie in cloud storage, which it cannot see. Owned. */
static char *leave_out_command(const struct cluster *cluster)
{
    cleanup_free char *target =
        cluster->resource ? xasprintf("progetcluster %s", cluster->name) : phrase_cluster_target(cluster);
    return xasprintf("kubectl -n %s annotate %s ignore.proget-operator.io/StorageNotShared=\"cloud storage\"",
                     cluster->namespace_name, target);
}

static void say_not_shared(const struct check_context *context, char *const *facts, const struct storage_vote *vote)
{
    const struct cluster *cluster = context->cluster;
    cleanup_free char *groups = groups_text(facts, vote);
    cleanup_free char *leave_out = leave_out_command(cluster);
    cleanup_free char *message = xasprintf(
        "The %" PRId64 " servers of cluster %s do not share one storage for packages (%s): %s. What is pushed "
        "to one server cannot be downloaded from the others.",
        server_count(cluster), cluster->name, PACKAGE_STORAGE_PATH, groups);
    cleanup_free char *action =
        xasprintf("Mount one ReadWriteMany claim there in every server (docs/findings/StorageNotShared.md has the "
                  "steps); where packages lie in cloud storage that ProGet itself is set up for, which cannot be seen "
                  "from outside, leave this out: %s",
                  leave_out);
    raise_on_cluster(context, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
}

/* Each has storage that can be shared, and not the same. On the way from one to another that is no news yet. */
static bool places_differ(const struct cluster *cluster, const struct storage_vote *vote)
{
    cleanup_agreement struct agreement agreement = {0};
    agreement_find(vote->places, vote->places, vote->count, &agreement);
    return agreement.group_count > 1 &&
           (!cluster->rollout_under_way || agreement_divides_owners(&agreement, vote->owners));
}

void check_storage_not_shared(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    if (cluster->product != PRODUCT_PROGET || server_count(cluster) < 2) {
        return;
    }
    __attribute__((cleanup(storage_vote_clear))) struct storage_vote vote = {0};
    storage_vote_take(context, &vote);
    if (vote.own_count > 0) {
        say_not_shared(context, vote.own, &vote);
    } else if (places_differ(cluster, &vote)) {
        say_not_shared(context, vote.places, &vote);
    }
}
