#include "reflector_machine.h"

#include <assert.h>
#include <string.h>

#include "proget/core/memory.h"
#include "proget/core/text.h"

/* What a step works with. */
struct step {
    struct reflector_machine *machine;
    const struct reflector_input *input;
    int64_t now_ms;
    double random_fraction;
    struct reflector_actions *actions;
};

void reflector_machine_init(struct reflector_machine *machine)
{
    *machine = (struct reflector_machine){
        .state = REFLECTOR_SYNCING,
        .backoff = BACKOFF_INIT,
        .expiry_backoff = BACKOFF_INIT,
        .absent_backoff = BACKOFF_INIT, /* up to 30 s and as much jitter: a minute at the most */
        .opened_ms = -1,
        .absent_since_ms = -1,
        .refused_since_ms = -1,
    };
}

static void set_version(char target[RESOURCE_VERSION_LENGTH_MAX + 1], const char *version)
{
    /* A version too long to be one is none: the next sync then asks for the newest state. */
    size_t length = strlen(version);
    if (length > RESOURCE_VERSION_LENGTH_MAX) {
        length = 0;
    }
    memcpy(target, version, length);
    target[length] = '\0';
}

static void set_state(struct step *step, enum reflector_state state, const char *why)
{
    struct reflector_machine *machine = step->machine;
    bool has_why = why != NULL;
    step->actions->state_changed |= state != machine->state || has_why != machine->has_why;
    machine->state = state;
    machine->has_why = has_why;
    text_copy_cut(machine->why, sizeof(machine->why), has_why ? why : "");
}

static void request_stream(struct step *step, enum reflector_phase phase)
{
    struct reflector_machine *machine = step->machine;
    struct reflector_actions *actions = step->actions;
    bool is_sync = phase == REFLECTOR_PHASE_SYNC_STREAM;
    machine->phase = phase;
    machine->events = 0;
    machine->opened_ms = -1;
    actions->next = REFLECTOR_NEXT_STREAM;
    actions->initial_events = is_sync;
    actions->resource_version = is_sync && machine->version_unavailable ? "" : machine->last_version;
    actions->timeout_seconds =
        REFLECTOR_WATCH_SECONDS_MIN +
        (int64_t) (step->random_fraction * (REFLECTOR_WATCH_SECONDS_MAX - REFLECTOR_WATCH_SECONDS_MIN));
    /* From no version the server first sends what there is, in no order of versions. */
    machine->version_ordered =
        !is_sync && !text_is_empty(machine->last_version) && !text_equal(machine->last_version, "0");
}

static void request_list(struct step *step, bool is_full)
{
    struct reflector_machine *machine = step->machine;
    struct reflector_actions *actions = step->actions;
    if (!is_full) {
        const char *version = text_is_empty(machine->last_version) ? "0" : machine->last_version;
        set_version(machine->list_version, machine->version_unavailable ? "" : version);
    }
    machine->phase = REFLECTOR_PHASE_SYNC_LIST;
    machine->list_is_full = is_full;
    machine->first_version[0] = '\0';
    machine->continue_token[0] = '\0';
    bool from_no_version = text_is_empty(machine->list_version) || text_equal(machine->list_version, "0");
    actions->store |= REFLECTOR_STORE_BEGIN;
    actions->next = REFLECTOR_NEXT_LIST;
    actions->resource_version = machine->list_version;
    actions->continue_token = "";
    /* From a version the whole comes out of the server's watch cache; a limit would send it to etcd. */
    actions->limit = !is_full && (from_no_version || machine->paginated) ? REFLECTOR_PAGE_LIMIT : 0;
}

static void sync(struct step *step)
{
    struct reflector_machine *machine = step->machine;
    if (machine->no_watch_list || machine->premature_ends >= REFLECTOR_PREMATURE_ENDS_MAX) {
        machine->premature_ends = 0;
        request_list(step, /* is_full= */ false);
        return;
    }
    step->actions->store |= REFLECTOR_STORE_BEGIN;
    request_stream(step, REFLECTOR_PHASE_SYNC_STREAM);
}

static void wait_for(struct step *step, enum reflector_phase phase, struct backoff *backoff)
{
    int64_t wait_ms = backoff_next(backoff, step->now_ms, step->random_fraction);
    int64_t asked_ms = step->input->failure.retry_after_ms;
    step->machine->phase = phase;
    step->actions->next = REFLECTOR_NEXT_WAIT;
    step->actions->wait_ms = asked_ms > wait_ms ? asked_ms : wait_ms;
}

