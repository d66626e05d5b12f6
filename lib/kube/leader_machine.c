#include "leader_machine.h"

#include <assert.h>
#include <string.h>

#include "proget/core/text.h"

enum {
    REQUEST_TIMEOUT_MS_MIN = 1000,
    RELEASE_DURATION_SECONDS = 1, /* of an empty record: the server takes none that is less */
    WRITE_MARKS = 1000,           /* microseconds of a renewTime, 1 to 999, that tell our own writes apart */
};
/*
 * Those who do not lead look after half of retry * (1 + 1.2 * U[0,1)): twice as often as client-go, so that a Lease
 * which was given up is taken within 3 s.
 */
static const double RETRY_JITTER = 1.2;

/* What a step works with. */
struct step {
    struct leader_machine *machine;
    const struct leader_input *input;
    struct instant now;
    double random_fraction;
    struct leader_actions *actions;
};

void leader_machine_init(struct leader_machine *machine, const char *identity, int64_t lease_ms, int64_t renew_ms,
                         int64_t retry_ms)
{
    assert(!text_is_empty(identity) && strlen(identity) <= LEADER_IDENTITY_LENGTH_MAX);
    assert(retry_ms > 0 && lease_ms > renew_ms && lease_ms > renew_ms + retry_ms && lease_ms <= LEADER_LEASE_MS_MAX);
    assert(5 * renew_ms > 6 * retry_ms);
    *machine = (struct leader_machine){
        .lease_ms = lease_ms, .renew_ms = renew_ms, .retry_ms = retry_ms, .transitions_reached = -1};
    text_copy_cut(machine->identity, sizeof(machine->identity), identity);
}

/* How long a write that landed is good for: less than the lease, by which others go. */
static int64_t hold_ms(const struct leader_machine *machine)
{
    return machine->renew_ms + machine->retry_ms;
}

bool leader_machine_leads(const struct leader_machine *machine, int64_t now_ms)
{
    return machine->leads && now_ms < machine->valid_until_ms;
}

bool leader_machine_is_healthy(const struct leader_machine *machine, int64_t now_ms, int64_t tolerance_ms)
{
    return !machine->leads || now_ms - machine->observed_ms <= machine->lease_ms + tolerance_ms;
}

static bool is_ours(const struct leader_machine *machine)
{
    return machine->has_record && text_equal(machine->record.holder, machine->identity);
}

const char *leader_machine_other_holder(const struct leader_machine *machine)
{
    return machine->has_record && !is_ours(machine) ? machine->record.holder : "";
}

/* Nothing but the time since we saw the record change counts, and how long its holder asked for. */
static bool is_valid(const struct step *step)
{
    const struct leader_machine *machine = step->machine;
    int64_t seconds = machine->record.duration_seconds;
    int64_t duration_ms = seconds ? seconds * 1000 : machine->lease_ms;
    return machine->has_record && machine->observed_ms + duration_ms > step->now.monotonic_ms;
}

static void observe(struct step *step)
{
    struct leader_machine *machine = step->machine;
    const struct lease_record *record = step->input->record;
    if (!machine->has_record || machine->record.spec_hash != record->spec_hash) {
        machine->observed_ms = step->now.monotonic_ms;
    }
    machine->has_record = true;
    machine->record = *record;
    if (record->transitions > machine->transitions_reached) {
        machine->transitions_reached = record->transitions;
    }
}

/* What the input says of the Lease, in whatever phase it comes. */
static void take_record(struct step *step)
{
    struct leader_machine *machine = step->machine;
    if (step->input->kind == LEADER_INPUT_ANSWER) {
        observe(step);
    } else if (step->input->kind == LEADER_INPUT_ABSENT) {
        machine->has_record = false;
        machine->record = (struct lease_record){0};
    }
}

/* Of the last write: whether the record is the one that it wrote. */
static bool has_landed(const struct leader_machine *machine)
{
    return machine->writes > 0 && is_ours(machine) && machine->record.renewed_us == machine->sent.renewed_us;
}

static bool is_write(enum leader_phase phase)
{
    return phase == LEADER_PHASE_FAST_WRITE || phase == LEADER_PHASE_WRITE;
}

static void note_trouble(struct step *step)
{
    if (step->input->kind == LEADER_INPUT_FAILED) {
        step->machine->has_trouble = true;
        step->machine->trouble = *step->input->trouble;
    }
}

