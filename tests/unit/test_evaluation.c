/*
 * The catalogue over one cluster: severities, order, identity, bounds, holds, wake-ups; and the live rules that no
 * offline scenario reaches.
 */
#include "checks_fixture.h"

#include "../../lib/checks/check_sink.h"
#include "proget/model/history.h"

enum { MINUTE_MS = 60 * 1000 };

/* A check's surroundings without any store behind it. */
struct bench {
    struct model *model;
    struct cluster_resource resource;
    struct cluster cluster;
    struct check_sink sink;
    struct check_context context;
};

static void bench_make(struct bench *bench, bool offline)
{
    memset(bench, 0, sizeof *bench);
    bench->model = model_new(&(struct model_options){.offline = offline});
    bench->resource.meta.name = "main";
    bench->cluster =
        (struct cluster){.namespace_name = "n", .name = "main", .resource = &bench->resource, .is_offline = offline};
    check_sink_init(&bench->sink);
    size_t count;
    bench->context = (struct check_context){
        .model = bench->model,
        .cluster = &bench->cluster,
        .now = audit_instant(INT64_C(1700000000) * CLOCK_US_PER_SECOND),
        .row = catalogue(&count),
        .sink = &bench->sink,
    };
}

static struct finding_list bench_finish(struct bench *bench)
{
    struct finding_list list;
    check_sink_finish(&bench->sink, &list);
    return list;
}

static struct object_reference pod_reference(const char *name, const char *uid)
{
    return (struct object_reference){"v1", "Pod", "n", name, uid};
}

static struct finding_draft draft_of(const char *code, const char *name)
{
    return (struct finding_draft){
        .code = code, .object = pod_reference(name, name), .message = "It is so.", .action = "Do it.", .hold_ms = -1};
}

static void test_severity_names(void **state)
{
    (void) state;
    enum severity severity = SEVERITY_INFO;
    assert_int_equal(severity_from_name("error", &severity), 0);
    assert_int_equal(severity, SEVERITY_ERROR);
    assert_int_equal(severity_from_name("Error", &severity), ERROR_BAD_INPUT);
    assert_int_equal(severity_from_name(NULL, &severity), ERROR_BAD_INPUT);
    assert_int_equal(severity, SEVERITY_ERROR);
    assert_string_equal(severity_name(SEVERITY_WARNING), "warning");
}

static void test_order_and_severity_override(void **state)
{
    (void) state;
    struct bench bench;
    bench_make(&bench, true);
    const struct code_severity overrides[] = {{"SidecarMissing", "error"}, {"QosNotGuaranteed", "dreadful"}};
    bench.resource.severity = (struct record_list){overrides, 2};
    const char *const codes[] = {"QosNotGuaranteed", "SidecarMissing", "CoScheduled", "HeartbeatMissing"};
    for (size_t i = 0; i < array_length(codes); i++) {
        struct finding_draft draft = draft_of(codes[i], i % 2 ? "b" : "a");
        finding_raise(&bench.context, &draft);
    }
    struct finding_draft second = draft_of("CoScheduled", "0");
    finding_raise(&bench.context, &second);
    struct finding_list list = bench_finish(&bench);
    static const char *const expected[] = {"CoScheduled", "CoScheduled", "SidecarMissing", "HeartbeatMissing",
                                           "QosNotGuaranteed"};
    assert_int_equal(list.count, array_length(expected));
    for (size_t i = 0; i < list.count; i++) {
        assert_string_equal(list.items[i].code, expected[i]);
    }
    assert_string_equal(list.items[0].object.name, "0");
    assert_int_equal(list.items[2].severity, SEVERITY_ERROR);
    assert_int_equal(list.items[4].severity, SEVERITY_WARNING); /* no such severity: the row's stays */
    finding_list_free(&list);
    model_free(bench.model);
}

static const char *key_with(struct bench *bench, const struct finding_draft *draft, char **ret_owned)
{
    bench_make(bench, true);
    finding_raise(&bench->context, draft);
    struct finding_list list = bench_finish(bench);
    assert_int_equal(list.count, 1);
    *ret_owned = xstrdup(list.items[0].key);
    finding_list_free(&list);
    model_free(bench->model);
    return *ret_owned;
}

