#include "status_table.h"

#include <inttypes.h>
#include <string.h>

#include "proget/core/clock.h"
#include "proget/core/memory.h"
#include "proget/core/text.h"
#include "wrap.h"

enum {
    CELL_BYTES_MAX = 63,
    CODE_BYTES_MAX = 63,
    NAME_BYTES_MAX = 253,
    BLOCK_INDENT = 2,
    FINDING_INDENT = 9, /* "WARNING" and two spaces */
    CODE_WIDTH = 26,
    MEMBER_COLUMNS = 8,
};
/* Beyond the stale timer: the operator refreshes a member's heartbeat in its status at most every five minutes. */
static const int64_t refresh_margin_us = 600 * CLOCK_US_PER_SECOND;

#define BOLD   "\033[1m"
#define RED    "\033[1;31m"
#define YELLOW "\033[33m"
#define CYAN   "\033[36m"
#define END    "\033[0m"

struct place {
    struct table_style style;
    FILE *target;
    int64_t now_us;
};

static const char *colour(const struct place *place, const char *code)
{
    return place->style.coloured ? code : "";
}

static void title(const struct place *place, const char *text)
{
    (void) fprintf(place->target, "\n%s%s%s\n", colour(place, BOLD), text, colour(place, END));
}

static void sentence(const struct place *place, size_t indent, const char *text)
{
    cleanup_free char *shown = wrap_shown(text, BOUND_SENTENCE_BYTES + 512);
    wrap_print(place->target, place->style.width, 0, indent, shown);
}

/* "12 min"; "an unknown time" where it is not known. */
static void format_age(const struct place *place, int64_t since_us, char target[CLOCK_TEXT_SIZE])
{
    int64_t age_ms = (place->now_us - since_us) / 1000;
    if (since_us == 0) {
        text_copy_cut(target, CLOCK_TEXT_SIZE, "an unknown time");
    } else {
        clock_format_duration(age_ms > 0 ? age_ms : 0, target);
    }
}

/* --- the head --- */

static void print_head(const struct place *place, const struct shown_cluster *cluster)
{
    cleanup_free char *namespace_name = wrap_shown(cluster->meta.namespace_name, NAME_BYTES_MAX);
    cleanup_free char *name = wrap_shown(cluster->meta.name, NAME_BYTES_MAX);
    cleanup_free char *product = wrap_shown(cluster->product ? cluster->product : "ProGet", CELL_BYTES_MAX);
    cleanup_free char *version = wrap_shown(cluster->status.version, CELL_BYTES_MAX);
    cleanup_free char *summary = wrap_shown(cluster->status.summary, BOUND_SENTENCE_BYTES);
    bool is_discovered = text_equal(record_map_get(&cluster->labels, CLUSTER_LABEL_DISCOVERED), "true");
    (void) fprintf(place->target, "%s%s/%s%s  %s%s%s", colour(place, BOLD), namespace_name, name, colour(place, END),
                   product, *version ? " " : "", text_equal(version, "mixed") ? "of mixed versions" : version);
    if (!cluster->status.is_there) {
        (void) fputc('\n', place->target);
        return;
    }
    int64_t intended = cluster->status.intended.is_set ? cluster->status.intended.value : cluster->status.servers;
    (void) fprintf(place->target, ", %" PRId64 " of %" PRId64 " server%s healthy, findings: %s%s\n",
                   cluster->status.healthy_servers, intended, intended == 1 ? "" : "s", *summary ? summary : "none",
                   is_discovered ? " (found, not declared: kubectl proget init)" : "");
}

/* When the newest word of any server was written down. */
static int64_t newest_heartbeat_us(const struct shown_cluster *cluster)
{
    int64_t newest_us = 0;
    record_list_each (const struct shown_member *, member, &cluster->status.members) {
        bool counts = !member->is_gone && text_equal(member->heartbeat, "Fresh");
        newest_us = counts && member->last_heartbeat_us > newest_us ? member->last_heartbeat_us : newest_us;
    }
    return newest_us;
}

