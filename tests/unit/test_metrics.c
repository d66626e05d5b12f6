#include "serve/metrics.h"

#include <ctype.h>
#include <math.h>

#include "api_fixture.h"
#include "model_fixture.h"
#include "serve/cluster_metrics.h"
#include "serve/process_figures.h"

/* --- a strict reader of the format, which knows nothing of the code that writes it --- */

enum { SAMPLES_MAX = 4096, FAMILIES_MAX = 128, WORD_BYTES = 512 };

struct sample {
    char *series; /* name and labels as they stand */
    double value;
};

struct reading {
    struct sample samples[SAMPLES_MAX];
    size_t count;
    char *families[FAMILIES_MAX];
    size_t family_count;
    bool is_counter; /* of the last family */
};

static void reading_free(struct reading *reading)
{
    for (size_t i = 0; i < reading->count; i++) {
        free(reading->samples[i].series);
    }
    for (size_t i = 0; i < reading->family_count; i++) {
        free(reading->families[i]);
    }
    free(reading);
}

static bool is_name(const char *text, size_t length)
{
    bool is_good = length > 0 && !isdigit((unsigned char) text[0]);
    for (size_t i = 0; i < length; i++) {
        is_good = is_good && (isalnum((unsigned char) text[i]) || text[i] == '_');
    }
    return is_good;
}

/* "# HELP name text\n# TYPE name type\n"; returns what follows. */
static const char *read_head(struct reading *reading, const char *at)
{
    assert_true(text_starts_with(at, "# HELP "));
    at += strlen("# HELP ");
    size_t length = strcspn(at, " \n");
    assert_true(is_name(at, length) && at[length] == ' ');
    cleanup_free char *name = xstrndup(at, length);
    for (size_t i = 0; i < reading->family_count; i++) {
        assert_string_not_equal(reading->families[i], name); /* all of a family in one place */
    }
    const char *help = at + length + 1;
    size_t help_length = strcspn(help, "\n");
    assert_true(help_length > 5 && help[help_length - 1] == '.');
    at = help + help_length + 1;
    cleanup_free char *counter = xasprintf("# TYPE %s counter\n", name);
    cleanup_free char *gauge = xasprintf("# TYPE %s gauge\n", name);
    reading->is_counter = text_starts_with(at, counter);
    assert_true(reading->is_counter || text_starts_with(at, gauge));
    assert_int_equal(reading->is_counter, text_ends_with(name, "_total"));
    assert_in_range(reading->family_count, 0, FAMILIES_MAX - 1);
    reading->families[reading->family_count++] = memory_take(&name);
    return at + strlen(reading->is_counter ? counter : gauge);
}

/* {name="value",...}; returns what follows. */
static const char *read_labels(const char *at)
{
    char seen[16][WORD_BYTES];
    size_t count = 0;
    assert_int_equal(*at, '{');
    do {
        at++;
        size_t length = strcspn(at, "=");
        assert_true(is_name(at, length) && length < WORD_BYTES && count < array_length(seen));
        (void) snprintf(seen[count], WORD_BYTES, "%.*s", (int) length, at);
        for (size_t i = 0; i < count; i++) {
            assert_string_not_equal(seen[i], seen[count]);
        }
        count++;
        at += length + 1;
        assert_int_equal(*at++, '"');
        for (; *at != '"'; at++) {
            assert_true((unsigned char) *at >= ' ' && *at != 0x7f);
            if (*at == '\\') {
                at++;
                assert_true(*at == '\\' || *at == '"' || *at == 'n');
            }
        }
        at++;
    } while (*at == ',');
    assert_int_equal(*at, '}');
    return at + 1;
}

static const char *read_sample(struct reading *reading, const char *line)
{
    size_t length = strcspn(line, "{ \n");
    assert_true(reading->family_count > 0);
    cleanup_free char *name = xstrndup(line, length);
    assert_string_equal(name, reading->families[reading->family_count - 1]); /* so it has HELP and TYPE */
    const char *at = line[length] == '{' ? read_labels(line + length) : line + length;
    assert_int_equal(*at, ' ');
    char *series = xstrndup(line, (size_t) (at - line));
    for (size_t i = 0; i < reading->count; i++) {
        assert_string_not_equal(reading->samples[i].series, series);
    }
    char *end;
    double value = strtod(at + 1, &end);
    assert_true(end > at + 1 && *end == '\n'); /* no timestamp: the scraper's counts */
    assert_true(isfinite(value) && value >= 0);
    assert_in_range(reading->count, 0, SAMPLES_MAX - 1);
    reading->samples[reading->count++] = (struct sample){series, value};
    return end + 1;
}

