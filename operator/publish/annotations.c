#include "publish/annotations.h"

#include <string.h>

#include "proget/core/map.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

enum { LIST_BYTES = 4096, TEXT_BYTES = 256 * 1024 };

bool cluster_in_maintenance(const struct cluster *cluster, struct instant now)
{
    return cluster->resource && cluster->resource->maintenance_until_us > now.wall_us;
}

static bool is_pod(const struct object_reference *reference, const struct pod *pod)
{
    return text_equal(reference->kind, "Pod") && text_equal(reference->name, pod->meta.name) &&
           text_equal(reference->namespace_name, pod->meta.namespace_name) &&
           (!reference->uid || text_equal(reference->uid, pod->meta.uid));
}

/* A finding shows on the pod that it is about and on every pod related to it. */
static bool concerns(const struct finding *finding, const struct pod *pod)
{
    if (is_pod(&finding->object, pod)) {
        return true;
    }
    for (size_t i = 0; i < finding->related_count; i++) {
        if (is_pod(&finding->related[i], pod)) {
            return true;
        }
    }
    return false;
}

/* Returns false where the code is told already: the worst of one code is, and the status has them all. */
static bool put_finding(struct map *wanted, const struct finding *finding)
{
    cleanup_free char *name = xasprintf(ANNOTATION_PREFIX "finding.%s", finding->code);
    if (map_get(wanted, name)) {
        return false;
    }
    cleanup_free char *sentence = text_is_empty(finding->action)
                                      ? xstrdup(finding->message)
                                      : xasprintf("%s %s", finding->message, finding->action);
    char cut[BOUND_SENTENCE_BYTES];
    text_copy_cut(cut, sizeof cut, sentence);
    map_put(wanted, name, xstrdup(cut));
    return true;
}

static void put_maintenance(struct map *wanted, const struct cluster *cluster)
{
    char until[CLOCK_TEXT_SIZE];
    clock_format_seconds(cluster->resource->maintenance_until_us, until);
    const char *reason = cluster->resource->maintenance_reason;
    map_put(wanted, ANNOTATION_PREFIX "maintenance",
            reason ? xasprintf("until %s: %s", until, reason) : xasprintf("until %s", until));
}

struct map *annotations_wanted(const struct cluster *cluster, const struct server *server, struct ledger *ledger,
                               struct instant now)
{
    struct map *wanted = map_new(free);
    if (cluster_in_maintenance(cluster, now)) {
        put_maintenance(wanted, cluster);
        return wanted;
    }
    enum severity worst = SEVERITY_INFO;
    cleanup_buffer struct buffer codes = BUFFER_INIT(LIST_BYTES);
    size_t count;
    struct ledger_entry *const *entries = ledger_published(ledger, &count);
    for (size_t i = 0; i < count; i++) {
        const struct finding *finding = &entries[i]->finding;
        if (entries[i]->phase != LEDGER_RAISED || !concerns(finding, server->pod)) {
            continue;
        }
        worst = finding->severity > worst ? finding->severity : worst;
        if (put_finding(wanted, finding)) { /* sorted by severity and code */
            (void) buffer_appendf(&codes, "%s%s", codes.length ? "," : "", finding->code);
        }
    }
    if (codes.length) {
        map_put(wanted, ANNOTATION_PREFIX "findings", xstrdup(buffer_text(&codes)));
    }
    if (codes.length || server->live) {
        map_put(wanted, ANNOTATION_PREFIX "status", xstrdup(worst == SEVERITY_INFO ? "healthy" : severity_name(worst)));
    }
    return wanted;
}

struct pair {
    const char *name, *value;
};

static int compare_pairs(const void *a, const void *b)
{
    return strcmp(((const struct pair *) a)->name, ((const struct pair *) b)->name);
}

char *annotations_text(const struct map *wanted)
{
    size_t count = 0;
    cleanup_free struct pair *pairs = xcalloc(map_count(wanted) + 1, sizeof *pairs);
    for (const struct map_entry *at = map_first(wanted); at; at = map_next(at)) {
        pairs[count++] = (struct pair){map_key(at), map_value(at)};
    }
    qsort(pairs, count, sizeof *pairs, compare_pairs);
    struct buffer text = BUFFER_INIT(TEXT_BYTES);
    for (size_t i = 0; i < count; i++) {
        (void) buffer_appendf(&text, "%s=%s\n", pairs[i].name, pairs[i].value);
    }
    return buffer_take(&text);
}

char *annotations_observed_text(const struct pod *pod)
{
    struct buffer text = BUFFER_INIT(TEXT_BYTES);
    record_list_each (const struct record_pair *, pair, &pod->annotations) {
        if (text_starts_with(pair->key, ANNOTATION_PREFIX)) {
            (void) buffer_appendf(&text, "%s=%s\n", pair->key, pair->value ? pair->value : "");
        }
    }
    return buffer_take(&text);
}

struct json_object *annotations_apply_body(const struct pod *pod, const struct map *wanted)
{
    struct json_object *object = json_object_new_object();
    json_add_text(object, "apiVersion", "v1");
    json_add_text(object, "kind", "Pod");
    struct json_object *metadata = json_add_object(object, "metadata");
    json_add_text(metadata, "name", pod->meta.name);
    json_add_text(metadata, "namespace", pod->meta.namespace_name);
    json_add_text(metadata, "uid", pod->meta.uid);
    struct json_object *annotations = json_add_object(metadata, "annotations");
    for (const struct map_entry *at = map_first(wanted); at; at = map_next(at)) {
        json_add_text(annotations, map_key(at), map_value(at));
    }
    return object;
}
