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

#endif
