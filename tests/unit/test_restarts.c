/*
 * Restarts as they pass by, and what ContainerRestarting makes of them while an operator watches.
 */
#include "model_fixture.h"

#include <inttypes.h>

#include "proget/checks/evaluation.h"
#include "proget/core/buffer.h"
#include "proget/model/restarts.h"

enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR, NEVER = INT32_MIN };

/* A container's status. Seconds from 07:00:00 on; NEVER: not told. */
struct told {
    int64_t count;
    const char *waiting; /* NULL: not waiting */
    int64_t running_since;
    int64_t ended_from, ended_to; /* the state is terminated */
    int64_t last_from, last_to;   /* the last state is */
    const char *last_reason;
};
#define RUNNING(restarts, since)                                                                                   \
    {                                                                                                              \
        .count = (restarts), .running_since = (since), .ended_from = NEVER, .ended_to = NEVER, .last_from = NEVER, \
        .last_to = NEVER                                                                                           \
    }
#define RUNNING_AFTER(restarts, since, from, to)                                                                    \
    {                                                                                                               \
        .count = (restarts), .running_since = (since), .ended_from = NEVER, .ended_to = NEVER, .last_from = (from), \
        .last_to = (to)                                                                                             \
    }
#define WAITING(restarts, why, from, to)                                                                       \
    {                                                                                                          \
        .count = (restarts), .waiting = (why), .running_since = NEVER, .ended_from = NEVER, .ended_to = NEVER, \
        .last_from = (from), .last_to = (to)                                                                   \
    }
#define ENDED(restarts, from, to)                                                                                \
    {                                                                                                            \
        .count = (restarts), .running_since = NEVER, .ended_from = (from), .ended_to = (to), .last_from = NEVER, \
        .last_to = NEVER                                                                                         \
    }

static void append_time(struct buffer *text, const char *name, int64_t seconds)
{
    char time[CLOCK_TEXT_SIZE];
    if (seconds != NEVER) {
        clock_format_seconds(fixture_wall_us + seconds * CLOCK_US_PER_SECOND, time);
        assert_int_equal(buffer_appendf(text, ", '%s': '%s'", name, time), 0);
    }
}

static void append_ended(struct buffer *text, const char *reason, int64_t from, int64_t to)
{
    assert_int_equal(buffer_appendf(text, "{'terminated': {'exitCode': 1, 'reason': '%s'", reason ? reason : "Error"),
                     0);
    append_time(text, "startedAt", from);
    append_time(text, "finishedAt", to);
    assert_int_equal(buffer_append_text(text, "}}"), 0);
}

static void append_status(struct buffer *text, const char *name, const struct told *told)
{
    assert_int_equal(buffer_appendf(text, "{'name': '%s', 'restartCount': %" PRId64 ", 'state': ", name, told->count),
                     0);
    if (told->waiting) {
        assert_int_equal(buffer_appendf(text, "{'waiting': {'reason': '%s'}}", told->waiting), 0);
    } else if (told->ended_from != NEVER) {
        append_ended(text, NULL, told->ended_from, told->ended_to);
    } else {
        assert_int_equal(buffer_append_text(text, "{'running': {'x': 0"), 0);
        append_time(text, "startedAt", told->running_since);
        assert_int_equal(buffer_append_text(text, "}}"), 0);
    }
    if (told->last_from != NEVER || told->last_reason) {
        assert_int_equal(buffer_append_text(text, ", 'lastState': "), 0);
        append_ended(text, told->last_reason, told->last_from, told->last_to);
    }
    assert_int_equal(buffer_append_text(text, "}"), 0);
}

static char *pod_text(const char *name, int64_t created, const struct told *product)
{
    cleanup_buffer struct buffer text = BUFFER_INIT((size_t) 64 * 1024);
    char time[CLOCK_TEXT_SIZE];
    clock_format_seconds(fixture_wall_us + created * CLOCK_US_PER_SECOND, time);
    assert_int_equal(
        buffer_appendf(&text,
                       "{'metadata': {'namespace': 'proget', 'name': '%s', 'uid': 'uid-%s', 'creationTimestamp': '%s', "
                       "'labels': {'app': 'proget'}}, 'spec': {'containers': [{'name': 'proget', 'image': "
                       "'proget.inedo.com/productimages/inedo/proget:25.0.13'}]}, 'status': {'phase': 'Running', "
                       "'containerStatuses': [",
                       name, name, time),
        0);
    append_status(&text, "proget", product);
    assert_int_equal(buffer_append_text(&text, "]}}"), 0);
    return buffer_take(&text);
}

/* --- what is said while the operator watches --- */

