/*
 * kubectl proget audit -o sarif, held against the rules of its schema; -o yaml against -o json.
 */
#include "audit_fixture.h"

#include "file_uri.h"
#include "location.h"

static size_t length_of(struct json_object *array)
{
    assert_true(json_object_is_type(array, json_type_array));
    return json_object_array_length(array);
}

/* The schema allows no other members (additionalProperties: false), and wants some. */
static void assert_members(struct json_object *object, const char *required, const char *allowed)
{
    assert_true(json_object_is_type(object, json_type_object));
    json_object_object_foreach(object, member, value)
    {
        (void) value;
        if (!is_word_of(member, allowed)) {
            fail_msg("member %s, which the schema does not know", member);
        }
    }
    for (const char *word = required; *word; word += strcspn(word, " "), word += strspn(word, " ")) {
        cleanup_free char *name = xstrndup(word, strcspn(word, " "));
        if (!json_member(object, name)) {
            fail_msg("member %s is missing in %s", name, json_text(object));
        }
    }
}

static void assert_message(struct json_object *message)
{
    assert_members(message, "text", "text markdown id arguments properties");
    assert_true(strlen(json_text_at(message, "text", "")) > 0);
}

static void assert_level(const char *level)
{
    assert_true(is_word_of(level, "none note warning error"));
}

