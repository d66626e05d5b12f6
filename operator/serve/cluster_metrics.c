#include "serve/cluster_metrics.h"

#include "proget/core/memory.h"
#include "proget/core/text.h"

#define LEADER_ONLY " Told by the operator that leads, and by no other."

/* "cluster" is what many a Prometheus calls the whole of a Kubernetes cluster: a label of that name would hide theirs.
 */
#define OF_CLUSTER(cluster)                   \
    {"namespace", (cluster)->namespace_name}, \
    {                                         \
        "progetcluster", (cluster)->name      \
    }

/* One sample for each cluster. */
static void add_each(struct exposition *exposition, const struct figures *figures,
                     double (*value_of)(const struct cluster_figures *))
{
    for (size_t i = 0; i < figures->count; i++) {
        const struct cluster_figures *of = &figures->items[i];
        EXPOSITION_ADD(exposition, value_of(of), OF_CLUSTER(of->cluster));
    }
}

static double live_of(const struct cluster_figures *of)
{
    return (double) of->cluster->live_count;
}

static double healthy_of(const struct cluster_figures *of)
{
    return (double) of->healthy;
}

static double intended_of(const struct cluster_figures *of)
{
    return (double) of->cluster->intended;
}

static double gone_of(const struct cluster_figures *of)
{
    const struct history *history = of->cluster->history;
    size_t gone = 0;
    for (size_t i = 0; history && i < history->member_count; i++) {
        gone += history->members[i].gone_since_us ? 1 : 0;
    }
    return (double) gone;
}

static double dropped_of(const struct cluster_figures *of)
{
    return (double) of->cluster->servers_dropped;
}

static double waiting_of(const struct cluster_figures *of)
{
    return (double) of->waiting;
}

static double maintenance_of(const struct cluster_figures *of)
{
    return of->is_in_maintenance ? 1 : 0;
}

static void add_servers(struct exposition *exposition, const struct figures *figures)
{
    exposition_family(exposition, "proget_servers_live", EXPOSITION_GAUGE,
                      "Servers whose pod neither ends nor has ended." LEADER_ONLY);
    add_each(exposition, figures, live_of);
    exposition_family(exposition, "proget_servers_healthy", EXPOSITION_GAUGE,
                      "Live servers that are ready, with a fresh heartbeat (or no sidecar) and no error finding on the "
                      "pod." LEADER_ONLY);
    add_each(exposition, figures, healthy_of);
    exposition_family(exposition, "proget_servers_intended", EXPOSITION_GAUGE,
                      "Servers that there are to be: spec.servers, else the replicas of the workloads." LEADER_ONLY);
    add_each(exposition, figures, intended_of);
    exposition_family(exposition, "proget_servers_gone", EXPOSITION_GAUGE,
                      "Servers that were members, whose pod is gone, and that nothing has replaced." LEADER_ONLY);
    add_each(exposition, figures, gone_of);
    exposition_family(exposition, "proget_servers_beyond_limit", EXPOSITION_GAUGE,
                      "Pods that the cluster selects over the number that the operator looks at." LEADER_ONLY);
    add_each(exposition, figures, dropped_of);
    exposition_family(exposition, "proget_maintenance", EXPOSITION_GAUGE,
                      "1 while spec.maintenance keeps findings out of Events, else 0." LEADER_ONLY);
    add_each(exposition, figures, maintenance_of);
}

static void add_counts(struct exposition *exposition, const struct cluster_figures *of,
                       const struct finding_counts *counts)
{
    for (size_t i = 0; i < counts->count; i++) {
        const struct finding_count *count = &counts->items[i];
        EXPOSITION_ADD(exposition, (double) count->count, OF_CLUSTER(of->cluster), {"code", count->code},
                       {"severity", severity_name(count->severity)});
    }
}

static void add_severities(struct exposition *exposition, const struct cluster_figures *of)
{
    for (int severity = SEVERITY_ERROR; severity >= SEVERITY_INFO; severity--) {
        size_t sum = 0;
        for (size_t i = 0; i < of->standing.count; i++) {
            const struct finding_count *count = &of->standing.items[i];
            sum += (int) count->severity == severity ? count->count : 0;
        }
        EXPOSITION_ADD(exposition, (double) sum, OF_CLUSTER(of->cluster),
                       {"severity", severity_name((enum severity) severity)});
    }
}

