/*
 * Changes of the number of servers, and servers that go, from the model to the status and back: what the operator says,
 * how often, and what of it a restart keeps. One turn of the operator without its network.
 */
#include "history_fixture.h"

#include "proget/checks/evaluation.h"
#include "publish/status.h"

struct world {
    struct model *model;
    struct ledger *ledger;
    struct status_times times;
    struct json_object *status; /* as last written */
    size_t raised, resolved, dropped;
};

/* Findings of other codes do not matter here. */
static bool is_ours(const char *code)
{
    return text_starts_with(code, "Server");
}

static void on_change(const struct ledger_entry *entry, enum ledger_change change, const char *why, void *userdata)
{
    (void) why;
    struct world *world = userdata;
    if (is_ours(entry->finding.code)) {
        world->raised += change == LEDGER_CHANGE_RAISED ? 1 : 0;
        world->resolved += change == LEDGER_CHANGE_RESOLVED ? 1 : 0;
        world->dropped += change == LEDGER_CHANGE_DROPPED ? 1 : 0;
    }
}

static bool exists(const struct object_reference *object, void *userdata)
{
    (void) object;
    (void) userdata;
    return true;
}

static void announce_all(struct world *world, struct instant now)
{
    for (;;) {
        size_t count;
        struct ledger_entry *const *entries = ledger_published(world->ledger, &count);
        size_t at = 0;
        while (at < count && ledger_due(world->ledger, entries[at]) == LEDGER_HOLDING) {
            at++;
        }
        if (at == count) {
            return;
        }
        cleanup_free char *id = xstrdup(entries[at]->id);
        assert_true(ledger_announced(world->ledger, id, ledger_due(world->ledger, entries[at]), now));
    }
}

/* The Event is created only once the status is there; what is written last is what a successor reads. */
static void turn(struct world *world, int64_t seconds)
{
    struct instant now = fixture_after(seconds);
    struct cluster_list clusters;
    model_assemble(world->model, now, &clusters);
    struct cluster *cluster = (struct cluster *) fixture_cluster(&clusters, "main");
    struct history *history = model_history(world->model, cluster->resource);
    cluster->history = history;
    (void) history_observe(history, world->model, cluster, now);
    struct finding_list findings;
    evaluation_run(world->model, cluster, now, &findings);
    (void) ledger_update(world->ledger, &findings, now,
                         &(struct ledger_callbacks){.on_change = on_change, .exists = exists, .userdata = world});
    ledger_acknowledge(world->ledger, ledger_send(world->ledger));
    announce_all(world, now);
    (void) json_object_put(world->status);
    world->status = status_build(
        &(struct status_input){
            .model = world->model, .cluster = cluster, .findings = &findings, .ledger = world->ledger, .now = now},
        &world->times);
    finding_list_free(&findings);
    cluster_list_free(&clusters);
}

static void put_workload(struct world *world, int replicas)
{
    cleanup_free char *workload =
        xasprintf("{'metadata': {'namespace': 'proget', 'name': 'proget', 'uid': 'us', 'generation': 1}, 'spec': "
                  "{'replicas': %d, 'template': {'metadata': {'labels': {'app': 'proget'}}}}, 'status': "
                  "{'observedGeneration': 1, 'replicas': %d, 'updatedReplicas': %d}}",
                  replicas, replicas, replicas);
    fixture_put(world->model, MODEL_STATEFUL_SETS, workload);
}

static void put_server(struct world *world, const char *name, const char *more_meta)
{
    cleanup_free char *meta =
        xasprintf(", 'ownerReferences': [{'apiVersion': 'apps/v1', 'kind': 'StatefulSet', 'name': "
                  "'proget', 'uid': 'us', 'controller': true}] %s",
                  more_meta);
    cleanup_free char *uid = xasprintf("uid-%s", name);
    put_pod(world->model, name, uid, meta, ", 'nodeName': 'a'",
            "{'phase': 'Running', 'startTime': '2026-11-22T06:00:00Z'}");
}