/* Tells the owner of another holder, or other trouble, than last time. */
static void tell(struct step *step)
{
    struct leader_machine *machine = step->machine;
    const char *holder = leader_machine_other_holder(machine);
    bool is_other_holder = holder[0] && !text_equal(holder, machine->told_holder);
    bool is_other_trouble = machine->has_trouble != machine->told_trouble ||
                            (machine->has_trouble && machine->trouble.code != machine->told_code);
    step->actions->observed |= is_other_holder || is_other_trouble;
    text_copy_cut(machine->told_holder, sizeof(machine->told_holder), holder);
    machine->told_trouble = machine->has_trouble;
    machine->told_code = machine->has_trouble ? machine->trouble.code : (enum error_code) 0;
}

static void end_leadership(struct step *step, const char *why)
{
    struct leader_machine *machine = step->machine;
    machine->leads = false;
    step->actions->change = LEADER_CHANGE_ENDED;
    text_copy_cut(machine->why, sizeof(machine->why), why);
    text_make_printable(machine->why);
}

static void end_by_time(struct step *step)
{
    const struct leader_machine *machine = step->machine;
    struct error why;
    char duration[CLOCK_TEXT_SIZE];
    int64_t renewed_ms = machine->valid_until_ms - hold_ms(machine);
    clock_format_duration(step->now.monotonic_ms - renewed_ms, duration);
    (void) error_set(&why, ERROR_TIMEOUT, "the lease was not renewed for %s%s%s", duration,
                     machine->has_trouble ? ": " : "", machine->has_trouble ? machine->trouble.text : "");
    end_leadership(step, why.text);
}

static void end_by_record(struct step *step)
{
    const struct leader_machine *machine = step->machine;
    struct error why;
    if (!machine->has_record) {
        (void) error_set(&why, ERROR_NOT_FOUND, "the lease was deleted");
    } else if (machine->record.holder[0]) {
        (void) error_set(&why, ERROR_CONFLICT, "the lease is held by %s", machine->record.holder);
    } else {
        (void) error_set(&why, ERROR_CONFLICT, "the lease was emptied by somebody else");
    }
    end_leadership(step, why.text);
}

static void read_record(struct step *step, enum leader_phase phase)
{
    step->machine->phase = phase;
    step->actions->next = LEADER_NEXT_READ;
}

/*
 * Sends `record`. Its renewTime ends in a number of ours: a record that bears it is the one of this write, even where
 * the wall clock stood still or was set back.
 */
static void write_record(struct step *step, enum leader_phase phase, const struct lease_record *record)
{
    struct leader_machine *machine = step->machine;
    machine->sent = *record;
    int64_t wall_us = step->now.wall_us > 0 ? step->now.wall_us : 0;
    machine->sent.renewed_us = wall_us / WRITE_MARKS * WRITE_MARKS + 1 + machine->writes % (WRITE_MARKS - 1);
    machine->sent_ms = step->now.monotonic_ms;
    machine->writes++;
    machine->is_unsettled = true;
    machine->phase = phase;
    step->actions->next = machine->has_record ? LEADER_NEXT_UPDATE : LEADER_NEXT_CREATE;
    step->actions->write = &machine->sent;
}

/* The record that makes us the holder, or keeps us so. */
static void write_ours(struct step *step, enum leader_phase phase)
{
    const struct leader_machine *machine = step->machine;
    struct lease_record record = machine->record; /* all zero where there is none */
    bool is_kept = is_ours(machine);
    if (!is_kept) {
        record.transitions = machine->transitions_reached < LEASE_TRANSITIONS_MAX ? machine->transitions_reached + 1
                                                                                  : LEASE_TRANSITIONS_MAX;
    }
    if (!is_kept || record.acquired_us == 0) {
        record.acquired_us = step->now.wall_us;
    }
    text_copy_cut(record.holder, sizeof(record.holder), machine->identity);
    record.duration_seconds = (machine->lease_ms + 999) / 1000;
    write_record(step, phase, &record);
}

static void begin_attempt(struct step *step)
{
    struct leader_machine *machine = step->machine;
    machine->attempt_ms = step->now.monotonic_ms;
    machine->has_trouble = false;
    if (is_ours(machine) && is_valid(step) && !machine->must_read) {
        write_ours(step, LEADER_PHASE_FAST_WRITE);
    } else {
        read_record(step, LEADER_PHASE_READ);
    }
}

static void wait_until(struct step *step, enum leader_phase phase, int64_t due_ms)
{
    step->machine->phase = phase;
    step->machine->due_ms = due_ms > step->now.monotonic_ms ? due_ms : step->now.monotonic_ms;
    step->actions->next = LEADER_NEXT_WAIT;
}

static void wait_for_attempt(struct step *step)
{
    const struct leader_machine *machine = step->machine;
    if (machine->leads) {
        wait_until(step, LEADER_PHASE_WAIT, machine->attempt_ms + machine->retry_ms);
        return;
    }
    double factor = 1.0 + RETRY_JITTER * step->random_fraction;
    wait_until(step, LEADER_PHASE_WAIT, step->now.monotonic_ms + (int64_t) ((double) machine->retry_ms / 2 * factor));
}

