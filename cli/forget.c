#include "forget.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "listing.h"
#include "proget/core/buffer.h"
#include "proget/core/memory.h"
#include "proget/core/options.h"
#include "proget/core/text.h"
#include "proget/model/cluster_resource.h"
#include "wrap.h"

enum {
    TRIES_MAX = 5, /* somebody else writes to the object in between */
    CLUSTERS_MAX = 1024,
    NAME_BYTES_MAX = 253,
    WHY_BYTES_MAX = 256,
    ANNOTATION_BYTES_MAX = 64 * 1024, /* the API server takes 256 KiB of all annotations together */
};

#define SEPARATORS ", \t\r\n"

/* --- the annotation --- */

static bool list_names(const char *list, const char *wanted)
{
    size_t length = strlen(wanted);
    for (const char *at = list + strspn(list, SEPARATORS); *at; at += strspn(at, SEPARATORS)) {
        size_t word = strcspn(at, SEPARATORS);
        if (word == length && memcmp(at, wanted, length) == 0) {
            return true;
        }
        at += word;
    }
    return false;
}

/* --- members --- */

static bool is_gone(struct json_object *member)
{
    return json_member(member, "gone") != NULL;
}

static bool is_meant(struct json_object *member, const char *server)
{
    return text_equal(json_text_at(member, "name", NULL), server) ||
           text_equal(json_text_at(member, "uid", NULL), server);
}

static size_t member_count(struct json_object *cluster)
{
    struct json_object *members = json_at(cluster, "status.members");
    return json_object_is_type(members, json_type_array) ? json_object_array_length(members) : 0;
}

static struct json_object *member_at(struct json_object *cluster, size_t index)
{
    return json_object_array_get_idx(json_at(cluster, "status.members"), index);
}

/* How many members of that name or uid are gone, or live. */
static size_t count_meant(struct json_object *cluster, const char *server, bool gone)
{
    size_t count = 0;
    for (size_t i = 0; i < member_count(cluster); i++) {
        struct json_object *member = member_at(cluster, i);
        count += is_meant(member, server) && is_gone(member) == gone;
    }
    return count;
}

/* What the operator is to be told: the uid, the name where the row has none. NULL where it has neither. */
static const char *word_of(struct json_object *member)
{
    const char *uid = json_text_at(member, "uid", NULL);
    const char *word = text_is_empty(uid) ? json_text_at(member, "name", NULL) : uid;
    return word && connection_name_is_valid(word) ? word : NULL;
}

/*
 * What the annotation has to be, with what it held before; *ret_added says how many are new. Owned; NULL where it
 * would be too long.
 */
static char *annotation_with(struct json_object *cluster, const char *server, size_t *ret_added)
{
    struct json_object *annotations = json_at(cluster, "metadata.annotations");
    struct json_object *value = json_member(annotations, CLUSTER_ANNOTATION_FORGET);
    const char *before = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
    cleanup_buffer struct buffer text = BUFFER_INIT(ANNOTATION_BYTES_MAX);
    int result = buffer_append_text(&text, before);
    size_t added = 0;
    for (size_t i = 0; result == 0 && i < member_count(cluster); i++) {
        struct json_object *member = member_at(cluster, i);
        const char *word = is_meant(member, server) && is_gone(member) ? word_of(member) : NULL;
        if (word && !list_names(buffer_text(&text), word)) {
            result = buffer_appendf(&text, "%s%s", text.length ? "," : "", word);
            added++;
        }
    }
    *ret_added = added;
    return result < 0 ? NULL : buffer_take(&text);
}

/* --- messages --- */

static char *cluster_title(struct json_object *cluster)
{
    cleanup_free char *namespace_name = wrap_shown(json_text_at(cluster, "metadata.namespace", ""), NAME_BYTES_MAX);
    cleanup_free char *name = wrap_shown(json_text_at(cluster, "metadata.name", ""), NAME_BYTES_MAX);
    return xasprintf("%s/%s", namespace_name, name);
}

