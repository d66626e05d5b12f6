#include "output_sarif.h"

#include <inttypes.h>
#include <string.h>

#include "file_uri.h"
#include "output_json.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

#define SARIF_SCHEMA "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#define FINGERPRINT  "finding/v1"

static const char *const levels[] = {
    [SEVERITY_INFO] = "note",
    [SEVERITY_WARNING] = "warning",
    [SEVERITY_ERROR] = "error",
};

/* Takes over `item`. */
static void append(struct json_object *array, struct json_object *item)
{
    if (json_object_array_add(array, item) != 0) {
        abort();
    }
}

static struct json_object *append_object(struct json_object *array)
{
    struct json_object *item = json_object_new_object();
    append(array, item);
    return item;
}

static void add_message(struct json_object *parent, const char *name, const char *text)
{
    json_add_text(json_add_object(parent, name), "text", text);
}

/* --- the rules --- */

/* "a server has no key" as "A server has no key.". Owned. */
static char *sentence_of(const char *clause)
{
    char *sentence = xasprintf("%s.", clause);
    sentence[0] = (char) (sentence[0] >= 'a' && sentence[0] <= 'z' ? sentence[0] - 'a' + 'A' : sentence[0]);
    return sentence;
}

static void add_rule(struct json_object *rules, const struct check_row *row)
{
    struct json_object *rule = append_object(rules);
    json_add_text(rule, "id", row->code);
    json_add_text(rule, "name", row->code);
    cleanup_free char *sentence = sentence_of(row->summary);
    add_message(rule, "shortDescription", sentence);
    add_message(rule, "fullDescription", sentence);
    cleanup_free char *page = xasprintf("docs/findings/%s.md", row->code);
    cleanup_free char *help =
        xasprintf("%s The page %s of proget-operator tells what it means, what it costs, how to look closer, how to "
                  "mend it and how to leave it out.",
                  sentence, page);
    add_message(rule, "help", help);
    json_add_text(json_add_object(rule, "defaultConfiguration"), "level", levels[row->severity]);
    struct json_object *properties = json_add_object(rule, "properties");
    json_add_text(properties, "page", page);
    struct json_object *tags = json_add_array(properties, "tags");
    append(tags, json_object_new_string("kubernetes"));
    append(tags, json_object_new_string("proget"));
}

static void add_tool(struct json_object *run)
{
    struct json_object *driver = json_add_object(json_add_object(run, "tool"), "driver");
    json_add_text(driver, "name", "kubectl-proget");
    json_add_text(driver, "version", PROGET_VERSION);
    json_add_text(driver, "semanticVersion", PROGET_VERSION);
    struct json_object *rules = json_add_array(driver, "rules");
    size_t count;
    const struct check_row *rows = catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        add_rule(rules, &rows[i]);
    }
}

/* --- places --- */

static void add_physical_location(struct json_object *parent, const struct location *location)
{
    struct json_object *physical = json_add_object(parent, "physicalLocation");
    struct json_object *artifact = json_add_object(physical, "artifactLocation");
    cleanup_free char *uri = file_uri(location->file);
    json_add_text(artifact, "uri", uri);
    if (text_equal(location->file, LOCATION_STANDARD_INPUT)) {
        add_message(artifact, "description", LOCATION_STANDARD_INPUT);
    }
    if (location->line > 0) {
        struct json_object *region = json_add_object(physical, "region");
        json_add_int64(region, "startLine", (int64_t) location->line);
        json_add_int64(region, "startColumn", (int64_t) location->column);
    }
}

/* An object where it was read (NULL: nowhere), and by its name. */
static void add_location(struct json_object *target, const struct location *location,
                         const struct object_reference *object)
{
    if (location) {
        add_physical_location(target, location);
    }
    struct json_object *logical = append_object(json_add_array(target, "logicalLocations"));
    const char *namespace_name = object->namespace_name ? object->namespace_name : "";
    cleanup_free char *name =
        xasprintf("%s/%s%s%s", object->kind, namespace_name, *namespace_name ? "/" : "", object->name);
    json_add_text(logical, "name", object->name);
    json_add_text(logical, "fullyQualifiedName", name);
    json_add_text(logical, "kind", "resource");
}

static void add_related(struct json_object *item, const struct audit_result *result, const struct finding *finding)
{
    if (finding->related_count == 0) {
        return;
    }
    struct json_object *related = json_add_array(item, "relatedLocations");
    for (size_t i = 0; i < finding->related_count; i++) {
        const struct object_reference *object = &finding->related[i];
        struct json_object *place = append_object(related);
        json_add_int64(place, "id", (int64_t) i + 1);
        add_location(place, result->input ? location_of_object(result->input->locations, object) : NULL, object);
        cleanup_free char *text = xasprintf("%s %s", object->kind, object->name);
        add_message(place, "message", text);
    }
}

/* --- results --- */

static void add_fingerprint(struct json_object *item, const struct cluster *cluster, const struct finding *finding)
{
    cleanup_free char *identity = xasprintf("%s/%s %s", cluster->namespace_name, cluster->name, finding->key);
    char digits[2 * sizeof(uint64_t) + 1];
    (void) snprintf(digits, sizeof digits, "%016" PRIx64, text_hash(TEXT_HASH_SEED, identity, strlen(identity)));
    json_add_text(json_add_object(item, "partialFingerprints"), FINGERPRINT, digits);
}