struct step {
    int64_t at;     /* seconds from 07:00:00 on */
    bool is_change; /* `told` is new then */
    struct told told;
    bool stands; /* afterwards */
};
#define TOLD(seconds, is_said, ...)                                                  \
    {                                                                                \
        .at = (seconds), .is_change = true, .told = __VA_ARGS__, .stands = (is_said) \
    }
#define LATER(seconds, is_said)              \
    {                                        \
        .at = (seconds), .stands = (is_said) \
    }

static bool stands_at(struct model *model, int64_t seconds)
{
    struct cluster_list clusters;
    model_assemble(model, fixture_after(seconds), &clusters);
    struct finding_list findings;
    evaluation_run(model, fixture_cluster(&clusters, "main"), fixture_after(seconds), &findings);
    bool is_found = false;
    for (size_t i = 0; i < findings.count; i++) {
        is_found = is_found || text_equal(findings.items[i].code, "ContainerRestarting");
    }
    finding_list_free(&findings);
    cluster_list_free(&clusters);
    return is_found;
}

#define CLUSTER(findings)                                                                                          \
    "{'metadata': {'namespace': 'proget', 'name': 'main', 'uid': 'c'}, 'spec': {'product': 'ProGet', 'selector': " \
    "{'matchLabels': {'app': 'proget'}}}, 'status': {'findings': [" findings "]}}"

static void play_with(const char *name, const char *cluster, int64_t created, const struct step *steps, size_t count)
{
    struct model *model = fixture_live();
    fixture_put(model, MODEL_CLUSTERS, cluster);
    for (size_t i = 0; i < count; i++) {
        if (steps[i].is_change) {
            cleanup_free char *pod = pod_text("proget-0", created, &steps[i].told);
            fixture_put_at(model, MODEL_PODS, steps[i].at, pod);
        }
        if (stands_at(model, steps[i].at) != steps[i].stands) {
            fail_msg("%s: step %zu, at %" PRId64 " s: %s", name, i, steps[i].at,
                     steps[i].stands ? "it is not said" : "it is said");
        }
    }
    model_free(model);
}

#define PLAY(name, created, ...)                                           \
    do {                                                                   \
        const struct step steps[] = {__VA_ARGS__};                         \
        play_with(name, CLUSTER(""), created, steps, array_length(steps)); \
    } while (0)
#define PLAY_AFTER(name, finding, created, ...)                                 \
    do {                                                                        \
        const struct step steps[] = {__VA_ARGS__};                              \
        play_with(name, CLUSTER(finding), created, steps, array_length(steps)); \
    } while (0)

static void test_crash_loop(void **state)
{
    (void) state;
    PLAY("it does not end between two crashes", -DAY,               /* */
         TOLD(0, false, RUNNING(0, -DAY)),                          /* */
         TOLD(10, false, ENDED(0, -DAY, 9)),                        /* */
         TOLD(12, false, RUNNING_AFTER(1, 11, -DAY, 9)),            /* once is no loop */
         TOLD(20, true, WAITING(1, "CrashLoopBackOff", 11, 19)),    /* */
         TOLD(300, true, RUNNING_AFTER(2, 300, 11, 19)),            /* */
         TOLD(600, true, ENDED(2, 300, 599)),                       /* */
         TOLD(601, true, WAITING(2, "CrashLoopBackOff", 300, 599)), /* */
         TOLD(900, true, RUNNING_AFTER(3, 900, 300, 599)), LATER(900 + 2 * MINUTE, true));
    PLAY("it ends with a run of ten minutes", -DAY,                                        /* */
         TOLD(0, true, WAITING(1, "CrashLoopBackOff", -10, -1)),                           /* */
         TOLD(10, true, RUNNING_AFTER(2, 10, -10, -1)), LATER(10 + 10 * MINUTE - 1, true), /* */
         LATER(10 + 10 * MINUTE, false), TOLD(2 * HOUR, false, ENDED(2, 10, 2 * HOUR)),
         TOLD(2 * HOUR + 1, false, RUNNING_AFTER(3, 2 * HOUR, 10, 2 * HOUR)));
    PLAY("a first start that takes its time is none", 0,                 /* */
         TOLD(10, false, WAITING(0, "ContainerCreating", NEVER, NEVER)), /* */
         TOLD(20, false, WAITING(0, "ErrImagePull", NEVER, NEVER)),      /* */
         TOLD(30, false, RUNNING(0, 30)));
}