/* Those that could be meant. */
static void print_gone(struct json_object *cluster, FILE *errors)
{
    for (size_t i = 0; i < member_count(cluster); i++) {
        struct json_object *member = member_at(cluster, i);
        if (is_gone(member)) {
            cleanup_free char *name = wrap_shown(json_text_at(member, "name", "?"), NAME_BYTES_MAX);
            cleanup_free char *why = wrap_shown(json_text_at(member, "gone.why", "unknown why"), WHY_BYTES_MAX);
            cleanup_free char *since = wrap_shown(json_text_at(member, "gone.since", "?"), WHY_BYTES_MAX);
            cleanup_free char *title = cluster_title(cluster);
            (void) fprintf(errors, "  %s of %s, since %s: %s\n", name, title, since, why);
        }
    }
}

static void print_forgotten(struct json_object *cluster, const char *server, FILE *output)
{
    cleanup_free char *title = cluster_title(cluster);
    for (size_t i = 0; i < member_count(cluster); i++) {
        struct json_object *member = member_at(cluster, i);
        if (is_meant(member, server) && is_gone(member)) {
            cleanup_free char *name = wrap_shown(json_text_at(member, "name", "?"), NAME_BYTES_MAX);
            cleanup_free char *uid = wrap_shown(json_text_at(member, "uid", "without uid"), NAME_BYTES_MAX);
            (void) fprintf(output, "ProGetCluster %s: the operator is to forget server %s (%s).\n", title, name, uid);
        }
    }
    struct json_object *servers = json_at(cluster, "spec.servers");
    if (servers) {
        (void) fprintf(output,
                       "The spec still asks for %lld servers. Where there are to be fewer for good, say so: "
                       "kubectl -n %s patch progetcluster %s --type merge -p '{\"spec\":{\"servers\":NUMBER}}'\n",
                       (long long) json_object_get_int64(servers), json_text_at(cluster, "metadata.namespace", ""),
                       json_text_at(cluster, "metadata.name", ""));
    }
}

static void print_live(struct json_object *cluster, const char *server, FILE *errors)
{
    cleanup_free char *title = cluster_title(cluster);
    cleanup_free char *shown = wrap_shown(server, NAME_BYTES_MAX);
    (void) fprintf(
        errors,
        "error: server %s of ProGetCluster %s is live: only one that is gone can be forgotten. To have fewer "
        "servers, scale its workload down; it can be forgotten then.\n",
        shown, title);
}

/* --- asking and writing --- */

struct clusters {
    struct json_object *items[CLUSTERS_MAX]; /* owned */
    size_t count;
};

static void clusters_clear(void *userdata)
{
    struct clusters *clusters = userdata;
    while (clusters->count > 0) {
        json_object_put(clusters->items[--clusters->count]);
    }
}

static void clusters_add(struct json_object *item, void *userdata)
{
    struct clusters *clusters = userdata;
    if (clusters->count < CLUSTERS_MAX && connection_name_is_valid(json_text_at(item, "metadata.name", "")) &&
        connection_namespace_is_valid(json_text_at(item, "metadata.namespace", ""))) {
        clusters->items[clusters->count++] = json_object_get(item);
    }
}

static int clusters_read(struct connection *connection, const char *name, struct clusters *clusters, FILE *errors)
{
    cleanup_free char *field_selector = name ? xasprintf("metadata.name=%s", name) : NULL;
    struct listing listing = {
        .resource = connection_clusters,
        .namespace_name = connection->namespace_name,
        .field_selector = field_selector,
        .on_begin = clusters_clear,
        .on_item = clusters_add,
        .userdata = clusters,
    };
    struct error err;
    int result = listing_read(connection, &listing, 1, &err);
    if (result == 0 && listing.result < 0) {
        result = listing.result;
        err = listing.err;
    }
    if (result < 0) {
        connection_tell(connection, &err, listing.status, "list", &connection_clusters, connection->namespace_name,
                        errors);
    }
    return result;
}