static void world_fill(struct world *world, struct json_object *status)
{
    cleanup_json struct json_object *resource = fixture_json(CLUSTER("", "", ""));
    json_object_object_add(resource, "status", json_object_get(status));
    world->model = fixture_live();
    world->ledger = ledger_new();
    struct error err;
    assert_true(store_upsert(model_store(world->model, MODEL_CLUSTERS), resource, fixture_after(0), &err) >= 0);
}

static void world_clear(struct world *world)
{
    model_free(world->model);
    ledger_free(world->ledger);
    (void) json_object_put(world->status);
}

/* The process dies; another reads what the status said after its last turn. */
static void restart(struct world *world, int64_t seconds)
{
    struct world next = {.raised = world->raised, .resolved = world->resolved, .dropped = world->dropped};
    world_fill(&next, json_at(world->status, "status"));
    struct cluster_list clusters;
    model_assemble(next.model, fixture_after(seconds), &clusters);
    ledger_load(next.ledger, fixture_cluster(&clusters, "main")->resource, fixture_after(seconds));
    cluster_list_free(&clusters);
    world_clear(world);
    *world = next;
}

/* "code code", in the status. */
static void assert_standing(const struct world *world, const char *expected)
{
    struct json_object *findings = json_at(world->status, "status.findings");
    cleanup_buffer struct buffer found = BUFFER_INIT(4096);
    for (size_t i = 0; i < json_object_array_length(findings); i++) {
        const char *code = json_text_at(json_object_array_get_idx(findings, i), "code", "");
        if (is_ours(code)) {
            buffer_appendf(&found, "%s%s", found.length > 0 ? " " : "", code);
        }
    }
    assert_string_equal(buffer_text(&found), expected);
}

static void test_change_is_told_once(void **state)
{
    (void) state;
    struct world world = {0};
    world_fill(&world, NULL);
    put_workload(&world, 0);
    turn(&world, 0);
    assert_standing(&world, ""); /* at first sight */
    restart(&world, 10);
    put_workload(&world, 0);
    turn(&world, 10);
    turn(&world, 11);
    assert_standing(&world, "");
    put_workload(&world, 2);
    put_server(&world, "proget-0", "");
    put_server(&world, "proget-1", "");
    turn(&world, 20);
    assert_standing(&world, "ServerCountChanged");
    turn(&world, 25);
    assert_int_equal(world.raised, 1);
    restart(&world, 30);
    put_workload(&world, 2);
    put_server(&world, "proget-0", "");
    put_server(&world, "proget-1", "");
    turn(&world, 30);
    turn(&world, 3619);
    assert_standing(&world, "ServerCountChanged");
    turn(&world, 3620);
    assert_standing(&world, "");
    assert_int_equal(world.raised, 1); /* once, for an hour, and it goes without a word */
    assert_int_equal(world.resolved, 0);
    assert_int_equal(world.dropped, 1);
    world_clear(&world);
}

/* Killed before the status was written, it neither forgets nor tells at the first look. */
static void test_change_behind_its_back(void **state)
{
    (void) state;
    struct world world = {0};
    world_fill(&world, NULL);
    put_workload(&world, 1);
    put_server(&world, "proget-0", "");
    turn(&world, 0);
    restart(&world, 100);
    put_workload(&world, 2);
    put_server(&world, "proget-0", "");
    put_server(&world, "proget-1", "");
    turn(&world, 100);
    assert_standing(&world, "");
    restart(&world, 101); /* and again at once */
    put_workload(&world, 2);
    put_server(&world, "proget-0", "");
    put_server(&world, "proget-1", "");
    turn(&world, 101);
    assert_standing(&world, "");
    turn(&world, 102);
    assert_standing(&world, "ServerCountChanged");
    assert_int_equal(world.raised, 1);
    world_clear(&world);
}

/* Back and forth within the hour: one finding, from where it began to what is wanted now; none where that is the same.
 */
