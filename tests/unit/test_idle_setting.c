/*
 * Settings without effect: found, named with what was meant, and said by the log, the status and the audit.
 */
#include "proget/checks/idle_setting.h"

#include "checks_fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "proget/core/log.h"
#include "publish/complaints.h"

#define CLUSTER(annotations, spec)                                                                               \
    "apiVersion: proget-operator.io/v1alpha1\nkind: ProGetCluster\nmetadata: {namespace: ns, name: main, uid: c" \
    ", annotations: {" annotations "}}\nspec: {selector: {matchLabels: {app: proget}}" spec "}\n---\n"
#define POD(annotations)                                                                                    \
    "apiVersion: v1\nkind: Pod\nmetadata: {namespace: ns, name: proget-0, uid: p0, labels: {app: proget}, " \
    "annotations: {" annotations "}}\nspec: {containers: [{name: proget, image: 'inedo/proget:25.0.13'}]}\n---\n"
#define WORKLOAD(annotations, of_template)                                                                           \
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {namespace: ns, name: web, uid: w, annotations: {" annotations \
    "}}\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: proget}}\n  template:\n    metadata: {labels: {app: " \
    "proget}, annotations: {" of_template                                                                            \
    "}}\n    spec: {containers: [{name: proget, image: 'inedo/proget:25.0.13'}]}\n"

#define LONG "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct setting_case {
    const char *name, *yaml;
    size_t count;
    const char *parts[3]; /* of the sentences, in their order */
} cases[] = {
    {"all good",
     CLUSTER("ignore.proget-operator.io/all: x, ignore.proget-operator.io/CoScheduled: x",
             ", ignore: [{code: SpreadNotEnforced}], severity: [{code: CoScheduled, severity: info}]")
         POD("ignore.proget-operator.io/MoveInvited: x"),
     0,
     {NULL}},
    {"a letter is missing",
     CLUSTER("", ", ignore: [{code: SpreadNotEnforcd, reason: x}]") POD(""),
     1,
     {"spec.ignore names \"SpreadNotEnforcd\", which is no code of this version, and leaves nothing out; did you mean "
      "SpreadNotEnforced?"}},
    {"letters of the wrong size", CLUSTER("", ", ignore: [{code: coscheduled}]") POD(""), 1, {"mean CoScheduled?"}},
    {"another severity for nothing",
     CLUSTER("", ", severity: [{code: PriorityClasMissing, severity: error}]") POD(""),
     1,
     {"spec.severity names \"PriorityClasMissing\", which is no code of this version, and changes nothing; did you "
      "mean "
      "PriorityClassMissing?"}},
    {"nothing near", CLUSTER("", ", ignore: [{code: Weather}]") POD(""), 1, {"and leaves nothing out"}},
    {"no such severity",
     CLUSTER("", ", severity: [{code: CoScheduled, severity: fatal}]") POD(""),
     1,
     {"spec.severity gives CoScheduled the severity \"fatal\", which is none of error, warning and info"}},
    {"in annotations",
     CLUSTER("ignore.proget-operator.io/Evictd: x", "")
         WORKLOAD("ignore.proget-operator.io/CoSheduled: x",
                  "ignore.proget-operator.io/CoSheduled: x, ignore.proget-operator.io/MoveInvitd: x"),
     3,
     {"of ProGetCluster main names \"Evictd\"", "of Deployment web names \"CoSheduled\"",
      "of Deployment web names \"MoveInvitd\""}},
    {"on a pod without a workload",
     CLUSTER("", "") POD("ignore.proget-operator.io/MoveInvitd: x"),
     1,
     {"of Pod proget-0 names \"MoveInvitd\""}},
    {"longer than any code", CLUSTER("", ", ignore: [{code: " LONG "}]") POD(""), 1, {"aaa...\""}},
};

static void test_cases(void **state)
{
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        struct fixture fixture;
        fixture_offline(&fixture, cases[i].yaml);
        assert_int_equal(fixture.result.clusters.count, 1);
        cleanup_idle_settings struct idle_settings settings;
        idle_settings_take(&fixture.result.clusters.items[0], &settings);
        if (settings.count != cases[i].count) {
            fail_msg("%s: %zu, first %s", cases[i].name, settings.count, settings.count ? settings.items[0] : "-");
        }
        for (size_t k = 0; k < settings.count; k++) {
            if (!strstr(settings.items[k], cases[i].parts[k])) {
                fail_msg("%s: \"%s\" is not in: %s", cases[i].name, cases[i].parts[k], settings.items[k]);
            }
        }
        fixture_clear(&fixture);
    }
}

