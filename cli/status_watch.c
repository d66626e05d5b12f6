/* status --watch: a reflector keeps a store, and a little after each change it is printed anew. */
#include <signal.h>
#include <unistd.h>

#include "command.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/kube/reflector.h"
#include "status_command.h"
#include "status_record.h"
#include "status_view.h"

enum { SETTLE_MS = 200 }; /* several objects, or a change and its consequence, make one print */

#define CLEAR_SCREEN "\033[H\033[2J\033[3J"

struct watch {
    struct connection *connection;
    const struct status_request *request;
    FILE *output, *errors;
    struct store *store;
    struct reflector *reflector;
    struct loop_timer *print_timer;
    bool was_in_step; /* once */
    bool is_in_trouble;
    int status;
};

static void stop(struct watch *watch, int status)
{
    watch->status = status;
    loop_stop(watch->connection->loop);
}

static void on_print(void *userdata)
{
    struct watch *watch = userdata;
    struct instant now = loop_now(watch->connection->loop);
    if (isatty(fileno(watch->output))) {
        (void) fputs(CLEAR_SCREEN, watch->output);
    }
    char time[CLOCK_TEXT_SIZE];
    clock_format_seconds(now.wall_us, time);
    (void) fprintf(watch->output, "--- %s\n", time);
    (void) status_view_print(watch->store, watch->request, now.wall_us, watch->output, watch->errors);
    if (fflush(watch->output) != 0) {
        stop(watch, STATUS_UNUSABLE); /* nobody reads any more */
    }
}

static void plan_print(struct watch *watch)
{
    if (watch->was_in_step && !loop_timer_is_set(watch->print_timer)) {
        loop_timer_set_after(watch->print_timer, SETTLE_MS);
    }
}

static void on_change(const struct store_entry *before, const struct store_entry *after, void *userdata)
{
    (void) before;
    (void) after;
    plan_print(userdata);
}

/* It may pass: what was shown stays, and it is said that it may be old. */
static void take_trouble(struct watch *watch, const char *why)
{
    if (!watch->is_in_trouble) {
        cleanup_free char *text = xstrdup(why ? why : "the API server is away");
        text_make_printable(text);
        (void) fprintf(watch->errors, "warning: what is shown may be old: %s\n", text);
    }
    watch->is_in_trouble = true;
}

static void on_state(enum reflector_state state, const char *why, void *userdata)
{
    struct watch *watch = userdata;
    if (state == REFLECTOR_WATCHING) {
        if (watch->is_in_trouble) {
            (void) fprintf(watch->errors, "in step again\n");
        }
        watch->is_in_trouble = false;
        if (!watch->was_in_step) {
            watch->was_in_step = true;
            plan_print(watch);
        }
    } else if (state != REFLECTOR_SYNCING || why) {
        take_trouble(watch, why);
    }
}

static void on_skipped(const struct error *err, void *userdata)
{
    struct watch *watch = userdata;
    status_view_tell(err, watch->errors);
}

static void on_signal(int signal_number, void *userdata)
{
    (void) signal_number;
    stop(userdata, STATUS_DONE);
}

/* Whoever waits at a terminal is told at once why nothing comes; only later trouble is waited out. */
static int probe(struct connection *connection, const struct status_request *request, FILE *errors)
{
    const struct kube_request question = {
        .verb = KUBE_GET,
        .address = {.resource = &connection_clusters, .namespace_name = request->namespace_name},
        .query = "limit=1",
    };
    struct error err;
    int status;
    int result = connection_call(connection, &question, NULL, &status, &err);
    if (result < 0) {
        connection_tell(connection, &err, status, "list", &connection_clusters, request->namespace_name, errors);
    }
    return result;
}

static int run(struct watch *watch, struct error *err)
{
    struct loop *loop = watch->connection->loop;
    cleanup_free char *field_selector = status_view_selector(watch->request);
    const struct reflector_options options = {
        .resource = connection_clusters,
        .namespace_name = watch->request->namespace_name,
        .field_selector = field_selector,
        .store = watch->store,
        .on_state = on_state,
        .on_skipped = on_skipped,
        .userdata = watch,
    };
    int result = loop_on_signal(loop, SIGINT, on_signal, watch, err);
    result = result < 0 ? result : loop_on_signal(loop, SIGTERM, on_signal, watch, err);
    if (result < 0) {
        return result;
    }
    store_listen(watch->store, on_change, watch);
    watch->reflector = reflector_start(watch->connection->client, &options);
    result = loop_run(loop, err);
    reflector_stop(watch->reflector);
    return result;
}

int status_watch(struct connection *connection, const struct status_request *request, FILE *output, FILE *errors)
{
    if (probe(connection, request, errors) < 0) {
        return STATUS_UNUSABLE;
    }
    struct watch watch = {
        .connection = connection,
        .request = request,
        .output = output,
        .errors = errors,
        .store = store_new(&shown_cluster_type),
    };
    struct error err;
    watch.print_timer = loop_timer_new(connection->loop, on_print, &watch);
    if (run(&watch, &err) < 0) {
        status_view_tell(&err, errors);
        watch.status = STATUS_UNUSABLE;
    }
    loop_timer_free(watch.print_timer);
    store_free(watch.store);
    return watch.status;
}
