#include "publish/status.h"

#include <stdio.h>

#include "model_fixture.h"
#include "proget/checks/evaluation.h"
#include "publish/member.h"

#define CLUSTER(more_spec, status)                                                                              \
    "{'metadata': {'namespace': 'proget', 'name': 'main', 'uid': 'c1', 'generation': 7}, 'spec': {'selector': " \
    "{'matchLabels': {'app': 'proget'}}" more_spec "}, 'status': {" status "}}"
#define SIDECAR ", 'initContainers': [{'name': 'proget-sidecar', 'image': 'proget-sidecar:1'}]"

struct world {
    struct model *model;
    struct ledger *ledger;
    struct status_times times;
    int64_t seconds;                       /* now */
    struct suppressed_finding *suppressed; /* in place of the evaluation's, unless NULL */
    size_t suppressed_count;
};

static int setup(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    world->model = fixture_live();
    world->ledger = ledger_new();
    fixture_put(world->model, MODEL_CLUSTERS, CLUSTER("", ""));
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    model_free(world->model);
    ledger_free(world->ledger);
    free(world);
    return 0;
}

static void put_pod(struct world *world, const char *name, const char *more_meta, const char *more_spec,
                    const char *status)
{
    cleanup_free char *pod = fixture_pod(name, more_meta, more_spec, status);
    fixture_put(world->model, MODEL_PODS, pod);
}

static void put_lease(struct world *world, const char *pod, const char *report)
{
    char renewed[CLOCK_TEXT_SIZE];
    clock_format_micros(fixture_after(world->seconds).wall_us, renewed);
    cleanup_free char *lease = xasprintf(
        "{'metadata': {'namespace': 'proget', 'name': 'proget-%s', 'uid': 'l-%s', 'ownerReferences': [{'apiVersion': "
        "'v1', 'kind': 'Pod', 'name': '%s', 'uid': 'uid-%s'}]}, 'spec': {'holderIdentity': '%s', "
        "'leaseDurationSeconds': 300, 'renewTime': '%s'}}",
        pod, pod, pod, pod, pod, renewed);
    cleanup_json struct json_object *json = fixture_json(lease);
    json_add_text(json_add_object(json_at(json, "metadata"), "annotations"), REPORT_ANNOTATION, report);
    struct error err;
    assert_true(store_upsert(model_store(world->model, MODEL_LEASES), json, fixture_after(world->seconds), &err) >= 0);
}

static void on_change(const struct ledger_entry *entry, enum ledger_change change, const char *why, void *userdata)
{
    (void) entry;
    (void) change;
    (void) why;
    (void) userdata;
}

static bool exists(const struct object_reference *object, void *userdata)
{
    (void) object;
    (void) userdata;
    return true;
}

static void see(struct world *world, struct finding *findings, size_t count)
{
    struct finding_list list = {.items = findings, .count = count};
    (void) ledger_update(world->ledger, &list, fixture_after(world->seconds),
                         &(struct ledger_callbacks){.on_change = on_change, .exists = exists});
    ledger_acknowledge(world->ledger, ledger_send(world->ledger));
}

static struct finding finding_of(const char *key, const char *code, enum severity severity, const char *pod)
{
    return (struct finding){
        .code = code,
        .severity = severity,
        .object = {"v1", "Pod", "proget", pod, "u"},
        .message = "It is so.",
        .action = "Do it.",
        .key = key,
    };
}

/* What the checks say is left aside: the ledger holds what the test put there. */
static struct json_object *build(struct world *world)
{
    struct instant now = fixture_after(world->seconds);
    struct cluster_list clusters;
    model_assemble(world->model, now, &clusters);
    struct cluster *cluster = (struct cluster *) fixture_cluster(&clusters, "main");
    struct history *history = model_history(world->model, cluster->resource);
    cluster->history = history;
    (void) history_observe(history, world->model, cluster, now);
    struct finding_list findings;
    evaluation_run(world->model, cluster, now, &findings);
    struct suppressed_finding *suppressed = findings.suppressed;
    size_t suppressed_count = findings.suppressed_count;
    if (world->suppressed) {
        findings.suppressed = world->suppressed;
        findings.suppressed_count = world->suppressed_count;
    }
    struct json_object *object = status_build(
        &(struct status_input){
            .model = world->model, .cluster = cluster, .findings = &findings, .ledger = world->ledger, .now = now},
        &world->times);
    findings.suppressed = suppressed;
    findings.suppressed_count = suppressed_count;
    finding_list_free(&findings);
    cluster_list_free(&clusters);
    return object;
}

