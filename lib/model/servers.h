/*
 * One pod as a server of a cluster.
 */
#ifndef PROGET_MODEL_SERVERS_H
#define PROGET_MODEL_SERVERS_H

#include "proget/model/model.h"
#include "workloads.h"

enum { STALE_AFTER_DEFAULT_S = 300 };

/*
 * The product's container: `wanted` (may be NULL) by name, else by image, else by variables; `preferred` goes before
 * the other products. The sidecar, which has the key's variable too, is never it. *ret_product (may be NULL) is set
 * where image or variables tell. NULL: none.
 */
const struct container *product_container(const struct pod_spec *spec, const char *wanted, enum product preferred,
                                          enum product *ret_product);
/* Named proget-sidecar or of such an image, among init containers too; NULL: none. */
const struct container *sidecar_container(const struct pod_spec *spec);

/* Fills in all of it. `cluster` has its resource, product, settings and history by then. */
void server_fill(struct model *model, const struct cluster *cluster, const struct store_entry *entry,
                 const struct workload_top *top, struct instant now, struct server *ret_server);

#endif