/* Fails the test at the first thing that is not as the format has it. */
static struct reading *read_text(const char *text)
{
    struct reading *reading = xcalloc(1, sizeof *reading);
    cleanup_free char *printable = xstrdup(text);
    for (char *at = printable; *at; at++) {
        *at = *at == '\n' ? ' ' : *at;
    }
    cleanup_free char *checked = xstrdup(printable);
    text_make_printable(checked);
    assert_string_equal(checked, printable); /* UTF-8 */
    for (const char *at = text; *at;) {
        at = *at == '#' ? read_head(reading, at) : read_sample(reading, at);
    }
    return reading;
}

/* Negative: there is no such series. ' in `quoted` stands for ". */
static double value_of(const struct reading *reading, const char *quoted)
{
    cleanup_free char *series = xstrdup(quoted);
    for (char *at = series; *at; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    for (size_t i = 0; i < reading->count; i++) {
        if (text_equal(reading->samples[i].series, series)) {
            return reading->samples[i].value;
        }
    }
    return -1;
}

static double sum_of(const struct reading *reading, const char *prefix)
{
    double sum = 0;
    for (size_t i = 0; i < reading->count; i++) {
        sum += text_starts_with(reading->samples[i].series, prefix) ? reading->samples[i].value : 0;
    }
    return sum;
}

static size_t count_of(const struct reading *reading, const char *prefix)
{
    size_t count = 0;
    for (size_t i = 0; i < reading->count; i++) {
        count += text_starts_with(reading->samples[i].series, prefix) ? 1 : 0;
    }
    return count;
}

#define assert_value(reading, quoted, expected)                                     \
    do {                                                                            \
        double value_ = value_of((reading), (quoted));                              \
        if (fabs(value_ - (expected)) > 1e-6) {                                     \
            fail_msg("%s is %f and not %f", (quoted), value_, (double) (expected)); \
        }                                                                           \
    } while (0)

/* --- the format --- */

static void texts_of_others_are_escaped(void **state)
{
    static const struct {
        const char *value, *expected;
    } cases[] = {
        {"plain", "plain"},
        {"", ""},
        {NULL, ""},
        {"a\"b", "a\\\"b"},
        {"a\\b", "a\\\\b"},
        {"a\nb", "a\\nb"},
        {"\\\n\"", "\\\\\\n\\\""},
        {"ends\\", "ends\\\\"},
        {"\"} 1\nfake 2", "\\\"} 1\\nfake 2"},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"tab\there", "tab?here"},
        {"cr\rhere", "cr?here"},
    };
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_exposition struct exposition exposition = exposition_new(10, 10000);
        exposition_family(&exposition, "x", EXPOSITION_GAUGE, "A thing of the test.");
        EXPOSITION_ADD(&exposition, 1, {"label", cases[i].value}, {"other", "o"});
        cleanup_free char *line = xasprintf("\nx{label=\"%s\",other=\"o\"} 1\n", cases[i].expected);
        assert_non_null(strstr(buffer_text(&exposition.text), line));
        reading_free(read_text(buffer_text(&exposition.text)));
    }
}

static void broken_utf8_breaks_no_scrape(void **state)
{
    static const char *const values[] = {"\xff\xfe", "a\xc3", "\xe2\x80\xaegnp", "\xc0\x80", "\xed\xa0\x80"};
    (void) state;
    for (size_t i = 0; i < array_length(values); i++) {
        cleanup_exposition struct exposition exposition = exposition_new(10, 10000);
        exposition_family(&exposition, "x", EXPOSITION_GAUGE, "A thing of the test.");
        EXPOSITION_ADD(&exposition, 1, {"label", values[i]});
        reading_free(read_text(buffer_text(&exposition.text)));
        assert_non_null(strchr(strstr(buffer_text(&exposition.text), "x{"), '?'));
    }
}

