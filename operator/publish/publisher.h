/*
 * From the model to what users see: assembles the clusters, evaluates them, and keeps statuses, annotations, Events
 * and the sidecars' settings as they follow from that. Writes only what differs.
 */
#ifndef OPERATOR_PUBLISH_PUBLISHER_H
#define OPERATOR_PUBLISH_PUBLISHER_H

#include "basis.h"
#include "proget/kube/client.h"
#include "proget/model/model.h"
#include "publish/figures.h"

struct publisher;

struct publisher_options {
    struct kube_client *client;   /* borrowed */
    struct model *model;          /* borrowed */
    const char *instance;         /* reportingInstance of Events; copied */
    struct basis_source versions; /* how far the model's copies go */
    /* Something was acknowledged: call publisher_run() again soon. */
    void (*on_progress)(void *userdata);
    void *userdata;
    struct tally *tally; /* where writes are counted; borrowed; NULL: nowhere */
};

struct publisher *publisher_new(const struct publisher_options *options);
/* Requests under way are cancelled. NULL is allowed. */
void publisher_free(struct publisher *publisher);

/* One evaluation of everything. Returns the monotonic time of the next one even if nothing changes (INT64_MAX: none).
 */
int64_t publisher_run(struct publisher *publisher, struct instant now);

/* The server answers again after a silence: whatever failed meanwhile is tried again now, or by the next run. */
void publisher_hurry(struct publisher *publisher);

/* For the metrics. Freed with figures_clear() before the loop goes on. */
void publisher_figures(struct publisher *publisher, struct instant now, struct figures *ret_figures);

/* Writes wished for or under way. */
size_t publisher_pending(const struct publisher *publisher);

#endif