static struct json_object *row_named(struct json_object *object, const char *list_path, const char *member,
                                     const char *value)
{
    struct json_object *list = json_at(object, list_path);
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        struct json_object *row = json_object_array_get_idx(list, i);
        if (text_equal(json_text_at(row, member, NULL), value)) {
            return row;
        }
    }
    fail_msg("no %s %s in %s", member, value, json_text(object));
    return NULL;
}

static struct json_object *condition(struct json_object *object, const char *type)
{
    return row_named(object, "status.conditions", "type", type);
}

static void assert_condition(struct json_object *object, const char *type, const char *status, int64_t since_seconds)
{
    char since[CLOCK_TEXT_SIZE];
    clock_format_seconds(fixture_after(since_seconds).wall_us, since);
    assert_string_equal(json_text_at(condition(object, type), "status", "-"), status);
    assert_string_equal(json_text_at(condition(object, type), "lastTransitionTime", "-"), since);
}

/* --- the whole --- */

static void names_its_object_and_its_generation(void **state)
{
    struct world *world = *state;
    put_pod(world, "p0", "", "", "{'phase': 'Running'}");
    put_pod(world, "p1", ", 'deletionTimestamp': '2026-11-22T07:00:00Z'", "", "{'phase': 'Running'}");
    cleanup_json struct json_object *object = build(world);
    assert_string_equal(json_text_at(object, "apiVersion", "-"), CLUSTER_API_VERSION);
    assert_string_equal(json_text_at(object, "kind", "-"), CLUSTER_KIND);
    assert_string_equal(json_text_at(object, "metadata.namespace", "-"), "proget");
    assert_string_equal(json_text_at(object, "metadata.name", "-"), "main");
    assert_string_equal(json_text_at(object, "metadata.uid", "-"), "c1");
    assert_null(json_at(object, "spec"));
    assert_int_equal(json_int64_at(object, "status.observedGeneration", 0), 7);
    assert_int_equal(json_int64_at(object, "status.servers", 0), 1);
    assert_int_equal(json_int64_at(object, "status.healthyServers", 0), 1);
    assert_string_equal(json_text_at(object, "status.summary", "-"), "none");
    assert_int_equal(json_object_array_length(json_at(object, "status.conditions")), EVALUATION_CONDITION_COUNT);
    assert_int_equal(json_int64_at(condition(object, "Ready"), "observedGeneration", 0), 7);
    assert_int_equal(json_object_array_length(json_at(object, "status.members")), 1);
    assert_int_equal(json_object_array_length(json_at(object, "status.findings")), 0);
}

static void what_does_not_change_is_the_same_text(void **state)
{
    struct world *world = *state;
    put_pod(world, "p0", "", "", "{'phase': 'Running'}");
    struct finding finding = finding_of("k", "VersionMismatch", SEVERITY_ERROR, "p0");
    see(world, &finding, 1);
    cleanup_json struct json_object *first = build(world);
    world->seconds = 60;
    see(world, &finding, 1);
    cleanup_json struct json_object *second = build(world);
    assert_string_equal(json_text(first), json_text(second));
}

/* --- conditions --- */