static bool has_gone(const struct clusters *clusters)
{
    for (size_t i = 0; i < clusters->count; i++) {
        for (size_t k = 0; k < member_count(clusters->items[i]); k++) {
            if (is_gone(member_at(clusters->items[i], k))) {
                return true;
            }
        }
    }
    return false;
}

/* `name`: the ProGetCluster that was asked for; NULL: any. */
static void print_unknown(const struct clusters *clusters, const char *namespace_name, const char *name,
                          const char *server, FILE *errors)
{
    if (clusters->count == 0) {
        (void) fprintf(errors,
                       "error: there is no ProGetCluster%s%s in namespace %s; kubectl proget status -A shows all\n",
                       name ? " " : "", name ? name : "", namespace_name);
        return;
    }
    (void) fprintf(errors, "error: no server %s is gone from %s%s of namespace %s%s\n", server,
                   name ? "ProGetCluster " : "a ProGetCluster", name ? name : "", namespace_name,
                   has_gone(clusters) ? ". Gone are:" : ", nor is any other");
}

/* The one whose member is meant; NULL where there is none or more than one, which is told. Borrowed. */
static struct json_object *clusters_pick(const struct clusters *clusters, const struct connection *connection,
                                         const char *name, const char *server, FILE *errors)
{
    struct json_object *gone_from = NULL;
    struct json_object *live_in = NULL;
    size_t count = 0;
    for (size_t i = 0; i < clusters->count; i++) {
        if (count_meant(clusters->items[i], server, /* gone= */ true)) {
            gone_from = clusters->items[i];
            count++;
        } else if (count_meant(clusters->items[i], server, /* gone= */ false)) {
            live_in = clusters->items[i];
        }
    }
    if (count == 1) {
        return gone_from;
    }
    if (count == 0 && live_in) {
        print_live(live_in, server, errors);
        return NULL;
    }
    cleanup_free char *shown = wrap_shown(server, NAME_BYTES_MAX);
    if (count > 0) {
        (void) fprintf(
            errors,
            "error: server %s is gone from several ProGetClusters of namespace %s: name the cluster behind it. "
            "Gone are:\n",
            shown, connection->namespace_name);
    } else {
        print_unknown(clusters, connection->namespace_name, name, shown, errors);
    }
    for (size_t i = 0; i < clusters->count; i++) {
        print_gone(clusters->items[i], errors);
    }
    return NULL;
}

/* The merge patch that goes only over the state that it follows from. Owned. */
static struct json_object *patch_of(struct json_object *cluster, const char *annotation)
{
    struct json_object *patch = json_object_new_object();
    struct json_object *metadata = json_add_object(patch, "metadata");
    json_add_text(metadata, "uid", json_text_at(cluster, "metadata.uid", NULL));
    json_add_text(metadata, "resourceVersion", json_text_at(cluster, "metadata.resourceVersion", NULL));
    json_add_text(json_add_object(metadata, "annotations"), CLUSTER_ANNOTATION_FORGET, annotation);
    return patch;
}

static int send_patch(struct connection *connection, struct json_object *cluster, const char *annotation,
                      int *ret_status, struct error *err)
{
    cleanup_json struct json_object *patch = patch_of(cluster, annotation);
    const struct kube_request request = {
        .verb = KUBE_MERGE_PATCH,
        .address = {.resource = &connection_clusters,
                    .namespace_name = json_text_at(cluster, "metadata.namespace", NULL),
                    .name = json_text_at(cluster, "metadata.name", NULL)},
        .field_manager = "kubectl-proget",
        .body = patch,
    };
    return connection_call(connection, &request, NULL, ret_status, err);
}