/* What the store holds may be old now, or is not there yet. */
static void tell_behind(struct step *step)
{
    struct reflector_machine *machine = step->machine;
    /* What is not observed stays so until it is: a server that is away for a while changes nothing about it. */
    if (machine->state != REFLECTOR_UNOBSERVED) {
        set_state(step, machine->was_synced ? REFLECTOR_BEHIND : REFLECTOR_SYNCING, step->input->failure.why);
    }
}

/* Something is wrong with the server or the way to it: wait, then go on with `phase`. */
static void fall_behind(struct step *step, enum reflector_phase phase)
{
    step->machine->absent_since_ms = -1; /* whatever it is, it is no refusal */
    step->machine->refused_since_ms = -1;
    tell_behind(step);
    wait_for(step, phase, &step->machine->backoff);
}

/* What is not there is nobody's to refuse: a server that has just started says so before it knows what it has. */
static bool is_refused_for_a_moment(struct step *step)
{
    struct reflector_machine *machine = step->machine;
    bool was_missing = machine->state == REFLECTOR_UNOBSERVED && machine->is_missing;
    if (!was_missing || step->input->failure.status == 404) {
        machine->refused_since_ms = -1;
        return false;
    }
    if (machine->refused_since_ms < 0) {
        machine->refused_since_ms = step->now_ms;
    }
    return step->now_ms - machine->refused_since_ms < REFLECTOR_ABSENT_GRACE_MS;
}

/* The kind is refused or not there. A server that has just started refuses what it will allow in a moment. */
static void take_absence(struct step *step)
{
    struct reflector_machine *machine = step->machine;
    if (is_refused_for_a_moment(step)) {
        step->actions->store |= REFLECTOR_STORE_ABORT;
        wait_for(step, REFLECTOR_PHASE_WAIT_SYNC, &machine->backoff);
        return;
    }
    if (machine->absent_since_ms < 0) {
        machine->absent_since_ms = step->now_ms;
    }
    if (machine->was_synced && step->now_ms - machine->absent_since_ms < REFLECTOR_ABSENT_GRACE_MS) {
        step->actions->store |= REFLECTOR_STORE_ABORT;
        tell_behind(step);
        wait_for(step, REFLECTOR_PHASE_WAIT_SYNC, &machine->backoff);
        return;
    }
    step->actions->store |= REFLECTOR_STORE_ABORT | REFLECTOR_STORE_EMPTY;
    machine->was_synced = false;
    machine->version_unavailable = false;
    machine->last_version[0] = '\0';
    bool is_missing = step->input->failure.status == 404;
    step->actions->state_changed |= is_missing != machine->is_missing;
    machine->is_missing = is_missing;
    set_state(step, REFLECTOR_UNOBSERVED, step->input->failure.why);
    wait_for(step, REFLECTOR_PHASE_WAIT_SYNC, &machine->absent_backoff);
}

static void finish_sync(struct step *step, const char *version)
{
    struct reflector_machine *machine = step->machine;
    step->actions->store |= REFLECTOR_STORE_COMMIT;
    machine->version_unavailable = false;
    machine->was_synced = true;
    machine->premature_ends = 0;
    machine->absent_since_ms = -1;
    machine->refused_since_ms = -1;
    set_version(machine->last_version, version);
    backoff_reset(&machine->absent_backoff);
}

static bool is_absent(const struct reflector_failure *failure)
{
    return failure->status == 403 || failure->status == 404;
}

/* The server cannot answer for the version asked for: it is gone, or this server has not got so far yet. */
static bool is_version_trouble(const struct reflector_failure *failure)
{
    return failure->status == 410 || failure->version_too_large;
}

static void fail_sync_stream(struct step *step)
{
    struct reflector_machine *machine = step->machine;
    const struct reflector_failure *failure = &step->input->failure;
    bool in_stream = step->input->kind == REFLECTOR_INPUT_ERROR;
    if (!in_stream && is_absent(failure)) {
        take_absence(step);
        return;
    }
    step->actions->store |= REFLECTOR_STORE_ABORT;
    if (is_version_trouble(failure) && !machine->version_unavailable) {
        machine->version_unavailable = true;
        sync(step);
        return;
    }
    /* Without an answer, or without being let in, a list would get no further than the stream did. */
    if (failure->status == 0 || failure->status == 401 || failure->status == 429) {
        fall_behind(step, REFLECTOR_PHASE_WAIT_SYNC);
        return;
    }
    machine->no_watch_list |= failure->status == 422;
    request_list(step, /* is_full= */ false);
}