static void a_condition_has_its_time_until_it_turns(void **state)
{
    struct world *world = *state;
    put_pod(world, "p0", "", "", "{'phase': 'Running'}");
    cleanup_json struct json_object *first = build(world);
    assert_condition(first, "VersionInSync", "True", 0);
    world->seconds = 100;
    struct finding finding = finding_of("k", "VersionMismatch", SEVERITY_ERROR, "p0");
    see(world, &finding, 1);
    cleanup_json struct json_object *turned = build(world);
    assert_condition(turned, "VersionInSync", "False", 100);
    assert_condition(turned, "ServersSpread", "True", 0);
    assert_string_equal(json_text_at(condition(turned, "VersionInSync"), "reason", "-"), "VersionMismatch");
    world->seconds = 200;
    finding.message = "It is so, and more of it.";
    see(world, &finding, 1);
    cleanup_json struct json_object *reworded = build(world);
    assert_condition(reworded, "VersionInSync", "False", 100);
    assert_non_null(strstr(json_text_at(condition(reworded, "VersionInSync"), "message", ""), "more of it"));
    world->seconds = 300;
    see(world, NULL, 0); /* cleared: its end is still to be announced, and it stands no more */
    cleanup_json struct json_object *back = build(world);
    assert_condition(back, "VersionInSync", "True", 300);
    assert_int_equal(json_object_array_length(json_at(back, "status.findings")), 1);
}

static void a_restart_keeps_times_and_words(void **state)
{
    struct world *world = *state;
    put_pod(world, "p0", "", "", "{'phase': 'Running'}");
    (void) json_object_put(build(world));
    world->seconds = 100;
    struct object_reference related[] = {{"v1", "Node", NULL, "node-a", "n"}, {"v1", "Pod", "proget", "p1", "u1"}};
    struct finding findings[] = {finding_of("k", "VersionMismatch", SEVERITY_ERROR, "p0"),
                                 finding_of("e", "Evicted", SEVERITY_WARNING, "p0")};
    findings[0].related = related;
    findings[0].related_count = array_length(related);
    findings[1].cause = "NodePressure";
    findings[1].occurrence = "u";
    see(world, findings, array_length(findings));
    size_t count;
    assert_true(ledger_announced(world->ledger, ledger_published(world->ledger, &count)[0]->id, LEDGER_RAISED,
                                 fixture_after(100)));
    cleanup_json struct json_object *before = build(world);

    cleanup_json struct json_object *read = fixture_json(CLUSTER("", ""));
    json_object_object_add(read, "status", json_object_get(json_at(before, "status")));
    struct error err;
    struct model *restarted = fixture_live();
    assert_true(store_upsert(model_store(restarted, MODEL_CLUSTERS), read, fixture_after(500), &err) >= 0);
    model_free(world->model);
    ledger_free(world->ledger);
    world->model = restarted;
    world->ledger = ledger_new();
    world->times = (struct status_times){0};
    world->seconds = 500;
    put_pod(world, "p0", "", "", "{'phase': 'Running'}");
    struct cluster_list clusters;
    model_assemble(world->model, fixture_after(500), &clusters);
    ledger_load(world->ledger, fixture_cluster(&clusters, "main")->resource, fixture_after(500));
    cluster_list_free(&clusters);
    cleanup_json struct json_object *after = build(world);
    assert_string_equal(json_text(after), json_text(before));
    assert_condition(after, "VersionInSync", "False", 100);
    assert_condition(after, "ServersSpread", "True", 0);
    struct ledger_entry *const *entries = ledger_published(world->ledger, &count);
    assert_int_equal(count, 2);
    assert_true(entries[0]->announced);
    assert_false(entries[1]->announced);
}

static void a_restart_into_another_state_is_a_turn(void **state)
{
    struct world *world = *state;
    fixture_put(world->model, MODEL_CLUSTERS,
                CLUSTER("", "'conditions': [{'type': 'VersionInSync', 'status': 'False', 'reason': 'VersionMismatch', "
                            "'message': 'm', 'lastTransitionTime': '2026-11-22T05:00:00Z'}, {'type': 'ServersSpread', "
                            "'status': 'True', 'reason': 'NoFindings', 'message': 'm', 'lastTransitionTime': "
                            "'2026-11-22T05:00:00Z'}, {'type': 'Observed', 'status': 'False'}]"));
    put_pod(world, "p0", "", "", "{'phase': 'Running'}");
    world->seconds = 10;
    cleanup_json struct json_object *object = build(world);
    assert_condition(object, "VersionInSync", "True", 10);
    assert_condition(object, "ServersSpread", "True", -7200);
    assert_condition(object, "Observed", "False", 10); /* it had no time */
}