/* One try. Returns an exit status, or ERROR_CONFLICT where somebody else was quicker. */
static int forget_once(struct connection *connection, const char *server, const char *name, FILE *output, FILE *errors)
{
    struct clusters clusters = {0};
    if (clusters_read(connection, name, &clusters, errors) < 0) {
        clusters_clear(&clusters);
        return STATUS_UNUSABLE;
    }
    int status = STATUS_UNUSABLE;
    struct json_object *cluster = clusters_pick(&clusters, connection, name, server, errors);
    size_t added = 0;
    cleanup_free char *annotation = cluster ? annotation_with(cluster, server, &added) : NULL;
    struct error err;
    int http_status = 0;
    if (cluster && !annotation) {
        (void) fprintf(errors,
                       "error: the annotation " CLUSTER_ANNOTATION_FORGET " is full: take out of it what is long "
                       "forgotten (kubectl edit progetcluster), then try again\n");
    } else if (cluster && added > 0) {
        int result = send_patch(connection, cluster, annotation, &http_status, &err);
        status = result == ERROR_CONFLICT ? ERROR_CONFLICT : result < 0 ? STATUS_UNUSABLE : STATUS_DONE;
        if (status == STATUS_UNUSABLE) {
            connection_tell(connection, &err, http_status, "patch", &connection_clusters, connection->namespace_name,
                            errors);
        }
    } else if (cluster) {
        status = STATUS_DONE; /* asked for before; the operator has not done it yet */
    }
    if (status == STATUS_DONE) {
        print_forgotten(cluster, server, output);
    }
    clusters_clear(&clusters);
    return status;
}

int forget_run(struct connection *connection, const char *server, const char *cluster, FILE *output, FILE *errors)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        int status = forget_once(connection, server, cluster, output, errors);
        if (status != ERROR_CONFLICT) {
            return status;
        }
    }
    (void) fprintf(errors, "error: the ProGetCluster changes all the time, so nothing was written; try again\n");
    return STATUS_UNUSABLE;
}

/* --- the command line --- */

static int run_operands(const struct option_list *operands, void *options, FILE *output, FILE *errors)
{
    if (operands->count == 0 || operands->count > 2) {
        (void) fprintf(errors,
                       "error: forget wants the name or uid of one server that is gone, and a ProGetCluster where "
                       "several have it; see kubectl proget forget --help\n");
        return STATUS_UNUSABLE;
    }
    for (size_t i = 0; i < operands->count; i++) {
        if (!connection_name_is_valid(operands->items[i])) {
            (void) fprintf(errors, "error: that is no name of a %s; see kubectl proget forget --help\n",
                           i == 0 ? "server" : "ProGetCluster");
            return STATUS_UNUSABLE;
        }
    }
    struct error err;
    cleanup_connection struct connection connection = {0};
    if (connection_open(options, &connection, &err) < 0) {
        connection_tell_unopened(&err, errors);
        return STATUS_UNUSABLE;
    }
    return forget_run(&connection, operands->items[0], operands->count > 1 ? operands->items[1] : NULL, output, errors);
}

int forget_main(int argc, char *const *argv, FILE *output, FILE *errors)
{
    struct connection_options connection = {0};
    const struct option options[] = {
        CONNECTION_OPTIONS(&connection, "Namespace of the ProGetCluster. Default: the context's."),
    };
    const struct program program = {
        .name = "kubectl proget forget",
        .environment_prefix = "KUBECTL_PROGET_",
        .usage = "SERVER [CLUSTER] [OPTION]...",
        .summary = "Has the operator forget a server that is gone and not meant to come back. It writes the "
                   "annotation " CLUSTER_ANNOTATION_FORGET " on the ProGetCluster, and nothing else.",
        .epilogue = "SERVER is its name or uid as kubectl proget status shows it. A live server is refused.\n"
                    "Exit status: 0; 2 where it is not gone, not there, or the cluster cannot be asked.\n"
                    "\n"
                    "Example:\n"
                    "  kubectl proget forget proget-3 -n proget\n",
        .options = options,
        .option_count = array_length(options),
    };
    return command_run(&program, argc, argv, run_operands, &connection, output, errors);
}
