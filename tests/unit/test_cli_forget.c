/*
 * kubectl proget forget: whom it takes, what it writes, what it does when somebody else was quicker.
 */
#include "cli_fixture.h"

#include "forget.h"
#include "help_fixture.h"

#define GONE(name, uid) "{'name':'" name "','uid':'" uid "','gone':{'since':'2026-11-22T09:00:00Z','why':'scale-down'}}"
#define LIVE(name, uid) "{'name':'" name "','uid':'" uid "'}"
#define CLUSTER(name, version, more_meta, spec, members)                                                               \
    "{'metadata':{'namespace':'proget','name':'" name "','uid':'c-" name "','resourceVersion':'" version "'" more_meta \
    "},'spec':{" spec "},'status':{'members':[" members "]}}"
#define LIST(items)      "{'metadata':{},'items':[" items "]}"
#define FORGOTTEN(value) ",'annotations':{'proget-operator.io/forget':'" value "','other':'kept'}"
#define PATCH_LINE \
    "PATCH /apis/proget-operator.io/v1alpha1/namespaces/proget/progetclusters/main?fieldManager=kubectl-proget "

struct forget_case {
    const char *list, *server, *cluster;
    int status;
    const char *body; /* of the patch; NULL: nothing is written */
    const char *output, *errors;
};

static const struct forget_case cases[] = {
    {LIST(CLUSTER("main", "7", "", "'servers':3", LIVE("proget-0", "u0") "," GONE("proget-2", "u2"))), "proget-2", NULL,
     STATUS_DONE,
     "{'metadata':{'uid':'c-main','resourceVersion':'7','annotations':{'proget-operator.io/forget':'u2'}}}",
     "ProGetCluster proget/main: the operator is to forget server proget-2 (u2).\nThe spec still asks for 3 servers.",
     ""},
    /* by uid, behind what is there */
    {LIST(CLUSTER("main", "7", FORGOTTEN("old, other"), "", GONE("proget-2", "u2"))), "u2", NULL, STATUS_DONE,
     "{'metadata':{'uid':'c-main','resourceVersion':'7','annotations':{'proget-operator.io/forget':'old, other,u2'}}}",
     "forget server proget-2 (u2).\n", ""},
    /* asked for before */
    {LIST(CLUSTER("main", "7", FORGOTTEN("u2"), "", GONE("proget-2", "u2"))), "proget-2", NULL, STATUS_DONE, NULL,
     "forget server proget-2 (u2).\n", ""},
    /* one reborn under the name is not meant, twice gone are both */
    {LIST(CLUSTER("main", "7", "", "", GONE("proget-2", "u2") "," LIVE("proget-2", "u4") "," GONE("proget-2", "u3"))),
     "proget-2", NULL, STATUS_DONE,
     "{'metadata':{'uid':'c-main','resourceVersion':'7','annotations':{'proget-operator.io/forget':'u2,u3'}}}", "(u3)",
     ""},
    {LIST(CLUSTER("main", "7", "", "", "{'name':'proget-2','gone':{}}")), "proget-2", NULL, STATUS_DONE,
     "{'metadata':{'uid':'c-main','resourceVersion':'7','annotations':{'proget-operator.io/forget':'proget-2'}}}",
     "(without uid)", ""},
    {LIST(CLUSTER("main", "7", "", "", LIVE("proget-0", "u0"))), "proget-0", NULL, STATUS_UNUSABLE, NULL, "",
     "error: server proget-0 of ProGetCluster proget/main is live: only one that is gone can be forgotten."},
    {LIST(CLUSTER("main", "7", "", "", GONE("proget-2", "u2"))), "proget-7", NULL, STATUS_UNUSABLE, NULL, "",
     "error: no server proget-7 is gone from a ProGetCluster of namespace proget. Gone are:\n"
     "  proget-2 of proget/main, since 2026-11-22T09:00:00Z: scale-down\n"},
    {LIST(CLUSTER("main", "7", "", "", GONE("a", "u1")) "," CLUSTER("second", "8", "", "", GONE("a", "u2"))), "a", NULL,
     STATUS_UNUSABLE, NULL, "", "gone from several ProGetClusters of namespace proget: name the cluster"},
    {LIST(CLUSTER("main", "7", "", "", LIVE("proget-0", "u0"))), "proget-7", "main", STATUS_UNUSABLE, NULL, "",
     "error: no server proget-7 is gone from ProGetCluster main of namespace proget, nor is any other\n"},
    {LIST(""), "a", "main", STATUS_UNUSABLE, NULL, "",
     "error: there is no ProGetCluster main in namespace proget; kubectl proget status -A shows all\n"},
    /* what no API server would send */
    {LIST("1,{'metadata':{'name':'../x','namespace':'proget'},'status':{'members':[" GONE("a", "u") "]}}"), "a", NULL,
     STATUS_UNUSABLE, NULL, "", "error: there is no ProGetCluster in namespace proget; "},
    {LIST(CLUSTER("main", "7", ",'annotations':['x']", "", "7,{'name':1,'gone':1}," GONE("b", "u\\u0007,x"))), "b",
     NULL, STATUS_DONE, NULL, "forget server b (u?,x).\n", ""},
};

