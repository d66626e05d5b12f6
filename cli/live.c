#include "live.h"

#include <string.h>

#include "listing.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { SKIPPED_TOLD_MAX = 20 };

/* One kind on its way into the model. */
struct source {
    struct input *input;
    enum model_kind kind;
    struct store_replacement *replacement;
    const char *namespace_name; /* of the replacement; NULL: all */
    size_t skipped;
};

static void on_begin(void *userdata)
{
    struct source *source = userdata;
    store_replace_abort(source->replacement);
    source->replacement = store_replace_begin(model_store(source->input->model, source->kind), source->namespace_name);
}

static void on_item(struct json_object *item, void *userdata)
{
    struct source *source = userdata;
    struct error err;
    source->input->object_count++;
    if (store_replace_upsert(source->replacement, item, source->input->now, &err) >= 0) {
        return;
    }
    source->input->has_problem = true;
    if (++source->skipped <= SKIPPED_TOLD_MAX) {
        input_fail(source->input, err.text);
    }
}

/*
 * May not be had, or is not there: the rest can be judged without. What is measured comes from another server behind
 * the API server, whose troubles are its own.
 */
static bool is_refused(const struct source *source, const struct listing *listing)
{
    return listing->status == 403 || listing->status == 404 || model_kind_info(source->kind)->is_polled;
}

/* What is not installed has no objects: the operator's own kind, and extensions. */
static bool is_without_objects(const struct source *source, const struct listing *listing)
{
    return listing->status == 404 && (source->kind == MODEL_CLUSTERS || model_kind_info(source->kind)->is_extension);
}

static const char *why_not(const struct source *source, const struct listing *listing)
{
    if (listing->status == 404) {
        return "the API server does not have it";
    }
    if (listing->status != 403) {
        return listing->err.text;
    }
    bool is_everywhere = model_kind_info(source->kind)->namespaced && !listing->namespace_name;
    return is_everywhere ? "you may not list it in all namespaces" : "you may not list it";
}

/* `is_usable`: the rest was read. Half of a cluster would be judged wrongly, so then nothing is kept. */
static void settle(struct source *source, const struct listing *listing, bool is_usable)
{
    struct model *model = source->input->model;
    if (!is_usable) {
        store_replace_abort(source->replacement);
    } else if (listing->result == 0) {
        store_replace_commit(source->replacement);
    } else {
        store_replace_abort(source->replacement);
        if (is_without_objects(source, listing)) {
            model_set_missing(model, source->kind, true);
        } else {
            model_set_unobserved(model, source->kind, why_not(source, listing));
        }
    }
    source->replacement = NULL;
    store_mark_filled(model_store(model, source->kind));
}

/* NULL: none that keeps the whole from being judged. */
static const struct listing *first_failure(const struct listing *listings, const struct source *sources, size_t count)
{
    const struct listing *denied_pods = NULL;
    for (size_t i = 0; i < count; i++) {
        if (listings[i].result < 0 && !is_refused(&sources[i], &listings[i])) {
            return &listings[i];
        }
        if (listings[i].result < 0 && sources[i].kind == MODEL_PODS) {
            denied_pods = &listings[i]; /* without pods there is no server to see */
        }
    }
    return denied_pods;
}

/* A misspelt namespace is as empty as one without servers. Who may not ask is told nothing. */
static int look_for_namespace(struct connection *connection, const char *name, struct input *input)
{
    const struct model *model = input->model;
    static const enum model_kind kinds[] = {MODEL_PODS, MODEL_DEPLOYMENTS, MODEL_STATEFUL_SETS, MODEL_CLUSTERS};
    for (size_t i = 0; i < array_length(kinds); i++) {
        if (store_count(model_read(model, kinds[i])) > 0) {
            return 0;
        }
    }
    static const struct kube_resource namespaces = {.group = "", .version = "v1", .plural = "namespaces"};
    const struct kube_request question = {.verb = KUBE_GET, .address = {.resource = &namespaces, .name = name}};
    struct error err;
    int status;
    if (connection_call(connection, &question, NULL, &status, &err) != ERROR_NOT_FOUND || status != 404) {
        return 0;
    }
    cleanup_free char *text = xasprintf("there is no namespace %s; kubectl get namespaces lists them", name);
    input_fail(input, text);
    return ERROR_NOT_FOUND;
}

int live_load(struct connection *connection, const char *namespace_name, struct input *input)
{
    struct source sources[MODEL_KIND_COUNT];
    struct listing listings[MODEL_KIND_COUNT];
    size_t count = 0;
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        const struct model_kind_info *info = model_kind_info((enum model_kind) kind);
        if (!info->watched && !info->is_polled) {
            model_set_unobserved(input->model, (enum model_kind) kind, "not read from a cluster");
            continue;
        }
        const char *scope = info->namespaced ? namespace_name : NULL;
        sources[count] = (struct source){.input = input, .kind = (enum model_kind) kind, .namespace_name = scope};
        listings[count] = (struct listing){
            .resource = {.group = info->group, .version = info->version, .plural = info->plural},
            .namespace_name = scope,
            .label_selector = info->label_selector,
            .field_selector = info->field_selector,
            .on_begin = on_begin,
            .on_item = on_item,
            .userdata = &sources[count],
        };
        count++;
    }
    struct error err;
    int result = listing_read(connection, listings, count, &err);
    const struct listing *failure = result < 0 ? NULL : first_failure(listings, sources, count);
    for (size_t i = 0; i < count; i++) {
        settle(&sources[i], &listings[i], result == 0 && !failure);
    }
    if (result == 0 && !failure) {
        return namespace_name ? look_for_namespace(connection, namespace_name, input) : 0;
    }
    input->object_count = 0;
    input_fail(input, failure ? failure->err.text : err.text);
    if (failure) {
        connection_advise(connection, failure->status, "list", &failure->resource, failure->namespace_name,
                          input->errors);
    }
    return failure ? failure->result : result;
}

int live_read(const struct connection_options *options, struct input *input)
{
    struct error err;
    cleanup_connection struct connection connection = {0};
    int result = connection_open(options, &connection, &err);
    if (result < 0) {
        input_fail(input, err.text);
        connection_advise_unopened(input->errors);
        return result;
    }
    return live_load(&connection, options->namespace_name, input);
}
