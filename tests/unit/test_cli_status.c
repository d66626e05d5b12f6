/*
 * kubectl proget status: what it asks for, what it shows, what it ends with.
 */
#include "cli_fixture.h"

#include <signal.h>

#include "help_fixture.h"
#include "status_command.h"
#include "status_record.h"
#include "status_table.h"

#define NOW "2026-11-22T12:00:00Z"

#define LIST(items) "{'kind':'ProGetClusterList','metadata':{'resourceVersion':'9'},'items':[" items "]}"
#define META(name)  "'metadata':{'namespace':'proget','name':'" name "','uid':'u-" name "','generation':2}"
#define CLUSTER(name, status) \
    "{" META(name) ",'spec':{'product':'ProGet'},'status':{'observedGeneration':2," status "}}"
#define FINDING(code, severity, more)                                                                          \
    "{'code':'" code "','severity':'" severity "','object':{'kind':'Pod','name':'proget-1'},'message':'It is " \
    "wrong.','action':'Mend it.','since':'2026-11-22T10:00:00Z'" more "}"

static const char full[] = CLUSTER(
    "main",
    "'servers':2,'healthyServers':1,'summary':'1 error','version':'mixed',"
    "'configuration':{'servers':3,'heartbeat':{'staleAfterSeconds':300}},"
    "'conditions':[{'type':'VersionInSync','status':'False','reason':'VersionMismatch','message':'Versions differ.'},"
    "{'type':'Ready','status':'True','reason':'x','message':'y'}],"
    "'members':[{'name':'proget-0','uid':'a','node':'node-a','version':'2025.13','versionInSync':false,"
    "'heartbeat':'Fresh','lastHeartbeat':'2026-11-22T11:58:00Z','keyFingerprint':'hmac-sha256:9f2c41aa','keyInSync':"
    "true,"
    "'activation':'Active','components':{'web':{'status':'OK'},'service':{'status':'Error','detail':'it stopped'}}},"
    "{'name':'proget-1','uid':'b','heartbeat':'Stale','lastHeartbeat':'2026-11-22T11:00:00Z'},"
    "{'name':'proget-2','uid':'c','node':'node-c','heartbeat':'Unknown','gone':{'since':'2026-11-22T09:00:00Z',"
    "'why':'eviction (NodePressure)'}}],"
    "'findings':[" FINDING("HeartbeatStale", "error", "") "," FINDING(
        "CoScheduled", "error",
        ",'cleared':'2026-11-22T11:59:00Z'") "],"
                                             "'suppressed':[{'code':'SidecarMissing','object':{'kind':'Pod','name':'"
                                             "proget-9'},'reason':'meant so'}],"
                                             "'evictions':[{'time':'2026-11-22T09:00:00Z','pod':'proget-2','node':'"
                                             "node-c','cause':'NodePressure',"
                                             "'message':'The node was low on memory.'}]");

/* Prints one as of NOW. Owned. */
static char *table_of(const char *object, size_t width)
{
    cleanup_free char *text = json_of(object);
    cleanup_json struct json_object *json = NULL;
    struct error err;
    assert_int_equal(json_parse(text, strlen(text), &json, &err), 0);
    void *block;
    assert_int_equal(record_fill(&shown_cluster_type, json, &block, NULL, &err), 0);
    int64_t now_us;
    assert_int_equal(clock_parse(NOW, &now_us), 0);
    char *output = NULL;
    size_t size;
    FILE *target = open_memstream(&output, &size);
    status_table(block, now_us, (struct table_style){.width = width}, target);
    (void) fclose(target);
    free(block);
    return output;
}

static void test_table(void **state)
{
    (void) state;
    cleanup_free char *text = table_of(full, 120);
    static const char *const parts[] = {
        "proget/main  ProGet of mixed versions, 1 of 3 servers healthy, findings: 1 error\n",
        "  VersionInSync        False    VersionMismatch: Versions differ.\n",
        "  SERVER    NODE    VERSION            HEARTBEAT    KEY       ACTIVATION  WEB  SERVICE\n",
        "  proget-0  node-a  2025.13 (differs)  Fresh        9f2c41aa  Active      OK   Error\n",
        "  proget-1  -       -                  Stale (1 h)  -         -           -    -\n",
        "  proget-2  node-c  -                  gone         -         -           -    -\n",
        "  proget-0: it stopped\n",
        "  proget-2 is gone for 3 h (since 2026-11-22T09:00:00Z): eviction (NodePressure).",
        "kubectl proget forget proget-2 -n proget main\n",
        "ERROR    HeartbeatStale             Pod proget-1, for 2 h (since 2026-11-22T10:00:00Z)\n"
        "         It is wrong.\n         To do: Mend it.\n",
        "Left out as asked for\n  SidecarMissing on Pod proget-9: meant so\n",
        "Evictions, newest first\n  2026-11-22T09:00:00Z proget-2 from node-c: NodePressure, The node was low on "
        "memory.\n",
    };
    for (size_t i = 0; i < array_length(parts); i++) {
        assert_has(text, parts[i]);
    }
    assert_has_not(text, "CoScheduled"); /* it is over */
    assert_has_not(text, "Ready");       /* it is True */
    assert_has_not(text, "nothing since");
}

