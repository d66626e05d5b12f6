/*
 * Every folder of tests/scenarios, offline: reader, model, evaluation, against expected.yaml.
 */
#include "checks_fixture.h"

#include <dirent.h>
#include <stdio.h>

#include "input.h"
#include "proget/core/map.h"

enum { SCENARIOS_LEAST = 100, NEAR_MISSES_LEAST = 2 };

static struct json_object *read_expected(const char *folder)
{
    cleanup_free char *path = xasprintf("%s/expected.yaml", folder);
    cleanup_buffer struct buffer text = BUFFER_INIT(BOUND_SMALL_FILE);
    struct error err;
    if (buffer_read_file(&text, path, &err) < 0) {
        fail_msg("%s", err.text);
    }
    struct json_object *tree = NULL;
    if (yaml_parse(buffer_text(&text), text.length, path, &tree, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return tree;
}

static int64_t read_now(const char *folder)
{
    cleanup_free char *path = xasprintf("%s/now.txt", folder);
    cleanup_buffer struct buffer text = BUFFER_INIT(64);
    int64_t now_us;
    const char *now = FIXTURE_NOW;
    if (buffer_read_file(&text, path, NULL) == 0) {
        text.data[strcspn(text.data, "\n")] = '\0';
        now = text.data;
    }
    assert_int_equal(clock_parse(now, &now_us), 0);
    return now_us;
}

static void add_line(struct map *lines, char *line)
{
    /* The same may be expected twice: two evictions of pods that are gone. */
    size_t *count = map_get(lines, line);
    if (!count) {
        count = xcalloc(1, sizeof *count);
        map_put(lines, line, count);
    }
    (*count)++;
    free(line);
}

static int text_order(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

/* "Code Kind/name [Kind/name,...] cause severity", the related ones sorted. Takes the array's texts over. */
static char *line_of(const char *code, const char *object, char **related, size_t count, const char *cause,
                     const char *severity)
{
    cleanup_buffer struct buffer line = BUFFER_INIT((size_t) 64 * 1024);
    assert_int_equal(buffer_appendf(&line, "%s %s [", code, object), 0);
    if (count > 0) {
        qsort(related, count, sizeof *related, text_order);
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(buffer_appendf(&line, "%s%s", i ? "," : "", related[i]), 0);
        free(related[i]);
    }
    free(related);
    assert_int_equal(buffer_appendf(&line, "] %s %s", cause ? cause : "-", severity), 0);
    return buffer_take(&line);
}

static struct map *lines_found(const struct audit_result *result)
{
    struct map *lines = map_new(free);
    for (size_t i = 0; i < result->clusters.count; i++) {
        const struct finding_list *list = &result->findings[i];
        for (size_t k = 0; k < list->count; k++) {
            const struct finding *finding = &list->items[k];
            char **related = xcalloc(finding->related_count, sizeof *related);
            for (size_t r = 0; r < finding->related_count; r++) {
                related[r] = xasprintf("%s/%s", finding->related[r].kind, finding->related[r].name);
            }
            cleanup_free char *object = xasprintf("%s/%s", finding->object.kind, finding->object.name);
            add_line(lines, line_of(finding->code, object, related, finding->related_count, finding->cause,
                                    severity_name(finding->severity)));
        }
        for (size_t k = 0; k < list->suppressed_count; k++) {
            const struct suppressed_finding *each = &list->suppressed[k];
            add_line(lines, xasprintf("left out: %s %s/%s %s", each->finding.code, each->finding.object.kind,
                                      each->finding.object.name, each->reason));
        }
    }
    return lines;
}

static struct map *lines_expected(struct json_object *expected)
{
    struct map *lines = map_new(free);
    struct json_object *findings = json_member(expected, "findings");
    struct json_object *suppressed = json_member(expected, "suppressed");
    assert_true(json_object_is_type(findings, json_type_array));
    assert_true(json_object_is_type(suppressed, json_type_array));
    for (size_t i = 0; i < json_object_array_length(findings); i++) {
        struct json_object *item = json_object_array_get_idx(findings, i);
        struct json_object *others = json_member(item, "related");
        size_t count = others ? json_object_array_length(others) : 0;
        char **related = xcalloc(count, sizeof *related);
        for (size_t r = 0; r < count; r++) {
            related[r] = xstrdup(json_object_get_string(json_object_array_get_idx(others, r)));
        }
        const char *code = json_text_at(item, "code", "?");
        const struct check_row *row = catalogue_find(code);
        assert_non_null(row);
        add_line(lines,
                 line_of(code, json_text_at(item, "object", "?"), related, count, json_text_at(item, "cause", NULL),
                         json_text_at(item, "severity", severity_name(row->severity))));
    }
    for (size_t i = 0; i < json_object_array_length(suppressed); i++) {
        struct json_object *item = json_object_array_get_idx(suppressed, i);
        add_line(lines, xasprintf("left out: %s %s %s", json_text_at(item, "code", "?"),
                                  json_text_at(item, "object", "?"), json_text_at(item, "reason", "?")));
    }
    return lines;
}

static size_t complain(const char *scenario, const char *what, const struct map *these, const struct map *others)
{
    size_t count = 0;
    for (const struct map_entry *at = map_first(these); at; at = map_next(at)) {
        const size_t *mine = map_value(at);
        const size_t *theirs = map_get(others, map_key(at));
        if (!theirs || *theirs < *mine) {
            print_error("%s: %s: %s\n", scenario, what, map_key(at));
            count++;
        }
    }
    return count;
}

static size_t run_scenario(const char *name)
{
    cleanup_free char *folder = xasprintf("%s/%s", SCENARIO_DIR, name);
    cleanup_free char *path = xasprintf("%s/cluster.yaml", folder);
    cleanup_json struct json_object *expected = read_expected(folder);
    struct model *model = model_new(&(struct model_options){.offline = true, .discover = true});
    struct input input;
    input_init(&input, model, stderr, audit_instant(read_now(folder)));
    input_read(&input, path);
    input_finish(&input);
    size_t wrong = input.has_problem;
    struct audit_result result;
    audit_result_make(model, input.now, &result);
    struct map *found = lines_found(&result);
    struct map *wanted = lines_expected(expected);
    wrong += complain(name, "missing", wanted, found) + complain(name, "not expected", found, wanted);
    map_free(found);
    map_free(wanted);
    audit_result_clear(&result);
    input_clear(&input);
    model_free(model);
    return wrong;
}

static void test_every_scenario(void **state)
{
    (void) state;
    DIR *folder = opendir(SCENARIO_DIR);
    assert_non_null(folder);
    size_t count = 0;
    size_t wrong = 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (entry->d_name[0] != '.' && !strchr(entry->d_name, '.')) {
            wrong += run_scenario(entry->d_name) > 0;
            count++;
        }
    }
    (void) closedir(folder);
    assert_true(count >= SCENARIOS_LEAST);
    assert_int_equal(wrong, 0);
}

/* A scenario expects the code; or it is named as a near miss of it and does not. */
static void count_for_code(const char *code, size_t *ret_positive, size_t *ret_near)
{
    DIR *folder = opendir(SCENARIO_DIR);
    assert_non_null(folder);
    cleanup_free char *near_prefix = xasprintf("%s-not-", code);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (strchr(entry->d_name, '.')) {
            continue;
        }
        cleanup_free char *path = xasprintf("%s/%s", SCENARIO_DIR, entry->d_name);
        cleanup_json struct json_object *expected = read_expected(path);
        struct json_object *findings = json_member(expected, "findings");
        bool has = false;
        for (size_t i = 0; i < json_object_array_length(findings); i++) {
            has = has || text_equal(json_text_at(json_object_array_get_idx(findings, i), "code", ""), code);
        }
        *ret_positive += has;
        *ret_near += !has && text_starts_with(entry->d_name, near_prefix);
    }
    (void) closedir(folder);
}

static void test_every_code_has_its_scenarios_and_page(void **state)
{
    (void) state;
    size_t count;
    const struct check_row *rows = catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        size_t positive = 0;
        size_t near = 0;
        count_for_code(rows[i].code, &positive, &near);
        /* What only a watcher can tell must not be told of any input; tests of the operator show it. */
        bool is_told_rightly = rows[i].is_live_only ? positive == 0 : positive > 0;
        if (!is_told_rightly || near < NEAR_MISSES_LEAST) {
            fail_msg("%s: %zu scenarios raise it and %zu nearly do", rows[i].code, positive, near);
        }
        cleanup_free char *page = xasprintf("%s/../../docs/findings/%s.md", SCENARIO_DIR, rows[i].code);
        cleanup_buffer struct buffer text = BUFFER_INIT(BOUND_SMALL_FILE);
        struct error err;
        if (buffer_read_file(&text, page, &err) < 0) {
            fail_msg("%s", err.text);
        }
        cleanup_free char *title = xasprintf("# %s\n", rows[i].code);
        assert_true(text_starts_with(buffer_text(&text), title));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_scenario),
        cmocka_unit_test(test_every_code_has_its_scenarios_and_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