/* A status is what the operator last wrote: where it does not run, it tells of the past. */
static void print_doubts(const struct place *place, const struct shown_cluster *cluster)
{
    if (!cluster->status.is_there) {
        sentence(place, BLOCK_INDENT,
                 "The operator has not looked at it yet. Where this stays so, it does not run or may not see this "
                 "namespace: kubectl -n proget-operator get pods");
        return;
    }
    if (cluster->status.observed_generation < cluster->generation) {
        sentence(place, BLOCK_INDENT,
                 "The operator has not seen the last change of the spec yet: what follows is of before.");
    }
    int64_t newest_us = newest_heartbeat_us(cluster);
    int64_t stale_s = cluster->status.stale_after_s.is_set ? cluster->status.stale_after_s.value : 300;
    stale_s = stale_s > 0 && stale_s < 86400 ? stale_s : 86400;
    if (newest_us && place->now_us - newest_us > stale_s * CLOCK_US_PER_SECOND + refresh_margin_us) {
        char age[CLOCK_TEXT_SIZE];
        format_age(place, newest_us, age);
        cleanup_free char *text =
            xasprintf("This is %s old: the operator has written nothing since, so it may not run: "
                      "kubectl -n proget-operator get pods",
                      age);
        sentence(place, BLOCK_INDENT, text);
    }
    if (cluster->maintenance_until_us > place->now_us) {
        char until[CLOCK_TEXT_SIZE];
        clock_format_seconds(cluster->maintenance_until_us, until);
        cleanup_free char *text = xasprintf(
            "Maintenance until %s%s%s: findings are kept out of Events and annotations.", until,
            cluster->maintenance_reason ? ", " : "", cluster->maintenance_reason ? cluster->maintenance_reason : "");
        sentence(place, BLOCK_INDENT, text);
    }
}

static void print_conditions(const struct place *place, const struct shown_cluster *cluster)
{
    bool has_title = false;
    record_list_each (const struct status_condition *, condition, &cluster->status.conditions) {
        if (text_equal(condition->status, "True")) {
            continue;
        }
        if (!has_title) {
            title(place, "Conditions that are not True");
            has_title = true;
        }
        cleanup_free char *type = wrap_shown(condition->type, CODE_BYTES_MAX);
        cleanup_free char *status = wrap_shown(condition->status, CELL_BYTES_MAX);
        cleanup_free char *line = xasprintf("%s: %s", condition->reason ? condition->reason : "",
                                            condition->message ? condition->message : "");
        cleanup_free char *shown = wrap_shown(line, BOUND_SENTENCE_BYTES);
        int column = fprintf(place->target, "  %-20s %-8s ", type, status);
        wrap_print(place->target, place->style.width, column > 0 ? (size_t) column : 1, 32, shown);
    }
}

/* --- members --- */

struct row {
    char *cells[MEMBER_COLUMNS];
};

static char *cell_of(const char *text)
{
    return wrap_shown(text_is_empty(text) ? "-" : text, CELL_BYTES_MAX);
}

/* With what is wrong about it in the same cell. */
static char *synchronous_cell(const char *text, const struct record_optional_bool *in_sync)
{
    cleanup_free char *cell = cell_of(text);
    return xasprintf("%s%s", cell, in_sync->is_set && !in_sync->value ? " (differs)" : "");
}

static char *key_cell(const struct shown_member *member)
{
    const char *colon = member->key_fingerprint ? strchr(member->key_fingerprint, ':') : NULL;
    return synchronous_cell(colon ? colon + 1 : member->key_fingerprint, &member->key_in_sync);
}

static char *heartbeat_cell(const struct place *place, const struct shown_member *member)
{
    if (member->is_gone) {
        return xstrdup("gone");
    }
    cleanup_free char *state = cell_of(member->heartbeat);
    if (text_equal(state, "Fresh") || member->last_heartbeat_us == 0) {
        return memory_take(&state);
    }
    char age[CLOCK_TEXT_SIZE];
    format_age(place, member->last_heartbeat_us, age);
    return xasprintf("%s (%s)", state, age);
}

