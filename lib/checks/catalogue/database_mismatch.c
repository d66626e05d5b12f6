/*
 * DatabaseMismatch: the servers of one cluster have to use one database; by what their connection strings name where
 * that is known, else by where they come from. No part of a connection string is ever said.
 */
#include "agreement.h"
#include "catalogue.h"
#include "database_fact.h"
#include "phrase.h"

struct database_vote {
    char **databases, **sources;
    const char **names;
    const void **owners;
    struct object_reference *references;
    size_t count;
};

static void database_vote_clear(struct database_vote *vote)
{
    for (size_t i = 0; i < vote->count; i++) {
        memory_wipe_free(vote->databases[i]);
        free(vote->sources[i]);
    }
    free(vote->databases);
    free(vote->sources);
    free(vote->names);
    free(vote->owners);
    free(vote->references);
}

static void database_vote_take(const struct check_context *context, struct database_vote *vote)
{
    size_t most = context->cluster->subject_count;
    vote->databases = xcalloc(most, sizeof *vote->databases);
    vote->sources = xcalloc(most, sizeof *vote->sources);
    vote->names = xcalloc(most, sizeof *vote->names);
    vote->owners = xcalloc(most, sizeof *vote->owners);
    vote->references = xcalloc(most, sizeof *vote->references);
    subject_each(subject, context->cluster)
    {
        if (!subject->product) {
            continue;
        }
        cleanup_database_fact struct database_fact fact;
        database_fact_read(context, subject, &fact);
        vote->databases[vote->count] = memory_take(&fact.database);
        vote->sources[vote->count] = memory_take(&fact.source);
        vote->names[vote->count] = subject->meta->name;
        vote->owners[vote->count] = subject->workload;
        vote->references[vote->count] = reference_to_subject(subject);
        vote->count++;
    }
}

static void say_mismatch(const struct check_context *context, struct database_vote *vote,
                         const struct agreement *agreement)
{
    const struct cluster *cluster = context->cluster;
    bool is_certain = agreement->strong_count > 1;
    cleanup_free char *groups = agreement_sources(agreement, vote->names, vote->sources, "elsewhere");
    cleanup_free char *target = phrase_cluster_target(cluster);
    cleanup_free char *edit = phrase_edit(cluster->namespace_name, target);
    cleanup_free char *message =
        xasprintf("The servers of cluster %s %s: %s. %sach group has feeds, users and settings of its own, and users "
                  "see one or the other, depending on the server that answers.",
                  cluster->name,
                  is_certain ? "do not use the same database" : "take their database connection from different places",
                  groups, is_certain ? "E" : "Unless all name the same database, e");
    cleanup_free char *action =
        xasprintf("Put the connection string of the database that holds the data into one Secret, and let every server "
                  "take it from there (docs/findings/DatabaseMismatch.md has the patch): %s",
                  edit);
    size_t related_count = agreement_keep_grouped(agreement, vote->references);
    raise_on_cluster(context, (struct finding_draft){.message = message,
                                                     .action = action,
                                                     .related = vote->references,
                                                     .related_count = related_count,
                                                     .hold_ms = -1});
}

void check_database_mismatch(const struct check_context *context)
{
    __attribute__((cleanup(database_vote_clear))) struct database_vote vote = {0};
    database_vote_take(context, &vote);
    cleanup_agreement struct agreement agreement = {0};
    agreement_find(vote.databases, vote.sources, vote.count, &agreement);
    /* The old and the new pods of one workload that is on its way from one database to another are no news yet. */
    bool counts = !context->cluster->rollout_under_way || agreement_divides_owners(&agreement, vote.owners);
    if (agreement.group_count > 1 && counts) {
        say_mismatch(context, &vote, &agreement);
    }
}