/* RFC 3986: nothing but what may stand in a reference. */
static void assert_uri(const char *uri)
{
    assert_true(strlen(uri) > 0);
    assert_int_equal(strspn(uri, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/%:"), strlen(uri));
}

static void assert_location(struct json_object *location)
{
    assert_members(location, "", "id physicalLocation logicalLocations message annotations relationships properties");
    struct json_object *physical = json_member(location, "physicalLocation");
    if (physical) {
        assert_members(physical, "artifactLocation", "address artifactLocation region contextRegion properties");
        struct json_object *artifact = json_member(physical, "artifactLocation");
        assert_members(artifact, "uri", "uri uriBaseId index description properties");
        assert_uri(json_text_at(artifact, "uri", ""));
        struct json_object *region = json_member(physical, "region");
        if (region) {
            assert_members(region, "startLine startColumn", "startLine startColumn endLine endColumn");
            assert_true(json_int64_at(region, "startLine", 0) >= 1 && json_int64_at(region, "startColumn", 0) >= 1);
        }
    }
    struct json_object *logical = json_member(location, "logicalLocations");
    for (size_t i = 0; logical && i < length_of(logical); i++) {
        struct json_object *one = json_object_array_get_idx(logical, i);
        assert_members(one, "name fullyQualifiedName kind",
                       "name index fullyQualifiedName decoratedName parentIndex kind properties");
    }
}

static void assert_locations(struct json_object *locations)
{
    for (size_t i = 0; locations && i < length_of(locations); i++) {
        assert_location(json_object_array_get_idx(locations, i));
    }
}

static void assert_rules(struct json_object *rules)
{
    size_t count;
    const struct check_row *rows = catalogue(&count);
    assert_int_equal(length_of(rules), count);
    for (size_t i = 0; i < count; i++) {
        struct json_object *rule = json_object_array_get_idx(rules, i);
        assert_members(rule, "id shortDescription help defaultConfiguration",
                       "id deprecatedIds guid deprecatedGuids name deprecatedNames shortDescription fullDescription "
                       "messageStrings defaultConfiguration helpUri help relationships properties");
        assert_string_equal(json_text_at(rule, "id", ""), rows[i].code);
        assert_message(json_member(rule, "shortDescription"));
        assert_message(json_member(rule, "fullDescription"));
        assert_message(json_member(rule, "help"));
        assert_contains(json_text_at(rule, "help.text", ""), rows[i].code);
        assert_level(json_text_at(rule, "defaultConfiguration.level", ""));
    }
}

static void assert_result(struct json_object *result, struct json_object *rules)
{
    assert_members(result, "ruleId ruleIndex level message locations partialFingerprints suppressions",
                   "ruleId ruleIndex rule kind level message analysisTarget locations guid correlationGuid "
                   "occurrenceCount partialFingerprints fingerprints stacks codeFlows graphs graphTraversals "
                   "relatedLocations suppressions baselineState rank attachments hostedViewerUri workItemUris "
                   "provenance fixes taxa webRequest webResponse properties");
    struct json_object *rule = json_object_array_get_idx(rules, (size_t) json_int64_at(result, "ruleIndex", 100000));
    assert_string_equal(json_text_at(rule, "id", "none"), json_text_at(result, "ruleId", ""));
    assert_level(json_text_at(result, "level", ""));
    assert_message(json_member(result, "message"));
    assert_true(length_of(json_member(result, "locations")) >= 1);
    assert_locations(json_member(result, "locations"));
    assert_locations(json_member(result, "relatedLocations"));
    struct json_object *suppressions = json_member(result, "suppressions");
    for (size_t i = 0; i < length_of(suppressions); i++) {
        struct json_object *suppression = json_object_array_get_idx(suppressions, i);
        assert_members(suppression, "kind justification", "guid kind status location justification properties");
        assert_true(is_word_of(json_text_at(suppression, "kind", ""), "inSource external"));
        assert_true(is_word_of(json_text_at(suppression, "status", ""), "accepted underReview rejected"));
    }
}

static void assert_invocation(struct json_object *invocation)
{
    assert_members(invocation, "toolExecutionNotifications", "executionSuccessful toolExecutionNotifications");
    assert_true(json_object_is_type(json_member(invocation, "executionSuccessful"), json_type_boolean));
    struct json_object *notifications = json_member(invocation, "toolExecutionNotifications");
    for (size_t i = 0; i < length_of(notifications); i++) {
        struct json_object *notification = json_object_array_get_idx(notifications, i);
        assert_members(notification, "message level",
                       "locations message level threadId timeUtc exception descriptor associatedRule properties");
        assert_message(json_member(notification, "message"));
        assert_level(json_text_at(notification, "level", ""));
        assert_locations(json_member(notification, "locations"));
    }
}

/* What SARIF 2.1.0's schema asks of what is used here. Returns the one run. */
static struct json_object *assert_sarif(struct json_object *tree)
{
    assert_members(tree, "$schema version runs", "$schema version runs inlineExternalProperties properties");
    assert_string_equal(json_text_at(tree, "version", ""), "2.1.0");
    assert_int_equal(length_of(json_member(tree, "runs")), 1);
    struct json_object *run = json_object_array_get_idx(json_member(tree, "runs"), 0);
    assert_members(run, "tool results invocations columnKind", "tool results invocations columnKind");
    assert_members(json_member(run, "tool"), "driver", "driver extensions properties");
    struct json_object *driver = json_at(run, "tool.driver");
    assert_members(driver, "name version semanticVersion rules", "name version semanticVersion rules");
    struct json_object *rules = json_member(driver, "rules");
    assert_rules(rules);
    assert_int_equal(length_of(json_member(run, "invocations")), 1);
    assert_invocation(json_object_array_get_idx(json_member(run, "invocations"), 0));
    struct json_object *results = json_member(run, "results");
    for (size_t i = 0; i < length_of(results); i++) {
        assert_result(json_object_array_get_idx(results, i), rules);
    }
    return run;
}

/* The result of a code on an object; NULL: there is none. */
static struct json_object *find_result(struct json_object *run, const char *code, const char *object)
{
    struct json_object *results = json_member(run, "results");
    for (size_t i = 0; i < length_of(results); i++) {
        struct json_object *result = json_object_array_get_idx(results, i);
        struct json_object *location = json_object_array_get_idx(json_member(result, "locations"), 0);
        struct json_object *logical = json_object_array_get_idx(json_member(location, "logicalLocations"), 0);
        if (text_equal(json_text_at(result, "ruleId", ""), code) &&
            text_equal(json_text_at(logical, "fullyQualifiedName", ""), object)) {
            return result;
        }
    }
    return NULL;
}

static struct json_object *physical_of(struct json_object *result)
{
    return json_member(json_object_array_get_idx(json_member(result, "locations"), 0), "physicalLocation");
}

static void test_sarif(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    write_file(&run, "a b.yaml", DUMP);
    RUN(&run, "-f", "@/a b.yaml", "-o", "sarif", "--now", FIXTURE_NOW);
    assert_int_equal(run.status, STATUS_FOUND);
    cleanup_json struct json_object *tree = json_of(run.output);
    struct json_object *sarif = assert_sarif(tree);
    struct json_object *missing = find_result(sarif, "EncryptionKeyMissing", "Pod/ns/proget-0");
    assert_string_equal(json_text_at(missing, "level", ""), "error");
    cleanup_free char *uri = xasprintf("file://%s/a%%20b.yaml", run.folder);
    assert_string_equal(json_text_at(physical_of(missing), "artifactLocation.uri", ""), uri);
    assert_int_equal(json_int64_at(physical_of(missing), "region.startLine", 0), POD_0_LINE);
    assert_int_equal(json_int64_at(physical_of(missing), "region.startColumn", 0), 3);
    assert_int_equal(length_of(json_member(missing, "suppressions")), 0);
    assert_contains(json_text_at(missing, "message.text", ""), " To do: ");
    /* Left out: there, with the reason. */
    struct json_object *left_out = find_result(sarif, "EncryptionKeyMissing", "Pod/ns/proget-1");
    assert_int_equal(length_of(json_member(left_out, "suppressions")), 1);
    assert_string_equal(
        json_text_at(json_object_array_get_idx(json_member(left_out, "suppressions"), 0), "justification", ""),
        "comes <later> & \"by hand\"");
    assert_int_equal(json_int64_at(physical_of(left_out), "region.startLine", 0), POD_1_LINE);
    /* Related objects are at their places too, those that were not read by name alone. */
    struct json_object *related = json_member(find_result(sarif, "CoScheduled", "Pod/ns/proget-0"), "relatedLocations");
    assert_int_equal(length_of(related), 2);
    assert_null(json_member(json_object_array_get_idx(related, 0), "physicalLocation")); /* the node */
    assert_int_equal(json_int64_at(json_object_array_get_idx(related, 1), "physicalLocation.region.startLine", 0),
                     POD_1_LINE);
    run_end(&run);
}

static void test_sarif_fingerprints_outlive_other_lines(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    cleanup_free char *marks[2] = {NULL, NULL};
    static const char *const texts[] = {DEPLOYMENT("web", ""), "# further down\n\n" DEPLOYMENT("web", "")};
    for (size_t i = 0; i < array_length(texts); i++) {
        write_file(&run, "a.yaml", texts[i]);
        RUN(&run, "-f", "@", "-o", "sarif");
        cleanup_json struct json_object *tree = json_of(run.output);
        struct json_object *found = find_result(assert_sarif(tree), "EncryptionKeyMissing", "Deployment/default/web");
        marks[i] = xstrdup(json_text_at(found, "partialFingerprints.finding/v1", ""));
        assert_int_equal(strlen(marks[i]), 16);
        assert_int_equal(json_int64_at(physical_of(found), "region.startLine", 0), i == 0 ? 1 : 3);
    }
    assert_string_equal(marks[0], marks[1]);
    free(marks[1]);
    run_end(&run);
}

/* A pod's StatefulSet that was not read, a cluster that is nowhere: the line is that of what was. */
static void test_findings_have_a_line_wherever_one_is_known(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    write_file(
        &run, "a.yaml",
        "\n\n{apiVersion: v1, kind: Pod, metadata: {name: w-0, namespace: ns, labels: {app: p}, ownerReferences: "
        "[{apiVersion: apps/v1, kind: StatefulSet, name: w, uid: u, controller: true}]}, "
        "spec: {containers: [{name: proget, image: 'inedo/proget:25.0.13'}]}}\n");
    RUN(&run, "-f", "@", "-o", "sarif");
    cleanup_json struct json_object *tree = json_of(run.output);
    struct json_object *results = json_member(assert_sarif(tree), "results");
    assert_true(length_of(results) > 2);
    for (size_t i = 0; i < length_of(results); i++) {
        struct json_object *physical = physical_of(json_object_array_get_idx(results, i));
        assert_int_equal(json_int64_at(physical, "region.startLine", 0), 3);
    }
    run_end(&run);
}

static void test_sarif_tells_what_was_unusable(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    write_file(&run, "a.yaml", "kind: Pod\nkind: Pod\n");
    write_file(&run, "b.yaml", DEPLOYMENT("web", ""));
    RUN(&run, "-f", "@", "-o", "sarif");
    assert_int_equal(run.status, STATUS_UNUSABLE);
    cleanup_json struct json_object *tree = json_of(run.output);
    struct json_object *sarif = assert_sarif(tree);
    assert_non_null(find_result(sarif, "EncryptionKeyMissing", "Deployment/default/web"));
    struct json_object *invocation = json_object_array_get_idx(json_member(sarif, "invocations"), 0);
    assert_false(json_bool_at(invocation, "executionSuccessful", true));
    struct json_object *first = json_object_array_get_idx(json_member(invocation, "toolExecutionNotifications"), 0);
    assert_string_equal(json_text_at(first, "level", ""), "error");
    assert_contains(json_text_at(first, "message.text", ""), "a.yaml:2:1: duplicate key");
    assert_int_equal(json_int64_at(physical_of(first), "region.startLine", 0), 2);
    run_end(&run);
}

/* A report is whole whatever the input was: the program that takes it must not stumble. */
static void test_reports_of_nothing(void **state)
{
    (void) state;
    static const struct {
        const char *text, *word;
        int status;
    } cases[] = {
        {NULL, "there is no Kubernetes object in the input", STATUS_UNUSABLE},
        {"kind: [", "did not find expected", STATUS_UNUSABLE},
        {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n", "found no ProGet", STATUS_DONE},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        struct run run;
        run_begin(&run);
        if (cases[i].text) {
            write_file(&run, "a.yaml", cases[i].text);
        }
        RUN(&run, "-f", "@", "-o", "sarif");
        assert_int_equal(run.status, cases[i].status);
        cleanup_json struct json_object *tree = json_of(run.output);
        assert_int_equal(length_of(json_member(assert_sarif(tree), "results")), 0);
        assert_contains(run.output, cases[i].word);
        run_end(&run);
    }
}

static void test_hostile_names_stay_texts(void **state)
{
    (void) state;
    for (size_t i = 0; i < array_length(hostile_names); i++) {
        struct run run;
        run_begin(&run);
        cleanup_free char *text =
            xasprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: %s, labels: {app: p}}\n"
                      "spec: {containers: [{name: proget, image: 'inedo/proget:25.0.13'}]}\n",
                      hostile_names[i], hostile_names[i]);
        write_file(&run, "<&\" %\xff.yaml", text);
        RUN(&run, "-f", "@", "-o", "sarif");
        cleanup_json struct json_object *sarif = json_of(run.output);
        (void) assert_sarif(sarif);
        assert_null(strchr(run.output, '\033'));
        RUN(&run, "-f", "@", "-o", "yaml");
        cleanup_json struct json_object *tree = NULL;
        assert_int_equal(yaml_parse(run.output, strlen(run.output), "out", &tree, NULL), 0);
        assert_null(strchr(run.output, '\033'));
        run_end(&run);
    }
}

static void test_file_uris(void **state)
{
    (void) state;
    static const struct {
        const char *file, *expected;
    } cases[] = {
        {"a/b.yaml", "a/b.yaml"},           {"./a.yaml", "a.yaml"},
        {".//./a.yaml", "a.yaml"},          {"../a.yaml", "../a.yaml"},
        {"/x/a.yaml", "file:///x/a.yaml"},  {"//x/a.yaml", "file:///x/a.yaml"},
        {"c:d.yaml", "c%3Ad.yaml"},         {"a b%#?\xff.yaml", "a%20b%25%23%3F%FF.yaml"},
        {LOCATION_STANDARD_INPUT, "stdin"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free char *uri = file_uri(cases[i].file);
        assert_string_equal(uri, cases[i].expected);
    }
}

static void test_yaml_says_the_same_as_json(void **state)
{
    (void) state;
    struct run run;
    run_begin(&run);
    write_file(&run, "a.yaml", DUMP);
    RUN(&run, "-f", "@", "-o", "json", "--now", FIXTURE_NOW);
    cleanup_json struct json_object *json = json_of(run.output);
    RUN(&run, "-f", "@", "-o", "yaml", "--now", FIXTURE_NOW);
    assert_int_equal(run.status, STATUS_FOUND);
    assert_ptr_equal(strstr(run.output, "apiVersion: proget-operator.io/v1alpha1\nkind: FindingList\nitems:\n"),
                     run.output);
    cleanup_json struct json_object *yaml = NULL;
    struct error err;
    assert_int_equal(yaml_parse(run.output, strlen(run.output), "out", &yaml, &err), 0);
    assert_true(json_object_equal(json, yaml));
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sarif),
        cmocka_unit_test(test_sarif_fingerprints_outlive_other_lines),
        cmocka_unit_test(test_findings_have_a_line_wherever_one_is_known),
        cmocka_unit_test(test_sarif_tells_what_was_unusable),
        cmocka_unit_test(test_reports_of_nothing),
        cmocka_unit_test(test_hostile_names_stay_texts),
        cmocka_unit_test(test_file_uris),
        cmocka_unit_test(test_yaml_says_the_same_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