static void numbers_keep_their_digits(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {1, "1"},
        {0.1, "0.1"},
        {1.5, "1.5"},
        {0.001, "0.001"},
        {1795330800.123, "1795330800.123"},
        {9007199254740991.0 / 16, "562949953421312"},
        {12345678901234.0, "12345678901234"},
    };
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        cleanup_exposition struct exposition exposition = exposition_new(10, 10000);
        exposition_family(&exposition, "x", EXPOSITION_GAUGE, "A thing of the test.");
        exposition_add(&exposition, NULL, 0, cases[i].value);
        cleanup_free char *line = xasprintf("\nx %s\n", cases[i].text);
        assert_non_null(strstr(buffer_text(&exposition.text), line));
    }
}

static void what_passes_a_bound_is_counted_and_whole_lines_stay(void **state)
{
    (void) state;
    for (size_t bytes_max = 1; bytes_max < 400; bytes_max++) {
        cleanup_exposition struct exposition exposition = exposition_new(5, bytes_max);
        for (size_t i = 0; i < 8; i++) {
            cleanup_free char *value = xasprintf("%zu", i);
            if (i % 3 == 0) {
                exposition_family(&exposition, i == 0 ? "a" : i == 3 ? "b" : "c", EXPOSITION_GAUGE, "Of the test.");
            }
            EXPOSITION_ADD(&exposition, (double) i, {"n", value});
        }
        assert_in_range(exposition.text.length, 0, bytes_max);
        struct reading *reading = read_text(buffer_text(&exposition.text));
        assert_int_equal(reading->count, exposition.samples);
        assert_int_equal(exposition.samples + exposition.left_out, 8);
        assert_in_range(exposition.samples, bytes_max > 300 ? 5 : 0, 5);
        reading_free(reading);
    }
}

/* --- the clusters, made by hand --- */

static struct cluster cluster_of(const char *name, struct server *servers, size_t count)
{
    return (struct cluster){.namespace_name = "proget",
                            .name = name,
                            .servers = servers,
                            .server_count = count,
                            .live_count = count,
                            .intended = (int64_t) count};
}

static void the_servers_rows_are_the_first_to_be_left_out(void **state)
{
    enum { SERVERS = 50, SAMPLES = 60 };
    struct server servers[SERVERS] = {0};
    struct pod pods[SERVERS] = {0};
    struct heartbeat heartbeat = {.renewed_ms = 1000};
    char *names[SERVERS];
    (void) state;
    for (size_t i = 0; i < SERVERS; i++) {
        names[i] = xasprintf("p%zu", i);
        pods[i].meta.name = names[i];
        servers[i] = (struct server){.pod = &pods[i], .live = true, .heartbeat = &heartbeat};
    }
    struct cluster clusters[] = {cluster_of("a", servers, SERVERS), cluster_of("b", NULL, 0)};
    struct finding_counts suppressed = {0};
    struct cluster_figures items[] = {{.cluster = &clusters[0], .suppressed = &suppressed},
                                      {.cluster = &clusters[1], .suppressed = &suppressed}};
    struct figures figures = {.items = items, .count = 2};
    cleanup_exposition struct exposition exposition = exposition_new(SAMPLES, 100000);
    cluster_metrics_add(&exposition, &figures, (struct instant){.monotonic_ms = 3500});
    struct reading *reading = read_text(buffer_text(&exposition.text));
    assert_int_equal(reading->count, SAMPLES);
    assert_value(reading, "proget_servers_live{namespace='proget',progetcluster='a'}", SERVERS);
    assert_value(reading, "proget_findings_waiting{namespace='proget',progetcluster='b'}", 0);
    assert_value(reading, "proget_heartbeat_age_seconds{namespace='proget',progetcluster='a',pod='p0'}", 2.5);
    assert_int_equal(exposition.left_out, 2 * 10 + SERVERS * 5 - SAMPLES); /* ten of a cluster, five of a server */
    reading_free(reading);
    for (size_t i = 0; i < SERVERS; i++) {
        free(names[i]);
    }
}

/* --- the whole, of a real publisher --- */

#define CLUSTER(more_spec)                                                                                     \
    "{'metadata': {'namespace': 'proget', 'name': 'main', 'uid': 'c1'}, 'spec': {'selector': {'matchLabels': " \
    "{'app': 'proget'}}" more_spec "}}"
