/* Drives a leader_machine: sends what it asks for and tells the owner. */
#include "proget/kube/leader.h"

#include <assert.h>
#include <string.h>

#include "leader_machine.h"
#include "lease_record.h"
#include "proget/core/memory.h"
#include "proget/core/rate.h"
#include "proget/core/text.h"
#include "status.h"

enum { LEASE_MS = 15 * 1000, RENEW_MS = 10 * 1000, RETRY_MS = 2 * 1000 };

struct leader {
    struct kube_client *client;
    struct leader_options options; /* without its texts */
    char *namespace_name, *name;
    struct leader_machine machine;
    struct kube_call *call;
    bool call_is_create;
    struct loop_timer *timer;
    struct json_object *lease;                /* a copy of the Lease last read: what others put into it is sent back */
    char holder[LEASE_HOLDER_LENGTH_MAX + 1]; /* printable */
    void (*on_released)(void *userdata);      /* once released, or about to be */
    void *released_userdata;
};

static void step(struct leader *leader, const struct leader_input *input);

static void take_failure(struct leader *leader, const struct error *trouble)
{
    struct leader_input input = {.kind = LEADER_INPUT_FAILED, .trouble = trouble};
    step(leader, &input);
}

static void keep_lease(struct leader *leader, struct json_object *lease)
{
    json_object_put(leader->lease);
    leader->lease = NULL;
    if (lease && json_object_deep_copy(lease, &leader->lease, NULL) < 0) {
        abort(); /* only when out of memory */
    }
}

static void take_lease(struct leader *leader, struct json_object *lease)
{
    struct lease_record record;
    struct error err;
    if (lease_record_read(lease, &record, &err) < 0) {
        error_wrap(&err, "%s/%s", leader->namespace_name, leader->name);
        take_failure(leader, &err);
        return;
    }
    keep_lease(leader, lease);
    struct leader_input input = {.kind = LEADER_INPUT_ANSWER, .record = &record};
    step(leader, &input);
}

static void on_response(const struct kube_response *response, const struct error *err, void *userdata)
{
    struct leader *leader = userdata;
    struct leader_input input = {.kind = LEADER_INPUT_CONFLICT};
    leader->call = NULL;
    if (!err) {
        take_lease(leader, response->body);
        return;
    }
    if (err->code == ERROR_CONFLICT || err->code == ERROR_EXISTS) {
        step(leader, &input);
        return;
    }
    /* Of a creation it is the namespace that is missing; without a Status it is not the server that says so. */
    if (err->code == ERROR_NOT_FOUND && !leader->call_is_create &&
        kube_status_read(response->status, response->body).has_object) {
        keep_lease(leader, NULL);
        input.kind = LEADER_INPUT_ABSENT;
        step(leader, &input);
        return;
    }
    take_failure(leader, err);
}

static void send_request(struct leader *leader, enum kube_verb verb, const struct leader_actions *actions)
{
    cleanup_json struct json_object *body = NULL;
    if (actions->write) {
        body = lease_record_build(actions->write, verb == KUBE_UPDATE ? leader->lease : NULL, leader->namespace_name,
                                  leader->name);
    }
    struct kube_request request = {
        .verb = verb,
        .address = {.resource = &lease_resource,
                    .namespace_name = leader->namespace_name,
                    .name = verb == KUBE_CREATE ? NULL : leader->name},
        .body = body,
        .timeout_ms = actions->timeout_ms,
    };
    leader->call_is_create = verb == KUBE_CREATE;
    leader->call = kube_client_send(leader->client, &request, on_response, leader);
}

static void stop_call(struct leader *leader)
{
    kube_call_cancel(leader->call);
    leader->call = NULL;
}

static void act(struct leader *leader, const struct leader_actions *actions)
{
    if (actions->next != LEADER_NEXT_STAY) {
        stop_call(leader);
    }
    if (actions->wake_at_ms < 0) {
        loop_timer_stop(leader->timer);
    } else {
        loop_timer_set_at(leader->timer, actions->wake_at_ms);
    }
    switch (actions->next) {
    case LEADER_NEXT_STAY:
    case LEADER_NEXT_WAIT:
        break;
    case LEADER_NEXT_READ:
        send_request(leader, KUBE_GET, actions);
        break;
    case LEADER_NEXT_CREATE:
        send_request(leader, KUBE_CREATE, actions);
        break;
    case LEADER_NEXT_UPDATE:
        send_request(leader, KUBE_UPDATE, actions);
        break;
    case LEADER_NEXT_DONE:
        loop_timer_set_after(leader->timer, 0); /* told from the loop, also where there was nothing to do */
        break;
    }
}

