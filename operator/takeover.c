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

struct takeover {
    struct kube_client *client;
    const struct model *model;
    const struct option_list *namespaces;
    void (*on_progress)(void *userdata);
    void *userdata;
    struct kube_call *call;
    struct loop_timer *timer;
    size_t namespace_index; /* of the list under way */
    struct map *versions;   /* "namespace/name" -> its resourceVersion */
    bool is_listed;
    int lists; /* that were had */
};

static void list_page(struct takeover *takeover, const char *continue_token);

static void begin(void *userdata)
{
    struct takeover *takeover = userdata;
    map_free(takeover->versions);
    takeover->versions = map_new(free);
    takeover->namespace_index = 0;
    takeover->is_listed = false;
    kube_call_cancel(takeover->call);
    list_page(takeover, NULL);
}

static void note_versions(struct takeover *takeover, struct json_object *list)
{
    struct json_object *items = json_member(list, "items");
    size_t count = json_object_is_type(items, json_type_array) ? json_object_array_length(items) : 0;
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_object_array_get_idx(items, i);
        cleanup_free char *key =
            xasprintf("%s/%s", json_text_at(item, "metadata.namespace", ""), json_text_at(item, "metadata.name", ""));
        map_put(takeover->versions, key, xstrdup(json_text_at(item, "metadata.resourceVersion", "")));
    }
}

/* The next page, the next namespace, or the end. */
static void go_on(struct takeover *takeover, const char *token)
{
    if (!text_is_empty(token)) {
        list_page(takeover, token);
        return;
    }
    if (++takeover->namespace_index < takeover->namespaces->count) {
        list_page(takeover, NULL);
        return;
    }
    takeover->lists++;
    takeover->is_listed = true;
    loop_timer_set_after(takeover->timer, LIST_AGAIN_MS);
    takeover->on_progress(takeover->userdata);
}

static void on_page(const struct kube_response *response, const struct error *err, void *userdata)
{
    struct takeover *takeover = userdata;
    takeover->call = NULL;
    if (!err) {
        note_versions(takeover, response->body);
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
    const struct option_list *namespaces = takeover->namespaces;
    struct kube_request request = {
        .verb = KUBE_GET,
        .address = {.resource = &clusters_resource,
                    .namespace_name = namespaces->count ? namespaces->items[takeover->namespace_index] : NULL},
        .query = PAGE_QUERY,
        .continue_token = continue_token,
    };
    takeover->call = kube_client_send(takeover->client, &request, on_page, takeover);
}

struct takeover *takeover_start(struct kube_client *client, const struct model *model,
                                const struct option_list *namespaces, void (*on_progress)(void *userdata),
                                void *userdata)
{
    struct takeover *takeover = xcalloc(1, sizeof *takeover);
    takeover->client = client;
    takeover->model = model;
    takeover->namespaces = namespaces;
    takeover->on_progress = on_progress;
    takeover->userdata = userdata;
    takeover->timer = loop_timer_new(kube_client_loop(client), begin, takeover);
    begin(takeover);
    return takeover;
}

void takeover_stop(struct takeover *takeover)
{
    if (takeover) {
        kube_call_cancel(takeover->call);
        loop_timer_free(takeover->timer);
        map_free(takeover->versions);
        free(takeover);
    }
}

/* Whether the model's copy is as new as that. Versions without an order: equal ones alone are. */
static bool is_as_new(const struct takeover *takeover, const char *key, const char *version)
{
    const struct store *clusters = model_read(takeover->model, MODEL_CLUSTERS);
    const char *slash = strchr(key, '/');
    cleanup_free char *namespace_name = xstrndup(key, (size_t) (slash - key));
    const struct store_entry *entry = store_get(clusters, namespace_name, slash + 1);
    if (!entry) {
        return takeover->lists >= LISTS_MAX; /* one that cannot be read never comes */
    }
    const char *held = ((const struct cluster_resource *) entry->object)->resource_version;
    return text_equal(held, version) || resource_version_is_older(version, held);
}

bool takeover_is_done(struct takeover *takeover)
{
    if (!takeover->is_listed) {
        return false;
    }
    if (model_unobserved(takeover->model, MODEL_CLUSTERS)) {
        return true;
    }
    for (const struct map_entry *at = map_first(takeover->versions); at; at = map_next(at)) {
        if (!is_as_new(takeover, map_key(at), map_value(at))) {
            return false;
        }
    }
    return true;
}
