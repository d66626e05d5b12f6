#include "publish/declarer.h"

#include "api_fixture.h"
#include "model_fixture.h"

enum { SETTLE_MS = 3000 };

#define CLUSTERS "POST /apis/proget-operator.io/v1alpha1/namespaces/proget/progetclusters?fieldManager=proget-operator "

/* As a list gives it: without kind and apiVersion of its own. */
#define STATEFUL_SET                                                                                                \
    "{'metadata': {'namespace': 'proget', 'name': 'main', 'uid': 'uid-main'}, 'spec': {'replicas': 1, 'selector': " \
    "{'matchLabels': {'app': 'proget'}}, 'template': {'metadata': {'labels': {'app': 'proget'}}, 'spec': "          \
    "{'containers': [{'name': 'proget', 'image': 'x/proget:25.0.13'}]}}}}"

struct world {
    struct api api;
    struct declarer *declarer;
    struct model *model;
    struct cluster_list clusters;
    struct instant now;
    size_t progress;
};

static void on_progress(void *userdata)
{
    ((struct world *) userdata)->progress++;
}

static void start(struct world *world, const char *const *statuses, size_t count)
{
    *world = (struct world){.model = fixture_live()};
    api_start(&world->api, statuses, count);
    world->declarer = declarer_new(world->api.client, on_progress, world);
    world->now = loop_now(world->api.loop);
    fixture_put(world->model, MODEL_STATEFUL_SETS, STATEFUL_SET);
    model_assemble(world->model, fixture_after(0), &world->clusters);
}

#define START(world, ...) \
    start((world), (const char *const[]){__VA_ARGS__}, array_length(((const char *const[]){__VA_ARGS__})))

static void end(struct world *world)
{
    declarer_free(world->declarer);
    assert_int_equal(kube_client_calls_in_flight(world->api.client), 0);
    cluster_list_free(&world->clusters);
    model_free(world->model);
    api_end(&world->api);
}

static int64_t run_for(struct world *world, const struct cluster *implied)
{
    int64_t due_ms = declarer_run(world->declarer, implied, world->now);
    declarer_sweep(world->declarer);
    return due_ms;
}

static int64_t run(struct world *world)
{
    return run_for(world, fixture_cluster(&world->clusters, "main"));
}

/* Lets the user's own ProGetCluster come first; then asks. */
static void settle(struct world *world)
{
    (void) run(world);
    world->now.monotonic_ms += SETTLE_MS;
    assert_true(run(world) == INT64_MAX);
    api_settle(&world->api);
}

static size_t requests(struct world *world)
{
    return fake_server_requests(world->api.server);
}

static struct json_object *sent(struct world *world, size_t index)
{
    struct json_object *body = NULL;
    struct error err;
    const char *text = strstr(fake_server_request(world->api.server, index), "\r\n\r\n") + 4;
    assert_int_equal(json_parse(text, strlen(text), &body, &err), 0);
    return body;
}

static void declares_after_a_moment_and_once(void **state)
{
    struct world world;
    (void) state;
    START(&world, "201 Created");
    assert_true(run(&world) == world.now.monotonic_ms + SETTLE_MS);
    world.now.monotonic_ms += SETTLE_MS - 1;
    assert_true(run(&world) == world.now.monotonic_ms + 1);
    assert_int_equal(kube_client_calls_in_flight(world.api.client), 0);
    world.now.monotonic_ms++;
    assert_true(run(&world) == INT64_MAX);
    assert_true(run(&world) == INT64_MAX); /* one request at a time */
    assert_int_equal(kube_client_calls_in_flight(world.api.client), 1);
    api_settle(&world.api);
    assert_request(&world.api, 0, CLUSTERS, "");
    cleanup_json struct json_object *body = sent(&world, 0);
    assert_string_equal(json_text(body),
                        "{\"apiVersion\":\"proget-operator.io/v1alpha1\",\"kind\":\"ProGetCluster\",\"metadata\":"
                        "{\"name\":\"main\",\"namespace\":\"proget\",\"labels\":{\"proget-operator.io/discovered\":"
                        "\"true\"},\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"StatefulSet\",\"name\":"
                        "\"main\",\"uid\":\"uid-main\"}]},\"spec\":{\"product\":\"ProGet\",\"selector\":"
                        "{\"matchLabels\":{\"app\":\"proget\"}}}}");
    assert_true(run(&world) > world.now.monotonic_ms); /* it is about to come back through the watch */
    assert_int_equal(requests(&world), 1);
    end(&world);
}