/* --- findings --- */

static void the_summary_counts_what_stands(void **state)
{
    static const struct {
        size_t errors, warnings, infos;
        const char *summary;
    } cases[] = {
        {0, 0, 0, "none"},
        {1, 0, 0, "1 error"},
        {0, 1, 0, "1 warning"},
        {0, 0, 1, "1 info"},
        {1, 2, 0, "1 error, 2 warnings"},
        {2, 0, 2, "2 errors, 2 infos"},
        {3, 1, 1, "3 errors, 1 warning, 1 info"},
    };
    struct world *world = *state;
    put_pod(world, "p0", "", "", "{'phase': 'Running'}");
    for (size_t i = 0; i < array_length(cases); i++) {
        struct finding findings[8];
        char keys[8][64];
        const size_t totals[] = {cases[i].infos, cases[i].warnings, cases[i].errors};
        size_t count = 0;
        for (int severity = SEVERITY_INFO; severity <= SEVERITY_ERROR; severity++) {
            for (size_t j = 0; j < totals[severity]; j++, count++) {
                (void) snprintf(keys[count], sizeof keys[count], "%zu/%d/%zu", i, severity, j);
                findings[count] = finding_of(keys[count], "QosNotGuaranteed", (enum severity) severity, "p0");
            }
        }
        see(world, findings, count); /* those of the case before are cleared, and count no more */
        cleanup_json struct json_object *object = build(world);
        assert_string_equal(json_text_at(object, "status.summary", "-"), cases[i].summary);
    }
}

/* Longest of everything that the API server lets through; names[i] differ. */
struct many {
    struct finding findings[BOUND_FINDINGS_PUBLISHED];
    char names[BOUND_FINDINGS_PUBLISHED][254];
    char keys[BOUND_FINDINGS_PUBLISHED][24];
    char namespace_name[64], uid[37], sentence[BOUND_SENTENCE_BYTES];
    struct object_reference related[BOUND_RELATED];
    char related_names[BOUND_RELATED][254];
};

static void fill_text(char *text, size_t size, char filler, size_t number)
{
    memset(text, filler, size - 1);
    text[size - 1] = '\0';
    char digits[8];
    (void) snprintf(digits, sizeof digits, "%zu", number);
    memcpy(text, digits, strlen(digits));
}

static struct many *many_new(size_t count)
{
    struct many *many = xcalloc(1, sizeof *many);
    fill_text(many->namespace_name, sizeof many->namespace_name, 'n', 0);
    fill_text(many->uid, sizeof many->uid, 'u', 0);
    fill_text(many->sentence, sizeof many->sentence, 's', 0);
    for (size_t i = 0; i < array_length(many->related); i++) {
        fill_text(many->related_names[i], sizeof many->related_names[i], 'r', i);
        many->related[i] =
            (struct object_reference){"v1", "Pod", many->namespace_name, many->related_names[i], many->uid};
    }
    for (size_t i = 0; i < count; i++) {
        fill_text(many->names[i], sizeof many->names[i], 'p', i);
        (void) snprintf(many->keys[i], sizeof many->keys[i], "%zu", i);
        many->findings[i] = (struct finding){
            .code = "DisruptionBudgetBlocksDrain",
            .severity = i % 2 ? SEVERITY_ERROR : SEVERITY_WARNING,
            .object = {"apps/v1", "StatefulSet", many->namespace_name, many->names[i], many->uid},
            .related = many->related,
            .related_count = array_length(many->related),
            .cause = "NodePressure",
            .occurrence = many->uid,
            .message = many->sentence,
            .action = many->sentence,
            .key = many->keys[i],
        };
    }
    return many;
}

