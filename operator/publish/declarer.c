#include "publish/declarer.h"

#include "proget/checks/check.h"
#include "proget/core/log.h"
#include "proget/core/map.h"
#include "proget/core/memory.h"
#include "proget/core/rate.h"
#include "proget/core/text.h"
#include "publish/resources.h"

/*
 * A user's own ProGetCluster often comes a moment after the workload (`kubectl apply -k` sorts it behind): it is given
 * that moment. And how long a created object may take to come back through the watch before creating it is tried again.
 */
enum { SETTLE_MS = 3 * 1000, ECHO_MS = 30 * 1000 };

/* Of a name of 253 bytes at the most, before "-12345". */
enum { NAME_BYTES_WITH_SUFFIX = 246 };

struct declaration {
    struct declarer *declarer;
    char *key;
    struct kube_call *call;
    struct backoff backoff;
    int64_t not_before_ms;
    int suffix; /* 0: the workload's own name; n: with "-n" behind it */
    bool complained;
    bool is_wanted; /* by the evaluation under way */
};

struct declarer {
    struct kube_client *client;
    void (*on_progress)(void *userdata);
    void *userdata;
    struct map *declarations; /* "namespace/name" -> struct declaration; as long as the implied cluster is there */
};

static void declaration_free(void *value)
{
    struct declaration *declaration = value;
    kube_call_cancel(declaration->call);
    free(declaration->key);
    free(declaration);
}

struct declarer *declarer_new(struct kube_client *client, void (*on_progress)(void *userdata), void *userdata)
{
    struct declarer *declarer = xcalloc(1, sizeof *declarer);
    declarer->client = client;
    declarer->on_progress = on_progress;
    declarer->userdata = userdata;
    declarer->declarations = map_new(declaration_free);
    return declarer;
}

void declarer_free(struct declarer *declarer)
{
    if (declarer) {
        map_free(declarer->declarations);
        free(declarer);
    }
}

static void take_answer(struct declaration *declaration, const struct error *err)
{
    int64_t now_ms = loop_now(kube_client_loop(declaration->declarer->client)).monotonic_ms;
    if (!err) {
        backoff_reset(&declaration->backoff);
        declaration->not_before_ms = now_ms + ECHO_MS;
        declaration->complained = false;
        log_info(LOG_FIELDS({"cluster", declaration->key}),
                 "found servers that no ProGetCluster selects and declared one for them");
        return;
    }
    if (err->code == ERROR_EXISTS) {
        /* Another one has the name and selects other pods, or ours is about to be seen. */
        declaration->suffix++;
        declaration->not_before_ms = now_ms + ECHO_MS;
        return;
    }
    declaration->not_before_ms = now_ms + backoff_next(&declaration->backoff, now_ms, random_fraction());
    if (!declaration->complained) {
        declaration->complained = true;
        log_warning(LOG_FIELDS({"cluster", declaration->key}, {"error", err->text}),
                    "cannot declare a ProGetCluster for servers that were found; trying again. Until then nothing is "
                    "published about them");
    }
}

static void on_response(const struct kube_response *response, const struct error *err, void *userdata)
{
    (void) response;
    struct declaration *declaration = userdata;
    struct declarer *declarer = declaration->declarer;
    declaration->call = NULL;
    take_answer(declaration, err);
    declarer->on_progress(declarer->userdata); /* time alone makes the next try due, and somebody has to ask when */
}

static void add_owner(struct json_object *metadata, const struct cluster *implied)
{
    struct object_reference owner = reference_to_cluster(implied);
    if (!owner.uid) {
        return;
    }
    struct json_object *owners = json_add_array(metadata, "ownerReferences");
    struct json_object *row = json_object_new_object();
    json_add_text(row, "apiVersion", owner.api_version);
    json_add_text(row, "kind", owner.kind);
    json_add_text(row, "name", owner.name);
    json_add_text(row, "uid", owner.uid);
    json_object_array_add(owners, row);
}

static struct json_object *resource_of(const struct cluster *implied, int suffix)
{
    cleanup_free char *name =
        suffix ? xasprintf("%.*s-%d", NAME_BYTES_WITH_SUFFIX, implied->name, suffix + 1) : xstrdup(implied->name);
    struct json_object *object = json_object_new_object();
    json_add_text(object, "apiVersion", CLUSTER_API_VERSION);
    json_add_text(object, "kind", CLUSTER_KIND);
    struct json_object *metadata = json_add_object(object, "metadata");
    json_add_text(metadata, "name", name);
    json_add_text(metadata, "namespace", implied->namespace_name);
    json_add_text(json_add_object(metadata, "labels"), CLUSTER_LABEL_DISCOVERED, "true");
    add_owner(metadata, implied);
    json_object_object_add(object, "spec", json_object_get(implied->implied_spec));
    return object;
}

int64_t declarer_run(struct declarer *declarer, const struct cluster *implied, struct instant now)
{
    cleanup_free char *key = xasprintf("%s/%s", implied->namespace_name, implied->name);
    struct declaration *declaration = map_get(declarer->declarations, key);
    if (!declaration) {
        declaration = xcalloc(1, sizeof *declaration);
        declaration->declarer = declarer;
        declaration->key = xstrdup(key);
        declaration->backoff = (struct backoff) BACKOFF_INIT;
        declaration->not_before_ms = now.monotonic_ms + SETTLE_MS;
        map_put(declarer->declarations, key, declaration);
    }
    declaration->is_wanted = true;
    if (declaration->call) {
        return INT64_MAX;
    }
    if (declaration->not_before_ms > now.monotonic_ms) {
        return declaration->not_before_ms;
    }
    if (!implied->implied_spec) {
        return INT64_MAX; /* no selector selects just these pods */
    }
    cleanup_json struct json_object *body = resource_of(implied, declaration->suffix);
    struct kube_request request = {
        .verb = KUBE_CREATE,
        .address = {.resource = &clusters_resource, .namespace_name = implied->namespace_name},
        .field_manager = FIELD_MANAGER,
        .body = body,
    };
    declaration->call = kube_client_send(declarer->client, &request, on_response, declaration);
    return INT64_MAX;
}

void declarer_sweep(struct declarer *declarer)
{
    const struct map_entry *at = map_first(declarer->declarations);
    while (at) {
        struct declaration *declaration = map_value(at);
        at = map_next(at);
        if (!declaration->is_wanted && !declaration->call) {
            cleanup_free char *key = xstrdup(declaration->key);
            map_remove(declarer->declarations, key);
        } else {
            declaration->is_wanted = false;
        }
    }
}

void declarer_hurry(struct declarer *declarer)
{
    for (const struct map_entry *at = map_first(declarer->declarations); at; at = map_next(at)) {
        struct declaration *declaration = map_value(at);
        declaration->not_before_ms = declaration->backoff.current_ms ? 0 : declaration->not_before_ms;
    }
}
