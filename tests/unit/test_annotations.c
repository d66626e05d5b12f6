#include "publish/annotations.h"

#include "model_fixture.h"
#include "proget/core/map.h"

struct world {
    struct model *model;
    struct ledger *ledger;
    struct cluster_list clusters;
};

#define CLUSTER(more_spec)                                                                                     \
    "{'metadata': {'namespace': 'proget', 'name': 'main', 'uid': 'c1'}, 'spec': {'selector': {'matchLabels': " \
    "{'app': 'proget'}}" more_spec "}}"

static void start(struct world *world, const char *cluster, const char *more_meta)
{
    *world = (struct world){.model = fixture_live(), .ledger = ledger_new()};
    fixture_put(world->model, MODEL_CLUSTERS, cluster);
    cleanup_free char *first = fixture_pod("p0", more_meta, "", "{'phase': 'Running'}");
    cleanup_free char *second = fixture_pod("p1", more_meta, "", "{'phase': 'Running'}");
    fixture_put(world->model, MODEL_PODS, first);
    fixture_put(world->model, MODEL_PODS, second);
    model_assemble(world->model, fixture_after(0), &world->clusters);
}

static void end(struct world *world)
{
    cluster_list_free(&world->clusters);
    model_free(world->model);
    ledger_free(world->ledger);
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
    (void) ledger_update(world->ledger, &list, fixture_after(0),
                         &(struct ledger_callbacks){.on_change = on_change, .exists = exists});
    ledger_acknowledge(world->ledger, ledger_send(world->ledger));
}

static struct finding finding_of(const char *key, const char *code, enum severity severity, const char *pod)
{
    return (struct finding){
        .code = code,
        .severity = severity,
        .object = {"v1", "Pod", "proget", pod, NULL},
        .message = "It is so.",
        .action = "Do it.",
        .key = key,
    };
}

static const struct server *server_at(const struct world *world, size_t index)
{
    return &fixture_cluster(&world->clusters, "main")->servers[index];
}

static struct map *wanted_at(struct world *world, size_t index, int64_t seconds)
{
    struct annotation_index *concerns = annotation_index_new(world->ledger);
    struct map *wanted = annotations_wanted(fixture_cluster(&world->clusters, "main"), server_at(world, index),
                                            concerns, fixture_after(seconds));
    annotation_index_free(concerns); /* what is wanted is a copy */
    return wanted;
}

static void assert_wanted(struct world *world, size_t index, const char *expected)
{
    struct map *wanted = wanted_at(world, index, 0);
    cleanup_free char *text = annotations_text(wanted);
    assert_string_equal(text, expected);
    map_free(wanted);
}

static void a_server_without_findings_is_healthy(void **state)
{
    struct world world;
    (void) state;
    start(&world, CLUSTER(""), "");
    assert_wanted(&world, 0, "proget-operator.io/status=healthy\n");
    struct finding info = finding_of("k", "SidecarMissing", SEVERITY_INFO, "p0");
    see(&world, &info, 1);
    assert_wanted(&world, 0,
                  "proget-operator.io/finding.SidecarMissing=It is so. Do it.\n"
                  "proget-operator.io/findings=SidecarMissing\n"
                  "proget-operator.io/status=healthy\n"); /* nothing above info */
    see(&world, NULL, 0);                                 /* cleared, its end not announced yet */
    assert_wanted(&world, 0, "proget-operator.io/status=healthy\n");
    end(&world);
}

static void the_worst_is_the_status_and_comes_first(void **state)
{
    struct world world;
    (void) state;
    start(&world, CLUSTER(""), "");
    struct finding findings[] = {
        finding_of("a", "QosNotGuaranteed", SEVERITY_WARNING, "p0"),
        finding_of("b", "SidecarMissing", SEVERITY_INFO, "p0"),
        finding_of("c", "ReactivationRequired", SEVERITY_ERROR, "p0"),
        finding_of("d", "WebStale", SEVERITY_WARNING, "p1"),
    };
    findings[2].action = NULL;
    see(&world, findings, array_length(findings));
    assert_wanted(&world, 0,
                  "proget-operator.io/finding.QosNotGuaranteed=It is so. Do it.\n"
                  "proget-operator.io/finding.ReactivationRequired=It is so.\n"
                  "proget-operator.io/finding.SidecarMissing=It is so. Do it.\n"
                  "proget-operator.io/findings=ReactivationRequired,QosNotGuaranteed,SidecarMissing\n"
                  "proget-operator.io/status=error\n");
    assert_wanted(&world, 1,
                  "proget-operator.io/finding.WebStale=It is so. Do it.\n"
                  "proget-operator.io/findings=WebStale\n"
                  "proget-operator.io/status=warning\n");
    end(&world);
}

