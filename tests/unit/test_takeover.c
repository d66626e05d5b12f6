#include "takeover.h"

#include "api_fixture.h"
#include "proget/core/yaml.h"

#define ITEM(name, version) \
    "{\"metadata\": {\"namespace\": \"ns\", \"name\": \"" name "\", \"resourceVersion\": \"" version "\"}}"
#define PAGE(token, items) "{\"metadata\": {\"continue\": \"" token "\"}, \"items\": [" items "]}"
#define LINE               "GET /apis/proget-operator.io/v1alpha1/progetclusters?limit=20"

struct world {
    struct api api;
    struct model *model;
    struct takeover *takeover;
    struct option_list namespaces;
    bool has_progress;
    const char *pods_seen; /* NULL: pods are not observed */
    bool has_events;       /* of two of the kinds that are Events, told apart by a field selector */
};

static bool versions_of(enum model_kind kind, const char *namespace_name, struct intake_versions *ret_versions,
                        void *userdata)
{
    const struct world *world = userdata;
    assert_string_equal(namespace_name, "ns");
    if (world->has_events && (kind == MODEL_EVENTS_FAILED_CREATE || kind == MODEL_EVENTS_EVICTED)) {
        /* An eviction was just seen; the other watch is as new, but nothing came on it since its last bookmark. */
        *ret_versions = kind == MODEL_EVENTS_EVICTED ? (struct intake_versions){.changed = "120", .seen = "120"}
                                                     : (struct intake_versions){.changed = "50", .seen = "100"};
        return true;
    }
    if (kind != MODEL_PODS || !world->pods_seen) {
        return false;
    }
    *ret_versions = (struct intake_versions){.changed = "1", .seen = world->pods_seen};
    return true;
}

static void on_progress(void *userdata)
{
    ((struct world *) userdata)->has_progress = true;
}

static void hold(struct world *world, const char *name, const char *version)
{
    struct error err;
    cleanup_json struct json_object *object = NULL;
    cleanup_free char *text = xasprintf("{apiVersion: proget-operator.io/v1alpha1, kind: ProGetCluster, metadata: "
                                        "{namespace: ns, name: %s, uid: uid-%s, resourceVersion: '%s'}}",
                                        name, name, version);
    assert_int_equal(yaml_parse(text, strlen(text), "test", &object, &err), 0);
    assert_true(store_upsert(model_store(world->model, MODEL_CLUSTERS), object, loop_now(world->api.loop), &err) >= 0);
}

static void start(struct world *world, const struct api_answer *answers, size_t count)
{
    api_start_with(&world->api, answers, count);
    world->model = model_new(&(struct model_options){0});
    world->takeover = takeover_start(&(struct takeover_options){.client = world->api.client,
                                                                .model = world->model,
                                                                .namespaces = &world->namespaces,
                                                                .versions = {versions_of, world},
                                                                .on_progress = on_progress,
                                                                .userdata = world});
}

#define START(world, ...) \
    start((world), (const struct api_answer[]){__VA_ARGS__}, array_length(((const struct api_answer[]){__VA_ARGS__})))

static void end(struct world *world)
{
    takeover_stop(world->takeover);
    model_free(world->model);
    api_end(&world->api);
}

static void test_waits_for_what_the_watch_has_yet_to_show(void **state)
{
    (void) state;
    struct world world = {0};
    START(&world, {"200 OK", PAGE("next", ITEM("a", "9"))}, {"200 OK", PAGE("", ITEM("b", "12"))});
    assert_false(takeover_is_done(world.takeover)); /* nothing was listed yet */
    hold(&world, "a", "9");
    hold(&world, "b", "11");
    while (!world.has_progress) {
        api_turn(&world.api);
    }
    assert_request(&world.api, 0, LINE " HTTP", "");
    assert_request(&world.api, 1, "GET /apis/proget-operator.io/v1alpha1/progetclusters?continue=next&limit=20 HTTP",
                   "");
    assert_false(takeover_is_done(world.takeover));
    hold(&world, "b", "12");
    assert_true(takeover_is_done(world.takeover));
    hold(&world, "a", "10"); /* newer ones are as good */
    assert_true(takeover_is_done(world.takeover));
    end(&world);
}

static void test_what_is_not_in_sight_is_waited_for(void **state)
{
    (void) state;
    struct world world = {0};
    START(&world, {"200 OK", PAGE("", ITEM("a", "9"))});
    while (!world.has_progress) {
        api_turn(&world.api);
    }
    assert_false(takeover_is_done(world.takeover));
    hold(&world, "a", "9");
    assert_true(takeover_is_done(world.takeover));
    end(&world);
}

