#include "output_junit.h"

#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "xml_text.h"

struct tally {
    size_t tests, failures, errors, skipped;
};

/* The findings of one code in one cluster. */
struct verdict {
    const struct check_row *row;
    const struct cluster *cluster;
    const struct finding_list *list;
    const struct finding *first; /* standing; NULL: none */
    size_t count;
    const char *reason; /* of the first that was left out; NULL: none */
};

static bool is_of(const struct finding *finding, const struct verdict *verdict)
{
    return text_equal(finding->code, verdict->row->code);
}

static struct verdict verdict_on(const struct audit_result *result, size_t at, const struct check_row *row)
{
    struct verdict verdict = {.row = row, .cluster = &result->clusters.items[at], .list = &result->findings[at]};
    for (size_t i = 0; i < verdict.list->count; i++) {
        if (is_of(&verdict.list->items[i], &verdict)) {
            verdict.first = verdict.count == 0 ? &verdict.list->items[i] : verdict.first;
            verdict.count++;
        }
    }
    for (size_t i = verdict.list->suppressed_count; i > 0; i--) {
        const struct suppressed_finding *suppressed = &verdict.list->suppressed[i - 1];
        verdict.reason = is_of(&suppressed->finding, &verdict) ? suppressed->reason : verdict.reason;
    }
    return verdict;
}

static void add_attribute(FILE *target, const char *name, const char *value)
{
    (void) fprintf(target, " %s=\"", name);
    xml_write(target, value);
    (void) fputc('"', target);
}

static void add_counts(FILE *target, struct tally tally)
{
    (void) fprintf(target, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"", tally.tests,
                   tally.failures, tally.errors, tally.skipped);
}

/* --- a test case --- */

static const struct location *location_of(const struct audit_result *result, const struct verdict *verdict,
                                          const struct finding *finding)
{
    return result->input ? location_of_finding(result->input->locations, verdict->cluster, finding) : NULL;
}

/* What one finding says, line by line. */
static void write_finding(FILE *target, const struct audit_result *result, const struct verdict *verdict,
                          const struct finding *finding)
{
    const struct location *location = location_of(result, verdict, finding);
    cleanup_free char *place =
        location ? xasprintf(" (%s:%zu:%zu)", location->file, location->line, location->column) : xstrdup("");
    cleanup_free char *text = xasprintf("%s: %s %s%s: %s", severity_name(finding->severity), finding->object.kind,
                                        finding->object.name, place, finding->message);
    xml_write(target, text);
    (void) fputs("\nTo do: ", target);
    xml_write(target, finding->action);
    (void) fputc('\n', target);
}

static void write_left_out(FILE *target, const struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->list->suppressed_count; i++) {
        const struct suppressed_finding *suppressed = &verdict->list->suppressed[i];
        if (is_of(&suppressed->finding, verdict)) {
            cleanup_free char *text = xasprintf("Left out as asked for: %s %s: %s", suppressed->finding.object.kind,
                                                suppressed->finding.object.name, suppressed->reason);
            xml_write(target, text);
            (void) fputc('\n', target);
        }
    }
}

static void write_failure(FILE *target, const struct audit_result *result, const struct verdict *verdict)
{
    const struct finding *first = verdict->first; /* the worst: they are sorted */
    cleanup_free char *message =
        verdict->count == 1 ? xstrdup(first->message) : xasprintf("%zu findings: %s", verdict->count, first->message);
    (void) fputs("      <failure", target);
    add_attribute(target, "type", severity_name(first->severity));
    add_attribute(target, "message", message);
    (void) fputc('>', target);
    for (size_t i = 0; i < verdict->list->count; i++) {
        if (is_of(&verdict->list->items[i], verdict)) {
            write_finding(target, result, verdict, &verdict->list->items[i]);
        }
    }
    write_left_out(target, verdict);
    (void) fputs("</failure>\n", target);
}

static void write_skipped(FILE *target, const struct verdict *verdict)
{
    (void) fputs("      <skipped", target);
    add_attribute(target, "message", verdict->reason);
    (void) fputc('>', target);
    write_left_out(target, verdict);
    (void) fputs("</skipped>\n", target);
}

/* A code that was not found, because or although what it also rests on cannot be seen, says so. */
static void write_unobserved(FILE *target, const struct audit_result *result, const struct verdict *verdict)
{
    bool is_open = false;
    for (unsigned kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        bool matters = (verdict->row->rests_on & CHECK_RESTS_ON_KIND(kind)) != 0;
        const char *why = matters ? model_unobserved(result->model, (enum model_kind) kind) : NULL;
        if (why) {
            cleanup_free char *text = xasprintf("Not observed: %s (%s)", model_kind_title((enum model_kind) kind), why);
            (void) fputs(is_open ? "" : "      <system-out>", target);
            xml_write(target, text);
            (void) fputc('\n', target);
            is_open = true;
        }
    }
    (void) fputs(is_open ? "</system-out>\n" : "", target);
}