static void step(struct leader *leader, const struct leader_input *input)
{
    /*
     * Not the loop's time, which is that of the turn's begin: had the process been stopped since, a foreign record
     * just read would seem to have been seen long ago, and old news of our own to be fresh.
     */
    struct leader_actions actions = leader_machine_step(&leader->machine, input, clock_now(), random_fraction());
    const struct leader_machine *machine = &leader->machine;
    act(leader, &actions);
    text_copy_cut(leader->holder, sizeof(leader->holder), machine->has_record ? machine->record.holder : "");
    text_make_printable(leader->holder);
    if (leader->on_released) {
        return;
    }
    if (actions.observed && leader->options.on_observed) {
        bool is_other = leader_machine_other_holder(machine)[0] != '\0';
        leader->options.on_observed(is_other ? leader->holder : NULL, machine->has_trouble ? &machine->trouble : NULL,
                                    leader->options.userdata);
    }
    /* The last: with it the owner may stop the leader. */
    if (actions.change != LEADER_CHANGE_NONE && leader->options.on_change) {
        bool leads = actions.change == LEADER_CHANGE_BEGAN;
        leader->options.on_change(leads, leads ? NULL : machine->why, leader->options.userdata);
    }
}

static void on_timer(void *userdata)
{
    struct leader *leader = userdata;
    struct leader_input input = {.kind = LEADER_INPUT_TIMER};
    if (leader->machine.phase == LEADER_PHASE_IDLE) {
        input.kind = LEADER_INPUT_START;
    } else if (leader->machine.phase == LEADER_PHASE_RELEASED) {
        leader->on_released(leader->released_userdata); /* may free the leader */
        return;
    }
    step(leader, &input);
}

struct leader *leader_start(struct kube_client *client, const struct leader_options *options)
{
    assert(!text_is_empty(options->namespace_name) && !text_is_empty(options->name));
    struct leader *leader = xcalloc(1, sizeof(*leader));
    leader->client = client;
    leader->options = *options;
    leader->options.namespace_name = leader->options.name = leader->options.identity = NULL; /* the caller's */
    leader->namespace_name = xstrdup(options->namespace_name);
    leader->name = xstrdup(options->name);
    leader->timer = loop_timer_new(kube_client_loop(client), on_timer, leader);
    leader_machine_init(&leader->machine, options->identity, options->lease_ms ? options->lease_ms : LEASE_MS,
                        options->renew_ms ? options->renew_ms : RENEW_MS,
                        options->retry_ms ? options->retry_ms : RETRY_MS);
    loop_timer_set_after(leader->timer, 0);
    return leader;
}

void leader_stop(struct leader *leader)
{
    if (!leader) {
        return;
    }
    stop_call(leader);
    loop_timer_free(leader->timer);
    json_object_put(leader->lease);
    free(leader->namespace_name);
    free(leader->name);
    free(leader);
}

bool leader_leads(const struct leader *leader, struct instant now)
{
    return leader_machine_leads(&leader->machine, now.monotonic_ms);
}

int64_t leader_transitions(const struct leader *leader)
{
    return leader->machine.held_transitions;
}

const char *leader_holder(const struct leader *leader)
{
    return leader->holder;
}

bool leader_is_healthy(const struct leader *leader, struct instant now, int64_t tolerance_ms)
{
    return leader_machine_is_healthy(&leader->machine, now.monotonic_ms, tolerance_ms);
}

void leader_release(struct leader *leader, void (*on_released)(void *userdata), void *userdata)
{
    assert(on_released && !leader->on_released);
    struct leader_input input = {.kind = LEADER_INPUT_RELEASE};
    leader->on_released = on_released;
    leader->released_userdata = userdata;
    step(leader, &input);
}
