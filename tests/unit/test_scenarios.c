/*
 * Every folder of tests/scenarios, offline: reader, model, evaluation, against expected.yaml.
 */
#include "checks_fixture.h"

#include <dirent.h>
#include <stdio.h>

#include "input.h"
#include "proget/core/map.h"

#define PAGE_DIR SCENARIO_DIR "/../../docs/findings"

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

static bool scenario_expects(const char *name, const char *code)
{
    cleanup_free char *path = xasprintf("%s/%s", SCENARIO_DIR, name);
    cleanup_json struct json_object *expected = read_expected(path);
    struct json_object *findings = json_member(expected, "findings");
    bool has = false;
    for (size_t i = 0; i < json_object_array_length(findings); i++) {
        has = has || text_equal(json_text_at(json_object_array_get_idx(findings, i), "code", ""), code);
    }
    return has;
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
        bool has = scenario_expects(entry->d_name, code);
        *ret_positive += has;
        *ret_near += !has && text_starts_with(entry->d_name, near_prefix);
    }
    (void) closedir(folder);
}

static struct buffer read_page(const char *name)
{
    cleanup_free char *path = xasprintf("%s/%s", PAGE_DIR, name);
    struct buffer text = BUFFER_INIT(BOUND_SMALL_FILE);
    struct error err;
    if (buffer_read_file(&text, path, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return text;
}

/* Title and the five sections, in this order and no others. */
static void assert_page_is_whole(const char *code)
{
    static const char *const sections[] = {"Meaning", "Impact", "Diagnosis", "Mitigation", "Leaving it out"};
    cleanup_free char *name = xasprintf("%s.md", code);
    cleanup_buffer struct buffer page = read_page(name);
    cleanup_free char *title = xasprintf("# %s\n", code);
    assert_true(text_starts_with(buffer_text(&page), title));
    size_t count = 0;
    for (const char *at = strstr(buffer_text(&page), "\n## "); at; at = strstr(at + 1, "\n## ")) {
        cleanup_free char *heading = xasprintf("\n## %s\n", count < array_length(sections) ? sections[count] : "?");
        if (!text_starts_with(at, heading)) {
            fail_msg("%s: section %zu is \"%.*s\"", name, count + 1, (int) strcspn(at + 1, "\n"), at + 1);
        }
        const char *body = at + strlen(heading);
        body += strspn(body, "\n");
        if (*body == '\0' || text_starts_with(body, "## ")) {
            fail_msg("%s: nothing under %s", name, sections[count]);
        }
        count++;
    }
    assert_int_equal(count, array_length(sections));
}

/* Its row among the codes of the list of pages, with the catalogue's severity and summary. */
static void assert_page_is_listed(const struct check_row *row, const char *list)
{
    cleanup_free char *begin = xasprintf("\n| [%s](%s.md) | %s | ", row->code, row->code, severity_name(row->severity));
    cleanup_free char *end = xasprintf(" | %s |", row->summary);
    const char *at = strstr(list, begin);
    if (!at) {
        fail_msg("README.md of the pages has no row \"%s...\"", begin + 1);
    }
    size_t length = strcspn(at + 1, "\n");
    cleanup_free char *line = xstrndup(at + 1, length);
    if (!text_ends_with(line, end)) {
        fail_msg("README.md of the pages: \"%s\" does not end with \"%s\"", line, end);
    }
}

static void test_every_code_has_its_scenarios_and_page(void **state)
{
    (void) state;
    size_t count;
    const struct check_row *rows = catalogue(&count);
    cleanup_buffer struct buffer list = read_page("README.md");
    for (size_t i = 0; i < count; i++) {
        size_t positive = 0;
        size_t near = 0;
        count_for_code(rows[i].code, &positive, &near);
        /* What only a watcher can tell must not be told of any input; tests of the operator show it. */
        bool is_told_rightly = rows[i].is_live_only ? positive == 0 : positive > 0;
        if (!is_told_rightly || near < NEAR_MISSES_LEAST) {
            fail_msg("%s: %zu scenarios raise it and %zu nearly do", rows[i].code, positive, near);
        }
        assert_page_is_whole(rows[i].code);
        assert_page_is_listed(&rows[i], buffer_text(&list));
    }
}

/* The code before the first dash; NULL where there is none of that name. */
static const char *code_of(const char *name, const char *end)
{
    cleanup_free char *code = xstrndup(name, strcspn(name, end));
    const struct check_row *row = catalogue_find(code);
    return row ? row->code : NULL;
}

static void test_every_page_is_of_a_code(void **state)
{
    (void) state;
    DIR *folder = opendir(PAGE_DIR);
    assert_non_null(folder);
    size_t pages = 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (entry->d_name[0] != '.' && !text_equal(entry->d_name, "README.md")) {
            if (!text_ends_with(entry->d_name, ".md") || !code_of(entry->d_name, ".")) {
                fail_msg("docs/findings/%s: there is no such code", entry->d_name);
            }
            pages++;
        }
    }
    (void) closedir(folder);
    size_t count;
    (void) catalogue(&count);
    assert_int_equal(pages, count);
    /* Nor does the list name others. */
    cleanup_buffer struct buffer list = read_page("README.md");
    for (const char *at = strstr(buffer_text(&list), "\n| ["); at; at = strstr(at + 1, "\n| [")) {
        assert_non_null(code_of(at + strlen("\n| ["), "]"));
    }
}

/* A folder named after a code raises it, a near miss of it does not; others are about the whole. */
static void test_every_scenario_is_of_a_code(void **state)
{
    (void) state;
    static const char *const others[] = {"clean-", "ignore-", "severity-"};
    DIR *folder = opendir(SCENARIO_DIR);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        const char *name = entry->d_name;
        bool is_other = strchr(name, '.') != NULL;
        for (size_t i = 0; i < array_length(others); i++) {
            is_other = is_other || text_starts_with(name, others[i]);
        }
        if (is_other) {
            continue;
        }
        const char *code = code_of(name, "-");
        if (!code) {
            fail_msg("tests/scenarios/%s: there is no such code", name);
        }
        bool is_near_miss = text_starts_with(name + strlen(code), "-not-");
        if (scenario_expects(name, code) == is_near_miss) {
            fail_msg("tests/scenarios/%s: its name and its expected.yaml do not agree", name);
        }
    }
    (void) closedir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_scenario),
        cmocka_unit_test(test_every_code_has_its_scenarios_and_page),
        cmocka_unit_test(test_every_page_is_of_a_code),
        cmocka_unit_test(test_every_scenario_is_of_a_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
