#include "model_fixture.h"

#include "proget/core/buffer.h"

struct object {
    enum model_kind kind;
    const char *text;
};

struct discovery_case {
    const char *name;
    struct object objects[6];
    /* Each implied cluster as "name[workloads;pods]=spec", parted by blanks, in the order of the result. */
    const char *expected;
};

#define WORKLOAD(name, labels, container)                                                                              \
    "{'metadata': {'namespace': 'n', 'name': '" name "', 'uid': 'uid-" name "'}, 'spec': {'replicas': 1, 'selector': " \
    "{'matchLabels': {" labels "}}, 'template': {'metadata': {'labels': {" labels ", 'tier': 'x'}}, 'spec': "          \
    "{'containers': [{'name': 'c', " container "}]}}}}"
#define POD(name, labels, more, container)                                                                   \
    "{'metadata': {'namespace': 'n', 'name': '" name "', 'uid': 'uid-" name "', 'labels': {" labels "}" more \
    "}, 'spec': {'containers': [{'name': 'c', " container "}]}, 'status': {'phase': 'Running'}}"
#define OWNED_BY(api_version, kind, name)                                                        \
    ", 'ownerReferences': [{'apiVersion': '" api_version "', 'kind': '" kind "', 'name': '" name \
    "', 'uid': 'uid-" name "', 'controller': true}]"
#define IMAGE "'image': 'x/proget:25.0.13'"
#define DATABASE                                                                                                    \
    IMAGE ", 'env': [{'name': 'PROGET_SQL_CONNECTION_STRING', 'valueFrom': {'secretKeyRef': {'name': 'db', 'key': " \
          "'c'}}}]"
#define DATABASE_OLD \
    IMAGE ", 'env': [{'name': 'SQL_CONNECTION_STRING', 'valueFrom': {'secretKeyRef': {'name': 'db', 'key': 'c'}}}]"