#define MAIN "namespace='proget',progetcluster='main'"

struct world {
    struct api api;
    struct model *model;
    struct election *election;
    struct intake *intake;
    struct publisher *publisher;
    struct option_list namespaces;
    struct tally tally;
    bool has_progress;
    struct instant now;
};

static void on_progress(void *userdata)
{
    ((struct world *) userdata)->has_progress = true;
}

static void on_rewind(const char *why, void *userdata)
{
    (void) why;
    (void) userdata;
}

static bool versions_of(enum model_kind kind, const char *namespace_name, struct intake_versions *ret_versions,
                        void *userdata)
{
    (void) namespace_name;
    (void) userdata;
    *ret_versions = (struct intake_versions){.changed = kind == MODEL_PODS ? "77" : "", .seen = "80"};
    return kind == MODEL_PODS || kind == MODEL_NODES;
}

static void start_publisher(struct world *world)
{
    world->publisher = publisher_new(&(struct publisher_options){.client = world->api.client,
                                                                 .model = world->model,
                                                                 .instance = "operator-0",
                                                                 .versions = {versions_of, NULL},
                                                                 .on_progress = on_progress,
                                                                 .userdata = world,
                                                                 .tally = &world->tally});
}

static void start(struct world *world, const char *cluster, const char *answer)
{
    static const char *statuses[API_REPLIES_MAX];
    for (size_t i = 0; i < array_length(statuses); i++) {
        statuses[i] = answer;
    }
    *world = (struct world){.model = fixture_live(), .now = fixture_after(0)};
    api_start(&world->api, statuses, array_length(statuses));
    world->election = election_start(&(struct election_options){
        .client = world->api.client, .instance = "operator-0", .on_change = on_progress, .userdata = world});
    if (cluster) {
        fixture_put(world->model, MODEL_CLUSTERS, cluster);
        start_publisher(world);
    }
}

/* Watches take the script's answers too: for those tests that are about them. */
static void start_intake(struct world *world)
{
    world->intake = intake_start(&(struct intake_options){.client = world->api.client,
                                                          .model = world->model,
                                                          .namespaces = &world->namespaces,
                                                          .on_rewind = on_rewind,
                                                          .on_return = on_progress,
                                                          .userdata = world});
}

static void end(struct world *world)
{
    publisher_free(world->publisher);
    intake_stop(world->intake);
    election_stop(world->election);
    tally_clear(&world->tally);
    model_free(world->model);
    api_end(&world->api);
}

static void put_pod(struct world *world, const char *name, const char *more_meta, const char *more_spec,
                    const char *status)
{
    cleanup_free char *pod = fixture_pod(name, more_meta, more_spec, status);
    fixture_put(world->model, MODEL_PODS, pod);
}

/* Evaluates for as long as one leads to the next. */
static void run(struct world *world)
{
    enum { SOON_MS = 1000 };
    bool goes_on = true;
    while (goes_on) {
        world->has_progress = false;
        int64_t wake_at_ms = publisher_run(world->publisher, world->now);
        api_settle(&world->api);
        goes_on = world->has_progress || wake_at_ms <= world->now.monotonic_ms + SOON_MS;
        if (!world->has_progress && goes_on) {
            world->now.monotonic_ms = wake_at_ms;
        }
    }
}

/* What a scrape says now, read strictly. A world without watches is given the few that the text needs. */
static struct reading *scrape(struct world *world)
{
    if (!world->intake) {
        start_intake(world);
    }
    struct metrics_sources sources = {.client = world->api.client,
                                      .intake = world->intake,
                                      .election = world->election,
                                      .publisher = world->publisher,
                                      .tally = &world->tally,
                                      .started_us = fixture_wall_us};
    cleanup_free char *text = metrics_render(&sources, world->now);
    return read_text(text);
}

