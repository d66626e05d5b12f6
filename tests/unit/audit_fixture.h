/*
 * Runs of `audit` over files of a folder of their own.
 */
#ifndef PROGET_TESTS_AUDIT_FIXTURE_H
#define PROGET_TESTS_AUDIT_FIXTURE_H

#include "checks_fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "audit.h"

#define DEPLOYMENT(name, more)                                            \
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " name "}\n" \
    "spec:\n  replicas: 1\n  selector: {matchLabels: {app: " name "}}\n"  \
    "  template:\n    metadata: {labels: {app: " name "}}\n"              \
    "    spec: {containers: [{name: proget, image: 'inedo/proget:25.0.13'" more "}]}\n"
#define KEY ", env: [{name: PROGET_ENCRYPTION_KEY, valueFrom: {secretKeyRef: {name: s, key: k}}}]"

/* Two servers that share a node; of the second, two findings are left out. */
#define DUMP                                                                                                      \
    "# kubectl get -A -o yaml\n"                                                                                  \
    "apiVersion: v1\nkind: List\nitems:\n"                                                                        \
    "- apiVersion: proget-operator.io/v1alpha1\n  kind: ProGetCluster\n  metadata: {name: main, namespace: ns}\n" \
    "  spec: {selector: {matchLabels: {app: p}}}\n"                                                               \
    "- apiVersion: v1\n  kind: Pod\n  metadata: {name: proget-0, namespace: ns, uid: u0, labels: {app: p}}\n"     \
    "  spec: {nodeName: a, containers: [{name: proget, image: 'inedo/proget:25.0.13'}]}\n"                        \
    "- apiVersion: v1\n  kind: Pod\n"                                                                             \
    "  metadata:\n    name: proget-1\n    namespace: ns\n    uid: u1\n    labels: {app: p}\n"                     \
    "    annotations: {ignore.proget-operator.io/EncryptionKeyMissing: 'comes <later> & \"by hand\"',\n"          \
    "      ignore.proget-operator.io/QosNotGuaranteed: 'a test'}\n"                                               \
    "  spec: {nodeName: a, containers: [{name: proget, image: 'inedo/proget:25.0.13', resources: {}}]}\n"
enum { POD_0_LINE = 9, POD_1_LINE = 13 };

/* As YAML writes them. */
static const char *const __attribute__((unused)) hostile_names[] = {
    "\"a<b>&\\\"'</failure>\"", "\"]]><!--\"",   "\"\\e[31m\\0\\a\"", "\"\\uFFFE\\uFFFF\\u202E\\U0001F600\"",
    "'{\"a\": [1]}'",           "\"a\\nb\\tc\"",
};

struct run {
    char folder[64];
    char *output, *errors;
    int status;
};

static inline void run_begin(struct run *run)
{
    memset(run, 0, sizeof *run);
    (void) snprintf(run->folder, sizeof run->folder, "/tmp/test_audit.XXXXXX");
    assert_non_null(mkdtemp(run->folder));
}

static inline int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void) status;
    (void) kind;
    (void) walk;
    return remove(path);
}

static inline void run_end(struct run *run)
{
    assert_int_equal(nftw(run->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(run->output);
    free(run->errors);
}

static inline void write_file(const struct run *run, const char *name, const char *text)
{
    cleanup_free char *path = xasprintf("%s/%s", run->folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) < 0, 0);
    assert_int_equal(fclose(file), 0);
}

/* Runs `audit` with these words; "@" stands for the folder. */
static inline void run_words(struct run *run, size_t count, const char *const *words)
{
    char *argv[24] = {(char *) "audit"};
    for (size_t i = 0; i < count; i++) {
        argv[i + 1] = words[i][0] == '@' ? xasprintf("%s%s", run->folder, words[i] + 1) : xstrdup(words[i]);
    }
    free(run->output);
    free(run->errors);
    size_t size;
    FILE *output = open_memstream(&run->output, &size);
    FILE *errors = open_memstream(&run->errors, &size);
    run->status = audit_main((int) count + 1, argv, output, errors);
    (void) fclose(output);
    (void) fclose(errors);
    for (size_t i = 0; i < count; i++) {
        free(argv[i + 1]);
    }
}
#define RUN(run, ...) \
    run_words(run, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), (const char *const[]){__VA_ARGS__})

static inline void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part)) {
        fail_msg("\"%s\" is not in:\n%s", part, text);
    }
}

/* A word of words between single spaces. */
static inline bool is_word_of(const char *word, const char *words)
{
    cleanup_free char *padded = xasprintf(" %s ", word);
    cleanup_free char *all = xasprintf(" %s ", words);
    return strstr(all, padded) != NULL;
}

static inline struct json_object *json_of(const char *text)
{
    struct json_object *tree = NULL;
    struct error err;
    if (json_parse(text, strlen(text), &tree, &err) != 0) {
        fail_msg("%s in:\n%s", err.text, text);
    }
    return tree;
}

#endif
