#include "publish/publisher.h"

#include "api_fixture.h"
#include "model_fixture.h"

#define CLUSTER(more_spec)                                                                                     \
    "{'metadata': {'namespace': 'proget', 'name': 'main', 'uid': 'c1'}, 'spec': {'selector': {'matchLabels': " \
    "{'app': 'proget'}}" more_spec "}}"
#define STATUS_LINE "PATCH /apis/proget-operator.io/v1alpha1/namespaces/proget/progetclusters/main/status?"
#define EVENT_LINE  "POST /apis/events.k8s.io/v1/namespaces/"
#define POD_LINE    "PATCH /api/v1/namespaces/proget/pods/"

struct world {
    struct api api;
    struct model *model;
    struct publisher *publisher;
    bool has_progress;
    struct instant now;
};

static void on_progress(void *userdata)
{
    ((struct world *) userdata)->has_progress = true;
}

static bool versions_of(enum model_kind kind, const char *namespace_name, struct intake_versions *ret_versions,
                        void *userdata)
{
    (void) namespace_name;
    (void) userdata;
    *ret_versions = (struct intake_versions){.changed = kind == MODEL_PODS ? "77" : "", .seen = "80"};
    return kind == MODEL_PODS || kind == MODEL_NODES;
}

static void start(struct world *world, const char *cluster)
{
    static const char *statuses[API_REPLIES_MAX];
    for (size_t i = 0; i < array_length(statuses); i++) {
        statuses[i] = "200 OK";
    }
    *world = (struct world){.model = fixture_live(), .now = fixture_after(0)};
    api_start(&world->api, statuses, array_length(statuses));
    world->publisher = publisher_new(&(struct publisher_options){.client = world->api.client,
                                                                 .model = world->model,
                                                                 .instance = "operator-0",
                                                                 .versions = {versions_of, NULL},
                                                                 .on_progress = on_progress,
                                                                 .userdata = world});
    if (cluster) {
        fixture_put(world->model, MODEL_CLUSTERS, cluster);
    }
}

static void end(struct world *world)
{
    publisher_free(world->publisher);
    assert_int_equal(kube_client_calls_in_flight(world->api.client), 0);
    model_free(world->model);
    api_end(&world->api);
}

static void put_pod(struct world *world, const char *name, const char *more_meta, const char *status)
{
    cleanup_free char *pod = fixture_pod(name, more_meta, "", status);
    fixture_put(world->model, MODEL_PODS, pod);
}

/* Evaluates for as long as one leads to the next, as the operator does. */
static void run(struct world *world)
{
    enum { SOON_MS = 1000 }; /* longer than a status without news waits for company */
    bool goes_on = true;
    while (goes_on) {
        world->has_progress = false;
        int64_t wake_at_ms = publisher_run(world->publisher, world->now);
        assert_int_equal(publisher_pending(world->publisher), kube_client_calls_in_flight(world->api.client));
        api_settle(&world->api);
        goes_on = world->has_progress || wake_at_ms <= world->now.monotonic_ms + SOON_MS;
        if (!world->has_progress && goes_on) {
            world->now.monotonic_ms = wake_at_ms;
        }
    }
    assert_int_equal(publisher_pending(world->publisher), 0);
}

static size_t requests(struct world *world)
{
    return fake_server_requests(world->api.server);
}

static size_t requests_of(struct world *world, const char *line)
{
    size_t count = 0;
    for (size_t i = 0; i < requests(world); i++) {
        count += text_starts_with(fake_server_request(world->api.server, i), line) ? 1 : 0;
    }
    return count;
}

/* Body of the last request of that kind. */
static struct json_object *last_of(struct world *world, const char *line)
{
    struct json_object *body = NULL;
    struct error err;
    for (size_t i = requests(world); i > 0; i--) {
        const char *request = fake_server_request(world->api.server, i - 1);
        if (text_starts_with(request, line)) {
            const char *text = strstr(request, "\r\n\r\n") + 4;
            assert_int_equal(json_parse(text, strlen(text), &body, &err), 0);
            return body;
        }
    }
    fail_msg("no request %s", line);
    return NULL;
}