static void a_standby_tells_of_itself_alone(void **state)
{
    struct world world;
    (void) state;
    start(&world, NULL, "200 OK");
    put_pod(&world, "p0", "", "", "{'phase': 'Running'}");
    struct reading *reading = scrape(&world);
    assert_int_equal(count_of(reading, "proget_") - count_of(reading, "proget_operator_"), 0);
    assert_value(reading, "proget_operator_build_info{version='" PROGET_VERSION "'}", 1);
    assert_value(reading, "proget_operator_leader", 1); /* where no election is held each process leads */
    assert_value(reading, "proget_operator_leader_changes_total", 0);
    assert_value(reading, "proget_operator_evaluations_total", 0);
    assert_value(reading, "proget_operator_writes_pending{target='event'}", 0);
    assert_value(reading, "proget_operator_metrics_left_out", 0);
    assert_value(reading, "process_start_time_seconds", (double) (fixture_wall_us / CLOCK_US_PER_SECOND));
    assert_true(value_of(reading, "process_resident_memory_bytes") > 100000);
    assert_true(value_of(reading, "process_virtual_memory_bytes") >=
                value_of(reading, "process_resident_memory_bytes"));
    assert_true(value_of(reading, "process_cpu_seconds_total") > 0);
    assert_true(value_of(reading, "process_open_fds") > 3);
    assert_true(value_of(reading, "process_max_fds") >= value_of(reading, "process_open_fds"));
    reading_free(reading);
    end(&world);
}

static void open_descriptors_are_counted(void **state)
{
    (void) state;
    int64_t before = process_figures_read().open_fds;
    cleanup_close int one = open("/dev/null", O_RDONLY | O_CLOEXEC);
    cleanup_close int two = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(one >= 0 && two >= 0);
    assert_int_equal(process_figures_read().open_fds, before + 2);
}

static void findings_are_counted_while_they_stand(void **state)
{
    struct world world;
    (void) state;
    start(&world, CLUSTER(""), "200 OK");
    put_pod(&world, "p0", "", ", 'nodeName': 'node-a'", "{'phase': 'Running'}");
    put_pod(&world, "p1", "", ", 'nodeName': 'node-a'", "{'phase': 'Running'}");
    run(&world);
    struct reading *reading = scrape(&world);
    assert_value(reading, "proget_findings{" MAIN ",code='CoScheduled',severity='error'}", 2);
    assert_value(reading, "proget_findings{" MAIN ",code='PriorityClassMissing',severity='warning'}", 2);
    assert_true(value_of(reading, "proget_findings_by_severity{" MAIN ",severity='error'}") >= 2);
    assert_true(fabs(sum_of(reading, "proget_findings{") - sum_of(reading, "proget_findings_by_severity{")) < 1e-9);
    assert_value(reading, "proget_servers_live{" MAIN "}", 2);
    assert_value(reading, "proget_servers_healthy{" MAIN "}", 0);
    assert_value(reading, "proget_servers_intended{" MAIN "}", 2);
    assert_value(reading, "proget_servers_gone{" MAIN "}", 0);
    assert_value(reading, "proget_servers_beyond_limit{" MAIN "}", 0);
    assert_value(reading, "proget_maintenance{" MAIN "}", 0);
    reading_free(reading);

    put_pod(&world, "p1", "", ", 'nodeName': 'node-b'", "{'phase': 'Running'}");
    run(&world);
    reading = scrape(&world);
    assert_value(reading, "proget_findings{" MAIN ",code='CoScheduled',severity='error'}", -1);
    assert_value(reading, "proget_findings{" MAIN ",code='PriorityClassMissing',severity='warning'}", 2);
    reading_free(reading);
    end(&world);
}

static void what_is_left_out_is_counted_apart(void **state)
{
    struct world world;
    (void) state;
    start(&world, CLUSTER(", 'ignore': [{'code': 'PriorityClassMissing', 'reason': 'none here'}]"), "200 OK");
    put_pod(&world, "p0", "", "", "{'phase': 'Running'}");
    run(&world);
    struct reading *reading = scrape(&world);
    assert_value(reading, "proget_findings{" MAIN ",code='PriorityClassMissing',severity='warning'}", -1);
    assert_value(reading, "proget_findings_suppressed{" MAIN ",code='PriorityClassMissing',severity='warning'}", 1);
    reading_free(reading);
    end(&world);
}