static void write_case(FILE *target, const struct audit_result *result, const struct verdict *verdict)
{
    cleanup_free char *owner = xasprintf("%s.%s", verdict->cluster->namespace_name, verdict->cluster->name);
    (void) fputs("    <testcase", target);
    add_attribute(target, "classname", owner);
    add_attribute(target, "name", verdict->row->code);
    const struct location *location = verdict->first ? location_of(result, verdict, verdict->first) : NULL;
    if (location) {
        add_attribute(target, "file", location->file);
        (void) fprintf(target, " line=\"%zu\"", location->line);
    }
    (void) fputs(">\n", target);
    if (verdict->first) {
        write_failure(target, result, verdict);
    } else if (verdict->reason) {
        write_skipped(target, verdict);
    } else {
        write_unobserved(target, result, verdict);
    }
    (void) fputs("    </testcase>\n", target);
}

/* --- suites --- */

static struct tally tally_of(const struct audit_result *result, size_t at)
{
    struct tally tally = {0};
    const struct check_row *rows = catalogue(&tally.tests);
    for (size_t i = 0; i < tally.tests; i++) {
        struct verdict verdict = verdict_on(result, at, &rows[i]);
        tally.failures += verdict.first != NULL;
        tally.skipped += !verdict.first && verdict.reason;
    }
    return tally;
}

/* What holds for the suite as a whole. */
static void write_notes(FILE *target, const struct finding_list *list)
{
    if (list->unobserved_count == 0 && list->dropped == 0) {
        return;
    }
    (void) fputs("    <system-out>", target);
    for (size_t i = 0; i < list->unobserved_count; i++) {
        cleanup_free char *text =
            xasprintf("Not observed, so not judged: %s (%s)", list->unobserved[i].what, list->unobserved[i].why);
        xml_write(target, text);
        (void) fputc('\n', target);
    }
    if (list->dropped > 0) {
        (void) fprintf(target, "%zu more findings are not listed\n", list->dropped);
    }
    (void) fputs("</system-out>\n", target);
}

static void write_cluster(FILE *target, const struct audit_result *result, size_t at)
{
    const struct cluster *cluster = &result->clusters.items[at];
    cleanup_free char *name = xasprintf("%s/%s", cluster->namespace_name, cluster->name);
    (void) fputs("  <testsuite", target);
    add_attribute(target, "name", name);
    add_counts(target, tally_of(result, at));
    (void) fputs(">\n", target);
    size_t count;
    const struct check_row *rows = catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        struct verdict verdict = verdict_on(result, at, &rows[i]);
        write_case(target, result, &verdict);
    }
    write_notes(target, &result->findings[at]);
    (void) fputs("  </testsuite>\n", target);
}

static void write_problem(FILE *target, const struct input_problem *problem)
{
    (void) fputs("    <testcase classname=\"input\"", target);
    cleanup_free char *place =
        problem->where.line > 0
            ? xasprintf("%s:%zu:%zu", problem->where.file, problem->where.line, problem->where.column)
            : xstrdup(problem->where.file ? problem->where.file : "the whole input");
    add_attribute(target, "name", place);
    (void) fputs(">\n      <error type=\"unusable\"", target);
    add_attribute(target, "message", problem->text);
    (void) fputs("/>\n    </testcase>\n", target);
}

/* Build servers take a report without a single case for a mistake, so an input without a product is one, skipped. */
static struct tally tally_of_input(const struct audit_result *result)
{
    size_t problems = result->input ? result->input->problem_count : 0;
    if (problems > 0) {
        return (struct tally){.tests = problems, .errors = problems};
    }
    bool is_empty = audit_result_cluster_count(result) == 0;
    return (struct tally){.tests = is_empty ? 1 : 0, .skipped = is_empty ? 1 : 0};
}

static void write_input(FILE *target, const struct audit_result *result)
{
    struct tally tally = tally_of_input(result);
    if (tally.tests == 0) {
        return;
    }
    (void) fputs("  <testsuite name=\"input\"", target);
    add_counts(target, tally);
    (void) fputs(">\n", target);
    for (size_t i = 0; i < tally.errors; i++) {
        write_problem(target, &result->input->problems[i]);
    }
    if (tally.skipped > 0) {
        (void) fputs("    <testcase classname=\"input\" name=\"clusters\">\n      <skipped", target);
        add_attribute(target, "message", AUDIT_FOUND_NONE);
        (void) fputs("/>\n    </testcase>\n", target);
    }
    (void) fputs("  </testsuite>\n", target);
}

void output_junit(const struct audit_result *result, FILE *target)
{
    struct tally all = tally_of_input(result);
    for (size_t i = 0; i < result->clusters.count; i++) {
        if (!result->clusters.items[i].superseded_by) {
            struct tally tally = tally_of(result, i);
            all.tests += tally.tests;
            all.failures += tally.failures;
            all.skipped += tally.skipped;
        }
    }
    (void) fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"kubectl proget audit\"", target);
    add_counts(target, all);
    (void) fputs(">\n", target);
    write_input(target, result);
    for (size_t i = 0; i < result->clusters.count; i++) {
        if (!result->clusters.items[i].superseded_by) {
            write_cluster(target, result, i);
        }
    }
    (void) fputs("</testsuites>\n", target);
}
