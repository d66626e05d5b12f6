/*
 * kubectl proget audit without -f: what it asks a cluster for, and what it makes of what it may not see.
 */
#include "cli_fixture.h"

#include "audit_result.h"
#include "live.h"

enum { NOW_S = 1795348800 }; /* 2026-11-22T12:00:00Z */

#define POD                                                                                                         \
    "{'metadata':{'namespace':'proget','name':'proget-0','uid':'u0','labels':{'app':'proget'}},'spec':{'nodeName':" \
    "'node-a','containers':[{'name':'proget','image':'inedo/proget:25.0.13'}],'initContainers':[{'name':"           \
    "'proget-sidecar','image':'proget-sidecar:1','restartPolicy':'Always'}]},'status':{'phase':'Running'}}"
#define LEASE(renewed)                                                                                             \
    "{'metadata':{'namespace':'proget','name':'proget-proget-0','uid':'l0','ownerReferences':[{'apiVersion':'v1'," \
    "'kind':'Pod','name':'proget-0','uid':'u0'}]},'spec':{'holderIdentity':'proget-0','leaseDurationSeconds':300," \
    "'renewTime':'" renewed "'}}"

struct live {
    struct command command;
    struct model *model;
    struct input input;
    struct fake_route routes[8];
    char *texts[8];
    size_t count;
};

static void live_begin(struct live *live)
{
    memset(live, 0, sizeof *live);
    command_start(&live->command, NULL, 0);
    live->model = model_new(&(struct model_options){.offline = true, .whole = true, .discover = true});
    input_init(&live->input, live->model, live->command.errors_file, audit_instant(NOW_S * CLOCK_US_PER_SECOND));
}

static void live_answer(struct live *live, const char *request, const char *status, const char *body)
{
    cleanup_free char *json = json_of(body);
    live->texts[live->count] = fake_answer(status, "", json);
    live->routes[live->count] = (struct fake_route){request, live->texts[live->count]};
    live->count++;
}

static int live_run(struct live *live, const char *namespace_name)
{
    live_answer(live, "GET ", "200 OK", "{'items':[]}"); /* whatever else is asked */
    fake_server_route(live->command.api.server, live->routes, live->count);
    int result = live_load(&live->command.connection, namespace_name, &live->input);
    command_flush(&live->command);
    return result;
}

static void live_end(struct live *live)
{
    input_clear(&live->input);
    model_free(live->model);
    command_end(&live->command);
    for (size_t i = 0; i < live->count; i++) {
        free(live->texts[i]);
    }
}

static bool was_asked(struct live *live, const char *line)
{
    for (size_t i = 0; i < fake_server_requests(live->command.api.server); i++) {
        if (text_starts_with(fake_server_request(live->command.api.server, i), line)) {
            return true;
        }
    }
    return false;
}

static const char *unobserved(const struct audit_result *result, const char *what)
{
    for (size_t i = 0; i < result->unobserved_count; i++) {
        if (text_equal(result->unobserved[i].what, what)) {
            return result->unobserved[i].why;
        }
    }
    return NULL;
}

static bool has_finding(const struct audit_result *result, const char *code)
{
    for (size_t i = 0; i < result->clusters.count; i++) {
        for (size_t k = 0; k < result->findings[i].count; k++) {
            if (text_equal(result->findings[i].items[k].code, code)) {
                return true;
            }
        }
    }
    return false;
}

static void test_a_whole_cluster(void **state)
{
    (void) state;
    struct live live;
    live_begin(&live);
    live_answer(&live, "GET /api/v1/pods?continue=next&limit=500 ", "200 OK", "{'items':[" POD "]}");
    live_answer(&live, "GET /api/v1/pods?", "200 OK", "{'metadata':{'continue':'next'},'items':[]}");
    live_answer(&live, "GET /apis/coordination.k8s.io/v1/leases?", "200 OK",
                "{'items':[" LEASE("2026-11-22T11:00:00.000000Z") "]}");
    live_answer(&live, "GET /apis/proget-operator.io/", "404 Not Found", "{}");
    live_answer(&live, "GET /apis/keda.sh/", "404 Not Found", "{}");
    live_answer(&live, "GET /apis/metrics.k8s.io/", "503 Service Unavailable", "{}"); /* keeps nothing else from it */
    assert_int_equal(live_run(&live, NULL), 0);
    assert_string_equal(live.command.errors, "");
    assert_int_equal(live.input.object_count, 2);
    assert_true(was_asked(&live, "GET /apis/coordination.k8s.io/v1/leases?limit=500&labelSelector="
                                 "app.kubernetes.io%2Fmanaged-by%3Dproget-sidecar "));
    assert_true(was_asked(&live, "GET /api/v1/events?limit=500&fieldSelector=reason%3DEvicted "));
    assert_false(was_asked(&live, "GET /api/v1/secrets"));
    struct audit_result result;
    audit_result_make(live.model, live.input.now, &result);
    assert_int_equal(audit_result_cluster_count(&result), 1);
    assert_true(has_finding(&result, "HeartbeatStale")); /* by the Lease's own time: nobody watched it */
    assert_true(has_finding(&result, "ClusterNotDeclared"));
    /* Empty is not the same as not seen, and what is not installed has no objects. */
    assert_null(unobserved(&result, "priorityclasses"));
    assert_null(unobserved(&result, "progetclusters"));
    assert_null(unobserved(&result, "scaledobjects"));
    assert_non_null(strstr(unobserved(&result, "nodes.metrics.k8s.io"), "503"));
    audit_result_clear(&result);
    live_end(&live);
}