static void test_identity(void **state)
{
    (void) state;
    const struct object_reference forth[] = {pod_reference("x", "1"), pod_reference("y", "2")};
    const struct object_reference back[] = {pod_reference("y", "2"), pod_reference("x", "1"), pod_reference("x", "1")};
    struct finding_draft drafts[7];
    for (size_t i = 0; i < array_length(drafts); i++) {
        drafts[i] = draft_of("Evicted", "a");
        drafts[i].related = forth;
        drafts[i].related_count = 2;
    }
    drafts[1].related = back; /* the same set in another order, one twice */
    drafts[1].related_count = 3;
    drafts[1].message = "Said otherwise.";
    drafts[1].true_since_us = 5;
    drafts[2].related_count = 1;
    drafts[3].cause = "Api";
    drafts[4].occurrence = "uid";
    drafts[5].object.uid = "another";
    drafts[6].code = "EvictionsFrequent";
    struct bench bench;
    char *keys[array_length(drafts)];
    for (size_t i = 0; i < array_length(drafts); i++) {
        (void) key_with(&bench, &drafts[i], &keys[i]);
    }
    assert_string_equal(keys[0], keys[1]);
    for (size_t i = 2; i < array_length(drafts); i++) {
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(keys[i], keys[k]);
        }
    }
    for (size_t i = 0; i < array_length(drafts); i++) {
        free(keys[i]);
    }
}

static void test_same_twice_is_one(void **state)
{
    (void) state;
    struct bench bench;
    bench_make(&bench, true);
    struct finding_draft draft = draft_of("Evicted", "a");
    finding_raise(&bench.context, &draft);
    finding_raise(&bench.context, &draft);
    finding_unobserved(&bench.context, "nodes", "first");
    finding_unobserved(&bench.context, "nodes", "second");
    struct finding_list list = bench_finish(&bench);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.unobserved_count, 1);
    assert_string_equal(list.unobserved[0].why, "first");
    assert_true(list.wake_at_ms == INT64_MAX);
    finding_list_free(&list);
    model_free(bench.model);
}

static void test_bounds_and_hostile_texts(void **state)
{
    (void) state;
    struct bench bench;
    bench_make(&bench, true);
    char *huge = xmalloc(5000);
    memset(huge, 'x', 4999);
    huge[4999] = '\0';
    struct object_reference related[BOUND_RELATED + 10];
    char names[BOUND_RELATED + 10][8];
    for (size_t i = 0; i < array_length(related); i++) {
        (void) snprintf(names[i], sizeof names[i], "r%03zu", array_length(related) - i);
        related[i] = pod_reference(names[i], NULL);
    }
    struct finding_draft draft = draft_of("Evicted", "a");
    draft.message = huge;
    draft.action = "steal \033[2J the \a screen";
    draft.related = related;
    draft.related_count = array_length(related);
    finding_raise(&bench.context, &draft);
    struct finding_list list = bench_finish(&bench);
    assert_int_equal(strlen(list.items[0].message), BOUND_SENTENCE_BYTES - 1);
    assert_string_equal(list.items[0].action, "steal ?[2J the ? screen");
    assert_int_equal(list.items[0].related_count, BOUND_RELATED);
    assert_string_equal(list.items[0].related[0].name, "r001");
    finding_list_free(&list);
    model_free(bench.model);
    free(huge);
}

static void test_more_findings_than_kept(void **state)
{
    (void) state;
    struct bench bench;
    bench_make(&bench, true);
    for (int i = 0; i < BOUND_FINDINGS_PER_CLUSTER + 3; i++) {
        cleanup_free char *name = xasprintf("pod-%04d", i);
        struct finding_draft draft = draft_of("SidecarMissing", name);
        finding_raise(&bench.context, &draft);
    }
    struct finding_draft worst = draft_of("CoScheduled", "z");
    finding_raise(&bench.context, &worst);
    struct finding_list list = bench_finish(&bench);
    assert_int_equal(list.count, BOUND_FINDINGS_PER_CLUSTER);
    assert_int_equal(list.dropped, 4);
    assert_string_equal(list.items[0].code, "CoScheduled"); /* the worst are kept */
    finding_list_free(&list);
    model_free(bench.model);
}

