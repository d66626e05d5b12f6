#include "licence.h"

#include "proget/core/memory.h"
#include "proget/core/text.h"

static bool is_error(const char *status)
{
    return status && text_equal_ignore_case(status, "Error");
}

const char *licence_detail(const struct report *report)
{
    if (!text_is_empty(report->health.license_detail)) {
        return report->health.license_detail;
    }
    /* The common detail is the licence's only where nothing else is in error. */
    bool alone = !is_error(report->health.database) && !is_error(report->health.service) &&
                 !is_error(report->health.replication_server) && !is_error(report->health.replication_client);
    return alone && !text_is_empty(report->health.detail) ? report->health.detail : NULL;
}

bool licence_needs_activation(const struct report *report)
{
    const char *detail = licence_detail(report);
    return is_error(report->health.license) && (!detail || text_contains_ignore_case(detail, "activat"));
}

bool licence_is_otherwise_in_error(const struct report *report)
{
    return is_error(report->health.license) && !licence_needs_activation(report);
}

bool licence_is_ok(const struct report *report)
{
    if (report->health.license) {
        return text_equal_ignore_case(report->health.license, "OK");
    }
    return report->health.state == REPORT_HEALTH_OK;
}

/* A server of the cluster says so at this moment. The history has seen that already; offline there is none. */
static bool is_active_now(const struct cluster *cluster, const char *machine, const char *major_version)
{
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct report *report = cluster->servers[i].report;
        if (!report || !text_equal(report->health.license, "OK") || !text_equal(report->machine.id, machine)) {
            continue;
        }
        cleanup_free char *active = history_major_version(report);
        if (text_equal(active, major_version)) {
            return true;
        }
    }
    return false;
}

bool licence_was_active(const struct cluster *cluster, const char *machine, const char *major_version)
{
    if (cluster->history) {
        return history_knows_activation(cluster->history, machine, major_version);
    }
    if (is_active_now(cluster, machine, major_version)) {
        return true;
    }
    if (!cluster->resource) {
        return false;
    }
    record_list_each (const struct status_activation *, each, &cluster->resource->status.activations) {
        if (text_equal(each->machine, machine) && text_equal(each->major_version, major_version)) {
            return true;
        }
    }
    return false;
}