static struct row row_of(const struct place *place, const struct shown_member *member)
{
    return (struct row){{
        wrap_shown(member->name, NAME_BYTES_MAX),
        wrap_shown(text_is_empty(member->node) ? "-" : member->node, NAME_BYTES_MAX),
        synchronous_cell(member->version, &member->version_in_sync),
        heartbeat_cell(place, member),
        key_cell(member),
        cell_of(member->activation),
        cell_of(member->web_status),
        cell_of(member->service_status),
    }};
}

static void print_row(const struct place *place, char *const *cells, const size_t *widths, const char *start)
{
    (void) fprintf(place->target, "  %s", start);
    for (size_t i = 0; i < MEMBER_COLUMNS; i++) {
        size_t columns = wrap_columns(cells[i], strlen(cells[i]));
        int padding = i + 1 < MEMBER_COLUMNS ? (int) (widths[i] - columns + 2) : 0;
        (void) fprintf(place->target, "%s%*s", cells[i], padding, "");
    }
    (void) fprintf(place->target, "%s\n", *start ? END : "");
}

static void print_details(const struct place *place, const struct shown_cluster *cluster)
{
    record_list_each (const struct shown_member *, member, &cluster->status.members) {
        const char *detail = member->service_detail ? member->service_detail : member->web_detail;
        if (member->is_gone) {
            char age[CLOCK_TEXT_SIZE];
            char since[CLOCK_TEXT_SIZE] = "?";
            format_age(place, member->gone_since_us, age);
            if (member->gone_since_us) {
                clock_format_seconds(member->gone_since_us, since);
            }
            cleanup_free char *text = xasprintf(
                "%s is gone for %s (since %s): %s. Where it is not meant to come back: kubectl proget forget %s -n %s "
                "%s",
                member->name ? member->name : "?", age, since, member->gone_why ? member->gone_why : "unknown why",
                member->name ? member->name : "?", cluster->meta.namespace_name, cluster->meta.name);
            sentence(place, BLOCK_INDENT, text);
        } else if (!text_is_empty(detail)) {
            cleanup_free char *text = xasprintf("%s: %s", member->name ? member->name : "?", detail);
            sentence(place, BLOCK_INDENT, text);
        }
    }
}

static void print_members(const struct place *place, const struct shown_cluster *cluster)
{
    static char *const heads[MEMBER_COLUMNS] = {(char *) "SERVER",    (char *) "NODE",   (char *) "VERSION",
                                                (char *) "HEARTBEAT", (char *) "KEY",    (char *) "ACTIVATION",
                                                (char *) "WEB",       (char *) "SERVICE"};
    const struct record_list *members = &cluster->status.members;
    if (members->count == 0) {
        return;
    }
    struct row *rows = xcalloc(members->count, sizeof *rows);
    size_t widths[MEMBER_COLUMNS];
    for (size_t i = 0; i < MEMBER_COLUMNS; i++) {
        widths[i] = strlen(heads[i]);
    }
    for (size_t k = 0; k < members->count; k++) {
        rows[k] = row_of(place, (const struct shown_member *) members->items + k);
        for (size_t i = 0; i < MEMBER_COLUMNS; i++) {
            size_t columns = wrap_columns(rows[k].cells[i], strlen(rows[k].cells[i]));
            widths[i] = columns > widths[i] ? columns : widths[i];
        }
    }
    (void) fputc('\n', place->target);
    print_row(place, heads, widths, colour(place, BOLD));
    for (size_t k = 0; k < members->count; k++) {
        print_row(place, rows[k].cells, widths, "");
        for (size_t i = 0; i < MEMBER_COLUMNS; i++) {
            free(rows[k].cells[i]);
        }
    }
    free(rows);
    print_details(place, cluster);
}

/* --- findings, and what was left out --- */

