/*
 * NodePressure: the kubelet of a server's node is about to evict pods.
 */
#include "catalogue.h"
#include "node_state.h"
#include "phrase.h"
#include "proget/core/text.h"

static const struct pressure {
    const char *type, *lack;
} pressures[] = {
    {"MemoryPressure", "memory"},
    {"DiskPressure", "disk space"},
    {"PIDPressure", "process ids"},
};

struct pressed {
    const char *lacks[array_length(pressures)];
    const char *types[array_length(pressures)];
    size_t count;
    int64_t since_us; /* the first of them; 0: not told */
};

/* `Unknown` is no pressure: nobody hears of the node, which is another finding. */
static void pressed_take(const struct node *node, struct pressed *ret_pressed)
{
    *ret_pressed = (struct pressed){0};
    bool is_told = true;
    for (size_t i = 0; i < array_length(pressures); i++) {
        const struct pod_condition *condition = node_condition(node, pressures[i].type);
        if (!condition || !text_equal(condition->status, "True")) {
            continue;
        }
        ret_pressed->lacks[ret_pressed->count] = pressures[i].lack;
        ret_pressed->types[ret_pressed->count++] = pressures[i].type;
        is_told = is_told && condition->changed_us != 0;
        if (ret_pressed->since_us == 0 || condition->changed_us < ret_pressed->since_us) {
            ret_pressed->since_us = condition->changed_us;
        }
    }
    ret_pressed->since_us = is_told ? ret_pressed->since_us : 0;
}

static void say_pressed(const struct check_context *context, const struct server *server, const struct pressed *pressed)
{
    const char *node = server->node->meta.name;
    const char *pod = server->pod->meta.name;
    cleanup_free char *lacks = phrase_names(pressed->lacks, pressed->count);
    cleanup_free char *types = phrase_names(pressed->types, pressed->count);
    cleanup_free char *message =
        xasprintf("Node %s runs short of %s (%s) under server %s: its kubelet evicts pods until there is enough again, "
                  "asks no PodDisruptionBudget, and a server that moves may have to be activated anew.",
                  node, lacks, types, pod);
    cleanup_free char *action =
        xasprintf("See what takes it (kubectl describe node %s) and move that elsewhere or free the space; requests "
                  "equal to limits and a PriorityClass make %s the last to go (see QosNotGuaranteed)",
                  node, pod);
    raise_on_server_of_node(
        context, server,
        (struct finding_draft){
            .message = message, .action = action, .true_since_us = pressed->since_us, .hold_ms = -1});
}

void check_node_pressure(const struct check_context *context)
{
    const struct cluster *cluster = context->cluster;
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct node *node = node_of_live(context, &cluster->servers[i]);
        struct pressed pressed = {0};
        if (node) {
            pressed_take(node, &pressed);
        }
        if (pressed.count > 0) {
            say_pressed(context, &cluster->servers[i], &pressed);
        }
    }
}
