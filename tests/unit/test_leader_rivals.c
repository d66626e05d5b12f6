/*
 * Several leader machines against one simulated Lease, with a network that delays, reorders and loses, clocks that
 * disagree, and processes that stop, crash and release: never do two lead at once. Every run follows from its seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../lib/kube/leader_machine.h"
#include "proget/core/text.h"

enum {
    SEEDS = 200,
    STEPS = 4000, /* events of one run */
    PROCESSES_MAX = 3,
    MESSAGES_MAX = 512,
    LEASE_MS = 15000,
    RENEW_MS = 10000,
    RETRY_MS = 2000,
};
#define NEVER INT64_MAX

struct process {
    struct leader_machine machine;
    double rate; /* of its clock */
    int64_t offset_ms;
    int64_t wall_offset_us;
    int64_t wake_at_ms;          /* its own clock; negative: not at all */
    int64_t resumes_ms;          /* true time: until then it is stopped */
    uint64_t request;            /* the one whose answer it waits for; 0: none */
    int64_t request_fails_at_ms; /* its own clock */
};

enum message_kind { MESSAGE_GET, MESSAGE_CREATE, MESSAGE_UPDATE, MESSAGE_ANSWER };

struct message {
    enum message_kind kind;
    int64_t arrives_ms; /* true time */
    size_t process;
    uint64_t request;
    struct lease_record record; /* of a write; of an answer that has one */
    enum leader_input_kind answer;
};

struct world {
    uint64_t seed, random;
    int64_t now_ms; /* true time */
    struct process processes[PROCESSES_MAX];
    size_t process_count;
    struct message messages[MESSAGES_MAX];
    size_t message_count;
    uint64_t requests;
    bool exists;
    struct lease_record lease;
    uint64_t version;
    unsigned incarnations;
    /* What came of it. */
    unsigned begins, ends, releases, crashes;
    int64_t epoch; /* of the last that led; negative: none */
    char epoch_holder[LEADER_IDENTITY_LENGTH_MAX + 1];
};