static void a_finding_shows_on_pods_related_to_it(void **state)
{
    struct world world;
    (void) state;
    start(&world, CLUSTER(""), "");
    struct object_reference related[] = {{"v1", "Node", NULL, "p0", NULL}, {"v1", "Pod", "proget", "p1", "uid-p1"}};
    struct finding finding = finding_of("k", "CoScheduled", SEVERITY_ERROR, "p9");
    finding.related = related;
    finding.related_count = array_length(related);
    see(&world, &finding, 1);
    assert_wanted(&world, 0, "proget-operator.io/status=healthy\n"); /* the Node of its name is not it */
    assert_wanted(&world, 1,
                  "proget-operator.io/finding.CoScheduled=It is so. Do it.\n"
                  "proget-operator.io/findings=CoScheduled\n"
                  "proget-operator.io/status=error\n");
    end(&world);
}

/* Two servers on one node: each pod tells of itself, not of the other one. */
static void a_pod_tells_of_itself_first(void **state)
{
    struct world world;
    (void) state;
    start(&world, CLUSTER(""), "");
    struct object_reference first = {"v1", "Pod", "proget", "p0", "uid-p0"};
    struct object_reference second = {"v1", "Pod", "proget", "p1", "uid-p1"};
    struct finding findings[] = {finding_of("a", "CoScheduled", SEVERITY_ERROR, "p0"),
                                 finding_of("b", "CoScheduled", SEVERITY_ERROR, "p1")};
    findings[0].message = "p0 is with p1.";
    findings[0].related = &second;
    findings[1].message = "p1 is with p0.";
    findings[1].related = &first;
    findings[0].related_count = findings[1].related_count = 1;
    see(&world, findings, array_length(findings));
    assert_wanted(&world, 0,
                  "proget-operator.io/finding.CoScheduled=p0 is with p1. Do it.\n"
                  "proget-operator.io/findings=CoScheduled\n"
                  "proget-operator.io/status=error\n");
    assert_wanted(&world, 1,
                  "proget-operator.io/finding.CoScheduled=p1 is with p0. Do it.\n"
                  "proget-operator.io/findings=CoScheduled\n"
                  "proget-operator.io/status=error\n");
    end(&world);
}

static void another_pod_of_the_name_is_another_one(void **state)
{
    struct world world;
    (void) state;
    start(&world, CLUSTER(""), "");
    struct finding findings[] = {finding_of("a", "Evicted", SEVERITY_ERROR, "p0"),
                                 finding_of("b", "WebStale", SEVERITY_WARNING, "p0")};
    findings[0].object.uid = "uid-of-its-predecessor";
    findings[1].object.namespace_name = "elsewhere";
    see(&world, findings, array_length(findings));
    assert_wanted(&world, 0, "proget-operator.io/status=healthy\n");
    end(&world);
}

static void each_code_is_listed_once_with_its_worst(void **state)
{
    struct world world;
    (void) state;
    start(&world, CLUSTER(""), "");
    struct finding findings[] = {
        finding_of("a", "Evicted", SEVERITY_WARNING, "p0"),
        finding_of("b", "Evicted", SEVERITY_ERROR, "p0"),
        finding_of("c", "WebStale", SEVERITY_ERROR, "p0"),
    };
    findings[1].message = "The worse.";
    see(&world, findings, array_length(findings));
    assert_wanted(&world, 0,
                  "proget-operator.io/finding.Evicted=The worse. Do it.\n"
                  "proget-operator.io/finding.WebStale=It is so. Do it.\n"
                  "proget-operator.io/findings=Evicted,WebStale\n"
                  "proget-operator.io/status=error\n");
    end(&world);
}

static void a_sentence_is_at_most_a_kibibyte(void **state)
{
    struct world world;
    char sentence[BOUND_SENTENCE_BYTES] = "";
    (void) state;
    start(&world, CLUSTER(""), "");
    for (size_t i = 0; i + 2 < sizeof sentence; i += 2) {
        memcpy(sentence + i, "\xc3\xa4", 3); /* never cut in the middle */
    }
    struct finding finding = finding_of("k", "WebStale", SEVERITY_WARNING, "p0");
    finding.message = sentence;
    see(&world, &finding, 1);
    struct map *wanted = wanted_at(&world, 0, 0);
    const char *value = map_get(wanted, "proget-operator.io/finding.WebStale");
    assert_in_range(strlen(value), BOUND_SENTENCE_BYTES - 8, BOUND_SENTENCE_BYTES);
    assert_true(text_ends_with(value, "\xc3\xa4..."));
    map_free(wanted);
    end(&world);
}

static void planned_work_takes_the_place_of_findings(void **state)
{
    struct world world;
    (void) state;
    start(&world, CLUSTER(", 'maintenance': {'until': '2026-11-22T08:00:00Z', 'reason': 'storage move'}"), "");
    const struct cluster *cluster = fixture_cluster(&world.clusters, "main");
    struct finding finding = finding_of("k", "WebStale", SEVERITY_WARNING, "p0");
    see(&world, &finding, 1);
    assert_wanted(&world, 0, "proget-operator.io/maintenance=until 2026-11-22T08:00:00Z: storage move\n");
    assert_true(cluster_in_maintenance(cluster, fixture_after(3599)));
    assert_false(cluster_in_maintenance(cluster, fixture_after(3600)));
    struct map *after = wanted_at(&world, 0, 3600);
    assert_null(map_get(after, "proget-operator.io/maintenance"));
    assert_non_null(map_get(after, "proget-operator.io/finding.WebStale"));
    map_free(after);
    end(&world);
    start(&world, CLUSTER(", 'maintenance': {'until': '2026-11-22T08:00:00Z'}"), "");
    assert_wanted(&world, 0, "proget-operator.io/maintenance=until 2026-11-22T08:00:00Z\n");
    end(&world);
}