static void test_holds(void **state)
{
    (void) state;
    static const struct {
        bool offline;
        int64_t age_ms; /* negative: not told */
        int64_t hold_ms;
        bool raised;
    } cases[] = {
        {true, 1 * MINUTE_MS, -1, false}, {true, 2 * MINUTE_MS, -1, true}, {true, -1, -1, true},
        {true, 1 * MINUTE_MS, 0, true},   {true, 4, 5 * MINUTE_MS, false}, {false, 1, -1, true},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        struct bench bench;
        bench_make(&bench, cases[i].offline);
        struct finding_draft draft = draft_of("HeartbeatMissing", "a");
        draft.hold_ms = cases[i].hold_ms;
        draft.true_since_us = cases[i].age_ms < 0 ? 0 : bench.context.now.wall_us - cases[i].age_ms * 1000;
        finding_raise(&bench.context, &draft);
        struct finding_list list = bench_finish(&bench);
        assert_int_equal(list.count, cases[i].raised);
        if (cases[i].raised) {
            assert_int_equal(list.items[0].hold_ms, cases[i].hold_ms < 0 ? 2 * MINUTE_MS : cases[i].hold_ms);
        }
        finding_list_free(&list);
        model_free(bench.model);
    }
}

/* One live server with a sidecar and a heartbeat, by hand. */
struct live_server {
    struct bench bench;
    struct pod pod;
    struct container sidecar;
    struct lease lease;
    struct heartbeat heartbeat;
    struct server server;
    struct subject subject;
    struct history *history;
};

static void live_server_make(struct live_server *live, enum heartbeat_state heartbeat_state)
{
    memset(live, 0, sizeof *live);
    bench_make(&live->bench, false);
    live->pod.meta.name = "proget-0";
    live->pod.meta.namespace_name = "n";
    live->pod.meta.uid = "p0";
    live->pod.spec.node_name = "node-a";
    live->sidecar.name = "proget-sidecar";
    live->heartbeat.renewed_ms = live->bench.context.now.monotonic_ms - MINUTE_MS;
    live->server = (struct server){
        .pod = &live->pod,
        .live = true,
        .sidecar = &live->sidecar,
        .lease = &live->lease,
        .heartbeat = &live->heartbeat,
        .heartbeat_state = heartbeat_state,
        .stale_after_ms = 5 * MINUTE_MS,
    };
    live->subject = (struct subject){
        .meta = &live->pod.meta,
        .api_version = "v1",
        .kind = "Pod",
        .spec = &live->pod.spec,
        .labels = &live->pod.labels,
        .annotations = &live->pod.annotations,
        .sidecar = &live->sidecar,
        .server = &live->server,
        .servers = 1,
    };
    live->history = history_new();
    live->bench.cluster.servers = &live->server;
    live->bench.cluster.server_count = live->bench.cluster.live_count = 1;
    live->bench.cluster.subjects = &live->subject;
    live->bench.cluster.subject_count = 1;
    live->bench.cluster.history = live->history;
    live->bench.cluster.settings.topology_key = "kubernetes.io/hostname";
    live->bench.cluster.settings.internet_access = "Auto";
}

static struct finding_list live_server_evaluate(struct live_server *live)
{
    struct finding_list list;
    struct finding_list unused = bench_finish(&live->bench);
    finding_list_free(&unused);
    evaluation_run(live->bench.model, &live->bench.cluster, live->bench.context.now, &list);
    history_free(live->history);
    model_free(live->bench.model);
    return list;
}

static void test_stale_deadline_wakes(void **state)
{
    (void) state;
    struct live_server live;
    live_server_make(&live, HEARTBEAT_FRESH);
    struct finding_list list = live_server_evaluate(&live);
    assert_null(finding_of(&list, "HeartbeatStale", NULL));
    assert_int_equal(list.wake_at_ms, live.heartbeat.renewed_ms + 5 * MINUTE_MS);
    finding_list_free(&list);
}

static void test_stale_since(void **state)
{
    (void) state;
    struct live_server live;
    live_server_make(&live, HEARTBEAT_STALE);
    live.heartbeat.renewed_since_start = true;
    live.heartbeat.renewed_ms = live.bench.context.now.monotonic_ms - 7 * MINUTE_MS;
    struct instant now = live.bench.context.now;
    struct finding_list list = live_server_evaluate(&live);
    const struct finding *finding = finding_of(&list, "HeartbeatStale", "proget-0");
    assert_non_null(finding);
    assert_true(finding->true_since_us == now.wall_us - (int64_t) 2 * MINUTE_MS * 1000);
    finding_list_free(&list);
}