static void print_finding(const struct place *place, const struct shown_finding *finding)
{
    bool is_error = text_equal(finding->severity, "error");
    bool is_warning = text_equal(finding->severity, "warning");
    const char *word = is_error ? "ERROR" : is_warning ? "WARNING" : "INFO";
    cleanup_free char *code = wrap_shown(finding->code, CODE_BYTES_MAX);
    cleanup_free char *kind = wrap_shown(finding->kind, CODE_BYTES_MAX);
    cleanup_free char *name = wrap_shown(finding->name, NAME_BYTES_MAX);
    char age[CLOCK_TEXT_SIZE];
    format_age(place, finding->since_us, age);
    (void) fprintf(place->target, "%s%-*s%s%s%-*s%s %s %s, for %s",
                   colour(place, is_error     ? RED
                                 : is_warning ? YELLOW
                                              : CYAN),
                   FINDING_INDENT, word, colour(place, END), colour(place, BOLD), CODE_WIDTH, code, colour(place, END),
                   kind, name, age);
    if (finding->since_us) {
        char since[CLOCK_TEXT_SIZE];
        clock_format_seconds(finding->since_us, since);
        (void) fprintf(place->target, " (since %s)", since);
    }
    (void) fputc('\n', place->target);
    sentence(place, FINDING_INDENT, finding->message);
    if (finding->action) {
        cleanup_free char *action = xasprintf("To do: %s", finding->action);
        sentence(place, FINDING_INDENT, action);
    }
}

static void print_findings(const struct place *place, const struct shown_cluster *cluster)
{
    size_t standing = 0;
    record_list_each (const struct shown_finding *, finding, &cluster->status.findings) {
        if (finding->cleared_us) {
            continue; /* over; it stays in the status until that has been said */
        }
        (void) fputc('\n', place->target);
        print_finding(place, finding);
        standing++;
    }
    if (standing == 0) {
        (void) fprintf(place->target, "\nNo findings.\n");
    } else {
        (void) fprintf(place->target, "\nkubectl proget explain CODE tells more about each.\n");
    }
}

static void print_suppressed(const struct place *place, const struct shown_cluster *cluster)
{
    if (cluster->status.suppressed.count) {
        title(place, "Left out as asked for");
    }
    record_list_each (const struct shown_suppressed *, suppressed, &cluster->status.suppressed) {
        cleanup_free char *line = xasprintf(
            "%s on %s %s: %s", suppressed->code ? suppressed->code : "?", suppressed->kind ? suppressed->kind : "?",
            suppressed->name ? suppressed->name : "?", suppressed->reason ? suppressed->reason : "no reason given");
        sentence(place, BLOCK_INDENT, line);
    }
}

static void print_evictions(const struct place *place, const struct shown_cluster *cluster)
{
    if (cluster->status.evictions.count) {
        title(place, "Evictions, newest first");
    }
    record_list_each (const struct status_eviction *, eviction, &cluster->status.evictions) {
        char time[CLOCK_TEXT_SIZE] = "?";
        if (eviction->time_us) {
            clock_format_seconds(eviction->time_us, time);
        }
        cleanup_free char *line =
            xasprintf("%s  %s%s%s: %s%s%s", time, eviction->pod ? eviction->pod : "?", eviction->node ? " from " : "",
                      eviction->node ? eviction->node : "", eviction->cause ? eviction->cause : "Unknown",
                      text_is_empty(eviction->message) ? "" : ", ", eviction->message ? eviction->message : "");
        sentence(place, BLOCK_INDENT, line);
    }
}

void status_table(const struct shown_cluster *cluster, int64_t now_us, struct table_style style, FILE *target)
{
    const struct place place = {.style = style, .target = target, .now_us = now_us};
    print_head(&place, cluster);
    print_doubts(&place, cluster);
    if (!cluster->status.is_there) {
        return;
    }
    print_conditions(&place, cluster);
    print_members(&place, cluster);
    print_findings(&place, cluster);
    print_suppressed(&place, cluster);
    print_evictions(&place, cluster);
}