/* The attempt came to nothing. */
static void fail_attempt(struct step *step)
{
    tell(step);
    wait_for_attempt(step);
}

/* Our last write is in the Lease. Everything counts from before it was sent. */
static void succeed(struct step *step)
{
    struct leader_machine *machine = step->machine;
    int64_t valid_until_ms = machine->sent_ms + hold_ms(machine);
    machine->is_unsettled = false;
    machine->must_read = false;
    machine->has_trouble = false;
    if (valid_until_ms <= step->now.monotonic_ms) {
        fail_attempt(step); /* the news is too old to lead by */
        return;
    }
    if (!machine->leads) {
        machine->leads = true;
        step->actions->change = LEADER_CHANGE_BEGAN;
    }
    machine->valid_until_ms = valid_until_ms;
    machine->held_transitions = machine->record.transitions;
    tell(step);
    wait_until(step, LEADER_PHASE_WAIT, machine->sent_ms + machine->retry_ms);
}

/* Steps 3 and 4, with the Lease as it is now, or none. */
static void judge_record(struct step *step)
{
    struct leader_machine *machine = step->machine;
    if (has_landed(machine) && machine->is_unsettled) {
        succeed(step);
        return;
    }
    machine->is_unsettled = false;
    machine->must_read = false;
    if (machine->leads && !is_ours(machine)) {
        end_by_record(step);
    }
    if (leader_machine_other_holder(machine)[0] && is_valid(step)) {
        fail_attempt(step);
        return;
    }
    write_ours(step, LEADER_PHASE_WRITE);
}

static void take_read_result(struct step *step)
{
    if (step->input->kind == LEADER_INPUT_ANSWER || step->input->kind == LEADER_INPUT_ABSENT) {
        judge_record(step);
    } else {
        note_trouble(step);
        fail_attempt(step);
    }
}

static void take_write_result(struct step *step, bool is_fast)
{
    struct leader_machine *machine = step->machine;
    note_trouble(step);
    machine->must_read = true; /* unless all is well, the version that we know is old, or may be */
    if (step->input->kind == LEADER_INPUT_ANSWER) {
        if (is_ours(machine)) {
            succeed(step);
            return;
        }
        machine->has_trouble = true;
        (void) error_set(&machine->trouble, ERROR_IO, "the server took the Lease and did not keep it as it was sent");
    }
    if (is_fast) {
        read_record(step, LEADER_PHASE_READ);
    } else {
        fail_attempt(step);
    }
}

static void finish_release(struct step *step)
{
    step->machine->phase = LEADER_PHASE_RELEASED;
    step->actions->next = LEADER_NEXT_DONE;
}

static void begin_release(struct step *step)
{
    struct leader_machine *machine = step->machine;
    bool may_hold = machine->leads || is_ours(machine) || machine->is_unsettled;
    assert(machine->phase <= LEADER_PHASE_WRITE);
    machine->leads = false;
    machine->release_until_ms = step->now.monotonic_ms + machine->renew_ms;
    if (is_write(machine->phase)) {
        /* Cancelled, it could still land, after the Lease was found to be another's. */
        machine->phase = LEADER_PHASE_RELEASE_DRAIN;
    } else if (may_hold) {
        read_record(step, LEADER_PHASE_RELEASE_READ);
    } else {
        finish_release(step);
    }
}

static void retry_release(struct step *step)
{
    wait_until(step, LEADER_PHASE_RELEASE_WAIT, step->now.monotonic_ms + step->machine->retry_ms);
}

static void take_release_read_result(struct step *step)
{
    struct leader_machine *machine = step->machine;
    if (step->input->kind == LEADER_INPUT_ANSWER) {
        if (!is_ours(machine)) {
            finish_release(step);
            return;
        }
        struct lease_record record = machine->record;
        record.holder[0] = '\0';
        record.duration_seconds = RELEASE_DURATION_SECONDS;
        record.acquired_us = step->now.wall_us;
        write_record(step, LEADER_PHASE_RELEASE_WRITE, &record);
        return;
    }
    if (step->input->kind == LEADER_INPUT_ABSENT) {
        finish_release(step);
        return;
    }
    retry_release(step);
}

static void take_release_write_result(struct step *step)
{
    switch (step->input->kind) {
    case LEADER_INPUT_ANSWER:
    case LEADER_INPUT_ABSENT:
        finish_release(step);
        break;
    case LEADER_INPUT_CONFLICT:
        /* A renewal that was under way may have landed in between; again and again it is something else. */
        if (step->machine->release_conflicts++ == 0) {
            read_record(step, LEADER_PHASE_RELEASE_READ);
        } else {
            retry_release(step);
        }
        break;
    default:
        retry_release(step);
        break;
    }
}