static const struct discovery_case cases[] = {
    {"nothing of a product", {{MODEL_DEPLOYMENTS, WORKLOAD("web", "'app': 'web'", "'image': 'nginx'")}}, ""},
    {"by image, without pods",
     {{MODEL_DEPLOYMENTS, WORKLOAD("main", "'app': 'p'", IMAGE)}},
     "main[main;]={'product':'ProGet','selector':{'matchLabels':{'app':'p'}}}"},
    {"by variable of another product",
     {{MODEL_STATEFUL_SETS, WORKLOAD("o", "'app': 'p'", "'env': [{'name': 'OTTER_ENCRYPTION_KEY_FILE'}]")}},
     "o[o;]={'product':'Otter','selector':{'matchLabels':{'app':'p'}}}"},
    {"pods come along by their chain",
     {{MODEL_STATEFUL_SETS, WORKLOAD("s", "'app': 'p'", IMAGE)},
      {MODEL_PODS, POD("s-0", "'app': 'p'", OWNED_BY("apps/v1", "StatefulSet", "s"), IMAGE)},
      {MODEL_PODS, POD("s-1", "'app': 'p'", OWNED_BY("apps/v1", "StatefulSet", "s"), IMAGE)},
      {MODEL_PODS, POD("q", "'app': 'q'", "", "'image': 'nginx'")}},
     "s[s;s-0,s-1]={'product':'ProGet','selector':{'matchLabels':{'app':'p'}}}"},
    {"a webhook made its pods the product's",
     {{MODEL_STATEFUL_SETS, WORKLOAD("s", "'app': 'p'", "'image': 'own'")},
      {MODEL_PODS, POD("s-0", "'app': 'p'", OWNED_BY("apps/v1", "StatefulSet", "s"), IMAGE)}},
     "s[s;s-0]={'product':'ProGet','selector':{'matchLabels':{'app':'p'}}}"},
    {"one database, one cluster",
     {{MODEL_STATEFUL_SETS, WORKLOAD("b", "'app': 'b'", DATABASE)},
      {MODEL_DEPLOYMENTS, WORKLOAD("a", "'app': 'a'", DATABASE_OLD)},
      {MODEL_PODS, POD("b-0", "'app': 'b'", OWNED_BY("apps/v1", "StatefulSet", "b"), DATABASE)},
      {MODEL_PODS, POD("other", "'app': 'c', 'tier': 'x'", "", "'image': 'nginx'")}},
     "a[a,b;b-0]={'product':'ProGet','selector':{'matchExpressions':[{'key':'app','operator':'In','values':['a','b']}]}"
     "}"},
    {"one database, told apart by no single label",
     {{MODEL_STATEFUL_SETS, WORKLOAD("a", "'app': 'p', 'part': '1'", DATABASE)},
      {MODEL_STATEFUL_SETS, WORKLOAD("b", "'app': 'p', 'part': '2'", DATABASE)},
      {MODEL_STATEFUL_SETS, WORKLOAD("c", "'app': 'p', 'part': '3'", "'image': 'db'")},
      {MODEL_STATEFUL_SETS, WORKLOAD("d", "'app': 'q', 'part': '1'", "'image': 'db'")}},
     "a[a,b;]={'product':'ProGet','selector':{'matchLabels':{'app':'p'},'matchExpressions':[{'key':'part','operator':'"
     "In','values':['1','2']}]}}"},
    {"one database, but no expression selects just them: one each",
     {{MODEL_STATEFUL_SETS, WORKLOAD("a", "'one': '1'", DATABASE)},
      {MODEL_STATEFUL_SETS, WORKLOAD("b", "'two': '2'", DATABASE)},
      {MODEL_STATEFUL_SETS, WORKLOAD("c", "'three': '3'", "'image': 'nginx'")}},
     "a[a;]={'product':'ProGet','selector':{'matchLabels':{'one':'1'}}} "
     "b[b;]={'product':'ProGet','selector':{'matchLabels':{'two':'2'}}}"},
    {"no database named: one each",
     {{MODEL_STATEFUL_SETS, WORKLOAD("a", "'app': 'a'", IMAGE)},
      {MODEL_STATEFUL_SETS, WORKLOAD("b", "'app': 'b'", IMAGE)}},
     "a[a;]={'product':'ProGet','selector':{'matchLabels':{'app':'a'}}} "
     "b[b;]={'product':'ProGet','selector':{'matchLabels':{'app':'b'}}}"},
    {"one database of two products: one each",
     {{MODEL_STATEFUL_SETS, WORKLOAD("a", "'app': 'a'", DATABASE)},
      {MODEL_STATEFUL_SETS,
       WORKLOAD("b", "'app': 'b'",
                "'image': 'otter', 'env': [{'name': 'OTTER_SQL_CONNECTION_STRING', 'valueFrom': {'secretKeyRef': "
                "{'name': 'db', 'key': 'c'}}}]")}},
     "a[a;]={'product':'ProGet','selector':{'matchLabels':{'app':'a'}}} "
     "b[b;]={'product':'Otter','selector':{'matchLabels':{'app':'b'}}}"},
    {"the workload's own selector takes others along: a better one",
     {{MODEL_DEPLOYMENTS, WORKLOAD("main", "'app': 'p'", IMAGE)},
      {MODEL_PODS, POD("db-0", "'app': 'p', 'tier': 'db'", "", "'image': 'postgres'")}},
     "main[main;]={'product':'ProGet','selector':{'matchLabels':{'tier':'x'}}}"},
    {"bare pods",
     {{MODEL_PODS, POD("p0", "'app': 'p', 'nr': '0'", "", IMAGE)},
      {MODEL_PODS, POD("p1", "'app': 'p', 'nr': '1'", "", IMAGE)}},
     "p0[;p0]={'product':'ProGet','selector':{'matchLabels':{'nr':'0'}}} "
     "p1[;p1]={'product':'ProGet','selector':{'matchLabels':{'nr':'1'}}}"},
    {"a bare pod that no label tells from others",
     {{MODEL_PODS, POD("p0", "'app': 'p'", "", IMAGE)}, {MODEL_PODS, POD("x", "'app': 'p'", "", "'image': 'nginx'")}},
     "p0[;p0]=none"},
    {"pods of a Job are no servers",
     {{MODEL_PODS, POD("p0", "'app': 'p'", OWNED_BY("batch/v1", "Job", "j"), IMAGE)}},
     ""},
    {"a Rollout is known by name alone",
     {{MODEL_REPLICA_SETS, "{'metadata': {'namespace': 'n', 'name': 'r-1', 'uid': 'uid-r-1'" OWNED_BY(
                               "argoproj.io/v1alpha1", "Rollout", "r") "}}"},
      {MODEL_PODS,
       POD("r-1-a", "'app': 'p', 'rollouts-pod-template-hash': '1'", OWNED_BY("apps/v1", "ReplicaSet", "r-1"), IMAGE)},
      {MODEL_PODS,
       POD("r-1-b", "'app': 'p', 'rollouts-pod-template-hash': '1'", OWNED_BY("apps/v1", "ReplicaSet", "r-1"), IMAGE)}},
     "r[;r-1-a,r-1-b]={'product':'ProGet','selector':{'matchLabels':{'app':'p'}}}"},
    {"one name, two workloads",
     {{MODEL_STATEFUL_SETS, WORKLOAD("main", "'app': 's'", IMAGE)},
      {MODEL_DEPLOYMENTS, WORKLOAD("main", "'app': 'd'", IMAGE)}},
     "main[main;]={'product':'ProGet','selector':{'matchLabels':{'app':'d'}}} "
     "main-statefulset[main;]={'product':'ProGet','selector':{'matchLabels':{'app':'s'}}}"},
    {"a declared cluster has the name",
     {{MODEL_CLUSTERS,
       "{'metadata': {'namespace': 'n', 'name': 'main'}, 'spec': {'selector': {'matchLabels': {'x': 'y'}}}}"},
      {MODEL_STATEFUL_SETS, WORKLOAD("main", "'app': 's'", IMAGE)}},
     "main-statefulset[main;]={'product':'ProGet','selector':{'matchLabels':{'app':'s'}}}"},
    {"selected by a ProGetCluster",
     {{MODEL_CLUSTERS,
       "{'metadata': {'namespace': 'n', 'name': 'c'}, 'spec': {'selector': {'matchLabels': {'app': 's'}}}}"},
      {MODEL_STATEFUL_SETS, WORKLOAD("main", "'app': 's'", IMAGE)},
      {MODEL_PODS, POD("main-0", "'other': 's'", OWNED_BY("apps/v1", "StatefulSet", "main"), IMAGE)}},
     ""},
    {"one of its pods is selected",
     {{MODEL_CLUSTERS,
       "{'metadata': {'namespace': 'n', 'name': 'c'}, 'spec': {'selector': {'matchLabels': {'nr': '0'}}}}"},
      {MODEL_STATEFUL_SETS, WORKLOAD("main", "'app': 's'", IMAGE)},
      {MODEL_PODS, POD("main-0", "'app': 's', 'nr': '0'", OWNED_BY("apps/v1", "StatefulSet", "main"), IMAGE)}},
     ""},
    {"a selector with expressions is handed on",
     {{MODEL_DAEMON_SETS,
       "{'metadata': {'namespace': 'n', 'name': 'd'}, 'spec': {'selector': {'matchExpressions': [{'key': 'app', "
       "'operator': 'In', 'values': ['d']}, {'key': 'x', 'operator': 'DoesNotExist'}]}, 'template': {'metadata': "
       "{'labels': {'app': 'd'}}, 'spec': {'containers': [{'image': 'proget'}]}}}}"}},
     "d[d;]={'product':'ProGet','selector':{'matchExpressions':[{'key':'app','operator':'In','values':['d']},{'key':'x'"
     ",'operator':'DoesNotExist'}]}}"},
};