static void add_findings(struct exposition *exposition, const struct figures *figures)
{
    exposition_family(exposition, "proget_findings_by_severity", EXPOSITION_GAUGE,
                      "Findings that stand, 0 included." LEADER_ONLY);
    for (size_t i = 0; i < figures->count; i++) {
        add_severities(exposition, &figures->items[i]);
    }
    exposition_family(exposition, "proget_findings", EXPOSITION_GAUGE,
                      "Findings that stand, by code; a code of which none stands has no sample." LEADER_ONLY);
    for (size_t i = 0; i < figures->count; i++) {
        add_counts(exposition, &figures->items[i], &figures->items[i].standing);
    }
    exposition_family(exposition, "proget_findings_suppressed", EXPOSITION_GAUGE,
                      "What would be a finding, were it not left out by spec.ignore or an annotation; a code of which "
                      "none is has no sample." LEADER_ONLY);
    for (size_t i = 0; i < figures->count; i++) {
        add_counts(exposition, &figures->items[i], figures->items[i].suppressed);
    }
    exposition_family(exposition, "proget_findings_waiting", EXPOSITION_GAUGE,
                      "Findings that wait until the status has room for them." LEADER_ONLY);
    add_each(exposition, figures, waiting_of);
}

/* The newest of that cause that the status remembers, in seconds since 1970; 0: none. */
static double last_eviction(const struct history *history, const char *cause)
{
    int64_t newest_us = 0;
    for (size_t i = 0; i < history->eviction_count; i++) {
        const struct eviction *eviction = &history->evictions[i];
        bool is_newer = eviction->time_us > newest_us;
        newest_us = text_equal(eviction->cause, cause) && is_newer ? eviction->time_us : newest_us;
    }
    return (double) newest_us / (double) CLOCK_US_PER_SECOND;
}

static void add_evictions(struct exposition *exposition, const struct figures *figures)
{
    exposition_family(exposition, "proget_evictions_total", EXPOSITION_COUNTER,
                      "Evictions of servers that this process was the first to note, since its start." LEADER_ONLY);
    for (size_t i = 0; i < figures->count; i++) {
        const struct cluster *cluster = figures->items[i].cluster;
        const struct tally_evictions *evictions = figures->items[i].evictions;
        for (int cause = DISRUPTION_NONE + 1; evictions && cause <= DISRUPTION_UNKNOWN; cause++) {
            EXPOSITION_ADD(exposition, (double) evictions->by_cause[cause], OF_CLUSTER(cluster),
                           {"cause", disruption_cause_name((enum disruption_cause) cause)});
        }
    }
    exposition_family(exposition, "proget_last_eviction_timestamp_seconds", EXPOSITION_GAUGE,
                      "When a server was last evicted, as the status remembers, whichever process noted it; a cause of "
                      "which it remembers none has no sample." LEADER_ONLY);
    for (size_t i = 0; i < figures->count; i++) {
        const struct cluster *cluster = figures->items[i].cluster;
        for (int cause = DISRUPTION_NONE + 1; cluster->history && cause <= DISRUPTION_UNKNOWN; cause++) {
            const char *name = disruption_cause_name((enum disruption_cause) cause);
            double at_seconds = last_eviction(cluster->history, name);
            if (at_seconds > 0) {
                EXPOSITION_ADD(exposition, at_seconds, OF_CLUSTER(cluster), {"cause", name});
            }
        }
    }
}

static void add_ages(struct exposition *exposition, const struct cluster *cluster, struct instant now)
{
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        if (server->live && server->heartbeat) {
            int64_t age_ms = now.monotonic_ms - server->heartbeat->renewed_ms;
            EXPOSITION_ADD(exposition, age_ms > 0 ? (double) age_ms / 1000 : 0, OF_CLUSTER(cluster),
                           {"pod", server->pod->meta.name});
        }
    }
}

static void add_states(struct exposition *exposition, const struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->server_count; i++) {
        const struct server *server = &cluster->servers[i];
        for (int state = HEARTBEAT_UNKNOWN; server->live && state <= HEARTBEAT_MISSING; state++) {
            EXPOSITION_ADD(exposition, (int) server->heartbeat_state == state ? 1 : 0, OF_CLUSTER(cluster),
                           {"pod", server->pod->meta.name},
                           {"state", heartbeat_state_name((enum heartbeat_state) state)});
        }
    }
}

static void add_heartbeats(struct exposition *exposition, const struct figures *figures, struct instant now)
{
    exposition_family(exposition, "proget_heartbeat_age_seconds", EXPOSITION_GAUGE,
                      "Time since the operator saw the sidecar of a live server renew its Lease, on the operator's own "
                      "clock." LEADER_ONLY);
    for (size_t i = 0; i < figures->count; i++) {
        add_ages(exposition, figures->items[i].cluster, now);
    }
    exposition_family(exposition, "proget_heartbeat_state", EXPOSITION_GAUGE,
                      "1 for the state of a live server's heartbeat, 0 for the others." LEADER_ONLY);
    for (size_t i = 0; i < figures->count; i++) {
        add_states(exposition, figures->items[i].cluster);
    }
}

void cluster_metrics_add(struct exposition *exposition, const struct figures *figures, struct instant now)
{
    add_servers(exposition, figures);
    add_findings(exposition, figures);
    add_evictions(exposition, figures);
    add_heartbeats(exposition, figures, now);
}