static void fail_list(struct step *step)
{
    struct reflector_machine *machine = step->machine;
    const struct reflector_failure *failure = &step->input->failure;
    if (is_absent(failure)) {
        take_absence(step);
        return;
    }
    step->actions->store |= REFLECTOR_STORE_ABORT;
    if (failure->status == 410 && machine->continue_token[0]) {
        /* Pages may not be joined from two states: everything again, in one piece. */
        request_list(step, /* is_full= */ true);
        return;
    }
    if (is_version_trouble(failure) && machine->list_version[0]) {
        machine->version_unavailable = true;
        request_list(step, /* is_full= */ false);
        return;
    }
    if (failure->answer_too_large && !machine->paginated) {
        machine->paginated = true;
        request_list(step, /* is_full= */ false);
        return;
    }
    fall_behind(step, REFLECTOR_PHASE_WAIT_SYNC);
}

static void fail_watch(struct step *step)
{
    const struct reflector_failure *failure = &step->input->failure;
    bool in_stream = step->input->kind == REFLECTOR_INPUT_ERROR;
    if (!in_stream && is_absent(failure)) {
        take_absence(step);
        return;
    }
    if (is_version_trouble(failure)) {
        tell_behind(step);
        wait_for(step, REFLECTOR_PHASE_WAIT_SYNC, &step->machine->expiry_backoff);
        return;
    }
    /* These say nothing about the version, so there is nothing to read again. */
    bool same_version = failure->refused || failure->status == 429 || (!in_stream && failure->status == 401);
    fall_behind(step, same_version ? REFLECTOR_PHASE_WAIT_WATCH : REFLECTOR_PHASE_WAIT_SYNC);
}

static void take_failure(struct step *step)
{
    switch (step->machine->phase) {
    case REFLECTOR_PHASE_SYNC_STREAM:
        fail_sync_stream(step);
        break;
    case REFLECTOR_PHASE_SYNC_LIST:
        fail_list(step);
        break;
    case REFLECTOR_PHASE_WATCH:
        fail_watch(step);
        break;
    case REFLECTOR_PHASE_IDLE:
    case REFLECTOR_PHASE_WAIT_SYNC:
    case REFLECTOR_PHASE_WAIT_WATCH:
        assert(false && "a failure of nothing");
        break;
    }
}

static void take_garbage(struct step *step)
{
    if (step->machine->phase == REFLECTOR_PHASE_SYNC_STREAM) {
        step->actions->store |= REFLECTOR_STORE_ABORT;
    }
    fall_behind(step, REFLECTOR_PHASE_WAIT_SYNC);
}

static void take_end(struct step *step)
{
    struct reflector_machine *machine = step->machine;
    if (machine->phase == REFLECTOR_PHASE_SYNC_STREAM) {
        step->actions->store |= REFLECTOR_STORE_ABORT;
        machine->premature_ends++;
        fall_behind(step, REFLECTOR_PHASE_WAIT_SYNC);
        return;
    }
    assert(machine->phase == REFLECTOR_PHASE_WATCH);
    bool is_short = machine->opened_ms < 0 || step->now_ms - machine->opened_ms < REFLECTOR_SHORT_WATCH_MS;
    machine->short_watches = is_short ? machine->short_watches + 1 : 0;
    if (is_short && machine->events == 0) {
        fall_behind(step, REFLECTOR_PHASE_WAIT_SYNC);
    } else if (machine->short_watches >= REFLECTOR_SHORT_WATCHES_MAX) {
        /* Events came each time, so the version is good; but a server that keeps hanging up is not to be hammered. */
        wait_for(step, REFLECTOR_PHASE_WAIT_WATCH, &machine->backoff);
    } else {
        request_stream(step, REFLECTOR_PHASE_WATCH);
    }
}