static void five_hundred_findings_fit_into_an_object(void **state)
{
    struct world *world = *state;
    put_pod(world, "p0", "", "", "{'phase': 'Running'}");
    struct many *many = many_new(array_length(many->findings));
    see(world, many->findings, array_length(many->findings));
    cleanup_json struct json_object *object = build(world);
    size_t bytes = strlen(json_text(object));
    assert_in_range(bytes, 512 * 1024, 1536 * 1024);
    struct json_object *rows = json_at(object, "status.findings");
    assert_int_equal(json_object_array_length(rows), array_length(many->findings));
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        struct json_object *row = json_object_array_get_idx(rows, i);
        const char *id = json_text_at(row, "id", "");
        assert_int_equal(strlen(id), LEDGER_ID_SIZE - 1);
        assert_non_null(ledger_find(world->ledger, id));
        assert_string_equal(json_text_at(row, "severity", "-"), i < 256 ? "error" : "warning"); /* worst first */
        assert_true(text_ends_with(json_text_at(row, "message", ""), "..."));
        assert_int_equal(strlen(json_text_at(row, "object.name", "")), 253);
    }
    free(many);
}

/* The bound is the store's for the whole object: servers with the longest names and all that is left out count too. */
static void the_largest_cluster_fits_into_an_object(void **state)
{
    struct world *world = *state;
    struct many *many = many_new(array_length(many->findings));
    for (size_t i = 0; i < BOUND_SERVERS_PER_CLUSTER; i++) {
        char name[254], node[254];
        fill_text(name, sizeof name, 'p', i);
        fill_text(node, sizeof node, 'n', i);
        cleanup_free char *more_spec = xasprintf(SIDECAR ", 'nodeName': '%s'", node);
        put_pod(world, name, "", more_spec, "{'phase': 'Running', 'podIP': 'fd00:1234:5678:9abc:def0:1234:5678:9abc'}");
        put_lease(world, name,
                  "{\"v\":1,\"version\":\"2025.13 (Build 2)\",\"os\":\"Debian GNU/Linux 12 (bookworm)\",\"health\":"
                  "{\"state\":\"ok\",\"license\":\"OK\",\"service\":\"OK\"},\"key\":{\"fingerprint\":\"hmac-sha256:"
                  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"},\"machine\":{\"id\":\"sha256:"
                  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}}");
    }
    see(world, many->findings, array_length(many->findings));
    struct suppressed_finding *suppressed = xcalloc(array_length(many->findings), sizeof *suppressed);
    for (size_t i = 0; i < array_length(many->findings); i++) {
        suppressed[i] = (struct suppressed_finding){.finding = many->findings[i], .reason = many->sentence};
    }
    world->suppressed = suppressed;
    world->suppressed_count = array_length(many->findings);
    cleanup_json struct json_object *object = build(world);
    assert_int_equal(json_object_array_length(json_at(object, "status.members")), BOUND_SERVERS_PER_CLUSTER);
    assert_int_equal(json_object_array_length(json_at(object, "status.findings")), array_length(many->findings));
    assert_int_equal(json_object_array_length(json_at(object, "status.suppressed")), array_length(many->findings));
    assert_in_range(strlen(json_text(object)), 512 * 1024, 1536 * 1024);
    free(suppressed);
    free(many);
}

static void a_few_findings_are_told_in_full(void **state)
{
    struct world *world = *state;
    struct many *many = many_new(64);
    see(world, many->findings, 64);
    cleanup_json struct json_object *object = build(world);
    struct json_object *row = json_object_array_get_idx(json_at(object, "status.findings"), 0);
    assert_int_equal(json_object_array_length(json_at(row, "related")), BOUND_RELATED);
    assert_string_equal(json_text_at(row, "message", ""), many->sentence);
    assert_string_equal(json_text_at(row, "action", ""), many->sentence);
    assert_string_equal(json_text_at(row, "cause", ""), "NodePressure");
    assert_string_equal(json_text_at(row, "occurrence", ""), many->uid);
    assert_string_equal(json_text_at(row, "since", ""), "2026-11-22T07:00:00.000000Z");
    assert_false(json_bool_at(row, "announced", true));
    assert_null(json_at(row, "cleared"));
    free(many);
}