/* Whoever may write the status may have put any number of codes there. */
static void codes_that_nobody_knows_are_one(void **state)
{
    struct world world;
    (void) state;
    struct buffer cluster = BUFFER_INIT(100000);
    (void) buffer_append_text(&cluster, "{'metadata': {'namespace': 'proget', 'name': 'main', 'uid': 'c1'}, 'spec': "
                                        "{'selector': {'matchLabels': {'app': 'proget'}}}, 'status': {'findings': [");
    for (int i = 0; i < 50; i++) {
        (void) buffer_appendf(&cluster,
                              "%s{'id': '%032d', 'code': 'Made%dUp', 'severity': 'error', 'object': {'apiVersion': "
                              "'example.org/v1', 'kind': 'Thing', 'name': 't', 'uid': 'u'}, 'since': "
                              "'2026-11-22T07:00:00Z', 'announced': true}",
                              i ? ", " : "", i, i);
    }
    (void) buffer_append_text(&cluster, "]}}");
    start(&world, buffer_text(&cluster), "200 OK");
    struct ledger *ledger = ledger_new();
    const struct store_entry *entry = store_get(model_read(world.model, MODEL_CLUSTERS), "proget", "main");
    ledger_load(ledger, (const struct cluster_resource *) (const void *) entry->object, world.now);
    struct finding_counts counts = {0};
    finding_counts_add_ledger(&counts, ledger);
    assert_int_equal(counts.count, 1);
    assert_string_equal(counts.items[0].code, "Other");
    assert_int_equal(counts.items[0].count, 50);
    finding_counts_clear(&counts);
    ledger_free(ledger);
    buffer_free(&cluster);
    end(&world);
}

#define SIDECAR \
    ", 'initContainers': [{'name': 'proget-sidecar', 'image': 'proget-sidecar:1', 'restartPolicy': 'Always'}]"

static void put_lease(struct world *world, const char *pod, int64_t seconds, const char *renewed)
{
    cleanup_free char *lease = xasprintf(
        "{'metadata': {'namespace': 'proget', 'name': 'proget-%s', 'uid': 'l-%s', 'labels': "
        "{'app.kubernetes.io/managed-by': 'proget-sidecar'}, 'ownerReferences': [{'apiVersion': 'v1', 'kind': 'Pod', "
        "'name': '%s', 'uid': 'uid-%s'}]}, 'spec': {'holderIdentity': '%s', 'leaseDurationSeconds': 300, 'renewTime': "
        "'%s'}}",
        pod, pod, pod, pod, pod, renewed);
    fixture_put_at(world->model, MODEL_LEASES, seconds, lease);
}

static void heartbeats_age_on_our_own_clock(void **state)
{
    struct world world;
    (void) state;
    start(&world, CLUSTER(""), "200 OK");
    put_pod(&world, "p0", "", SIDECAR, "{'phase': 'Running'}");
    put_pod(&world, "p1", "", SIDECAR, "{'phase': 'Running'}");
    put_pod(&world, "p2", "", "", "{'phase': 'Running'}");
    put_lease(&world, "p0", 0, "2026-11-22T07:00:00.000000Z");
    put_lease(&world, "p0", 10, "2031-01-01T00:00:00.000000Z"); /* a clock that is years ahead */
    world.now = fixture_after(52);
    world.now.wall_us -= 3600 * CLOCK_US_PER_SECOND; /* and ours was set back */
    run(&world);
    struct reading *reading = scrape(&world);
    double age = value_of(reading, "proget_heartbeat_age_seconds{" MAIN ",pod='p0'}");
    assert_true(age >= 42 && age < 60);
    assert_value(reading, "proget_heartbeat_age_seconds{" MAIN ",pod='p1'}", -1);
    assert_value(reading, "proget_heartbeat_state{" MAIN ",pod='p0',state='Fresh'}", 1);
    assert_value(reading, "proget_heartbeat_state{" MAIN ",pod='p0',state='Stale'}", 0);
    assert_value(reading, "proget_heartbeat_state{" MAIN ",pod='p1',state='Missing'}", 1);
    assert_value(reading, "proget_heartbeat_state{" MAIN ",pod='p2',state='Unknown'}", 1);
    assert_int_equal(count_of(reading, "proget_heartbeat_state{"), 3 * 4);
    assert_true(fabs(sum_of(reading, "proget_heartbeat_state{") - 3) < 1e-9); /* each has one state */
    reading_free(reading);
    end(&world);
}