static void test_whom_it_takes(void **state)
{
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_free char *list = json_of(cases[i].list);
        const struct api_answer answers[] = {{"200 OK", list}, {"200 OK", NULL}};
        struct command command;
        command_start(&command, answers, array_length(answers));
        assert_int_equal(forget_run(&command.connection, cases[i].server, cases[i].cluster, command.output_file,
                                    command.errors_file),
                         cases[i].status);
        command_flush(&command);
        assert_has(command.output, cases[i].output);
        assert_has(command.errors, cases[i].errors);
        assert_int_equal(fake_server_requests(command.api.server), cases[i].body ? 2 : 1);
        assert_request(&command.api, 0,
                       "GET /apis/proget-operator.io/v1alpha1/namespaces/proget/progetclusters?limit=500",
                       cases[i].cluster ? "&fieldSelector=metadata.name%3Dmain " : " HTTP");
        if (cases[i].body) {
            cleanup_free char *body = json_of(cases[i].body);
            assert_request(&command.api, 1, PATCH_LINE, body);
            assert_request(&command.api, 1, PATCH_LINE, "application/merge-patch+json");
        }
        command_end(&command);
    }
}

/* Between reading and writing the server came back: nothing may be written over that. */
static void test_conflict(void **state)
{
    (void) state;
    cleanup_free char *before = json_of(LIST(CLUSTER("main", "7", "", "", GONE("a", "u1"))));
    cleanup_free char *after = json_of(LIST(CLUSTER("main", "8", FORGOTTEN("x"), "", GONE("a", "u1"))));
    cleanup_free char *back = json_of(LIST(CLUSTER("main", "9", "", "", LIVE("a", "u2"))));
    const struct api_answer again[] = {{"200 OK", before}, {"409 Conflict", NULL}, {"200 OK", after}, {"200 OK", NULL}};
    struct command command;
    command_start(&command, again, array_length(again));
    assert_int_equal(forget_run(&command.connection, "a", NULL, command.output_file, command.errors_file), STATUS_DONE);
    assert_request(&command.api, 3, PATCH_LINE,
                   "\"resourceVersion\":\"8\",\"annotations\":{\"proget-operator.io/forget\":\"x,u1\"}");
    command_end(&command);

    const struct api_answer live[] = {{"200 OK", before}, {"409 Conflict", NULL}, {"200 OK", back}};
    command_start(&command, live, array_length(live));
    assert_int_equal(forget_run(&command.connection, "a", NULL, command.output_file, command.errors_file),
                     STATUS_UNUSABLE);
    command_flush(&command);
    assert_has(command.errors, "is live");
    command_end(&command);

    struct api_answer always[10];
    for (size_t i = 0; i < array_length(always); i++) {
        always[i] = i % 2 ? (struct api_answer){"409 Conflict", NULL} : (struct api_answer){"200 OK", before};
    }
    command_start(&command, always, array_length(always));
    assert_int_equal(forget_run(&command.connection, "a", NULL, command.output_file, command.errors_file),
                     STATUS_UNUSABLE);
    command_flush(&command);
    assert_has(command.errors, "changes all the time");
    assert_string_equal(command.output, "");
    command_end(&command);
}

