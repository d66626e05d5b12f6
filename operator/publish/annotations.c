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

/* The findings that are about a pod or related to it, in the ledger's order. */
struct concern {
    const struct finding **findings;
    size_t count, capacity;
};

struct annotation_index {
    struct map *concerns; /* "namespace/name" of a pod -> struct concern */
};

static void concern_free(void *value)
{
    struct concern *concern = value;
    free(concern->findings);
    free(concern);
}

static char *pod_name(const char *namespace_name, const char *name)
{
    return xasprintf("%s/%s", namespace_name ? namespace_name : "", name ? name : "");
}

static void index_reference(struct annotation_index *index, const struct object_reference *reference,
                            const struct finding *finding)
{
    if (!text_equal(reference->kind, "Pod")) {
        return;
    }
    cleanup_free char *name = pod_name(reference->namespace_name, reference->name);
    struct concern *concern = map_get(index->concerns, name);
    if (!concern) {
        concern = xcalloc(1, sizeof *concern);
        map_put(index->concerns, name, concern);
    }
    if (concern->count && concern->findings[concern->count - 1] == finding) {
        return;
    }
    if (concern->count == concern->capacity) {
        concern->capacity = concern->capacity ? 2 * concern->capacity : 4;
        concern->findings = xrealloc(concern->findings, concern->capacity, sizeof(*concern->findings));
    }
    concern->findings[concern->count++] = finding;
}

struct annotation_index *annotation_index_new(struct ledger *ledger)
{
    struct annotation_index *index = xcalloc(1, sizeof *index);
    index->concerns = map_new(concern_free);
    size_t count;
    struct ledger_entry *const *entries = ledger_published(ledger, &count);
    for (size_t i = 0; i < count; i++) {
        const struct finding *finding = &entries[i]->finding;
        if (entries[i]->phase != LEDGER_RAISED) {
            continue;
        }
        index_reference(index, &finding->object, finding);
        for (size_t j = 0; j < finding->related_count; j++) {
            index_reference(index, &finding->related[j], finding);
        }
    }
    return index;
}

void annotation_index_free(struct annotation_index *index)
{
    if (index) {
        map_free(index->concerns);
        free(index);
    }
}

/* A pod of the same name may have come in the place of the one that is meant. */
static bool concerns(const struct finding *finding, const struct pod *pod)
{
    bool does = is_pod(&finding->object, pod);
    for (size_t i = 0; !does && i < finding->related_count; i++) {
        does = is_pod(&finding->related[i], pod);
    }
    return does;
}

/* Of one code the worst is told, and rather one that is about the pod itself; the status has them all. */
static void choose(struct map *chosen, const struct finding *finding, const struct pod *pod)
{
    const struct finding *before = map_get(chosen, finding->code);
    bool is_own = is_pod(&finding->object, pod);
    if (!before || (is_own && finding->severity == before->severity && !is_pod(&before->object, pod))) {
        map_put(chosen, finding->code, (void *) finding);
    }
}

static void put_finding(struct map *wanted, const struct finding *finding)
{
    cleanup_free char *name = xasprintf(ANNOTATION_PREFIX "finding.%s", finding->code);
    cleanup_free char *sentence = text_is_empty(finding->action)
                                      ? xstrdup(finding->message)
                                      : xasprintf("%s %s", finding->message, finding->action);
    char cut[BOUND_SENTENCE_BYTES];
    text_copy_cut(cut, sizeof cut, sentence);
    map_put(wanted, name, xstrdup(cut));
}

static void put_maintenance(struct map *wanted, const struct cluster *cluster)
{
    char until[CLOCK_TEXT_SIZE];
    clock_format_seconds(cluster->resource->maintenance_until_us, until);
    const char *reason = cluster->resource->maintenance_reason;
    map_put(wanted, ANNOTATION_PREFIX "maintenance",
            reason ? xasprintf("until %s: %s", until, reason) : xasprintf("until %s", until));
}

/* What is told on a pod: a finding per code, the worst first. The map borrows. */
static struct map *chosen_findings(const struct annotation_index *index, const struct pod *pod)
{
    struct map *chosen = map_new(NULL);
    cleanup_free char *name = pod_name(pod->meta.namespace_name, pod->meta.name);
    const struct concern *concern = map_get(index->concerns, name);
    for (size_t i = 0; concern && i < concern->count; i++) {
        if (concerns(concern->findings[i], pod)) {
            choose(chosen, concern->findings[i], pod);
        }
    }
    return chosen;
}

struct map *annotations_wanted(const struct cluster *cluster, const struct server *server,
                               const struct annotation_index *index, struct instant now)
{
    struct map *wanted = map_new(free);
    if (cluster_in_maintenance(cluster, now)) {
        put_maintenance(wanted, cluster);
        return wanted;
    }
    enum severity worst = SEVERITY_INFO;
    cleanup_buffer struct buffer codes = BUFFER_INIT(LIST_BYTES);
    struct map *chosen = chosen_findings(index, server->pod);
    for (const struct map_entry *at = map_first(chosen); at; at = map_next(at)) {
        const struct finding *finding = map_value(at);
        worst = finding->severity > worst ? finding->severity : worst;
        put_finding(wanted, finding);
        (void) buffer_appendf(&codes, "%s%s", codes.length ? "," : "", finding->code);
    }
    map_free(chosen);
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
