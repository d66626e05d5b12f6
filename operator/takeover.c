#include "takeover.h"

#include <string.h>

#include "proget/core/log.h"
#include "proget/core/map.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "proget/kube/resource_version.h"
#include "publish/resources.h"

/*
 * What was deleted after the list never comes: another list tells. Nor does what the model cannot read, so it is not
 * waited for without end.
 */
enum { RETRY_MS = 1000, LIST_AGAIN_MS = 5000, LISTS_MAX = 6 };
#define PAGE_QUERY "limit=20" /* a status may have a megabyte */

/* A ProGetCluster as the server has it. */
struct listed {
    char *namespace_name, *name;
    char *version;
    struct json_object *basis; /* what its status was made from; NULL: not said */
};

struct takeover {
    struct takeover_options options;
    struct kube_call *call;
    struct loop_timer *timer;
    size_t namespace_index; /* of the list under way */
    struct map *listed;     /* "namespace/name" -> struct listed */
    bool is_listed;
    int lists; /* that were had */
};

static void list_page(struct takeover *takeover, const char *continue_token);

static void listed_free(void *value)
{
    struct listed *listed = value;
    json_object_put(listed->basis);
    free(listed->namespace_name);
    free(listed->name);
    free(listed->version);
    free(listed);
}

static void begin(void *userdata)
{
    struct takeover *takeover = userdata;
    map_free(takeover->listed);
    takeover->listed = map_new(listed_free);
    takeover->namespace_index = 0;
    takeover->is_listed = false;
    kube_call_cancel(takeover->call);
    list_page(takeover, NULL);
}

static void note_items(struct takeover *takeover, struct json_object *list)
{
    struct json_object *items = json_member(list, "items");
    size_t count = json_object_is_type(items, json_type_array) ? json_object_array_length(items) : 0;
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_object_array_get_idx(items, i);
        struct listed *listed = xcalloc(1, sizeof *listed);
        listed->namespace_name = xstrdup(json_text_at(item, "metadata.namespace", ""));
        listed->name = xstrdup(json_text_at(item, "metadata.name", ""));
        listed->version = xstrdup(json_text_at(item, "metadata.resourceVersion", ""));
        listed->basis = json_object_get(json_member(json_member(item, "status"), BASIS_FIELD));
        cleanup_free char *key = xasprintf("%s/%s", listed->namespace_name, listed->name);
        map_put(takeover->listed, key, listed);
    }
}

/* The next page, the next namespace, or the end. */
static void go_on(struct takeover *takeover, const char *token)
{
    if (!text_is_empty(token)) {
        list_page(takeover, token);
        return;
    }
    if (++takeover->namespace_index < takeover->options.namespaces->count) {
        list_page(takeover, NULL);
        return;
    }
    takeover->lists++;
    takeover->is_listed = true;
    loop_timer_set_after(takeover->timer, LIST_AGAIN_MS);
    takeover->options.on_progress(takeover->options.userdata);
}

static void on_page(const struct kube_response *response, const struct error *err, void *userdata)
{
    struct takeover *takeover = userdata;
    takeover->call = NULL;
    if (!err) {
        note_items(takeover, response->body);
        go_on(takeover, json_text_at(response->body, "metadata.continue", ""));
        return;
    }
    if (err->code == ERROR_DENIED || err->code == ERROR_NOT_FOUND) {
        go_on(takeover, NULL);
        return;
    }
    log_debug(LOG_FIELDS({"error", err->text}), "cannot list the ProGetClusters before taking over, trying again");
    loop_timer_set_after(takeover->timer, RETRY_MS);
}

static void list_page(struct takeover *takeover, const char *continue_token)
{
    const struct option_list *namespaces = takeover->options.namespaces;
    struct kube_request request = {
        .verb = KUBE_GET,
        .address = {.resource = &clusters_resource,
                    .namespace_name = namespaces->count ? namespaces->items[takeover->namespace_index] : NULL},
        .query = PAGE_QUERY,
        .continue_token = continue_token,
    };
    takeover->call = kube_client_send(takeover->options.client, &request, on_page, takeover);
}

struct takeover *takeover_start(const struct takeover_options *options)
{
    struct takeover *takeover = xcalloc(1, sizeof *takeover);
    takeover->options = *options;
    takeover->timer = loop_timer_new(kube_client_loop(options->client), begin, takeover);
    begin(takeover);
    return takeover;
}

void takeover_stop(struct takeover *takeover)
{
    if (takeover) {
        kube_call_cancel(takeover->call);
        loop_timer_free(takeover->timer);
        map_free(takeover->listed);
        free(takeover);
    }
}

static bool is_out_of_patience(const struct takeover *takeover)
{
    return takeover->lists >= LISTS_MAX;
}

/* Whether the model's copy is as new as that. Versions without an order: equal ones alone are. */
static bool is_as_new(const struct takeover *takeover, const struct listed *listed)
{
    const struct store *clusters = model_read(takeover->options.model, MODEL_CLUSTERS);
    const struct store_entry *entry = store_get(clusters, listed->namespace_name, listed->name);
    if (!entry) {
        return is_out_of_patience(takeover); /* one that cannot be read never comes */
    }
    const char *held = ((const struct cluster_resource *) entry->object)->resource_version;
    return text_equal(held, listed->version) || resource_version_is_older(listed->version, held);
}

static bool is_basis_reached(const struct takeover *takeover, const struct listed *listed)
{
    enum model_kind kind;
    if (basis_is_reached(&takeover->options.versions, listed->namespace_name, listed->basis, &kind)) {
        return true;
    }
    if (!is_out_of_patience(takeover)) {
        return false;
    }
    cleanup_free char *name = xasprintf("%s/%s", listed->namespace_name, listed->name);
    log_warning(LOG_FIELDS({"cluster", name}, {"kind", model_kind_info(kind)->plural}),
                "its status was made from newer objects than the API server shows now; going on with what it shows");
    return true;
}

bool takeover_is_done(struct takeover *takeover)
{
    if (!takeover->is_listed) {
        return false;
    }
    if (model_unobserved(takeover->options.model, MODEL_CLUSTERS)) {
        return true;
    }
    for (const struct map_entry *at = map_first(takeover->listed); at; at = map_next(at)) {
        if (!is_as_new(takeover, map_value(at))) {
            return false;
        }
    }
    for (const struct map_entry *at = map_first(takeover->listed); at; at = map_next(at)) {
        if (!is_basis_reached(takeover, map_value(at))) {
            return false;
        }
    }
    return true;
}