static void test_doubts(void **state)
{
    (void) state;
    static const struct {
        const char *object, *part;
    } cases[] = {
        {"{" META("new") ",'spec':{}}", "proget/new  ProGet\n  The operator has not looked at it yet."},
        {"{" META("new") ",'spec':{},'status':{'observedGeneration':1,'servers':0}}", "has not seen the last change"},
        {CLUSTER("old", "'members':[{'name':'a','heartbeat':'Fresh','lastHeartbeat':'2026-11-22T11:40:00Z'}]"),
         "This is 20 min old: the operator has written nothing since"},
        {"{" META("work") ",'spec':{'maintenance':{'until':'2026-11-22T13:00:00Z','reason':'new disks'}},"
                          "'status':{'observedGeneration':2}}",
         "Maintenance until 2026-11-22T13:00:00Z, new disks: findings are kept"},
        {"{'metadata':{'namespace':'proget','name':'found','labels':{'proget-operator.io/discovered':'true'}},"
         "'status':{'observedGeneration':1}}",
         "(found, not declared: kubectl proget init)"},
        {CLUSTER("good", "'servers':3,'healthyServers':3"), "3 of 3 servers healthy, findings: none\n\nNo findings.\n"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free char *text = table_of(cases[i].object, 120);
        assert_has(text, cases[i].part);
    }
    cleanup_free char *past = table_of(
        "{" META("work") ",'spec':{'maintenance':{'until':'2026-11-22T11:00:00Z'}},'status':{'observedGeneration':2}}",
        120);
    assert_has_not(past, "Maintenance");
}

/* Nothing of an answer steers the terminal, and nothing of it is longer than it may be. */
static void test_hostile_texts(void **state)
{
    (void) state;
    cleanup_free char *text = table_of(
        CLUSTER("main", "'version':'\\u001b[2J','members':[{'name':'\\u001b]0;x\\u0007','version':'\\u202e'}],"
                        "'findings':[" FINDING("\\u001b[1m", "fatal",
                                               ",'cause':null") "],"
                                                                "'conditions':[{'type':'\\n\\n','status':'No'}]"),
        120);
    assert_has_not(text, "\033");
    assert_has_not(text, "\a");
    assert_has_not(text, "\xe2\x80\xae");
    assert_has(text, "INFO     ?[1m");
}

static void assert_status(const char *answer, const char *http, const struct status_request *request, int status,
                          const char *output, const char *errors, const char *asked)
{
    cleanup_free char *body = json_of(answer);
    const struct api_answer answers[] = {{http, body}};
    struct command command;
    command_start(&command, answers, 1);
    int got = status_once(&command.connection, request, command.output_file, command.errors_file);
    command_flush(&command);
    assert_has(command.output, output);
    assert_has(command.errors, errors);
    assert_int_equal(got, status);
    assert_request(&command.api, 0, asked, "");
    command_end(&command);
}

static void test_once(void **state)
{
    (void) state;
    const struct status_request one = {.namespace_name = "proget", .name = "main"};
    const struct status_request all = {.namespace_name = "proget"};
    const struct status_request everywhere = {0};
    static const char path[] = "GET /apis/proget-operator.io/v1alpha1/namespaces/proget/progetclusters?limit=500 ";
    static const char denied[] = "{'kind':'Status','status':'Failure','reason':'Forbidden','message':'no','code':403}";
    static const char unknown[] = "{'kind':'Status','status':'Failure','reason':'NotFound','message':'no','code':404}";
    cleanup_free char *bad = xasprintf(LIST("%s"), full);
    assert_status(bad, "200 OK", &one, STATUS_FOUND, "proget/main", "",
                  "GET /apis/proget-operator.io/v1alpha1/namespaces/proget/progetclusters?limit=500&"
                  "fieldSelector=metadata.name%3Dmain ");
    assert_status(LIST(CLUSTER("b", "'servers':1") "," CLUSTER("a", "'servers':1")), "200 OK", &everywhere, STATUS_DONE,
                  "Z\n\nproget/a  ProGet", "", "GET /apis/proget-operator.io/v1alpha1/progetclusters?limit=500 ");
    assert_status(LIST(""), "200 OK", &one, STATUS_UNUSABLE, "",
                  "error: there is no ProGetCluster main in namespace proget; kubectl proget status -A shows all\n",
                  "GET ");
    assert_status(LIST(""), "200 OK", &all, STATUS_DONE, "", "There is no ProGetCluster in namespace proget;", path);
    assert_status(LIST("1,{'metadata':{}}," CLUSTER("a", "'servers':1")), "200 OK", &all, STATUS_UNUSABLE, "proget/a",
                  "error: ", path);
    assert_status(
        denied, "403 Forbidden", &all, STATUS_UNUSABLE, "",
        "To do: Have the role \"view\" granted to you there, or name a namespace of yours with -n. What you may: "
        "kubectl auth can-i list progetclusters.proget-operator.io -n proget\n",
        path);
    assert_status(unknown, "404 Not Found", &all, STATUS_UNUSABLE, "", "the operator was never installed there", path);
    assert_status("{}", "401 Unauthorized", &all, STATUS_UNUSABLE, "",
                  "To do: The credential (from test) is not accepted", path);
    assert_status("nonsense", "200 OK", &all, STATUS_UNUSABLE, "", "no JSON", path);
    assert_status("{}", "500 Internal Server Error", &all, STATUS_UNUSABLE, "", "To do: Try again in a while", path);
}

/* A list whose first pages grew too old begins anew, and what came before does not count. */
static void test_pages(void **state)
{
    (void) state;
    static const char gone[] = "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Expired\",\"code\":410}";
    cleanup_free char *first = json_of("{'metadata':{'continue':'t/1 &'},'items':[" CLUSTER("old", "'servers':1") "]}");
    cleanup_free char *anew = json_of("{'metadata':{'continue':'t2'},'items':[" CLUSTER("a", "'servers':1") "]}");
    cleanup_free char *last = json_of(LIST(CLUSTER("b", "'servers':1")));
    const struct api_answer answers[] = {{"200 OK", first}, {"410 Gone", gone}, {"200 OK", anew}, {"200 OK", last}};
    struct command command;
    command_start(&command, answers, array_length(answers));
    assert_int_equal(
        status_once(&command.connection, &(struct status_request){0}, command.output_file, command.errors_file),
        STATUS_DONE);
    command_flush(&command);
    assert_request(&command.api, 1,
                   "GET /apis/proget-operator.io/v1alpha1/progetclusters?continue=t%2F1%20%26&limit=500 ", "");
    assert_request(&command.api, 2, "GET /apis/proget-operator.io/v1alpha1/progetclusters?limit=500 ", "");
    assert_has(command.output, "proget/a");
    assert_has(command.output, "\nproget/b");
    assert_has_not(command.output, "proget/old");
    command_end(&command);
}

static void test_endless_list(void **state)
{
    (void) state;
    static const char page[] = "{\"metadata\":{\"continue\":\"again\"},\"items\":[]}";
    const struct api_answer answers[] = {{"200 OK", page}, {"200 OK", page}};
    struct command command;
    command_start(&command, answers, array_length(answers));
    assert_int_equal(
        status_once(&command.connection, &(struct status_request){0}, command.output_file, command.errors_file),
        STATUS_UNUSABLE);
    command_flush(&command);
    assert_has(command.errors, "has no end");
    command_end(&command);
}

/* The probe, a first sync, a change; then somebody interrupts. */
static void on_tick(void *userdata)
{
    struct command *command = userdata;
    command_flush(command);
    if (strstr(command->output, "3 of 3 servers healthy") && strstr(command->output, "2 of 3 servers healthy")) {
        assert_int_equal(raise(SIGINT), 0);
    }
}

static void on_late(void *userdata)
{
    const struct command *command = userdata;
    fail_msg("the watch showed no change:\n%s\n%s", command->output, command->errors);
}

struct ticking {
    struct loop_timer *timer;
    struct command *command;
};

static void tick(void *userdata)
{
    struct ticking *ticking = userdata;
    on_tick(ticking->command);
    loop_timer_set_after(ticking->timer, API_TURN_MS);
}

#define WATCHED(version, healthy)                                                                                   \
    "'object':{'apiVersion':'proget-operator.io/v1alpha1','kind':'ProGetCluster','metadata':{'namespace':'proget'," \
    "'name':'main','resourceVersion':'" version                                                                     \
    "'},'status':{'observedGeneration':1,'servers':3,'healthyServers':" healthy "}}}"

#define END_BOOKMARK(version)                                                                                    \
    "{'type':'BOOKMARK','object':{'apiVersion':'proget-operator.io/v1alpha1','kind':'ProGetCluster','metadata':" \
    "{'resourceVersion':'" version "','annotations':{'k8s.io/initial-events-end':'true'}}}}\n"

/* Prints, loses the server, catches up and prints again. */
static void test_watch(void **state)
{
    (void) state;
    cleanup_free char *frames = json_of("{'type':'ADDED'," WATCHED("5", "2") "\n" END_BOOKMARK("6"));
    cleanup_free char *change = json_of("{'type':'ADDED'," WATCHED("7", "3") "\n" END_BOOKMARK("8"));
    cleanup_free char *stream =
        xasprintf(FAKE_HEAD("200 OK", "application/json") "Connection: close\r\n\r\n%s", frames);
    cleanup_free char *more = xasprintf(FAKE_HEAD("200 OK", "application/json") "Connection: close\r\n\r\n%s", change);
    struct command command;
    const struct api_answer answers[] = {
        {"200 OK", "{\"items\":[]}"}, {"200 OK", NULL}, {"503 Service Unavailable", NULL}, {"200 OK", NULL}};
    command_start(&command, answers, array_length(answers));
    command.api.replies[1] = (struct fake_reply){stream, FAKE_CLOSE}; /* borrowed by the server, not yet asked for */
    command.api.replies[3] = (struct fake_reply){more, FAKE_HANG};
    struct ticking ticking = {.command = &command};
    ticking.timer = loop_timer_new(command.api.loop, tick, &ticking);
    loop_timer_set_after(ticking.timer, API_TURN_MS);
    struct loop_timer *late = loop_timer_new(command.api.loop, on_late, &command);
    loop_timer_set_after(late, API_LIMIT_MS);
    assert_int_equal(status_watch(&command.connection, &(struct status_request){.namespace_name = "proget"},
                                  command.output_file, command.errors_file),
                     STATUS_DONE);
    assert_request(&command.api, 0, "GET /apis/proget-operator.io/v1alpha1/namespaces/proget/progetclusters?limit=1 ",
                   "");
    assert_request(&command.api, 2, "GET /apis/proget-operator.io/v1alpha1/namespaces/proget/progetclusters?",
                   "resourceVersion=6");
    assert_has(command.errors, "warning: what is shown may be old: ");
    assert_has(command.errors, "in step again\n");
    loop_timer_free(late);
    loop_timer_free(ticking.timer);
    command_end(&command);
}

static void test_watch_that_cannot_begin(void **state)
{
    (void) state;
    const struct api_answer answers[] = {{"403 Forbidden", "{}"}};
    struct command command;
    command_start(&command, answers, 1);
    assert_int_equal(
        status_watch(&command.connection, &(struct status_request){0}, command.output_file, command.errors_file),
        STATUS_UNUSABLE);
    command_flush(&command);
    assert_has(command.errors, "kubectl auth can-i list progetclusters.proget-operator.io -A\n");
    command_end(&command);
}

static void test_usage(void **state)
{
    (void) state;
    static const struct {
        const char *words[3], *told;
    } cases[] = {
        {{"a", "b"}, "one ProGetCluster at a time"},
        {{"Main"}, "no name of a ProGetCluster"},
        {{"main,other=1"}, "no name of a ProGetCluster"},
        {{"-n", "Not_a_namespace"}, "is not a namespace's name"},
        {{"--kubeconfig", "/nonexistent/kubeconfig"}, "To do: Name a kubeconfig"},
        {{"--frobnicate"}, "see kubectl proget status --help"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        const char *words[4] = {"status"};
        size_t count = 1;
        for (size_t k = 0; k < 3 && cases[i].words[k]; k++) {
            words[count++] = cases[i].words[k];
        }
        struct command command;
        assert_int_equal(command_line(&command, status_main, words, count), STATUS_UNUSABLE);
        assert_has(command.errors, cases[i].told);
        assert_string_equal(command.output, "");
        command_end(&command);
    }
}

static void print_help(void)
{
    char *argv[] = {(char *) "status", (char *) "--help", NULL};
    assert_int_equal(status_main(2, argv, stdout, stderr), STATUS_DONE);
}

static void test_help(void **state)
{
    (void) state;
    cleanup_free char *help = help_caught(print_help);
    assert_help_says_once(help);
    assert_has(help, "--all-namespaces");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),         cmocka_unit_test(test_doubts),
        cmocka_unit_test(test_hostile_texts), cmocka_unit_test(test_once),
        cmocka_unit_test(test_pages),         cmocka_unit_test(test_endless_list),
        cmocka_unit_test(test_watch),         cmocka_unit_test(test_watch_that_cannot_begin),
        cmocka_unit_test(test_usage),         cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