/* A Lease may be seen to go before its pod is: only the operator's own clock tells how long it is missing. */
static void test_missing_since(void **state)
{
    (void) state;
    struct live_server live;
    live_server_make(&live, HEARTBEAT_MISSING);
    live.server.lease = NULL;
    live.pod.started_us = 7;
    struct finding_list list = live_server_evaluate(&live);
    const struct finding *finding = finding_of(&list, "HeartbeatMissing", "proget-0");
    assert_non_null(finding);
    assert_int_equal(finding->true_since_us, 0);
    finding_list_free(&list);
}

static void test_stale_stands_after_a_restart(void **state)
{
    (void) state;
    static const struct {
        const char *uid;
        bool renewed;
        bool raised;
    } cases[] = {{"p0", false, true}, {"p0", true, false}, {"of its predecessor", false, false}};
    for (size_t i = 0; i < array_length(cases); i++) {
        const struct status_finding remembered = {.code = "HeartbeatStale",
                                                  .object = {.kind = "Pod", .name = "proget-0", .uid = cases[i].uid}};
        struct live_server live;
        live_server_make(&live, HEARTBEAT_UNKNOWN);
        live.bench.resource.status.findings = (struct record_list){&remembered, 1};
        history_load(live.history, &live.bench.resource);
        live.heartbeat.renewed_since_start = cases[i].renewed;
        struct finding_list list = live_server_evaluate(&live);
        assert_int_equal(finding_of(&list, "HeartbeatStale", NULL) != NULL, cases[i].raised);
        finding_list_free(&list);
    }
}

static void test_eviction_in_history_wakes(void **state)
{
    (void) state;
    struct live_server live;
    live_server_make(&live, HEARTBEAT_UNKNOWN);
    live.server.heartbeat = NULL;
    int64_t age_ms = (int64_t) 23 * 60 * MINUTE_MS;
    const struct status_eviction gone = {.pod = "proget-1",
                                         .uid = "p1",
                                         .node = "node-b",
                                         .cause = "Preemption",
                                         .time_us = live.bench.context.now.wall_us - age_ms * 1000};
    live.bench.resource.status.evictions = (struct record_list){&gone, 1};
    history_load(live.history, &live.bench.resource);
    struct instant now = live.bench.context.now;
    struct finding_list list = live_server_evaluate(&live);
    const struct finding *finding = finding_of(&list, "Evicted", "main"); /* the pod is gone: on the cluster */
    assert_non_null(finding);
    assert_string_equal(finding->cause, "Preemption");
    assert_string_equal(finding->occurrence, "p1");
    assert_true(finding->true_since_us == gone.time_us);
    assert_int_equal(list.wake_at_ms, now.monotonic_ms + 60 * MINUTE_MS);
    finding_list_free(&list);
}

static size_t count_of(const struct finding_list *list, const char *code)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        count += text_equal(list->items[i].code, code);
    }
    return count;
}

/* An hour, and several are one; the first look of a process asks for a second one. */
static void test_server_count_changed(void **state)
{
    (void) state;
    struct live_server live;
    live_server_make(&live, HEARTBEAT_UNKNOWN);
    live.server.heartbeat = NULL;
    struct instant now = live.bench.context.now;
    const struct status_size_change changes[] = {
        {.time_us = now.wall_us - (int64_t) 50 * MINUTE_MS * 1000, .from = 3, .to = 5},
        {.time_us = now.wall_us - (int64_t) 10 * MINUTE_MS * 1000, .from = 5, .to = 2},
        {.time_us = now.wall_us - (int64_t) 61 * MINUTE_MS * 1000, .from = 1, .to = 3},
    };
    live.bench.resource.status.size_changes = (struct record_list){changes, array_length(changes)};
    history_load(live.history, &live.bench.resource);
    struct finding_list list = live_server_evaluate(&live);
    const struct finding *finding = finding_of(&list, "ServerCountChanged", "main");
    assert_non_null(finding);
    assert_string_equal(finding->object.kind, CLUSTER_KIND);
    assert_int_equal(finding->severity, SEVERITY_INFO);
    assert_non_null(finding->occurrence);
    assert_true(finding->true_since_us == changes[1].time_us);
    assert_non_null(strstr(finding->message, "wants 2 servers now, 3 before"));
    assert_int_equal(count_of(&list, "ServerCountChanged"), 1);
    assert_int_equal(list.wake_at_ms, now.monotonic_ms + 10 * MINUTE_MS + 1);
    finding_list_free(&list);

    live_server_make(&live, HEARTBEAT_UNKNOWN);
    live.server.heartbeat = NULL;
    live.history->replicas = (struct record_optional_int64){.is_set = true, .value = 3};
    live.bench.cluster.replicas = (struct record_optional_int64){.is_set = true, .value = 5};
    list = live_server_evaluate(&live);
    assert_null(finding_of(&list, "ServerCountChanged", NULL));
    assert_int_equal(list.wake_at_ms, now.monotonic_ms + 1000);
    finding_list_free(&list);
}