/* What it remembers of the number of servers, and of those that may still run, a restarted operator reads again. */
static void the_memory_of_size_and_ends_comes_back(void **state)
{
    struct world *world = *state;
    put_pod(world, "p0", "", "", "{'phase': 'Running'}");
    cleanup_json struct json_object *first = build(world);
    assert_int_equal(json_object_array_length(json_at(first, "status.sizeChanges")), 0);
    assert_int_equal(json_object_array_length(json_at(first, "status.unconfirmedEnds")), 0);
    assert_null(json_at(first, "status.configuration.replicas"));
    const struct store_entry *entry = store_get(model_read(world->model, MODEL_CLUSTERS), "proget", "main");
    struct history *history =
        model_history(world->model, (const struct cluster_resource *) (const void *) entry->object);
    history->replicas = (struct record_optional_int64){.is_set = true, .value = 4};
    history->size_changes = xrealloc(history->size_changes, BOUND_SIZE_CHANGES_KEPT, sizeof *history->size_changes);
    history->size_changes[0] = (struct size_change){.time_us = fixture_after(0).wall_us - 1, .from = 2, .to = 4};
    history->size_change_count = 1;
    fixture_put(world->model, MODEL_NODES,
                "{'metadata': {'name': 'a', 'uid': 'ua'}, 'status': {'conditions': [{'type': 'Ready', 'status': "
                "'Unknown'}]}}");
    put_pod(world, "p1", ", 'deletionTimestamp': '2026-11-22T07:00:00Z'", ", 'nodeName': 'a'",
            "{'phase': 'Running', 'startTime': '2026-11-22T06:00:00Z'}");
    cleanup_json struct json_object *object = build(world);
    void *record = NULL;
    struct error err;
    assert_int_equal(record_fill(&cluster_resource_type, object, &record, NULL, &err), 0);
    struct history *again = history_new();
    history_load(again, record);
    assert_true(again->replicas.is_set);
    assert_int_equal(again->replicas.value, 4);
    assert_int_equal(again->size_change_count, 1);
    assert_true(again->size_changes[0].time_us == fixture_after(0).wall_us - 1); /* to the microsecond: its identity */
    assert_int_equal(again->size_changes[0].from, 2);
    assert_int_equal(again->size_changes[0].to, 4);
    assert_int_equal(again->end_count, 1);
    assert_string_equal(again->ends[0].pod, "p1");
    assert_string_equal(again->ends[0].node, "a");
    assert_string_equal(again->ends[0].node_uid, "ua");
    assert_true(again->ends[0].since_us == fixture_after(world->seconds).wall_us);
    history_free(again);
    free(record);
}

/* --- servers --- */

static void healthy_is_live_heard_of_and_without_error(void **state)
{
    static const struct {
        const char *name, *more_meta, *more_spec;
        bool has_lease;
        const char *code; /* NULL: no finding */
        enum severity severity;
        const char *kind; /* of the finding's object */
        int64_t healthy;
        const char *status; /* NULL: it runs */
    } cases[] = {
        {"without a sidecar", "", "", false, NULL, SEVERITY_INFO, NULL, 1, NULL},
        {"with a fresh heartbeat", "", SIDECAR, true, NULL, SEVERITY_INFO, NULL, 1, NULL},
        {"with a sidecar that never reported", "", SIDECAR, false, NULL, SEVERITY_INFO, NULL, 0, NULL},
        {"going", ", 'deletionTimestamp': '2026-11-22T07:00:00Z'", "", false, NULL, SEVERITY_INFO, NULL, 0, NULL},
        {"with an error", "", "", false, "ReactivationRequired", SEVERITY_ERROR, "Pod", 0, NULL},
        {"with a warning", "", "", false, "WebStale", SEVERITY_WARNING, "Pod", 1, NULL},
        {"with an error on something else of the name", "", "", false, "VersionMismatch", SEVERITY_ERROR, "StatefulSet",
         1, NULL},
        {"not ready", "", "", false, NULL, SEVERITY_INFO, NULL, 0,
         "{'phase': 'Running', 'conditions': [{'type': 'Ready', 'status': 'False', 'reason': 'ContainersNotReady'}]}"},
        {"ready", "", "", false, NULL, SEVERITY_INFO, NULL, 1,
         "{'phase': 'Running', 'conditions': [{'type': 'Ready', 'status': 'True'}]}"},
        {"waiting for a node", "", "", false, NULL, SEVERITY_INFO, NULL, 0, "{'phase': 'Pending'}"},
    };
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        struct world *world = NULL;
        (void) setup((void **) &world);
        put_pod(world, "p0", cases[i].more_meta, cases[i].more_spec,
                cases[i].status ? cases[i].status : "{'phase': 'Running'}");
        if (cases[i].has_lease) {
            put_lease(world, "p0", "{\"v\":1}");
        }
        struct finding finding = finding_of("k", cases[i].code, cases[i].severity, "p0");
        finding.object.kind = cases[i].kind;
        finding.object.uid = "uid-p0";
        see(world, &finding, cases[i].code ? 1 : 0);
        cleanup_json struct json_object *object = build(world);
        if (json_int64_at(object, "status.healthyServers", -1) != cases[i].healthy) {
            fail_msg("%s: %s", cases[i].name, json_text(object));
        }
        see(world, NULL, 0);
        if (cases[i].code) { /* what has cleared harms no more */
            cleanup_json struct json_object *later = build(world);
            assert_int_equal(json_int64_at(later, "status.healthyServers", -1), 1);
        }
        (void) teardown((void **) &world);
    }
}