#define MADE_FROM(name, version, basis)                                                              \
    "{\"metadata\": {\"namespace\": \"ns\", \"name\": \"" name "\", \"resourceVersion\": \"" version \
    "\"}, \"status\": {\"observedVersions\": " basis "}}"

/* A finding about a pod that this process has not seen yet is not one about a pod that was deleted. */
static void test_what_the_predecessor_judged_by_is_waited_for(void **state)
{
    (void) state;
    static const struct {
        const char *basis, *seen;
        bool is_reached;
    } rows[] = {
        {"{\"pods\": \"120\"}", "99", false},
        {"{\"pods\": \"120\"}", "119", false},
        {"{\"pods\": \"120\"}", "", false},
        {"{\"pods\": \"120\"}", "120", true},
        {"{\"pods\": \"120\"}", "1000", true},
        {"{\"pods\": \"120\"}", NULL, true},                        /* not observed any more */
        {"{\"nodes\": \"120\", \"gadgets\": \"120\"}", "99", true}, /* no kinds of which it is known how far they go */
        {"{\"pods\": \"many\"}", "99", true},
        {"{\"pods\": 120}", "99", true},
        {"\"pods\"", "99", true},
    };
    for (size_t i = 0; i < array_length(rows); i++) {
        struct world world = {.pods_seen = rows[i].seen};
        cleanup_free char *item = xasprintf(MADE_FROM("a", "9", "%s"), rows[i].basis);
        cleanup_free char *page = xasprintf(PAGE("", "%s"), item);
        START(&world, {"200 OK", page});
        hold(&world, "a", "9");
        while (!world.has_progress) {
            api_turn(&world.api);
        }
        if (takeover_is_done(world.takeover) != rows[i].is_reached) {
            fail_msg("%s, seen %s", rows[i].basis, rows[i].seen ? rows[i].seen : "nothing");
        }
        world.pods_seen = "120";
        assert_true(takeover_is_done(world.takeover));
        end(&world);
    }
}

static void test_a_kind_that_may_not_be_read_is_not_waited_for(void **state)
{
    (void) state;
    static const char *const statuses[] = {"403 Forbidden", "404 Not Found"};
    for (size_t i = 0; i < array_length(statuses); i++) {
        struct world world = {0};
        START(&world, {statuses[i], NULL});
        while (!world.has_progress) {
            api_turn(&world.api);
        }
        assert_true(takeover_is_done(world.takeover));
        end(&world);
    }
}

static void test_a_failed_list_is_tried_again(void **state)
{
    (void) state;
    struct world world = {0};
    START(&world, {"500 Internal Server Error", NULL}, {"200 OK", PAGE("", "")});
    while (!world.has_progress) {
        api_turn(&world.api);
    }
    assert_int_equal(fake_server_requests(world.api.server), 2);
    assert_true(takeover_is_done(world.takeover));
    end(&world);
}

static void test_each_namespace_is_listed(void **state)
{
    (void) state;
    const char *names[] = {"n1", "n2"};
    struct world world = {.namespaces = {.items = names, .count = 2}};
    START(&world, {"200 OK", PAGE("", "")}, {"200 OK", PAGE("", ITEM("a", "9"))});
    while (!world.has_progress) {
        api_turn(&world.api);
    }
    assert_request(&world.api, 0, "GET /apis/proget-operator.io/v1alpha1/namespaces/n1/progetclusters?", "");
    assert_request(&world.api, 1, "GET /apis/proget-operator.io/v1alpha1/namespaces/n2/progetclusters?", "");
    assert_false(takeover_is_done(world.takeover));
    end(&world);
}

/* Each kind of Events is a watch of its own: what came on one never comes on the others. */
static void test_kinds_that_share_a_plural_are_told_apart(void **state)
{
    (void) state;
    struct world world = {.has_events = true};
    const struct basis_source source = {versions_of, &world};
    cleanup_json struct json_object *basis = basis_build(&source, "ns");
    enum model_kind kind = MODEL_KIND_COUNT;
    if (!basis_is_reached(&source, "ns", basis, &kind)) {
        fail_msg("a copy is behind the status that was made from itself: %s (kind %d)", json_text(basis), (int) kind);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_for_what_the_watch_has_yet_to_show),
        cmocka_unit_test(test_what_is_not_in_sight_is_waited_for),
        cmocka_unit_test(test_what_the_predecessor_judged_by_is_waited_for),
        cmocka_unit_test(test_a_kind_that_may_not_be_read_is_not_waited_for),
        cmocka_unit_test(test_a_failed_list_is_tried_again),
        cmocka_unit_test(test_each_namespace_is_listed),
        cmocka_unit_test(test_kinds_that_share_a_plural_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