/* Newest first; what is in force counts, whatever the last change led to. */
static void test_server_count_changed_back(void **state)
{
    (void) state;
    static const struct {
        int64_t numbers[4]; /* of 3 changes, oldest first */
        int64_t in_force;   /* -1: not known */
        const char *said, *advised;
    } cases[] = {
        {{3, 0, 1, 3}, 3, NULL, NULL},
        {{3, 0, 1, 3}, -1, NULL, NULL},
        {{3, 0, 3, 0}, 0, "wants 0 servers now, 3 before", "--replicas=3"},
        {{3, 4, 3, 1}, 1, "wants 1 server now, 3 before", "--replicas=3"},
        {{3, 4, 3, 1}, 2, "wants 2 servers now, 3 before", "--replicas=3"},
        {{0, 1, 2, 3}, 3, "wants 3 servers now, 0 before", "If it was meant, there is nothing to do."},
    };
    struct workload workload = {.meta = {.name = "proget"}};
    const struct workload *workloads[] = {&workload};
    for (size_t i = 0; i < array_length(cases); i++) {
        struct live_server live;
        live_server_make(&live, HEARTBEAT_UNKNOWN);
        live.server.heartbeat = NULL;
        struct status_size_change changes[3];
        for (int k = 0; k < 3; k++) {
            changes[k] = (struct status_size_change){.time_us = live.bench.context.now.wall_us -
                                                                (int64_t) (30 - k) * MINUTE_MS * 1000,
                                                     .from = cases[i].numbers[k],
                                                     .to = cases[i].numbers[k + 1]};
        }
        live.bench.resource.status.size_changes = (struct record_list){changes, array_length(changes)};
        history_load(live.history, &live.bench.resource);
        live.bench.cluster.workloads = workloads;
        live.bench.cluster.workload_count = 1;
        live.bench.cluster.replicas =
            (struct record_optional_int64){.is_set = cases[i].in_force >= 0, .value = cases[i].in_force};
        struct finding_list list = live_server_evaluate(&live);
        assert_int_equal(count_of(&list, "ServerCountChanged"), cases[i].said ? 1 : 0);
        const struct finding *finding = finding_of(&list, "ServerCountChanged", "main");
        assert_true(!finding || strstr(finding->message, cases[i].said));
        assert_true(!finding || strstr(finding->action, cases[i].advised));
        assert_true(!finding || !strstr(finding->action, "--replicas=0"));
        finding_list_free(&list);
    }
}

static void test_server_gone_and_still_running(void **state)
{
    (void) state;
    struct live_server live;
    live_server_make(&live, HEARTBEAT_UNKNOWN);
    live.server.heartbeat = NULL;
    const struct status_member members[] = {
        {.name = "proget-0", .uid = "p0"},
        {.name = "proget-1", .uid = "p1", .node = "node-b", .gone_since_us = 7, .gone_why = "deletion"},
    };
    const struct status_end end = {.pod = "proget-2", .uid = "p2", .node = "node-c", .node_uid = "nc", .since_us = 9};
    live.bench.resource.status.members = (struct record_list){members, array_length(members)};
    live.bench.resource.status.ends = (struct record_list){&end, 1};
    history_load(live.history, &live.bench.resource);
    struct finding_list list = live_server_evaluate(&live);
    const struct finding *gone = finding_of(&list, "ServerGone", "main");
    assert_non_null(gone);
    assert_string_equal(gone->occurrence, "p1");
    assert_true(gone->true_since_us == 7);
    assert_int_equal(gone->hold_ms, 2 * MINUTE_MS);
    assert_non_null(strstr(gone->action, "kubectl proget forget proget-1"));
    assert_non_null(strstr(gone->action, "proget-operator.io/forget=p1"));
    const struct finding *running = finding_of(&list, "ServerMayStillRun", "main");
    assert_non_null(running);
    assert_string_equal(running->occurrence, "p2");
    assert_true(running->true_since_us == 9);
    assert_int_equal(running->related_count, 1);
    assert_string_equal(running->related[0].name, "node-c");
    assert_string_equal(running->related[0].uid, "nc");
    finding_list_free(&list);
}