static void add_properties(struct json_object *item, const struct cluster *cluster, const struct finding *finding)
{
    struct json_object *properties = json_add_object(item, "properties");
    struct json_object *owner = json_add_object(properties, "cluster");
    json_add_text(owner, "namespace", cluster->namespace_name);
    json_add_text(owner, "name", cluster->name);
    json_add_text(properties, "severity", severity_name(finding->severity));
    json_add_text(properties, "cause", finding->cause);
    json_add_text(properties, "action", finding->action);
    json_add_time(properties, "since", finding->true_since_us);
}

/* `reason` NULL: not left out. Either all results of a run have `suppressions`, or none. */
static void add_result(struct json_object *results, const struct audit_result *result, const struct cluster *cluster,
                       const struct finding *finding, const char *reason)
{
    size_t count;
    const struct check_row *rows = catalogue(&count), *row = catalogue_find(finding->code);
    struct json_object *item = append_object(results);
    json_add_text(item, "ruleId", finding->code);
    if (row) {
        json_add_int64(item, "ruleIndex", row - rows);
    }
    json_add_text(item, "level", levels[finding->severity]);
    cleanup_free char *text = xasprintf("%s To do: %s", finding->message, finding->action);
    add_message(item, "message", text);
    add_location(append_object(json_add_array(item, "locations")),
                 result->input ? location_of_finding(result->input->locations, cluster, finding) : NULL,
                 &finding->object);
    add_related(item, result, finding);
    add_fingerprint(item, cluster, finding);
    struct json_object *suppressions = json_add_array(item, "suppressions");
    if (reason) {
        struct json_object *suppression = append_object(suppressions);
        json_add_text(suppression, "kind", "inSource"); /* an annotation or spec.ignore, in the objects themselves */
        json_add_text(suppression, "status", "accepted");
        json_add_text(suppression, "justification", reason);
    }
    add_properties(item, cluster, finding);
}

static void add_results(struct json_object *run, const struct audit_result *result)
{
    struct json_object *results = json_add_array(run, "results");
    for (size_t i = 0; i < result->clusters.count; i++) {
        const struct cluster *cluster = &result->clusters.items[i];
        const struct finding_list *list = &result->findings[i];
        for (size_t k = 0; k < list->count; k++) {
            add_result(results, result, cluster, &list->items[k], NULL);
        }
        for (size_t k = 0; k < list->suppressed_count; k++) {
            const struct suppressed_finding *suppressed = &list->suppressed[k];
            add_result(results, result, cluster, &suppressed->finding, suppressed->reason);
        }
    }
}

/* --- the invocation --- */

static struct json_object *add_notification(struct json_object *notifications, const char *level, const char *text)
{
    struct json_object *notification = append_object(notifications);
    json_add_text(notification, "level", level);
    add_message(notification, "message", text);
    return notification;
}

static void add_problems(struct json_object *notifications, const struct audit_result *result)
{
    for (size_t i = 0; result->input && i < result->input->problem_count; i++) {
        const struct input_problem *problem = &result->input->problems[i];
        struct json_object *notification = add_notification(notifications, "error", problem->text);
        if (problem->where.file) {
            add_physical_location(append_object(json_add_array(notification, "locations")), &problem->where);
        }
    }
}

static void add_invocation(struct json_object *run, const struct audit_result *result)
{
    struct json_object *invocation = append_object(json_add_array(run, "invocations"));
    json_add_bool(invocation, "executionSuccessful", !result->is_partial);
    struct json_object *notifications = json_add_array(invocation, "toolExecutionNotifications");
    add_problems(notifications, result);
    if (result->clusters.count == 0 && !result->is_partial) {
        (void) add_notification(notifications, "warning", AUDIT_FOUND_NONE);
    }
    for (size_t i = 0; i < result->clusters.count; i++) {
        if (result->findings[i].dropped > 0) {
            cleanup_free char *text = xasprintf("%zu more findings of cluster %s are not listed",
                                                result->findings[i].dropped, result->clusters.items[i].name);
            (void) add_notification(notifications, "warning", text);
        }
    }
    for (size_t i = 0; i < result->unobserved_count; i++) {
        const struct unobserved *fact = &result->unobserved[i];
        cleanup_free char *text = xasprintf("Not observed, so not judged: %s (%s)", fact->what, fact->why);
        (void) add_notification(notifications, "note", text);
    }
}

struct json_object *output_sarif_tree(const struct audit_result *result)
{
    struct json_object *tree = json_object_new_object();
    json_add_text(tree, "$schema", SARIF_SCHEMA);
    json_add_text(tree, "version", "2.1.0");
    struct json_object *run = append_object(json_add_array(tree, "runs"));
    add_tool(run);
    json_add_text(run, "columnKind", "unicodeCodePoints");
    add_invocation(run, result);
    add_results(run, result);
    return tree;
}

void output_sarif(const struct audit_result *result, FILE *target)
{
    cleanup_json struct json_object *tree = output_sarif_tree(result);
    output_json_value(tree, target);
}