static void a_name_that_is_taken_gives_way_to_the_next(void **state)
{
    struct world world;
    (void) state;
    START(&world, "409 Conflict", "409 Conflict", "201 Created");
    settle(&world);
    for (size_t i = 1; i <= 2; i++) {
        assert_int_equal(world.progress, i); /* so that it is asked again */
        world.now.monotonic_ms = loop_now(world.api.loop).monotonic_ms;
        int64_t due_ms = run(&world);
        assert_in_range(due_ms - world.now.monotonic_ms, 20000, 30000); /* ours may be about to be seen */
        world.now.monotonic_ms = due_ms;
        (void) run(&world);
        api_settle(&world.api);
        cleanup_json struct json_object *body = sent(&world, i);
        assert_string_equal(json_text_at(body, "metadata.name", "-"), i == 1 ? "main-2" : "main-3");
    }
    assert_int_equal(requests(&world), 3);
    end(&world);
}

static void a_failure_is_tried_again_with_back_off(void **state)
{
    static const char *const failures[] = {"500 Internal Server Error", "403 Forbidden", "404 Not Found"};
    (void) state;
    for (size_t i = 0; i < array_length(failures); i++) {
        struct world world;
        START(&world, failures[i], failures[i], "201 Created");
        settle(&world);
        assert_int_equal(world.progress, 1); /* else nothing would ask again */
        world.now.monotonic_ms = loop_now(world.api.loop).monotonic_ms;
        int64_t first_ms = run(&world) - world.now.monotonic_ms;
        assert_in_range(first_ms, 400, 1600);
        assert_int_equal(requests(&world), 1);
        world.now.monotonic_ms += first_ms;
        (void) run(&world);
        api_settle(&world.api);
        world.now.monotonic_ms = loop_now(world.api.loop).monotonic_ms;
        int64_t second_ms = run(&world) - world.now.monotonic_ms;
        assert_in_range(second_ms, 1200, 3200);
        world.now.monotonic_ms += second_ms;
        (void) run(&world);
        api_settle(&world.api);
        assert_int_equal(requests(&world), 3);
        cleanup_json struct json_object *body = sent(&world, 2);
        assert_string_equal(json_text_at(body, "metadata.name", "-"), "main");
        end(&world);
    }
}

static void what_nobody_wants_any_more_is_forgotten(void **state)
{
    struct world world;
    (void) state;
    START(&world, "201 Created");
    (void) run(&world);
    world.now.monotonic_ms += SETTLE_MS;
    declarer_sweep(world.declarer); /* a ProGetCluster came, and selects them */
    assert_true(run(&world) == world.now.monotonic_ms + SETTLE_MS);
    assert_int_equal(kube_client_calls_in_flight(world.api.client), 0);
    world.now.monotonic_ms += SETTLE_MS;
    (void) run(&world);
    declarer_sweep(world.declarer); /* while the request is under way */
    api_settle(&world.api);
    declarer_sweep(world.declarer);
    assert_true(run(&world) == world.now.monotonic_ms + SETTLE_MS);
    end(&world);
}

static void what_no_selector_selects_is_not_declared(void **state)
{
    struct world world;
    struct cluster bare = {.namespace_name = "proget", .name = "bare"};
    (void) state;
    START(&world, "201 Created");
    assert_true(run_for(&world, &bare) == world.now.monotonic_ms + SETTLE_MS);
    world.now.monotonic_ms += SETTLE_MS;
    assert_true(run_for(&world, &bare) == INT64_MAX);
    assert_int_equal(kube_client_calls_in_flight(world.api.client), 0);
    end(&world);
}

static void freeing_cancels_what_is_under_way(void **state)
{
    struct world world;
    (void) state;
    START(&world, NULL);
    (void) run(&world);
    world.now.monotonic_ms += SETTLE_MS;
    (void) run(&world);
    api_wait_for_requests(&world.api, 1);
    end(&world);
    assert_int_equal(world.progress, 0);
    declarer_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(declares_after_a_moment_and_once),
        cmocka_unit_test(a_name_that_is_taken_gives_way_to_the_next),
        cmocka_unit_test(a_failure_is_tried_again_with_back_off),
        cmocka_unit_test(what_nobody_wants_any_more_is_forgotten),
        cmocka_unit_test(what_no_selector_selects_is_not_declared),
        cmocka_unit_test(freeing_cancels_what_is_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