static void test_what_may_not_be_seen(void **state)
{
    (void) state;
    struct live live;
    live_begin(&live);
    live_answer(&live, "GET /api/v1/namespaces/proget/pods?", "200 OK", "{'items':[" POD ",7,{'metadata':{}}]}");
    live_answer(&live, "GET /api/v1/nodes?", "403 Forbidden", "{}");
    live_answer(&live, "GET /apis/coordination.k8s.io/v1/namespaces/proget/leases?", "403 Forbidden", "{}");
    assert_int_equal(live_run(&live, "proget"), 0);
    assert_true(live.input.has_problem); /* two objects that are none */
    assert_has(live.command.errors, "error: ");
    struct audit_result result;
    audit_result_make(live.model, live.input.now, &result);
    assert_int_equal(audit_result_cluster_count(&result), 1);
    assert_false(has_finding(&result, "HeartbeatMissing"));
    assert_string_equal(unobserved(&result, "nodes"), "you may not list it");
    assert_string_equal(unobserved(&result, "leases"), "you may not list it");
    audit_result_clear(&result);
    live_end(&live);
}

static void test_what_cannot_be_judged(void **state)
{
    (void) state;
    static const struct {
        const char *request, *status, *told;
    } cases[] = {
        {"GET /api/v1/pods?", "403 Forbidden", "kubectl auth can-i list pods -A\n"},
        {"GET ", "401 Unauthorized", "log in again"},
        {"GET /apis/apps/v1/statefulsets?", "500 Internal Server Error", "To do: Try again in a while"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        struct live live;
        live_begin(&live);
        live_answer(&live, cases[i].request, cases[i].status, "{}");
        live_answer(&live, "GET /api/v1/pods?", "200 OK", "{'items':[" POD "]}");
        assert_true(live_run(&live, NULL) < 0);
        assert_int_equal(store_count(model_read(live.model, MODEL_PODS)), 0);
        assert_has(live.command.errors, cases[i].told);
        live_end(&live);
    }
}

/* A misspelt namespace must not pass for one without servers. */
static void test_no_namespace(void **state)
{
    (void) state;
    static const struct {
        const char *status, *told;
        int result;
    } cases[] = {
        {"404 Not Found", "error: there is no namespace progte; kubectl get namespaces lists them\n", ERROR_NOT_FOUND},
        {"403 Forbidden", "", 0},
        {"200 OK", "", 0},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        struct live live;
        live_begin(&live);
        live_answer(&live, "GET /api/v1/namespaces/progte ", cases[i].status, "{}");
        assert_int_equal(live_run(&live, "progte"), cases[i].result);
        assert_string_equal(live.command.errors, cases[i].told);
        assert_true(was_asked(&live, "GET /api/v1/namespaces/progte "));
        live_end(&live);
    }
    struct live live;
    live_begin(&live);
    live_answer(&live, "GET /api/v1/namespaces/proget/pods?", "200 OK", "{'items':[" POD "]}");
    assert_int_equal(live_run(&live, "proget"), 0);
    assert_false(was_asked(&live, "GET /api/v1/namespaces/proget ")); /* something is in it */
    live_end(&live);
}

static void test_no_cluster(void **state)
{
    (void) state;
    struct command command;
    assert_int_equal(COMMAND_LINE(&command, audit_main, "--kubeconfig", "/nonexistent/kubeconfig"), STATUS_UNUSABLE);
    assert_has(command.errors, "/nonexistent/kubeconfig");
    assert_has(command.errors, "To do: Name a kubeconfig");
    assert_string_equal(command.output, "");
    command_end(&command);
    /* A report for another program says it too. */
    assert_int_equal(COMMAND_LINE(&command, audit_main, "--kubeconfig", "/nonexistent/kubeconfig", "-o", "sarif"),
                     STATUS_UNUSABLE);
    assert_has(command.output, "/nonexistent/kubeconfig");
    command_end(&command);
    assert_int_equal(COMMAND_LINE(&command, audit_main, "manifests"), STATUS_UNUSABLE);
    assert_has(command.errors, "files are given with -f");
    command_end(&command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_cluster),
        cmocka_unit_test(test_what_may_not_be_seen),
        cmocka_unit_test(test_what_cannot_be_judged),
        cmocka_unit_test(test_no_namespace),
        cmocka_unit_test(test_no_cluster),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
