/*
 * The model: everything that is known, as typed objects, and the clusters that follow from it.
 *
 * It owns one store per kind; watches or offline input fill them. It knows no HTTP. model_assemble() joins the
 * stores into clusters; the result borrows from the stores and is thrown away before they change again.
 */
#ifndef PROGET_MODEL_MODEL_H
#define PROGET_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "proget/core/clock.h"
#include "proget/core/store.h"
#include "proget/model/cluster_resource.h"
#include "proget/model/history.h"
#include "proget/model/node_load.h"
#include "proget/model/objects.h"
#include "proget/model/product.h"
#include "proget/model/report.h"
#include "proget/model/restarts.h"

enum model_kind {
    MODEL_PODS,
    MODEL_NODES,
    MODEL_LEASES,
    MODEL_PRIORITY_CLASSES,
    MODEL_STATEFUL_SETS,
    MODEL_DEPLOYMENTS,
    MODEL_REPLICA_SETS,
    MODEL_DAEMON_SETS,
    MODEL_SERVICES,
    MODEL_CLUSTERS,
    MODEL_EVENTS_FAILED_CREATE,
    MODEL_EVENTS_EVICTED,
    MODEL_EVENTS_PREEMPTED,
    MODEL_EVENTS_TAINT,
    MODEL_EVENTS_FAILED_MOUNT,
    MODEL_EVENTS_FAILED_ATTACH,
    MODEL_CLAIMS,
    MODEL_DISRUPTION_BUDGETS,
    MODEL_AUTOSCALERS,
    MODEL_VERTICAL_AUTOSCALERS, /* may not be installed */
    MODEL_SCALED_OBJECTS,       /* may not be installed */
    MODEL_NODE_METRICS,         /* may not be installed; cannot be watched */
    MODEL_SECRETS,              /* offline only */
    MODEL_KIND_COUNT,
};

/* What a kind is on the wire: enough for a reflector and for offline input. */
struct model_kind_info {
    const char *group, *version, *plural, *kind; /* "apps", "v1", "statefulsets", "StatefulSet" */
    bool namespaced;
    bool watched;               /* false: offline only, unless polled */
    const char *label_selector; /* NULL: none */
    const char *field_selector;
    const struct record_type *type;
    bool is_extension;         /* an API server without it is complete: then there are none */
    const char *older_version; /* whose objects have the same members, as far as they are read; NULL: none */
    bool is_polled;            /* the API lists it and cannot watch it */
    const char *title;         /* for people, where the plural would be taken for another kind's; NULL: the plural */
    bool is_of_application;    /* belongs to an application's own manifests: none in an offline input means none */
};
const struct model_kind_info *model_kind_info(enum model_kind kind);
/* "pods", "nodes.metrics.k8s.io": what messages call the kind. Static. */
const char *model_kind_title(enum model_kind kind);
/*
 * The kind that an offline object of this apiVersion and kind goes to; MODEL_KIND_COUNT when the model reads none. All
 * Events go to MODEL_EVENTS_FAILED_CREATE then: readers of any of them go by event->reason, not by the store.
 */
enum model_kind model_kind_of(const char *api_version, const char *kind);

struct model_options {
    bool offline;        /* kinds without a single object in the input are not observed, except is_of_application */
    bool whole;          /* offline: the input is all that a cluster holds, so that a kind without objects has none */
    bool no_pod_ignores; /* annotations of pods and templates leave nothing out */
    bool discover;       /* imply clusters of workloads that no ProGetCluster selects */
    bool is_restricted;  /* only some namespaces are looked at: what other pods take of a node is not known */
};

struct model;
struct model *model_new(const struct model_options *options);
void model_free(struct model *model); /* NULL is allowed */
const struct model_options *model_options(const struct model *model);

/* Owned by the model; fill it with store_upsert() or a reflector. */
struct store *model_store(struct model *model, enum model_kind kind);
const struct store *model_read(const struct model *model, enum model_kind kind);

/*
 * A kind that may not be read, or is not there. `why` (copied) NULL: observed. Offline it follows from the input, of
 * which extensions are no lack.
 */
void model_set_unobserved(struct model *model, enum model_kind kind, const char *why);
/* NULL: observed; else one clause saying why not. Borrowed. */
const char *model_unobserved(const struct model *model, enum model_kind kind);

/* The workload at the top of the pod's chain of controllers; NULL: none, or none that is at hand. Borrowed. */
const struct workload *model_workload_of_pod(const struct model *model, const struct pod *pod);

/* An extension that the API server does not have: it is observed that there are none. Never told: it has all. */
void model_set_missing(struct model *model, enum model_kind kind, bool is_missing);
bool model_is_missing(const struct model *model, enum model_kind kind);

/*
 * Leases cannot be seen for a while (the watch is behind), or can again: the clock of staleness stands still meanwhile,
 * for neither could the sidecars renew. Repeats are no change.
 */
void model_set_behind(struct model *model, bool is_behind, struct instant now);

/*
 * Whoever could write to the API server until `until` was served, and has been seen. A heartbeat is called stale only
 * when its time had run out by then: a server that does not answer for a moment looks like silence of the sidecars.
 * Never told: each moment counts as served.
 */
void model_set_served(struct model *model, struct instant until);

/* Nobody was served from `since` until `until`: that time does not count against a heartbeat. */
void model_skip_time(struct model *model, struct instant since, struct instant until);

/* True once since the last call when something changed that can change a cluster or a finding. */
bool model_take_changed(struct model *model);