/* Live, nobody but the operator's own clock knows since when the number is wrong. */
static void test_server_count_is_held_live(void **state)
{
    (void) state;
    static const struct {
        int64_t servers;
        bool in_rollout, is_wrong;
    } cases[] = {{1, false, false}, {2, false, true}, {2, true, false}, {0, false, true}, {0, true, false}};
    for (size_t i = 0; i < array_length(cases); i++) {
        struct live_server live;
        live_server_make(&live, HEARTBEAT_UNKNOWN);
        live.server.heartbeat = NULL;
        live.pod.meta.created_us = 5;
        live.bench.resource.servers = (struct record_optional_int64){.is_set = true, .value = cases[i].servers};
        live.bench.cluster.intended = cases[i].servers;
        live.bench.cluster.rollout_under_way = cases[i].in_rollout;
        struct finding_list list = live_server_evaluate(&live);
        const struct finding *finding = finding_of(&list, "ServerCountWrong", "main");
        assert_int_equal(finding != NULL, cases[i].is_wrong);
        if (finding) {
            assert_int_equal(finding->true_since_us, 0);
            assert_int_equal(finding->hold_ms, 10 * MINUTE_MS);
        }
        finding_list_free(&list);
    }
}

/* A registry's answer may be anything. */
static void test_pending_quotes_nobody_unchanged(void **state)
{
    (void) state;
    struct live_server live;
    live_server_make(&live, HEARTBEAT_UNKNOWN);
    live.server.heartbeat = NULL;
    char message[4096];
    memset(message, 'x', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    memcpy(message, "not\x1b[31m\nfound \xff", 16);
    const struct container_status status = {.name = "proget",
                                            .state = {.waiting_reason = "ErrImagePull", .waiting_message = message}};
    live.pod.container_statuses = (struct record_list){&status, 1};
    live.pod.started_us = 11;
    struct finding_list list = live_server_evaluate(&live);
    const struct finding *finding = finding_of(&list, "ServerPending", "proget-0");
    assert_non_null(finding);
    assert_string_equal(finding->cause, "Image");
    assert_true(finding->true_since_us == 11);
    assert_int_equal(finding->hold_ms, 2 * MINUTE_MS);
    assert_non_null(strstr(finding->message, "not?[31m?found ?"));
    assert_null(strpbrk(finding->message, "\x1b\n\xff"));
    assert_non_null(strstr(finding->message, "...\"): the cluster"));
    assert_true(strlen(finding->message) < 700);
    finding_list_free(&list);
}

static void test_unobserved_kinds_are_named_live(void **state)
{
    (void) state;
    struct live_server live;
    live_server_make(&live, HEARTBEAT_MISSING);
    model_set_unobserved(live.bench.model, MODEL_LEASES, "forbidden");
    model_set_unobserved(live.bench.model, MODEL_SERVICES, "forbidden too");
    struct finding_list list = live_server_evaluate(&live);
    assert_null(finding_of(&list, "HeartbeatMissing", NULL)); /* not observed is never missing */
    assert_true(list.unobserved_count >= 2);
    assert_string_equal(list.unobserved[0].what, "leases");
    assert_string_equal(list.unobserved[0].why, "forbidden");
    finding_list_free(&list);
}

static void test_superseded_gets_nothing(void **state)
{
    (void) state;
    struct live_server live;
    live_server_make(&live, HEARTBEAT_STALE);
    struct cluster_resource winner = {.meta = {.name = "winner"}};
    live.bench.cluster.superseded_by = &winner;
    struct finding_list list = live_server_evaluate(&live);
    assert_int_equal(list.count + list.suppressed_count + list.unobserved_count, 0);
    finding_list_free(&list);
}

static void test_catalogue_is_consistent(void **state)
{
    (void) state;
    size_t count;
    const struct check_row *rows = catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(catalogue_find(rows[i].code), &rows[i]); /* no code twice */
        assert_non_null(rows[i].check);
        assert_true(strlen(rows[i].summary) > 10);
    }
    assert_null(catalogue_find("NoSuchCode"));
    assert_null(catalogue_find(NULL));
}