static void a_pod_that_is_going_has_no_status_of_its_own(void **state)
{
    struct world world;
    (void) state;
    start(&world, CLUSTER(""), ", 'deletionTimestamp': '2026-11-22T07:00:00Z'");
    assert_wanted(&world, 0, "");
    struct finding finding = finding_of("k", "Evicted", SEVERITY_ERROR, "p0");
    see(&world, &finding, 1);
    assert_wanted(&world, 0,
                  "proget-operator.io/finding.Evicted=It is so. Do it.\n"
                  "proget-operator.io/findings=Evicted\n"
                  "proget-operator.io/status=error\n");
    end(&world);
}

/* What the watch shows after a write compares equal, whatever the words: else it would be written without an end. */
static void what_was_applied_is_observed_as_wanted(void **state)
{
    static const char *const messages[] = {
        "Plain.",
        "With \"quotes\", a \\ and a / in it.",
        "Two\nlines=and an equals sign.",
        "",
        " blanks around ",
        "\xe2\x80\x9cUTF-8\xe2\x80\x9d \xf0\x9f\x92\xa5",
        "a=b\nc=d",
    };
    struct world world;
    (void) state;
    for (size_t i = 0; i < array_length(messages); i++) {
        start(&world, CLUSTER(""), "");
        struct finding findings[] = {
            finding_of("a", "WebStale", SEVERITY_WARNING, "p0"),
            finding_of("b", "Evicted", SEVERITY_ERROR, "p0"),
            finding_of("c", "QosNotGuaranteed", SEVERITY_INFO, "p0"),
        };
        findings[0].message = messages[i];
        findings[0].action = NULL;
        see(&world, findings, array_length(findings));
        struct map *wanted = wanted_at(&world, 0, 0);
        cleanup_free char *wanted_text = annotations_text(wanted);
        cleanup_json struct json_object *body = annotations_apply_body(server_at(&world, 0)->pod, wanted);
        json_add_text(json_at(body, "metadata.annotations"), "kubectl.kubernetes.io/default-container", "proget");
        json_add_text(json_at(body, "metadata.annotations"), "ignore.proget-operator.io/WebStale", "so");
        json_add_text(json_at(body, "metadata.annotations"), "proget-operator.iox/other", "not ours");
        const char *sent = json_text(body); /* as it goes over the wire and comes back */
        struct json_object *received = NULL;
        struct error err;
        assert_int_equal(json_parse(sent, strlen(sent), &received, &err), 0);
        void *pod = NULL;
        assert_int_equal(record_fill(&pod_type, received, &pod, NULL, &err), 0);
        cleanup_free char *observed_text = annotations_observed_text(pod);
        assert_string_equal(observed_text, wanted_text);
        free(pod);
        json_object_put(received);
        map_free(wanted);
        end(&world);
    }
}

static void the_body_is_pinned_to_the_pod_and_holds_nothing_else(void **state)
{
    struct world world;
    (void) state;
    start(&world, CLUSTER(""), ", 'annotations': {'proget-operator.io/finding.Old': 'x', 'other': 'y'}");
    cleanup_free char *observed = annotations_observed_text(server_at(&world, 0)->pod);
    assert_string_equal(observed, "proget-operator.io/finding.Old=x\n");
    struct map *wanted = wanted_at(&world, 0, 0);
    cleanup_json struct json_object *body = annotations_apply_body(server_at(&world, 0)->pod, wanted);
    assert_string_equal(json_text(body),
                        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p0\",\"namespace\":"
                        "\"proget\",\"uid\":\"uid-p0\",\"annotations\":{\"proget-operator.io/status\":\"healthy\"}}}");
    map_free(wanted);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_without_findings_is_healthy),
        cmocka_unit_test(the_worst_is_the_status_and_comes_first),
        cmocka_unit_test(a_finding_shows_on_pods_related_to_it),
        cmocka_unit_test(a_pod_tells_of_itself_first),
        cmocka_unit_test(another_pod_of_the_name_is_another_one),
        cmocka_unit_test(each_code_is_listed_once_with_its_worst),
        cmocka_unit_test(a_sentence_is_at_most_a_kibibyte),
        cmocka_unit_test(planned_work_takes_the_place_of_findings),
        cmocka_unit_test(a_pod_that_is_going_has_no_status_of_its_own),
        cmocka_unit_test(what_was_applied_is_observed_as_wanted),
        cmocka_unit_test(the_body_is_pinned_to_the_pod_and_holds_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