/*
 * True once since the last call when what the nodes bear changed: requests of pods in whatever namespace, measured
 * usage. Such changes are many, and each matters little: they are no change in the sense of the above.
 */
bool model_take_load_changed(struct model *model);
/* What the pods on each node request. Borrowed; valid until a store changes. */
const struct node_load *model_node_load(const struct model *model);

/* What is known of a Lease beyond its record: the parsed report, and when this process saw it renewed. */
struct heartbeat {
    struct report report;
    bool has_report;
    char *report_problem; /* why the report is unusable; NULL otherwise */
    int64_t renewed_ms;   /* monotonic: when the last renewal was seen; when the Lease was first seen, if none was */
    bool renewed_since_start; /* a renewal was seen by this process */
};

enum heartbeat_state { HEARTBEAT_UNKNOWN, HEARTBEAT_FRESH, HEARTBEAT_STALE, HEARTBEAT_MISSING };
const char *heartbeat_state_name(enum heartbeat_state state); /* "Unknown", "Fresh", ... */

/* One pod of a cluster. All borrowed. */
struct server {
    const struct store_entry *entry;
    const struct pod *pod;
    bool live;                                 /* not terminating, not finished, not owned by a Job */
    const struct workload *workload;           /* top of the chain of controllers; NULL: none known */
    const char *workload_kind, *workload_name; /* the top's, also where it is of an unknown kind; NULL: none */
    const struct container *product;           /* NULL: none is the product's */
    const struct container *sidecar;           /* NULL: none */
    const struct node *node;                   /* NULL: not scheduled, or nodes not observed */
    const struct lease *lease;                 /* of this pod's uid; NULL: none */
    const struct lease *foreign_lease;         /* under the name of this pod's, of another uid: counts for nothing */
    const struct heartbeat *heartbeat;         /* NULL: none */
    enum heartbeat_state heartbeat_state;
    /* Restarts of the two containers as seen by this process; NULL: none seen */
    const struct restart_memory *product_restarts, *sidecar_restarts;
    int64_t stale_after_ms; /* what it is held against: the cluster's setting, else the Lease's, else the default */
    const struct report *report; /* only while the heartbeat is fresh; NULL otherwise */
};

/*
 * Its pod was deleted, its containers had begun and have not been seen to end, and its node cannot tell what became of
 * them.
 */
bool server_end_is_unconfirmed(const struct server *server);

/* What the checks of specs look at: each live pod, or the template of a workload that has none. */
struct subject {
    const struct object_meta *meta; /* of the pod or the workload */
    const char *api_version, *kind; /* "v1", "Pod"; "apps/v1", "StatefulSet" */
    const struct pod_spec *spec;
    const struct record_list *labels, *annotations; /* of the pod or template */
    const struct container *product, *sidecar;      /* as above */
    const struct server *server;                    /* NULL: a template */
    const struct workload *workload;                /* may be NULL */
    int64_t servers;                                /* how many it stands for: 1, or the template's replicas */
};

struct cluster_settings { /* every default resolved */
    int64_t interval_ms, stale_after_ms, web_stale_after_ms;
    int64_t max_servers, messenger_port;
    const char *internet_access; /* Auto, Allowed, Blocked */
    const char *activation_host, *topology_key;
};

struct cluster {
    const char *namespace_name, *name;              /* never NULL; namespace "" where a manifest names none */
    const struct cluster_resource *resource;        /* NULL: implied by its workloads */
    bool discovered;                                /* written by the operator itself */
    const struct cluster_resource *superseded_by;   /* a user's ProGetCluster that took its pods; else NULL */
    const struct cluster_resource *const *overlaps; /* user-written ones that select a pod of this one or vice versa */
    size_t overlap_count;
    enum product product;
    struct cluster_settings settings;
    struct server *servers; /* in the order of their names; the ones that are not live too */
    size_t server_count, live_count;
    size_t servers_dropped; /* pods over BOUND_SERVERS_PER_CLUSTER, left out */
    struct subject *subjects;
    size_t subject_count;
    const struct workload **workloads; /* tops of the chains, in the order of their names */
    size_t workload_count;
    int64_t intended; /* spec.servers, else the sum of the workloads' replicas, else the live servers */
    struct record_optional_int64 replicas; /* what its workloads want together; not set: not all of them are known */
    bool rollout_under_way;
    struct json_object *implied_spec; /* implied only: the spec (product, selector) to declare it with; owned; NULL
                                         where no selector selects it, such as for a bare pod without labels */
    const struct history *history;    /* NULL: none yet, and offline */
    bool is_offline;
};

struct cluster_list {
    struct cluster *items;
    size_t count;
    void *arena; /* what the clusters own; private */
};

/* History of a declared cluster, loaded from its status when first asked for; owned by the model. */
struct history *model_history(struct model *model, const struct cluster_resource *resource);
/* Who did not lead for a while begins anew with what the statuses say: another one may have moved them on. */
void model_forget_histories(struct model *model);

/* The node of that name is there, is the one of that uid (NULL: any), and is unreachable (node_is_unreachable()). */
bool model_node_is_unreachable(const struct model *model, const char *name, const char *uid);

/*
 * Joins. Clusters in the order of namespace and name; each pod belongs to at most one: a user's ProGetCluster beats a
 * discovered one, then the older one wins, then the first by name. *ret_clusters is freed with cluster_list_free()
 * before any store changes.
 */
void model_assemble(struct model *model, struct instant now, struct cluster_list *ret_clusters);
void cluster_list_free(struct cluster_list *clusters);

#endif
