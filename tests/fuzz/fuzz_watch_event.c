/*
 * A whole stream of a watch: frames, events, the reflector's decisions and the store. Whatever a server sends, a
 * replacement is committed only while one is open, and what is asked for next has a version that can be sent.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/kube/reflector_machine.h"
#include "../../lib/kube/watch_frame.h"
#include "proget/core/store.h"
#include "proget/model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRAME_LIMIT = 64 * 1024 };

struct world {
    struct reflector_machine machine;
    struct store *store; /* of pods */
    struct store_replacement *replacement;
    struct instant now;
};

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void change_store(struct world *world, unsigned actions, struct json_object *object)
{
    struct error err;
    if (actions & (REFLECTOR_STORE_ABORT | REFLECTOR_STORE_BEGIN)) {
        store_replace_abort(world->replacement);
        world->replacement = NULL;
    }
    if (actions & REFLECTOR_STORE_BEGIN) {
        world->replacement = store_replace_begin(world->store, NULL);
    }
    if (actions & REFLECTOR_STORE_UPSERT) {
        (void) (world->replacement ? store_replace_upsert(world->replacement, object, world->now, &err)
                                   : store_upsert(world->store, object, world->now, &err));
    }
    if (actions & REFLECTOR_STORE_REMOVE) {
        if (world->replacement) {
            store_replace_remove(world->replacement, object);
        } else {
            store_remove(world->store, object);
        }
    }
    if (actions & REFLECTOR_STORE_COMMIT) {
        require(world->replacement != NULL);
        store_replace_commit(world->replacement);
        world->replacement = NULL;
    }
}

static void step(struct world *world, const struct reflector_input *input, struct json_object *object)
{
    struct reflector_actions actions =
        reflector_machine_step(&world->machine, input, world->now.monotonic_ms, /* random_fraction= */ 0.5);
    change_store(world, actions.store, object);
    require(strlen(actions.resource_version) <= RESOURCE_VERSION_LENGTH_MAX);
    world->now.monotonic_ms += 100;
    if (actions.next == REFLECTOR_NEXT_WAIT) {
        require(actions.wait_ms >= 0);
        world->now.monotonic_ms += actions.wait_ms;
        struct reflector_input timer = {.kind = REFLECTOR_INPUT_TIMER, .resource_version = "", .continue_token = ""};
        step(world, &timer, NULL);
    } else if (actions.next == REFLECTOR_NEXT_LIST) { /* lists are not what is tried here: an empty one comes */
        struct reflector_input page = {.kind = REFLECTOR_INPUT_PAGE, .resource_version = "7", .continue_token = ""};
        struct json_object *list = json_object_new_array();
        require(!(actions.store & REFLECTOR_STORE_COMMIT));
        struct reflector_actions listed =
            reflector_machine_step(&world->machine, &page, world->now.monotonic_ms, /* random_fraction= */ 0.5);
        change_store(world, listed.store & ~(unsigned) REFLECTOR_STORE_UPSERT, list);
        json_cleanup(&list);
    }
}

static void take_frame(struct world *world, const struct watch_frame *frame)
{
    static const char why[] = "it cannot be read";
    cleanup_json struct json_object *tree = NULL;
    struct watch_event event;
    struct error err;
    struct reflector_input input = {
        .resource_version = "", .continue_token = "", .failure = {.retry_after_ms = -1, .why = why}};
    bool is_good = json_parse(frame->text, frame->length, &tree, &err) == 0 &&
                   watch_event_read(tree, &event, &err) == 0 && event.type != WATCH_EVENT_ERROR;
    if (!is_good) {
        input.kind = REFLECTOR_INPUT_GARBAGE;
        step(world, &input, NULL);
        return;
    }
    input.kind = REFLECTOR_INPUT_EVENT;
    input.event = event.type;
    input.initial_events_end = event.initial_events_end;
    input.resource_version = event.resource_version;
    step(world, &input, event.object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world world = {.now = {.wall_us = 1, .monotonic_ms = 1000}};
    struct watch_splitter splitter = {0};
    struct watch_frame frame;
    struct reflector_input start = {.kind = REFLECTOR_INPUT_START, .resource_version = "", .continue_token = ""};
    world.store = store_new(&pod_type);
    reflector_machine_init(&world.machine);
    step(&world, &start, NULL);
    const char *at = (const char *) data;
    size_t left = size;
    while (watch_frame_next(&splitter, at, left, FRAME_LIMIT, &frame) == 1) {
        if (frame.length) {
            take_frame(&world, &frame);
        }
        at += frame.consumed;
        left -= frame.consumed;
    }
    store_replace_abort(world.replacement);
    store_free(world.store);
    return 0;
}