static void a_heartbeat_that_ends_makes_unhealthy(void **state)
{
    struct world *world = *state;
    put_pod(world, "p0", "", SIDECAR, "{'phase': 'Running'}");
    put_lease(world, "p0", "{\"v\":1}");
    world->seconds = 299;
    cleanup_json struct json_object *fresh = build(world);
    assert_int_equal(json_int64_at(fresh, "status.healthyServers", -1), 1);
    world->seconds = 300;
    cleanup_json struct json_object *stale = build(world);
    assert_int_equal(json_int64_at(stale, "status.healthyServers", -1), 0);
    assert_string_equal(json_text_at(row_named(stale, "status.members", "name", "p0"), "heartbeat", "-"), "Stale");
}

static void members_show_what_their_servers_report(void **state)
{
    struct world *world = *state;
    static const char *const reports[] = {
        "{\"v\":1,\"version\":\"2025.13\",\"os\":\"Debian\",\"health\":{\"state\":\"ok\",\"license\":\"OK\","
        "\"service\":"
        "\"OK\"},\"key\":{\"fingerprint\":\"hmac-sha256:0123456789abcdef\"},\"machine\":{\"id\":\"sha256:aa\"}}",
        "{\"v\":1,\"version\":\"2025.14\",\"health\":{\"state\":\"unreachable\"},\"key\":{\"fingerprint\":"
        "\"hmac-sha256:0123456789abcdef\"}}",
    };
    put_pod(world, "p0", "", SIDECAR ", 'nodeName': 'node-a'", "{'phase': 'Running', 'podIP': '10.1.0.7'}");
    put_pod(world, "p1", "", SIDECAR, "{'phase': 'Running'}");
    put_pod(world, "p2", "", "", "{'phase': 'Running'}");
    put_lease(world, "p0", reports[0]);
    put_lease(world, "p1", reports[1]);
    cleanup_json struct json_object *object = build(world);
    assert_string_equal(json_text_at(object, "status.version", "-"), "mixed");
    struct json_object *row = row_named(object, "status.members", "name", "p0");
    assert_string_equal(json_text_at(row, "uid", "-"), "uid-p0");
    assert_string_equal(json_text_at(row, "os", "-"), "Debian");
    assert_string_equal(json_text_at(row, "ip", "-"), "10.1.0.7");
    assert_string_equal(json_text_at(row, "node", "-"), "node-a");
    assert_string_equal(json_text_at(row, "version", "-"), "2025.13");
    assert_false(json_bool_at(row, "versionInSync", true));
    assert_true(json_bool_at(row, "keyInSync", false));
    assert_string_equal(json_text_at(row, "keyFingerprint", "-"), "hmac-sha256:01234567"); /* a prefix and no more */
    assert_string_equal(json_text_at(row, "components.web.status", "-"), "OK");
    assert_string_equal(json_text_at(row, "components.service.status", "-"), "OK");
    assert_string_equal(json_text_at(row, "heartbeat", "-"), "Fresh");
    assert_string_equal(json_text_at(row, "activation", "-"), "Active");
    assert_string_equal(json_text_at(row, "machine", "-"), "sha256:aa");
    row = row_named(object, "status.members", "name", "p1");
    assert_string_equal(json_text_at(row, "components.web.status", "-"), "Error");
    assert_string_equal(json_text_at(row, "activation", "-"), "Unknown");
    row = row_named(object, "status.members", "name", "p2");
    assert_string_equal(json_text_at(row, "components.web.status", "-"), "Unknown");
    assert_null(json_at(row, "versionInSync"));
    assert_null(json_at(row, "keyInSync"));
}