static void test_frequent(void **state)
{
    (void) state;
    PLAY("three within an hour, until an hour has passed without one", -DAY,                  /* */
         TOLD(0, false, RUNNING(0, -DAY)),                                                    /* */
         TOLD(25 * MINUTE, false, RUNNING_AFTER(1, 25 * MINUTE, -DAY, 25 * MINUTE)),          /* */
         TOLD(50 * MINUTE, false, RUNNING_AFTER(2, 50 * MINUTE, 25 * MINUTE, 50 * MINUTE)),   /* */
         TOLD(75 * MINUTE, true, RUNNING_AFTER(3, 75 * MINUTE, 50 * MINUTE, 75 * MINUTE)),    /* */
         LATER(100 * MINUTE, true),                                                           /* */
         TOLD(115 * MINUTE, true, RUNNING_AFTER(4, 115 * MINUTE, 75 * MINUTE, 115 * MINUTE)), /* */
         LATER(175 * MINUTE - 1, true), LATER(175 * MINUTE, false),                           /* */
         TOLD(180 * MINUTE, false, RUNNING_AFTER(5, 180 * MINUTE, 115 * MINUTE, 180 * MINUTE)));
    PLAY("three within more than an hour", -DAY,                                  /* */
         TOLD(0, false, RUNNING(0, -DAY)),                                        /* */
         TOLD(1, false, RUNNING_AFTER(1, 1, -DAY, 1)),                            /* */
         TOLD(31 * MINUTE, false, RUNNING_AFTER(2, 31 * MINUTE, 1, 31 * MINUTE)), /* */
         TOLD(62 * MINUTE, false, RUNNING_AFTER(3, 62 * MINUTE, 31 * MINUTE, 62 * MINUTE)));
    PLAY("three at once, of which two may be days old", -DAY, /* */
         TOLD(0, false, RUNNING(0, -DAY)),                    /* */
         TOLD(3 * HOUR, false, RUNNING_AFTER(3, 3 * HOUR, 1 * HOUR, 3 * HOUR)));
    PLAY("three at once between two that were seen", -DAY,            /* */
         TOLD(0, false, RUNNING(0, -DAY)),                            /* */
         TOLD(MINUTE, false, RUNNING_AFTER(1, MINUTE, -DAY, MINUTE)), /* */
         TOLD(40 * MINUTE, true, RUNNING_AFTER(4, 40 * MINUTE, 39 * MINUTE, 40 * MINUTE)));
    PLAY("as many as the pod's age allows for", -50 * MINUTE,            /* */
         TOLD(0, true, RUNNING_AFTER(3, -MINUTE, -2 * MINUTE, -MINUTE)), /* */
         LATER(58 * MINUTE, true), LATER(59 * MINUTE, false));
    PLAY("a node whose clock is two hours ahead", -DAY,                                       /* */
         TOLD(0, false, RUNNING(0, -DAY)),                                                    /* */
         TOLD(MINUTE, false, RUNNING_AFTER(1, 121 * MINUTE, -DAY, 121 * MINUTE)),             /* */
         TOLD(2 * MINUTE, false, RUNNING_AFTER(2, 122 * MINUTE, 121 * MINUTE, 122 * MINUTE)), /* */
         TOLD(3 * MINUTE, true, RUNNING_AFTER(3, 123 * MINUTE, 122 * MINUTE, 123 * MINUTE)),  /* */
         LATER(62 * MINUTE, true), LATER(63 * MINUTE, false));
}

static void test_lost(void **state)
{
    (void) state;
    const struct told lost = {.count = 3,
                              .waiting = "PodInitializing",
                              .running_since = NEVER,
                              .ended_from = NEVER,
                              .last_from = NEVER,
                              .last_to = NEVER,
                              .last_reason = "ContainerStatusUnknown"};
    const struct told again = RUNNING_AFTER(4, 30 * MINUTE, 29 * MINUTE, 30 * MINUTE);
    const struct step steps[] = {
        TOLD(0, false, RUNNING(0, 0)),
        TOLD(10 * MINUTE, false, RUNNING_AFTER(1, 10 * MINUTE, 0, 10 * MINUTE)),
        TOLD(20 * MINUTE, false, RUNNING_AFTER(2, 20 * MINUTE, 10 * MINUTE, 20 * MINUTE)),
        {.at = 25 * MINUTE, .is_change = true, .told = lost, .stands = false},
        {.at = 30 * MINUTE, .is_change = true, .told = again, .stands = true}, /* the third that was one */
    };
    play_with("a status that the kubelet has lost", CLUSTER(""), 0, steps, array_length(steps));
}

#define SAID(cause, uid)                                                                                           \
    "{'code': 'ContainerRestarting', 'cause': '" cause "', 'object': {'apiVersion': 'v1', 'kind': 'Pod', 'name': " \
    "'proget-0', 'uid': '" uid "'}}"