static void the_status_comes_first_then_events_then_announced(void **state)
{
    struct world world;
    (void) state;
    start(&world, CLUSTER(""));
    put_pod(&world, "p0", "", "{'phase': 'Running'}");
    (void) publisher_run(world.publisher, world.now);
    api_settle(&world.api);
    assert_int_equal(requests_of(&world, STATUS_LINE), 1);
    assert_int_equal(requests_of(&world, POD_LINE "p0/status?"), 0); /* nothing competes with the news */
    assert_int_equal(requests_of(&world, EVENT_LINE), 0);
    assert_true(world.has_progress);
    cleanup_json struct json_object *first = last_of(&world, STATUS_LINE);
    assert_string_equal(json_text_at(first, "status.observedVersions.pods", ""), "77");
    assert_null(json_at(first, "status.observedVersions.nodes")); /* none was seen */
    size_t findings = json_object_array_length(json_at(first, "status.findings"));
    assert_in_range(findings, 1, 20);
    for (size_t i = 0; i < findings; i++) {
        assert_false(json_bool_at(json_object_array_get_idx(json_at(first, "status.findings"), i), "announced", true));
    }
    run(&world);
    assert_int_equal(requests_of(&world, EVENT_LINE), findings);
    assert_int_equal(requests_of(&world, POD_LINE "p0/status?"), 1);
    assert_int_equal(requests_of(&world, STATUS_LINE), 2); /* all that was announced in one */
    cleanup_json struct json_object *last = last_of(&world, STATUS_LINE);
    for (size_t i = 0; i < findings; i++) {
        assert_true(json_bool_at(json_object_array_get_idx(json_at(last, "status.findings"), i), "announced", false));
    }
    size_t before = requests(&world);
    run(&world);
    run(&world); /* nothing changes, nothing is written */
    assert_int_equal(requests(&world), before);
    end(&world);
}

static void a_restart_says_nothing_twice(void **state)
{
    struct world world;
    (void) state;
    start(&world, CLUSTER(""));
    put_pod(&world, "p0", "", "{'phase': 'Running'}");
    run(&world);
    cleanup_json struct json_object *status = last_of(&world, STATUS_LINE);
    end(&world);

    start(&world, NULL);
    cleanup_json struct json_object *resource = fixture_json(CLUSTER(""));
    json_object_object_add(resource, "status", json_object_get(json_at(status, "status")));
    struct error err;
    assert_true(store_upsert(model_store(world.model, MODEL_CLUSTERS), resource, world.now, &err) >= 0);
    put_pod(&world, "p0", "", "{'phase': 'Running'}");
    run(&world);
    assert_int_equal(requests_of(&world, EVENT_LINE), 0);
    cleanup_json struct json_object *again = last_of(&world, STATUS_LINE);
    assert_string_equal(json_text(json_at(again, "status")), json_text(json_at(status, "status")));
    end(&world);
}

static void planned_work_keeps_findings_in_the_status(void **state)
{
    struct world world;
    (void) state;
    start(&world, CLUSTER(", 'maintenance': {'until': '2026-11-22T08:00:00Z', 'reason': 'storage move'}"));
    put_pod(&world, "p0", "", "{'phase': 'Running'}");
    int64_t wake_at_ms = publisher_run(world.publisher, world.now);
    assert_in_range(wake_at_ms, world.now.monotonic_ms + 1, world.now.monotonic_ms + 3600 * 1000 + 1);
    api_settle(&world.api);
    run(&world);
    assert_int_equal(requests_of(&world, EVENT_LINE), 0);
    cleanup_json struct json_object *pod = last_of(&world, POD_LINE "p0/status?");
    assert_non_null(strstr(json_text(pod), "{\"proget-operator.io/maintenance\":\"until 2026-11-22T08:00:00Z: storage "
                                           "move\"}"));
    cleanup_json struct json_object *status = last_of(&world, STATUS_LINE);
    assert_true(json_object_array_length(json_at(status, "status.findings")) > 0);
    world.now = fixture_after(3601);
    run(&world);
    assert_true(requests_of(&world, EVENT_LINE) > 0); /* what stands then is said then */
    end(&world);
}

static void annotations_go_from_pods_that_have_no_findings_any_more(void **state)
{
    static const struct {
        const char *name, *more_meta, *status;
        size_t writes;
    } cases[] = {
        {"finished", ", 'annotations': {'proget-operator.io/finding.Evicted': 'x'}", "{'phase': 'Succeeded'}", 1},
        {"finished and clean", "", "{'phase': 'Succeeded'}", 0},
        {"of no cluster", ", 'annotations': {'proget-operator.io/status': 'error'}, 'labels': {'app': 'other'}",
         "{'phase': 'Running'}", 1},
        {"of no cluster and clean", ", 'labels': {'app': 'other'}", "{'phase': 'Running'}", 0},
        {"going", ", 'deletionTimestamp': '2026-11-22T07:00:00Z', 'annotations': {'proget-operator.io/status': 'x'}",
         "{'phase': 'Running'}", 0},
    };
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        struct world world;
        start(&world, CLUSTER(""));
        put_pod(&world, "old", cases[i].more_meta, cases[i].status);
        run(&world);
        run(&world);
        if (requests_of(&world, POD_LINE "old/status?") != cases[i].writes) {
            fail_msg("%s: %zu writes", cases[i].name, requests_of(&world, POD_LINE));
        }
        if (cases[i].writes) {
            cleanup_json struct json_object *body = last_of(&world, POD_LINE);
            assert_string_equal(json_text_at(body, "metadata.uid", "-"), "uid-old");
            assert_int_equal(json_object_object_length(json_at(body, "metadata.annotations")), 0);
        }
        end(&world);
    }
}