static void evictions_never_become_fewer(void **state)
{
    enum { EVICTED = BOUND_EVICTIONS_KEPT + 7 };
    struct world world;
    struct history *history;
    (void) state;
    start(&world, CLUSTER(""), "200 OK");
    const struct store_entry *entry = store_get(model_read(world.model, MODEL_CLUSTERS), "proget", "main");
    history = model_history(world.model, (const struct cluster_resource *) (const void *) entry->object);
    (void) publisher_run(world.publisher, world.now);
    struct reading *before = scrape(&world);
    assert_value(before, "proget_evictions_total{" MAIN ",cause='NodePressure'}", 0); /* there before the first */
    assert_int_equal(count_of(before, "proget_last_eviction_timestamp_seconds"), 0);
    reading_free(before);
    for (int i = 0; i < EVICTED; i++) {
        cleanup_free char *name = xasprintf("p%d", i);
        cleanup_free char *status = xasprintf(
            "{'phase': 'Failed', 'reason': 'Evicted', 'conditions': [{'type': 'DisruptionTarget', 'status': 'True', "
            "'reason': 'TerminationByKubelet', 'lastTransitionTime': '2026-11-22T07:%02d:00Z'}], 'containerStatuses': "
            "[{'name': 'proget', 'restartCount': 0, 'state': {'terminated': {'exitCode': 137, 'finishedAt': "
            "'2026-11-22T07:%02d:00Z'}}}]}",
            i, i);
        put_pod(&world, name, "", "", status);
        world.now = fixture_after(i * 60);
        (void) publisher_run(world.publisher, world.now);
        fixture_remove(world.model, MODEL_PODS, "proget", name);
    }
    assert_int_equal(history->eviction_count, BOUND_EVICTIONS_KEPT);
    struct reading *reading = scrape(&world);
    assert_value(reading, "proget_evictions_total{" MAIN ",cause='NodePressure'}", EVICTED);
    assert_true(fabs(sum_of(reading, "proget_evictions_total{") - EVICTED) < 1e-9);
    assert_value(reading, "proget_last_eviction_timestamp_seconds{" MAIN ",cause='NodePressure'}",
                 (double) (fixture_wall_us / CLOCK_US_PER_SECOND + (EVICTED - 1) * 60));
    reading_free(reading);

    publisher_free(world.publisher); /* a term of leadership ends, and another one begins */
    model_forget_histories(world.model);
    start_publisher(&world);
    (void) publisher_run(world.publisher, world.now);
    reading = scrape(&world);
    assert_value(reading, "proget_evictions_total{" MAIN ",cause='NodePressure'}", EVICTED);
    reading_free(reading);

    fixture_remove(world.model, MODEL_CLUSTERS, "proget", "main");
    (void) publisher_run(world.publisher, world.now);
    assert_null(tally_evictions_of(&world.tally, "c1")); /* what is gone takes no room */
    end(&world);
}

/* What a predecessor noted is no increase; it is remembered all the same. */
static void evictions_of_a_predecessor_do_not_count_twice(void **state)
{
    struct world world;
    (void) state;
    start(&world,
          "{'metadata': {'namespace': 'proget', 'name': 'main', 'uid': 'c1'}, 'spec': {'selector': {'matchLabels': "
          "{'app': 'proget'}}}, 'status': {'evictions': [{'time': '2026-11-22T06:30:00Z', 'pod': 'p0', 'uid': 'u9', "
          "'cause': 'Api'}]}}",
          "200 OK");
    (void) publisher_run(world.publisher, world.now);
    struct reading *reading = scrape(&world);
    assert_value(reading, "proget_evictions_total{" MAIN ",cause='Api'}", 0);
    assert_value(reading, "proget_last_eviction_timestamp_seconds{" MAIN ",cause='Api'}",
                 (double) (fixture_wall_us / CLOCK_US_PER_SECOND - 1800));
    reading_free(reading);
    end(&world);
}

