/*
 * DatabaseEmbedded: without a connection string each server keeps a database of its own, inside its container.
 */
#include <inttypes.h>

#include "catalogue.h"
#include "database_fact.h"
#include "phrase.h"
#include "server_count.h"

static void say_embedded(const struct check_context *context, const char *const *names, size_t count)
{
    const struct cluster *cluster = context->cluster;
    const struct product_names *product = phrase_product(cluster);
    cleanup_free char *who = phrase_names(names, count);
    cleanup_free char *target = phrase_cluster_target(cluster);
    cleanup_free char *edit = phrase_edit(cluster->namespace_name, target);
    /* ProGet has brought one along since 2025; the others need SQL Server. */
    const char *cost = cluster->product == PRODUCT_BUILDMASTER || cluster->product == PRODUCT_OTTER
                           ? "a server cannot start, or keeps a database of its own that the others do not see"
                           : "a server keeps an embedded database of its own, so that feeds, users and settings depend "
                             "on the server that answers";
    cleanup_free char *message =
        xasprintf("Cluster %s is of %" PRId64 " servers, and no database connection is given to %s: without one %s.",
                  cluster->name, server_count(cluster), who, cost);
    cleanup_free char *action =
        xasprintf("Save what an embedded database holds, and give every server %sPOSTGRES_CONNECTION_STRING (SQL "
                  "Server: %sSQL_CONNECTION_STRING) from one Secret; docs/findings/DatabaseEmbedded.md has the steps: "
                  "%s",
                  product->prefix, product->prefix, edit);
    raise_on_cluster(context, (struct finding_draft){.message = message, .action = action, .hold_ms = -1});
}

void check_database_embedded(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    if (server_count(cluster) < 2) {
        return;
    }
    const char **names = xcalloc(cluster->subject_count, sizeof *names);
    size_t count = 0;
    subject_each(subject, cluster)
    {
        if (!subject->product) {
            continue; /* EncryptionKeyMissing names it as not observed */
        }
        cleanup_database_fact struct database_fact fact;
        database_fact_read(context, subject, &fact);
        if (!fact.is_set && !fact.is_possible) {
            names[count++] = subject->meta->name;
        }
        if (!fact.is_set && fact.is_possible) {
            cleanup_free char *who = phrase_subject(subject);
            cleanup_free char *what = xasprintf("database connection of %s", who);
            finding_unobserved(context, what, "it may come from an envFrom, an optional reference or a mounted file");
        }
    }
    if (count > 0) {
        say_embedded(context, names, count);
    }
    free(names);
}