static void test_json_of_a_finding(void **state)
{
    (void) state;
    struct bench bench;
    bench_make(&bench, true);
    const struct object_reference node = {"v1", "Node", NULL, "node-a", "u"};
    struct finding_draft draft = draft_of("CoScheduled", "a");
    draft.related = &node;
    draft.related_count = 1;
    finding_raise(&bench.context, &draft);
    struct finding_list list = bench_finish(&bench);
    cleanup_json struct json_object *json = finding_to_json(&list.items[0]);
    assert_string_equal(
        json_text(json),
        "{\"code\":\"CoScheduled\",\"severity\":\"error\",\"object\":{\"apiVersion\":\"v1\",\"kind\":"
        "\"Pod\",\"namespace\":\"n\",\"name\":\"a\"},\"related\":[{\"apiVersion\":\"v1\",\"kind\":"
        "\"Node\",\"name\":\"node-a\"}],\"cause\":null,\"message\":\"It is so.\",\"action\":\"Do it.\"}");
    finding_list_free(&list);
    model_free(bench.model);
}

#define BLIND_POD(name, form)                                                                                         \
    "apiVersion: v1\nkind: Pod\nmetadata: {namespace: p, name: " name ", uid: uid-" name ", labels: {app: proget}}\n" \
    "spec:\n  nodeName: node-a\n  containers:\n  - name: proget\n"                                                    \
    "    image: proget.inedo.com/productimages/inedo/proget:25.0.13\n"                                                \
    "    env: [{name: PROGET_ENCRYPTION_KEY, valueFrom: {secretKeyRef: {name: s, key: key}}}]\n"                      \
    "  - {name: proget-sidecar, image: example.org/proget-sidecar}\nstatus: {phase: Running}\n---\n"                  \
    "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata:\n  namespace: p\n  name: proget-" name "\n"           \
    "  labels: {app.kubernetes.io/managed-by: proget-sidecar}\n"                                                      \
    "  ownerReferences: [{apiVersion: v1, kind: Pod, name: " name ", uid: uid-" name "}]\n"                           \
    "  annotations: {proget-operator.io/report: '{\"v\":1,\"key\":{" form "}}'}\n"                                    \
    "spec: {holderIdentity: " name ", leaseDurationSeconds: 300, renewTime: '2026-11-22T11:59:40.000000Z'}\n---\n"

/* Its sidecar started before the Secret was there: that it agrees with the others cannot be said. */
static void test_a_blind_sidecar_is_named(void **state)
{
    (void) state;
    struct fixture fixture;
    fixture_offline(&fixture,
                    BLIND_POD("a", "\"source\":\"none\",\"form\":\"absent\"") BLIND_POD(
                        "b", "\"source\":\"env\",\"form\":\"ok\",\"fingerprint\":\"hmac-sha256:9f9f9f9f9f9f9f9f9f9f9f"
                             "9f9f9f9f9f\""));
    const struct finding_list *findings = fixture.result.findings;
    size_t named = 0;
    for (size_t i = 0; i < findings->unobserved_count; i++) {
        named += text_equal(findings->unobserved[i].what, "encryption key of pod a") ? 1 : 0;
    }
    assert_int_equal(named, 1);
    for (size_t i = 0; i < findings->count; i++) {
        assert_string_not_equal(findings->items[i].code, "EncryptionKeyMismatch");
    }
    fixture_clear(&fixture);
}

/* What a server says of itself is cut, so that our own words fit behind it. */
static void test_replication_detail_is_cut(void **state)
{
    (void) state;
    char detail[2048];
    memset(detail, 'x', sizeof detail - 1);
    detail[sizeof detail - 1] = '\0';
    char failed[] = "Error";
    struct report report = {.health = {.has_replication = true,
                                       .replication_server = failed,
                                       .replication_detail = detail,
                                       .state = REPORT_HEALTH_OK}};
    struct live_server live;
    live_server_make(&live, HEARTBEAT_FRESH);
    live.server.report = &report;
    struct finding_list list = live_server_evaluate(&live);
    const struct finding *finding = finding_of(&list, "ReplicationError", "proget-0");
    assert_non_null(finding);
    assert_true(strlen(finding->message) < BOUND_SENTENCE_BYTES);
    assert_true(text_ends_with(finding->message, "are missing on the other."));
    finding_list_free(&list);
}