static void test_changes_within_the_hour_are_one(void **state)
{
    (void) state;
    struct world world = {0};
    world_fill(&world, NULL);
    put_workload(&world, 0);
    turn(&world, 0);
    put_workload(&world, 3);
    turn(&world, 1);
    assert_standing(&world, "ServerCountChanged");
    put_workload(&world, 0);
    turn(&world, 2);
    assert_standing(&world, "");
    put_workload(&world, 3);
    turn(&world, 3);
    assert_standing(&world, "ServerCountChanged");
    world_clear(&world);
}

/* Ten minutes by the operator's own clock; what was wrong is said to be mended. */
static void test_wrong_count_is_held(void **state)
{
    (void) state;
    struct world world = {0};
    world_fill(&world, NULL);
    put_workload(&world, 2);
    put_server(&world, "proget-0", "");
    turn(&world, 0);
    turn(&world, 599);
    assert_standing(&world, "");
    turn(&world, 600);
    assert_standing(&world, "ServerCountWrong");
    put_server(&world, "proget-1", "");
    turn(&world, 601);
    assert_int_equal(world.raised, 1);
    assert_int_equal(world.resolved, 1);
    world_clear(&world);
}

static void test_gone_over_a_restart(void **state)
{
    (void) state;
    struct world world = {0};
    world_fill(&world, NULL);
    put_workload(&world, 2);
    put_server(&world, "proget-0", "");
    put_server(&world, "proget-1", "");
    turn(&world, 0);
    fixture_remove(world.model, MODEL_PODS, "proget", "proget-1");
    turn(&world, 10);
    assert_standing(&world, "");
    restart(&world, 60);
    put_workload(&world, 2);
    put_server(&world, "proget-0", "");
    turn(&world, 129);
    assert_standing(&world, "");
    turn(&world, 130); /* two minutes after it went, whoever watched */
    assert_standing(&world, "ServerGone");
    put_server(&world, "proget-1", "");
    turn(&world, 140);
    assert_int_equal(world.raised, 1);
    assert_int_equal(world.resolved, 1);
    world_clear(&world);
}

static void test_still_running_over_a_restart(void **state)
{
    (void) state;
    static const char lost[] = "{'metadata': {'name': 'a', 'uid': 'ua'}, 'status': {'conditions': [{'type': 'Ready', "
                               "'status': 'Unknown'}]}}";
    static const char back[] = "{'metadata': {'name': 'a', 'uid': 'ua'}, 'status': {'conditions': [{'type': 'Ready', "
                               "'status': 'True'}]}}";
    struct world world = {0};
    world_fill(&world, NULL);
    put_workload(&world, 0);
    fixture_put(world.model, MODEL_NODES, lost);
    put_server(&world, "proget-0", ", 'deletionTimestamp': '2026-11-22T06:59:00Z'");
    turn(&world, 0);
    assert_standing(&world, "ServerMayStillRun");
    fixture_remove(world.model, MODEL_PODS, "proget", "proget-0"); /* by force */
    turn(&world, 1);
    restart(&world, 2);
    put_workload(&world, 0);
    fixture_put(world.model, MODEL_NODES, lost);
    turn(&world, 2);
    turn(&world, 86400);
    assert_standing(&world, "ServerMayStillRun");
    assert_int_equal(world.raised, 1);
    assert_int_equal(world.resolved, 0);
    fixture_put(world.model, MODEL_NODES, back);
    turn(&world, 86401);
    assert_int_equal(world.raised, 1);
    assert_int_equal(world.resolved, 1);
    world_clear(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_change_is_told_once),
        cmocka_unit_test(test_change_behind_its_back),
        cmocka_unit_test(test_changes_within_the_hour_are_one),
        cmocka_unit_test(test_wrong_count_is_held),
        cmocka_unit_test(test_gone_over_a_restart),
        cmocka_unit_test(test_still_running_over_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