static void writes_are_counted_as_they_end(void **state)
{
    static const struct {
        const char *answer, *outcome;
        bool is_written;
    } cases[] = {{"200 OK", "written", true}, {"409 Conflict", "overtaken", false}, {"500 Oops", "failed", false}};
    (void) state;
    for (size_t i = 0; i < array_length(cases); i++) {
        struct world world;
        start(&world, CLUSTER(""), cases[i].answer);
        put_pod(&world, "p0", "", "", "{'phase': 'Running'}");
        (void) publisher_run(world.publisher, world.now);
        api_settle(&world.api);
        struct reading *reading = scrape(&world);
        cleanup_free char *status =
            xasprintf("proget_operator_writes_total{target='status',outcome='%s'}", cases[i].outcome);
        assert_value(reading, status, 1);
        assert_true(fabs(sum_of(reading, "proget_operator_writes_total{target=\"status\"") - 1) < 1e-9);
        assert_value(reading, "proget_operator_writes_pending{target='status'}", cases[i].is_written ? 0 : 1);
        assert_true(value_of(reading, "proget_operator_writes_pending{target='event'}") > 0);
        reading_free(reading);
        if (cases[i].is_written) {
            run(&world);
            reading = scrape(&world);
            assert_value(reading, "proget_operator_writes_pending{target='event'}", 0);
            assert_value(reading, "proget_operator_writes_total{target='event',outcome='written'}",
                         sum_of(reading, "proget_findings{"));
            assert_value(reading, "proget_operator_writes_total{target='annotations',outcome='written'}", 1);
            reading_free(reading);
        }
        end(&world);
    }
}

static void watches_tell_how_they_stand(void **state)
{
    struct world world;
    (void) state;
    start(&world, NULL, "404 Not Found");
    struct reading *reading = scrape(&world); /* nothing has an answer yet */
    assert_value(reading, "proget_operator_watch_state{resource='pods',selector='',state='syncing'}", 1);
    assert_value(reading, "proget_operator_api_up", 0);
    assert_int_equal(count_of(reading, "proget_operator_watch_lag_seconds"), 0);
    reading_free(reading);
    size_t kinds = 0;
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        kinds += model_kind_info((enum model_kind) kind)->watched ? 1 : 0;
    }
    api_wait_for_requests(&world.api, kinds);
    int64_t deadline_ms = clock_now().monotonic_ms + API_LIMIT_MS;
    while (!intake_is_ready(world.intake)) {
        api_turn(&world.api);
        assert_true(clock_now().monotonic_ms < deadline_ms);
    }
    reading = scrape(&world);
    assert_value(reading, "proget_operator_watch_state{resource='pods',selector='',state='unobserved'}", 1);
    assert_value(reading, "proget_operator_watch_state{resource='pods',selector='',state='synced'}", 0);
    assert_value(reading,
                 "proget_operator_watch_state{resource='leases.coordination.k8s.io',selector='',state='unobserved'}",
                 1);
    assert_value(reading, "proget_operator_watch_state{resource='events',selector='reason=Evicted',state='unobserved'}",
                 1);
    assert_value(reading, "proget_operator_watch_state{resource='scaledobjects.keda.sh',selector='',state='absent'}",
                 1);
    assert_int_equal(count_of(reading, "proget_operator_watch_state{"), kinds * INTAKE_STATE_COUNT);
    assert_true(fabs(sum_of(reading, "proget_operator_watch_state{") - (double) kinds) < 1e-9);
    assert_value(reading, "proget_operator_objects_skipped_total{resource='pods',selector=''}", 0);
    assert_value(reading, "proget_operator_api_up", 1); /* a refusal is an answer */
    assert_true(sum_of(reading, "proget_operator_api_requests_total{verb=\"WATCH\",code=\"404\"}") >= 1);
    reading_free(reading);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_of_others_are_escaped),
        cmocka_unit_test(broken_utf8_breaks_no_scrape),
        cmocka_unit_test(numbers_keep_their_digits),
        cmocka_unit_test(what_passes_a_bound_is_counted_and_whole_lines_stay),
        cmocka_unit_test(the_servers_rows_are_the_first_to_be_left_out),
        cmocka_unit_test(a_standby_tells_of_itself_alone),
        cmocka_unit_test(open_descriptors_are_counted),
        cmocka_unit_test(findings_are_counted_while_they_stand),
        cmocka_unit_test(what_is_left_out_is_counted_apart),
        cmocka_unit_test(codes_that_nobody_knows_are_one),
        cmocka_unit_test(heartbeats_age_on_our_own_clock),
        cmocka_unit_test(evictions_never_become_fewer),
        cmocka_unit_test(evictions_of_a_predecessor_do_not_count_twice),
        cmocka_unit_test(writes_are_counted_as_they_end),
        cmocka_unit_test(watches_tell_how_they_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