/* The new process sees a container that runs: whether it is between two crashes only the status remembers. */
static void test_after_a_restart_of_the_operator(void **state)
{
    (void) state;
    PLAY_AFTER("what was said stands until it is disproved", SAID("Server", "uid-proget-0"), -DAY, /* */
               TOLD(0, true, RUNNING_AFTER(2, -MINUTE, -300, -200)), LATER(8 * MINUTE, true),      /* */
               LATER(9 * MINUTE, false),                                                           /* */
               TOLD(2 * HOUR, false, ENDED(2, -MINUTE, 2 * HOUR)),                                 /* */
               TOLD(2 * HOUR + 1, false, RUNNING_AFTER(3, 2 * HOUR, -MINUTE, 2 * HOUR)));
    PLAY_AFTER("what may have been three within an hour", SAID("Server", "uid-proget-0"), -DAY, /* */
               TOLD(0, true, RUNNING_AFTER(7, -20 * MINUTE, -30 * MINUTE, -20 * MINUTE)),       /* */
               LATER(39 * MINUTE, true), LATER(40 * MINUTE, false),                             /* */
               TOLD(DAY, false, RUNNING_AFTER(8, DAY, -20 * MINUTE, DAY)));
    PLAY_AFTER("of the other container", SAID("Sidecar", "uid-proget-0"), -DAY,
               TOLD(0, false, RUNNING_AFTER(7, -MINUTE, -300, -200)));
    PLAY_AFTER("of a pod that is gone", SAID("Server", "its predecessor"), -DAY,
               TOLD(0, false, RUNNING_AFTER(7, -MINUTE, -300, -200)));
}

/* --- the notes themselves --- */

static struct pod *pod_of(const char *name, const struct told *told)
{
    cleanup_free char *text = pod_text(name, 0, told);
    return fixture_record(&pod_type, text);
}

static void test_notes_go_with_the_pod(void **state)
{
    (void) state;
    struct map *restarts = map_new(free);
    const struct told first = RUNNING(0, 0);
    const struct told second = RUNNING_AFTER(1, 10, 0, 9);
    cleanup_free struct pod *before = pod_of("a", &first);
    cleanup_free struct pod *after = pod_of("a", &second);
    cleanup_free struct pod *other = pod_of("b", &second);
    restarts_follow(restarts, NULL, before, 1);
    assert_null(restarts_find(restarts, before, "proget")); /* nothing to remember */
    restarts_follow(restarts, before, after, 2);
    const struct restart_memory *memory = restarts_find(restarts, after, "proget");
    assert_non_null(memory);
    assert_int_equal(memory->count, 1);
    assert_int_equal(memory->newest[0].number, 1);
    assert_true(memory->newest[0].time_us == fixture_wall_us + 10 * CLOCK_US_PER_SECOND);
    assert_null(restarts_find(restarts, after, "another"));
    assert_null(restarts_find(restarts, after, NULL));
    assert_null(restarts_find(restarts, other, "proget"));
    restarts_follow(restarts, after, other, 3); /* replaced under its name: another uid */
    assert_int_equal(map_count(restarts), 0);
    restarts_follow(restarts, before, after, 4);
    restarts_follow(restarts, after, NULL, 5);
    assert_int_equal(map_count(restarts), 0);
    map_free(restarts);
}

static void test_notes_are_bounded(void **state)
{
    (void) state;
    struct map *restarts = map_new(free);
    const struct told looping = WAITING(1, "CrashLoopBackOff", 0, 1);
    for (int i = 0; i <= RESTARTS_FOLLOWED_MAX; i++) {
        cleanup_free char *name = xasprintf("pod-%d", i);
        cleanup_free struct pod *pod = pod_of(name, &looping);
        restarts_follow(restarts, NULL, pod, 1);
    }
    assert_int_equal(map_count(restarts), RESTARTS_FOLLOWED_MAX);
    cleanup_free struct pod *oldest = pod_of("pod-0", &looping);
    cleanup_free struct pod *next = pod_of("pod-1", &looping);
    assert_null(restarts_find(restarts, oldest, "proget"));
    assert_non_null(restarts_find(restarts, next, "proget"));
    map_free(restarts);
}

static void test_manifests_have_no_notes(void **state)
{
    (void) state;
    struct map *restarts = map_new(free);
    cleanup_free struct pod *pod = fixture_record(
        &pod_type, "{'metadata': {'name': 'a'}, 'status': {'containerStatuses': [{'name': 'proget', 'restartCount': 2, "
                   "'state': {'waiting': {'reason': 'CrashLoopBackOff'}}}, {'restartCount': 1}]}}");
    restarts_follow(restarts, NULL, pod, 1);
    restarts_follow(restarts, pod, NULL, 1);
    assert_null(restarts_find(restarts, pod, "proget"));
    assert_int_equal(map_count(restarts), 0);
    map_free(restarts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_loop),
        cmocka_unit_test(test_frequent),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_after_a_restart_of_the_operator),
        cmocka_unit_test(test_notes_go_with_the_pod),
        cmocka_unit_test(test_notes_are_bounded),
        cmocka_unit_test(test_manifests_have_no_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
