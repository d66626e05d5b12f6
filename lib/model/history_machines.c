#include <string.h>

#include "history_private.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"

/* --- major version --- */

enum { NUMBER_DIGITS = 9, CENTURY = 2000, FIRST_YEAR_RELEASE = 20, LAST_YEAR_RELEASE = 99 };

/* The number that a text starts with; negative: none. */
static int64_t leading_number(const char *text)
{
    char digits[NUMBER_DIGITS + 1] = "";
    size_t length = text == NULL ? 0 : strspn(text, "0123456789");
    int64_t number = -1;
    if (length == 0 || length > NUMBER_DIGITS) {
        return -1;
    }
    memcpy(digits, text, length);
    return text_parse_int64(digits, 0, INT32_MAX, &number) < 0 ? -1 : number;
}

char *history_major_version(const struct report *report)
{
    int64_t version = leading_number(report->version);
    int64_t release = leading_number(report->release);
    if (version >= CENTURY) {
        return xasprintf("%lld", (long long) version);
    }
    /* Release 25.0.13 is version 2025.13. Before 2022 both were numbered alike: 6.0.12. */
    int64_t number = release >= 0 ? release : version;
    if (number >= FIRST_YEAR_RELEASE && number <= LAST_YEAR_RELEASE) {
        number += CENTURY;
    }
    return number < 0 ? NULL : xasprintf("%lld", (long long) number);
}

/* --- activations --- */

/* Some server reports this pair as active now, so it must not be forgotten for another one. */
static bool is_active_now(const struct cluster *cluster, const struct activation *activation)
{
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct report *report = cluster->servers[i].report;
        if (report == NULL || !text_equal(report->health.license, "OK") ||
            !text_equal(report->machine.id, activation->machine)) {
            continue;
        }
        cleanup_free char *major_version = history_major_version(report);
        if (text_equal(major_version, activation->major_version)) {
            return true;
        }
    }
    return false;
}

static bool make_room_for_activation(struct history *history, const struct cluster *cluster)
{
    if (history->activation_count < BOUND_ACTIVATIONS_KEPT) {
        return true;
    }
    for (size_t i = 0; i < history->activation_count; i++) {
        struct activation *oldest = &history->activations[i];
        if (!is_active_now(cluster, oldest)) {
            free(oldest->machine);
            free(oldest->major_version);
            history->activation_count--;
            memmove(oldest, oldest + 1, (history->activation_count - i) * sizeof(*oldest));
            return true;
        }
    }
    return false;
}

static bool observe_activation(struct history *history, const struct cluster *cluster, const struct report *report)
{
    if (!text_equal(report->health.license, "OK") || report->machine.id == NULL) {
        return false;
    }
    cleanup_free char *major_version = history_major_version(report);
    if (major_version == NULL || history_knows_activation(history, report->machine.id, major_version) ||
        !make_room_for_activation(history, cluster)) {
        return false;
    }
    history->activations = xrealloc(history->activations, history->activation_count + 1, sizeof(*history->activations));
    history->activations[history->activation_count++] =
        (struct activation){.machine = xstrdup(report->machine.id), .major_version = memory_take(&major_version)};
    return true;
}

/* --- nodes --- */

static bool is_node_of_cluster(const struct cluster *cluster, const char *node)
{
    for (size_t i = 0; i < cluster->server_count; i++) {
        if (text_equal(cluster->servers[i].pod->spec.node_name, node)) {
            return true;
        }
    }
    return false;
}

static bool make_room_for_node(struct history *history, const struct cluster *cluster)
{
    if (history->node_count < BOUND_NODES_KEPT) {
        return true;
    }
    for (size_t i = 0; i < history->node_count; i++) {
        struct node_machine *oldest = &history->nodes[i];
        if (!is_node_of_cluster(cluster, oldest->node)) {
            free(oldest->node);
            free(oldest->machine);
            history->node_count--;
            memmove(oldest, oldest + 1, (history->node_count - i) * sizeof(*oldest));
            return true;
        }
    }
    return false;
}

/* Which node a server is on is the API server's word, not the report's. */
static bool observe_node(struct history *history, const struct cluster *cluster, const struct server *server)
{
    const char *node = server->pod->spec.node_name;
    const char *machine = server->report->machine.id;
    if (node == NULL || machine == NULL) {
        return false;
    }
    for (size_t i = 0; i < history->node_count; i++) {
        if (text_equal(history->nodes[i].node, node)) {
            return history_set_text(&history->nodes[i].machine, machine);
        }
    }
    if (!make_room_for_node(history, cluster)) {
        return false;
    }
    history->nodes = xrealloc(history->nodes, history->node_count + 1, sizeof(*history->nodes));
    history->nodes[history->node_count++] = (struct node_machine){.node = xstrdup(node), .machine = xstrdup(machine)};
    return true;
}

bool history_observe_machines(struct history *history, const struct cluster *cluster)
{
    bool has_changed = false;
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        if (server->report != NULL) {
            has_changed = observe_activation(history, cluster, server->report) || has_changed;
            has_changed = observe_node(history, cluster, server) || has_changed;
        }
    }
    return has_changed;
}
