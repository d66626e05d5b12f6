#include "status_command.h"

#include <string.h>

#include "command.h"
#include "listing.h"
#include "proget/core/memory.h"
#include "proget/core/options.h"
#include "proget/core/store.h"
#include "proget/core/text.h"
#include "status_record.h"
#include "status_view.h"

/* --- once --- */

struct intake {
    struct store *store;
    const char *namespace_name;
    struct store_replacement *replacement;
    FILE *errors;
    bool has_problem;
};

static void on_begin(void *userdata)
{
    struct intake *intake = userdata;
    store_replace_abort(intake->replacement);
    intake->replacement = store_replace_begin(intake->store, intake->namespace_name);
}

static void on_item(struct json_object *item, void *userdata)
{
    struct intake *intake = userdata;
    struct error err;
    if (store_replace_upsert(intake->replacement, item, clock_now(), &err) < 0) {
        status_view_tell(&err, intake->errors);
        intake->has_problem = true;
    }
}

int status_once(struct connection *connection, const struct status_request *request, FILE *output, FILE *errors)
{
    struct intake intake = {
        .store = store_new(&shown_cluster_type), .namespace_name = request->namespace_name, .errors = errors};
    cleanup_free char *field_selector = status_view_selector(request);
    struct listing listing = {
        .resource = connection_clusters,
        .namespace_name = request->namespace_name,
        .field_selector = field_selector,
        .on_begin = on_begin,
        .on_item = on_item,
        .userdata = &intake,
    };
    struct error err;
    int status = STATUS_UNUSABLE;
    int result = listing_read(connection, &listing, 1, &err);
    if (result < 0) {
        status_view_tell(&err, errors);
        store_replace_abort(intake.replacement);
    } else if (listing.result < 0) {
        connection_tell(connection, &listing.err, listing.status, "list", &connection_clusters, request->namespace_name,
                        errors);
        store_replace_abort(intake.replacement);
    } else {
        store_replace_commit(intake.replacement);
        status = status_view_print(intake.store, request, clock_now().wall_us, output, errors);
        status = intake.has_problem ? STATUS_UNUSABLE : status;
    }
    store_free(intake.store);
    return status;
}

/* --- the command line --- */

struct status_line {
    struct connection_options connection;
    bool is_all, is_watch;
};

static int run_line(const struct option_list *operands, void *userdata, FILE *output, FILE *errors)
{
    const struct status_line *line = userdata;
    if (operands->count > 1) {
        (void) fprintf(errors, "error: one ProGetCluster at a time, or all; see kubectl proget status --help\n");
        return STATUS_UNUSABLE;
    }
    const char *name = operands->count ? operands->items[0] : NULL;
    if (name && !connection_name_is_valid(name)) {
        (void) fprintf(errors, "error: that is no name of a ProGetCluster; see kubectl proget status --help\n");
        return STATUS_UNUSABLE;
    }
    struct error err;
    cleanup_connection struct connection connection = {0};
    if (connection_open(&line->connection, &connection, &err) < 0) {
        connection_tell_unopened(&err, errors);
        return STATUS_UNUSABLE;
    }
    const struct status_request request = {.namespace_name = line->is_all ? NULL : connection.namespace_name,
                                           .name = name};
    return line->is_watch ? status_watch(&connection, &request, output, errors)
                          : status_once(&connection, &request, output, errors);
}

int status_main(int argc, char *const *argv, FILE *output, FILE *errors)
{
    struct status_line line = {0};
    const struct option options[] = {
        CONNECTION_OPTIONS(&line.connection, "Namespace to look at. Default: the context's."),
        {.name = "all-namespaces",
         .letter = 'A',
         .kind = OPTION_FLAG,
         .target = &line.is_all,
         .help = "Look at all namespaces."},
        {.name = "watch",
         .letter = 'w',
         .kind = OPTION_FLAG,
         .target = &line.is_watch,
         .help = "Go on, and print anew at each change, until Ctrl-C."},
    };
    const struct program program = {
        .name = "kubectl proget status",
        .environment_prefix = "KUBECTL_PROGET_",
        .usage = "[CLUSTER] [OPTION]...",
        .summary = "Shows what the operator says of ProGetClusters: their servers, what is wrong with them and what to "
                   "do, what was left out, evictions.",
        .epilogue =
            "Exit status: 0; 1 where a finding of severity error stands; 2 where the cluster cannot be asked or\n"
            "there is no such ProGetCluster. With --watch: 0 after Ctrl-C.\n"
            "\n"
            "Examples:\n"
            "  kubectl proget status -A\n"
            "  kubectl proget status main -n proget --watch\n",
        .options = options,
        .option_count = array_length(options),
    };
    return command_run(&program, argc, argv, run_line, &line, output, errors);
}