static void describe(const struct cluster *cluster, struct buffer *target)
{
    const char *gap = target->length == 0 ? "" : " ";
    buffer_appendf(target, "%s%s[", gap, cluster->name);
    for (size_t i = 0; i < cluster->workload_count; i++) {
        buffer_appendf(target, "%s%s", i == 0 ? "" : ",", cluster->workloads[i]->meta.name);
    }
    buffer_append_text(target, ";");
    for (size_t i = 0; i < cluster->server_count; i++) {
        buffer_appendf(target, "%s%s", i == 0 ? "" : ",", cluster->servers[i].pod->meta.name);
    }
    buffer_appendf(target, "]=%s", cluster->implied_spec == NULL ? "none" : json_text(cluster->implied_spec));
}

/* What is implied; ' stands for ". */
static char *implied(struct model *model)
{
    cleanup_buffer struct buffer found = BUFFER_INIT(16384);
    struct cluster_list list;
    model_assemble(model, fixture_after(0), &list);
    for (size_t i = 0; i < list.count; i++) {
        if (list.items[i].resource == NULL) {
            assert_null(list.items[i].history);
            assert_false(list.items[i].discovered);
            describe(&list.items[i], &found);
        }
    }
    cluster_list_free(&list);
    char *text = buffer_take(&found);
    for (char *at = text; *at != '\0'; at++) {
        *at = *at == '"' ? '\'' : *at;
    }
    return text;
}

static void test_implied(void **state)
{
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        struct model *model = fixture_live();
        for (size_t j = 0; j < array_length(cases[i].objects) && cases[i].objects[j].text != NULL; j++) {
            fixture_put(model, cases[i].objects[j].kind, cases[i].objects[j].text);
        }
        cleanup_free char *found = implied(model);
        if (!text_equal(found, cases[i].expected)) {
            fail_msg("%s:\n%s\nwanted\n%s", cases[i].name, found, cases[i].expected);
        }
        model_free(model);
    }
}

/* --- database sources: are the two one cluster --- */

struct source_case {
    const char *name;
    const char *first, *second; /* after the image */
    bool shared;
};

#define MOUNTED(path, secret)                                                                                  \
    "'env': [{'name': 'PROGET_POSTGRES_CONNECTION_STRING_FILE', 'value': '/run/db/string'}], 'volumeMounts': " \
    "[{'name': 'v', 'mountPath': '" path "'}]}], 'volumes': [{'name': 'v', 'secret': {'secretName': '" secret  \
    "'}}], 'x': [{"