static void take_result(struct step *step)
{
    switch (step->machine->phase) {
    case LEADER_PHASE_FAST_WRITE:
    case LEADER_PHASE_WRITE:
        take_write_result(step, step->machine->phase == LEADER_PHASE_FAST_WRITE);
        break;
    case LEADER_PHASE_READ:
        take_read_result(step);
        break;
    case LEADER_PHASE_RELEASE_DRAIN:
        read_record(step, LEADER_PHASE_RELEASE_READ);
        break;
    case LEADER_PHASE_RELEASE_READ:
        take_release_read_result(step);
        break;
    case LEADER_PHASE_RELEASE_WRITE:
        take_release_write_result(step);
        break;
    case LEADER_PHASE_IDLE:
    case LEADER_PHASE_WAIT:
    case LEADER_PHASE_RELEASE_WAIT:
    case LEADER_PHASE_RELEASED:
        assert(false); /* a result without a request */
        break;
    }
}

static void take_timer(struct step *step)
{
    const struct leader_machine *machine = step->machine;
    int64_t now_ms = step->now.monotonic_ms;
    bool releases = machine->phase >= LEADER_PHASE_RELEASE_DRAIN && machine->phase <= LEADER_PHASE_RELEASE_WAIT;
    if (releases && now_ms >= machine->release_until_ms) {
        finish_release(step);
    } else if (machine->phase == LEADER_PHASE_WAIT && now_ms >= machine->due_ms) {
        begin_attempt(step);
    } else if (machine->phase == LEADER_PHASE_RELEASE_WAIT && now_ms >= machine->due_ms) {
        read_record(step, LEADER_PHASE_RELEASE_READ);
    }
}

/* Its time is over, whatever the input says. What was under way is cancelled, and may have landed. */
static void lose(struct step *step)
{
    struct leader_machine *machine = step->machine;
    note_trouble(step);
    end_by_time(step);
    machine->must_read = true;
    wait_for_attempt(step); /* the end of leadership says enough */
}

static int64_t wake_at(const struct leader_machine *machine)
{
    switch (machine->phase) {
    case LEADER_PHASE_WAIT:
        return machine->leads && machine->valid_until_ms < machine->due_ms ? machine->valid_until_ms : machine->due_ms;
    case LEADER_PHASE_FAST_WRITE:
    case LEADER_PHASE_READ:
    case LEADER_PHASE_WRITE:
        return machine->leads ? machine->valid_until_ms : -1;
    case LEADER_PHASE_RELEASE_DRAIN:
    case LEADER_PHASE_RELEASE_READ:
    case LEADER_PHASE_RELEASE_WRITE:
        return machine->release_until_ms;
    case LEADER_PHASE_RELEASE_WAIT:
        return machine->release_until_ms < machine->due_ms ? machine->release_until_ms : machine->due_ms;
    case LEADER_PHASE_IDLE:
    case LEADER_PHASE_RELEASED:
        break;
    }
    return -1;
}

struct leader_actions leader_machine_step(struct leader_machine *machine, const struct leader_input *input,
                                          struct instant now, double random_fraction)
{
    struct leader_actions actions = {.next = LEADER_NEXT_STAY};
    struct step step = {machine, input, now, random_fraction, &actions};
    assert(input->kind != LEADER_INPUT_ANSWER || input->record);
    assert(input->kind != LEADER_INPUT_FAILED || input->trouble);
    take_record(&step);
    if (machine->leads && now.monotonic_ms >= machine->valid_until_ms && input->kind != LEADER_INPUT_RELEASE) {
        lose(&step);
    } else {
        switch (input->kind) {
        case LEADER_INPUT_START:
            assert(machine->phase == LEADER_PHASE_IDLE);
            begin_attempt(&step);
            break;
        case LEADER_INPUT_TIMER:
            take_timer(&step);
            break;
        case LEADER_INPUT_RELEASE:
            begin_release(&step);
            break;
        case LEADER_INPUT_ANSWER:
        case LEADER_INPUT_ABSENT:
        case LEADER_INPUT_CONFLICT:
        case LEADER_INPUT_FAILED:
            take_result(&step);
            break;
        }
    }
    actions.timeout_ms =
        machine->renew_ms / 2 > REQUEST_TIMEOUT_MS_MIN ? machine->renew_ms / 2 : REQUEST_TIMEOUT_MS_MIN;
    actions.wake_at_ms = wake_at(machine);
    return actions;
}