static uint64_t next_random(struct world *world)
{
    uint64_t mixed = (world->random += UINT64_C(0x9e3779b97f4a7c15));
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

static int64_t random_below(struct world *world, int64_t limit)
{
    return (int64_t) (next_random(world) % (uint64_t) limit);
}

static bool chance(struct world *world, int64_t in_thousand)
{
    return random_below(world, 1000) < in_thousand;
}

static int64_t local_ms(const struct world *world, const struct process *process)
{
    return process->offset_ms + (int64_t) ((double) world->now_ms * process->rate);
}

/* Mostly quick, at times as slow as networks get; NEVER: lost. */
static int64_t arrival(struct world *world)
{
    if (chance(world, 60)) {
        return NEVER;
    }
    int64_t limit_ms = chance(world, 800) ? 50 : chance(world, 700) ? 3000 : 40000;
    return world->now_ms + random_below(world, limit_ms);
}

static void post(struct world *world, struct message message)
{
    message.arrives_ms = arrival(world);
    if (message.arrives_ms != NEVER) {
        assert_true(world->message_count < MESSAGES_MAX);
        world->messages[world->message_count++] = message;
    }
}

static void check(struct world *world)
{
    size_t leaders = 0;
    for (size_t i = 0; i < world->process_count; i++) {
        const struct process *process = &world->processes[i];
        leaders += leader_machine_leads(&process->machine, local_ms(world, process));
    }
    if (leaders > 1) {
        fail_msg("seed %llu: %zu lead at %lld ms", (unsigned long long) world->seed, leaders,
                 (long long) world->now_ms);
    }
}

/* Each leader has a greater epoch than the one before it. */
static void note_begin(struct world *world, const struct leader_machine *machine)
{
    bool is_same = text_equal(world->epoch_holder, machine->identity);
    world->begins++;
    if (machine->held_transitions < world->epoch || (!is_same && machine->held_transitions == world->epoch)) {
        fail_msg("seed %llu: epoch %lld after %lld at %lld ms", (unsigned long long) world->seed,
                 (long long) machine->held_transitions, (long long) world->epoch, (long long) world->now_ms);
    }
    world->epoch = machine->held_transitions;
    text_copy_cut(world->epoch_holder, sizeof(world->epoch_holder), machine->identity);
}

static void start(struct world *world, size_t index);

static void send_request(struct world *world, size_t index, const struct leader_actions *actions)
{
    struct process *process = &world->processes[index];
    struct message message = {.process = index, .request = ++world->requests};
    message.kind = actions->next == LEADER_NEXT_READ     ? MESSAGE_GET
                   : actions->next == LEADER_NEXT_CREATE ? MESSAGE_CREATE
                                                         : MESSAGE_UPDATE;
    if (actions->write) {
        message.record = *actions->write;
    }
    process->request = message.request;
    process->request_fails_at_ms = local_ms(world, process) + actions->timeout_ms;
    post(world, message);
}

static void step(struct world *world, size_t index, struct leader_input input)
{
    static const struct error trouble = {.code = ERROR_TIMEOUT, .text = "no answer"};
    struct process *process = &world->processes[index];
    struct instant now = {.monotonic_ms = local_ms(world, process)};
    double random_fraction = (double) random_below(world, 1000) / 1000.0;
    if (chance(world, 20)) { /* somebody sets the clock; much of the time it says nothing new */
        process->wall_offset_us = random_below(world, 1000) * INT64_C(1000000000000);
    }
    now.wall_us = process->wall_offset_us + now.monotonic_ms / 5000 * 5000000;
    input.trouble = &trouble;
    struct leader_actions actions = leader_machine_step(&process->machine, &input, now, random_fraction);
    if (actions.next != LEADER_NEXT_STAY) {
        process->request = 0; /* what was sent may arrive all the same */
    }
    process->wake_at_ms = actions.wake_at_ms;
    world->ends += actions.change == LEADER_CHANGE_ENDED;
    if (actions.change == LEADER_CHANGE_BEGAN) {
        note_begin(world, &process->machine);
    }
    if (actions.next == LEADER_NEXT_READ || actions.next == LEADER_NEXT_CREATE || actions.next == LEADER_NEXT_UPDATE) {
        send_request(world, index, &actions);
    } else if (actions.next == LEADER_NEXT_DONE) {
        world->releases++;
        start(world, index);
    }
}

/* A new process in that place, with another identity and another clock. */
static void start(struct world *world, size_t index)
{
    struct process *process = &world->processes[index];
    char identity[32];
    snprintf(identity, sizeof(identity), "p%zu_%u", index, ++world->incarnations);
    *process = (struct process){
        .rate = 0.96 + (double) random_below(world, 81) / 1000.0,
        .offset_ms = random_below(world, INT64_C(1000000000)),
        .resumes_ms = world->now_ms,
    };
    leader_machine_init(&process->machine, identity, LEASE_MS, RENEW_MS, RETRY_MS);
    step(world, index, (struct leader_input){.kind = LEADER_INPUT_START});
}

static void put_lease(struct world *world, const struct message *message)
{
    world->lease = message->record;
    world->version++;
    snprintf(world->lease.resource_version, sizeof(world->lease.resource_version), "%llu",
             (unsigned long long) world->version);
    world->lease.spec_hash = text_hash(TEXT_HASH_SEED, world->lease.holder, strlen(world->lease.holder)) ^
                             text_hash(TEXT_HASH_SEED, &world->lease.renewed_us, sizeof(world->lease.renewed_us));
    world->exists = true;
}

static void serve(struct world *world, const struct message *message)
{
    struct message answer = {.kind = MESSAGE_ANSWER,
                             .process = message->process,
                             .request = message->request,
                             .answer = LEADER_INPUT_ANSWER};
    if (message->kind == MESSAGE_GET) {
        answer.answer = world->exists ? LEADER_INPUT_ANSWER : LEADER_INPUT_ABSENT;
    } else if (message->kind == MESSAGE_CREATE && world->exists) {
        answer.answer = LEADER_INPUT_CONFLICT;
    } else if (message->kind == MESSAGE_UPDATE &&
               !text_equal(message->record.resource_version, world->lease.resource_version)) {
        answer.answer = LEADER_INPUT_CONFLICT;
    } else if (chance(world, 20)) {
        answer.answer = LEADER_INPUT_FAILED; /* an error of the server's, and nothing done */
    } else {
        put_lease(world, message);
        if (chance(world, 20)) {
            answer.answer = LEADER_INPUT_FAILED; /* an error, and done all the same */
        }
    }
    answer.record = world->lease;
    post(world, answer);
}

static void deliver(struct world *world, const struct message *message)
{
    struct process *process = &world->processes[message->process];
    if (message->kind != MESSAGE_ANSWER) {
        serve(world, message);
    } else if (message->request == process->request) {
        process->request = 0;
        step(world, message->process, (struct leader_input){.kind = message->answer, .record = &message->record});
    }
}

/* When something next happens at a process of its own accord, in true time; never early by its own clock. */
static int64_t own_event_ms(const struct process *process)
{
    int64_t due_ms = process->wake_at_ms >= 0 ? process->wake_at_ms : NEVER;
    if (process->request && process->request_fails_at_ms < due_ms) {
        due_ms = process->request_fails_at_ms;
    }
    if (due_ms == NEVER) {
        return NEVER;
    }
    int64_t true_ms = (int64_t) ((double) (due_ms - process->offset_ms) / process->rate) + 2;
    return true_ms > process->resumes_ms ? true_ms : process->resumes_ms;
}

static int64_t message_ms(const struct world *world, const struct message *message)
{
    int64_t resumes_ms = world->processes[message->process].resumes_ms;
    bool is_held = message->kind == MESSAGE_ANSWER && resumes_ms > message->arrives_ms;
    return is_held ? resumes_ms : message->arrives_ms;
}

static void run_own_event(struct world *world, size_t index)
{
    struct process *process = &world->processes[index];
    bool failed = process->request && process->request_fails_at_ms <= local_ms(world, process);
    if (failed) {
        process->request = 0;
    }
    step(world, index, (struct leader_input){.kind = failed ? LEADER_INPUT_FAILED : LEADER_INPUT_TIMER});
}

static void disturb(struct world *world)
{
    size_t index = (size_t) random_below(world, (int64_t) world->process_count);
    struct process *process = &world->processes[index];
    if (chance(world, 20)) { /* stopped, its clock goes on */
        process->resumes_ms = world->now_ms + random_below(world, chance(world, 100) ? 3600000 : 40000);
    } else if (chance(world, 4)) {
        world->crashes++;
        start(world, index);
    } else if (chance(world, 8) && process->machine.phase <= LEADER_PHASE_WRITE &&
               process->resumes_ms <= world->now_ms) {
        step(world, index, (struct leader_input){.kind = LEADER_INPUT_RELEASE});
    }
}

/* Whatever comes next. */
static void advance(struct world *world)
{
    int64_t next_ms = NEVER;
    size_t message_index = 0;
    size_t process_index = 0;
    bool is_message = false;
    for (size_t i = 0; i < world->message_count; i++) {
        int64_t at_ms = message_ms(world, &world->messages[i]);
        if (at_ms < next_ms) {
            next_ms = at_ms;
            message_index = i;
            is_message = true;
        }
    }
    for (size_t i = 0; i < world->process_count; i++) {
        int64_t at_ms = own_event_ms(&world->processes[i]);
        if (at_ms < next_ms) {
            next_ms = at_ms;
            process_index = i;
            is_message = false;
        }
    }
    assert_true(next_ms != NEVER);
    world->now_ms = next_ms > world->now_ms ? next_ms : world->now_ms;
    check(world);
    if (is_message) {
        struct message message = world->messages[message_index];
        world->messages[message_index] = world->messages[--world->message_count];
        deliver(world, &message);
    } else {
        run_own_event(world, process_index);
    }
    check(world);
    disturb(world);
    check(world);
}

static void test_never_two_at_once(void **state)
{
    static struct world world;
    unsigned begins = 0;
    unsigned ends = 0;
    unsigned releases = 0;
    unsigned crashes = 0;
    (void) state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        world = (struct world){.seed = seed, .random = seed, .epoch = -1};
        world.process_count = seed % 2 ? 2 : PROCESSES_MAX;
        for (size_t i = 0; i < world.process_count; i++) {
            start(&world, i);
        }
        for (int i = 0; i < STEPS; i++) {
            advance(&world);
        }
        begins += world.begins;
        ends += world.ends;
        releases += world.releases;
        crashes += world.crashes;
        if (world.begins < 10) {
            fail_msg("seed %llu: only %u times did anybody begin to lead", (unsigned long long) seed, world.begins);
        }
    }
    print_message("%u times begun, %u lost, %u released, %u crashed\n", begins, ends, releases, crashes);
    assert_true(ends > SEEDS && releases > SEEDS && crashes > SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never_two_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