static const struct source_case source_cases[] = {
    {"one literal", "'env': [{'name': 'PROGET_SQL_CONNECTION_STRING', 'value': 'Server=a'}]",
     "'env': [{'name': 'SQL_CONNECTION_STRING', 'value': 'Server=a'}]", true},
    {"two literals", "'env': [{'name': 'SQL_CONNECTION_STRING', 'value': 'Server=a'}]",
     "'env': [{'name': 'SQL_CONNECTION_STRING', 'value': 'Server=b'}]", false},
    {"the last counts",
     "'env': [{'name': 'SQL_CONNECTION_STRING', 'value': 'Server=a'}, {'name': 'SQL_CONNECTION_STRING', 'value': "
     "'Server=b'}]",
     "'env': [{'name': 'SQL_CONNECTION_STRING', 'value': 'Server=b'}]", true},
    {"two keys of one Secret",
     "'env': [{'name': 'SQL_CONNECTION_STRING', 'valueFrom': {'secretKeyRef': {'name': 's', 'key': 'a'}}}]",
     "'env': [{'name': 'SQL_CONNECTION_STRING', 'valueFrom': {'secretKeyRef': {'name': 's', 'key': 'b'}}}]", false},
    {"Secret and ConfigMap of one name",
     "'env': [{'name': 'SQL_CONNECTION_STRING', 'valueFrom': {'secretKeyRef': {'name': 's', 'key': 'a'}}}]",
     "'env': [{'name': 'SQL_CONNECTION_STRING', 'valueFrom': {'configMapKeyRef': {'name': 's', 'key': 'a'}}}]", false},
    {"empty literals", "'env': [{'name': 'SQL_CONNECTION_STRING', 'value': ''}]",
     "'env': [{'name': 'SQL_CONNECTION_STRING', 'value': ''}]", false},
    {"envFrom names none", "'envFrom': [{'secretRef': {'name': 's'}}]", "'envFrom': [{'secretRef': {'name': 's'}}]",
     false},
    {"one file of one Secret", MOUNTED("/run/db", "s"), MOUNTED("/run/db/", "s"), true},
    {"one path, two Secrets", MOUNTED("/run/db", "s"), MOUNTED("/run/db", "t"), false},
    {"a file that no mount explains", MOUNTED("/run/d", "s"), MOUNTED("/run/d", "s"), false},
};

static void test_database_sources(void **state)
{
    (void) state;
    for (size_t i = 0; i < array_length(source_cases); i++) {
        const struct source_case *c = &source_cases[i];
        struct model *model = fixture_live();
        const char *const containers[] = {c->first, c->second};
        for (size_t j = 0; j < 2; j++) {
            cleanup_free char *text = xasprintf(
                "{'metadata': {'namespace': 'n', 'name': '%c'}, 'spec': {'selector': {'matchLabels': {'app': '%c'}}, "
                "'template': {'metadata': {'labels': {'app': '%c'}}, 'spec': {'containers': [{'image': 'proget', "
                "%s}]}}}}",
                (char) ('a' + j), (char) ('a' + j), (char) ('a' + j), containers[j]);
            fixture_put(model, MODEL_DEPLOYMENTS, text);
        }
        struct cluster_list list;
        model_assemble(model, fixture_after(0), &list);
        if (list.count != (c->shared ? 1 : 2)) {
            fail_msg("%s: %zu clusters", c->name, list.count);
        }
        cluster_list_free(&list);
        model_free(model);
    }
}

static void test_finished_bare_pods(void **state)
{
    (void) state;
    struct model *model = fixture_live();
    cleanup_free char *done = fixture_pod("done", "", "", "{'phase': 'Succeeded'}");
    cleanup_free char *failed = fixture_pod("failed", "", "", "{'phase': 'Failed'}");
    cleanup_free char *evicted = fixture_pod("evicted", "", "", "{'phase': 'Failed', 'reason': 'Evicted'}");
    fixture_put(model, MODEL_PODS, done);
    fixture_put(model, MODEL_PODS, failed);
    fixture_put(model, MODEL_PODS, evicted);
    cleanup_free char *found = implied(model);
    assert_string_equal(found, "evicted[;evicted]=none");
    model_free(model);
}

static void test_switched_off(void **state)
{
    (void) state;
    struct model *model = model_new(&(struct model_options){.discover = false});
    fixture_put(model, MODEL_DEPLOYMENTS, WORKLOAD("main", "'app': 'p'", IMAGE));
    cleanup_free char *found = implied(model);
    assert_string_equal(found, "");
    model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_implied),
        cmocka_unit_test(test_database_sources),
        cmocka_unit_test(test_finished_bare_pods),
        cmocka_unit_test(test_switched_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