static void test_refused(void **state)
{
    (void) state;
    static const struct {
        const char *status, *told;
    } refusals[] = {
        {"403 Forbidden",
         "Have the role \"edit\" granted to you there, or name a namespace of yours with -n. What you may: "
         "kubectl auth can-i patch progetclusters.proget-operator.io -n proget\n"},
        {"404 Not Found", "It was deleted meanwhile"},
        {"422 Unprocessable Entity", "error: PATCH progetclusters.proget-operator.io proget/main: HTTP 422"},
    };
    cleanup_free char *list = json_of(LIST(CLUSTER("main", "7", "", "", GONE("a", "u1"))));
    for (size_t i = 0; i < array_length(refusals); i++) {
        const struct api_answer answers[] = {{"200 OK", list}, {refusals[i].status, NULL}};
        struct command command;
        command_start(&command, answers, array_length(answers));
        assert_int_equal(forget_run(&command.connection, "a", NULL, command.output_file, command.errors_file),
                         STATUS_UNUSABLE);
        command_flush(&command);
        assert_has(command.errors, refusals[i].told);
        assert_string_equal(command.output, "");
        command_end(&command);
    }
}

/* The annotation is bounded: the API server would refuse the whole object at some point. */
static void test_full_annotation(void **state)
{
    (void) state;
    cleanup_free char *filler = xcalloc(64 * 1024 + 1, 1);
    memset(filler, 'x', 64 * 1024 - 1);
    cleanup_free char *start =
        json_of("{'metadata':{},'items':[{'metadata':{'namespace':'proget','name':'main','annotations':"
                "{'proget-operator.io/forget':'");
    cleanup_free char *end = json_of("'}},'status':{'members':[" GONE("a", "u1") "]}}]}");
    cleanup_free char *list = xasprintf("%s%s%s", start, filler, end);
    const struct api_answer answers[] = {{"200 OK", list}};
    struct command command;
    command_start(&command, answers, array_length(answers));
    assert_int_equal(forget_run(&command.connection, "a", NULL, command.output_file, command.errors_file),
                     STATUS_UNUSABLE);
    command_flush(&command);
    assert_has(command.errors, "proget-operator.io/forget is full");
    command_end(&command);
}

static void test_usage(void **state)
{
    (void) state;
    struct command command;
    const char *const alone[] = {"forget"};
    assert_int_equal(command_line(&command, forget_main, alone, 1), STATUS_UNUSABLE);
    assert_has(command.errors, "forget wants the name or uid of one server");
    command_end(&command);
    assert_int_equal(COMMAND_LINE(&command, forget_main, "a", "b", "c"), STATUS_UNUSABLE);
    command_end(&command);
    assert_int_equal(COMMAND_LINE(&command, forget_main, "a,b"), STATUS_UNUSABLE);
    assert_has(command.errors, "no name of a server");
    command_end(&command);
    assert_int_equal(COMMAND_LINE(&command, forget_main, "a", "B"), STATUS_UNUSABLE);
    assert_has(command.errors, "no name of a ProGetCluster");
    command_end(&command);
}

static void print_help(void)
{
    char *argv[] = {(char *) "forget", (char *) "--help", NULL};
    assert_int_equal(forget_main(2, argv, stdout, stderr), STATUS_DONE);
}

static void test_help(void **state)
{
    (void) state;
    cleanup_free char *help = help_caught(print_help);
    assert_help_says_once(help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whom_it_takes),   cmocka_unit_test(test_conflict), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_full_annotation), cmocka_unit_test(test_usage),    cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