static void test_web_window(void **state)
{
    (void) state;
    for (int is_over = 0; is_over <= 1; is_over++) {
        struct report report = {.health = {.state = REPORT_HEALTH_OK}};
        struct live_server live;
        live_server_make(&live, HEARTBEAT_FRESH);
        live.server.report = &report;
        live.bench.cluster.settings.web_stale_after_ms = (int64_t) 60 * MINUTE_MS;
        struct instant now = live.bench.context.now;
        report.web_answered_us = now.wall_us - (int64_t) (is_over ? 60 : 58) * MINUTE_MS * 1000;
        struct finding_list list = live_server_evaluate(&live);
        assert_int_equal(finding_of(&list, "WebStale", "proget-0") != NULL, is_over);
        if (!is_over) {
            assert_int_equal(list.wake_at_ms, now.monotonic_ms + 2 * MINUTE_MS);
        } else {
            assert_true(finding_of(&list, "WebStale", "proget-0")->true_since_us == now.wall_us);
        }
        finding_list_free(&list);
    }
}

#define DATABASE_POD(name, connection)                                                                                \
    "apiVersion: v1\nkind: Pod\nmetadata: {namespace: p, name: " name ", uid: uid-" name ", labels: {app: proget}}\n" \
    "spec:\n  containers:\n  - name: proget\n    image: proget.inedo.com/productimages/inedo/proget:25.0.13\n"        \
    "    env: [{name: PROGET_SQL_CONNECTION_STRING, value: '" connection "'}]\nstatus: {phase: Running}\n---\n"

/* Not even the server's name: whoever may read findings may not read the spec, or the Secret. */
static void test_no_connection_string_is_said(void **state)
{
    (void) state;
    struct fixture fixture;
    fixture_offline(&fixture, "apiVersion: proget-operator.io/v1alpha1\nkind: ProGetCluster\nmetadata: {namespace: p, "
                              "name: main}\nspec: {product: ProGet, selector: {matchLabels: {app: "
                              "proget}}}\n---\n" DATABASE_POD("a", "Server=hush-one;Database=d;Password=hush")
                                  DATABASE_POD("b", "Server=hush-two;Database=d;Password=hush"));
    const struct finding_list *findings = &fixture.result.findings[0];
    const struct finding *finding = finding_of(findings, "DatabaseMismatch", "main");
    assert_non_null(finding);
    assert_int_equal(finding->related_count, 2);
    for (size_t i = 0; i < findings->count; i++) {
        assert_null(strstr(findings->items[i].message, "hush"));
        assert_null(strstr(findings->items[i].action, "hush"));
    }
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_severity_names),
        cmocka_unit_test(test_order_and_severity_override),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_same_twice_is_one),
        cmocka_unit_test(test_bounds_and_hostile_texts),
        cmocka_unit_test(test_more_findings_than_kept),
        cmocka_unit_test(test_holds),
        cmocka_unit_test(test_stale_deadline_wakes),
        cmocka_unit_test(test_stale_since),
        cmocka_unit_test(test_stale_stands_after_a_restart),
        cmocka_unit_test(test_eviction_in_history_wakes),
        cmocka_unit_test(test_missing_since),
        cmocka_unit_test(test_server_count_changed),
        cmocka_unit_test(test_server_count_changed_back),
        cmocka_unit_test(test_server_gone_and_still_running),
        cmocka_unit_test(test_server_count_is_held_live),
        cmocka_unit_test(test_pending_quotes_nobody_unchanged),
        cmocka_unit_test(test_unobserved_kinds_are_named_live),
        cmocka_unit_test(test_a_blind_sidecar_is_named),
        cmocka_unit_test(test_replication_detail_is_cut),
        cmocka_unit_test(test_web_window),
        cmocka_unit_test(test_no_connection_string_is_said),
        cmocka_unit_test(test_superseded_gets_nothing),
        cmocka_unit_test(test_catalogue_is_consistent),
        cmocka_unit_test(test_json_of_a_finding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