static void test_far_off_is_no_suggestion_and_many_are_bounded(void **state)
{
    (void) state;
    cleanup_buffer struct buffer yaml = BUFFER_INIT((size_t) 64 * 1024);
    (void) buffer_append_text(&yaml, "apiVersion: proget-operator.io/v1alpha1\nkind: ProGetCluster\nmetadata: "
                                     "{namespace: ns, name: main, uid: c}\nspec: {selector: {matchLabels: {app: "
                                     "proget}}, ignore: [{code: Weather}");
    for (int i = 0; i < 60; i++) {
        (void) buffer_appendf(&yaml, ", {code: Weather%dOfTomorrow}", i);
    }
    (void) buffer_append_text(&yaml, "]}\n");
    struct fixture fixture;
    fixture_offline(&fixture, buffer_text(&yaml));
    cleanup_idle_settings struct idle_settings settings;
    idle_settings_take(&fixture.result.clusters.items[0], &settings);
    assert_int_equal(settings.count, IDLE_SETTINGS_MAX);
    assert_null(strstr(settings.items[0], "did you mean"));
    fixture_clear(&fixture);
}

/* It makes nothing unknown, and stands where somebody looks. */
static void test_condition_observed_names_it(void **state)
{
    (void) state;
    struct fixture fixture;
    fixture_offline(&fixture, CLUSTER("", ", ignore: [{code: Wether}, {code: SpreadNotEnforcd}]") POD(""));
    struct finding_list nothing = {.arena = fixture.result.findings[0].arena};
    struct evaluation_condition conditions[EVALUATION_CONDITION_COUNT];
    evaluation_conditions(fixture.model, &fixture.result.clusters.items[0], &nothing,
                          &(struct evaluation_standing){NULL, 0, 1}, conditions);
    bool is_seen = false;
    for (size_t i = 0; i < EVALUATION_CONDITION_COUNT; i++) {
        if (text_equal(conditions[i].type, "Observed")) {
            is_seen = true;
            assert_string_equal(conditions[i].status, "True");
            assert_string_equal(conditions[i].message,
                                "Everything that the checks need is observed. Without effect: spec.ignore names "
                                "\"Wether\", which is no code of this version, and leaves nothing out. Without effect: "
                                "spec.ignore names \"SpreadNotEnforcd\", which is no code of this version, and leaves "
                                "nothing out; did you mean SpreadNotEnforced?");
        }
    }
    assert_true(is_seen);
    evaluation_conditions_clear(conditions);
    fixture_clear(&fixture);
}

static size_t lines_with(FILE *log, const char *part)
{
    size_t count = 0;
    char line[1024];
    rewind(log);
    while (fgets(line, sizeof line, log)) {
        count += strstr(line, part) != NULL;
    }
    return count;
}

static void test_log_says_it_once(void **state)
{
    (void) state;
    FILE *log = tmpfile();
    assert_non_null(log);
    log_configure(LOG_FORMAT_TEXT, LOG_INFO, fileno(log));
    struct fixture fixture;
    fixture_offline(&fixture, CLUSTER("", ", ignore: [{code: SpreadNotEnforcd}]") POD(""));
    struct complaints *complaints = complaints_new();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(complaints_run(complaints, &fixture.result.clusters.items[0], fixture.now), INT64_MAX);
        complaints_sweep(complaints);
    }
    assert_int_equal(lines_with(log, "did you mean SpreadNotEnforced? cluster=ns/main"), 1);
    complaints_sweep(complaints); /* an evaluation without it: it is over, and would be news */
    (void) complaints_run(complaints, &fixture.result.clusters.items[0], fixture.now);
    assert_int_equal(lines_with(log, "did you mean SpreadNotEnforced? cluster=ns/main"), 2);
    complaints_free(complaints);
    fixture_clear(&fixture);
    log_configure(LOG_FORMAT_TEXT, LOG_INFO, STDERR_FILENO);
    (void) fclose(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_far_off_is_no_suggestion_and_many_are_bounded),
        cmocka_unit_test(test_condition_observed_names_it),
        cmocka_unit_test(test_log_says_it_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