/* The CRD's bounds: one text too long, and the API server refuses the whole status, with all findings in it. */
static void a_hostile_report_keeps_within_the_schema(void **state)
{
    struct world *world = *state;
    static const char *const members[] = {"version", "os", "node", "ip"};
    char word[600] = "";
    memset(word, '9', sizeof word - 1);
    cleanup_json struct json_object *report = json_object_new_object();
    json_add_int64(report, "v", 1);
    for (size_t i = 0; i < array_length(members); i++) {
        json_add_text(report, members[i], word);
    }
    struct json_object *health = json_add_object(report, "health");
    json_add_text(health, "state", "ok");
    json_add_text(health, "license", "OK");
    json_add_text(health, "service", word);
    json_add_text(health, "serviceDetail", word);
    json_add_text(json_add_object(report, "key"), "fingerprint", word);
    json_add_text(json_add_object(report, "machine"), "id", word);
    put_pod(world, "p0", "", SIDECAR ", 'nodeName': 'node-a'", "{'phase': 'Running'}");
    put_lease(world, "p0", json_text(report));
    cleanup_json struct json_object *object = build(world);
    struct json_object *row = row_named(object, "status.members", "name", "p0");
    static const struct {
        const char *path;
        size_t bytes_max;
    } bounds[] = {
        {"os", 512},      {"version", 512}, {"components.web.status", 64},       {"components.service.status", 64},
        {"machine", 128}, {"ip", 64},       {"components.service.detail", 1024}, {"keyFingerprint", 64},
    };
    for (size_t i = 0; i < array_length(bounds); i++) {
        if (strlen(json_text_at(row, bounds[i].path, "")) > bounds[i].bytes_max) {
            fail_msg("%s is longer than %zu: %s", bounds[i].path, bounds[i].bytes_max, json_text(row));
        }
    }
    struct json_object *nodes = json_at(object, "status.nodes");
    for (size_t i = 0; i < json_object_array_length(nodes); i++) {
        assert_true(strlen(json_text_at(json_object_array_get_idx(nodes, i), "machine", "")) <= 128);
    }
    struct json_object *activations = json_at(object, "status.activations");
    for (size_t i = 0; i < json_object_array_length(activations); i++) {
        struct json_object *pair = json_object_array_get_idx(activations, i);
        assert_true(strlen(json_text_at(pair, "machine", "")) <= 128);
        assert_true(strlen(json_text_at(pair, "majorVersion", "")) <= 32);
    }
}

int main(void)
{
#define STATUS_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        STATUS_TEST(names_its_object_and_its_generation),
        STATUS_TEST(what_does_not_change_is_the_same_text),
        STATUS_TEST(a_condition_has_its_time_until_it_turns),
        STATUS_TEST(a_restart_keeps_times_and_words),
        STATUS_TEST(a_restart_into_another_state_is_a_turn),
        STATUS_TEST(the_summary_counts_what_stands),
        STATUS_TEST(five_hundred_findings_fit_into_an_object),
        STATUS_TEST(the_largest_cluster_fits_into_an_object),
        STATUS_TEST(the_memory_of_size_and_ends_comes_back),
        STATUS_TEST(a_few_findings_are_told_in_full),
        cmocka_unit_test(healthy_is_live_heard_of_and_without_error),
        STATUS_TEST(a_heartbeat_that_ends_makes_unhealthy),
        STATUS_TEST(members_show_what_their_servers_report),
        STATUS_TEST(a_hostile_report_keeps_within_the_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