static void a_sidecar_gets_its_settings_once(void **state)
{
    struct world world;
    (void) state;
    start(&world, CLUSTER(", 'heartbeat': {'intervalSeconds': 10}"));
    put_pod(&world, "p0", "", "{'phase': 'Running'}");
    fixture_put(world.model, MODEL_LEASES,
                "{'metadata': {'namespace': 'proget', 'name': 'proget-p0', 'uid': 'l0', 'ownerReferences': [{'kind': "
                "'Pod', 'name': 'p0', 'uid': 'uid-p0'}]}, 'spec': {'renewTime': '2026-11-22T07:00:00.000000Z'}}");
    run(&world);
    run(&world);
    static const char line[] = "PATCH /apis/coordination.k8s.io/v1/namespaces/proget/leases/proget-p0?";
    assert_int_equal(requests_of(&world, line), 1);
    cleanup_json struct json_object *body = last_of(&world, line);
    assert_non_null(strstr(json_text(body), "\"proget-operator.io/interval-seconds\":\"10\""));
    end(&world);
}

static void a_cluster_that_is_deleted_is_written_no_more(void **state)
{
    struct world world;
    (void) state;
    start(&world, CLUSTER(""));
    put_pod(&world, "p0", "", "{'phase': 'Running'}");
    (void) publisher_run(world.publisher, world.now); /* its writes are under way */
    fixture_remove(world.model, MODEL_CLUSTERS, "proget", "main");
    (void) publisher_run(world.publisher, world.now);
    api_settle(&world.api);
    run(&world);
    assert_int_equal(requests_of(&world, STATUS_LINE), 1);
    assert_int_equal(requests_of(&world, EVENT_LINE), 0);
    end(&world);
}

/* Events whose body has both words in it. */
static size_t events_with(struct world *world, const char *word, const char *other)
{
    size_t count = 0;
    for (size_t i = 0; i < requests(world); i++) {
        const char *request = fake_server_request(world->api.server, i);
        count += text_starts_with(request, EVENT_LINE) && strstr(request, word) && strstr(request, other) ? 1 : 0;
    }
    return count;
}

#define HPA(more)                                                                                           \
    "{'metadata': {'namespace': 'proget', 'name': 'proget', 'uid': 'h1'}, 'spec': {'maxReplicas': 5, " more \
    "'scaleTargetRef': {'apiVersion': 'apps/v1', 'kind': 'StatefulSet', 'name': 'proget'}}}"

/* An autoscaler that is mended is resolved; of one that is deleted nobody is told anything. */
static void findings_about_autoscalers_end(void **state)
{
    (void) state;
    for (int is_deleted = 0; is_deleted < 2; is_deleted++) {
        struct world world;
        start(&world, CLUSTER(""));
        fixture_put(
            world.model, MODEL_STATEFUL_SETS,
            "{'metadata': {'namespace': 'proget', 'name': 'proget', 'uid': 's1'}, 'spec': {'replicas': 5, "
            "'template': {'metadata': {'labels': {'app': 'proget'}}, 'spec': {'containers': [{'name': 'proget', "
            "'image': 'inedo/proget:25.0.13'}]}}}}");
        fixture_put(world.model, MODEL_AUTOSCALERS, HPA(""));
        run(&world);
        assert_int_equal(events_with(&world, "AutoscalerTargets", "\"kind\":\"HorizontalPodAutoscaler\""), 1);
        assert_int_equal(events_with(&world, "AutoscalerTargets", "\"apiVersion\":\"autoscaling/v2\""), 1);
        if (is_deleted) {
            fixture_remove(world.model, MODEL_AUTOSCALERS, "proget", "proget");
        } else {
            fixture_put(world.model, MODEL_AUTOSCALERS, HPA("'minReplicas': 5, "));
        }
        world.now = fixture_after(60);
        run(&world);
        assert_int_equal(events_with(&world, "AutoscalerTargets", "Resolved"), is_deleted ? 0 : 1);
        end(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_status_comes_first_then_events_then_announced),
        cmocka_unit_test(a_restart_says_nothing_twice),
        cmocka_unit_test(planned_work_keeps_findings_in_the_status),
        cmocka_unit_test(annotations_go_from_pods_that_have_no_findings_any_more),
        cmocka_unit_test(a_sidecar_gets_its_settings_once),
        cmocka_unit_test(a_cluster_that_is_deleted_is_written_no_more),
        cmocka_unit_test(findings_about_autoscalers_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
