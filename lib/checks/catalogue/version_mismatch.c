/*
 * VersionMismatch: servers of one cluster have to run one version; by their reports, else by their image tags.
 */
#include "agreement.h"
#include "catalogue.h"
#include "image_name.h"
#include "phrase.h"

#define SENTENCE_BYTES_MAX ((size_t) 16 * 1024)

struct version_vote {
    char **versions, **tags;
    const char **names;
    size_t count;
};

static void version_vote_clear(struct version_vote *vote)
{
    for (size_t i = 0; i < vote->count; i++) {
        free(vote->versions[i]);
        free(vote->tags[i]);
    }
    free(vote->versions);
    free(vote->tags);
    free(vote->names);
}

/* Every report that counts names its build; else they are compared by the release number. */
static bool all_reports_name_version(const struct cluster *cluster)
{
    subject_each(subject, cluster)
    {
        const struct report *report = subject->server ? subject->server->report : NULL;
        if (report && !report->version && report->release) {
            return false;
        }
    }
    return true;
}

/* NULL for a digest alone, which says nothing. Owned. */
static char *tag_of(const struct subject *subject)
{
    if (!subject->product || !subject->product->image) {
        return NULL;
    }
    cleanup_image_name struct image_name name;
    image_name_parse(subject->product->image, &name);
    if (name.tag) {
        return memory_take(&name.tag);
    }
    return name.digest ? NULL : xstrdup("latest");
}

static void version_vote_take(const struct check_context *context, struct version_vote *vote)
{
    const struct cluster *cluster = context->cluster;
    vote->versions = xcalloc(cluster->subject_count, sizeof *vote->versions);
    vote->tags = xcalloc(cluster->subject_count, sizeof *vote->tags);
    vote->names = xcalloc(cluster->subject_count, sizeof *vote->names);
    bool by_version = all_reports_name_version(cluster);
    subject_each(subject, cluster)
    {
        const struct report *report = subject->server ? subject->server->report : NULL;
        const char *version = report ? (by_version ? report->version : report->release) : NULL;
        vote->versions[vote->count] = xstrdup(version);
        vote->tags[vote->count] = tag_of(subject);
        vote->names[vote->count] = subject->meta->name;
        bool is_unknown = !version && !vote->tags[vote->count] && subject->server;
        if (is_unknown && report_or_unobserved(context, subject)) {
            cleanup_free char *what = xasprintf("version of pod %s", subject->meta->name);
            finding_unobserved(context, what, "neither its report nor its image's tag names it");
        }
        vote->count++;
    }
}

static void say_mismatch(const struct check_context *context, const struct version_vote *vote,
                         const struct agreement *agreement)
{
    const struct cluster *cluster = context->cluster;
    cleanup_buffer struct buffer groups = BUFFER_INIT(SENTENCE_BYTES_MAX);
    for (size_t group = 0; group < agreement->group_count; group++) {
        cleanup_free char *members = agreement_names(agreement, group, vote->names);
        size_t first = agreement_first(agreement, group);
        (void) buffer_appendf(&groups, "%s%s: %s%s", group ? "; " : "", members,
                              vote->versions[first] ? "" : "image tag ",
                              vote->versions[first] ? vote->versions[first] : vote->tags[first]);
    }
    cleanup_free char *target = phrase_cluster_target(cluster);
    cleanup_free char *message =
        xasprintf("The servers of cluster %s do not run the same version (%s): they share one database, which the "
                  "newest has upgraded, and the others may fail or damage what they write.",
                  cluster->name, buffer_text(&groups));
    cleanup_free char *action =
        xasprintf("Bring all servers to one image tag, and see whether a roll-out hangs: kubectl -n %s rollout status "
                  "%s",
                  cluster->namespace_name, target);
    raise_on_cluster(context, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
}

void check_version_mismatch(const struct check_context *context)
{
    __attribute__((cleanup(version_vote_clear))) struct version_vote vote = {0};
    version_vote_take(context, &vote);
    cleanup_agreement struct agreement agreement = {0};
    agreement_find(vote.versions, vote.tags, vote.count, &agreement);
    bool by_reports = agreement.strong_count > 1;
    bool by_tags = agreement.group_count > 1 && !context->cluster->rollout_under_way;
    if (by_reports || by_tags) {
        say_mismatch(context, &vote, &agreement);
    }
}