static void take_event(struct step *step)
{
    struct reflector_machine *machine = step->machine;
    const struct reflector_input *input = step->input;
    bool is_sync = machine->phase == REFLECTOR_PHASE_SYNC_STREAM;
    assert(is_sync || machine->phase == REFLECTOR_PHASE_WATCH);
    machine->events++;
    switch (input->event) {
    case WATCH_EVENT_ADDED:
    case WATCH_EVENT_MODIFIED:
        step->actions->store |= REFLECTOR_STORE_UPSERT;
        break;
    case WATCH_EVENT_DELETED:
        step->actions->store |= REFLECTOR_STORE_REMOVE;
        break;
    case WATCH_EVENT_BOOKMARK:
        break;
    case WATCH_EVENT_ERROR:
    case WATCH_EVENT_UNKNOWN:
        return;
    }
    if (is_sync) {
        if (input->event == WATCH_EVENT_BOOKMARK && input->initial_events_end) {
            finish_sync(step, input->resource_version);
            machine->phase = REFLECTOR_PHASE_WATCH; /* on the same stream */
            machine->version_ordered = true;
            set_state(step, REFLECTOR_WATCHING, NULL);
        }
        return;
    }
    set_state(step, REFLECTOR_WATCHING, NULL);
    machine->version_ordered |= input->event != WATCH_EVENT_ADDED;
    if (machine->version_ordered && *input->resource_version) {
        set_version(machine->last_version, input->resource_version);
    }
}

static void take_page(struct step *step)
{
    struct reflector_machine *machine = step->machine;
    const struct reflector_input *input = step->input;
    assert(machine->phase == REFLECTOR_PHASE_SYNC_LIST);
    bool is_first = machine->continue_token[0] == '\0';
    if (strlen(input->continue_token) > REFLECTOR_CONTINUE_LENGTH_MAX) {
        take_garbage(step);
        step->actions->store |= REFLECTOR_STORE_ABORT;
        return;
    }
    step->actions->store |= REFLECTOR_STORE_UPSERT;
    if (is_first) {
        set_version(machine->first_version, input->resource_version);
    }
    if (*input->continue_token) {
        machine->paginated |= text_equal(machine->list_version, "0");
        memcpy(machine->continue_token, input->continue_token, strlen(input->continue_token) + 1);
        step->actions->next = REFLECTOR_NEXT_LIST;
        step->actions->resource_version = ""; /* it is in the token; both together are refused */
        step->actions->continue_token = machine->continue_token;
        step->actions->limit = REFLECTOR_PAGE_LIMIT;
        return;
    }
    finish_sync(step, machine->first_version);
    request_stream(step, REFLECTOR_PHASE_WATCH);
}

/*
 * An answer of 200 is not yet a watch that works: that the version is too old is said in the stream, just after it.
 */
static void take_opening(struct step *step)
{
    struct reflector_machine *machine = step->machine;
    machine->opened_ms = step->now_ms;
    if (machine->phase == REFLECTOR_PHASE_WATCH && machine->state != REFLECTOR_WATCHING) {
        step->actions->settle_ms = REFLECTOR_SETTLE_MS;
    }
}

/* Every version that was seen belongs to a history that is no more: what there is now is asked for anew. */
static void take_rewind(struct step *step)
{
    struct reflector_machine *machine = step->machine;
    step->actions->store |= REFLECTOR_STORE_ABORT;
    machine->version_unavailable = true;
    tell_behind(step);
    sync(step);
}

static void take_timer(struct step *step)
{
    if (step->machine->phase == REFLECTOR_PHASE_WATCH) {
        set_state(step, REFLECTOR_WATCHING, NULL);
    } else if (step->machine->phase == REFLECTOR_PHASE_WAIT_WATCH) {
        request_stream(step, REFLECTOR_PHASE_WATCH);
    } else {
        assert(step->machine->phase == REFLECTOR_PHASE_WAIT_SYNC);
        sync(step);
    }
}

struct reflector_actions reflector_machine_step(struct reflector_machine *machine, const struct reflector_input *input,
                                                int64_t now_ms, double random_fraction)
{
    struct reflector_actions actions = {.next = REFLECTOR_NEXT_STAY, .resource_version = "", .continue_token = ""};
    struct step step = {machine, input, now_ms, random_fraction, &actions};
    switch (input->kind) {
    case REFLECTOR_INPUT_START:
        sync(&step);
        break;
    case REFLECTOR_INPUT_TIMER:
        take_timer(&step);
        break;
    case REFLECTOR_INPUT_OPENED:
        take_opening(&step);
        break;
    case REFLECTOR_INPUT_EVENT:
        take_event(&step);
        break;
    case REFLECTOR_INPUT_PAGE:
        take_page(&step);
        break;
    case REFLECTOR_INPUT_ENDED:
        take_end(&step);
        break;
    case REFLECTOR_INPUT_REWOUND:
        take_rewind(&step);
        break;
    case REFLECTOR_INPUT_GARBAGE:
        take_garbage(&step);
        break;
    case REFLECTOR_INPUT_ERROR:
    case REFLECTOR_INPUT_FAILED:
        take_failure(&step);
        break;
    }
    return actions;
}
